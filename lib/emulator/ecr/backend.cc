// Repositories, and what ECR says when something is not there. Layers and images: layers.cc, images.cc.
#include "emulator/ecr/backend.h"

#include <algorithm>
#include <utility>

#include "emulator/ecr/refusal.h"

namespace davit::emulator {
namespace {

/// Whether `text` is what `pattern` says, in which `*` stands for anything.
bool matches(std::string_view pattern, std::string_view text) {
  const auto star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == text;
  if (text.substr(0, star) != pattern.substr(0, star)) return false;
  const auto rest = pattern.substr(star + 1);
  for (std::size_t at = star; at <= text.size(); ++at) {
    if (matches(rest, text.substr(at))) return true;
  }
  return false;
}

}  // namespace

bool TagMutability::immutable(std::string_view tag) const {
  const bool excluded =
      std::ranges::any_of(exclusions, [&](const std::string& pattern) { return matches(pattern, tag); });
  if (mode == "IMMUTABLE") return true;
  if (mode == "IMMUTABLE_WITH_EXCLUSION") return !excluded;
  return mode == "MUTABLE_WITH_EXCLUSION" && excluded;
}

Backend::Backend(const Place& place, Storage& storage, const ShiftedClock& clock, Controls& controls)
    : place_(place), storage_(storage), clock_(clock), controls_(controls) {
  for (const auto& name : storage_.repositories())
    repositories_[name] = {.name = name, .created = clock_.now()};
}

std::string Backend::in_registry(const std::string& repository) const {
  return "repository with name '" + repository + "' in registry with id '" + place_.account + "'";
}

Refusal Backend::no_repository(const std::string& repository) const {
  return {"RepositoryNotFoundException", "The repository with name '" + repository +
                                             "' does not exist in the registry with id '" + place_.account +
                                             "'"};
}

Refusal Backend::no_image(const std::string& repository, const std::string& digest,
                          const std::string& tag) const {
  return {"ImageNotFoundException",
          "The image with imageId {imageDigest:'" + (digest.empty() ? "null" : digest) + "', imageTag:'" +
              (tag.empty() ? "null" : tag) + "'} does not exist within the repository with name '" +
              repository + "' in the registry with id '" + place_.account + "'"};
}

Refusal Backend::no_upload(const std::string& repository, const std::string& upload) const {
  return {"UploadNotFoundException",
          "The upload with id '" + upload + "' in the " + in_registry(repository) + " does not exist"};
}

RepositoryRecord Backend::create(RepositoryRecord wanted) {
  MutexLock lock(mutex_);
  if (repositories_.contains(wanted.name)) {
    throw Refusal{"RepositoryAlreadyExistsException", "The repository with name '" + wanted.name +
                                                          "' already exists in the registry with id '" +
                                                          place_.account + "'"};
  }
  wanted.created = clock_.now();
  repositories_[wanted.name] = wanted;
  return wanted;
}

RepositoryRecord Backend::find(const std::string& repository) const {
  MutexLock lock(mutex_);
  const auto found = repositories_.find(repository);
  if (found == repositories_.end()) throw no_repository(repository);
  return found->second;
}

bool Backend::has(const std::string& repository) const {
  MutexLock lock(mutex_);
  return repositories_.contains(repository);
}

std::vector<RepositoryRecord> Backend::all() const {
  MutexLock lock(mutex_);
  std::vector<RepositoryRecord> out;
  for (const auto& [name, record] : repositories_) out.push_back(record);
  return out;
}

RepositoryRecord Backend::remove(const std::string& repository, bool force) {
  MutexLock lock(mutex_);
  const auto found = repositories_.find(repository);
  if (found == repositories_.end()) throw no_repository(repository);
  if (!force && !storage_.manifests(repository).empty()) {
    throw Refusal{"RepositoryNotEmptyException",
                  "The " + in_registry(repository) + " cannot be deleted because it still contains images"};
  }
  RepositoryRecord gone = std::move(found->second);
  repositories_.erase(found);
  times_.erase(repository);
  storage_.remove_repository(repository);
  return gone;
}

void Backend::change(const std::string& repository, const std::function<void(RepositoryRecord&)>& edit) {
  MutexLock lock(mutex_);
  const auto found = repositories_.find(repository);
  if (found == repositories_.end()) throw no_repository(repository);
  edit(found->second);
}

RegistrySettings Backend::settings() const {
  MutexLock lock(mutex_);
  return settings_;
}

void Backend::change_settings(const std::function<void(RegistrySettings&)>& edit) {
  MutexLock lock(mutex_);
  edit(settings_);
}

}  // namespace davit::emulator
