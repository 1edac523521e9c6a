#pragma once

#include <memory>
#include <optional>
#include <string>

#include <davit/content.h>

#include "base/mutex.h"
#include "content/layout_index.h"
#include "io/atomic_file.h"
#include "layout/directory.h"
#include "layout/earlier.h"

namespace davit::layout {

struct LayoutWriterOptions {
  io::Durability durability = io::Durability::synced;
  bool resume = true;  ///< go on with blobs that an earlier run has begun, and leave such for a later one
};

/// An OCI image layout directory as a sink. Blobs appear under their names when they are complete, index.json
/// is replaced last and in one step, so a reader sees a valid layout at any moment, whenever a writer is
/// killed. What belongs to others stays: blobs, unknown files, entries of other names. Several writers, in
/// whatever processes, may fill one layout. Thread-safe. Errors are on Side::destination.
class LayoutWriter final : public ContentSink, public NameExchanger {
 public:
  /// Makes the directory and its parents, or adds to the layout that is there. Errors: those of
  /// Directory::open.
  static Result<std::shared_ptr<LayoutWriter>> open(const std::string& directory,
                                                    const LayoutWriterOptions& options,
                                                    const CallContext& context);

  /// Reads what is there: a file under the right name may hold anything.
  Result<std::vector<Presence>> probe(std::span<const Descriptor> wanted,
                                      const CallContext& context) override;
  [[nodiscard]] bool names_vouch() const override { return false; }
  Result<std::unique_ptr<BlobDraft>> draft(const Descriptor& blob, const CallContext& context) override;
  Result<Descriptor> put_blob(const Content& content, const CallContext& context) override;
  /// index.json lists each name at once. Without a name it lists nothing before finish(): only then is it
  /// known which manifests no index leads to.
  Result<> put_manifest(const Manifest& manifest, std::span<const std::string> names,
                        const CallContext& context) override;
  /// The look at index.json and its replacement are one step to all who write this layout.
  Result<> exchange(const Manifest& manifest, std::span<const std::string> names, const Digest& before,
                    const CallContext& context) override;
  Result<> finish(const CallContext& context) override;
  NameExchanger* name_exchanger() override { return this; }
  ContentSource* earlier() override { return &earlier_; }

 private:
  explicit LayoutWriter(std::shared_ptr<Directory> directory)
      : directory_(std::move(directory)), earlier_(directory_->path()) {}
  Result<> store(const Manifest& manifest, const CallContext& context);
  Result<> put(const Manifest& manifest, std::span<const std::string> names,
               const std::optional<Digest>& before, const CallContext& context);
  Result<> list(const Manifest& manifest, std::span<const std::string> names,
                const std::optional<Digest>& before, const CallContext& context);

  std::shared_ptr<Directory> directory_;  // co-owned by the drafts
  EarlierImages earlier_;
  Mutex mutex_;
  content::PutManifests put_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::layout
