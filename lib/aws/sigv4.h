#pragma once

#include <string>
#include <string_view>

#include "aws/keys.h"
#include "base/clock.h"
#include "net/http.h"

namespace davit::aws {

/// What a signature is good for.
struct Scope {
  std::string region;
  std::string service;
};

/// "20260115T120000Z".
std::string signing_time(Clock::Wall time);

/// AWS Signature Version 4 in headers: adds X-Amz-Date, X-Amz-Security-Token when the keys have one, and
/// Authorization. Those that are there are replaced, so that a request can be signed again. Everything else
/// has to be in the request already. REQUIRES: the body is in `request.body`, not in a source.
void sign(net::Request& request, const Keys& keys, const Scope& scope, Clock::Wall time);

/// The text whose digest is signed. `body_digest` is hex(SHA-256(body)).
std::string canonical_request(const net::Request& request, std::string_view body_digest);

/// The names in a signature: "content-type;host;x-amz-date".
std::string signed_header_names(const net::Request& request);

/// 32 raw bytes. `date` is "20260115".
Secret signing_key(const Secret& secret, std::string_view date, const Scope& scope);

}  // namespace davit::aws
