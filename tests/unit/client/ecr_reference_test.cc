// The short names of ECR repositories.
#include "client/ecr_reference.h"

#include "client/principals.h"
#include "support/catch.h"

using namespace davit;
using client::parse_ecr_reference;

TEST_CASE("row 20: a password in an ecr: name is not repeated") {
  const auto parsed = parse_ecr_reference("ecr:joe:MARKED@r.example.com/x");
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().to_string().find("MARKED") == std::string::npos);
  CHECK(parsed.error().hint.find("MARKED") == std::string::npos);
}

TEST_CASE("a first component that looks like a region is one, everything else is the repository") {
  struct Case {
    std::string text, account, region, rest;
  };
  for (const Case& each : std::vector<Case>{
           {"ecr:app", "", "", "app"},
           {"ecr:app:1.4", "", "", "app:1.4"},
           {"ecr:team/app:1", "", "", "team/app:1"},
           {"ecr:eu-west-1/app:1", "", "eu-west-1", "app:1"},
           {"ecr:us-gov-west-1/team/app:1,2", "", "us-gov-west-1", "team/app:1,2"},
           {"ecr:123456789012.eu-west-1/app", "123456789012", "eu-west-1", "app"},
           {"ecr:eu-west-1", "", "", "eu-west-1"},
           {"ecr:eu-west/app", "", "", "eu-west/app"},
           {"ecr:{repo}:{tag}", "", "", "{repo}:{tag}"},
           {"ecr:eu-west-1/{repo}:{tag}", "", "eu-west-1", "{repo}:{tag}"},
           {"ecr:app@sha256:00", "", "", "app@sha256:00"},
       }) {
    INFO(each.text);
    const auto parsed = parse_ecr_reference(each.text);
    REQUIRE(parsed);
    CHECK(parsed->account == each.account);
    CHECK(parsed->region == each.region);
    CHECK(parsed->rest == each.rest);
  }
  for (const char* wrong :
       {"ecr:", "ecr::1", "ecr:/app", "ecr:@x", "ecr:eu-west-1/", "ecr:123456789012.here/app"}) {
    INFO(wrong);
    CHECK_FALSE(parse_ecr_reference(wrong));
  }
}

TEST_CASE("a profile that is given hides the role that belongs to another one") {
  const AwsIdentity configured{.profile = "ci", .role_arn = "arn:role", .region = "eu-west-1"};
  const AwsIdentity other = client::merged({.profile = "dev"}, configured);
  CHECK(other.profile == "dev");
  CHECK(other.role_arn.empty());
  CHECK(other.region == "eu-west-1");
  const AwsIdentity role = client::merged({.role_arn = "arn:other"}, configured);
  CHECK(role.profile == "ci");
  CHECK(role.role_arn == "arn:other");
  const AwsIdentity same = client::merged({}, configured);
  CHECK(client::key_of(same) == client::key_of(configured));
}
