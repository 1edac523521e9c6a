#pragma once

#include <string>

#include "net/http.h"

struct sockaddr;

namespace davit::net {

/// Whether a connection to this address is refused under the rule `peers`. An IPv4 address inside an IPv6 one
/// (mapped, NAT64, 6to4) counts as itself. Only IP addresses are ever allowed.
bool is_refused(Peers peers, const sockaddr& address);

/// Whether the text is an address of this machine's loopback: 127.0.0.0/8, ::1, or IPv4 in an IPv6 spelling.
bool is_loopback(const std::string& address);

/// Whether the text is the address of a link-local or metadata service.
bool is_link_local(const std::string& address);

}  // namespace davit::net
