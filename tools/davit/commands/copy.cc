#include <memory>

#include "commands/commands.h"
#include "moving.h"
#include "transfer_flags.h"

namespace davit::tool {
namespace {

constexpr const char* kDescription =
    R"(copy images from anywhere to anywhere

SRC and DST are registry references, files or folders: NAME.tar (docker-archive), NAME.oci.tar
(oci-archive), ./DIR or DIR/ (OCI layout), - (standard input and output), docker-archive:FILE[:NAME:TAG],
oci-archive:FILE[:NAME], oci:DIR[:NAME], docker://REFERENCE. All platforms of an index are copied unless
--platform chooses. A destination without a tag gets the source's. Several DST are served from one
reading. Within one registry blobs are mounted, not moved.

  davit copy docker.io/library/redis:7 registry.example.com/redis:7
  davit copy -a docker.io/library/redis ecr:mirror/redis --semver '>=7'
  davit copy app.tar eu.example.com/app:1.4 us.example.com/app:1.4,latest)";

}  // namespace

void add_copy(CLI::App& app, Action& action) {
  struct Flags {
    std::string source;
    std::vector<std::string> destinations;
    TransferFlags transfer;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("copy", kDescription);
  command->alias("cp");
  command->add_option("SRC", flags->source, "what to copy")->required();
  command->add_option("DST", flags->destinations, "where to")->required();
  flags->transfer.add_to(*command, Verb::copy);
  command->callback([flags, &action] {
    action = [flags](const Signals& signals) {
      return move_images(Verb::copy, flags->source, flags->destinations, flags->transfer, signals);
    };
  });
}

}  // namespace davit::tool
