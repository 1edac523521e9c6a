#include "emulator/sigv4_check.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <utility>

#include <davit/digest.h>

#include "base/ascii.h"
#include "base/split.h"
#include "crypto/hmac.h"
#include "emulator/http_server.h"

namespace davit::emulator {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kEnd = "aws4_request";

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// As they stand in the list of signed headers.
std::vector<std::string> names_in(std::string_view list) {
  const auto names = split(list, ';');
  return {names.begin(), names.end()};
}

/// KEYID/20260115/us-east-1/ecr/aws4_request
bool read_credential(std::string_view text, SigV4Claim& claim) {
  const auto parts = split(text, '/');
  if (parts.size() != 5 || parts[4] != kEnd) return false;
  claim.key_id = parts[0];
  claim.date = parts[1];
  claim.region = parts[2];
  claim.service = parts[3];
  return !claim.key_id.empty() && claim.date.size() == 8 && !claim.region.empty() && !claim.service.empty();
}

std::string canonical_path(std::string_view path, PathRule rule) {
  if (rule == PathRule::as_sent) return path.empty() ? "/" : std::string(path);
  std::vector<std::string> kept;
  for (const auto segment : split(path, '/')) {
    if (segment.empty() || segment == ".") continue;
    if (segment != "..") {
      kept.push_back(percent_encoded(segment));
    } else if (!kept.empty()) {
      kept.pop_back();
    }
  }
  std::string out;
  for (const auto& segment : kept) out += "/" + segment;
  if (out.empty() || path.ends_with('/')) out += "/";
  return out;
}

std::string canonical_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const auto part : split(query, '&')) {
    if (part.empty()) continue;
    const auto equals = part.find('=');
    std::string name = percent_encoded(percent_decoded(part.substr(0, equals)));
    std::string value =
        equals == std::string::npos ? "" : percent_encoded(percent_decoded(part.substr(equals + 1)));
    if (name != "X-Amz-Signature") pairs.emplace_back(std::move(name), std::move(value));
  }
  std::ranges::sort(pairs);
  std::string out;
  for (const auto& [name, value] : pairs) out += (out.empty() ? "" : "&") + name + "=" + value;
  return out;
}

/// Trimmed, and every run of white space in it one space.
std::string canonical_value(std::string_view value) {
  std::string out;
  for (const char c : trimmed(value)) {
    const bool space = c == ' ' || c == '\t';
    if (!space) {
      out += c;
    } else if (out.back() != ' ') {
      out += ' ';
    }
  }
  return out;
}

}  // namespace

std::string sha256_hex(std::string_view bytes) {
  return Digest::of(bytes).hex();
}

std::optional<SigV4Claim> parse_authorization(std::string_view header) {
  if (!header.starts_with(kAlgorithm)) return std::nullopt;
  header.remove_prefix(kAlgorithm.size());
  SigV4Claim claim;
  bool credential = false;
  for (const auto part : split(header, ',')) {
    const auto field = trimmed(part);
    const auto equals = field.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const auto name = field.substr(0, equals);
    const auto value = field.substr(equals + 1);
    if (name == "Credential") credential = read_credential(value, claim);
    if (name == "SignedHeaders") claim.signed_headers = names_in(value);
    if (name == "Signature") claim.signature = value;
  }
  if (!credential || claim.signed_headers.empty() || claim.signature.size() != 64) return std::nullopt;
  return claim;
}

std::optional<SigV4Claim> parse_presigned(std::string_view query) {
  SigV4Claim claim;
  bool algorithm = false;
  bool credential = false;
  for (const auto part : split(query, '&')) {
    const auto equals = part.find('=');
    const std::string name = percent_decoded(part.substr(0, equals));
    const std::string value = equals == std::string::npos ? "" : percent_decoded(part.substr(equals + 1));
    if (name == "X-Amz-Algorithm") algorithm = value == kAlgorithm;
    if (name == "X-Amz-Credential") credential = read_credential(value, claim);
    if (name == "X-Amz-SignedHeaders") claim.signed_headers = names_in(value);
    if (name == "X-Amz-Signature") claim.signature = value;
  }
  if (!algorithm || !credential || claim.signed_headers.empty() || claim.signature.empty())
    return std::nullopt;
  return claim;
}

