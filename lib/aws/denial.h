#pragma once

#include <string_view>

#include <davit/error.h>

#include "aws/api.h"

namespace davit::aws {

/// What an ECR registry means by refusing: expiry, permission and quota come under the same status and code.
enum class Refusal { expired, permission, quota, unknown };
Refusal refusal_of(std::string_view text);

/// Whether the text of a 400 may be about the token: ECR gives it for those of another region, for instance.
bool is_about_login(std::string_view text);

/// The error that an AWS API's refusal amounts to: "OPERATION at HOST: CODE: text", with the missing action
/// and the resource in front where IAM said no.
Error api_error(std::string_view operation, std::string_view host, const ApiFailure& failure);

}  // namespace davit::aws
