#pragma once

#include <string>

#include <curl/curl.h>

#include <davit/error.h>

#include "net/url.h"

namespace davit::net {

/// What libcurl's verdict means to a caller. `text` is its error buffer; it may be empty.
Error curl_error(CURLcode code, const std::string& text, const Url& url);

}  // namespace davit::net
