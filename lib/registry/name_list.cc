// Lists of names, page by page.
#include "registry/name_list.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json.h"
#include "base/try.h"
#include "registry/fields.h"

namespace davit::registry {
namespace {

constexpr std::uint64_t kPageLimit = 4u << 20;
constexpr int kMostPages = 10'000;

Result<std::vector<std::string>> parse_page(const std::string& body, const char* member) {
  DAVIT_TRY(const auto document, parse_json(body, {.bytes = kPageLimit}));
  const std::string what = std::string("not a list of ") + member;
  if (!document.is_object()) return make_error(Errc::protocol, what);
  std::vector<std::string> names;
  const auto list = document.find(member);
  // An empty list may be null, and with its repository be left out. Without that it is an answer of another
  // kind, and nobody may take it for the end of what there is.
  if (list == document.end() && !document.contains("name")) return make_error(Errc::protocol, what);
  if (list == document.end() || list->is_null()) return names;
  if (!list->is_array()) return make_error(Errc::protocol, what);
  for (const auto& each : *list) {
    if (!each.is_string()) return make_error(Errc::protocol, what + ": an entry that is not text");
    names.push_back(each.get<std::string>());
  }
  return names;
}

}  // namespace

Result<std::optional<net::Url>> next_page(const Registry& registry, const Purpose& why,
                                          const Answer& answer) {
  std::string next;
  for (const std::string& link : answer.headers.all("Link")) {
    if (next.empty()) next = parse_next_link(link);
  }
  if (next.empty()) return std::optional<net::Url>();
  auto target = answer.url.resolve(next);
  if (!target)
    return strange_answer(why, answer, Errc::protocol,
                          "a next page that cannot be used: " + target.error().message);
  if (!target->same_origin(registry.base()))
    return strange_answer(why, answer, Errc::denied,
                          "the next page is on another host: " + target->redacted());
  return std::optional(*std::move(target));
}

Result<> read_names(Registry& registry, const Purpose& why, const NameList& list, const NamePage& each_page,
                    const CallContext& context) {
  net::Url page = list.first;
  for (int count = 0; count < kMostPages; ++count) {
    const Call call{.request = {.method = "GET", .url = page, .answer_limit = kPageLimit},
                    .scope = list.scope};
    DAVIT_TRY(const Answer answer, registry.wire().send(why, call, context));
    if (answer.status != 200) return answer_error(why, answer);
    if (is_html(answer.headers, answer.body))
      return strange_answer(why, answer, Errc::protocol, "not a registry's answer but a web page");
    auto names = parse_page(answer.body, list.member);
    if (!names) return failed(why, names.error(), answer.attempts);
    DAVIT_TRY(const bool more, each_page(*std::move(names)));
    if (!more) return {};
    DAVIT_TRY(std::optional<net::Url> next, next_page(registry, why, answer));
    if (!next) return {};
    if (next->text() == page.text())
      return strange_answer(why, answer, Errc::protocol, "a page that is followed by itself");
    page = *std::move(next);
  }
  return make_error(Errc::protocol, why.text + ": pages without end").on(why.side);
}

Result<> read_catalog(Registry& registry, const NamePage& each_page, const CallContext& context) {
  const Purpose why{"list the repositories of " + registry.host(), Side::source, &registry.quirks()};
  const NameList list{.first = registry.base()
                                   .with_path("/v2/_catalog")
                                   .with_query("n", std::to_string(registry.quirks().page_size)),
                      .scope = {},
                      .member = "repositories"};
  auto read = read_names(registry, why, list, each_page, context);
  if (read || !read.error().http) return read;
  const int status = read.error().http->status;
  if (status != 404 && status != 405 && status != 501) return read;
  Error error = read.error();
  error.code = Errc::unsupported;
  if (error.hint.empty())
    error.hint = "this registry does not list its repositories; tags of one do: davit ls REGISTRY/REPOSITORY";
  return error;
}

}  // namespace davit::registry
