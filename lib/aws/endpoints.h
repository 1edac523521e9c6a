#pragma once

#include <string>
#include <string_view>

#include "net/url.h"

namespace davit::aws {

enum class Service { ecr, ecr_public, sts, sso, sso_oidc };

/// Which of a service's hosts is wanted.
struct EndpointForm {
  bool fips = false;
  bool dual_stack = false;
};

/// Where requests go and what they are signed for.
struct Endpoint {
  net::Url url;
  std::string region;   ///< of the signature
  std::string service;  ///< of the signature: "ecr", "ecr-public", "sts"; empty for unsigned services
};

/// A group of regions with names of its own.
struct Partition {
  std::string_view id;                 ///< "aws", "aws-cn"
  std::string_view dns_suffix;         ///< "amazonaws.com"
  std::string_view dual_stack_suffix;  ///< "api.aws"
  std::string_view implicit_region;
};

/// A region that fits no partition counts as one of "aws".
const Partition& partition_of(std::string_view region);

}  // namespace davit::aws
