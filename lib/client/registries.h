#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <davit/client.h>

#include "aws/ecr_api.h"
#include "aws/ecr_login.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "client/principals.h"
#include "registry/repository.h"

namespace davit::client {

/// The registries a client talks to, each with its address, TLS, credentials and connections; made on first
/// use. Thread-safe. REQUIRES: options, transport and clock outlive it.
class Registries {
 public:
  Registries(const ClientOptions& options, net::Transport& transport, Clock& clock, Log log);

  /// A repository, shared by everybody who asks for it. Errors: invalid_argument for a host that makes no
  /// URL.
  Result<std::shared_ptr<registry::Repository>> repository(const std::string& host, const std::string& name,
                                                           Side side,
                                                           const std::optional<NewRepository>& create = {});

  /// The registry itself, for what is not about one repository. It lives as long as this.
  Result<registry::Registry*> registry(const std::string& host, Side side);

  /// Where a registry is really reached, with its TLS settings in force.
  Result<net::Url> origin(const std::string& host);
  [[nodiscard]] const RegistryOptions& options_for(const std::string& host) const;

  /// The account and region of an ECR host; empty for any other. Errors: invalid_argument for settings that
  /// name none.
  [[nodiscard]] Result<std::optional<aws::EcrSite>> ecr_site(const std::string& host) const;
  /// The client's credential sources for one side, as an ECR host asks them.
  [[nodiscard]] aws::EcrSources ecr_sources(Side side) const;
  /// Who to be there; with an empty host, for AWS in general.
  [[nodiscard]] AwsIdentity identity_for(const std::string& host, Side side) const;
  Principals& principals() { return principals_; }

  /// Of the registries that count pulls.
  std::vector<PullQuota> pull_quotas();

  /// An `ecr:` reference written out: "HOST/REPO:TAG". Other text stays as it is. May ask AWS for the
  /// account. Errors: invalid_argument where no region is known; those of AWS.
  Result<std::string> expanded(std::string_view text, Side side, const CallContext& context);

 private:
  struct Host {
    std::unique_ptr<auth::Authorizer> authorizer;
    std::unique_ptr<registry::Native> native;
    std::unique_ptr<registry::Registry> registry;
  };

  [[nodiscard]] std::vector<std::shared_ptr<CredentialSource>> credentials_for(Side side) const;
  /// What one registry may be asked at most: one, whatever it is called and whoever asks.
  std::shared_ptr<registry::Limits> limits_for(const std::string& host,
                                               const std::optional<aws::EcrSite>& site)
      DAVIT_REQUIRES(mutex_);
  [[nodiscard]] bool plain_http(const std::string& host) const;
  Result<Host*> host_for(const std::string& host, Side side) DAVIT_REQUIRES(mutex_);
  Result<std::string> account_of(Principal& who, const std::string& region, const CallContext& context);
  [[nodiscard]] std::string host_of(const std::string& account, const std::string& region) const;

  const ClientOptions& options_;
  net::Transport& transport_;
  Clock& clock_;
  const Log log_;
  const std::shared_ptr<std::atomic<std::uint64_t>> spooled_ =
      std::make_shared<std::atomic<std::uint64_t>>(0);  // co-owned by the registries
  Principals principals_;                               // before the hosts, which refer to it
  Mutex mutex_;
  // by host, or for ECR by account and region; before the hosts, which use them
  std::map<std::string, std::shared_ptr<registry::Limits>> limits_ DAVIT_GUARDED_BY(mutex_);
  std::map<std::string, Host> hosts_ DAVIT_GUARDED_BY(mutex_);
  // co-owned by the transfers that use them; after hosts_, whose registries they need
  std::map<std::string, std::shared_ptr<registry::Repository>> repositories_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::client
