#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>

#include "rootfs/facts.h"
#include "rootfs/merge.h"

namespace davit::rootfs {

/// The facts that the nodes of some trees refer to by number. What a later entry has replaced is dropped now
/// and then, so that there are at most half as many again as there are paths, however often layers repeat
/// one. One thread at a time.
class FactsStore {
 public:
  /// REQUIRES: no other trees refer to what add() gives, and these live as long as something is added.
  explicit FactsStore(std::span<Merge* const> users) : users_(users) {}

  /// The number is good until the next call, or for as long as a node has it (which may be told another one).
  std::uint32_t add(const Facts& facts);
  [[nodiscard]] const Facts& at(std::uint32_t number) const { return all_[number]; }
  [[nodiscard]] std::size_t size() const { return all_.size(); }

 private:
  void drop_unused();

  static constexpr std::size_t kSpare = std::size_t{1} << 16;
  std::span<Merge* const> users_;
  std::deque<Facts> all_;
  std::size_t limit_ = kSpare;
};

}  // namespace davit::rootfs
