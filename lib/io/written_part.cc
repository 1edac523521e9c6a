#include "io/written_part.h"

#include <algorithm>
#include <cerrno>

#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

namespace davit::io {

Result<std::uint64_t> written_part(const File& file, std::uint64_t begin, std::uint64_t end) {
  struct stat status {};
  if (::fstat(file.descriptor(), &status) != 0) return errno_error("stat", errno);
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (begin >= size || begin >= end) return std::uint64_t{0};
  const off_t found = ::lseek(file.descriptor(), static_cast<off_t>(begin), SEEK_HOLE);
  if (found < 0 && errno != EINVAL) return errno_error("look for holes", errno);
  const std::uint64_t hole = found < 0 ? size : static_cast<std::uint64_t>(found);
  if (hole <= begin) return std::uint64_t{0};
  if (hole == size && size <= end) return size - begin;  // the last write was at the end of the file
  const auto block = std::max<std::uint64_t>(4096, static_cast<std::uint64_t>(status.st_blksize));
  const std::uint64_t sure = (std::min(hole, end) - 1) / block * block;
  return sure > begin ? sure - begin : 0;
}

}  // namespace davit::io
