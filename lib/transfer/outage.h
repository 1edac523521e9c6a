#pragma once

#include <davit/error.h>

namespace davit::transfer {

/// Whether an error says that there is no way to a store at all, whatever is asked of it: after all retries
/// not even a connection could be had.
inline bool is_outage(const Error& error) {
  return (error.code == Errc::unavailable || error.code == Errc::timeout) && !error.http && error.retryable;
}

}  // namespace davit::transfer
