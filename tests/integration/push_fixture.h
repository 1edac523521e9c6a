#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include <davit/client.h>
#include <davit/credentials.h>

#include "auth/authorizer.h"
#include "io/memory.h"
#include "net/http.h"
#include "registry/registry.h"
#include "registry/repository.h"
#include "support/fake_clock.h"

namespace davit::test {

/// A client that gives up soon.
inline ClientOptions quick() {
  ClientOptions options;
  options.retries = 2;
  return options;
}

struct PusherOptions {
  bool plain_http = true;
  std::uint64_t chunk_bytes = 0;
  std::uint64_t spool_bytes = 16u << 20;
  std::string user = {};  ///< empty: anonymous
  std::string password = {};
  std::string ca_file = {};
  std::vector<std::string> allowed_realms = {};
};

/// Everything that stands behind a Repository in the real thing: sockets, retries, authorization. Waiting
/// between tries takes no time.
class Pusher {
 public:
  explicit Pusher(const std::string& authority, const PusherOptions& options = {})
      : transport_(
            net::make_transport({.ca_files = options.ca_file.empty() ? std::vector<std::string>{}
                                                                     : std::vector{options.ca_file}})) {
    registry::RegistryOptions registry_options{.host = authority,
                                               .plain_http = options.plain_http,
                                               .chunk_bytes = options.chunk_bytes,
                                               .spool_bytes = options.spool_bytes};
    if (!options.user.empty()) {
      authorizer_ =
          auth::make_authorizer({.host = authority,
                                 .origin = *registry::base_url(registry_options),
                                 .credentials = {fixed_credentials(
                                     "", {.username = options.user, .password = Secret(options.password)})},
                                 .allowed_realms = options.allowed_realms},
                                *transport_, clock_);
    }
    registry_ =
        registry::Registry::create(registry_options, *transport_, authorizer_.get(), clock_, {}).value();
  }

  std::unique_ptr<registry::Repository> repository(const std::string& name = "app") {
    return registry_->repository(name, Side::destination);
  }
  FakeClock& clock() { return clock_; }

 private:
  FakeClock clock_;
  std::unique_ptr<net::Transport> transport_;
  std::unique_ptr<auth::Authorizer> authorizer_;
  std::unique_ptr<registry::Registry> registry_;
};

/// Bytes that do not repeat early.
inline std::string sample(std::size_t size, std::uint32_t seed = 1) {
  std::string out(size, '\0');
  for (char& c : out) {
    seed = seed * 1664525 + 1013904223;
    c = static_cast<char>(seed >> 24);
  }
  return out;
}

inline io::MemoryContent blob_of(const std::string& bytes) {
  return {bytes, "application/octet-stream"};
}

/// The same bytes, but nobody knows their digest before they have been read: a layer that is compressed on
/// the way.
class LateContent final : public Content {
 public:
  explicit LateContent(std::string bytes) : inner_(std::move(bytes), "application/octet-stream") {}

  [[nodiscard]] Result<std::unique_ptr<ByteSource>> open(std::uint64_t offset,
                                                         const CallContext& context) const override {
    auto opened = inner_.open(offset, context);
    if (!opened) return opened;
    return std::unique_ptr<ByteSource>(std::make_unique<Source>(*std::move(opened), *this));
  }
  [[nodiscard]] std::optional<Descriptor> descriptor() const override {
    return known_ ? inner_.descriptor() : std::nullopt;
  }

 private:
  class Source final : public ByteSource {
   public:
    Source(std::unique_ptr<ByteSource> inner, const LateContent& owner)
        : inner_(std::move(inner)), owner_(owner) {}
    Result<std::size_t> read(std::span<std::byte> into) override {
      auto got = inner_->read(into);
      if (got && *got == 0) owner_.known_ = true;
      return got;
    }

   private:
    std::unique_ptr<ByteSource> inner_;
    const LateContent& owner_;
  };

  io::MemoryContent inner_;
  mutable std::atomic<bool> known_{false};
};

/// An image manifest over a config and layers with these bytes.
inline Manifest image_of(const std::string& config, const std::vector<std::string>& layers) {
  const auto descriptor = [](const std::string& type, const std::string& bytes) {
    return R"({"mediaType":"application/vnd.oci.image.)" + type + R"(","digest":")" +
           Digest::of(bytes).to_string() + R"(","size":)" + std::to_string(bytes.size()) + "}";
  };
  std::string list;
  for (const auto& layer : layers) list += (list.empty() ? "" : ",") + descriptor("layer.v1.tar+gzip", layer);
  const std::string type = "application/vnd.oci.image.manifest.v1+json";
  return Manifest::parse(R"({"schemaVersion":2,"mediaType":")" + type + R"(","config":)" +
                             descriptor("config.v1+json", config) + R"(,"layers":[)" + list + "]}",
                         type)
      .value();
}

}  // namespace davit::test
