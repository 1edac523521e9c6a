#pragma once

#include <string>
#include <string_view>

#include <davit/error.h>

#include "aws/api.h"

namespace davit::aws {

/// What an ECR registry means by refusing: expiry, permission and quota come under the same status and code.
enum class Refusal { expired, permission, quota, unknown };
Refusal refusal_of(std::string_view text);

/// Whether the text of a 400 may be about the token: ECR gives it for those of another region, for instance.
bool is_about_login(std::string_view text);

/// refusal() in the words of ECR: the missing action and the resource in front where IAM said no, quotas told
/// from rates.
Error ecr_refusal(const std::string& operation, const net::Url& url, const net::Response& response);

}  // namespace davit::aws
