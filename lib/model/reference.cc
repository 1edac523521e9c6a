#include <davit/reference.h>

#include <algorithm>

#include "base/ascii.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "model/refused_name.h"

namespace davit {
namespace {

bool is_lower_alnum(char c) {
  return is_lower(c) || is_digit(c);
}

/// path-component of the distribution specification: runs of [a-z0-9] joined by ".", "_", "__" or any run of
/// "-".
bool is_component(std::string_view text) {
  std::size_t i = 0;
  const auto word = [&] {
    const std::size_t start = i;
    while (i < text.size() && is_lower_alnum(text[i])) ++i;
    return i > start;
  };
  if (!word()) return false;
  while (i < text.size()) {
    if (text[i] == '-') {
      while (i < text.size() && text[i] == '-') ++i;
    } else if (text.substr(i).starts_with("__")) {
      i += 2;
    } else if (text[i] == '.' || text[i] == '_') {
      ++i;
    }
    if (!word()) return false;
  }
  return true;
}

bool is_port(std::string_view text) {
  if (text.empty() || text.size() > 5 || !std::ranges::all_of(text, is_digit)) return false;
  int value = 0;
  for (const char c : text) value = value * 10 + (c - '0');
  return value >= 1 && value <= 65535;
}

bool is_host_name(std::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  for (;;) {
    const std::string_view label = text.substr(0, text.find('.'));
    const bool good = !label.empty() && label.size() <= 63 && is_alnum(label.front()) &&
                      is_alnum(label.back()) &&
                      std::ranges::all_of(label, [](char c) { return is_alnum(c) || c == '-' || c == '_'; });
    if (!good) return false;
    if (label.size() == text.size()) return true;
    text.remove_prefix(label.size() + 1);
  }
}

bool is_ipv6_literal(std::string_view text) {  // brackets included; the transport checks the address itself
  return text.size() > 4 && text.front() == '[' && text.back() == ']' &&
         std::ranges::all_of(text.substr(1, text.size() - 2),
                             [](char c) {
                               return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') ||
                                      c == ':' || c == '.';
                             }) &&
         text.find(':') != std::string_view::npos;
}

bool is_host(std::string_view text) {
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos) return false;
    const std::string_view rest = text.substr(close + 1);
    return is_ipv6_literal(text.substr(0, close + 1)) &&
           (rest.empty() || (rest.front() == ':' && is_port(rest.substr(1))));
  }
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return is_host_name(text);
  return is_host_name(text.substr(0, colon)) && is_port(text.substr(colon + 1));
}

/// What stands in front of names with a colon of its own. Those of URLs are left out: a URL with an "@" has
/// no other use for it.
constexpr std::string_view kSchemes[] = {
    "docker://", "docker-archive:", "oci-archive:", "ocidir://",          "oci:",
    "ecr:",      "docker-daemon:",  "dir:",         "containers-storage:"};

/// What can only be meant as a digest, be it misspelled. Such an image of Docker Hub is one that nobody has.
bool names_digest(std::string_view text) {
  return text.starts_with("sha256:") || text.starts_with("sha512:");
}

/// Whether the "@" at `at` can stand where it does in a name: in front of a digest, be it misspelled, or of
/// an image's position in FILE:@N.
bool names_content(std::string_view text, std::size_t at) {
  const std::string_view rest = text.substr(at + 1);
  if (names_digest(rest)) return true;
  if (at == 0 || text[at - 1] != ':') return false;
  return text.find(':') == at - 1 || std::ranges::all_of(rest, is_digit);  // or an empty password
}

/// Lower case, and one name for Docker Hub.
std::string normal_host(std::string_view host) {
  std::string out = lower_case(host);
  return out == "index.docker.io" || out == "registry-1.docker.io" ? "docker.io" : out;
}

}  // namespace

Error model::refused_name(std::string_view name) {
  if (name.ends_with('@') && !Reference::holds_credentials(name.substr(0, name.size() - 1)))
    return make_error(Errc::invalid_argument, "a reference ends with @: the digest behind it is missing",
                      "write REPOSITORY@sha256:DIGEST, or leave out the @");
  return make_error(Errc::invalid_argument, "a reference does not hold credentials",
                    "davit login, or --creds USER --password-stdin");
}

Result<std::string> Reference::parse_registry(std::string_view text) {
  if (is_host(text) && names_registry(std::string(text) + "/")) return normal_host(text);
  const bool credentials = text.find('@') != std::string_view::npos;
  return make_error(
      Errc::invalid_argument,
      (credentials ? "what holds a user" : "\"" + escaped(text, 120) + "\"") + " is not a registry",
      "a registry has a dot or a port in its name, or is localhost");
}

