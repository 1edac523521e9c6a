#include "changing.h"

#include <algorithm>

namespace davit::tool {

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

}  // namespace davit::tool
