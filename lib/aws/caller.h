#pragma once

#include <string>

#include "aws/api.h"
#include "aws/identity.h"

namespace davit::aws {

/// Whom AWS takes us for.
struct Caller {
  std::string account;
  std::string arn;
  std::string user_id;
};

/// GetCallerIdentity, which nobody can be denied. `region` empty: us-east-1. Errors: the identity's, and
/// those of keys that AWS does not know.
Result<Caller> caller_identity(Api& api, Identity& identity, std::string region, const CallContext& context);

}  // namespace davit::aws
