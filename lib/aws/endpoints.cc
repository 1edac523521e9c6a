#include "aws/endpoints.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"

namespace davit::aws {
namespace {

constexpr std::array<Partition, 8> kPartitions = {{
    {"aws", "amazonaws.com", "api.aws", "us-east-1"},
    {"aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn", "cn-northwest-1"},
    {"aws-us-gov", "amazonaws.com", "api.aws", "us-gov-west-1"},
    {"aws-iso", "c2s.ic.gov", "api.aws.ic.gov", "us-iso-east-1"},
    {"aws-iso-b", "sc2s.sgov.gov", "api.aws.scloud", "us-isob-east-1"},
    {"aws-iso-e", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk", "eu-isoe-west-1"},
    {"aws-iso-f", "csp.hci.ic.gov", "api.aws.hci.ic.gov", "us-isof-south-1"},
    {"aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu", "eusc-de-east-1"},
}};

/// How the regions of a partition begin. Those of "aws" begin in many ways, and are what is left.
struct Prefix {
  std::string_view text;
  std::size_t partition;
};
constexpr std::array<Prefix, 7> kPrefixes = {{{"cn-", 1},
                                              {"us-gov-", 2},
                                              {"us-iso-", 3},
                                              {"us-isob-", 4},
                                              {"eu-isoe-", 5},
                                              {"us-isof-", 6},
                                              {"eusc-de-", 7}}};

/// Where AWS documents the older name of ECR's FIPS API.
constexpr std::array<std::string_view, 6> kDocumentedFips = {"us-east-1", "us-east-2",     "us-west-1",
                                                             "us-west-2", "us-gov-east-1", "us-gov-west-1"};

std::string_view signing_name(Service service) {
  switch (service) {
    case Service::ecr:
      return "ecr";
    case Service::ecr_public:
      return "ecr-public";
    case Service::sts:
      return "sts";
    case Service::sso:
    case Service::sso_oidc:
      break;
  }
  return {};
}

/// What stands in front of the region: "api.ecr", "sts-fips".
std::string first_label(Service service, const std::string& region, const EndpointForm& form,
                        const Partition& partition) {
  const std::string fips = form.fips ? "-fips" : "";
  const bool gov = partition.id == "aws-us-gov";
  switch (service) {
    case Service::ecr:
      if (form.dual_stack) return "ecr" + fips;
      return form.fips && std::ranges::find(kDocumentedFips, region) != kDocumentedFips.end()
                 ? "ecr-fips"
                 : "api.ecr" + fips;
    case Service::ecr_public:
      return (form.dual_stack && !form.fips && partition.id == "aws" ? "ecr-public" : "api.ecr-public") +
             fips;
    case Service::sts:
      return gov && !form.dual_stack ? "sts" : "sts" + fips;
    case Service::sso:
      return gov && !form.dual_stack ? "portal.sso" : "portal.sso" + fips;
    case Service::sso_oidc:
      return gov && !form.dual_stack ? "oidc" : "oidc" + fips;
  }
  return {};
}

Result<> require_region(const std::string& region) {
  if (is_region(region)) return {};
  return make_error(Errc::invalid_argument, "\"" + escaped(region, 60) + "\" is no AWS region");
}

}  // namespace

const Partition& partition_of(std::string_view region) {
  const auto found =
      std::ranges::find_if(kPrefixes, [&](const Prefix& prefix) { return region.starts_with(prefix.text); });
  return kPartitions[found == kPrefixes.end() ? 0 : found->partition];
}

bool is_region(std::string_view text) {
  const auto fits = [](char c) { return is_lower(c) || is_digit(c) || c == '-'; };
  return !text.empty() && text.size() <= 63 && text.front() != '-' && text.back() != '-' &&
         std::ranges::all_of(text, fits);
}

Result<Endpoint> aws_endpoint(Service service, const std::string& region, const EndpointForm& form) {
  DAVIT_TRY_VOID(require_region(region));
  if (service == Service::sts && region == "aws-global") {
    DAVIT_TRY(net::Url url, net::Url::parse("https://sts.amazonaws.com/"));
    return Endpoint{.url = std::move(url), .region = "us-east-1", .service = "sts"};
  }
  const Partition& partition = partition_of(region);
  const std::string_view suffix = form.dual_stack ? partition.dual_stack_suffix : partition.dns_suffix;
  DAVIT_TRY(net::Url url, net::Url::parse("https://" + first_label(service, region, form, partition) + "." +
                                          region + "." + std::string(suffix) + "/"));
  return Endpoint{.url = std::move(url), .region = region, .service = std::string(signing_name(service))};
}

Result<Endpoint> configured_endpoint(Service service, const std::string& region, std::string_view text) {
  DAVIT_TRY_VOID(require_region(region));
  DAVIT_TRY(net::Url url, net::Url::parse(text));
  return Endpoint{.url = std::move(url), .region = region, .service = std::string(signing_name(service))};
}

}  // namespace davit::aws
