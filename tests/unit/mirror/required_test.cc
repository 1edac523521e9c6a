#include "mirror/required.h"

#include "support/catch.h"

using namespace davit;
using mirror::missing_referrers;
using Texts = std::vector<std::string>;

namespace {

Descriptor of_type(const std::string& type) {
  Descriptor out{.media_type = {}, .digest = Digest::of(type), .size = 1};
  out.artifact_type = type;
  return out;
}

}  // namespace

TEST_CASE("what is required is found under the names that tools give it", "[mirror]") {
  const std::vector<Descriptor> sbom{of_type("application/spdx+json")};
  CHECK(missing_referrers(Texts{"sbom"}, sbom, {}).value().empty());
  CHECK(missing_referrers(Texts{"signature", "sbom"}, sbom, {}).value() == Texts{"signature"});
  CHECK(missing_referrers(Texts{"sbom"}, std::vector{of_type("application/vnd.cyclonedx+json")}, {})
            .value()
            .empty());
  CHECK(
      missing_referrers(Texts{"signature"}, std::vector{of_type("application/vnd.cncf.notary.signature")}, {})
          .value()
          .empty());
  CHECK(missing_referrers(Texts{"signature"}, {}, Texts{"sha256-ab.sig"}).value().empty());
  CHECK(missing_referrers(Texts{"signature"}, {}, Texts{"sha256-ab.att"}).value() == Texts{"signature"});
  CHECK(missing_referrers(Texts{"application/x.*"}, std::vector{of_type("application/x+json")}, {})
            .value()
            .empty());
  CHECK_FALSE(missing_referrers(Texts{"("}, sbom, {}));
}
