#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <davit/credentials.h>

#include "auth/credential_cache.h"
#include "aws/ecr_tokens.h"

namespace davit::aws {

/// Where credentials for an ECR host come from, in the order in which they are asked.
struct EcrSources {
  std::vector<std::shared_ptr<CredentialSource>> chosen;   ///< for this purpose: before AWS
  std::vector<std::shared_ptr<CredentialSource>> machine;  ///< lying about on this machine: after AWS
};

/// What to show an ECR host.
struct EcrLogin {
  enum class From { nobody, chosen, aws, machine };
  From from = From::nobody;
  auth::SharedCredential credential = {};  ///< of `chosen` and `machine`
  EcrToken token = {};                     ///< of `aws`
  std::optional<Error> aws_error = {};     ///< why AWS gave none
};

/// Finds the login for one host. Thread-safe. REQUIRES: tokens outlive it.
class EcrLogins {
 public:
  EcrLogins(std::string host, EcrSite site, EcrSources sources, EcrTokens& tokens, Clock& clock, Log log);

  /// AWS's turn is skipped when its chain has nothing or may not log in; every other error of it is one here.
  Result<EcrLogin> find(const std::string& repository, const CallContext& context);

  /// Whether there are credentials that were given for this: then AWS is not asked who we are.
  Result<bool> has_chosen(const std::string& repository, const CallContext& context);

  /// A login that the registry did not accept; the next find() looks for another one. False when that is put
  /// off (see EcrTokens).
  bool refused(const std::string& repository, const EcrLogin& login, EcrTokens::Refused how);

  [[nodiscard]] const EcrSite& site() const { return site_; }
  [[nodiscard]] const std::string& host() const { return host_; }

 private:
  const std::string host_;
  const EcrSite site_;
  EcrTokens& tokens_;
  Clock& clock_;
  const Log log_;
  const bool has_chosen_;
  auth::CredentialCache chosen_;
  auth::CredentialCache machine_;
  Mutex mutex_;
  std::optional<Error> no_aws_ DAVIT_GUARDED_BY(mutex_);  // why the chain is not asked for a while
  Clock::Steady ask_aws_at_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::aws
