#include "aws/endpoints.h"

#include "support/catch.h"

using namespace davit;
using aws::Service;

TEST_CASE("where AWS's services are, by region and form") {
  const aws::EndpointForm plain{}, fips{.fips = true}, dual{.dual_stack = true},
      both{.fips = true, .dual_stack = true};
  const struct {
    Service service;
    const char* region;
    aws::EndpointForm form;
    const char* expected;
  } rows[] = {
      {Service::ecr, "eu-west-1", plain, "api.ecr.eu-west-1.amazonaws.com"},
      {Service::ecr, "eu-west-1", dual, "ecr.eu-west-1.api.aws"},
      {Service::ecr, "us-east-1", fips, "ecr-fips.us-east-1.amazonaws.com"},
      {Service::ecr, "us-gov-west-1", fips, "ecr-fips.us-gov-west-1.amazonaws.com"},
      {Service::ecr, "ca-central-1", fips, "api.ecr-fips.ca-central-1.amazonaws.com"},
      {Service::ecr, "us-east-1", both, "ecr-fips.us-east-1.api.aws"},
      {Service::ecr, "cn-north-1", plain, "api.ecr.cn-north-1.amazonaws.com.cn"},
      {Service::ecr, "cn-north-1", dual, "ecr.cn-north-1.api.amazonwebservices.com.cn"},
      {Service::ecr, "us-iso-east-1", plain, "api.ecr.us-iso-east-1.c2s.ic.gov"},
      {Service::ecr, "us-isob-east-1", plain, "api.ecr.us-isob-east-1.sc2s.sgov.gov"},
      {Service::ecr, "eu-isoe-west-1", plain, "api.ecr.eu-isoe-west-1.cloud.adc-e.uk"},
      {Service::ecr, "us-isof-south-1", plain, "api.ecr.us-isof-south-1.csp.hci.ic.gov"},
      {Service::ecr, "eusc-de-east-1", plain, "api.ecr.eusc-de-east-1.amazonaws.eu"},
      {Service::ecr, "moon-base-1", plain, "api.ecr.moon-base-1.amazonaws.com"},
      {Service::ecr_public, "us-east-1", plain, "api.ecr-public.us-east-1.amazonaws.com"},
      {Service::ecr_public, "us-east-1", dual, "ecr-public.us-east-1.api.aws"},
      {Service::sts, "eu-west-1", plain, "sts.eu-west-1.amazonaws.com"},
      {Service::sts, "us-east-1", fips, "sts-fips.us-east-1.amazonaws.com"},
      {Service::sts, "us-gov-west-1", fips, "sts.us-gov-west-1.amazonaws.com"},
      {Service::sts, "eu-west-1", dual, "sts.eu-west-1.api.aws"},
      {Service::sts, "aws-global", plain, "sts.amazonaws.com"},
      {Service::sso, "eu-west-1", plain, "portal.sso.eu-west-1.amazonaws.com"},
      {Service::sso_oidc, "eu-west-1", plain, "oidc.eu-west-1.amazonaws.com"},
      {Service::sso_oidc, "us-gov-west-1", fips, "oidc.us-gov-west-1.amazonaws.com"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.expected);
    const auto endpoint = aws::aws_endpoint(row.service, row.region, row.form);
    REQUIRE(endpoint);
    CHECK(endpoint->url.text() == "https://" + std::string(row.expected) + "/");
  }
}

TEST_CASE("an endpoint says what its requests are signed for") {
  CHECK(aws::aws_endpoint(Service::ecr_public, "us-east-1", {})->service == "ecr-public");
  CHECK(aws::aws_endpoint(Service::sts, "aws-global", {})->region == "us-east-1");
  CHECK(aws::aws_endpoint(Service::sso, "us-east-1", {})->service.empty());
  const auto own = aws::configured_endpoint(Service::ecr, "eu-west-1", "http://127.0.0.1:4566");
  REQUIRE(own);
  CHECK(own->url.text() == "http://127.0.0.1:4566/");
  CHECK(own->region == "eu-west-1");
  CHECK(own->service == "ecr");
}

TEST_CASE("row 10: what is no region does not become part of a host name") {
  for (const char* region : {"", "evil.example.com/", "us-east-1.evil.tld", "US-EAST-1", "us_east", "a@b",
                             "-a", "a-", "us-east-1\n"}) {
    CAPTURE(region);
    const auto endpoint = aws::aws_endpoint(Service::ecr, region, {});
    REQUIRE_FALSE(endpoint);
    CHECK(endpoint.error().code == Errc::invalid_argument);
    CHECK_FALSE(aws::configured_endpoint(Service::ecr, region, "https://h.example.com"));
  }
  CHECK(aws::is_region(std::string(63, 'a')));
  CHECK_FALSE(aws::is_region(std::string(64, 'a')));
}
