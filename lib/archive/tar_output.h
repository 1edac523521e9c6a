#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include <davit/content.h>

namespace davit::archive {

/// A small file of an archive.
struct TarDocument {
  std::string name;
  std::string bytes;
};

/// A tar of blobs on its way out, and documents behind them. Thread-safe. Errors are on Side::destination
/// unless a content fails.
class TarOutput {
 public:
  virtual ~TarOutput() = default;
  [[nodiscard]] virtual std::size_t blobs_at_once() const = 0;
  /// Says what will come, before anything does.
  virtual void want(const Descriptor& blob) = 0;
  /// Whether this run has put the blob.
  virtual bool has(const Descriptor& blob) = 0;
  /// Null when blobs come in order only.
  virtual Result<std::unique_ptr<BlobDraft>> draft(const Descriptor& blob, const CallContext& context) = 0;
  virtual Result<Descriptor> put(const Content& content, const CallContext& context) = 0;
  /// The end.
  virtual Result<> finish(std::span<const TarDocument> documents, const CallContext& context) = 0;
};

}  // namespace davit::archive
