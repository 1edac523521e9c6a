#include "emulator/ecr/tokens.h"

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "crypto/base64.h"
#include "crypto/hmac.h"
#include "emulator/ecr/seal.h"
#include "emulator/sigv4_check.h"

namespace davit::emulator {
namespace {

constexpr std::string_view kRegistryTokens = "emulated registry tokens";
constexpr std::size_t kPadding = 1200;

}  // namespace

std::string write_token(const RegistryToken& token) {
  const auto expires =
      std::chrono::duration_cast<std::chrono::seconds>(token.expires.time_since_epoch()).count();
  const nlohmann::json claims = {{"account", token.account},
                                 {"region", token.region},
                                 {"arn", token.arn},
                                 {"public", token.for_public},
                                 {"padding", std::string(kPadding, 'p')}};
  const std::string payload = crypto::base64_encode(claims.dump());
  const nlohmann::json outer = {{"payload", payload},
                                {"datakey", seal(kRegistryTokens, payload + std::to_string(expires))},
                                {"version", "2"},
                                {"type", "DATA_KEY"},
                                {"expiration", expires}};
  return crypto::base64_encode(outer.dump());
}

std::optional<RegistryToken> read_token(std::string_view password) {
  const auto text = crypto::base64_decode(password);
  if (!text) return std::nullopt;
  const auto outer = parse_json(*text);
  if (!outer || !outer->is_object()) return std::nullopt;
  for (const char* name : {"payload", "datakey"}) {
    if (!outer->contains(name) || !outer->at(name).is_string()) return std::nullopt;
  }
  if (!outer->contains("expiration") || !outer->at("expiration").is_number_integer()) return std::nullopt;
  const auto payload = outer->at("payload").get<std::string>();
  const auto expires = outer->at("expiration").get<std::int64_t>();
  if (!same_secret(outer->at("datakey").get<std::string>(),
                   seal(kRegistryTokens, payload + std::to_string(expires)))) {
    return std::nullopt;
  }
  const auto claims = parse_json(crypto::base64_decode(payload).value_or(""));
  if (!claims) return std::nullopt;
  return RegistryToken{.account = claims->at("account").get<std::string>(),
                       .region = claims->at("region").get<std::string>(),
                       .arn = claims->at("arn").get<std::string>(),
                       .for_public = claims->at("public").get<bool>(),
                       .expires = std::chrono::system_clock::time_point(std::chrono::seconds(expires))};
}

}  // namespace davit::emulator
