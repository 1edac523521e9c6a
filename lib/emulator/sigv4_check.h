#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "emulator/http_wire.h"

namespace davit::emulator {

/// The server's side of AWS Signature Version 4: builds what the client must have signed out of what has
/// arrived. Shares no code with the signer in lib/aws, so that a mistake there does not cancel itself out.

/// A request as it arrived.
struct SignedRequest {
  std::string method;
  std::string target;  ///< path and query, raw
  Headers headers;
  std::string body;
};

/// What an Authorization header, or the query of a presigned URL, says of itself.
struct SigV4Claim {
  std::string key_id;
  std::string date;  ///< "20260115"
  std::string region;
  std::string service;
  std::vector<std::string> signed_headers;
  std::string signature;
};
/// Nullopt for anything that is not a complete `AWS4-HMAC-SHA256 Credential=..., SignedHeaders=...,
/// Signature=...`.
std::optional<SigV4Claim> parse_authorization(std::string_view header);
/// The same of X-Amz-Credential, X-Amz-SignedHeaders and X-Amz-Signature.
std::optional<SigV4Claim> parse_presigned(std::string_view query);

/// How a path is made canonical: S3 takes it as it is, every other service normalises and encodes it again.
enum class PathRule { encoded_twice, as_sent };

/// Nullopt when a signed header is not there. A header of several values counts with all of them.
/// X-Amz-Signature is left out of the query.
std::optional<std::string> canonical_request(const SignedRequest& request,
                                             const std::vector<std::string>& signed_headers,
                                             std::string_view payload_hash, PathRule rule);

std::string string_to_sign(const SigV4Claim& scope, std::string_view amz_date, std::string_view canonical);
/// The signature that belongs to it: lower-case hex.
std::string signature_of(std::string_view secret, const SigV4Claim& scope, std::string_view to_sign);

/// The query of a URL that is its own permission, for one GET of `path` on `host` (V8 of S3's form).
std::string presigned_query(std::string_view key_id, std::string_view secret, std::string_view region,
                            std::string_view host, std::string_view path, std::string_view amz_date,
                            std::chrono::seconds life);

/// Lower-case hex of SHA-256.
std::string sha256_hex(std::string_view bytes);

/// "20260115T120000Z"; nullopt when it is not that.
std::optional<std::chrono::system_clock::time_point> parse_amz_date(std::string_view text);
std::string amz_date(std::chrono::system_clock::time_point time);

/// Compares secrets without saying, by the time it takes, where they differ.
bool same_secret(std::string_view a, std::string_view b);

}  // namespace davit::emulator
