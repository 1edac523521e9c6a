#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "emulator/access_log.h"
#include "emulator/behaviour.h"
#include "emulator/http_server.h"
#include "emulator/storage.h"
#include "emulator/token_service.h"

namespace davit::emulator {

/// How the uploads of this registry's life ended.
struct UploadCounts {
  int begun = 0;
  int committed = 0;
  int cancelled = 0;  ///< by DELETE
};

/// Remembers what was written when, so that it can be kept from sight. Thread-safe.
class Visibility {
 public:
  void written(const std::string& repository, const Digest& digest, const Behaviour& behaviour);
  /// Whether a lookup finds it; counts the lookup.
  bool visible(const std::string& repository, const Digest& digest);

 private:
  struct Hidden {
    std::chrono::steady_clock::time_point until;
    int lookups = 0;
  };
  Mutex mutex_;
  std::map<std::string, Hidden> hidden_  // by REPOSITORY@DIGEST
      DAVIT_GUARDED_BY(mutex_);
};

struct RegistryOptions {
  Address listen = {};
  std::filesystem::path folder = {};  ///< an OCI layout that keeps everything; empty: memory
  std::optional<TlsIdentity> tls = {};
  Behaviour behaviour = {};
  AccessLogOptions log = {};
};

/// A registry on loopback that speaks the OCI distribution specification 1.1, for tests: it keeps a log of
/// what it was asked and departs from the usual way where its Behaviour says so. Serves from construction to
/// destruction. Thread-safe. Throws std::runtime_error when it cannot listen or use its folder.
///
///   emulator::Registry registry;
///   ... push to registry.authority() + "/app:1" ...
///   CHECK(registry.storage().tag("app", "1"));
///   CHECK(registry.log("PATCH").empty());
class Registry {
 public:
  explicit Registry(const RegistryOptions& options = {});
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  /// "127.0.0.1:41234"
  [[nodiscard]] std::string authority() const;
  [[nodiscard]] std::string url() const;
  [[nodiscard]] std::string store_authority() const;
  [[nodiscard]] std::string token_authority() const;

  /// Takes effect with the next request.
  void set(const Behaviour& behaviour);
  [[nodiscard]] Behaviour behaviour() const;

  /// Everything asked so far in the order of the answers; with a method or a target's beginning, only that.
  [[nodiscard]] std::vector<Access> log(std::string_view method = {}, std::string_view target = {}) const {
    return log_.lines(method, target);
  }
  [[nodiscard]] std::vector<Access> log(Access::Port port) const { return log_.lines(port); }
  void clear_log() { log_.clear(); }
  [[nodiscard]] UploadCounts uploads() const;

  [[nodiscard]] Storage& storage() { return storage_; }
  [[nodiscard]] TokenService& tokens() { return tokens_; }

 private:
  /// A request with what the routes need to know about it.
  struct Call {
    Request& request;
    const Behaviour& behaviour;
    std::string repository;
    std::string name;  ///< what follows blobs/, manifests/, ...: a digest, a tag or an upload's id
  };
  struct Grant {
    std::string repository;
    Digest digest;
    std::chrono::steady_clock::time_point until;
    int uses = 0;
  };

  Response registry_port(Request& request);
  Response store_port(Request& request);
  Response token_port(Request& request);
  Response route(Request& request, const Behaviour& behaviour);
  std::optional<Response> refuse_stranger(const Request& request, const Behaviour& behaviour,
                                          const std::string& repository);

  // blob_routes.cc
  Response blob_get(const Call& call);
  Response blob_delete(const Call& call);
  Response upload_post(const Call& call);
  Response upload_patch(const Call& call);
  Response upload_put(const Call& call);
  Response upload_status(const Call& call);
  Response upload_delete(const Call& call);
  std::unique_ptr<Upload> take(const Call& call);
  Response session_answer(const Call& call, int status, std::unique_ptr<Upload> upload);
  Response close_upload(const Call& call, std::unique_ptr<Upload> upload, int status);
  Response to_store(const Call& call, const Digest& digest);

  // manifest_routes.cc
  Response manifest_get(const Call& call);
  Response manifest_put(const Call& call);
  Response manifest_delete(const Call& call);
  Response tags_list(const Call& call);
  Response catalog(const Call& call);
  Response referrers(const Call& call);

  AccessLog log_;
  Storage storage_;
  TokenService tokens_;
  Visibility visibility_;
  mutable Mutex mutex_;
  Behaviour behaviour_ DAVIT_GUARDED_BY(mutex_);
  UploadCounts uploads_ DAVIT_GUARDED_BY(mutex_);
  std::map<std::string, Grant> grants_ DAVIT_GUARDED_BY(mutex_);
  std::unique_ptr<HttpServer> store_;
  std::unique_ptr<HttpServer> token_server_;
  std::unique_ptr<HttpServer> server_;  // last: the others answer while it ends
};

}  // namespace davit::emulator
