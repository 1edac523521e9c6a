#include "rootfs/layers.h"

#include <algorithm>
#include <array>
#include <utility>

#include <davit/inspect.h>

#include "base/context.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/guarded.h"
#include "base/try.h"
#include "codec/decompress.h"
#include "codec/sniff.h"
#include "content/read_config.h"
#include "crypto/hasher.h"
#include "io/memory.h"
#include "io/read_all.h"
#include "io/verified.h"
#include "model/image_config.h"
#include "model/media_type.h"

namespace davit::rootfs {
namespace {

constexpr std::uint64_t kKeepOne = std::uint64_t{1} << 20;
constexpr std::uint64_t kKeepAll = std::uint64_t{4} << 20;

/// Bytes that were looked at, then the rest. Stops when asked to, even while nothing comes out of what
/// unpacks it.
class Unread final : public ByteSource {
 public:
  Unread(std::vector<std::byte> front, std::unique_ptr<ByteSource> rest, CallContext context)
      : front_(std::move(front)), rest_(std::move(rest)), context_(std::move(context)) {}

  Result<std::size_t> read(std::span<std::byte> into) override {
    DAVIT_TRY_VOID(check(context_));
    if (at_ == front_.size()) return guarded([&] { return rest_->read(into); });
    const std::size_t count = std::min(into.size(), front_.size() - at_);
    std::copy_n(front_.begin() + static_cast<std::ptrdiff_t>(at_), count, into.begin());
    at_ += count;
    return count;
  }

 private:
  std::vector<std::byte> front_;
  std::size_t at_ = 0;
  std::unique_ptr<ByteSource> rest_;
  CallContext context_;
};

/// A layer's plain bytes, whose errors say where they come from. Stops when asked to, because a few bytes of
/// the blob can stand for gigabytes here.
class OfLayer final : public ByteSource {
 public:
  OfLayer(std::unique_ptr<ByteSource> inner, std::string name, CallContext context)
      : inner_(std::move(inner)), name_(std::move(name)), context_(std::move(context)) {}

  Result<std::size_t> read(std::span<std::byte> into) override {
    DAVIT_TRY_VOID(check(context_));
    auto count = inner_->read(into);
    if (!count) return count.error().with_context(name_).on(Side::source);
    return count;
  }

 private:
  std::unique_ptr<ByteSource> inner_;
  std::string name_;
  CallContext context_;
};

/// Fails at its end when the plain bytes were others than the image's configuration says.
class Expected final : public ByteSource {
 public:
  Expected(std::unique_ptr<ByteSource> inner, const Digest& wanted)
      : inner_(std::move(inner)), wanted_(wanted), hasher_(wanted.algorithm()) {}

  Result<std::size_t> read(std::span<std::byte> into) override {
    DAVIT_TRY(const std::size_t count, inner_->read(into));
    hasher_.update(into.first(count));
    if (count != 0) return count;
    const Digest actual = hasher_.digest();
    if (actual != wanted_) return unpacks_to(actual, wanted_);
    return count;
  }

  static Error unpacks_to(const Digest& actual, const Digest& wanted) {
    return make_error(Errc::corrupt,
                      "it unpacks to " + actual.to_string() + " where the config says " + wanted.to_string());
  }

 private:
  std::unique_ptr<ByteSource> inner_;
  Digest wanted_;
  crypto::Hasher hasher_;
};

}  // namespace

Result<Layers> Layers::of(ContentSource& source, const Manifest& image) {
  if (image.is_index()) {
    return make_error(Errc::unsupported, "an index has no files of its own",
                      "choose one of its platforms with --platform");
  }
  for (const Descriptor& layer : image.layers()) {
    if (!model::is_layer(layer.media_type)) {
      return make_error(Errc::unsupported, "not a container image: it has content of the type " +
                                               escaped(layer.media_type, 120) +
                                               ", which is no layer of files");
    }
  }
  if (image.layers().size() > UINT16_MAX) return make_error(Errc::corrupt, "more than 65535 layers");
  return Layers(source, image.layers());
}

std::string Layers::shown(std::size_t layer) const {
  return "layer " + std::to_string(layer + 1) + " (" + layers_[layer].digest.short_form() + ")";
}

Result<std::unique_ptr<ByteSource>> Layers::bytes(const Descriptor& blob, const CallContext& context) {
  if (const auto found = kept_.find(blob.digest); found != kept_.end())
    return std::unique_ptr<ByteSource>(std::make_unique<io::MemorySource>(found->second));
  DAVIT_TRY(auto opened, guarded([&] { return source_->open(blob, 0, context); }));
  auto source = io::verified(std::move(opened), blob);
  if (blob.size > kKeepOne || kept_bytes_ + blob.size > kKeepAll) return source;
  DAVIT_TRY(std::string all, io::read_all(*source, static_cast<std::size_t>(blob.size)));
  kept_bytes_ += blob.size;
  auto kept = std::make_shared<const std::string>(std::move(all));
  kept_.emplace(blob.digest, kept);
  return std::unique_ptr<ByteSource>(std::make_unique<io::MemorySource>(std::move(kept)));
}

/// What a layer is compressed with is seen from its bytes: media types are wrong now and then.
Result<tar::Reader> Layers::open(std::size_t layer, const CallContext& context) {
  const auto failed = [&](const Error& error) { return error.with_context(shown(layer)).on(Side::source); };
  auto source = bytes(layers_[layer], context);
  if (!source) return failed(source.error());
  std::vector<std::byte> head(codec::kSniffSize);
  const auto count = io::read_full(**source, head);
  if (!count) return failed(count.error());
  head.resize(*count);
  const auto kind = codec::sniff(head);
  const auto compression = codec::compression_of(kind);
  if (kind != codec::FileKind::tar && kind != codec::FileKind::empty &&
      compression == model::Compression::none) {
    return failed(make_error(Errc::corrupt, codec::describe(kind) + " where there should be a tar"));
  }
  std::unique_ptr<ByteSource> whole = std::make_unique<Unread>(std::move(head), *std::move(source), context);
  if (compression != model::Compression::none)
    whole = codec::decompressing(compression, std::move(whole), {});
  if (!diff_ids_.empty()) {
    const Digest& wanted = diff_ids_[layer];
    const Digest& stored = layers_[layer].digest;  // verified by whoever reads it
    const bool plain = compression == model::Compression::none && stored.algorithm() == wanted.algorithm();
    if (plain && stored != wanted) return failed(Expected::unpacks_to(stored, wanted));
    if (!plain) whole = std::make_unique<Expected>(std::move(whole), wanted);
  }
  return tar::Reader(std::make_unique<OfLayer>(std::move(whole), shown(layer), context));
}

Result<std::vector<Digest>> diff_ids_of(ContentSource& source, const Manifest& image,
                                        const CallContext& context) {
  if (!is_container_image(image)) return std::vector<Digest>();
  const std::string name = "config " + image.config()->digest.to_string();
  DAVIT_TRY(const std::string bytes, content::read_config(source, *image.config(), context));
  auto config = model::ImageConfig::parse(bytes);
  if (!config) return config.error().with_context(name).on(Side::source);
  if (config->diff_ids.size() == image.layers().size()) return std::move(config->diff_ids);
  return make_error(Errc::corrupt, name + " names " + std::to_string(config->diff_ids.size()) +
                                       " layers, and the manifest has " +
                                       std::to_string(image.layers().size()))
      .on(Side::source);
}

}  // namespace davit::rootfs
