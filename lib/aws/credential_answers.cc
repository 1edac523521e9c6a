#include "aws/credential_answers.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "aws/timestamps.h"
#include "aws/xml_fields.h"
#include "base/ascii.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/json.h"
#include "base/try.h"

namespace davit::aws {
namespace {

using nlohmann::json;
using std::chrono::system_clock;

constexpr JsonLimits kLimits{.bytes = 256u << 10, .depth = 16, .values = 1000};
/// Longer than any token that AWS gives out.
constexpr std::size_t kLongestText = 64u << 10;

bool is_header_text(std::string_view text) {
  return text.size() <= kLongestText && std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

Error malformed(const std::string& source, const std::string& why) {
  return make_error(Errc::protocol, source + ": " + why);
}

Result<json> object_of(std::string_view text, const std::string& source) {
  auto document = parse_json(text, kLimits);
  if (!document || !document->is_object()) return malformed(source, "its answer is not a JSON object");
  return document;
}

/// Adds the end of the credentials, when there is one.
Result<Credentials> with_end(Credentials credentials, const std::string& end) {
  if (end.empty()) return credentials;
  credentials.expires = parse_iso8601(end);
  if (!credentials.expires)
    return malformed(credentials.source, "it says an end of the credentials that is no date");
  return credentials;
}

/// A whole number of seconds or milliseconds since 1970; empty when it is none, or absurd.
std::optional<std::int64_t> count_of(const json& object, const char* name, std::int64_t most) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number()) return {};
  const double value = found->get<double>();
  if (!(value >= 0) || value > static_cast<double>(most)) return {};
  return static_cast<std::int64_t>(value);
}

/// Programs and metadata services use the same names, but for the session token's.
Result<Credentials> credentials_in(const json& document, const char* token, const std::string& source) {
  DAVIT_TRY(Credentials credentials, make_credentials(json_text(document, "AccessKeyId"),
                                                      Secret(json_text(document, "SecretAccessKey")),
                                                      Secret(json_text(document, token)), source));
  credentials.account = json_text(document, "AccountId");
  return with_end(std::move(credentials), json_text(document, "Expiration"));
}

}  // namespace

Result<Credentials> make_credentials(std::string id, Secret secret, Secret session_token,
                                     std::string source) {
  if (id.empty() || secret.empty()) {
    return make_error(Errc::unauthenticated,
                      source + ": " +
                          (id.empty() ? "a secret access key without an access key id"
                                      : "an access key id without a secret access key"));
  }
  if (!is_header_text(id) || id.size() > 256 || id.find('/') != std::string::npos ||
      !is_header_text(session_token.reveal()) || secret.reveal().size() > kLongestText) {
    return make_error(Errc::corrupt,
                      source + ": an access key or session token with characters that none has");
  }
  return Credentials{
      .keys = {.id = std::move(id), .secret = std::move(secret), .session_token = std::move(session_token)},
      .source = std::move(source)};
}

Result<Credentials> parse_process_answer(std::string_view text, const std::string& source) {
  DAVIT_TRY(const json document, object_of(text, source));
  const auto version = document.find("Version");
  if (version == document.end() || !version->is_number_integer() || *version != 1)
    return malformed(source, "its answer is not of version 1");
  return credentials_in(document, "SessionToken", source);
}

Result<Credentials> parse_metadata_answer(std::string_view text, const std::string& source) {
  DAVIT_TRY(const json document, object_of(text, source));
  const std::string code = json_text(document, "Code");
  if (!code.empty() && code != "Success") {
    return make_error(Errc::unauthenticated, source + ": " + escaped(code, 60) + ": " +
                                                 escaped(json_text(document, "Message"), 200));
  }
  return credentials_in(document, "Token", source);
}

