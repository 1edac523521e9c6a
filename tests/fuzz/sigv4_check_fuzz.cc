#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "emulator/ecr/principals.h"
#include "emulator/ecr/tokens.h"
#include "emulator/sigv4_check.h"

/// What the emulator reads of strangers before it knows who they are. A line each: the request's target, the
/// Authorization header, a key id; the rest is a token.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string rest(reinterpret_cast<const char*>(data), size);
  const auto line = [&rest] {
    const auto end = rest.find('\n');
    std::string out = rest.substr(0, end);
    rest.erase(0, end == std::string::npos ? rest.size() : end + 1);
    return out;
  };
  const std::string target = line();
  const std::string authorization = line();
  const std::string key_id = line();
  const davit::emulator::SignedRequest request{"GET", target, {{"Host", "h"}, {"X-Amz-Date", rest}}, ""};
  for (const auto& claim :
       {davit::emulator::parse_authorization(authorization), davit::emulator::parse_presigned(target)}) {
    if (!claim) continue;
    if (claim->signed_headers.empty() || claim->signature.empty() || claim->key_id.empty()) std::abort();
    for (const auto rule : {davit::emulator::PathRule::encoded_twice, davit::emulator::PathRule::as_sent}) {
      const auto canonical = davit::emulator::canonical_request(request, claim->signed_headers, "hash", rule);
      if (canonical) davit::emulator::string_to_sign(*claim, rest, *canonical);
    }
  }
  davit::emulator::parse_amz_date(rest);
  const auto principal = davit::emulator::find_principal("us-east-1", key_id, rest);
  if (principal && principal->key_id != key_id) std::abort();
  davit::emulator::read_token(rest);
  return 0;
}
