#include <memory>

#include "commands/commands.h"
#include "moving.h"
#include "transfer_flags.h"

namespace davit::tool {
namespace {

constexpr const char* kDescription =
    R"(push a tarball, a layout or standard input into registries

SRC is a path (docker save tarball, OCI archive or layout directory, gzip or zstd around it is seen
through), - for standard input, docker-archive:FILE[:NAME:TAG], docker-archive:FILE:@N,
oci-archive:FILE[:NAME], oci:DIR[:NAME] or a registry reference. DST is registry/repository[:TAG,...];
{repo} and {tag} are filled from each image of the source. Several DST are served from one reading.

  davit push app.tar registry.example.com/app:1.4
  docker save app:1.4 | davit push - ecr:app:1.4 --create-repo
  davit push images.tar 'registry.example.com/mirror/{repo}:{tag}')";

}  // namespace

void add_push(CLI::App& app, Action& action) {
  struct Flags {
    std::string source;
    std::vector<std::string> destinations;
    TransferFlags transfer;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("push", kDescription);
  command->add_option("SRC", flags->source, "what to push")->required();
  command->add_option("DST", flags->destinations, "where to")->required();
  flags->transfer.add_to(*command, Verb::push);
  command->callback([flags, &action] {
    action = [flags](const Signals& signals) {
      return move_images(Verb::push, flags->source, flags->destinations, flags->transfer, signals);
    };
  });
}

}  // namespace davit::tool
