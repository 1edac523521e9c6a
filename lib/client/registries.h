#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include <davit/client.h>

#include "base/clock.h"
#include "base/mutex.h"
#include "registry/repository.h"

namespace davit::client {

/// The registries a client talks to, each with its address, TLS, credentials and connections; made on first use.
/// Thread-safe. REQUIRES: options, transport and clock outlive it.
class Registries {
 public:
  Registries(const ClientOptions& options, net::Transport& transport, Clock& clock, Log log);

  /// A repository, shared by everybody who asks for it. Errors: invalid_argument for a host that makes no URL.
  Result<std::shared_ptr<registry::Repository>> repository(const std::string& host, const std::string& name, Side side);

  /// Where a registry is really reached, with its TLS settings in force.
  Result<net::Url> origin(const std::string& host);
  [[nodiscard]] const RegistryOptions& options_for(const std::string& host) const;

 private:
  struct Host {
    std::unique_ptr<auth::Authorizer> authorizer;
    std::unique_ptr<registry::Registry> registry;
  };

  [[nodiscard]] bool plain_http(const std::string& host) const;
  Result<Host*> host_for(const std::string& host) DAVIT_REQUIRES(mutex_);

  const ClientOptions& options_;
  net::Transport& transport_;
  Clock& clock_;
  const Log log_;
  const std::shared_ptr<std::atomic<std::uint64_t>> spooled_ = std::make_shared<std::atomic<std::uint64_t>>(0);  // co-owned by the registries
  Mutex mutex_;
  std::map<std::string, Host> hosts_ DAVIT_GUARDED_BY(mutex_);
  // co-owned by the transfers that use them; after hosts_, whose registries they need
  std::map<std::pair<std::string, Side>, std::shared_ptr<registry::Repository>> repositories_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::client
