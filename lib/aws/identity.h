#pragma once

#include <memory>
#include <string>

#include <davit/aws.h>
#include <davit/call_context.h>
#include <davit/result.h>

#include "aws/clock_offset.h"
#include "aws/endpoints.h"
#include "aws/keys.h"
#include "base/clock.h"
#include "base/log.h"
#include "net/http.h"

namespace davit::aws {

/// Somebody AWS knows: credentials that are renewed before they end, and the settings of the profile they
/// belong to. Thread-safe; many callers share one question to a credential service.
class Identity {
 public:
  virtual ~Identity() = default;

  /// Good for at least a while. May ask files, programs and services. Errors: unauthenticated when no place
  /// has any, its text naming the places; else what went wrong at the place that should have them.
  virtual Result<Credentials> credentials(const CallContext& context) = 0;

  /// AWS said that these have expired: the next credentials() asks their source again, once.
  virtual void expired(const Keys& keys) = 0;

  /// The region of the settings: option, environment, profile, instance metadata; empty when none says one.
  virtual Result<std::string> region(const CallContext& context) = 0;

  /// Where a service is reached in a region: overrides of options, environment and profile, FIPS and
  /// dual-stack. Errors: invalid_argument for settings that contradict each other.
  virtual Result<Endpoint> endpoint(Service service, const std::string& region, const EndpointForm& form) = 0;
};

/// The AWS credential chain for one identity. Reads nothing before it is asked. `offset` is shared with the
/// API; null: its own. REQUIRES: transport and clock outlive it.
std::unique_ptr<Identity> make_identity(AwsIdentity who, AwsEnvironment environment,
                                        net::Transport& transport, Clock& clock, Log log,
                                        std::shared_ptr<ClockOffset> offset = nullptr);

}  // namespace davit::aws
