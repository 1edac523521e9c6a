#include "changing.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string_view>

namespace davit::tool {
namespace {

Error usage(std::string message, std::string hint) {
  return Error{.code = Errc::invalid_argument, .message = std::move(message), .hint = std::move(hint)};
}

}  // namespace

void ChangingFlags::add_to(CLI::App& command, const std::string& json_help) {
  with_environment(command.add_flag("--json", json, json_help));
  connection.add_to(command);
  connection.destination_credentials.add_to(command, "dest-", "");
  connection.aws.add_to(command, "", "");
  connection.destination_aws.add_to(command, "dest-", "");
  for (const char* name : {"--dest-creds", "--dest-authfile", "--dest-registry-token", "--dest-profile",
                           "--dest-role-arn", "--dest-region"})
    command.get_option(name)->group("");  // one side is all there is
  output.add_to(command);
}

Result<ClientOptions> ChangingFlags::client_options(const std::vector<std::string>& references) const {
  Arguments arguments;
  std::ranges::transform(references, std::back_inserter(arguments.destinations), as_image);
  return connection.client_options(output.verbose, arguments, CredentialScope::destinations);
}

Result<std::map<std::string, std::string>> parse_annotations(const std::vector<std::string>& texts) {
  std::map<std::string, std::string> out;
  for (const std::string& text : texts) {
    const auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
      return usage("--annotation " + text + ": not NAME=VALUE",
                   "for instance --annotation org.example.team=blue");
    out[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return out;
}

Result<std::optional<std::chrono::sys_seconds>> source_date_epoch() {
  const char* set = std::getenv("SOURCE_DATE_EPOCH");
  if (set == nullptr || *set == '\0') return std::optional<std::chrono::sys_seconds>();
  const std::string_view text = set;
  std::int64_t seconds = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  constexpr std::int64_t kYear10000 = 253'402'300'800;
  if (problem != std::errc() || end != text.data() + text.size() || seconds < 0 || seconds >= kYear10000)
    return usage("SOURCE_DATE_EPOCH is not a number of seconds since 1970",
                 "for instance $(git log -1 --format=%ct)");
  return std::optional(std::chrono::sys_seconds(std::chrono::seconds(seconds)));
}

}  // namespace davit::tool
