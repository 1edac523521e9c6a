#include "aws/ecr_native.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/try.h"

namespace davit::aws {
namespace {

/// Whether an ECR tag pattern, where `*` stands for anything, fits the whole tag.
bool fits(std::string_view pattern, std::string_view tag) {
  auto star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == tag;
  if (!tag.starts_with(pattern.substr(0, star))) return false;
  tag.remove_prefix(star);
  pattern.remove_prefix(star + 1);
  // What stands between two stars may be taken at its first place; what stands behind the last one is the
  // end.
  for (; (star = pattern.find('*')) != std::string_view::npos; pattern.remove_prefix(star + 1)) {
    const auto found = tag.find(pattern.substr(0, star));
    if (found == std::string_view::npos) return false;
    tag.remove_prefix(found + star);
  }
  return tag.ends_with(pattern);
}

bool is_fixed(const EcrRepository& repository, std::string_view tag) {
  if (!repository.mutability.ends_with("_WITH_EXCLUSION")) return repository.mutability == "IMMUTABLE";
  const bool excluded = std::ranges::any_of(repository.exclusions,
                                            [&](const std::string& pattern) { return fits(pattern, tag); });
  return repository.mutability.starts_with("IMMUTABLE") != excluded;
}

class EcrNative final : public registry::Native {
 public:
  EcrNative(Api& api, Identity& identity, EcrSite site) : api_(api, identity, std::move(site)) {}

  [[nodiscard]] std::size_t batch() const override { return EcrApi::kBatch; }
  [[nodiscard]] std::size_t manifest_batch() const override { return EcrApi::kManifestBatch; }

  Result<std::vector<bool>> has_blobs(const std::string& repository, std::span<const Digest> digests,
                                      const CallContext& context) override {
    std::vector<Digest> unique(digests.begin(),
                               digests.end());  // ECR refuses a digest that stands there twice
    std::ranges::sort(unique);
    unique.erase(std::unique(unique.begin(), unique.end()), unique.end());
    DAVIT_TRY(const std::vector<EcrLayer> layers, api_.check_layers(repository, unique, context));
    std::set<Digest> there;
    for (const EcrLayer& layer : layers) {
      if (layer.available) there.insert(layer.digest);
    }
    std::vector<bool> out;
    for (const Digest& digest : digests) out.push_back(there.contains(digest));
    return out;
  }

  Result<std::vector<std::optional<Manifest>>> manifests(const std::string& repository,
                                                         std::span<const std::string> names,
                                                         const CallContext& context) override {
    if (api_.site().host.is_public)
      return make_error(Errc::unsupported, "BatchGetImage: the public gallery does not have it");
    DAVIT_TRY(EcrImages found, api_.get_images(repository, names, context));
    std::vector<std::optional<Manifest>> out(names.size());
    for (EcrImage& image : found.images) {
      const auto stated = Digest::parse(image.digest);
      if (!stated) continue;
      auto parsed = Manifest::parse(std::move(image.manifest), image.media_type, stated->algorithm());
      // The bytes decide: an answer that does not fit its own digest is no answer.
      if (!parsed || parsed->descriptor().digest != *stated) continue;
      for (std::size_t i = 0; i < names.size(); ++i) {
        if (!out[i] && (image.tag == names[i] || image.digest == names[i])) out[i] = *parsed;
      }
    }
    return out;
  }

  Result<std::vector<std::string>> newest_tags(const std::string& repository, std::size_t count,
                                               const CallContext& context) override {
    if (api_.site().host.is_public)
      return make_error(Errc::unsupported, "DescribeImages: not asked of the public gallery");
    return api_.newest_tags(repository, count, context);
  }

  Result<std::vector<std::string>> fixed_tags(const std::string& repository,
                                              std::span<const std::string> tags,
                                              const CallContext& context) override {
    if (api_.site().host.is_public) return std::vector<std::string>();  // tags can always be moved there
    DAVIT_TRY(const EcrRepository found, api_.describe_repository(repository, context));
    std::vector<std::string> out;
    for (const std::string& tag : tags) {
      if (is_fixed(found, tag)) out.push_back(tag);
    }
    return out;
  }

  Result<bool> create(const std::string& repository, const NewRepository& how,
                      const CallContext& context) override {
    const auto created = api_.create_repository(settings_for(repository, how), context);
    if (created) return true;
    if (created.error().code == Errc::already_exists) return false;
    return created.error();
  }

 private:
  EcrApi api_;
};

}  // namespace

EcrRepositorySettings settings_for(const std::string& repository, const NewRepository& how) {
  return {.name = repository,
          .mutability =
              how.immutable ? (how.mutable_tags.empty() ? "IMMUTABLE" : "IMMUTABLE_WITH_EXCLUSION") : "",
          .exclusions = how.immutable ? how.mutable_tags : std::vector<std::string>(),
          .scan_on_push = how.scan,
          .kms_key = how.kms_key == "default" ? "" : how.kms_key,
          .encryption = how.kms_key.empty() ? "" : "KMS",
          .tags = how.resource_tags};
}

std::unique_ptr<registry::Native> make_ecr_native(Api& api, Identity& identity, EcrSite site) {
  return std::make_unique<EcrNative>(api, identity, std::move(site));
}

}  // namespace davit::aws
