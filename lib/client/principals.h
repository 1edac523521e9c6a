#pragma once

#include <map>
#include <memory>
#include <string>

#include <davit/client.h>

#include "aws/api.h"
#include "aws/ecr_tokens.h"
#include "aws/identity.h"
#include "base/mutex.h"

namespace davit::client {

/// Somebody AWS knows, with what belongs to them alone.
struct Principal {
  std::unique_ptr<aws::Identity> identity;
  std::unique_ptr<aws::Api> api;
  std::unique_ptr<aws::EcrTokens> tokens;
};

/// Text that is equal for equal identities.
std::string key_of(const AwsIdentity& who);

/// `over` on top of `under`: a profile of its own hides the other's role, too.
AwsIdentity merged(const AwsIdentity& over, const AwsIdentity& under);

/// The AWS identities of a client, one for each that is asked for. Thread-safe. REQUIRES: all references
/// outlive it.
class Principals {
 public:
  Principals(const AwsEnvironment& environment, net::Transport& transport, Clock& clock, Log log)
      : environment_(environment), transport_(transport), clock_(clock), log_(std::move(log)) {}

  /// Lives as long as this does.
  Principal& of(const AwsIdentity& who);

 private:
  const AwsEnvironment& environment_;
  net::Transport& transport_;
  Clock& clock_;
  const Log log_;
  const std::shared_ptr<aws::ClockOffset> offset_ = std::make_shared<aws::ClockOffset>();
  Mutex mutex_;
  std::map<std::string, Principal> known_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::client
