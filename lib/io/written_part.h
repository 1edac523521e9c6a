#pragma once

#include <cstdint>

#include <davit/result.h>

#include "io/file.h"

namespace davit::io {

/// How many bytes from `begin` on an earlier run has written, of the stretch that ends at `end`: up to the
/// first hole. What was never written is a hole in a sparse file, but only in whole blocks; a block that may
/// have been written in part does not count. A good guess and no more: some file systems know no holes.
/// Errors: local_io.
Result<std::uint64_t> written_part(const File& file, std::uint64_t begin, std::uint64_t end);

}  // namespace davit::io
