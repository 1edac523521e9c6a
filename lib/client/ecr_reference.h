#pragma once

#include <string>
#include <string_view>

#include <davit/result.h>

namespace davit::client {

/// `ecr:[[ACCOUNT.]REGION/]REPO...`, taken apart. What is not said comes from the AWS settings.
struct EcrReference {
  std::string account;
  std::string region;
  std::string rest;  ///< "REPO[:TAG][@DIGEST]", or a destination's template
};

bool is_ecr_reference(std::string_view text);

/// The first component is a region (with an account in front of it) if it looks like one, and else a part of
/// the repository's name. REQUIRES: is_ecr_reference. Errors: invalid_argument.
Result<EcrReference> parse_ecr_reference(std::string_view text);

}  // namespace davit::client
