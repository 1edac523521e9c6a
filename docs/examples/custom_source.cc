// A store of one's own as a source: an image that exists nowhere but in this program.
//
//     custom_source DESTINATION...

#include <algorithm>
#include <cstring>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <davit/davit.h>

namespace {

/// Bytes that are handed out once.
class Bytes final : public davit::ByteSource {
 public:
  Bytes(std::string bytes, std::size_t offset) : bytes_(std::move(bytes)), at_(offset) {}

  davit::Result<std::size_t> read(std::span<std::byte> into) override {
    const std::size_t count = std::min(into.size(), bytes_.size() - at_);
    std::memcpy(into.data(), bytes_.data() + at_, count);
    at_ += count;
    return count;
  }

 private:
  std::string bytes_;
  std::size_t at_;
};

/// Two methods for manifests, one for blobs: that is all a source needs.
class Greeting final : public davit::ContentSource {
 public:
  Greeting() {
    const std::string config = blob("{}", "application/vnd.oci.empty.v1+json");
    const std::string text = blob("hello from a store of one's own\n", "text/plain");
    manifest_ = davit::Manifest::parse(R"({"schemaVersion":2,)"
                                       R"("mediaType":"application/vnd.oci.image.manifest.v1+json",)"
                                       R"("artifactType":"application/vnd.example.greeting","config":)" +
                                           config + R"(,"layers":[)" + text + "]}",
                                       "application/vnd.oci.image.manifest.v1+json")
                    .value();
  }

  davit::Result<davit::Descriptor> resolve(std::string_view, const davit::CallContext&) override {
    return manifest_->descriptor();
  }
  davit::Result<davit::Manifest> manifest(std::string_view, const davit::CallContext&) override {
    return *manifest_;
  }
  davit::Result<std::unique_ptr<davit::ByteSource>> open(const davit::Descriptor& wanted,
                                                         std::uint64_t offset,
                                                         const davit::CallContext&) override {
    const auto found = blobs_.find(wanted.digest);
    if (found == blobs_.end()) {
      davit::Error error;
      error.code = davit::Errc::not_found;
      error.message = "no blob " + wanted.digest.to_string();
      return error;
    }
    return std::unique_ptr<davit::ByteSource>(
        std::make_unique<Bytes>(found->second, static_cast<std::size_t>(offset)));
  }

 private:
  /// Keeps the bytes; returns their descriptor as JSON.
  std::string blob(const std::string& bytes, const std::string& media_type) {
    const davit::Digest digest = davit::Digest::of(bytes);
    blobs_[digest] = bytes;
    return R"({"mediaType":")" + media_type + R"(","size":)" + std::to_string(bytes.size()) +
           R"(,"digest":")" + digest.to_string() + R"("})";
  }

  std::map<davit::Digest, std::string> blobs_;
  std::optional<davit::Manifest> manifest_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: custom_source DESTINATION...\n";
    return 64;
  }
  const std::vector<std::string> destinations(argv + 1, argv + argc);
  davit::Client client{davit::ClientOptions::from_environment()};
  const auto deliveries = client.copy(std::make_shared<Greeting>(), "greeting", destinations);
  if (!deliveries) {
    std::cerr << deliveries.error().to_string() << '\n';
    return 1;
  }
  int failed = 0;
  for (const davit::Delivery& each : *deliveries) {
    if (each.result) {
      std::cout << each.destination << '@' << each.result->root.digest.to_string() << '\n';
    } else {
      std::cerr << each.result.error().to_string() << '\n';
      ++failed;
    }
  }
  return failed == 0 ? 0 : 1;
}
