#include "emulator/ecr/controls.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "emulator/ecr/refusal.h"

namespace davit::emulator {
namespace {

struct Quota {
  std::string_view operation;
  double private_rate;
  double public_rate;  ///< 0: none
};
/// The default quotas for an account and region, requests per second. In the public gallery pulls are
/// counted, here by their manifests.
constexpr std::array kQuotas{
    Quota{"BatchCheckLayerAvailability", 1000, 200}, Quota{"BatchGetImage", 2000, 10},
    Quota{"GetDownloadUrlForLayer", 3000, 0},        Quota{"GetAuthorizationToken", 500, 200},
    Quota{"InitiateLayerUpload", 100, 10},           Quota{"UploadLayerPart", 500, 260},
    Quota{"CompleteLayerUpload", 100, 10},           Quota{"PutImage", 10, 10},
};

/// Requests per second; 0: without limit.
double rate_of(const Modes& modes, std::string_view operation) {
  std::string_view list = modes.get("throttle");
  if (list == "off") return 0;
  if (list == "aws") {
    const auto quota = std::ranges::find(kQuotas, operation, &Quota::operation);
    if (quota == kQuotas.end()) return 0;
    return modes.is("registry", "public") ? quota->public_rate : quota->private_rate;
  }
  while (!list.empty()) {
    const auto one = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), one.size() + 1));
    const auto colon = one.find(':');
    if (one.substr(0, colon) != operation || colon == std::string_view::npos) continue;
    double rate = 0;
    std::from_chars(one.data() + colon + 1, one.data() + one.size(), rate);
    return rate;
  }
  return 0;
}

}  // namespace

Modes Controls::modes() const {
  MutexLock lock(mutex_);
  return modes_;
}

Result<> Controls::set_mode(std::string_view name, std::string_view value) {
  MutexLock lock(mutex_);
  return modes_.set(name, value);
}

void Controls::deny(const std::string& operation, const std::string& repository) {
  MutexLock lock(mutex_);
  denials_.push_back({operation, repository});
}

void Controls::allow_everything() {
  MutexLock lock(mutex_);
  denials_.clear();
}

bool Controls::denied_locked(const std::string& operation, const std::string& repository) const {
  return std::ranges::any_of(denials_, [&](const Denial& denial) {
    return denial.operation == operation && (denial.repository.empty() || denial.repository == repository);
  });
}

bool Controls::denied(const std::string& operation, const std::string& repository) const {
  MutexLock lock(mutex_);
  return denied_locked(operation, repository);
}

void Controls::fail_next(Fault fault) {
  MutexLock lock(mutex_);
  faults_.push_back(std::move(fault));
}

std::optional<Fault> Controls::take_fault(std::string_view operation) {
  MutexLock lock(mutex_);
  const auto found = std::ranges::find_if(
      faults_, [&](const Fault& fault) { return fault.operation.empty() || fault.operation == operation; });
  if (found == faults_.end()) return std::nullopt;
  Fault fault = *found;
  if (--found->times <= 0) faults_.erase(found);
  return fault;
}

int Controls::calls(const std::string& operation) const {
  MutexLock lock(mutex_);
  const auto found = calls_.find(operation);
  return found == calls_.end() ? 0 : found->second;
}

int Controls::throttled(const std::string& operation) const {
  MutexLock lock(mutex_);
  int sum = 0;
  for (const auto& [name, times] : throttled_) sum += operation.empty() || name == operation ? times : 0;
  return sum;
}

bool Controls::take_token(const std::string& operation, double per_second) {
  const auto now = clock_.now();
  const auto [entry, fresh] = buckets_.try_emplace(operation, Bucket{std::max(1.0, per_second), now});
  Bucket& bucket = entry->second;
  if (!fresh) {
    const std::chrono::duration<double> passed = now - bucket.filled;
    bucket.tokens = std::min(std::max(1.0, per_second), bucket.tokens + passed.count() * per_second);
    bucket.filled = now;
  }
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

void Controls::admit(const std::string& operation, const std::string& repository, const std::string& arn,
                     const Place& place) {
  MutexLock lock(mutex_);
  ++calls_[operation];
  if (denied_locked(operation, repository)) {
    const std::string action = (modes_.is("registry", "public") ? "ecr-public:" : "ecr:") + operation;
    throw Refusal{"AccessDeniedException",
                  "User: " + arn + " is not authorized to perform: " + action +
                      " on resource: " + (repository.empty() ? "*" : repository_arn(place, repository)) +
                      " because no identity-based policy allows the " + action + " action"};
  }
  const double rate = rate_of(modes_, operation);
  if (rate <= 0 || take_token(operation, rate)) return;
  ++throttled_[operation];
  throw Refusal{"ThrottlingException", "Rate exceeded"};
}

}  // namespace davit::emulator
