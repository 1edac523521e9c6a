#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <davit/manifest.h>

#include "base/mutex.h"
#include "crypto/hasher.h"
#include "emulator/socket.h"

namespace davit::emulator {

/// A blob's bytes: in memory, or in a file of an OCI layout. Immutable, shared by readers.
class Blob {
 public:
  explicit Blob(std::string bytes) : size_(bytes.size()), bytes_(std::move(bytes)) {}
  Blob(std::filesystem::path file, std::uint64_t size) : size_(size), file_(std::move(file)) {}

  [[nodiscard]] std::uint64_t size() const { return size_; }
  /// A function that hands out the bytes from `offset` on.
  [[nodiscard]] static std::function<std::size_t(char*, std::size_t)> reader(std::shared_ptr<const Blob> blob,
                                                                             std::uint64_t offset);
  [[nodiscard]] static std::string read_all(const std::shared_ptr<const Blob>& blob);

 private:
  std::uint64_t size_;
  std::string bytes_;
  std::filesystem::path file_;
};

/// An upload session. One request at a time holds it. Its file goes with it.
struct Upload {
  Upload() = default;
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;
  ~Upload();

  std::string repository;
  std::string id;
  std::uint64_t size = 0;
  int state = 0;  ///< counts the Locations that were given out
  std::uint64_t smallest_chunk_but_last = UINT64_MAX;
  std::uint64_t last_chunk = UINT64_MAX;
  std::string bytes;           ///< in memory,
  std::filesystem::path file;  ///< or here
  Fd fd;
  crypto::Hasher sha256;
};

/// What is in the registry. Thread-safe.
class Storage {
 public:
  /// Empty `folder`: everything in memory. Otherwise an OCI image layout, made when it is not there and read
  /// when it is: an index entry named `repository:tag` is that tag, one named `repository` has none,
  /// and all they refer to is in that repository. What uploads of an earlier life have left is removed.
  /// Throws std::runtime_error when the folder cannot be used, or another Storage, of this process or
  /// another, uses it.
  explicit Storage(std::filesystem::path folder);

  // Uploads. A session that one request has taken is not there for another until it is given back.
  std::string begin_upload(const std::string& repository);
  std::unique_ptr<Upload> take_upload(const std::string& repository, const std::string& id);
  void give_back(std::unique_ptr<Upload> upload);
  /// False when the disk is full.
  bool append(Upload& upload, std::string_view bytes) const;
  /// False when the bytes do not have this digest; the session is over either way.
  bool commit(std::unique_ptr<Upload> upload, const Digest& digest);
  void cancel(std::unique_ptr<Upload> upload);
  [[nodiscard]] std::size_t open_uploads() const;

  // Blobs.
  void put_blob(const std::string& repository, const Digest& digest, std::string bytes);
  [[nodiscard]] std::shared_ptr<const Blob> blob(const std::string& repository, const Digest& digest) const;
  /// Makes a blob of `from` (of any repository, when empty) part of `repository`. False when there is none.
  bool link_blob(const std::string& repository, const std::string& from, const Digest& digest);
  bool remove_blob(const std::string& repository, const Digest& digest);

  // Manifests and tags.
  void put_manifest(const std::string& repository, const Manifest& manifest);
  void set_tag(const std::string& repository, const std::string& tag, const Digest& digest);
  [[nodiscard]] std::optional<Manifest> manifest(const std::string& repository, const Digest& digest) const;
  [[nodiscard]] std::optional<Digest> tag(const std::string& repository, const std::string& tag) const;
  [[nodiscard]] std::vector<Manifest> manifests(const std::string& repository) const;
  bool remove_manifest(const std::string& repository, const Digest& digest);
  bool remove_tag(const std::string& repository, const std::string& tag);
  [[nodiscard]] std::vector<std::string> tags(const std::string& repository) const;
  [[nodiscard]] std::vector<std::string> repositories() const;
  [[nodiscard]] bool has_repository(const std::string& repository) const;
  void remove_repository(const std::string& repository);
  [[nodiscard]] std::vector<Manifest> referrers(const std::string& repository, const Digest& subject) const;

 private:
  struct Repository {
    std::set<Digest> blobs;
    std::map<Digest, Manifest> manifests;
    std::map<std::string, Digest> tags;
  };

  [[nodiscard]] std::filesystem::path blob_file(const Digest& digest) const;
  void load() DAVIT_EXCLUDES(mutex_);
  void load_tree(Repository& repository, const Descriptor& root) DAVIT_REQUIRES(mutex_);
  void write_index() const DAVIT_REQUIRES(mutex_);
  void keep(const std::string& repository, const Digest& digest, std::string bytes) DAVIT_REQUIRES(mutex_);

  void take_folder();

  const std::filesystem::path folder_;
  Fd lock_;  // nobody else's while it is open
  mutable Mutex mutex_;
  std::uint64_t next_upload_ DAVIT_GUARDED_BY(mutex_) = 1;
  std::size_t taken_ DAVIT_GUARDED_BY(mutex_) = 0;
  std::map<std::string, std::unique_ptr<Upload>> uploads_ DAVIT_GUARDED_BY(mutex_);
  std::map<Digest, std::shared_ptr<const Blob>> blobs_ DAVIT_GUARDED_BY(mutex_);  // co-owned by readers
  std::map<std::string, Repository> repositories_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::emulator
