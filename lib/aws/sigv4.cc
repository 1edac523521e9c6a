#include "aws/sigv4.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>
#include <vector>

#include <davit/digest.h>

#include "aws/timestamps.h"
#include "base/ascii.h"
#include "crypto/hmac.h"

namespace davit::aws {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

/// Headers that proxies and HTTP libraries change on the way.
constexpr std::array<std::string_view, 12> kUnsigned = {"authorization",
                                                        "connection",
                                                        "expect",
                                                        "keep-alive",
                                                        "proxy-authenticate",
                                                        "proxy-authorization",
                                                        "te",
                                                        "trailer",
                                                        "upgrade",
                                                        "transfer-encoding",
                                                        "user-agent",
                                                        "x-amzn-trace-id"};

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

/// Without white space at both ends; a run of it inside is one space.
std::string folded(std::string_view value) {
  std::string out;
  bool gap = false;
  for (const char c : value) {
    if (is_space(c)) {
      gap = true;
      continue;
    }
    if (gap && !out.empty()) out += ' ';
    gap = false;
    out += c;
  }
  return out;
}

/// The Host header that the transport sends.
std::string host_of(const net::Url& url) {
  const std::string whole = url.host_port();
  return url.port() == (url.secure() ? 443 : 80) ? whole.substr(0, whole.rfind(':')) : whole;
}

/// Name to value, in order of names.
std::map<std::string, std::string> headers_to_sign(const net::Request& request) {
  std::map<std::string, std::string> headers;
  for (const net::Header& header : request.headers) {
    const std::string name = lower_case(header.name);
    if (std::ranges::find(kUnsigned, name) != kUnsigned.end()) continue;
    const auto [at, is_new] = headers.emplace(name, folded(header.value));
    if (!is_new) at->second += "," + folded(header.value);
  }
  headers.emplace("host", host_of(request.url));
  return headers;
}

/// Without dot segments and empty ones, and percent-encoded once more than on the wire.
std::string canonical_path(std::string_view path) {
  std::vector<std::string_view> segments;
  for (std::string_view rest = path; !rest.empty();) {
    const std::string_view segment = rest.substr(0, rest.find('/'));
    rest.remove_prefix(std::min(segment.size() + 1, rest.size()));
    if (segment.empty() || segment == ".") continue;
    if (segment != "..") {
      segments.push_back(segment);
    } else if (!segments.empty()) {
      segments.pop_back();
    }
  }
  std::string out;
  for (const std::string_view segment : segments) out += "/" + net::percent_encode(segment);
  return segments.empty() || path.ends_with('/') ? out + "/" : out;
}

/// Sorted by name, then value. Both are in the URL as they are sent, so they are encoded already.
std::string canonical_query(std::string_view query) {
  if (query.empty()) return {};
  std::vector<std::pair<std::string_view, std::string_view>> pairs;
  for (std::size_t begin = 0; begin <= query.size();) {
    const std::string_view pair = query.substr(begin, query.find('&', begin) - begin);
    begin += pair.size() + 1;
    const std::size_t equals = pair.find('=');
    pairs.emplace_back(pair.substr(0, equals),
                       equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1));
  }
  std::ranges::sort(pairs);
  std::string out;
  for (const auto& [name, value] : pairs) {
    out.append(name).append("=").append(value) += '&';
  }
  out.pop_back();
  return out;
}

void set(net::Request& request, std::string name, std::string value) {
  std::erase_if(request.headers, [wanted = lower_case(name)](const net::Header& header) {
    return lower_case(header.name) == wanted;
  });
  if (!value.empty()) request.headers.push_back({std::move(name), std::move(value)});
}

}  // namespace

std::string signing_time(Clock::Wall time) {
  std::string text = format_iso8601(time);
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text;
}

std::string signed_header_names(const net::Request& request) {
  std::string names;
  for (const auto& [name, value] : headers_to_sign(request)) names += (names.empty() ? "" : ";") + name;
  return names;
}

std::string canonical_request(const net::Request& request, std::string_view body_digest) {
  std::string text = request.method + "\n" + canonical_path(request.url.path()) + "\n" +
                     canonical_query(request.url.query()) + "\n";
  for (const auto& [name, value] : headers_to_sign(request)) text.append(name + ":" + value + "\n");
  return text + "\n" + signed_header_names(request) + "\n" + std::string(body_digest);
}

Secret signing_key(const Secret& secret, std::string_view date, const Scope& scope) {
  Secret key("AWS4" + secret.reveal());
  for (const std::string_view part : {date, std::string_view(scope.region), std::string_view(scope.service),
                                      std::string_view("aws4_request")})
    key = Secret(crypto::hmac_sha256(key.reveal(), part));
  return key;
}

void sign(net::Request& request, const Keys& keys, const Scope& scope, Clock::Wall time) {
  const std::string stamp = signing_time(time);
  const std::string date = stamp.substr(0, 8);
  const std::string scope_text = date + "/" + scope.region + "/" + scope.service + "/aws4_request";
  set(request, "Authorization", {});
  set(request, "Date", {});
  set(request, "X-Amz-Date", stamp);
  set(request, "X-Amz-Security-Token", keys.session_token.reveal());
  const std::string canonical = canonical_request(request, Digest::of(request.body).hex());
  const std::string text =
      std::string(kAlgorithm) + "\n" + stamp + "\n" + scope_text + "\n" + Digest::of(canonical).hex();
  const Secret key = signing_key(keys.secret, date, scope);
  set(request, "Authorization",
      std::string(kAlgorithm) + " Credential=" + keys.id + "/" + scope_text +
          ", SignedHeaders=" + signed_header_names(request) +
          ", Signature=" + crypto::hex(crypto::hmac_sha256(key.reveal(), text)));
}

}  // namespace davit::aws
