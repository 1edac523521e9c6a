#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include <davit/content.h>

#include "registry/registry.h"

namespace davit::registry {

/// The beginning of a content whose size nobody knows yet, read into memory: a small one is then known
/// completely and can be sent in one piece. Memory comes from the registry's spool and goes back as the bytes
/// are read again.
class Spool {
 public:
  /// Reads up to `most` bytes, fewer when the spool memory is spent. REQUIRES: the registry outlives the
  /// spool.
  static Result<Spool> fill(Registry& registry, std::unique_ptr<ByteSource> source, std::uint64_t most);
  Spool(Spool&&) noexcept;
  ~Spool();

  /// Whether the content ended within.
  [[nodiscard]] bool whole() const { return whole_; }
  [[nodiscard]] std::uint64_t size() const { return size_; }

  /// The bytes again, from the first one, as often as wanted. REQUIRES: whole(), and the spool outlives it.
  [[nodiscard]] std::unique_ptr<ByteSource> open() const;
  /// The bytes and then the rest of the content, once.
  static std::unique_ptr<ByteSource> drain(Spool spool);

 private:
  struct Block;
  class Reader;
  class Drain;
  explicit Spool(std::unique_ptr<ByteSource> rest);

  std::unique_ptr<ByteSource> rest_;
  std::deque<std::unique_ptr<Block>> blocks_;
  std::uint64_t size_ = 0;
  bool whole_ = false;
};

}  // namespace davit::registry
