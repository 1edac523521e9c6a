#include "client/new_layer.h"

#include <utility>

#include "base/error.h"
#include "base/mutex.h"
#include "base/try.h"
#include "codec/decompress.h"
#include "content/known_content.h"
#include "crypto/hasher.h"
#include "io/measure.h"
#include "io/stream_source.h"
#include "tar/reader.h"

namespace davit::client {
namespace {

/// A digest that is known when something has been read to its end. Thread-safe.
class LaterDigest {
 public:
  void set(const Digest& digest) {
    MutexLock lock(mutex_);
    digest_ = digest;
  }
  [[nodiscard]] Digest get() const {
    MutexLock lock(mutex_);
    return digest_;
  }

 private:
  mutable Mutex mutex_;
  Digest digest_ DAVIT_GUARDED_BY(mutex_);
};

class HashedSource final : public ByteSource {
 public:
  HashedSource(std::unique_ptr<ByteSource> inner, std::shared_ptr<LaterDigest> digest)
      : inner_(std::move(inner)), digest_(std::move(digest)) {}

  Result<std::size_t> read(std::span<std::byte> into) override {
    DAVIT_TRY(const std::size_t count, inner_->read(into));
    if (count == 0) digest_->set(hasher_.digest());
    hasher_.update(into.first(count));
    return count;
  }
  bool ready(const std::function<void()>& wake) override { return inner_->ready(wake); }

 private:
  const std::unique_ptr<ByteSource> inner_;
  const std::shared_ptr<LaterDigest> digest_;  // co-owned by whoever wants to know
  crypto::Hasher hasher_;
};

/// What compression reads: the digest of the tar comes with it. A stream can be opened once.
class HashedContent final : public Content {
 public:
  HashedContent(std::shared_ptr<const Content> plain, std::shared_ptr<LaterDigest> digest)
      : plain_(std::move(plain)), digest_(std::move(digest)) {}
  HashedContent(std::unique_ptr<ByteSource> stream, std::shared_ptr<LaterDigest> digest)
      : digest_(std::move(digest)), stream_(std::move(stream)) {}

  [[nodiscard]] Result<std::unique_ptr<ByteSource>> open(std::uint64_t offset,
                                                         const CallContext& context) const override {
    if (plain_ && offset != 0) return plain_->open(offset, context);
    std::unique_ptr<ByteSource> inner;
    if (plain_) {
      DAVIT_TRY(inner, plain_->open(0, context));
    } else {
      MutexLock lock(mutex_);
      if (!stream_ || offset != 0) return make_error(Errc::internal, "a stream was opened twice");
      inner = std::move(stream_);
    }
    return std::unique_ptr<ByteSource>(std::make_unique<HashedSource>(std::move(inner), digest_));
  }
  [[nodiscard]] std::optional<Descriptor> descriptor() const override { return std::nullopt; }

 private:
  const std::shared_ptr<const Content> plain_;  // co-owned by the layer
  const std::shared_ptr<LaterDigest> digest_;   // co-owned by whoever wants to know
  mutable Mutex mutex_;
  mutable std::unique_ptr<ByteSource> stream_ DAVIT_GUARDED_BY(mutex_);
};

Layer layer_of(std::shared_ptr<const Content> content, Descriptor blob, model::Compression kind,
               const Digest& diff_id) {
  blob.media_type = model::layer_type(model::Format::oci, kind);
  Layer out{.blob = blob, .diff_id = diff_id, .content = {}, .created_by = {}, .notes = {}};
  out.content = std::make_shared<const content::KnownContent>(std::move(content), std::move(blob));
  return out;
}

std::shared_ptr<const Content> in_form(std::shared_ptr<const Content> plain, const LayerForm& form) {
  if (form.kind == model::Compression::none) return plain;
  return form.compressor.compressed(std::move(plain), {.kind = form.kind, .level = form.level}, std::nullopt);
}

}  // namespace

Result<std::vector<std::string>> check_tar(std::unique_ptr<ByteSource> plain) {
  tar::Reader reader(std::move(plain));
  bool listing = false;  // what docker save writes
  bool layer = false;
  bool marker = false;  // of an OCI layout
  for (;;) {
    DAVIT_TRY(const bool more, reader.next());
    if (!more) break;
    std::string_view name = reader.entry().name;
    if (name.starts_with("./")) name.remove_prefix(2);
    listing |= name == "manifest.json";
    layer |= name.ends_with("/layer.tar") || name.starts_with("blobs/sha256/");
    marker |= name == "oci-layout";
  }
  if (!marker && !(listing && layer)) return std::vector<std::string>();
  return std::vector<std::string>{std::string("is an image archive (") + (marker ? "OCI" : "docker save") +
                                  "), and its files become the layer's; davit export makes one tar of an "
                                  "image's files"};
}

Result<Layer> compressed_layer(std::shared_ptr<const Content> plain, const LayerForm& form,
                               const CallContext& context) {
  const auto diff_id = std::make_shared<LaterDigest>();
  const auto packed = in_form(std::make_shared<const HashedContent>(std::move(plain), diff_id), form);
  DAVIT_TRY(const auto opened, packed->open(0, context));
  DAVIT_TRY(Descriptor blob, io::measure(*opened));
  return layer_of(packed, std::move(blob), form.kind, diff_id->get());
}

Result<Layer> spooled_layer(std::unique_ptr<ByteSource> plain, const LayerForm& form,
                            const CallContext& context) {
  const auto diff_id = std::make_shared<LaterDigest>();
  const auto packed = in_form(std::make_shared<const HashedContent>(std::move(plain), diff_id), form);
  const auto digest = std::make_shared<LaterDigest>();
  DAVIT_TRY(auto opened, packed->open(0, context));
  HashedSource hashed(std::move(opened), digest);
  DAVIT_TRY(const auto file, io::spooled(hashed, form.temporary_directory));
  DAVIT_TRY(const std::uint64_t size, file->size());
  auto content = std::make_shared<const io::FileContent>(file, 0, size, "the temporary copy of a layer");
  return layer_of(std::move(content), {.media_type = {}, .digest = digest->get(), .size = size}, form.kind,
                  diff_id->get());
}

Result<Layer> stored_layer(std::shared_ptr<const Content> stored, model::Compression kind,
                           const CallContext& context) {
  DAVIT_TRY(auto opened, stored->open(0, context));
  const auto diff_id = std::make_shared<LaterDigest>();
  DAVIT_TRY(auto notes,
            check_tar(std::make_unique<HashedSource>(
                codec::decompressing(kind, std::move(opened), codec::ExpansionLimit{}), diff_id)));
  DAVIT_TRY(const auto again, stored->open(0, context));
  DAVIT_TRY(Descriptor blob, io::measure(*again));
  Layer out = layer_of(std::move(stored), std::move(blob), kind, diff_id->get());
  out.notes = std::move(notes);
  return out;
}

}  // namespace davit::client
