#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <davit/manifest.h>

#include "base/mutex.h"
#include "emulator/ecr/controls.h"
#include "emulator/ecr/place.h"
#include "emulator/ecr/records.h"
#include "emulator/ecr/refusal.h"
#include "emulator/shifted_clock.h"
#include "emulator/storage.h"

namespace davit::emulator {

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
  /// Repositories that `storage` holds already are there from the start. With a `file`, settings are read
  /// from it and kept in it. REQUIRES: the others outlive it. Throws std::runtime_error when the file cannot
  /// be read.
  Backend(const Place& place, Storage& storage, const ShiftedClock& clock, Controls& controls,
          std::filesystem::path file = {});

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

  /// Makes the repository as the template with the longest prefix says that applies to `reason`
  /// (CREATE_ON_PUSH, ...). False: there is none, and `without_one` does not want it made all the same.
  bool create_by_template(const std::string& repository, const std::string& reason, const std::string& arn,
                          bool without_one);

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
  /// `arn`: whose pull it was.
  void pulled(const std::string& repository, const Digest& digest, const std::string& arn);
  /// Takes an image that is not here from the upstream of a pull through cache rule, if there is one and has
  /// it. True: it is not to be seen yet.
  bool import(const std::string& repository, const std::string& reference, const std::string& arn);
  /// Whether a pull through cache rule fills it.
  [[nodiscard]] bool is_cache(const std::string& repository) const;
  /// The signing profiles that apply to the repository, and whether they have signed this image.
  [[nodiscard]] std::vector<std::pair<std::string, bool>> signatures(const std::string& repository,
                                                                     const Digest& digest) const;
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
  void copy_image(const std::string& from, const std::string& to, const Manifest& manifest)
      DAVIT_REQUIRES(put_mutex_);
  void sign(const std::string& repository, const Manifest& manifest) DAVIT_REQUIRES(put_mutex_);
  void save() const DAVIT_REQUIRES(mutex_);
  void require_content(const std::string& repository, const Manifest& manifest, const Modes& modes) const;
  [[nodiscard]] std::string in_registry(const std::string& repository) const;

  const Place& place_;
  Storage& storage_;
  const ShiftedClock& clock_;
  Controls& controls_;
  const std::filesystem::path file_;  // empty: nothing is kept
  mutable Mutex mutex_;
  Records records_ DAVIT_GUARDED_BY(mutex_);
  std::map<std::string, std::map<Digest, ImageTimes>> times_ DAVIT_GUARDED_BY(mutex_);
  Mutex put_mutex_;  // one image at a time: looking at a tag and setting it are one step
};

}  // namespace davit::emulator
