#pragma once

#include <string>
#include <string_view>

#include <davit/result.h>

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

/// Fit to be a part of a host name: lower-case letters, digits and hyphens, 63 at most.
bool is_region(std::string_view text);

/// AWS's own endpoint. The region "aws-global" is that of the one host STS had before there were regions.
/// Errors: invalid_argument for what is no region.
Result<Endpoint> aws_endpoint(Service service, const std::string& region, const EndpointForm& form);

/// An endpoint that somebody configured instead. Errors: invalid_argument for a URL or region that is none.
Result<Endpoint> configured_endpoint(Service service, const std::string& region, std::string_view url);

}  // namespace davit::aws
