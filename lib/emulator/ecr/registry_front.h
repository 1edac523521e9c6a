#pragma once

#include <string>

#include "emulator/ecr/backend.h"
#include "emulator/ecr/refusal.h"
#include "emulator/ecr/store_front.h"
#include "emulator/ecr/tokens.h"
#include "emulator/http_server.h"

namespace davit::emulator {

/// The registry HTTP API as ECR speaks it, private or public by the mode `registry`. Thread-safe.
class RegistryFront {
 public:
  /// REQUIRES: `backend` and `store` outlive it.
  RegistryFront(Backend& backend, const StoreFront& store) : backend_(backend), store_(store) {}

  Response handle(Request& request);

 private:
  enum class What { root, catalog, upload, blob, manifest, tags, referrers };
  /// A request with what the routes need to know about it.
  struct Call {
    Request& request;
    What what = What::root;
    std::string repository = {};
    std::string name = {};       ///< what follows blobs/, manifests/, ...
    std::string operation = {};  ///< the API operation that this counts as
    std::string arn = {};
    Modes modes = {};

    [[nodiscard]] bool is_public() const { return modes.is("registry", "public"); }
  };

  static std::optional<Call> read_call(Request& request);
  Response answer(Call& call);
  Response route(const Call& call);
  std::optional<Response> refuse_stranger(Call& call);
  Response token(const Request& request);
  void admit(const Call& call, const std::string& operation);
  void require_repository(const Call& call) const;
  [[nodiscard]] static Response refused(const Refusal& refusal, const Call& call);
  [[nodiscard]] static Response broken(const Fault& fault, Response response);

  // registry_blobs.cc
  Response blob_get(const Call& call);
  Response blob_delete(const Call& call);
  Response upload_post(const Call& call);
  Response upload_patch(const Call& call);
  Response upload_put(const Call& call);
  Response upload_other(const Call& call);
  [[nodiscard]] std::string upload_location(const Call& call, const std::string& upload) const;
  std::uint64_t receive(const Call& call, const std::string& upload);
  Response finish(const Call& call, const std::string& upload, const std::string& digest);

  // registry_manifests.cc
  Response manifest_get(const Call& call);
  Response manifest_put(const Call& call);
  Response manifest_delete(const Call& call);
  Response tags_list(const Call& call);
  Response catalog(const Call& call);
  Response referrers(const Call& call);

  Backend& backend_;
  const StoreFront& store_;
};

}  // namespace davit::emulator
