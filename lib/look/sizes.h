#pragma once

#include <cstdint>
#include <limits>

namespace davit::look {

/// Sizes are what documents claim, so their sum may be more than there can be.
inline std::uint64_t sum_of(std::uint64_t a, std::uint64_t b) {
  return a > std::numeric_limits<std::uint64_t>::max() - b ? std::numeric_limits<std::uint64_t>::max()
                                                           : a + b;
}

}  // namespace davit::look
