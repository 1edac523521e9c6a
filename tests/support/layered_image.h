#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <davit/content.h>

#include "codec/decompress.h"
#include "codec/sniff.h"
#include "crypto/hasher.h"
#include "io/memory.h"
#include "tar/entry.h"
#include "tar/reader.h"
#include "tar/write.h"

namespace davit::test {

/// A layer, entry by entry.
class LayerTar {
 public:
  LayerTar& file(std::string name, std::string_view content, tar::Attributes attributes = {.mode = 0644}) {
    return entry({.name = std::move(name),
                  .link = {},
                  .type = '0',
                  .size = content.size(),
                  .attributes = std::move(attributes)},
                 content);
  }
  LayerTar& directory(std::string name, tar::Attributes attributes = {.mode = 0755}) {
    return entry(
        {.name = std::move(name), .link = {}, .type = '5', .size = 0, .attributes = std::move(attributes)});
  }
  LayerTar& symlink(std::string name, std::string target) {
    return entry({.name = std::move(name),
                  .link = std::move(target),
                  .type = '2',
                  .size = 0,
                  .attributes = {.mode = 0777}});
  }
  LayerTar& hard_link(std::string name, std::string target) {
    return entry({.name = std::move(name),
                  .link = std::move(target),
                  .type = '1',
                  .size = 0,
                  .attributes = {.mode = 0644}});
  }
  LayerTar& gone(std::string name) { return file(std::move(name), ""); }  // ".wh." and the name
  LayerTar& entry(const tar::Entry& entry, std::string_view content = {}) {
    bytes_ += tar::entry_head(entry, entry.name, entry.link);
    bytes_ += content;
    bytes_.append(tar::padding(content.size()), '\0');
    return *this;
  }
  [[nodiscard]] std::string bytes() const { return bytes_ + std::string(tar::kEnd, '\0'); }

 private:
  std::string bytes_;
};

/// What a layer unpacks to, or its bytes where it does not.
inline Digest diff_id_of(const std::string& bytes) {
  const auto kind = codec::compression_of(
      codec::sniff(std::as_bytes(std::span(bytes)).first(std::min(bytes.size(), codec::kSniffSize))));
  if (kind == model::Compression::none) return Digest::of(bytes);
  const auto plain = codec::decompressing(
      kind, std::make_unique<io::MemorySource>(std::make_shared<const std::string>(bytes)), {});
  crypto::Hasher hasher(Digest::Algorithm::sha256);
  std::vector<std::byte> buffer(64 << 10);
  for (;;) {
    const auto count = plain->read(buffer);
    if (!count) return Digest::of(bytes);
    if (*count == 0) return hasher.digest();
    hasher.update(std::span(buffer).first(*count));
  }
}

/// The configuration of an image with these layers.
inline std::string config_of(const std::vector<Digest>& diff_ids) {
  std::string listed;
  for (const Digest& each : diff_ids) listed += (listed.empty() ? "\"" : ",\"") + each.to_string() + "\"";
  return R"({"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[)" + listed + "]}}";
}

/// An image of plain layers, and a count of how often each was opened.
class LayeredImage final : public ContentSource {
 public:
  explicit LayeredImage(const std::vector<std::string>& layers,
                        const std::string& media_type = "application/vnd.oci.image.layer.v1.tar",
                        std::string config = {}) {
    std::string listed;
    if (config.empty()) {
      std::vector<Digest> diff_ids;
      for (const std::string& bytes : layers) diff_ids.push_back(diff_id_of(bytes));
      config = config_of(diff_ids);
    }
    for (const std::string& bytes : layers) {
      const Digest digest = Digest::of(bytes);
      blobs[digest] = std::make_shared<const std::string>(bytes);
      if (!listed.empty()) listed += ",";
      listed += R"({"mediaType":")" + media_type + R"(","digest":")" + digest.to_string() + R"(","size":)" +
                std::to_string(bytes.size()) + "}";
    }
    blobs[Digest::of(config)] = std::make_shared<const std::string>(config);
    image_ =
        Manifest::parse(R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",)"
                        R"("config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":")" +
                            Digest::of(config).to_string() + R"(","size":)" + std::to_string(config.size()) +
                            R"(},"layers":[)" + listed + "]}",
                        "")
            .value();
  }

  [[nodiscard]] const Manifest& image() const { return *image_; }

  Result<Descriptor> resolve(std::string_view, const CallContext&) override { return image_->descriptor(); }
  Result<Manifest> manifest(std::string_view, const CallContext&) override { return *image_; }
  Result<std::unique_ptr<ByteSource>> open(const Descriptor& blob, std::uint64_t offset,
                                           const CallContext&) override {
    ++opened[blob.digest];
    const auto found = blobs.find(blob.digest);
    if (found == blobs.end()) return Error{.code = Errc::not_found, .message = "no such blob"};
    return std::unique_ptr<ByteSource>(
        std::make_unique<io::MemorySource>(found->second, static_cast<std::size_t>(offset)));
  }

  std::map<Digest, std::shared_ptr<const std::string>> blobs;  // co-owned by what reads them
  std::map<Digest, int> opened;

 private:
  std::optional<Manifest> image_;
};

inline Result<std::string> read_all(ByteSource& source) {
  std::string out;
  std::vector<std::byte> buffer(777);  // no multiple of anything
  for (;;) {
    auto count = source.read(buffer);
    if (!count) return count.error();
    if (*count == 0) return out;
    out.append(reinterpret_cast<const char*>(buffer.data()), *count);
  }
}

/// One entry of a tar as a line: "file a 0644 hello", "directory d 0755", "link b -> a", "symlink s -> t".
inline std::vector<std::string> listed(const std::string& tar) {
  std::vector<std::string> out;
  tar::Reader reader(std::make_unique<io::MemorySource>(std::make_shared<const std::string>(tar)));
  for (;;) {
    auto more = reader.next();
    if (!more) throw std::runtime_error(more.error().to_string());
    if (!*more) return out;
    const tar::Entry& entry = reader.entry();
    std::string content;
    std::vector<std::byte> buffer(64);
    while (const std::size_t count = reader.read(buffer).value())
      content.append(reinterpret_cast<const char*>(buffer.data()), count);
    switch (entry.type) {
      case '5':
        out.push_back("directory " + entry.name);
        break;
      case '1':
        out.push_back("link " + entry.name + " -> " + entry.link);
        break;
      case '2':
        out.push_back("symlink " + entry.name + " -> " + entry.link);
        break;
      case '0':
        out.push_back("file " + entry.name + " " + content);
        break;
      default:
        out.push_back(std::string("type ") + entry.type + " " + entry.name);
    }
  }
}

}  // namespace davit::test
