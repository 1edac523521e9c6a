#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <davit/content.h>

#include "io/memory.h"

namespace davit::test {

/// Blobs and manifests in memory, which can be damaged, and what was asked of them.
class MemoryStore final : public ContentSource, public ReferrerLister {
 public:
  Descriptor add_blob(const std::string& bytes, const std::string& media_type) {
    Descriptor out;
    out.media_type = media_type;
    out.digest = Digest::of(bytes);
    out.size = bytes.size();
    blobs[out.digest] = bytes;
    return out;
  }
  Manifest add_manifest(const std::string& text) {
    Manifest parsed = Manifest::parse(text, {}).value();
    manifests.emplace(parsed.descriptor().digest.to_string(), parsed);
    if (parsed.subject()) about[parsed.subject()->digest].push_back(parsed.descriptor());
    return parsed;
  }

  Result<Descriptor> resolve(std::string_view name, const CallContext& context) override {
    auto found = manifest(name, context);
    if (!found) return found.error();
    return found->descriptor();
  }
  Result<Manifest> manifest(std::string_view name, const CallContext&) override {
    note("manifest " + std::string(name));
    const auto found = manifests.find(std::string(name));
    if (found == manifests.end()) return missing(name);
    return found->second;
  }
  Result<std::unique_ptr<ByteSource>> open(const Descriptor& blob, std::uint64_t offset,
                                           const CallContext&) override {
    note("blob " + blob.digest.to_string());
    const auto found = blobs.find(blob.digest);
    if (found == blobs.end()) return missing(blob.digest.to_string());
    return std::unique_ptr<ByteSource>(std::make_unique<io::MemorySource>(
        std::make_shared<const std::string>(found->second), static_cast<std::size_t>(offset)));
  }
  Result<std::uint64_t> blob_size(const Digest& blob, const CallContext&) override {
    note("size " + blob.to_string());
    const auto found = blobs.find(blob);
    if (found == blobs.end()) return missing(blob.to_string());
    return std::uint64_t{found->second.size()};
  }
  Result<std::vector<Descriptor>> referrers(const Digest& subject, const CallContext&) override {
    note("referrers " + subject.to_string());
    const auto found = about.find(subject);
    return found == about.end() ? std::vector<Descriptor>() : found->second;
  }
  ReferrerLister* referrer_lister() override { return this; }

  [[nodiscard]] std::size_t asked(const std::string& what) {
    const std::lock_guard lock(mutex_);
    std::size_t count = 0;
    for (const std::string& each : log_) count += each.starts_with(what);
    return count;
  }

  std::map<Digest, std::string> blobs;
  std::map<std::string, Manifest> manifests;  ///< by digest
  std::map<Digest, std::vector<Descriptor>> about;

 private:
  static Error missing(std::string_view name) {
    return Error{.code = Errc::not_found, .message = std::string(name) + " is missing"};
  }
  void note(std::string what) {
    const std::lock_guard lock(mutex_);
    log_.push_back(std::move(what));
  }

  std::mutex mutex_;
  std::vector<std::string> log_;
};

/// A descriptor as documents write it; `more` begins with a comma.
inline std::string entry(const Descriptor& blob, const std::string& more = {}) {
  return R"({"mediaType":")" + blob.media_type + R"(","digest":")" + blob.digest.to_string() +
         R"(","size":)" + std::to_string(blob.size) + more + "}";
}

inline constexpr const char* kPlainLayer = "application/vnd.oci.image.layer.v1.tar";

/// An image of plain layers with these bytes; its config says `diff_ids`, or what the bytes are.
inline Manifest add_image(MemoryStore& store, const std::vector<std::string>& layers,
                          const std::string& architecture = "amd64", std::vector<Digest> diff_ids = {},
                          const std::string& layer_type = kPlainLayer) {
  std::string ids, list;
  if (diff_ids.empty()) {
    for (const std::string& layer : layers) diff_ids.push_back(Digest::of(layer));
  }
  for (const Digest& id : diff_ids) ids += (ids.empty() ? "\"" : ",\"") + id.to_string() + "\"";
  for (const std::string& layer : layers)
    list += (list.empty() ? "" : ",") + entry(store.add_blob(layer, layer_type));
  const Descriptor config =
      store.add_blob(R"({"architecture":")" + architecture +
                         R"(","os":"linux","rootfs":{"type":"layers","diff_ids":[)" + ids + "]}}",
                     "application/vnd.oci.image.config.v1+json");
  return store.add_manifest(
      R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":)" +
      entry(config) + R"(,"layers":[)" + list + "]}");
}

/// An index of these entries.
inline Manifest add_index(MemoryStore& store, const std::vector<std::string>& entries) {
  std::string list;
  for (const std::string& each : entries) list += (list.empty() ? "" : ",") + each;
  return store.add_manifest(
      R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[)" + list +
      "]}");
}

inline std::string for_platform(const std::string& architecture) {
  return R"(,"platform":{"os":"linux","architecture":")" + architecture + R"("})";
}

/// An artifact of one blob about another manifest.
inline Manifest add_artifact(MemoryStore& store, const Descriptor& subject, const std::string& type,
                             const std::string& bytes) {
  const Descriptor empty = store.add_blob("{}", "application/vnd.oci.empty.v1+json");
  return store.add_manifest(
      R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":")" +
      type + R"(","config":)" + entry(empty) + R"(,"layers":[)" + entry(store.add_blob(bytes, "text/plain")) +
      R"(],"subject":)" + entry(subject) + "}");
}

}  // namespace davit::test