std::optional<std::string> canonical_request(const SignedRequest& request,
                                             const std::vector<std::string>& signed_headers,
                                             std::string_view payload_hash, PathRule rule) {
  const auto question = request.target.find('?');
  const std::string_view path = std::string_view(request.target).substr(0, question);
  const std::string_view query =
      question == std::string::npos ? "" : std::string_view(request.target).substr(question + 1);
  std::string out = request.method + "\n" + canonical_path(path, rule) + "\n" + canonical_query(query) + "\n";
  std::string names;
  for (const auto& name : signed_headers) {
    std::string values;
    bool found = false;
    for (const auto& header : request.headers) {
      if (!same_but_case(header.name, name)) continue;
      values += (found ? "," : "") + canonical_value(header.value);
      found = true;
    }
    if (!found) return std::nullopt;
    out += name + ":" + values + "\n";
    names += (names.empty() ? "" : ";") + name;
  }
  return out + "\n" + names + "\n" + std::string(payload_hash);
}

std::string string_to_sign(const SigV4Claim& scope, std::string_view amz_date, std::string_view canonical) {
  return std::string(kAlgorithm) + "\n" + std::string(amz_date) + "\n" + scope.date + "/" + scope.region +
         "/" + scope.service + "/" + std::string(kEnd) + "\n" + sha256_hex(canonical);
}

std::string signature_of(std::string_view secret, const SigV4Claim& scope, std::string_view to_sign) {
  std::string key = crypto::hmac_sha256("AWS4" + std::string(secret), scope.date);
  key = crypto::hmac_sha256(key, scope.region);
  key = crypto::hmac_sha256(key, scope.service);
  key = crypto::hmac_sha256(key, kEnd);
  return crypto::hex(crypto::hmac_sha256(key, to_sign));
}

std::string presigned_query(std::string_view key_id, std::string_view secret, std::string_view region,
                            std::string_view host, std::string_view path, std::string_view amz_date,
                            std::chrono::seconds life) {
  const SigV4Claim scope{.key_id = std::string(key_id),
                         .date = std::string(amz_date.substr(0, 8)),
                         .region = std::string(region),
                         .service = "s3",
                         .signed_headers = {"host"},
                         .signature = ""};
  const std::string credential =
      scope.key_id + "/" + scope.date + "/" + scope.region + "/s3/" + std::string(kEnd);
  const std::string query = "X-Amz-Algorithm=" + std::string(kAlgorithm) +
                            "&X-Amz-Credential=" + percent_encoded(credential) +
                            "&X-Amz-Date=" + std::string(amz_date) +
                            "&X-Amz-Expires=" + std::to_string(life.count()) + "&X-Amz-SignedHeaders=host";
  const SignedRequest request{.method = "GET",
                              .target = std::string(path) + "?" + query,
                              .headers = {{"host", std::string(host)}},
                              .body = ""};
  const auto canonical =
      canonical_request(request, scope.signed_headers, "UNSIGNED-PAYLOAD", PathRule::as_sent);
  return query +
         "&X-Amz-Signature=" + signature_of(secret, scope, string_to_sign(scope, amz_date, *canonical));
}

std::optional<std::chrono::system_clock::time_point> parse_amz_date(std::string_view text) {
  std::tm parts{};
  const std::string copy(text);
  const char* end = copy.size() == 16 ? ::strptime(copy.c_str(), "%Y%m%dT%H%M%SZ", &parts) : nullptr;
  if (end == nullptr || *end != '\0') return std::nullopt;
  constexpr int kFirstYear = 1970 - 1900;
  constexpr int kLastYear = 2200 - 1900;  // the clock counts nanoseconds: it ends in 2262
  if (parts.tm_year < kFirstYear || parts.tm_year > kLastYear) return std::nullopt;
  return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

std::string amz_date(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &parts);
  return text.data();
}

bool same_secret(std::string_view a, std::string_view b) {
  unsigned char difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    difference |= static_cast<unsigned char>(a[i] ^ b[i]);
  }
  return difference == 0;
}

}  // namespace davit::emulator
