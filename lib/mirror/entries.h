#pragma once

#include <chrono>
#include <map>
#include <set>
#include <stop_token>
#include <string>
#include <tuple>
#include <vector>

#include <davit/mirror.h>

#include "base/mutex.h"
#include "mirror/route.h"

namespace davit::mirror {

/// What became of tags, on the way from the threads that find out to the caller's. A failure that may pass
/// can be put off: it counts only when a second attempt at the same tag brings nothing else. Thread-safe.
class Entries {
 public:
  /// `ends` is asked to stop by the first failure; null: failures end nothing. REQUIRES: it outlives this.
  explicit Entries(std::stop_source* ends) : ends_(ends) {}

  /// A failure without a target is about all of the route's.
  void add(const Route& route, MirrorEntry entry);
  /// REQUIRES: a failure. Without a tag it is about all of the target; without a target, of the source.
  void put_off(const Route& route, MirrorEntry entry);

  /// Those of these routes that a second attempt could help, with the targets that it is about.
  [[nodiscard]] std::vector<Route> put_off_routes(const std::vector<Route>& routes) const;
  /// The second attempt begins: from now on only what has been put off is told about.
  void begin_again();
  /// Nothing follows. What was put off and not tried again has failed.
  void close();

  /// Waits until there are some, or for `time`, and takes them. False: there are none, and nothing follows.
  bool take(std::vector<MirrorEntry>& into, std::chrono::milliseconds time);

  [[nodiscard]] MirrorTotals totals() const;
  /// Of a plan: there is no such repository, which its entries say from now on.
  void note_missing(const Reference& target, bool made);

  /// Whether a tag of this job has failed, or has been put off.
  [[nodiscard]] bool failed(const Route& route) const;

 private:
  struct Late {
    MirrorEntry entry;
    std::vector<Reference> targets;  ///< of the route
    bool tried = false;
  };
  using Ends = std::tuple<std::size_t, std::string, std::string>;  ///< job, source and target

  void count(std::size_t job, MirrorEntry entry) DAVIT_REQUIRES(mutex_);
  /// A failure of the source is one at each target.
  void count_each(std::size_t job, const std::vector<Reference>& targets, MirrorEntry entry)
      DAVIT_REQUIRES(mutex_);
  bool mark_tried(const Ends& ends, const std::string& tag) DAVIT_REQUIRES(mutex_);
  bool was_put_off(std::size_t job, const MirrorEntry& entry) DAVIT_REQUIRES(mutex_);

  std::stop_source* const ends_;
  mutable Mutex mutex_;
  CondVar changed_;
  std::vector<MirrorEntry> waiting_ DAVIT_GUARDED_BY(mutex_);
  MirrorTotals totals_ DAVIT_GUARDED_BY(mutex_);
  std::map<std::string, bool> missing_ DAVIT_GUARDED_BY(mutex_);  ///< and whether the run would make it
  std::set<std::size_t> failed_jobs_ DAVIT_GUARDED_BY(mutex_);
  std::map<Ends, std::map<std::string, Late>> late_ DAVIT_GUARDED_BY(mutex_);  ///< and the tag
  bool again_ DAVIT_GUARDED_BY(mutex_) = false;
  bool closed_ DAVIT_GUARDED_BY(mutex_) = false;
};

}  // namespace davit::mirror
