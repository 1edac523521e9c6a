#include "registry/repository.h"

namespace davit::registry {
namespace {

/// More than any image has parts; what is written beyond it is not remembered.
constexpr std::size_t kMostWritten = 16'384;

}  // namespace

Repository::Repository(Registry& registry, std::string name, Side side, std::optional<NewRepository> create)
    : registry_(registry), name_(std::move(name)), side_(side), create_(std::move(create)) {}

Purpose Repository::purpose(std::string_view verb, std::string_view thing) const {
  const std::string_view preposition = verb == "push" || verb == "mount" ? " to "
                                       : verb == "pull"                  ? " from "
                                                                         : " in ";
  std::string text(verb);
  text += ' ';
  text += thing;
  if (!thing.empty()) text += preposition;
  return {text + registry_.host() + "/" + name_, side_, &registry_.quirks()};
}

net::Url Repository::url(std::string_view rest) const {
  return registry_.base().with_path("/v2/" + name_ + "/" + std::string(rest));
}

auth::Scope Repository::scope() const {
  return {.repository = name_, .push = side_ == Side::destination, .mount_from = {}};
}

SinkLimits Repository::limits() const {
  const Quirks& quirks = registry_.quirks();
  return {.layers = quirks.most_layers, .manifest_bytes = quirks.most_manifest_bytes};
}

void Repository::note_written(const Digest& digest) {
  MutexLock lock(mutex_);
  if (written_.size() < kMostWritten) written_.insert(digest);
}

bool Repository::was_written(const Digest& digest) const {
  MutexLock lock(mutex_);
  return written_.contains(digest);
}

std::optional<UploadTarget> Repository::take_session(const Digest& digest) {
  MutexLock lock(mutex_);
  const auto found = sessions_.find(digest);
  if (found == sessions_.end()) return {};
  UploadTarget target = std::move(found->second);
  sessions_.erase(found);
  return target;
}

}  // namespace davit::registry
