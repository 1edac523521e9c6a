// Which hosts are ECR's: what gets signed requests and passwords.
#include "aws/ecr_host.h"

#include "support/catch.h"

using namespace davit;
using aws::EcrHost;

namespace {

EcrHost made(std::string account, std::string region, bool fips = false, bool dual_stack = false) {
  return {.account = std::move(account),
          .region = std::move(region),
          .form = {.fips = fips, .dual_stack = dual_stack}};
}

}  // namespace

TEST_CASE("row 10: every documented form of a private registry's name is read") {
  const std::string a = "123456789012";
  const std::vector<std::pair<std::string, EcrHost>> hosts = {
      {a + ".dkr.ecr.us-east-1.amazonaws.com", made(a, "us-east-1")},
      {a + ".dkr.ecr-fips.us-gov-west-1.amazonaws.com", made(a, "us-gov-west-1", true)},
      {a + ".dkr-ecr.us-east-2.on.aws", made(a, "us-east-2", false, true)},
      {a + ".dkr-ecr-fips.us-east-2.on.aws", made(a, "us-east-2", true, true)},
      {a + ".dkr.ecr.cn-north-1.amazonaws.com.cn", made(a, "cn-north-1")},
      {a + ".dkr-ecr.cn-north-1.on.amazonwebservices.com.cn", made(a, "cn-north-1", false, true)},
      {a + ".dkr.ecr.cn-north-1.on.amazonwebservices.com.cn", made(a, "cn-north-1")},
      {a + ".dkr.ecr.us-iso-east-1.c2s.ic.gov", made(a, "us-iso-east-1")},
      {a + ".dkr.ecr.us-isob-east-1.sc2s.sgov.gov", made(a, "us-isob-east-1")},
      {a + ".dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk", made(a, "eu-isoe-west-1")},
      {a + ".dkr.ecr.us-isof-south-1.csp.hci.ic.gov", made(a, "us-isof-south-1")},
      {a + ".dkr.ecr.eusc-de-east-1.amazonaws.eu", made(a, "eusc-de-east-1")},
      {a + ".DKR.ECR.US-EAST-1.AMAZONAWS.COM", made(a, "us-east-1")},
      {a + ".dkr.ecr.us-east-1.amazonaws.com:443", made(a, "us-east-1")},
      {a + ".dkr.ecr.us-east-1.amazonaws.com:65535", made(a, "us-east-1")},
  };
  for (const auto& [host, expected] : hosts) {
    INFO(host);
    const auto parsed = aws::parse_ecr_host(host);
    REQUIRE(parsed);
    CHECK(*parsed == expected);
  }
}

TEST_CASE("the public gallery has two names, and its logins a region") {
  const auto classic = aws::parse_ecr_host("public.ecr.aws");
  REQUIRE(classic);
  CHECK(classic->is_public);
  CHECK(classic->account.empty());
  CHECK(classic->region == "us-east-1");
  CHECK_FALSE(classic->form.dual_stack);
  const auto dual = aws::parse_ecr_host("ECR-Public.aws.com:443");
  REQUIRE(dual);
  CHECK(dual->is_public);
  CHECK(dual->form.dual_stack);
}

TEST_CASE("row 10: hosts that merely look like ECR's are nobody's") {
  const std::string a = "123456789012";
  for (const std::string& host : std::vector<std::string>{
           "",
           a,
           a + ".dkr.ecr.us-east-1.amazonaws.com.evil.tld",
           a + ".dkr.ecr.us-east-1.amazonaws.com.",
           a + ".dkr.ecr.us-east-1.amazonaws.com@evil.tld",
           a + ".dkr.ecr.us-east-1.amazonaws.com/evil.tld",
           "evil-" + a + ".dkr.ecr.us-east-1.amazonaws.com",
           "x." + a + ".dkr.ecr.us-east-1.amazonaws.com",
           "12345678901.dkr.ecr.us-east-1.amazonaws.com",
           "1234567890123.dkr.ecr.us-east-1.amazonaws.com",
           "12345678901a.dkr.ecr.us-east-1.amazonaws.com",
           a + ".dkr.ecr..amazonaws.com",
           a + ".dkr.ecr.-east-1.amazonaws.com",
           a + ".dkr.ecr.us_east_1.amazonaws.com",
           a + ".dkr.ecr.us-east-1.evil.amazonaws.com",
           a + ".dkr.ecr.us-east-1.evilamazonaws.com",
           a + ".dkr.ecr.us-east-1.amazonaws.org",
           a + ".dkr.ecr-fipsy.us-east-1.amazonaws.com",
           a + "-dkr.ecr.us-east-1.amazonaws.com",
           a + ".dkr_ecr.us-east-1.amazonaws.com",
           a + ".dkrXecr.us-east-1.amazonaws.com",
           a + ".dkr.ecr.us-east-1.amazonaws.com:",
           a + ".dkr.ecr.us-east-1.amazonaws.com:0",
           a + ".dkr.ecr.us-east-1.amazonaws.com:65536",
           a + ".dkr.ecr.us-east-1.amazonaws.com:443:443",
           a + ".dkr.ecr.us-east-1.amazonaws.com:44a",
           a + ".dkr.ecr.us-east-1.amazonaws.com:443.evil.tld",
           "public.ecr.aws.evil.tld",
           "evil-public.ecr.aws",
           "x.public.ecr.aws",
           "public.ecr.aws.",
           "ecr-public.aws.com.evil.tld",
           "amazonaws.com",
           "registry.amazonaws.com",
       }) {
    INFO(host);
    CHECK_FALSE(aws::parse_ecr_host(host));
  }
}

TEST_CASE("regions are told from the beginnings of repository names") {
  for (const std::string_view region : {"us-east-1", "us-gov-west-1", "us-isob-east-1", "eusc-de-east-1",
                                        "ap-southeast-12", "il-central-1"}) {
    INFO(region);
    CHECK(aws::looks_like_region(region));
  }
  for (const std::string_view other : {"", "team", "app-1", "us-east", "us-east-", "-east-1", "us--1",
                                       "us-east-1a", "US-EAST-1", "us-east-100", "my-app-v1", "u-east-1"}) {
    INFO(other);
    CHECK_FALSE(aws::looks_like_region(other));
  }
}
