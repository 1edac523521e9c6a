#include "auth/token_answer.h"

#include <algorithm>
#include <cmath>
#include <string>

#include <nlohmann/json.hpp>

#include "base/ascii.h"
#include "base/error.h"
#include "base/json.h"
#include "base/try.h"

namespace davit::auth {
namespace {

constexpr std::chrono::seconds kShortest{60};
constexpr std::chrono::seconds kLongestLife{24 * 3600};
constexpr std::size_t kLongestToken = 64u << 10;  // what goes into one header line

Error not_an_answer(const std::string& why) {
  return make_error(Errc::protocol, "not a token answer: " + why);
}

/// A token goes into a header as it is: visible ASCII only.
Result<Secret> token_field(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || found->is_null()) return Secret();
  if (!found->is_string()) return not_an_answer(std::string(name) + " is not a string");
  const std::string& text = found->get_ref<const std::string&>();
  const bool visible = std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
  if (!visible || text.size() > kLongestToken)
    return not_an_answer(std::string(name) + " does not fit into a header");
  return Secret(text);
}

std::chrono::seconds lifetime(const nlohmann::json& object) {
  const auto found = object.find("expires_in");
  if (found == object.end()) return kShortest;
  double value = 0;
  if (found->is_number()) {
    value = found->get<double>();
  } else if (found->is_string()) {
    const std::string& text = found->get_ref<const std::string&>();
    const bool digits = !text.empty() && text.size() < 19 && std::ranges::all_of(text, is_digit);
    if (digits) value = static_cast<double>(std::stoll(text));
  }
  if (!(value > static_cast<double>(kShortest.count()))) return kShortest;
  if (value > static_cast<double>(kLongestLife.count())) return kLongestLife;
  return std::chrono::seconds(static_cast<long>(value));
}

}  // namespace

Result<TokenAnswer> parse_token_answer(std::string_view body) {
  const auto document = parse_json(body, {.bytes = 1u << 20, .depth = 32, .values = 10'000});
  if (!document) return not_an_answer(body.empty() ? "it is empty" : document.error().message);
  if (!document->is_object()) return not_an_answer("it is not a JSON object");
  DAVIT_TRY(Secret access, token_field(*document, "access_token"));
  DAVIT_TRY(Secret plain, token_field(*document, "token"));
  TokenAnswer answer;
  answer.token = access.empty() ? std::move(plain) : std::move(access);
  if (answer.token.empty()) return not_an_answer("there is no token in it");
  answer.lifetime = lifetime(*document);
  answer.lifetime_stated = document->contains("expires_in");
  DAVIT_TRY(answer.refresh_token, token_field(*document, "refresh_token"));
  return answer;
}

}  // namespace davit::auth
