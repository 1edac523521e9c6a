#include "mirror/entries.h"

namespace davit::mirror {

void Entries::count(std::size_t job, MirrorEntry entry) {
  using What = MirrorEntry::What;
  switch (entry.what) {
    case What::copied:
      ++totals_.copied;
      totals_.blobs_sent += entry.blobs.sent;
      totals_.blobs_mounted += entry.blobs.mounted;
      totals_.bytes_sent += entry.blobs.bytes_sent;
      break;
    case What::unchanged:
      ++totals_.unchanged;
      break;
    case What::deleted:
      ++totals_.deleted;
      break;
    case What::failed:
      ++totals_.failed;
      failed_jobs_.insert(job);
      if (ends_ != nullptr) ends_->request_stop();
      break;
  }
  if (const auto missing = missing_.find(entry.target); missing != missing_.end())
    entry.repository = missing->second ? MirrorEntry::Repository::made : MirrorEntry::Repository::missing;
  waiting_.push_back(std::move(entry));
  changed_.notify_all();
}

void Entries::count_each(std::size_t job, const std::vector<Reference>& targets, MirrorEntry entry) {
  if (!entry.target.empty()) return count(job, std::move(entry));
  for (const Reference& target : targets) {
    entry.target = target.name();
    count(job, entry);
  }
}

void Entries::add(const Route& route, MirrorEntry entry) {
  MutexLock lock(mutex_);
  if (again_ && !was_put_off(route.number, entry)) return;
  count_each(route.number, route.targets, std::move(entry));
}

void Entries::note_missing(const Reference& target, bool made) {
  MutexLock lock(mutex_);
  missing_[target.name()] |= made;
}

void Entries::put_off(const Route& route, MirrorEntry entry) {
  {
    MutexLock lock(mutex_);
    if (!again_ && ends_ == nullptr) {
      const Ends ends{route.number, entry.source, entry.target};
      const std::string tag = entry.tag;
      late_[ends].try_emplace(tag, Late{std::move(entry), route.targets});
      return;
    }
  }
  add(route, std::move(entry));
}

bool Entries::mark_tried(const Ends& ends, const std::string& tag) {
  const auto place = late_.find(ends);
  if (place == late_.end()) return false;
  const auto one = place->second.find(tag);
  if (one == place->second.end()) return false;
  one->second.tried = true;
  return true;
}

/// A failure of a whole target, or of the source, stands for every tag.
bool Entries::was_put_off(std::size_t job, const MirrorEntry& entry) {
  bool found = mark_tried({job, entry.source, entry.target}, entry.tag);
  found |= mark_tried({job, entry.source, entry.target}, "");
  found |= mark_tried({job, entry.source, ""}, "");
  if (!entry.target.empty()) return found;
  // The source cannot be had, and with it no target.
  for (auto& [ends, tags] : late_) {
    if (std::get<0>(ends) != job || std::get<1>(ends) != entry.source) continue;
    for (auto& [tag, late] : tags) found = late.tried = true;
  }
  return found;
}

std::vector<Route> Entries::put_off_routes(const std::vector<Route>& routes) const {
  MutexLock lock(mutex_);
  std::vector<Route> out;
  for (const Route& route : routes) {
    Route again = route;
    const std::string source = route.source.name();
    if (!late_.contains({route.number, source, ""})) {
      again.targets.clear();
      for (const Reference& target : route.targets) {
        if (late_.contains({route.number, source, target.name()})) again.targets.push_back(target);
      }
    }
    if (!again.targets.empty()) out.push_back(std::move(again));
  }
  return out;
}

void Entries::begin_again() {
  MutexLock lock(mutex_);
  again_ = true;
}

void Entries::close() {
  MutexLock lock(mutex_);
  for (auto& [ends, tags] : late_) {
    for (auto& [tag, late] : tags) {
      if (!late.tried) count_each(std::get<0>(ends), late.targets, std::move(late.entry));
    }
  }
  late_.clear();
  closed_ = true;
  changed_.notify_all();
}

bool Entries::take(std::vector<MirrorEntry>& into, std::chrono::milliseconds time) {
  into.clear();
  const auto until = std::chrono::steady_clock::now() + time;
  MutexLock lock(mutex_);
  while (waiting_.empty() && !closed_) {
    if (!changed_.wait_until(mutex_, until)) break;
  }
  into.swap(waiting_);
  return !into.empty() || !closed_;
}

MirrorTotals Entries::totals() const {
  MutexLock lock(mutex_);
  return totals_;
}

bool Entries::failed(const Route& route) const {
  MutexLock lock(mutex_);
  if (failed_jobs_.contains(route.number)) return true;
  for (const auto& [ends, tags] : late_) {
    for (const auto& [tag, late] : tags) {
      if (!late.tried && std::get<0>(ends) == route.number) return true;
    }
  }
  return false;
}

}  // namespace davit::mirror
