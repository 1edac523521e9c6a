#include "registry/location.h"

#include "base/error.h"
#include "net/address.h"

namespace davit::registry {

Result<UploadTarget> next_target(const net::Url& registry, const UploadTarget& from,
                                 std::string_view location, const std::string& peer) {
  auto url = from.url.resolve(location);
  if (!url)
    return make_error(Errc::protocol, "an upload location that cannot be used: " + url.error().message);
  UploadTarget target{.url = *std::move(url), .foreign = from.foreign, .peers = from.peers};
  const net::Url& next = target.url;
  if (from.url.secure() && !next.secure()) {
    return make_error(
        Errc::denied, "an upload location without TLS, " + next.redacted() + ", from a registry that has it",
        "the proxy in front of the registry does not tell it that clients use https (X-Forwarded-Proto)");
  }
  if (next.same_origin(registry)) {
    if (!from.foreign) target.peers = net::Peers::any;
    return target;
  }
  const bool local = !registry.secure() && net::is_loopback(peer);
  target.foreign = true;
  if (target.peers == net::Peers::any)
    target.peers = local ? net::Peers::remote_or_loopback : net::Peers::remote;
  // The one place where a layer goes to another host in clear: both ends are this machine.
  const bool stays_here = target.peers == net::Peers::remote_or_loopback &&
                          (next.host() == "localhost" || net::is_loopback(next.host()));
  if (!next.secure() && !stays_here) {
    return make_error(Errc::denied, "an upload location on another host without TLS: " + next.redacted());
  }
  return target;
}

}  // namespace davit::registry
