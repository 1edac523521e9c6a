#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <davit/call_context.h>

#include "aws/api.h"
#include "aws/ecr_answers.h"
#include "aws/ecr_host.h"
#include "aws/identity.h"

namespace davit::aws {

/// One account's registry in one region, and where its API is.
struct EcrSite {
  EcrHost host;
  std::string api_endpoint = {};  ///< URL; empty: what the identity's settings and AWS's own names say
};

/// What a repository is made with.
struct EcrRepositorySettings {
  std::string name;
  std::string mutability = {};               ///< empty: ECR's default
  std::vector<std::string> exclusions = {};  ///< tag patterns with `*`
  bool scan_on_push = false;
  std::string kms_key = {};                      ///< implies "KMS"; empty: the one that AWS keeps for ECR
  std::string encryption = {};                   ///< empty without kms_key: ECR's default, AES256
  std::map<std::string, std::string> tags = {};  ///< of the resource
  std::string lifecycle_policy = {};             ///< JSON; empty: none
};

/// Typed calls of the ECR API. Thread-safe; holds nothing but references. Errors: see api_error(); with the
/// operation, the host, and what IAM wants. `limits` are the registry's, which count calls of both kinds;
/// null: none. REQUIRES: all references outlive it.
class EcrApi {
 public:
  EcrApi(Api& api, Identity& identity, EcrSite site, registry::Limits* limits = nullptr)
      : api_(api), identity_(identity), site_(std::move(site)), limits_(limits) {}

  Result<EcrGrant> authorization_token(const CallContext& context);

  /// What one request can ask for.
  static constexpr std::size_t kBatch = 100;
  /// What it does ask for of manifests: they may be of 4 MiB, an answer of 8 MiB, and memory is short.
  static constexpr std::size_t kManifestBatch = 20;

  /// A request for every kBatch. Errors: not_found for the repository; never for blobs.
  Result<std::vector<EcrLayer>> check_layers(const std::string& repository, std::span<const Digest> digests,
                                             const CallContext& context);
  /// Manifests by tag or digest, a request for every kManifestBatch. What is missing is in `failures`.
  Result<EcrImages> get_images(const std::string& repository, std::span<const std::string> names,
                               const CallContext& context);
  /// A page of the images that have tags, the one behind `next`; all tags of each image are in it.
  Result<EcrImagePage> describe_images(const std::string& repository, const std::string& next,
                                       const CallContext& context);
  /// The same with the images that have none.
  Result<EcrImagePage> describe_all_images(const std::string& repository, const std::string& next,
                                           const CallContext& context);
  /// The image under a tag, with all its tags. Errors: not_found.
  Result<EcrImageDetail> describe_tag(const std::string& repository, const std::string& tag,
                                      const CallContext& context);
  /// A page of the account's repositories.
  Result<EcrRepositoryPage> describe_repositories(const std::string& next, const CallContext& context);
  /// Removes one image by its digest, with all its tags; or a tag, with which its image goes when it was the
  /// last one. Errors: not_found; conflict for an image that an index needs.
  Result<> delete_image(const std::string& repository, const std::string& tag_or_digest,
                        const CallContext& context);
  /// The tags pushed last, newest first, out of the first ten thousand images that ECR lists.
  Result<std::vector<std::string>> newest_tags(const std::string& repository, std::size_t count,
                                               const CallContext& context);

  /// In the public gallery only below an alias of the caller's own, and without settings. Errors:
  /// already_exists; denied and unsupported for those.
  Result<EcrRepository> create_repository(const EcrRepositorySettings& settings, const CallContext& context);
  Result<> put_lifecycle_policy(const std::string& repository, const std::string& policy,
                                const CallContext& context);
  /// Errors: not_found.
  Result<EcrRepository> describe_repository(const std::string& repository, const CallContext& context);
  Result<> put_tag_mutability(const std::string& repository, const std::string& mutability,
                              const std::vector<std::string>& exclusions, const CallContext& context);
  Result<> put_scan_on_push(const std::string& repository, bool scan, const CallContext& context);
  Result<> tag_resource(const std::string& arn, const std::map<std::string, std::string>& tags,
                        const CallContext& context);
  Result<std::map<std::string, std::string>> resource_tags(const std::string& arn,
                                                           const CallContext& context);

  [[nodiscard]] const EcrSite& site() const { return site_; }
  /// Where the API is. Errors: invalid_argument for settings that contradict each other.
  Result<Endpoint> endpoint() const;

 private:
  /// Which repository, as a request says it. A name in the public gallery begins with the owner's alias.
  [[nodiscard]] nlohmann::json about(const std::string& repository) const;
  Result<ApiAnswer> exchange(std::string_view operation, std::string body, const CallContext& context);
  [[nodiscard]] Error refused(std::string_view operation, const ApiAnswer& answer) const;
  /// Whose names a repository of the public gallery can be made under.
  Result<std::vector<std::string>> own_aliases(const CallContext& context);
  Result<EcrRepository> create_in_gallery(const EcrRepositorySettings& settings, const CallContext& context);
  Result<EcrRepository> create(const nlohmann::json& request, const std::string& repository,
                               const CallContext& context);
  Result<EcrImagePage> image_page(nlohmann::json request, const std::string& next,
                                  const CallContext& context);
  /// The body of the answer.
  Result<std::string> call(std::string_view operation, std::string body, const CallContext& context);

  Api& api_;
  Identity& identity_;
  const EcrSite site_;
  registry::Limits* limits_;
};

}  // namespace davit::aws