Result<Credentials> parse_sso_answer(std::string_view text, const std::string& source) {
  DAVIT_TRY(const json document, object_of(text, source));
  const auto found = document.find("roleCredentials");
  if (found == document.end() || !found->is_object())
    return malformed(source, "there are no credentials in its answer");
  DAVIT_TRY(Credentials credentials,
            make_credentials(json_text(*found, "accessKeyId"), Secret(json_text(*found, "secretAccessKey")),
                             Secret(json_text(*found, "sessionToken")), source));
  const auto end = count_of(*found, "expiration", 7'000'000'000'000);  // milliseconds; the year 2191
  if (!end) return malformed(source, "its answer does not say when the credentials end");
  credentials.expires = system_clock::time_point(std::chrono::milliseconds(*end));
  return credentials;
}

Result<Credentials> parse_sts_answer(std::string_view text, const std::string& source) {
  DAVIT_TRY(Credentials credentials,
            make_credentials(xml_field(text, "AccessKeyId"), Secret(xml_field(text, "SecretAccessKey")),
                             Secret(xml_field(text, "SessionToken")), source));
  const std::string end = xml_field(text, "Expiration");
  if (end.empty()) return malformed(source, "its answer does not say when the credentials end");
  // arn:aws:sts::123456789012:assumed-role/...
  std::string_view arn_rest;
  const std::string arn = xml_field(text, "Arn");
  arn_rest = arn;
  for (int colons = 0; colons < 4 && !arn_rest.empty(); ++colons)
    arn_rest.remove_prefix(std::min(arn_rest.find(':'), arn_rest.size() - 1) + 1);
  const std::string_view account = arn_rest.substr(0, arn_rest.find(':'));
  if (account.size() == 12 && std::ranges::all_of(account, is_digit)) credentials.account = account;
  return with_end(std::move(credentials), end);
}

Result<SsoToken> parse_sso_token(std::string_view text) {
  const std::string source = "SSO token cache";
  DAVIT_TRY(const json document, object_of(text, source));
  const auto expires = parse_iso8601(json_text(document, "expiresAt"));
  SsoToken token{.access_token = Secret(json_text(document, "accessToken")),
                 .expires = expires.value_or(system_clock::time_point()),
                 .client_id = json_text(document, "clientId"),
                 .client_secret = Secret(json_text(document, "clientSecret")),
                 .refresh_token = Secret(json_text(document, "refreshToken")),
                 .registration_expires = parse_iso8601(json_text(document, "registrationExpiresAt"))};
  if (!expires || token.access_token.empty() || !is_header_text(token.access_token.reveal()))
    return malformed(source, "there is no token in it");
  return token;
}

std::string renewed_sso_token(std::string_view old, const SsoToken& token) {
  json document = json::parse(old);
  document["accessToken"] = token.access_token.reveal();
  document["expiresAt"] = format_iso8601(token.expires);
  if (!token.refresh_token.empty()) document["refreshToken"] = token.refresh_token.reveal();
  return document.dump();
}

std::string sso_renewal_request(const SsoToken& token) {
  const json document = {{"clientId", token.client_id},
                         {"clientSecret", token.client_secret.reveal()},
                         {"grantType", "refresh_token"},
                         {"refreshToken", token.refresh_token.reveal()}};
  return document.dump();
}

Result<SsoRenewal> parse_sso_renewal(std::string_view text) {
  const std::string source = "SSO token service";
  DAVIT_TRY(const json document, object_of(text, source));
  const auto lifetime = count_of(document, "expiresIn", 34'560'000);  // 400 days
  SsoRenewal renewal{.access_token = Secret(json_text(document, "accessToken")),
                     .lifetime = std::chrono::seconds(lifetime.value_or(0)),
                     .refresh_token = Secret(json_text(document, "refreshToken"))};
  if (!lifetime || renewal.access_token.empty() || !is_header_text(renewal.access_token.reveal()))
    return malformed(source, "there is no token in its answer");
  return renewal;
}

Result<Secret> parse_id_token(std::string_view text) {
  const std::string source = "GitHub's token service";
  DAVIT_TRY(const json document, object_of(text, source));
  Secret token(json_text(document, "value"));
  if (token.empty() || !is_header_text(token.reveal()))
    return malformed(source, "there is no token in its answer");
  return token;
}

}  // namespace davit::aws
