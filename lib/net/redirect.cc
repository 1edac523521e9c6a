#include "net/redirect.h"

#include "base/error.h"
#include "base/try.h"
#include "net/address.h"

namespace davit::net {
namespace {

constexpr int kMostHops = 10;

}  // namespace

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

Result<Url> RedirectChain::next(std::string_view location, const std::string& peer) {
  if (hops_ == 0) start_on_loopback_ = is_loopback(peer);
  if (++hops_ > kMostHops)
    return make_error(Errc::protocol, "more than 10 redirects, the last one from " + current_.redacted());
  if (location.empty())
    return make_error(Errc::protocol, "a redirect without a Location from " + current_.redacted());
  auto target = current_.resolve(location);
  if (!target) {
    Error error = make_error(Errc::protocol, "a redirect from " + current_.host_port() +
                                                 " that cannot be followed: " + target.error().message);
    return error;
  }
  if (current_.secure() && !target->secure()) {
    return make_error(Errc::denied, "a redirect from https to " + target->redacted(),
                      "a proxy in front of the registry may not tell it that clients use https");
  }
  left_ = left_ || !target->same_origin(start_);
  current_ = *std::move(target);
  return current_;
}

Peers RedirectChain::peers() const {
  if (current_.same_origin(start_)) return Peers::any;
  return start_on_loopback_ ? Peers::remote_or_loopback : Peers::remote;
}

}  // namespace davit::net
