#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <davit/manifest.h>

#include "base/mutex.h"
#include "emulator/ecr/controls.h"
#include "emulator/ecr/place.h"
#include "emulator/ecr/refusal.h"
#include "emulator/shifted_clock.h"
#include "emulator/storage.h"

namespace davit::emulator {

/// Which tags stay where they are.
struct TagMutability {
  std::string mode = "MUTABLE";  ///< or IMMUTABLE, IMMUTABLE_WITH_EXCLUSION, MUTABLE_WITH_EXCLUSION
  std::vector<std::string> exclusions = {};  ///< patterns with `*`

  [[nodiscard]] bool immutable(std::string_view tag) const;
};

/// What an ECR repository is, besides its images.
struct RepositoryRecord {
  using Time = ShiftedClock::Time;

  std::string name = {};
  Time created = {};
  TagMutability mutability = {};
  bool scan_on_push = false;
  std::string encryption = "AES256";
  std::string kms_key = {};
  std::map<std::string, std::string> tags = {};
  std::string policy = {};
  std::string lifecycle_policy = {};
  Time lifecycle_evaluated = {};
  std::string preview_policy = {};  ///< of the lifecycle preview begun last; empty: none
  Time preview_begun = {};
};

/// What has happened to an image.
struct ImageTimes {
  RepositoryRecord::Time pushed;
  std::optional<RepositoryRecord::Time> pulled = {};
  std::optional<RepositoryRecord::Time> scanned = {};
  std::optional<RepositoryRecord::Time> archived = {};
  std::optional<RepositoryRecord::Time> restored = {};  ///< when it can be pulled again
};

/// Settings of the whole registry: JSON as it was put.
struct RegistrySettings {
  std::string policy = {};
  std::string replication = R"({"rules":[]})";
  std::string scanning = R"({"scanType":"BASIC","rules":[]})";
};

/// A manifest on its way in.
struct NewImage {
  std::string bytes;
  std::string media_type = {};
  std::string tag = {};
  std::optional<Digest> digest = {};  ///< what it must be
};

/// Which of the two doors a request came through; they differ where both say the same image again.
enum class Door { api, registry };

/// The repositories of one account and region: the operations that the API and the registry share. They throw
/// Refusal. Thread-safe.
class Backend {
 public:
  /// Repositories that `storage` holds already are there from the start. REQUIRES: the others outlive it.
  Backend(const Place& place, Storage& storage, const ShiftedClock& clock, Controls& controls);

  [[nodiscard]] const Place& place() const { return place_; }
  [[nodiscard]] const ShiftedClock& clock() const { return clock_; }
  [[nodiscard]] Controls& controls() { return controls_; }
  [[nodiscard]] Storage& storage() { return storage_; }

  // Repositories.
  RepositoryRecord create(RepositoryRecord wanted);
  [[nodiscard]] RepositoryRecord find(const std::string& repository) const;
  [[nodiscard]] bool has(const std::string& repository) const;
  [[nodiscard]] std::vector<RepositoryRecord> all() const;
  RepositoryRecord remove(const std::string& repository, bool force);
  void change(const std::string& repository, const std::function<void(RepositoryRecord&)>& edit);

  [[nodiscard]] RegistrySettings settings() const;
  void change_settings(const std::function<void(RegistrySettings&)>& edit);

  // Layers.
  /// A chunk of an upload: where it begins, if it says so, and its bytes.
  struct Chunk {
    std::optional<std::uint64_t> first;
    std::function<std::size_t(char*, std::size_t)> read;
  };
  std::string begin_upload(const std::string& repository);
  /// The upload's size afterwards. Every part counts as one UploadLayerPart of `arn`.
  std::uint64_t receive(const std::string& repository, const std::string& upload, const Chunk& chunk,
                        const std::string& arn);
  void complete(const std::string& repository, const std::string& upload, const std::vector<Digest>& digests);
  /// The blobs that manifests of the repository use, with their media types there.
  [[nodiscard]] std::map<Digest, std::string> used(const std::string& repository) const;
  /// Whether the blob is now in `to` too.
  bool mount(const std::string& to, const std::string& from, const Digest& digest);

  // Images.
  Manifest put_image(const std::string& repository, NewImage image, Door door);
  /// By "sha256:..." or tag; nullopt when there is none.
  [[nodiscard]] std::optional<Manifest> image(const std::string& repository,
                                              const std::string& reference) const;
  void pulled(const std::string& repository, const Digest& digest);
  void change_image(const std::string& repository, const Digest& digest,
                    const std::function<void(ImageTimes&)>& edit);
  /// ACTIVE, ARCHIVED or, on its way back, ACTIVATING. Only active images can be pulled.
  [[nodiscard]] std::string status(const std::string& repository, const Digest& digest) const;
  [[nodiscard]] ImageTimes times(const std::string& repository, const Digest& digest) const;
  /// The indexes of the repository that hold it.
  [[nodiscard]] std::vector<Digest> indexes_of(const std::string& repository, const Digest& digest) const;
  /// Sorted.
  [[nodiscard]] std::map<Digest, std::vector<std::string>> tags(const std::string& repository) const;
  [[nodiscard]] std::vector<std::string> tags_of(const std::string& repository, const Digest& digest) const;
  void remove_tag(const std::string& repository, const std::string& tag);
  void remove_image(const std::string& repository, const Digest& digest);

  // The words in which AWS says no.
  [[nodiscard]] Refusal no_repository(const std::string& repository) const;
  [[nodiscard]] Refusal no_image(const std::string& repository, const std::string& digest,
                                 const std::string& tag) const;
  [[nodiscard]] Refusal no_upload(const std::string& repository, const std::string& upload) const;

 private:
  void require_content(const std::string& repository, const Manifest& manifest, const Modes& modes) const;
  [[nodiscard]] std::string in_registry(const std::string& repository) const;

  const Place& place_;
  Storage& storage_;
  const ShiftedClock& clock_;
  Controls& controls_;
  mutable Mutex mutex_;
  std::map<std::string, RepositoryRecord> repositories_ DAVIT_GUARDED_BY(mutex_);
  RegistrySettings settings_ DAVIT_GUARDED_BY(mutex_);
  std::map<std::string, std::map<Digest, ImageTimes>> times_ DAVIT_GUARDED_BY(mutex_);
  Mutex put_mutex_;  // one image at a time: looking at a tag and setting it are one step
};

}  // namespace davit::emulator
