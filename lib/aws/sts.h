#pragma once

#include <string>

#include <davit/call_context.h>
#include <davit/result.h>
#include <davit/secret.h>

#include "aws/api.h"
#include "aws/call_loop.h"
#include "aws/endpoints.h"
#include "aws/keys.h"

namespace davit::aws {

/// A role, and how to be known in it.
struct RoleRequest {
  std::string role_arn;
  std::string session_name;  ///< 2 to 64 of [\w+=,.@-]
  std::string external_id = {};
  std::string duration_seconds = {};  ///< 900 to 43200; empty for the service's own
};

/// Errors of both: those of CallLoop, and STS's refusals by refusal(). `source` names the credentials.
Result<Credentials> assume_role(CallLoop& calls, Signer& signer, const Endpoint& endpoint,
                                const RoleRequest& role, const std::string& source,
                                const CallContext& context);

/// Unsigned: the token is the proof.
Result<Credentials> assume_role_with_web_identity(CallLoop& calls, const Endpoint& endpoint,
                                                  const RoleRequest& role, const Secret& token,
                                                  const std::string& source, const CallContext& context);

struct CallerIdentity {
  std::string account;
  std::string arn;
  std::string user_id;
};

/// Who `identity` is. Asks STS in its region, or in us-east-1 when it has none.
Result<CallerIdentity> get_caller_identity(Api& api, Identity& identity, const CallContext& context);

}  // namespace davit::aws
