// Images: what goes in, what is kept of it, what comes out.
#include <algorithm>
#include <utility>

#include "emulator/ecr/backend.h"
#include "emulator/ecr/manifest_rules.h"
#include "emulator/ecr/refusal.h"
#include "model/media_type.h"

namespace davit::emulator {
namespace {

/// "[a, b]"
std::string listed(const std::vector<std::string>& digests) {
  std::string out;
  for (const auto& digest : digests) out += (out.empty() ? "" : ", ") + digest;
  return "[" + out + "]";
}

}  // namespace

void Backend::require_content(const std::string& repository, const Manifest& manifest,
                              const Modes& modes) const {
  std::vector<std::string> layers;
  std::vector<std::string> images;
  for (const auto& child : manifest.children()) {
    if (manifest.is_index()) {
      const bool there = model::is_manifest(model::essence(child.media_type))
                             ? storage_.manifest(repository, child.digest).has_value()
                             : storage_.blob(repository, child.digest) != nullptr;
      if (!there) images.push_back(child.digest.to_string());
    } else if (!(model::is_foreign_layer(child.media_type) && modes.is("foreign-layers", "skip"))) {
      if (storage_.blob(repository, child.digest) == nullptr) layers.push_back(child.digest.to_string());
    }
  }
  const std::string rest = " required for pushing image into repository with name '" + repository +
                           "' in the registry with id '" + place_.account + "' do not exist";
  if (!layers.empty()) {
    throw Refusal{"LayersNotFoundException", "Layers with digests '" + listed(layers) + "'" + rest};
  }
  if (!images.empty()) {
    throw Refusal{"ReferencedImagesNotFoundException", "Images with digests '" + listed(images) + "'" + rest};
  }
}

Manifest Backend::put_image(const std::string& repository, NewImage image, Door door) {
  const RepositoryRecord record = find(repository);
  const Modes modes = controls_.modes();
  Manifest manifest = accepted_manifest(std::move(image.bytes), image.media_type, modes);
  const Digest digest = manifest.descriptor().digest;
  if (image.digest && *image.digest != digest) {
    throw Refusal{"ImageDigestDoesNotMatchException",
                  "The specified image digest '" + image.digest->to_string() +
                      "' does not match the calculated image digest '" + digest.to_string() + "'"};
  }
  require_content(repository, manifest, modes);

  MutexLock putting(put_mutex_);
  const bool known = storage_.manifest(repository, digest).has_value();
  const auto before = image.tag.empty() ? std::nullopt : storage_.tag(repository, image.tag);
  if (door == Door::api && known && (image.tag.empty() || before == digest)) {
    throw Refusal{"ImageAlreadyExistsException", "Image with digest '" + digest.to_string() + "' and tag '" +
                                                     (image.tag.empty() ? "null" : image.tag) +
                                                     "' already exists in the " + in_registry(repository)};
  }
  if (before && record.mutability.immutable(image.tag)) {
    throw Refusal{"ImageTagAlreadyExistsException",
                  "The image tag '" + image.tag + "' already exists in the '" + repository +
                      "' repository and cannot be overwritten because the tag is immutable."};
  }
  const std::uint64_t limit = modes.number("max-images");
  if (!known && storage_.manifests(repository).size() >= limit) {
    throw Refusal{"LimitExceededException",
                  "The " + in_registry(repository) +
                      " already has the maximum allowed number of images which is '" + std::to_string(limit) +
                      "'"};
  }
  storage_.put_manifest(repository, manifest);
  if (!image.tag.empty()) storage_.set_tag(repository, image.tag, digest);
  // Pushing an archived image brings it back.
  change_image(repository, digest, [](ImageTimes& times) { times.archived.reset(); });
  sign(repository, manifest);
  return manifest;
}

std::optional<Manifest> Backend::image(const std::string& repository, const std::string& reference) const {
  auto digest = Digest::parse(reference);
  if (digest) return storage_.manifest(repository, *digest);
  const auto tagged = storage_.tag(repository, reference);
  return tagged ? storage_.manifest(repository, *tagged) : std::nullopt;
}

void Backend::pulled(const std::string& repository, const Digest& digest, const std::string& arn) {
  if (settings().exclusions.contains(arn)) return;
  change_image(repository, digest, [this](ImageTimes& times) { times.pulled = clock_.now(); });
}

void Backend::change_image(const std::string& repository, const Digest& digest,
                           const std::function<void(ImageTimes&)>& edit) {
  MutexLock lock(mutex_);
  edit(times_[repository].try_emplace(digest, ImageTimes{clock_.now()}).first->second);
}

std::string Backend::status(const std::string& repository, const Digest& digest) const {
  const ImageTimes known = times(repository, digest);
  if (!known.archived) return "ACTIVE";
  if (!known.restored) return "ARCHIVED";
  return clock_.now() < *known.restored ? "ACTIVATING" : "ACTIVE";
}

ImageTimes Backend::times(const std::string& repository, const Digest& digest) const {
  MutexLock lock(mutex_);
  const auto where = times_.find(repository);
  if (where != times_.end()) {
    const auto found = where->second.find(digest);
    if (found != where->second.end()) return found->second;
  }
  return {records_.repositories.contains(repository) ? records_.repositories.at(repository).created
                                                     : clock_.now()};
}

std::vector<Digest> Backend::indexes_of(const std::string& repository, const Digest& digest) const {
  std::vector<Digest> out;
  for (const auto& manifest : storage_.manifests(repository)) {
    if (!manifest.is_index()) continue;
    if (std::ranges::any_of(manifest.manifests(),
                            [&](const auto& child) { return child.digest == digest; })) {
      out.push_back(manifest.descriptor().digest);
    }
  }
  return out;
}

std::vector<std::string> Backend::tags_of(const std::string& repository, const Digest& digest) const {
  const auto all = tags(repository);
  const auto found = all.find(digest);
  return found == all.end() ? std::vector<std::string>() : found->second;
}

std::map<Digest, std::vector<std::string>> Backend::tags(const std::string& repository) const {
  std::map<Digest, std::vector<std::string>> out;
  for (const auto& tag : storage_.tags(repository)) {
    if (const auto digest = storage_.tag(repository, tag)) out[*digest].push_back(tag);
  }
  return out;
}

void Backend::remove_tag(const std::string& repository, const std::string& tag) {
  MutexLock putting(put_mutex_);
  const auto digest = storage_.tag(repository, tag);
  storage_.remove_tag(repository, tag);
  // The last tag takes the image with it, unless an index still needs it.
  if (digest && tags_of(repository, *digest).empty() && indexes_of(repository, *digest).empty()) {
    storage_.remove_manifest(repository, *digest);
  }
}

void Backend::remove_image(const std::string& repository, const Digest& digest) {
  MutexLock putting(put_mutex_);
  storage_.remove_manifest(repository, digest);
  MutexLock lock(mutex_);
  times_[repository].erase(digest);
}

}  // namespace davit::emulator
