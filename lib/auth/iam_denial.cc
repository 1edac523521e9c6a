#include "auth/iam_denial.h"

#include <algorithm>

#include "base/escape.h"

namespace davit::auth {
namespace {

constexpr std::size_t kLongestArn = 300;

/// The word behind `label`; empty when it is not there.
std::string word_after(std::string_view text, std::string_view label) {
  const auto at = text.find(label);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + label.size());
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  std::string word = escaped(text.substr(0, text.find_first_of(" ,;")), kLongestArn);
  while (word.ends_with('.')) word.pop_back();
  return word;
}

}  // namespace

std::string IamDenial::text() const {
  return action + " is not allowed" + (resource.empty() ? "" : " on " + resource) +
         (who.empty() ? "" : " for " + who);
}

std::string IamDenial::hint() const {
  return "allow " + action + (resource.empty() ? "" : " on " + resource) +
         " in IAM or the repository's policy";
}

std::optional<IamDenial> parse_iam_denial(std::string_view text) {
  const auto verb = text.find("is not authorized to perform");
  if (verb == std::string_view::npos) return {};
  IamDenial out{.who = word_after(text.substr(0, verb), "User:"),
                .action = word_after(text.substr(verb), "perform:"),
                .resource = word_after(text.substr(verb), "on resource:")};
  if (out.action.empty()) return {};
  return out;
}

}  // namespace davit::auth
