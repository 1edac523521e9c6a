#pragma once

#include <string>

#include "net/http.h"

namespace davit::net {

/// The proxy for a URL; empty when it is reached directly, as loopback and metadata addresses always are.
std::string proxy_for(const Url& url, const ProxyOptions& options);

}  // namespace davit::net
