#include "registry/pull_count.h"

#include "registry/fields.h"

namespace davit::registry {
namespace {

std::string text_of(std::chrono::seconds time) {
  const auto whole = [&](std::int64_t unit, const char* name) {
    const std::int64_t count = time.count() / unit;
    return std::to_string(count) + " " + name + (count == 1 ? "" : "s");
  };
  if (time.count() % 3600 == 0) return whole(3600, "hour");
  return time.count() % 60 == 0 ? whole(60, "minute") : whole(1, "second");
}

}  // namespace

std::string text_of(const PullQuota& quota) {
  std::string out = std::to_string(quota.left);
  if (quota.limit > 0) out += " of " + std::to_string(quota.limit);
  out += " pulls";
  if (quota.window.count() > 0) out += " in " + text_of(quota.window);
  return out + " left";
}

void PullCount::note(const net::Headers& headers) {
  const auto left = parse_counted(headers.get("RateLimit-Remaining"));
  if (!left) return;
  const auto limit = parse_counted(headers.get("RateLimit-Limit"));
  PullQuota now{
      .registry = registry_, .left = left->count, .limit = limit ? limit->count : 0, .window = left->window};
  {
    MutexLock lock(mutex_);
    last_ = now;
    // Answers overtake each other: a few more than before is nothing new.
    if (logged_ && (now.left == *logged_ || (now.left > *logged_ / 2 && now.left <= *logged_ * 2))) return;
    logged_ = now.left;
  }
  log_.write(now.left == 0 ? LogLevel::warning : LogLevel::info, "registry", registry_ + ": " + text_of(now),
             {});
}

std::optional<PullQuota> PullCount::get() const {
  MutexLock lock(mutex_);
  return last_;
}

}  // namespace davit::registry
