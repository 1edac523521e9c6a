#pragma once

#include <string>
#include <string_view>

namespace davit::emulator {

/// The account and region that an emulator stands for, and where it is reached.
struct Place {
  std::string account = "123456789012";
  std::string region = "us-east-1";
  std::string registry = {};      ///< "127.0.0.1:5000"
  std::string registry_url = {};  ///< "http://127.0.0.1:5000"
  std::string api_url = {};
};

/// "aws", "aws-cn", "aws-us-gov", ...
std::string partition_name(std::string_view region);
/// "arn:aws:ecr:us-east-1:123456789012:repository/app"
std::string repository_arn(const Place& place, std::string_view repository);

}  // namespace davit::emulator
