#include "registry/limits.h"

#include <utility>

#include "base/try.h"

namespace davit::registry {
namespace {

/// Requests whose answers come at once where a registry is well. Bytes of blobs may have to be fetched first.
bool tells_by_its_time(Action action) {
  return action == Action::check_blob || action == Action::read_manifest || action == Action::begin_upload ||
         action == Action::put_manifest;
}

Rates rates_of(Rates known, const RequestLimits& chosen) {
  const std::pair<Action, double> wanted[] = {
      {Action::check_blob, chosen.check_blob},       {Action::read_blob, chosen.read_blob},
      {Action::read_manifest, chosen.read_manifest}, {Action::begin_upload, chosen.begin_upload},
      {Action::finish_upload, chosen.finish_upload}, {Action::put_manifest, chosen.put_manifest}};
  for (const auto& [action, rate] : wanted) {
    if (rate > 0) known[action] = rate;
  }
  return known;
}

}  // namespace

Limits::Limits(const Rates& known, const RequestLimits& chosen, Clock& clock)
    : clock_(clock), requests_(chosen.requests, clock) {
  if (chosen.concurrency > 0) all_.emplace(chosen.concurrency);
  const Rates rates = rates_of(known, chosen);
  for (std::size_t i = 0; i < kActions; ++i)
    lanes_[i] = std::make_unique<Lane>(rates[static_cast<Action>(i)], clock);
}

Result<Limits::Turn> Limits::turn(Action action, Carries carries, const CallContext& context) {
  Turn turn(*this, action, carries);
  const bool at_registry = action != Action::read_store;
  // Rates first: whoever has a place in a window leaves at once.
  if (at_registry) DAVIT_TRY_VOID(requests_.wait(context));
  DAVIT_TRY_VOID(lane(action).pace.wait(context));
  if (carries == Carries::blob && action != Action::send_part)
    DAVIT_TRY_VOID(lane(Action::send_part).pace.wait(context));
  if (carries == Carries::nothing) {
    DAVIT_TRY_VOID(lane(action).window.enter(context));
    turn.in_window_ = true;
    if (all_ && at_registry) {
      DAVIT_TRY_VOID(all_->enter(context));
      turn.in_all_ = true;
    }
  }
  turn.sent_ = clock_.steady();
  return turn;
}

Limits::Turn::Turn(Turn&& other) noexcept
    : limits_(std::exchange(other.limits_, nullptr)),
      action_(other.action_),
      carries_(other.carries_),
      sent_(other.sent_),
      in_window_(other.in_window_),
      in_all_(other.in_all_) {}

Limits::Turn::~Turn() {
  if (limits_ == nullptr) return;
  if (in_all_) limits_->all_->leave();
  if (in_window_) limits_->lane(action_).window.leave();
}

void Limits::Turn::answered(std::chrono::nanoseconds first_byte) {
  Lane& lane = limits_->lane(action_);
  lane.pace.succeeded();
  if (carries_ == Carries::blob && action_ != Action::send_part)
    limits_->lane(Action::send_part).pace.succeeded();
  lane.window.answered(tells_by_its_time(action_) ? first_byte : std::chrono::nanoseconds(0));
}

void Limits::Turn::refused(std::chrono::seconds hold) {
  Lane& lane = limits_->lane(action_);
  lane.pace.refused(sent_, hold);
  // Nobody says which of the two it was.
  if (carries_ == Carries::blob && action_ != Action::send_part)
    limits_->lane(Action::send_part).pace.refused(sent_, hold);
  lane.window.refused(sent_, limits_->clock_.steady());
}

}  // namespace davit::registry
