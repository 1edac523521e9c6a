#include <memory>

#include "commands/commands.h"
#include "editing.h"

namespace davit::tool {
namespace {

constexpr const char* kDescription =
    R"(put an image on another base without building it again

The lowest layers of SRC have to be those of the old base, and are replaced by those of the new base, and so
is their history. The configuration stays the application's: nothing of the new base's environment or labels
is taken over. Bases for several platforms give each image of an index its own. Without --old-base and
--new-base, the annotations org.opencontainers.image.base.name and .digest of SRC say what the bases are; OCI
manifests get them. The creation time becomes SOURCE_DATE_EPOCH, or stays.)";

}  // namespace

void add_rebase(CLI::App& app, Action& action) {
  struct Flags {
    EditingFlags editing;
    std::string old_base;
    std::string new_base;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("rebase", kDescription);
  flags->editing.add_to(*command, "the image");
  command->get_option("SRC")->required();
  with_environment(command->add_option("--old-base,--old_base", flags->old_base, "what SRC is built on"))
      ->type_name("REF");
  with_environment(
      command->add_option("--new-base,--new_base", flags->new_base, "what it stands on from now on"))
      ->type_name("REF");
  command->callback([flags, &action] {
    action = [flags](const Signals& signals) {
      std::vector<std::string> bases;
      for (const std::string* each : {&flags->old_base, &flags->new_base}) {
        if (!each->empty()) bases.push_back(*each);
      }
      return edit_image(
          flags->editing, bases, signals, [&](const OpenedImage& image, const EditContext& context) {
            return context.client.rebase(
                image, {.old_base = flags->old_base, .new_base = flags->new_base, .edit = context.edit});
          });
    };
  });
}

}  // namespace davit::tool
