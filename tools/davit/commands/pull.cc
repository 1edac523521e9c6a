#include <memory>

#include "commands/commands.h"
#include "moving.h"
#include "transfer_flags.h"

namespace davit::tool {
namespace {

constexpr const char* kDescription =
    R"(pull an image from a registry into a file

OUT is NAME.tar for a docker-archive (docker load reads it; one platform, --platform or that of this
machine), NAME.oci.tar for an oci-archive, DIR/ for an OCI layout, which is added to, or - for a
docker-archive on standard output; oci:DIR[:NAME], oci-archive:FILE[:NAME] and
docker-archive:FILE[:NAME:TAG] say it in full. Without OUT the last part of the repository's name
becomes NAME.tar. A pull that was interrupted goes on where it was.

  davit pull registry.example.com/app:1.4
  davit pull registry.example.com/app:1.4 - -p linux/arm64 | docker load
  davit pull registry.example.com/app:1.4 ./layout/)";

}  // namespace

void add_pull(CLI::App& app, Action& action) {
  struct Flags {
    std::string source;
    std::string output;
    TransferFlags transfer;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("pull", kDescription);
  command->add_option("REF", flags->source, "which image")->required();
  command->add_option("OUT", flags->output, "where to (NAME.tar of the repository)")
      ->check(
          [](const std::string& text) { return text.empty() ? std::string("OUT is empty") : std::string(); });
  flags->transfer.add_to(*command, Verb::pull);
  command->callback([flags, &action] {
    action = [flags](const Signals& signals) {
      return move_images(Verb::pull, flags->source, {flags->output}, flags->transfer, signals);
    };
  });
}

}  // namespace davit::tool
