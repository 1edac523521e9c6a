#include "io/read_all.h"

#include <algorithm>

#include "base/error.h"
#include "base/try.h"

namespace davit::io {

Result<std::string> read_all(ByteSource& source, std::size_t limit) {
  constexpr std::size_t kStep = 64 << 10;
  std::string out;
  for (;;) {
    const std::size_t have = out.size();
    out.resize(std::min(have + kStep, limit + 1));
    DAVIT_TRY(const std::size_t count, source.read(std::as_writable_bytes(std::span(out)).subspan(have)));
    out.resize(have + count);
    if (count == 0) return out;
    if (out.size() > limit) return make_error(Errc::corrupt, "more than " + std::to_string(limit) + " bytes");
  }
}

Result<std::size_t> read_full(ByteSource& source, std::span<std::byte> into) {
  std::size_t done = 0;
  while (done < into.size()) {
    DAVIT_TRY(const std::size_t count, source.read(into.subspan(done)));
    if (count == 0) break;
    done += count;
  }
  return done;
}

}  // namespace davit::io
