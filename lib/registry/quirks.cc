#include "registry/quirks.h"

#include <algorithm>
#include <array>

namespace davit::registry {
namespace {

// Rows come with their evidence in docs/registry-quirks.md. What can be tolerated from every registry needs
// no row.

constexpr std::array kEcrExplanations{
    Explanation{"UNSUPPORTED", "Limit on number of layers",
                "ECR takes images of at most 500 layers: flatten the image or build it with fewer steps"},
    Explanation{"UNSUPPORTED", "Invalid JSON syntax",
                "ECR also says this about fields and media types that it does not know, such as "
                "platform.features or parameters behind a media type"},
    Explanation{"UNSUPPORTED", "'ImageManifest'", "ECR does not take a manifest like this one"},
    Explanation{"TAG_INVALID", "immutable",
                "tags of this repository cannot be moved: push under another tag, or change the repository's "
                "settings"},
    Explanation{"NAME_UNKNOWN", "", "--create-repo creates the repository", {}, true},
    Explanation{"DENIED", "maximum allowed number",
                "the repository is full: delete images, set a lifecycle policy, or ask AWS for a higher "
                "quota",
                Errc::unsupported},
    Explanation{"DENIED", "referenced by manifest list", "delete the index that lists the image first",
                Errc::conflict},
    Explanation{"DENIED", "token has expired",
                "the login in use has expired: log in again, or let davit use the AWS credentials",
                Errc::unauthenticated},
    Explanation{"BLOB_UPLOAD_INVALID", "does not have any parts",
                "ECR cannot store a blob of no bytes; the two bytes {} are the usual stand-in"},
    Explanation{"TOOMANYREQUESTS", "",
                "the account's rate for this action is used up, perhaps by others in the account"},
};
constexpr std::string_view kCutUpload =
    "ECR cuts the connection when the repository is missing or may not be pushed to: --create-repo creates "
    "it";

/// A little less than the quota, so that with a pace's burst no second has more than it in the long run.
constexpr double kPartOfQuota = 0.95;

constexpr Rates kEcrRates = [] {
  Rates rates;
  rates[Action::check_blob] = 1000 * kPartOfQuota;
  rates[Action::read_blob] = 3000 * kPartOfQuota;
  rates[Action::read_manifest] = 2000 * kPartOfQuota;
  rates[Action::begin_upload] = 100 * kPartOfQuota;
  rates[Action::send_part] = 500 * kPartOfQuota;
  rates[Action::finish_upload] = 100 * kPartOfQuota;
  rates[Action::put_manifest] = 10 * kPartOfQuota;
  return rates;
}();
/// A pull is counted by its manifest.
constexpr Rates kEcrPublicRates = [] {
  Rates rates;
  rates[Action::check_blob] = 200 * kPartOfQuota;
  rates[Action::read_manifest] = 10 * kPartOfQuota;
  rates[Action::begin_upload] = 10 * kPartOfQuota;
  rates[Action::send_part] = 260 * kPartOfQuota;
  rates[Action::finish_upload] = 10 * kPartOfQuota;
  rates[Action::put_manifest] = 10 * kPartOfQuota;
  return rates;
}();

constexpr Quirks kDistribution{};
constexpr Quirks kEcr{.name = "ECR",
                      .least_chunk_bytes = 5u << 20,
                      .cancels_uploads = false,
                      .takes_empty_blobs = false,
                      .head_manifests_final = true,
                      .most_layers = 500,
                      .most_manifest_bytes = 4u << 20,
                      .rates = kEcrRates,
                      .explanations = kEcrExplanations,
                      .cut_upload_hint = kCutUpload};
constexpr Quirks kEcrPublic{.name = "ECR Public",
                            .least_chunk_bytes = 5u << 20,
                            .cancels_uploads = false,
                            .takes_empty_blobs = false,
                            .head_manifests_final = true,
                            .head_blobs = false,
                            .most_layers = 500,
                            .most_manifest_bytes = 4u << 20,
                            .rates = kEcrPublicRates,
                            .explanations = kEcrExplanations,
                            .cut_upload_hint = kCutUpload};

}  // namespace

const Explanation* Quirks::explain(std::string_view code, std::string_view text) const {
  const auto found = std::ranges::find_if(explanations, [&](const Explanation& each) {
    return (each.code.empty() || each.code == code) && text.find(each.text) != std::string_view::npos;
  });
  return found == explanations.end() ? nullptr : &*found;
}

const Quirks& quirks_of(Kind kind) {
  switch (kind) {
    case Kind::ecr:
      return kEcr;
    case Kind::ecr_public:
      return kEcrPublic;
    case Kind::distribution:
      break;
  }
  return kDistribution;
}

}  // namespace davit::registry
