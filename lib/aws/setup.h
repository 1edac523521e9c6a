#pragma once

#include <string>
#include <string_view>

#include <davit/aws.h>
#include <davit/result.h>

#include "aws/endpoints.h"
#include "aws/profile_files.h"

namespace davit::aws {

/// The settings of one identity as they were when the files were read: options, environment, profile. Plain
/// data.
struct Setup {
  AwsIdentity who;
  AwsEnvironment environment;
  ProfileFiles files;

  /// Reads the two files. One that is missing is empty. Errors: local_io, corrupt; naming the file.
  static Result<Setup> read(AwsIdentity who, AwsEnvironment environment);

  /// Empty when unset.
  [[nodiscard]] std::string variable(std::string_view name) const;
  /// The variable, else the key of the chosen profile. Either name may be empty.
  [[nodiscard]] std::string setting(std::string_view variable_name, std::string_view key) const;
  /// Whether setting() is "true" in any case.
  [[nodiscard]] bool is_on(std::string_view variable_name, std::string_view key) const;

  /// The name of the chosen profile: the option, AWS_PROFILE, AWS_DEFAULT_PROFILE, "default".
  [[nodiscard]] std::string profile() const;
  /// Whether somebody chose it, so that it has to exist.
  [[nodiscard]] bool profile_is_chosen() const;
  /// A path below the home directory; empty when there is none.
  [[nodiscard]] std::string at_home(std::string_view path) const;
  /// "~/x" below the home directory, everything else as it is.
  [[nodiscard]] std::string expanded(const std::string& path) const;

  /// Option, AWS_REGION, AWS_DEFAULT_REGION, profile; empty when none says one.
  [[nodiscard]] std::string region() const;

  /// As Identity::endpoint().
  [[nodiscard]] Result<Endpoint> endpoint(Service service, const std::string& region,
                                          const EndpointForm& form) const;

 private:
  [[nodiscard]] std::string configured_url(Service service) const;
  [[nodiscard]] std::string profile_key(std::string_view key) const;
};

}  // namespace davit::aws
