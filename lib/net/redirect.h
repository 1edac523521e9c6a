#pragma once

#include <string_view>

#include "net/http.h"

namespace davit::net {

/// The rule of every redirect (R2): one decision per hop, at most ten hops, never from https to http.
/// Credentials are gone for good once the chain has left the origin it started from. One thread at a time.
class RedirectChain {
 public:
  explicit RedirectChain(Url start) : start_(std::move(start)), current_(start_) {}

  /// Where an answer with this Location leads. `peer` is the address that gave the answer.
  /// Errors: protocol (no Location, a malformed one, too many hops), denied (a downgrade).
  Result<Url> next(std::string_view location, const std::string& peer);

  [[nodiscard]] const Url& current() const { return current_; }
  /// Whether credentials of the start may go to current().
  [[nodiscard]] bool trusted() const { return !left_; }
  /// Which addresses the request to current() may connect to.
  [[nodiscard]] Peers peers() const;

 private:
  Url start_, current_;
  int hops_ = 0;
  bool left_ = false;
  bool start_on_loopback_ = false;
};

/// Statuses that send a reader elsewhere: 301, 302, 303, 307, 308.
bool is_redirect(int status);

}  // namespace davit::net
