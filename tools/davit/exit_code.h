#pragma once

#include <vector>

#include <davit/error.h>
#include <davit/transfer.h>

namespace davit::tool {

// docs/errors.md and the man page have the same table.
inline constexpr int kOk = 0;
inline constexpr int kOther = 1;
inline constexpr int kNotFound = 2;
inline constexpr int kDenied = 3;
inline constexpr int kConflict = 4;
inline constexpr int kCorrupt = 5;
inline constexpr int kUnavailable = 6;
inline constexpr int kPartial = 7;
inline constexpr int kLocal = 8;
inline constexpr int kWouldChange = 10;
inline constexpr int kUsage = 64;

int exit_code(Errc code);
/// Says what went wrong, and returns its exit code.
int fail(const Error& error);
/// 0 when all arrived, 7 when some did, the first error's code when none did.
int exit_code(const std::vector<Delivery>& deliveries);

}  // namespace davit::tool
