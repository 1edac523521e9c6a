#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include <davit/content.h>

#include "tar/entry.h"

namespace davit::tar {

struct Header;

/// Goes through a tar from its first to its last byte, in the memory of one entry's attributes. Names follow
/// GNU tar's rules (PAX over GNU long names over ustar). PAX records about all entries that follow are passed
/// over, as everything that unpacks layers does; those that would name or measure entries are refused. One
/// thread at a time.
class Reader {
 public:
  explicit Reader(std::unique_ptr<ByteSource> source);

  /// Goes to the next entry, over what is left of this one. False at the end; then the source has been read
  /// to its own end, so that whoever verifies it has done so. Errors: corrupt for malformed or truncated
  /// tars, and those of the source.
  Result<bool> next();

  /// REQUIRES: next() said true.
  [[nodiscard]] const Entry& entry() const { return entry_; }
  /// Of the current entry: 0 for the first.
  [[nodiscard]] std::uint32_t position() const { return position_; }

  /// The entry's content, as it is stored. 0 at its end. REQUIRES: `into` is not empty.
  Result<std::size_t> read(std::span<std::byte> into);

 private:
  struct Extensions {
    std::string records;
    std::optional<std::string> name;
    std::optional<std::string> link;
  };

  Result<bool> step(Extensions& extensions);
  Result<> take(const Header& header, std::span<const std::byte, 512> block, const Extensions& extensions);
  Result<std::string> extension(std::uint64_t size);
  Result<> fill(std::span<std::byte> into);
  Result<> skip(std::uint64_t size);
  Result<> drain();

  std::unique_ptr<ByteSource> source_;
  Entry entry_;
  std::uint64_t left_ = 0;     ///< of the content
  std::uint64_t padding_ = 0;  ///< behind it
  std::uint32_t position_ = 0;
  bool begun_ = false;
  bool ended_ = false;
};

}  // namespace davit::tar
