#pragma once

#include <string>

#include <curl/curl.h>

#include <davit/error.h>

#include "net/url.h"

namespace davit::net {

/// What libcurl's verdict means to a caller. `text` is its error buffer, which may be empty; `os_error` the
/// errno of the last failed connect, or 0.
Error curl_error(CURLcode code, const std::string& text, long os_error, const Url& url);

}  // namespace davit::net
