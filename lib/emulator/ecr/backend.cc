// Repositories, and what ECR says when something is not there. Layers and images: layers.cc, images.cc.
#include "emulator/ecr/backend.h"

#include <utility>

#include "emulator/ecr/refusal.h"

namespace davit::emulator {

Backend::Backend(const Place& place, Storage& storage, const ShiftedClock& clock, Controls& controls,
                 std::filesystem::path file)
    : place_(place), storage_(storage), clock_(clock), controls_(controls), file_(std::move(file)) {
  MutexLock lock(mutex_);
  if (!file_.empty()) records_ = read_records(file_);
  for (const auto& name : storage_.repositories())
    records_.repositories.try_emplace(name, RepositoryRecord{.name = name, .created = clock_.now()});
}

void Backend::save() const {
  if (!file_.empty()) write_records(file_, records_);
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
  if (records_.repositories.contains(wanted.name)) {
    throw Refusal{"RepositoryAlreadyExistsException", "The repository with name '" + wanted.name +
                                                          "' already exists in the registry with id '" +
                                                          place_.account + "'"};
  }
  wanted.created = clock_.now();
  records_.repositories[wanted.name] = wanted;
  save();
  return wanted;
}

RepositoryRecord Backend::find(const std::string& repository) const {
  MutexLock lock(mutex_);
  const auto found = records_.repositories.find(repository);
  if (found == records_.repositories.end()) throw no_repository(repository);
  return found->second;
}

bool Backend::has(const std::string& repository) const {
  MutexLock lock(mutex_);
  return records_.repositories.contains(repository);
}

std::vector<RepositoryRecord> Backend::all() const {
  MutexLock lock(mutex_);
  std::vector<RepositoryRecord> out;
  for (const auto& [name, record] : records_.repositories) out.push_back(record);
  return out;
}

RepositoryRecord Backend::remove(const std::string& repository, bool force) {
  MutexLock lock(mutex_);
  const auto found = records_.repositories.find(repository);
  if (found == records_.repositories.end()) throw no_repository(repository);
  if (!force && !storage_.manifests(repository).empty()) {
    throw Refusal{"RepositoryNotEmptyException",
                  "The " + in_registry(repository) + " cannot be deleted because it still contains images"};
  }
  RepositoryRecord gone = std::move(found->second);
  records_.repositories.erase(found);
  times_.erase(repository);
  storage_.remove_repository(repository);
  save();
  return gone;
}

void Backend::change(const std::string& repository, const std::function<void(RepositoryRecord&)>& edit) {
  MutexLock lock(mutex_);
  const auto found = records_.repositories.find(repository);
  if (found == records_.repositories.end()) throw no_repository(repository);
  edit(found->second);
  save();
}

RegistrySettings Backend::settings() const {
  MutexLock lock(mutex_);
  return records_.settings;
}

void Backend::change_settings(const std::function<void(RegistrySettings&)>& edit) {
  MutexLock lock(mutex_);
  edit(records_.settings);
  save();
}

}  // namespace davit::emulator