bool Reference::holds_credentials(std::string_view text) {
  for (const std::string_view scheme : kSchemes) {
    if (!text.starts_with(scheme)) continue;
    text.remove_prefix(scheme.size());
    break;
  }
  const auto slash = text.find('/');
  const auto colon = text.find(':');
  for (auto at = text.find('@'); at != std::string_view::npos; at = text.find('@', at + 1)) {
    if (names_content(text, at)) continue;
    // A password may hold anything. Without one, the user alone may be a token.
    if (colon < at || (at < slash && slash != std::string_view::npos)) return true;
  }
  return false;
}

bool Reference::is_tag(std::string_view text) {
  const auto word = [](char c) { return is_alnum(c) || c == '_'; };
  return !text.empty() && text.size() <= 128 && word(text.front()) &&
         std::ranges::all_of(text, [&](char c) { return word(c) || c == '.' || c == '-'; });
}

bool Reference::is_repository(std::string_view text) {
  if (text.empty() || text.size() > 255) return false;
  for (;;) {
    const std::string_view component = text.substr(0, text.find('/'));
    if (!is_component(component)) return false;
    if (component.size() == text.size()) return true;
    text.remove_prefix(component.size() + 1);
  }
}

bool Reference::names_registry(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return false;
  const std::string_view first = text.substr(0, slash);
  return first == "localhost" || first.find('.') != std::string_view::npos ||
         first.find(':') != std::string_view::npos;
}

Result<Reference> Reference::parse(std::string_view text) {
  const std::string_view written = text;
  const auto wrong = [&](std::string why, std::string hint = {}) {
    return make_error(Errc::invalid_argument,
                      "reference \"" + escaped(written, 120) + "\": " + std::move(why), std::move(hint));
  };
  if (text.starts_with("docker://")) text.remove_prefix(9);
  if (text.empty()) return wrong("empty");
  if (names_digest(text)) {
    const auto digest = Digest::parse(text);
    if (digest)
      return wrong("a digest, without the repository that has it", "write REPOSITORY@" + digest->to_string());
    return wrong(digest.error().message, text.starts_with("sha512:") ? "sha512: and 128 hexadecimal digits"
                                                                     : "sha256: and 64 hexadecimal digits");
  }
  if (holds_credentials(text)) return model::refused_name(text);
  if (text.starts_with("http://") || text.starts_with("https://")) {
    return wrong("a URL, not a reference",
                 "leave out the scheme: " + escaped(text.substr(text.find("//") + 2), 120));
  }

  Reference out;
  if (const auto at = text.find('@'); at != std::string_view::npos) {
    auto digest = Digest::parse(text.substr(at + 1));
    if (!digest) return wrong(digest.error().message);
    out.digest = *digest;
    text = text.substr(0, at);
  }
  out.host = "docker.io";
  if (names_registry(text)) {
    const auto slash = text.find('/');
    const std::string_view host = text.substr(0, slash);
    if (!is_host(host)) return wrong("\"" + escaped(host, 80) + "\" is not a host name or host:port");
    out.host = normal_host(host);
    text.remove_prefix(slash + 1);
  }
  if (const auto colon = text.rfind(':');
      colon != std::string_view::npos && text.find('/', colon) == std::string_view::npos) {
    out.tag = text.substr(colon + 1);
    if (!is_tag(out.tag)) {
      return wrong("\"" + escaped(out.tag, 140) + "\" is not a tag",
                   "a tag has 1 to 128 of A-Z a-z 0-9 _ . - and does not begin with . or -");
    }
    text = text.substr(0, colon);
  }
  out.repository = text;
  if (out.host == "docker.io" && text.find('/') == std::string_view::npos)
    out.repository.insert(0, "library/");
  if (!is_repository(out.repository)) {
    const std::string lower = lower_case(out.repository);
    return wrong(text.empty() ? "no repository" : "\"" + escaped(text, 120) + "\" is not a repository name",
                 is_repository(lower) && lower != out.repository ? "repository names are lower case: " + lower
                                                                 : std::string());
  }
  return out;
}

std::string Reference::name() const {
  return host + "/" + repository;
}

std::string Reference::to_string() const {
  std::string out = name();
  if (!tag.empty()) out += ":" + tag;
  if (digest) out += "@" + digest->to_string();
  return out;
}

}  // namespace davit
