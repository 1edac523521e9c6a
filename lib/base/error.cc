#include "base/error.h"

#include <cstring>

#include <davit/result.h>

namespace davit {

std::string_view to_string(Errc code) {
  switch (code) {
    case Errc::invalid_argument:
      return "invalid_argument";
    case Errc::not_found:
      return "not_found";
    case Errc::already_exists:
      return "already_exists";
    case Errc::conflict:
      return "conflict";
    case Errc::unauthenticated:
      return "unauthenticated";
    case Errc::denied:
      return "denied";
    case Errc::unsupported:
      return "unsupported";
    case Errc::rate_limited:
      return "rate_limited";
    case Errc::unavailable:
      return "unavailable";
    case Errc::timeout:
      return "timeout";
    case Errc::cancelled:
      return "cancelled";
    case Errc::corrupt:
      return "corrupt";
    case Errc::local_io:
      return "local_io";
    case Errc::protocol:
      return "protocol";
    case Errc::internal:
      return "internal";
  }
  return "internal";
}

Error Error::with_context(std::string_view fact) const {
  Error copy = *this;
  copy.message = std::string(fact) + ": " + message;
  return copy;
}

Error Error::on(Side which) const {
  Error copy = *this;
  copy.side = which;
  return copy;
}

std::string Error::to_string() const {
  return attempts > 1 ? message + " (" + std::to_string(attempts) + " attempts)" : message;
}

Failure::Failure(Error error) : error_(std::move(error)), text_(error_.to_string()) {}
Failure::~Failure() = default;

Error make_error(Errc code, std::string message, std::string hint) {
  Error error;
  error.code = code;
  error.message = std::move(message);
  error.hint = std::move(hint);
  return error;
}

Error errno_error(std::string message, int saved_errno) {
  char buffer[128] = {};
  const char* text = ::strerror_r(saved_errno, buffer, sizeof buffer);  // the GNU form: returns the text
  return make_error(Errc::local_io, std::move(message) + ": " + text);
}

}  // namespace davit
