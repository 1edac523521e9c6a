#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <davit/content.h>
#include <davit/reference.h>

#include "base/mutex.h"

namespace davit::content {

/// Several sources as one, by digest: what an index over images from different places is read from. Which
/// source a blob comes from is learned from the manifests that list it. Thread-safe once every part is there.
class JoinedSource final : public ContentSource, public RangeReader {
 public:
  /// `roots` and everything below them come from `source`, which is co-owned from now on; `place` is where
  /// that is in a registry.
  void add(std::shared_ptr<ContentSource> source, const std::vector<Descriptor>& roots,
           std::optional<Reference> place);
  /// A document of our own, found under its digest.
  void add(Manifest manifest);

  /// The repository of that registry which a blob is read from; empty where it comes from elsewhere.
  [[nodiscard]] std::string repository_of(const Digest& blob, const std::string& host) const;

  Result<Descriptor> resolve(std::string_view name, const CallContext& context) override;
  Result<Manifest> manifest(std::string_view name, const CallContext& context) override;
  Result<std::unique_ptr<ByteSource>> open(const Descriptor& blob, std::uint64_t offset,
                                           const CallContext& context) override;
  Result<std::unique_ptr<ByteSource>> open_range(const Descriptor& blob, ByteRange range,
                                                 const CallContext& context) override;
  RangeReader* range_reader() override { return this; }

 private:
  struct Part {
    std::shared_ptr<ContentSource> source;  ///< co-owned by whoever else reads from it
    std::optional<Reference> place;
  };
  const Part* part_of(const Digest& digest) const;

  std::vector<std::unique_ptr<Part>> parts_;
  std::map<Digest, Manifest> own_;
  mutable Mutex mutex_;
  std::map<Digest, const Part*> owners_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::content
