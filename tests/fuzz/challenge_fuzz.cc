#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "auth/challenge.h"
#include "auth/realm.h"
#include "auth/scopes.h"

/// WWW-Authenticate: one field value per line.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::string> values(1);
  for (std::size_t i = 0; i < size; ++i) {
    if (data[i] == '\n') {
      values.emplace_back();
    } else {
      values.back() += static_cast<char>(data[i]);
    }
  }
  const auto challenges = davit::auth::parse_challenges(values);
  if (challenges.size() > 64) std::abort();
  const auto chosen = davit::auth::choose_challenge(challenges);
  if (!chosen) return 0;
  static const auto registry = *davit::net::Url::parse("https://r.example.com/");
  const auto realm = davit::auth::judge_realm(registry, chosen->get("realm"), {});
  if (realm && !realm->url.secure()) std::abort();
  if (davit::auth::further_scopes(chosen->get("scope"), {"repository:a:pull"}).size() > 4) std::abort();
  return 0;
}
