#include "io/measure.h"

#include <vector>

#include "base/try.h"
#include "crypto/hasher.h"

namespace davit::io {

Result<Descriptor> measure(ByteSource& source) {
  crypto::Hasher hasher;
  std::uint64_t size = 0;
  std::vector<std::byte> buffer(128 << 10);
  for (;;) {
    DAVIT_TRY(const std::size_t count, source.read(buffer));
    if (count == 0) break;
    hasher.update(std::span(buffer).first(count));
    size += count;
  }
  Descriptor out;
  out.digest = hasher.digest();
  out.size = size;
  return out;
}

}  // namespace davit::io
