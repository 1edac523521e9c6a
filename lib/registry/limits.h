#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <optional>

#include <davit/call_context.h>
#include <davit/limits.h>

#include "base/clock.h"
#include "registry/action.h"
#include "registry/pace.h"
#include "registry/window.h"

namespace davit::registry {

/// Whether a request has the bytes of a blob in it.
enum class Carries { nothing, blob };

/// How fast and how much at once one registry is asked, by the protocol and by its own interface together: a
/// pace and a window for each action. Thread-safe. REQUIRES: the clock outlives it.
class Limits {
 public:
  Limits(const Rates& known, const RequestLimits& chosen, Clock& clock);

  class Turn;
  /// Waits until one more request may go. Errors: cancelled, timeout.
  Result<Turn> turn(Action action, Carries carries, const CallContext& context);
  /// A request that carries a blob has begun another part of it.
  void part_begins() { lane(Action::send_part).pace.spend(); }

  [[nodiscard]] std::size_t window(Action action) { return lane(action).window.size(); }

 private:
  struct Lane {
    Lane(double per_second, Clock& clock) : pace(per_second, clock) {}
    Pace pace;
    Window window;
  };
  Lane& lane(Action action) { return *lanes_[static_cast<std::size_t>(action)]; }

  Clock& clock_;
  Pace requests_;
  std::optional<Window> all_;  // none: as many as each action's window lets in
  std::array<std::unique_ptr<Lane>, kActions> lanes_;
};

/// One request's turn, from its departure to its answer. Used by one thread. What carries a blob, whose bytes
/// may be waiting for another request, has no place in a window.
class Limits::Turn {
 public:
  Turn(Turn&& other) noexcept;
  Turn& operator=(Turn&&) = delete;
  ~Turn();

  /// An answer that is no refusal; `first_byte` is how long it took.
  void answered(std::chrono::nanoseconds first_byte);
  /// The registry said that this was too much, and how long to hold back.
  void refused(std::chrono::seconds hold);

 private:
  friend class Limits;
  Turn(Limits& limits, Action action, Carries carries)
      : limits_(&limits), action_(action), carries_(carries) {}

  Limits* limits_;  // null once moved from
  const Action action_;
  const Carries carries_;
  Clock::Steady sent_;
  bool in_window_ = false;
  bool in_all_ = false;
};

}  // namespace davit::registry
