#include "aws/ecr_native.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/try.h"
#include "model/media_type.h"

namespace davit::aws {
namespace {

constexpr int kMostListPages = 10'000;

/// A row for each tag.
std::vector<ListedTag> rows_of(const EcrImagePage& page) {
  std::vector<ListedTag> rows;
  for (const EcrImageDetail& image : page.images) {
    const auto digest = Digest::parse(image.digest);
    for (const std::string& tag : image.tags) {
      ListedTag row{.name = tag, .digest = {}, .media_type = image.media_type, .size = image.size};
      if (digest) row.digest = *digest;
      if (!model::is_image_config(image.artifact_type)) row.artifact_type = image.artifact_type;
      if (image.pushed != std::chrono::system_clock::time_point()) row.pushed = image.pushed;
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

std::vector<registry::ListedImage> images_of(EcrImagePage& page) {
  std::vector<registry::ListedImage> rows;
  for (EcrImageDetail& image : page.images) {
    const auto digest = Digest::parse(image.digest);
    if (!digest) continue;
    registry::ListedImage& row = rows.emplace_back(registry::ListedImage{.digest = *digest});
    row.tags = std::move(image.tags);
    if (const auto subject = Digest::parse(image.subject)) row.subject = *subject;
    if (!model::is_image_config(image.artifact_type)) row.artifact_type = std::move(image.artifact_type);
    row.media_type = std::move(image.media_type);
    if (image.pushed != std::chrono::system_clock::time_point()) row.pushed = image.pushed;
  }
  return rows;
}

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

/// In the public gallery the API says the name alone, and references have the alias in front.
std::string name_in_references(const EcrRepository& repository) {
  const auto slash = repository.uri.find('/');
  if (slash == std::string::npos || !repository.uri.ends_with("/" + repository.name)) return repository.name;
  return repository.uri.substr(slash + 1);
}

/// Reads a list of the API page by page; no more than one is in memory.
template <class Read, class Take>
Result<> read_pages(const char* operation, const Read& read, const Take& take) {
  std::string next;
  for (int count = 0; count < kMostListPages; ++count) {
    DAVIT_TRY(auto page, read(next));
    DAVIT_TRY_VOID(take(page));
    next = std::move(page.next);
    if (next.empty()) return {};
  }
  return make_error(Errc::protocol, std::string(operation) + ": pages without end");
}

class EcrNative final : public registry::Native {
 public:
  EcrNative(Api& api, Identity& identity, EcrSite site, registry::Limits* limits)
      : api_(api, identity, std::move(site), limits) {}

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

  Result<> describe_tags(const std::string& repository, const TagPage& each_page,
                         const CallContext& context) override {
    return read_pages(
        "DescribeImages",
        [&](const std::string& next) { return api_.describe_images(repository, next, context); },
        [&](EcrImagePage& page) { return each_page(rows_of(page)); });
  }

  Result<> describe_images(const std::string& repository, const registry::ImagePage& each_page,
                           const CallContext& context) override {
    return read_pages(
        "DescribeImages",
        [&](const std::string& next) { return api_.describe_all_images(repository, next, context); },
        [&](EcrImagePage& page) { return each_page(images_of(page)); });
  }

  Result<> repositories(const RepositoryPage& each_page, const CallContext& context) override {
    return read_pages(
        "DescribeRepositories",
        [&](const std::string& next) { return api_.describe_repositories(next, context); },
        [&](const EcrRepositoryPage& page) {
          std::vector<ListedRepository> rows;
          for (const EcrRepository& each : page.repositories)
            rows.push_back({.name = name_in_references(each), .created = each.created});
          return each_page(rows);
        });
  }

  Result<> check_tag_removal(const std::string& repository, const std::string& tag,
                             std::span<const std::string> gone, const CallContext& context) override {
    DAVIT_TRY(const EcrImageDetail image, api_.describe_tag(repository, tag, context));
    const bool others = std::ranges::any_of(image.tags, [&](const std::string& each) {
      return each != tag && std::ranges::find(gone, each) == gone.end();
    });
    if (others) return {};
    return make_error(Errc::unsupported,
                      "it is the last tag of its image, which ECR would delete with it; nothing is changed",
                      "deleting " + image.digest + " deletes the image and the tag");
  }

  Result<> remove_tag(const std::string& repository, const std::string& tag,
                      const CallContext& context) override {
    DAVIT_TRY_VOID(check_tag_removal(repository, tag, {}, context));
    return api_.delete_image(repository, tag, context);
  }

  Result<> remove_image(const std::string& repository, const Digest& digest,
                        const CallContext& context) override {
    return api_.delete_image(repository, digest.to_string(), context);
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
          .tags = how.resource_tags,
          .lifecycle_policy = how.lifecycle_policy};
}

std::unique_ptr<registry::Native> make_ecr_native(Api& api, Identity& identity, EcrSite site,
                                                  registry::Limits* limits) {
  return std::make_unique<EcrNative>(api, identity, std::move(site), limits);
}

}  // namespace davit::aws
