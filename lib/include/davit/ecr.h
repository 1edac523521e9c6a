#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <davit/error.h>
#include <davit/secret.h>

namespace davit {

/// Whom AWS takes us for, and why.
struct AwsCaller {
  std::string account;
  std::string arn;
  std::string user_id;
  std::string key_id;  ///< no secret
  std::string source;  ///< where the keys came from: "environment", "profile ci (assumed role push)"
  std::string region;  ///< of the settings; empty when they name none
  std::optional<std::chrono::system_clock::time_point> expires = {};
};

/// What a registry would be shown.
struct RegistryLogin {
  std::string server;
  std::string username;
  Secret password;
  std::string source;  ///< "AWS", or "stored credentials"
};

/// A repository of an ECR registry, as its settings are now.
struct RepositoryInfo {
  std::string name;  ///< "host/repository"
  std::string arn;
  std::string tag_mutability;             ///< "MUTABLE", "IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION", ...
  std::vector<std::string> mutable_tags;  ///< the patterns that are left out
  bool scan = false;
  std::string encryption;  ///< "AES256", "KMS", "KMS_DSSE"
  std::string kms_key;
  std::map<std::string, std::string> resource_tags;
};

/// What the settings of a repository ought to be. What is not said stays as it is.
struct RepositoryWishes {
  std::optional<bool> immutable = {};
  std::vector<std::string> mutable_tags =
      {};  ///< with `immutable`: patterns with `*` of tags that can be moved
  std::optional<bool> scan = {};
  std::string kms_key = {};  ///< as in NewRepository; the encryption can only be compared
  std::map<std::string, std::string> resource_tags = {};  ///< further ones of the repository stay
};

/// Whether to change something or only to say what would be changed.
enum class Adjust { report, apply };

/// One thing that was looked at before anything is pushed or pulled.
struct Finding {
  enum class State { good, warning, bad, skipped };
  State state = State::good;
  std::string what;            ///< "dns", "tls", "clock", "credentials", ...
  std::string text;            ///< what was found
  std::string cure = {};       ///< what would help; may be empty
  Errc code = Errc::internal;  ///< of a bad one
};

}  // namespace davit
