// The tag list, page by page.
#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/escape.h"
#include "base/json.h"
#include "base/try.h"
#include "registry/fields.h"
#include "registry/repository.h"

namespace davit::registry {
namespace {

constexpr std::uint64_t kPageLimit = 4u << 20;
constexpr int kMostPages = 10'000;

Result<std::vector<std::string>> parse_page(const std::string& body) {
  DAVIT_TRY(const auto document, parse_json(body, {.bytes = kPageLimit}));
  if (!document.is_object()) return make_error(Errc::protocol, "not a tag list");
  std::vector<std::string> tags;
  const auto list = document.find("tags");
  if (list == document.end() || list->is_null()) return tags;
  if (!list->is_array()) return make_error(Errc::protocol, "not a tag list");
  for (const auto& each : *list) {
    if (!each.is_string()) return make_error(Errc::protocol, "a tag that is not text");
    tags.push_back(each.get<std::string>());
  }
  return tags;
}

}  // namespace

/// Where a list goes on, within the registry only (row 13).
Result<std::optional<net::Url>> Repository::next_page(const Purpose& why, const Answer& answer) const {
  std::string next;
  for (const std::string& link : answer.headers.all("Link")) {
    if (next.empty()) next = parse_next_link(link);
  }
  if (next.empty()) return std::optional<net::Url>();
  auto target = answer.url.resolve(next);
  if (!target)
    return strange_answer(why, answer, Errc::protocol,
                          "a next page that cannot be used: " + target.error().message);
  if (!target->same_origin(registry_.base()))
    return strange_answer(why, answer, Errc::denied,
                          "the next page is on another host: " + target->redacted());
  return std::optional(*std::move(target));
}

Result<std::vector<std::string>> Repository::tags(std::size_t most, const CallContext& context) {
  const Purpose why = purpose("list tags", "");
  std::vector<std::string> all;
  const std::uint64_t page_size = std::min<std::uint64_t>(registry_.quirks().page_size, most);
  net::Url page = url("tags/list").with_query("n", std::to_string(page_size));
  for (int count = 0; count < kMostPages; ++count) {
    const Call call{.request = {.method = "GET", .url = page, .answer_limit = kPageLimit}, .scope = scope()};
    DAVIT_TRY(const Answer answer, registry_.wire().send(why, call, context));
    if (answer.status != 200) return answer_error(why, answer);
    if (is_html(answer.headers, answer.body))
      return strange_answer(why, answer, Errc::protocol, "not a registry's answer but a web page");
    auto tags = parse_page(answer.body);
    if (!tags) return failed(why, tags.error(), answer.attempts);
    all.insert(all.end(), tags->begin(), tags->end());
    if (all.size() > most) all.resize(most);
    DAVIT_TRY(const std::optional<net::Url> next, next_page(why, answer));
    if (!next || all.size() == most) return all;
    page = *next;
  }
  return make_error(Errc::protocol, why.text + ": pages without end").on(why.side);
}

}  // namespace davit::registry
