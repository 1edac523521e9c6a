#pragma once

#include <optional>
#include <set>
#include <string>

#include "archive/blob_spool.h"
#include "archive/tar_output.h"
#include "base/mutex.h"
#include "io/stream_writer.h"

namespace davit::archive {

/// A tar into a pipe: blobs one after the other, as they come. What has been written cannot be taken back, so
/// after a blob that failed in the middle everything else fails too.
class TarStream final : public TarOutput {
 public:
  /// Blobs whose size shows at their end are spooled in `temporary_directory`.
  TarStream(io::File out, std::string name, std::string temporary_directory);

  [[nodiscard]] std::size_t blobs_at_once() const override { return 1; }
  void want(const Descriptor& blob) override { static_cast<void>(blob); }
  bool has(const Descriptor& blob) override;
  Result<std::unique_ptr<BlobDraft>> draft(const Descriptor& blob, const CallContext& context) override;
  Result<Descriptor> put(const Content& content, const CallContext& context) override;
  Result<> finish(std::span<const TarDocument> documents, const CallContext& context) override;

 private:
  Result<> usable() const DAVIT_REQUIRES(mutex_);
  Result<Descriptor> put_known(const Content& content, const Descriptor& blob, const CallContext& context)
      DAVIT_REQUIRES(mutex_);
  Result<Descriptor> put_unknown(const Content& content, const CallContext& context) DAVIT_REQUIRES(mutex_);
  Result<> entry(const std::string& name, ByteSource& source, std::uint64_t size, const CallContext& context)
      DAVIT_REQUIRES(mutex_);
  Result<> copy(ByteSource& source, std::span<std::byte> buffer, std::size_t ready, std::uint64_t size,
                const CallContext& context) DAVIT_REQUIRES(mutex_);
  Result<> write(std::string_view bytes, const CallContext& context) DAVIT_REQUIRES(mutex_);

  std::shared_ptr<BlobSpool> spool_;  // co-owned by what is read from it
  Mutex mutex_;
  io::StreamWriter out_ DAVIT_GUARDED_BY(mutex_);
  std::optional<Error> broken_ DAVIT_GUARDED_BY(mutex_);
  std::set<Digest> written_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::archive
