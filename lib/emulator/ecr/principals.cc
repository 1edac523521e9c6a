#include "emulator/ecr/principals.h"

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "crypto/base64.h"
#include "crypto/hmac.h"
#include "emulator/ecr/place.h"
#include "emulator/ecr/seal.h"
#include "emulator/sigv4_check.h"

namespace davit::emulator {
namespace {

constexpr std::string_view kSessionTokens = "emulated session tokens";

using std::chrono::seconds;

constexpr std::string_view kUserPrefix = "AKIA";
constexpr std::string_view kSessionPrefix = "ASIA";
constexpr std::size_t kKeyIdSize = 20;

std::string secret_of(std::string_view key_id) {
  return crypto::base64_encode(crypto::hmac_sha256("emulated secret access keys", key_id)).substr(0, 40);
}

bool is_account(std::string_view text) {
  return text.size() == 12 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::string upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

}  // namespace

std::string partition_name(std::string_view region) {
  if (region.starts_with("cn-")) return "aws-cn";
  if (region.starts_with("us-gov-")) return "aws-us-gov";
  if (region.starts_with("us-isob-")) return "aws-iso-b";
  if (region.starts_with("us-isof-")) return "aws-iso-f";
  if (region.starts_with("us-iso-")) return "aws-iso";
  if (region.starts_with("eu-isoe-")) return "aws-iso-e";
  if (region.starts_with("eusc-")) return "aws-eusc";
  return "aws";
}

std::string repository_arn(const Place& place, std::string_view repository) {
  return "arn:" + partition_name(place.region) + ":ecr:" + place.region + ":" + place.account +
         ":repository/" + std::string(repository);
}

Principal account_user(std::string_view region, std::string_view account) {
  const std::string key_id = std::string(kUserPrefix) + "EMUL" + std::string(account);
  return {.key_id = key_id,
          .secret = secret_of(key_id),
          .arn = "arn:" + partition_name(region) + ":iam::" + std::string(account) + ":user/emulator",
          .user_id = "AIDAEMUL" + std::string(account),
          .account = std::string(account)};
}

std::optional<Principal> assume(std::string_view role_arn, std::string_view session_name,
                                Principal::Time expires, std::string_view distinction) {
  // arn:aws:iam::123456789012:role/path/name
  constexpr std::string_view kService = ":iam::";
  const auto at = role_arn.find(kService);
  if (!role_arn.starts_with("arn:") || at == std::string_view::npos) return std::nullopt;
  const std::string partition(role_arn.substr(4, at - 4));
  const auto rest = role_arn.substr(at + kService.size());
  const std::string account(rest.substr(0, rest.find(':')));
  constexpr std::string_view kRole = ":role/";
  if (!is_account(account) || !rest.substr(account.size()).starts_with(kRole)) return std::nullopt;
  const auto path = rest.substr(account.size() + kRole.size());
  const std::string role(path.substr(path.rfind('/') + 1));
  if (role.empty()) return std::nullopt;

  const std::string id = upper(
      sha256_hex(std::string(role_arn) + "\n" + std::string(session_name) + "\n" + std::string(distinction)));
  Principal session{
      .key_id = std::string(kSessionPrefix) + id.substr(0, kKeyIdSize - kSessionPrefix.size()),
      .secret = "",
      .expires = expires,
      .arn =
          "arn:" + partition + ":sts::" + account + ":assumed-role/" + role + "/" + std::string(session_name),
      .user_id = "AROA" + upper(sha256_hex(role_arn)).substr(0, 16) + ":" + std::string(session_name),
      .account = account};
  session.secret = secret_of(session.key_id);
  const nlohmann::json payload = {
      {"key", session.key_id},
      {"arn", session.arn},
      {"user", session.user_id},
      {"account", session.account},
      {"expires", std::chrono::duration_cast<seconds>(expires.time_since_epoch()).count()}};
  const std::string text = payload.dump();
  session.session_token = crypto::base64_encode(seal(kSessionTokens, text) + text);
  return session;
}

std::optional<Principal> find_principal(std::string_view region, std::string_view key_id,
                                        std::string_view session_token) {
  if (key_id.size() != kKeyIdSize) return std::nullopt;
  if (key_id.starts_with(kUserPrefix)) {
    const auto account = key_id.substr(kKeyIdSize - 12);
    Principal user = account_user(region, account);
    if (!is_account(account) || user.key_id != key_id || !session_token.empty()) return std::nullopt;
    return user;
  }
  const auto token = crypto::base64_decode(session_token);
  if (!token || token->size() < kSealSize) return std::nullopt;
  const std::string text = token->substr(kSealSize);
  if (!same_secret(token->substr(0, kSealSize), seal(kSessionTokens, text))) return std::nullopt;
  const auto payload = parse_json(text);  // sealed by us, so it has the members we wrote
  if (!payload || payload->at("key").get<std::string>() != key_id) return std::nullopt;
  return Principal{.key_id = std::string(key_id),
                   .secret = secret_of(key_id),
                   .session_token = std::string(session_token),
                   .expires = Principal::Time(seconds(payload->at("expires").get<std::int64_t>())),
                   .arn = payload->at("arn").get<std::string>(),
                   .user_id = payload->at("user").get<std::string>(),
                   .account = payload->at("account").get<std::string>()};
}

}  // namespace davit::emulator
