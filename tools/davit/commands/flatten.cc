#include <memory>

#include "commands/commands.h"
#include "editing.h"

namespace davit::tool {
namespace {

constexpr const char* kDescription =
    R"(make one layer of all layers of an image

What upper layers replace or delete is gone, and so is the history but for one entry. The configuration
stays. The images of an index are all flattened. The new layer is kept in --tmpdir, compressed and without a
name, until it has been sent. The creation time becomes SOURCE_DATE_EPOCH, or stays.)";

}  // namespace

void add_flatten(CLI::App& app, Action& action) {
  auto flags = std::make_shared<EditingFlags>();
  CLI::App* command = app.add_subcommand("flatten", kDescription);
  flags->add_to(*command, "the image");
  command->get_option("SRC")->required();
  command->callback([flags, &action] {
    action = [flags](const Signals& signals) {
      return edit_image(*flags, {}, signals, [](const OpenedImage& image, const EditContext& context) {
        return context.client.flatten(image, {.edit = context.edit,
                                              .compression = context.copy.compression,
                                              .compression_level = context.copy.compression_level});
      });
    };
  });
}

}  // namespace davit::tool
