#pragma once

#include <memory>

#include "aws/ecr_api.h"
#include "registry/native.h"

namespace davit::aws {

/// ECR's own API as a registry's native one. REQUIRES: api and identity outlive it.
std::unique_ptr<registry::Native> make_ecr_native(Api& api, Identity& identity, EcrSite site);

/// The settings of a repository that a push creates.
EcrRepositorySettings settings_for(const std::string& repository, const NewRepository& how);

}  // namespace davit::aws
