#include "emulator/ecr/signature_gate.h"

#include <algorithm>

#include "base/ascii.h"
#include "emulator/ecr/refusal.h"
#include "emulator/sigv4_check.h"

namespace davit::emulator {

Principal signer_of(const Request& request, const std::string& body, const SignatureFor& wanted,
                    const ShiftedClock& clock, const Modes& modes) {
  const std::string authorization = request.header("Authorization");
  if (authorization.empty()) {
    throw Refusal{"MissingAuthenticationTokenException", "Missing Authentication Token"};
  }
  const auto claim = parse_authorization(authorization);
  if (!claim) {
    throw Refusal{"IncompleteSignatureException",
                  "Authorization header requires 'Credential', 'SignedHeaders' "
                  "and 'Signature' parameters"};
  }
  const std::string date = request.header("X-Amz-Date");
  const auto time = parse_amz_date(date);
  if (!time)
    throw Refusal{"IncompleteSignatureException", "Authorization header requires an 'X-Amz-Date' header"};
  for (const char* needed : {"host", "x-amz-date"}) {
    if (std::ranges::find(claim->signed_headers, needed) == claim->signed_headers.end()) {
      throw Refusal{"InvalidSignatureException",
                    "'" + std::string(needed) + "' must be a 'SignedHeader' in the AWS Authorization."};
    }
  }
  // Whatever decides what is done must be signed.
  for (const auto& header : request.headers) {
    const std::string name = lower_case(header.name);
    if (name.starts_with("x-amz-") &&
        std::ranges::find(claim->signed_headers, name) == claim->signed_headers.end()) {
      throw Refusal{"InvalidSignatureException",
                    "There were headers present in the request which were not signed: " + name};
    }
  }
  const auto principal =
      find_principal(wanted.regions.front(), claim->key_id, request.header("X-Amz-Security-Token"));
  if (!principal) {
    throw Refusal{"UnrecognizedClientException", "The security token included in the request is invalid."};
  }
  if (std::ranges::find(wanted.regions, claim->region) == wanted.regions.end()) {
    throw Refusal{"InvalidSignatureException",
                  "Credential should be scoped to a valid region, not '" + claim->region + "'. "};
  }
  if (claim->service != wanted.service) {
    throw Refusal{"InvalidSignatureException",
                  "Credential should be scoped to correct service: '" + std::string(wanted.service) + "'. "};
  }
  if (!date.starts_with(claim->date)) {
    throw Refusal{"InvalidSignatureException",
                  "Date in Credential scope does not match YYYYMMDD from ISO-8601 "
                  "version of date from HTTP"};
  }
  const auto now = clock.now();
  const auto skew = std::chrono::seconds(modes.number("clock-skew"));
  if (*time < now - skew) {
    throw Refusal{"InvalidSignatureException", "Signature expired: " + date + " is now earlier than " +
                                                   amz_date(now - skew) + " (" + amz_date(now) + " - " +
                                                   std::to_string(skew.count() / 60) + " min.)"};
  }
  if (*time > now + skew) {
    throw Refusal{"InvalidSignatureException",
                  "Signature not yet current: " + date + " is still later than " + amz_date(now + skew) +
                      " (" + amz_date(now) + " + " + std::to_string(skew.count() / 60) + " min.)"};
  }
  const auto canonical = canonical_request({request.method, request.target, request.headers, body},
                                           claim->signed_headers, sha256_hex(body), PathRule::encoded_twice);
  const bool good =
      canonical && same_secret(claim->signature, signature_of(principal->secret, *claim,
                                                              string_to_sign(*claim, date, *canonical)));
  if (!good) {
    throw Refusal{
        "InvalidSignatureException",
        "The request signature we calculated does not match the signature you provided. Check your AWS "
        "Secret Access Key and signing method. Consult the service documentation for details."};
  }
  if (now >= principal->expires) {
    throw Refusal{"ExpiredTokenException", "The security token included in the request is expired"};
  }
  return *principal;
}

}  // namespace davit::emulator
