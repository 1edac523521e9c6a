#include "net/url.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>

#include "base/ascii.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"

namespace davit::net {
namespace {

struct UrlDeleter {
  void operator()(CURLU* handle) const { curl_url_cleanup(handle); }
};
struct TextDeleter {
  void operator()(char* text) const { curl_free(text); }
};

/// Longer than any signed URL in use.
constexpr std::size_t kLongest = 16u << 10;

std::string part(CURLU* handle, CURLUPart which, unsigned flags = 0) {
  char* raw = nullptr;
  if (curl_url_get(handle, which, &raw, flags) != CURLUE_OK) return {};
  const std::unique_ptr<char, TextDeleter> text(raw);
  return text.get();
}

/// The part of a URL that is fit for an error message.
std::string shown(std::string_view text) {
  return escaped(text.substr(0, text.find_first_of("?#")), 120);
}

Error refused(std::string_view text, std::string_view why) {
  // The part before an '@' may be a password.
  if (text.find('@') != std::string_view::npos)
    return make_error(Errc::invalid_argument, "a URL " + std::string(why));
  return make_error(Errc::invalid_argument, "the URL " + shown(text) + " " + std::string(why));
}

/// RFC 3986, 5.2.4.
std::string without_dot_segments(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const std::size_t end = path.find('/', 1);
    const std::string_view segment = path.substr(0, end);
    path = end == std::string_view::npos ? std::string_view{} : path.substr(end);
    if (segment == "/." || segment == "/..") {
      if (segment == "/..") out.erase(std::min(out.rfind('/'), out.size()));
      if (path.empty()) out += '/';
    } else {
      out += segment;
    }
  }
  return out.empty() ? "/" : out;
}

/// The scheme of an absolute reference; empty for a relative one.
std::string_view scheme_of(std::string_view reference) {
  const std::size_t colon = reference.find(':');
  if (colon == std::string_view::npos || colon == 0) return {};
  const auto later = [](char c) { return is_alnum(c) || c == '+' || c == '-' || c == '.'; };
  const std::string_view scheme = reference.substr(0, colon);
  return is_letter(scheme.front()) && std::ranges::all_of(scheme, later) ? scheme : std::string_view{};
}

/// Values of these say nothing that a log must not hold.
constexpr std::array<std::string_view, 9> kHarmlessKeys = {
    "digest", "mount", "from", "n", "service", "scope", "account", "offline", "artifactType"};

}  // namespace

Result<Url> Url::parse(std::string_view text) {
  if (text.size() > kLongest) return refused(text, "is too long");
  if (!std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; })) {
    return refused(text, "holds a space, a control byte or a character outside ASCII");
  }
  const std::size_t authority = text.find("://");
  if (authority == std::string_view::npos) return refused(text, "has no scheme");
  if (text.substr(authority + 3).starts_with('/'))
    return refused(text, "has no host");  // libcurl would take a third slash
  const std::unique_ptr<CURLU, UrlDeleter> handle(curl_url());
  if (!handle) return make_error(Errc::internal, "no memory for a URL");
  const CURLUcode code = curl_url_set(handle.get(), CURLUPART_URL, std::string(text).c_str(),
                                      CURLU_PATH_AS_IS | CURLU_DISALLOW_USER);
  if (code == CURLUE_USER_NOT_ALLOWED) return refused(text, "holds a user name or password");
  if (code == CURLUE_UNSUPPORTED_SCHEME) return refused(text, "is not http or https");
  if (code != CURLUE_OK) return refused(text, "is malformed");
  Url url;
  url.scheme_ = lower_case(part(handle.get(), CURLUPART_SCHEME));
  if (url.scheme_ != "http" && url.scheme_ != "https") return refused(text, "is not http or https");
  url.host_ = lower_case(part(handle.get(), CURLUPART_HOST));
  if (url.host_.starts_with('[') && url.host_.ends_with(']'))
    url.host_ = url.host_.substr(1, url.host_.size() - 2);
  // libcurl has decoded %XX by now: what it made of that must be a name, and not one more thing to decode.
  if (!std::ranges::all_of(url.host_, [](char c) { return c > 0x20 && c < 0x7f && c != '%'; }))
    return refused(text, "has a host that is no name");
  const std::string port = part(handle.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
  const auto parsed = std::from_chars(port.data(), port.data() + port.size(), url.port_);
  if (url.host_.empty() || parsed.ec != std::errc{} || url.port_ == 0) return refused(text, "is malformed");
  if (!part(handle.get(), CURLUPART_ZONEID).empty()) return refused(text, "names a network zone");
  url.path_ = part(handle.get(), CURLUPART_PATH);
  if (url.path_.empty()) url.path_ = "/";
  url.query_ = part(handle.get(), CURLUPART_QUERY);
  return url;
}

Result<Url> Url::resolve(std::string_view reference) const {
  reference = reference.substr(0, reference.find('#'));
  if (!scheme_of(reference).empty()) return parse(reference);
  if (reference.starts_with("//")) return parse(scheme_ + ":" + std::string(reference));
  const std::string_view path = reference.substr(0, reference.find('?'));
  const std::string_view tail = reference.substr(path.size());
  const std::string base = scheme_ + "://" + host_port();
  if (path.empty()) {
    return parse(base + path_ + (tail.empty() && !query_.empty() ? "?" + query_ : std::string(tail)));
  }
  const std::string whole =
      path.starts_with('/') ? std::string(path) : path_.substr(0, path_.rfind('/') + 1) + std::string(path);
  return parse(base + without_dot_segments(whole) + std::string(tail));
}

std::string Url::host_port() const {
  return (host_.find(':') == std::string::npos ? host_ : "[" + host_ + "]") + ":" + std::to_string(port_);
}

std::string Url::origin() const {
  return scheme_ + "://" + host_port();
}

std::string Url::text() const {
  // The default port stays out: signatures cover the Host header as a signer would write it.
  const bool plain_port = port_ == (secure() ? 443 : 80);
  const std::string host = host_.find(':') == std::string::npos ? host_ : "[" + host_ + "]";
  return scheme_ + "://" + host + (plain_port ? "" : ":" + std::to_string(port_)) + path_ +
         (query_.empty() ? "" : "?" + query_);
}

std::string Url::redacted() const {
  Url bare = *this;
  bare.query_.clear();
  std::string out = escaped(bare.text(), 300);
  char separator = '?';
  for (std::string_view rest = query_; !rest.empty();) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
    const std::string_view key = pair.substr(0, pair.find('='));
    const bool harmless = std::ranges::find(kHarmlessKeys, key) != kHarmlessKeys.end();
    out += separator;
    out += harmless ? escaped(pair, 200) : escaped(key, 40) + "=***";
    separator = '&';
    if (out.size() > 600) return out + "...";
  }
  return out;
}

Url Url::with_query(std::string_view name, std::string_view value) const {
  Url url = *this;
  if (!url.query_.empty()) url.query_ += '&';
  url.query_ += std::string(name) + "=" + std::string(value);
  return url;
}

Url Url::with_path(std::string_view path) const {
  Url url = *this;
  url.path_ = path;
  url.query_.clear();
  return url;
}

std::string percent_encode(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
    const auto byte = static_cast<unsigned char>(c);
    if (plain)
      out += c;
    else
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
  }
  return out;
}

}  // namespace davit::net
