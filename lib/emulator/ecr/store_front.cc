#include "emulator/ecr/store_front.h"

#include <algorithm>
#include <charconv>

#include "crypto/base64.h"
#include "emulator/ecr/principals.h"
#include "emulator/serve_blob.h"
#include "emulator/sigv4_check.h"

namespace davit::emulator {
namespace {

/// Signs for the registry itself.
Principal store_signer(const Place& place) {
  return account_user(place.region, place.account);
}

std::string host_of(const std::string& url) {
  return url.substr(url.find("//") + 2);
}

/// The blob's bytes with one of them changed.
void corrupt(Response& response) {
  const auto whole = response.stream;
  response.stream = [whole, first = true](char* into, std::size_t size) mutable {
    const std::size_t n = whole(into, size);
    if (first && n > 0) into[n / 2] = static_cast<char>(into[n / 2] ^ 1);
    first = false;
    return n;
  };
}

/// No more than so many bytes in a second, in pieces of a tenth of it.
void slow_down(Response& response, std::uint64_t per_second) {
  const auto whole = response.stream;
  response.stream = [whole, per_second](char* into, std::size_t size) {
    const auto piece = static_cast<std::size_t>(std::max<std::uint64_t>(1, per_second / 10));
    static_cast<void>(Clock::system().sleep_for(std::chrono::milliseconds(100), {}));
    return whole(into, std::min(size, piece));
  };
}

}  // namespace

// /e501-ACCOUNT-REPOSITORY/DIGEST, the name in base64 without what a path cannot hold.
std::string StoreFront::url_of(const std::string& repository, const Digest& digest) const {
  const Place& place = backend_.place();
  std::string name;
  for (const char c : crypto::base64_encode(repository)) name += c == '/' ? '_' : c == '+' ? '-' : c;
  while (name.ends_with('=')) name.pop_back();
  const std::string path = "/e501-" + place.account + "-" + name + "/" + digest.hex();
  const Principal signer = store_signer(place);
  const std::chrono::seconds life(backend_.controls().modes().number("store-life"));
  return url_ + path + "?" +
         presigned_query(signer.key_id, signer.secret, place.region, host_of(url_), path,
                         amz_date(backend_.clock().now()), life);
}

Response StoreFront::handle(const Request& request) const {
  constexpr std::string_view kMismatch =
      "The request signature we calculated does not match the signature you provided. Check your key and "
      "signing "
      "method.";
  const auto fault = backend_.controls().take_fault("Download");
  if (fault && fault->kind == Fault::Kind::cut) return {.cut_after = 0};
  if (fault && (fault->kind == Fault::Kind::status || fault->kind == Fault::Kind::text)) {
    return store_refusal(fault->status, fault->status == 503 ? "SlowDown" : "InternalError",
                         "Please reduce your request rate.");
  }
  if (!request.header("Authorization").empty()) {
    return store_refusal(
        400, "InvalidArgument",
        "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature "
        "query string parameter or the Authorization header should be specified");
  }
  const auto question = request.target.find('?');
  const std::string query = question == std::string::npos ? "" : request.target.substr(question + 1);
  const auto claim = parse_presigned(query);
  const auto* date = request.parameter("X-Amz-Date");
  const auto* life = request.parameter("X-Amz-Expires");
  const auto begun = parse_amz_date(date == nullptr ? "" : *date);
  if (!claim || !begun || life == nullptr) return store_refusal(403, "AccessDenied", "Access Denied");
  const Place& place = backend_.place();
  const Principal signer = store_signer(place);
  const auto canonical = canonical_request({request.method, request.target, request.headers, ""},
                                           claim->signed_headers, "UNSIGNED-PAYLOAD", PathRule::as_sent);
  if (claim->key_id != signer.key_id || claim->service != "s3" || !canonical ||
      !same_secret(claim->signature,
                   signature_of(signer.secret, *claim, string_to_sign(*claim, *date, *canonical)))) {
    return store_refusal(403, "SignatureDoesNotMatch", kMismatch);
  }
  std::int64_t seconds = 0;
  std::from_chars(life->data(), life->data() + life->size(), seconds);
  if (backend_.clock().now() >= *begun + std::chrono::seconds(seconds)) {
    return store_refusal(403, "AccessDenied", "Request has expired");
  }

  const std::string prefix = "/e501-" + place.account + "-";
  const auto slash = request.path.rfind('/');
  if (!request.path.starts_with(prefix) || slash < prefix.size()) {
    return store_refusal(404, "NoSuchKey", "The specified key does not exist.");
  }
  const auto repository =
      crypto::base64_decode(std::string_view(request.path).substr(prefix.size(), slash - prefix.size()));
  const std::string hex = request.path.substr(slash + 1);
  const auto digest = Digest::parse((hex.size() == 128 ? "sha512:" : "sha256:") + hex);
  const auto blob =
      repository && digest ? backend_.storage().blob(*repository, *digest) : std::shared_ptr<const Blob>();
  if (blob == nullptr) return store_refusal(404, "NoSuchKey", "The specified key does not exist.");
  Response response = serve_blob(request, blob);
  if (response.status == 416) {
    response = store_refusal(416, "InvalidRange", "The requested range is not satisfiable");
  } else {
    response.headers.push_back({"ETag", "\"" + hex.substr(0, 32) + "\""});
  }
  const std::uint64_t rate = backend_.controls().modes().number("store-rate");
  if (rate > 0 && response.stream) slow_down(response, rate);
  if (fault && fault->kind == Fault::Kind::truncate) response.cut_after = fault->after;
  if (fault && fault->kind == Fault::Kind::corrupt && response.stream) corrupt(response);
  return response;
}

}  // namespace davit::emulator
