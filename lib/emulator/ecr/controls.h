#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "emulator/ecr/modes.h"
#include "emulator/ecr/place.h"
#include "emulator/shifted_clock.h"

namespace davit::emulator {

/// Something that goes wrong on demand.
struct Fault {
  enum class Kind {
    status,    ///< `status` with the error that belongs to it
    text,      ///< `status` with a plain text body
    cut,       ///< the connection is reset without an answer
    truncate,  ///< and after `after` bytes of the body
    corrupt,   ///< one byte of the body is another
  };
  std::string operation = {};  ///< "PutImage", or "Download" for the blob store; empty: any
  Kind kind = Kind::status;
  int status = 500;
  std::uint64_t after = 0;
  int times = 1;
};

/// What a test or a user decides about an emulator while it runs: modes, permissions, faults; and the counts
/// of what was asked. Thread-safe.
class Controls {
 public:
  Controls(const ShiftedClock& clock, Modes modes) : clock_(clock), modes_(std::move(modes)) {}

  [[nodiscard]] Modes modes() const;
  Result<> set_mode(std::string_view name, std::string_view value);

  /// From now on nobody may do this (in that repository, when one is named).
  void deny(const std::string& operation, const std::string& repository = {});
  void allow_everything();
  [[nodiscard]] bool denied(const std::string& operation, const std::string& repository) const;

  void fail_next(Fault fault);
  /// The fault that the next request of this operation meets; counts it.
  std::optional<Fault> take_fault(std::string_view operation);

  /// How often an operation was asked for, by API or registry; those that were refused too.
  [[nodiscard]] int calls(const std::string& operation) const;

  /// How often one of them came too often; without a name, all together.
  [[nodiscard]] int throttled(const std::string& operation = {}) const;

  /// Every operation begins here: counts it, then throws Refusal when it is denied to `arn` or comes too
  /// often.
  void admit(const std::string& operation, const std::string& repository, const std::string& arn,
             const Place& place);

 private:
  struct Denial {
    std::string operation;
    std::string repository;
  };
  /// Full at first, with what a second brings.
  struct Bucket {
    double tokens = 0;
    ShiftedClock::Time filled;
  };

  [[nodiscard]] bool denied_locked(const std::string& operation, const std::string& repository) const
      DAVIT_REQUIRES(mutex_);
  [[nodiscard]] bool take_token(const std::string& operation, double per_second) DAVIT_REQUIRES(mutex_);

  const ShiftedClock& clock_;
  mutable Mutex mutex_;
  Modes modes_ DAVIT_GUARDED_BY(mutex_);
  std::vector<Denial> denials_ DAVIT_GUARDED_BY(mutex_);
  std::list<Fault> faults_ DAVIT_GUARDED_BY(mutex_);
  std::map<std::string, int> calls_ DAVIT_GUARDED_BY(mutex_);
  std::map<std::string, int> throttled_ DAVIT_GUARDED_BY(mutex_);
  std::map<std::string, Bucket> buckets_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::emulator
