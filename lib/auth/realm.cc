#include "auth/realm.h"

#include <libpsl.h>
#include <netdb.h>

#include <algorithm>
#include <array>
#include <memory>

#include "base/error.h"
#include "base/escape.h"
#include "net/address.h"

namespace davit::auth {
namespace {

/// Registries whose token service has a name of its own.
struct KnownPair {
  std::string_view registry;
  std::string_view realm;
};
constexpr std::array kKnownPairs{
    KnownPair{"registry-1.docker.io", "auth.docker.io"},
    KnownPair{"docker.io", "auth.docker.io"},
    KnownPair{"index.docker.io", "auth.docker.io"},
    KnownPair{"lscr.io", "ghcr.io"},
    KnownPair{"registry.gitlab.com", "gitlab.com"},
    KnownPair{"rg.fr-par.scw.cloud", "api.scaleway.com"},
    KnownPair{"rg.nl-ams.scw.cloud", "api.scaleway.com"},
    KnownPair{"rg.pl-waw.scw.cloud", "api.scaleway.com"},
};

/// Below these names everybody can have a host, whatever the public suffix list says.
constexpr std::array<std::string_view, 12> kAwsDomains{"amazonaws.com",  "amazonaws.com.cn",
                                                       "amazonaws.eu",   "on.aws",
                                                       "api.aws",        "aws",
                                                       "aws.com",        "amazonwebservices.com.cn",
                                                       "c2s.ic.gov",     "sc2s.sgov.gov",
                                                       "cloud.adc-e.uk", "csp.hci.ic.gov"};

bool is_below(std::string_view host, std::string_view domain) {
  return host == domain || (host.size() > domain.size() && host.ends_with(domain) &&
                            host[host.size() - domain.size() - 1] == '.');
}

bool is_aws(std::string_view host) {
  return std::ranges::any_of(kAwsDomains, [&](std::string_view domain) { return is_below(host, domain); });
}

bool is_known_pair(const net::Url& registry, const net::Url& realm) {
  if (!realm.secure() || realm.port() != 443) return false;
  return std::ranges::any_of(kKnownPairs, [&](const KnownPair& pair) {
    return registry.host() == pair.registry && realm.host() == pair.realm;
  });
}

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

/// Whether the host is a literal address that no server may send us to, in whatever spelling, or a name for
/// it.
bool is_forbidden_literal(const std::string& host) {
  if (is_below(host, "localhost")) return true;
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return false;
  const std::unique_ptr<addrinfo, FreeAddresses> addresses(found);
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    if (net::is_refused(net::Peers::remote, *one->ai_addr)) return true;
  }
  return false;
}

bool is_address(const std::string& host) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return false;
  ::freeaddrinfo(found);
  return true;
}

/// `entry` is HOST or HOST:PORT; without a port the scheme's own is meant.
bool is_allowed(const net::Url& realm, const std::vector<std::string>& allowed) {
  return std::ranges::any_of(allowed, [&](const std::string& entry) {
    const auto parsed = net::Url::parse(realm.scheme() + "://" + entry);
    return parsed && parsed->origin() == realm.origin();
  });
}

}  // namespace

bool same_registrable_domain(const std::string& one, const std::string& other) {
  const psl_ctx_t* list = ::psl_builtin();
  if (list == nullptr || is_address(one) || is_address(other)) return false;
  const char* domain = ::psl_registrable_domain(list, one.c_str());
  const char* other_domain = ::psl_registrable_domain(list, other.c_str());
  return domain != nullptr && other_domain != nullptr && std::string_view(domain) == other_domain;
}

Result<Realm> judge_realm(const net::Url& registry, std::string_view realm,
                          const std::vector<std::string>& allowed) {
  const auto refused = [&](std::string_view name, const std::string& why, std::string hint = {}) {
    return make_error(
        Errc::denied,
        "registry " + registry.host_port() + " names the token service " + escaped(name) + ": " + why,
        std::move(hint));
  };
  // Nothing behind '?' is shown, nor user info: they are secret by default.
  std::string_view shown = realm.substr(0, realm.find('?'));
  if (const std::size_t at = shown.rfind('@'); at != std::string_view::npos) shown.remove_prefix(at + 1);
  auto parsed = net::Url::parse(realm);
  if (!parsed) return refused(shown, "not an http or https address that davit would ask");
  Realm judged{.url = *std::move(parsed)};
  const net::Url& url = judged.url;
  if (registry.secure() && !url.secure())
    return refused(shown, "the registry is reached over https, this is plain http");
  if (registry.same_origin(url) || is_allowed(url, allowed)) {
    judged.trusted = true;
    judged.peers = net::Peers::any;
    return judged;
  }
  if (is_forbidden_literal(url.host())) {
    return refused(url.host_port(), "an address of this machine or its links",
                   "if it is right: --allow-realm " + url.host_port());
  }
  const bool aws = is_aws(registry.host()) || is_aws(url.host());
  judged.trusted =
      !aws && (is_known_pair(registry, url) || same_registrable_domain(registry.host(), url.host()));
  return judged;
}

}  // namespace davit::auth
