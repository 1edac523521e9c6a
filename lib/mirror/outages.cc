#include "mirror/outages.h"

namespace davit::mirror {
namespace {

constexpr std::chrono::seconds kRest{30};

}  // namespace

void Outages::note(const std::string& host, const Error& error) {
  MutexLock lock(mutex_);
  outages_.insert_or_assign(host, Outage{clock_.steady(), error});
}

std::optional<Error> Outages::of(const std::string& host) const {
  MutexLock lock(mutex_);
  const auto found = outages_.find(host);
  if (found == outages_.end() || clock_.steady() - found->second.at > kRest) return {};
  return found->second.error;
}

void Outages::forget() {
  MutexLock lock(mutex_);
  outages_.clear();
}

}  // namespace davit::mirror
