#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <davit/content.h>

#include "archive/docker_manifest.h"
#include "archive/tar_output.h"
#include "base/mutex.h"
#include "content/layout_index.h"
#include "io/atomic_file.h"
#include "io/file.h"

namespace davit::archive {

enum class ArchiveFormat {
  docker,  ///< what docker load reads; every image is one for a single platform
  oci,
};

struct ArchiveWriterOptions {
  io::Durability durability = io::Durability::synced;
  bool resume = true;  ///< go on with what an earlier run has left beside the file, and leave such
  /// For streams: blobs whose size shows at their end wait here.
  std::string temporary_directory = "/tmp";
};

/// An image archive as a sink. Both formats are OCI layouts in a tar, so the manifests keep their digests; a
/// docker archive also has a manifest.json over the same blobs. The same images give the same bytes, as far
/// as blobs are asked for before the first one comes. Thread-safe. Errors are on Side::destination.
///
/// A name of put_manifest() is a reference or a tag alone. Of two images that are given one name, the later
/// has it.
class ArchiveWriter final : public ContentSink {
 public:
  /// `path` is replaced in finish(), in one step; until then everything is in `path`.davit-partial. Errors:
  /// invalid_argument when `path` is something else than a file; local_io.
  static Result<std::shared_ptr<ArchiveWriter>> create(const std::string& path, ArchiveFormat format,
                                                       const ArchiveWriterOptions& options);
  /// Into a pipe or what else is open, blob by blob. `name` is for messages: "standard output".
  static std::shared_ptr<ArchiveWriter> to_stream(io::File out, const std::string& name, ArchiveFormat format,
                                                  const ArchiveWriterOptions& options);

  [[nodiscard]] std::size_t probe_batch() const override { return SIZE_MAX; }
  /// What this run has put is present. Everything else is laid out when the first blob comes: ask for all of
  /// it before.
  Result<std::vector<Presence>> probe(std::span<const Descriptor> wanted,
                                      const CallContext& context) override;
  [[nodiscard]] bool names_vouch() const override { return false; }
  [[nodiscard]] std::size_t blobs_at_once() const override { return tar_->blobs_at_once(); }
  Result<std::unique_ptr<BlobDraft>> draft(const Descriptor& blob, const CallContext& context) override;
  Result<Descriptor> put_blob(const Content& content, const CallContext& context) override;
  /// Errors: unsupported for what a docker archive cannot hold.
  Result<> put_manifest(const Manifest& manifest, std::span<const std::string> names,
                        const CallContext& context) override;
  [[nodiscard]] bool all_or_nothing() const override { return true; }
  Result<> finish(const CallContext& context) override;

 private:
  /// A manifest that has a name, or may turn out to be a root.
  struct Image {
    Descriptor entry;
    DockerImage docker;  ///< without tags
  };

  ArchiveWriter(std::shared_ptr<TarOutput> tar, ArchiveFormat format)
      : tar_(std::move(tar)), format_(format) {}
  std::vector<TarDocument> documents() DAVIT_REQUIRES(mutex_);

  std::shared_ptr<TarOutput> tar_;  // co-owned by the drafts
  ArchiveFormat format_;
  Mutex mutex_;
  content::PutManifests put_ DAVIT_GUARDED_BY(mutex_);
  std::map<Digest, Image> images_ DAVIT_GUARDED_BY(mutex_);
  std::map<std::string, Digest> names_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::archive
