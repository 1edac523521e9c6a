#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <davit/digest.h>
#include <davit/result.h>
#include <davit/secret.h>

namespace davit::aws {

/// What GetAuthorizationToken grants.
struct EcrGrant {
  Secret token;  ///< base64 of "AWS:PASSWORD", as it goes behind "Basic "
  std::chrono::system_clock::time_point expires;
  std::string proxy_endpoint = {};  ///< the registry's URL; empty for the public gallery
};

/// A blob, as BatchCheckLayerAvailability sees it.
struct EcrLayer {
  Digest digest;
  bool available = false;
  bool archived = false;
};

struct EcrImage {
  std::string digest;  ///< as asked for or found
  std::string tag;
  std::string manifest;  ///< the exact bytes
  std::string media_type;
};

/// Images, and why others are missing: the codes of ECR, by the digest or tag that was asked for.
struct EcrImages {
  std::vector<EcrImage> images;
  std::map<std::string, std::string> failures;
};

struct EcrRepository {
  std::string arn;
  std::string name;
  std::string uri;
  std::string account;
  std::string mutability;               ///< "MUTABLE", "IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION", ...
  std::vector<std::string> exclusions;  ///< tag patterns
  bool scan_on_push = false;
  std::string encryption;  ///< "AES256", "KMS", "KMS_DSSE"
  std::string kms_key;
  std::optional<std::chrono::system_clock::time_point> created = {};
};

struct EcrRepositoryPage {
  std::vector<EcrRepository> repositories;
  std::string next;  ///< empty at the end
};

/// What BatchDeleteImage could not do with one image.
struct EcrDeletion {
  std::string code;  ///< "ImageNotFound"; empty when it is done
  std::string reason = {};
};

/// The names under which a caller's repositories stand in the public gallery.
struct EcrAliasPage {
  std::vector<std::string> aliases;
  std::string next;  ///< empty at the end
};

struct EcrImageDetail {
  std::string digest;
  std::vector<std::string> tags;
  std::chrono::system_clock::time_point pushed;
  std::optional<std::uint64_t> size = {};
  std::string media_type = {};
  std::string artifact_type = {};  ///< that of the config where the manifest states none
  std::string subject = {};        ///< digest of the image that it refers to; empty: none
};

struct EcrImagePage {
  std::vector<EcrImageDetail> images;
  std::string next;  ///< empty at the end
};

// Reading answers of the ECR API. Unknown members are passed over. Errors: corrupt or protocol, without the
// text where it may hold a secret.

Result<EcrGrant> parse_grant(std::string_view body);
Result<std::vector<EcrLayer>> parse_layers(std::string_view body);
Result<EcrImages> parse_images(std::string_view body);
/// The answer of CreateRepository (`repository`) or DescribeRepositories (`repositories`).
Result<std::vector<EcrRepository>> parse_repositories(std::string_view body);
Result<std::map<std::string, std::string>> parse_resource_tags(std::string_view body);
Result<EcrImagePage> parse_image_page(std::string_view body);
Result<EcrRepositoryPage> parse_repository_page(std::string_view body);
/// The answer of BatchDeleteImage about a single image.
Result<EcrDeletion> parse_deletion(std::string_view body);
/// The answer of DescribeRegistries. Aliases that are not in force are left out.
Result<EcrAliasPage> parse_alias_page(std::string_view body);

/// When an ECR password ends, as it says itself: it is base64 of JSON with `expiration`. Empty when it does
/// not say.
std::optional<std::chrono::system_clock::time_point> password_end(std::string_view password);

}  // namespace davit::aws
