#include "mirror/ledger.h"

#include <algorithm>

namespace davit::mirror {
namespace {

/// More places to mount one blob from would only take memory; `has` asks the registry beyond them.
constexpr std::size_t kMostPlaces = 64;

}  // namespace

void Ledger::note(const Reference& repository, const std::vector<Descriptor>& blobs) {
  MutexLock lock(mutex_);
  Host& host = hosts_[repository.host];
  const auto [number, first] =
      host.numbers.emplace(repository.repository, static_cast<std::uint32_t>(host.names.size()));
  if (first) host.names.push_back(repository.repository);
  for (const Descriptor& blob : blobs) {
    Repositories& places = host.blobs[blob.digest];
    if (places.size() < kMostPlaces && std::ranges::find(places, number->second) == places.end())
      places.push_back(number->second);
  }
}

bool Ledger::has(const Reference& repository, const Digest& blob) const {
  MutexLock lock(mutex_);
  const auto host = hosts_.find(repository.host);
  if (host == hosts_.end()) return false;
  const auto number = host->second.numbers.find(repository.repository);
  const auto places = host->second.blobs.find(blob);
  return number != host->second.numbers.end() && places != host->second.blobs.end() &&
         std::ranges::find(places->second, number->second) != places->second.end();
}

std::string Ledger::elsewhere(const Reference& repository, const Digest& blob) const {
  MutexLock lock(mutex_);
  const auto host = hosts_.find(repository.host);
  if (host == hosts_.end()) return {};
  const auto places = host->second.blobs.find(blob);
  if (places == host->second.blobs.end()) return {};
  for (const std::uint32_t place : places->second) {
    if (host->second.names[place] != repository.repository) return host->second.names[place];
  }
  return {};
}

}  // namespace davit::mirror
