#pragma once

#include <map>
#include <string>

namespace davit {

/// Which AWS identity to be. Empty fields are decided by the environment and the files that AWS tools read.
struct AwsIdentity {
  std::string profile = {};       ///< as `--profile`: keys in the environment are then passed over
  std::string role_arn = {};      ///< a role to assume with what the chain found
  std::string region = {};        ///< for STS and for `ecr:` references; a registry host says its own
  std::string profile_from = {};  ///< for messages: who named the profile, as "--src-profile"
};

/// Where this machine keeps its AWS settings. Nothing is read from the environment here.
struct AwsEnvironment {
  /// The AWS_* variables, HOME, PATH and, on GitHub's runners, ACTIONS_ID_TOKEN_REQUEST_URL and _TOKEN. An
  /// empty value is an unset variable.
  std::map<std::string, std::string> variables = {};
};

/// Makes a host an ECR registry that does not look like one: an emulator, or a name of your own in front of
/// it.
struct EcrRegistry {
  std::string account;            ///< 12 digits
  std::string region;             ///< "eu-west-1"
  std::string api_endpoint = {};  ///< URL of the ECR API; empty: AWS's own for the region
};

}  // namespace davit
