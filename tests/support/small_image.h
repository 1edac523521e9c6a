#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <davit/content.h>

#include "io/memory.h"
#include "io/verified.h"

namespace davit::test {

/// An image of a few bytes, with its manifest: enough for stores, which look at no layer.
struct SmallImage {
  Manifest manifest;
  std::vector<std::string> blobs;  ///< the config, then each layer

  [[nodiscard]] Descriptor blob(std::size_t i) const {
    return i == 0 ? *manifest.config() : manifest.layers().at(i - 1);
  }
};

/// The same `words` give the same image; each is a layer.
inline SmallImage small_image(const std::vector<std::string>& words) {
  const auto described = [](const char* type, const std::string& bytes) {
    return R"({"mediaType":")" + std::string(type) + R"(","digest":")" + Digest::of(bytes).to_string() +
           R"(","size":)" + std::to_string(bytes.size()) + "}";
  };
  std::string layers, ids;
  std::vector<std::string> blobs{""};
  for (const std::string& word : words) {
    blobs.push_back(word);
    layers += (layers.empty() ? "" : ",") + described("application/vnd.oci.image.layer.v1.tar+gzip", word);
    ids += (ids.empty() ? "\"" : ",\"") + Digest::of("diff " + word).to_string() + "\"";
  }
  blobs[0] = R"({"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[)" + ids + "]}}";
  const std::string text =
      R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":)" +
      described("application/vnd.oci.image.config.v1+json", blobs[0]) + R"(,"layers":[)" + layers + "]}";
  return {Manifest::parse(text, "").value(), std::move(blobs)};
}

/// An index of these manifests.
inline Manifest small_index(const std::vector<Manifest>& manifests) {
  std::string list;
  for (const Manifest& manifest : manifests) {
    const Descriptor& own = manifest.descriptor();
    list += (list.empty() ? "" : ",") + (R"({"mediaType":")" + own.media_type) + R"(","digest":")" +
            own.digest.to_string() + R"(","size":)" + std::to_string(own.size) + "}";
  }
  return Manifest::parse(
             R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[)" +
                 list + "]}",
             "")
      .value();
}

/// Puts what a sink lacks of an image, then its manifest.
inline Result<> put_image(ContentSink& sink, const SmallImage& image, const std::vector<std::string>& names) {
  for (const std::string& bytes : image.blobs) {
    auto put = sink.put_blob(io::MemoryContent(bytes, "application/octet-stream"), {});
    if (!put) return put.error();
  }
  return sink.put_manifest(image.manifest, names, {});
}

/// Puts a whole blob through a draft, in two pieces, the last first.
inline Result<> put_draft(ContentSink& sink, const Descriptor& blob, const std::string& bytes) {
  auto draft = sink.draft(blob, {});
  if (!draft) return draft.error();
  const auto all = std::as_bytes(std::span(bytes));
  const std::size_t half = bytes.size() / 2;
  if (auto done = (*draft)->write_at(half, all.subspan(half)); !done) return done;
  if (auto done = (*draft)->write_at(0, all.first(half)); !done) return done;
  return (*draft)->commit();
}

/// Content whose digest is known only when it has been read, and which may fail on the way.
class LateContent final : public Content {
 public:
  explicit LateContent(std::string bytes, std::optional<std::size_t> fails_at = std::nullopt)
      : inner_(std::move(bytes), "application/octet-stream"), fails_at_(fails_at) {}

  [[nodiscard]] Result<std::unique_ptr<ByteSource>> open(std::uint64_t offset,
                                                         const CallContext& context) const override {
    auto source = inner_.open(offset, context);
    if (!source) return source.error();
    return std::unique_ptr<ByteSource>(std::make_unique<Source>(*this, *std::move(source)));
  }
  [[nodiscard]] std::optional<Descriptor> descriptor() const override {
    return read_ ? inner_.descriptor() : std::nullopt;
  }

 private:
  class Source final : public ByteSource {
   public:
    Source(const LateContent& owner, std::unique_ptr<ByteSource> inner)
        : owner_(owner), inner_(std::move(inner)) {}
    Result<std::size_t> read(std::span<std::byte> into) override {
      if (owner_.fails_at_) {
        const std::size_t left = *owner_.fails_at_ - done_;
        if (left == 0) return Error{.code = Errc::unavailable, .message = "cut", .side = Side::source};
        into = into.first(std::min(into.size(), left));
      }
      auto count = inner_->read(into);
      if (count) done_ += *count;
      if (count && *count == 0) owner_.read_ = true;
      return count;
    }

   private:
    const LateContent& owner_;
    std::unique_ptr<ByteSource> inner_;
    std::size_t done_ = 0;
  };

  io::MemoryContent inner_;
  std::optional<std::size_t> fails_at_;
  mutable bool read_ = false;
};

}  // namespace davit::test
