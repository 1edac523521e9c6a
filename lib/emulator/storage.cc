#include "emulator/storage.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <span>
#include <stdexcept>
#include <utility>

#include <nlohmann/json.hpp>

#include "model/media_type.h"

namespace davit::emulator {
namespace {

constexpr const char* kRefName = "org.opencontainers.image.ref.name";
constexpr const char* kLockName = ".davit-serve.lock";
constexpr std::string_view kUploadName = "upload-";

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

bool write_fully(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

std::string read_file(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw std::runtime_error("read " + file.string());
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// Whole or not at all: written beside its name and renamed.
void write_file(const std::filesystem::path& file, std::string_view bytes) {
  const auto fresh = std::filesystem::path(file.string() + ".new");
  std::ofstream(fresh, std::ios::binary) << bytes;
  std::filesystem::rename(fresh, file);
}

bool matches(const Digest& digest, const Upload& upload) {
  if (digest.algorithm() == Digest::Algorithm::sha256) return upload.sha256.digest() == digest;
  crypto::Hasher hasher(digest.algorithm());
  if (upload.file.empty()) {
    hasher.update(bytes_of(upload.bytes));
  } else {
    std::ifstream in(upload.file, std::ios::binary);
    std::string block(1u << 16, '\0');
    while (in.read(block.data(), static_cast<std::streamsize>(block.size())), in.gcount() > 0) {
      hasher.update(bytes_of({block.data(), static_cast<std::size_t>(in.gcount())}));
    }
  }
  return hasher.digest() == digest;
}

}  // namespace

Upload::~Upload() {
  std::error_code unimportant;  // the next server removes it
  if (!file.empty()) std::filesystem::remove(file, unimportant);
}

std::function<std::size_t(char*, std::size_t)> Blob::reader(std::shared_ptr<const Blob> blob,
                                                            std::uint64_t offset) {
  if (blob->file_.empty()) {
    return [blob = std::move(blob), offset](char* into, std::size_t size) mutable {
      const auto n = std::min<std::uint64_t>(size, blob->bytes_.size() - offset);
      std::memcpy(into, blob->bytes_.data() + offset, static_cast<std::size_t>(n));
      offset += n;
      return static_cast<std::size_t>(n);
    };
  }
  const auto fd = std::make_shared<Fd>(
      ::open(blob->file_.c_str(), O_RDONLY | O_CLOEXEC));  // shared: functions are copied
  return [fd, offset](char* into, std::size_t size) mutable {
    const ssize_t n = ::pread(fd->get(), into, size, static_cast<off_t>(offset));
    if (n > 0) offset += static_cast<std::uint64_t>(n);
    return n > 0 ? static_cast<std::size_t>(n) : 0;
  };
}

std::string Blob::read_all(const std::shared_ptr<const Blob>& blob) {
  return blob->file_.empty() ? blob->bytes_ : read_file(blob->file_);
}

Storage::Storage(std::filesystem::path folder) : folder_(std::move(folder)) {
  if (folder_.empty()) return;
  take_folder();
  std::filesystem::create_directories(folder_ / "blobs" / "sha256");
  std::filesystem::create_directories(folder_ / "blobs" / "sha512");
  if (std::filesystem::exists(folder_ / "index.json")) {
    load();
  } else {
    write_file(folder_ / "oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
    MutexLock lock(mutex_);
    write_index();
  }
}

void Storage::take_folder() {
  std::filesystem::create_directories(folder_);
  const auto file = folder_ / kLockName;
  lock_ = Fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock_) throw std::runtime_error("open " + file.string() + ": " + std::strerror(errno));
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    throw std::runtime_error(errno == EWOULDBLOCK
                                 ? folder_.string() + " is in use by another server: one folder, one server"
                                 : "lock " + file.string() + ": " + std::strerror(errno));
  }
  // Collected first: what is removed while a folder is being read confuses the reading.
  std::vector<std::filesystem::path> abandoned;
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    const std::string name = entry.path().filename().string();
    const bool ours = name.starts_with(kUploadName) &&
                      name.find_first_not_of("0123456789", kUploadName.size()) == std::string::npos;
    if (ours && entry.is_regular_file()) abandoned.push_back(entry.path());
  }
  for (const auto& upload : abandoned) std::filesystem::remove(upload);
}

std::filesystem::path Storage::blob_file(const Digest& digest) const {
  return folder_ / "blobs" / digest.algorithm_name() / digest.hex();
}

void Storage::load() {
  auto index = Manifest::parse(read_file(folder_ / "index.json"), model::kOciIndex);
  if (!index) throw std::runtime_error("index.json: " + index.error().message);
  MutexLock lock(mutex_);
  for (const auto& root : index->manifests()) {
    const auto name = root.annotations.find(kRefName);
    if (name == root.annotations.end()) continue;
    const auto colon = name->second.rfind(':');
    Repository& repository = repositories_[name->second.substr(0, colon)];
    if (colon != std::string::npos) repository.tags[name->second.substr(colon + 1)] = root.digest;
    load_tree(repository, root);
  }
}

void Storage::load_tree(Repository& repository, const Descriptor& root) {
  const auto file = blob_file(root.digest);
  if (!std::filesystem::exists(file)) return;
  if (!model::is_manifest(root.media_type)) {
    repository.blobs.insert(root.digest);
    blobs_[root.digest] = std::make_shared<const Blob>(file, std::filesystem::file_size(file));
    return;
  }
  if (repository.manifests.contains(root.digest)) return;
  auto manifest = Manifest::parse(read_file(file), root.media_type, root.digest.algorithm());
  if (!manifest) throw std::runtime_error(file.string() + ": " + manifest.error().message);
  repository.manifests.emplace(root.digest, *manifest);
  for (const auto& child : manifest->children()) load_tree(repository, child);
}

void Storage::write_index() const {
  if (folder_.empty()) return;
  nlohmann::json entries = nlohmann::json::array();
  const auto add = [&](const Descriptor& descriptor, const std::string& name) {
    entries.push_back({{"mediaType", descriptor.media_type},
                       {"digest", descriptor.digest.to_string()},
                       {"size", descriptor.size},
                       {"annotations", {{kRefName, name}}}});
  };
  for (const auto& [name, repository] : repositories_) {
    std::set<Digest> led_to;  // by a tag or an index
    for (const auto& [tag, digest] : repository.tags) {
      const auto manifest = repository.manifests.find(digest);
      if (manifest == repository.manifests.end()) continue;  // a layout of somebody's, with a file missing
      add(manifest->second.descriptor(), name + ":" + tag);
      led_to.insert(digest);
    }
    for (const auto& [digest, manifest] : repository.manifests) {
      if (!manifest.is_index()) continue;
      for (const auto& child : manifest.manifests()) led_to.insert(child.digest);
    }
    for (const auto& [digest, manifest] : repository.manifests) {
      if (!led_to.contains(digest)) add(manifest.descriptor(), name);
    }
  }
  const nlohmann::json index = {
      {"schemaVersion", 2}, {"mediaType", model::kOciIndex}, {"manifests", entries}};
  write_file(folder_ / "index.json", index.dump());
}

std::string Storage::begin_upload(const std::string& repository) {
  MutexLock lock(mutex_);
  auto upload = std::make_unique<Upload>();
  upload->repository = repository;
  upload->id = std::string(kUploadName) + std::to_string(next_upload_++);
  if (!folder_.empty()) {
    upload->file = folder_ / upload->id;
    upload->fd = Fd(::open(upload->file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  }
  repositories_[repository];
  std::string id = upload->id;
  uploads_[id] = std::move(upload);
  return id;
}

std::unique_ptr<Upload> Storage::take_upload(const std::string& repository, const std::string& id) {
  MutexLock lock(mutex_);
  const auto found = uploads_.find(id);
  if (found == uploads_.end() || found->second->repository != repository) return nullptr;
  auto upload = std::move(found->second);
  uploads_.erase(found);
  ++taken_;
  return upload;
}

void Storage::give_back(std::unique_ptr<Upload> upload) {
  MutexLock lock(mutex_);
  --taken_;
  std::string id = upload->id;
  uploads_[id] = std::move(upload);
}

bool Storage::append(Upload& upload, std::string_view bytes) const {
  if (folder_.empty()) {
    upload.bytes += bytes;
  } else if (!write_fully(upload.fd.get(), bytes)) {
    return false;
  }
  upload.sha256.update(bytes_of(bytes));
  upload.size += bytes.size();
  return true;
}

bool Storage::commit(std::unique_ptr<Upload> upload, const Digest& digest) {
  const bool good = matches(digest, *upload);
  MutexLock lock(mutex_);
  --taken_;
  if (!good) return false;
  repositories_[upload->repository].blobs.insert(digest);
  if (upload->file.empty()) {
    blobs_[digest] = std::make_shared<const Blob>(std::move(upload->bytes));
  } else {
    std::filesystem::rename(upload->file, blob_file(digest));
    upload->file.clear();  // it is the blob's now
    blobs_[digest] = std::make_shared<const Blob>(blob_file(digest), upload->size);
  }
  return true;
}

void Storage::cancel(std::unique_ptr<Upload> upload) {
  upload.reset();
  MutexLock lock(mutex_);
  --taken_;
}

std::size_t Storage::open_uploads() const {
  MutexLock lock(mutex_);
  return uploads_.size() + taken_;
}

void Storage::keep(const std::string& repository, const Digest& digest, std::string bytes) {
  repositories_[repository].blobs.insert(digest);
  if (folder_.empty()) {
    blobs_[digest] = std::make_shared<const Blob>(std::move(bytes));
  } else {
    write_file(blob_file(digest), bytes);
    blobs_[digest] = std::make_shared<const Blob>(blob_file(digest), bytes.size());
  }
}

void Storage::put_blob(const std::string& repository, const Digest& digest, std::string bytes) {
  MutexLock lock(mutex_);
  keep(repository, digest, std::move(bytes));
}

std::shared_ptr<const Blob> Storage::blob(const std::string& repository, const Digest& digest) const {
  MutexLock lock(mutex_);
  const auto found = repositories_.find(repository);
  if (found == repositories_.end() || !found->second.blobs.contains(digest)) return nullptr;
  return blobs_.at(digest);
}

bool Storage::link_blob(const std::string& repository, const std::string& from, const Digest& digest) {
  MutexLock lock(mutex_);
  const bool there = std::any_of(repositories_.begin(), repositories_.end(), [&](const auto& entry) {
    return (from.empty() || entry.first == from) && entry.second.blobs.contains(digest);
  });
  if (there) repositories_[repository].blobs.insert(digest);
  return there;
}

bool Storage::remove_blob(const std::string& repository, const Digest& digest) {
  MutexLock lock(mutex_);
  return repositories_[repository].blobs.erase(digest) > 0;
}

void Storage::put_manifest(const std::string& repository, const Manifest& manifest) {
  MutexLock lock(mutex_);
  const Digest& digest = manifest.descriptor().digest;
  if (!folder_.empty()) write_file(blob_file(digest), manifest.bytes());
  repositories_[repository].manifests.insert_or_assign(digest, manifest);
  write_index();
}

void Storage::set_tag(const std::string& repository, const std::string& tag, const Digest& digest) {
  MutexLock lock(mutex_);
  repositories_[repository].tags[tag] = digest;
  write_index();
}

std::optional<Manifest> Storage::manifest(const std::string& repository, const Digest& digest) const {
  MutexLock lock(mutex_);
  const auto where = repositories_.find(repository);
  if (where == repositories_.end()) return std::nullopt;
  const auto found = where->second.manifests.find(digest);
  if (found == where->second.manifests.end()) return std::nullopt;
  return found->second;
}

std::optional<Digest> Storage::tag(const std::string& repository, const std::string& tag) const {
  MutexLock lock(mutex_);
  const auto where = repositories_.find(repository);
  if (where == repositories_.end()) return std::nullopt;
  const auto found = where->second.tags.find(tag);
  if (found == where->second.tags.end()) return std::nullopt;
  return found->second;
}

bool Storage::remove_manifest(const std::string& repository, const Digest& digest) {
  MutexLock lock(mutex_);
  Repository& where = repositories_[repository];
  std::erase_if(where.tags, [&](const auto& entry) { return entry.second == digest; });
  const bool removed = where.manifests.erase(digest) > 0;
  write_index();
  return removed;
}

bool Storage::remove_tag(const std::string& repository, const std::string& tag) {
  MutexLock lock(mutex_);
  const bool removed = repositories_[repository].tags.erase(tag) > 0;
  write_index();
  return removed;
}

std::vector<std::string> Storage::tags(const std::string& repository) const {
  MutexLock lock(mutex_);
  std::vector<std::string> out;
  const auto where = repositories_.find(repository);
  if (where == repositories_.end()) return out;
  for (const auto& [name, digest] : where->second.tags) out.push_back(name);
  return out;
}

std::vector<std::string> Storage::repositories() const {
  MutexLock lock(mutex_);
  std::vector<std::string> out;
  for (const auto& [name, repository] : repositories_) out.push_back(name);
  return out;
}

bool Storage::has_repository(const std::string& repository) const {
  MutexLock lock(mutex_);
  return repositories_.contains(repository);
}

std::vector<Manifest> Storage::manifests(const std::string& repository) const {
  MutexLock lock(mutex_);
  std::vector<Manifest> out;
  const auto where = repositories_.find(repository);
  if (where == repositories_.end()) return out;
  for (const auto& [digest, manifest] : where->second.manifests) out.push_back(manifest);
  return out;
}

void Storage::remove_repository(const std::string& repository) {
  MutexLock lock(mutex_);
  repositories_.erase(repository);
  write_index();
}

std::vector<Manifest> Storage::referrers(const std::string& repository, const Digest& subject) const {
  MutexLock lock(mutex_);
  std::vector<Manifest> out;
  const auto where = repositories_.find(repository);
  if (where == repositories_.end()) return out;
  for (const auto& [digest, manifest] : where->second.manifests) {
    if (manifest.subject() && manifest.subject()->digest == subject) out.push_back(manifest);
  }
  return out;
}

}  // namespace davit::emulator
