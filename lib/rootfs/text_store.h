#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include <davit/result.h>

namespace davit::rootfs {

/// Very many short texts, each for its own bytes and four more. One thread at a time.
class TextStore {
 public:
  /// Errors: corrupt beyond 1 GiB of texts.
  Result<std::uint32_t> add(std::string_view text);
  /// Puts `text` in the place of another one, where it fits, else elsewhere.
  Result<std::uint32_t> replace(std::uint32_t place, std::string_view text);
  /// Valid as long as the store is.
  [[nodiscard]] std::string_view at(std::uint32_t place) const;

 private:
  [[nodiscard]] char* address(std::uint32_t place) const;

  std::vector<std::unique_ptr<char[]>> chunks_;
  std::size_t used_ = 0;  ///< of the last chunk
};

}  // namespace davit::rootfs
