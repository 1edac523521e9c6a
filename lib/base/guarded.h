#pragma once

#include <exception>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/escape.h"

namespace davit {

/// Runs code that is not ours (an embedder's store, source or observer) where an exception would end the
/// process, and makes an `internal` error of one. `call` returns a Result.
template <class Call>
auto guarded(Call&& call) -> decltype(call()) {
  try {
    return std::forward<Call>(call)();
  } catch (const std::exception& thrown) {
    return make_error(Errc::internal, "an exception: " + escaped(thrown.what()));
  } catch (...) {
    return make_error(Errc::internal, "an exception of an unknown kind");
  }
}

}  // namespace davit
