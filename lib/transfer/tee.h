#pragma once

#include <chrono>
#include <memory>

#include <davit/content.h>

namespace davit::transfer {

struct TeeOptions {
  std::size_t block_size = 128 << 10;
  std::size_t depth = 4;  ///< blocks that the fastest branch may be ahead of the slowest
  std::chrono::milliseconds patience{
      10'000};  ///< how long, all in all, one branch may keep the others waiting
};

/// Reads a content once and hands it to several sinks at the pace of the slowest. Each sink gets a branch,
/// which is a content itself: its first open() from the beginning joins the common reading; any other open (a
/// retry), and a branch that kept the others waiting too long, goes on alone from where it is, by opening the
/// original again. Reading ahead happens on a thread of the tee's own, so even a single branch overlaps
/// reading with sending. Memory: depth * block_size, whatever the number of branches. Thread-safe.
class Tee {
 public:
  Tee(std::shared_ptr<const Content> origin, std::size_t branches, const TeeOptions& options,
      const CallContext& context);
  /// Stops reading and joins. Sources opened from branches stay valid and go on alone.
  ~Tee();
  Tee(const Tee&) = delete;
  Tee& operator=(const Tee&) = delete;

  [[nodiscard]] std::shared_ptr<const Content> branch(std::size_t index) const;
  /// The sink of this branch is done with it, however it ended: nobody waits for it any more.
  void release(std::size_t index);
  /// Whether this branch was left behind because it was too slow.
  [[nodiscard]] bool detached(std::size_t index) const;

 private:
  struct Shared;
  class LiveSource;
  class Branch;
  std::shared_ptr<Shared> shared_;  // co-owned by the branches and their sources
};

}  // namespace davit::transfer
