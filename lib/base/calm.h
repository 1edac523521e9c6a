#pragma once

#include <algorithm>
#include <chrono>

namespace davit {

/// How long nobody may have written over what was written, until it counts as kept.
inline constexpr std::chrono::milliseconds kCalm{100};
/// The same where others are seen to write, or a wrong guess costs what somebody has made: on a machine that
/// is busy with them all, the one that comes last is much slower than the one that watches.
inline constexpr std::chrono::milliseconds kCalmAmongOthers{600};

/// The same, at least `least`, for one whose own question and writing took so long: where nothing can be
/// written on condition that nobody else has, the others are as far from the registry as this one, or so.
inline std::chrono::milliseconds calm_after(std::chrono::milliseconds took,
                                            std::chrono::milliseconds least = kCalm) {
  constexpr std::chrono::milliseconds kLongest{2'000};
  return std::clamp(4 * took, least, std::max(least, kLongest));
}

}  // namespace davit
