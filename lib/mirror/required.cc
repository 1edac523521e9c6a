#include "mirror/required.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/try.h"
#include "model/patterns.h"

namespace davit::mirror {
namespace {

/// A word for what several tools give different types.
struct Kind {
  std::string_view word;
  std::string_view types;   ///< RE2 over artifact types
  std::string_view ending;  ///< of cosign's tags
};

constexpr std::array kKinds = {
    Kind{"signature",
         R"(application/vnd\.dev\.cosign\.artifact\.sig\..*|application/vnd\.cncf\.notary\.signature|)"
         R"(application/vnd\.dev\.sigstore\.bundle.*)",
         ".sig"},
    Kind{
        "sbom",
        R"((application|text)/(spdx|vnd\.cyclonedx|vnd\.syft)\b.*|application/vnd\.dev\.cosign\.artifact\.sbom\..*)",
        ".sbom"},
    Kind{"attestation",
         R"(application/vnd\.in-toto.*|application/vnd\.dev\.cosign\.artifact\.att\..*|)"
         R"(application/vnd\.dev\.sigstore\.bundle.*)",
         ".att"},
};

}  // namespace

Result<std::vector<std::string>> missing_referrers(std::span<const std::string> required,
                                                   std::span<const Descriptor> referrers,
                                                   std::span<const std::string> digest_tags) {
  std::vector<std::string> missing;
  for (const std::string& each : required) {
    const auto kind = std::ranges::find(kKinds, each, &Kind::word);
    const std::string text = kind == kKinds.end() ? each : std::string(kind->types);
    DAVIT_TRY(const model::Patterns types, model::Patterns::compile({&text, 1}));
    const bool refers = std::ranges::any_of(
        referrers, [&](const Descriptor& referrer) { return types.match(referrer.artifact_type); });
    const bool tagged = kind != kKinds.end() && std::ranges::any_of(digest_tags, [&](const std::string& tag) {
                          return tag.ends_with(kind->ending);
                        });
    if (!refers && !tagged) missing.push_back(each);
  }
  return missing;
}

}  // namespace davit::mirror
