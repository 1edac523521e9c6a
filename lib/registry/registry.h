#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <davit/digest.h>

#include "auth/authorizer.h"
#include "base/clock.h"
#include "base/log.h"
#include "net/http.h"
#include "registry/answer.h"
#include "registry/limits.h"
#include "registry/native.h"
#include "registry/quirks.h"
#include "registry/retry.h"
#include "registry/wire.h"

namespace davit::registry {

class Repository;

struct RegistryOptions {
  std::string host;               ///< as in a Reference: "docker.io", "localhost:5000"
  bool plain_http = false;        ///< the user's choice; never guessed from an answer
  std::uint64_t chunk_bytes = 0;  ///< send blobs in PATCHes of this size; 0: as the registry likes it
  std::uint64_t spool_bytes =
      16u << 20;  ///< memory for blobs whose digest is not known yet, all uploads together
  std::shared_ptr<std::atomic<std::uint64_t>> spooled =
      {};  ///< how much of it is in use; shared by the registries of one client, an own one when null
  RetryRules retry = {};
  std::shared_ptr<Limits> limits =
      {};  ///< shared by everybody who talks to the registry; an own one, of what is known, when null
  Kind kind = Kind::distribution;
  Native* native = nullptr;  ///< what it offers beside the protocol; null: nothing. Outlives the registry
};

/// Where the registry is really reached. Errors: invalid_argument.
Result<net::Url> base_url(const RegistryOptions& options);

/// One registry: what its repositories share. Thread-safe.
class Registry {
 public:
  /// `authorizer` may be null: anonymous. REQUIRES: all references outlive the registry. Errors:
  /// invalid_argument.
  static Result<std::unique_ptr<Registry>> create(RegistryOptions options, net::Transport& transport,
                                                  auth::Authorizer* authorizer, Clock& clock, Log log);

  /// A repository as one end of a transfer. As a destination it asks for the right to push.
  /// With `create` it is made when it turns out to be missing, where the registry has a way to do that.
  /// REQUIRES: the registry outlives it; `name` follows the reference grammar.
  std::unique_ptr<Repository> repository(std::string name, Side side,
                                         std::optional<NewRepository> create = {});

  [[nodiscard]] const std::string& host() const { return options_.host; }
  [[nodiscard]] const net::Url& base() const { return base_; }
  [[nodiscard]] const RegistryOptions& options() const { return options_; }
  [[nodiscard]] const Quirks& quirks() const { return quirks_; }
  [[nodiscard]] Native* native() const { return options_.native; }
  Wire& wire() { return wire_; }

  /// Whether HEAD is worth trying; learned from the first refusal.
  [[nodiscard]] bool head_works() const { return head_works_; }
  void head_failed() { head_works_ = false; }

  /// Whether it has been seen to have no API for referrers: they are listed under tags then.
  [[nodiscard]] bool lists_referrers_by_tag() const { return referrers_by_tag_; }
  void referrers_unknown() { referrers_by_tag_ = true; }

  /// Takes `bytes` of the spool memory if they are to be had.
  bool reserve_spool(std::uint64_t bytes);
  void release_spool(std::uint64_t bytes) { *spooled_ -= bytes; }

 private:
  Registry(RegistryOptions options, net::Url base, net::Transport& transport, auth::Authorizer* authorizer,
           Clock& clock, Log log);

  const RegistryOptions options_;
  const net::Url base_;
  const Quirks& quirks_;
  Wire wire_;
  std::atomic<bool> head_works_ = true;
  std::atomic<bool> referrers_by_tag_ = false;
  const std::shared_ptr<std::atomic<std::uint64_t>> spooled_;  // co-owned by the registries of one client
};

}  // namespace davit::registry
