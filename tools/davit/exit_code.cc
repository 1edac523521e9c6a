#include "exit_code.h"

#include <algorithm>

#include "ui/terminal_text.h"

namespace davit::tool {

int exit_code(Errc code) {
  switch (code) {
    case Errc::invalid_argument:
      return kUsage;
    case Errc::not_found:
      return kNotFound;
    case Errc::unauthenticated:
    case Errc::denied:
      return kDenied;
    case Errc::already_exists:
    case Errc::conflict:
      return kConflict;
    case Errc::corrupt:
    case Errc::protocol:
      return kCorrupt;
    case Errc::rate_limited:
    case Errc::unavailable:
    case Errc::timeout:
      return kUnavailable;
    case Errc::local_io:
      return kLocal;
    case Errc::unsupported:
    case Errc::cancelled:
    case Errc::internal:
      return kOther;
  }
  return kOther;
}

int fail(const Error& error) {
  complain(error.to_string(), error.hint);
  return exit_code(error.code);
}

int exit_code(const std::vector<Delivery>& deliveries) {
  const auto failed = [](const Delivery& delivery) { return !delivery.result; };
  const auto first = std::ranges::find_if(deliveries, failed);
  if (first == deliveries.end()) return kOk;
  return std::ranges::all_of(deliveries, failed) ? exit_code(first->result.error().code) : kPartial;
}

}  // namespace davit::tool
