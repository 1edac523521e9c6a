#pragma once

#include <memory>

#include "aws/ecr_api.h"
#include "registry/native.h"

namespace davit::aws {

/// ECR's own API as a registry's native one; `limits` as for EcrApi. REQUIRES: all references outlive it.
std::unique_ptr<registry::Native> make_ecr_native(Api& api, Identity& identity, EcrSite site,
                                                  registry::Limits* limits = nullptr);

/// The settings of a repository that a push creates.
EcrRepositorySettings settings_for(const std::string& repository, const NewRepository& how);

}  // namespace davit::aws
