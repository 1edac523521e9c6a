#include <memory>

#include "commands/commands.h"
#include "editing.h"
#include "exit_code.h"

namespace davit::tool {
namespace {

constexpr const char* kDescription =
    R"(put layers on top of an image

A LAYER is a tar (gzip and zstd ones stay as they are, plain ones are compressed, - is standard input) or a
folder, whose files become one: in the order of their names, owned by 0:0, changed at SOURCE_DATE_EPOCH, or
when the file system says. The images of an index all get the layers. The image's creation time becomes
SOURCE_DATE_EPOCH, or stays; the history of the new layers says the same. The same input gives the same
digest.)";

Result<OpenedImage> append_files(const OpenedImage& image, const std::vector<std::string>& files,
                                 bool keep_owners, const EditContext& context) {
  std::vector<Layer> layers;
  for (const std::string& file : files) {
    auto layer = context.client.layer(file, {.compression = context.copy.compression,
                                             .compression_level = context.copy.compression_level,
                                             .time = context.edit.time,
                                             .keep_owners = keep_owners,
                                             .stop = context.edit.stop,
                                             .timeout = context.edit.timeout});
    if (!layer) return layer.error();
    layers.push_back(*std::move(layer));
  }
  return append_layers(image, layers, context.edit);
}

}  // namespace

void add_append(CLI::App& app, Action& action) {
  struct Flags {
    EditingFlags editing;
    std::string base;  ///< crane's word for SRC
    std::vector<std::string> layers;
    bool keep_owners = false;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("append", kDescription);
  flags->editing.add_to(*command, "the image");
  command->add_option("-b,--base", flags->base)->group("");
  command
      ->add_option("-f,--layer,--new_layer", flags->layers,
                   "a tar or a folder; several are put on in this order")
      ->type_name("LAYER")
      ->allow_extra_args(false)
      ->required();
  with_environment(command->add_flag("--keep-owners", flags->keep_owners,
                                     "files of a folder belong to whom they belong here, by number"));
  command->callback([flags, &action] {
    action = [flags](const Signals& signals) {
      EditingFlags& editing = flags->editing;
      if (!flags->base.empty()) {
        if (!editing.source.empty() && !editing.destination.empty())
          return fail(Error{.code = Errc::invalid_argument,
                            .message = "--base and SRC are the same, and both were given",
                            .hint = "davit append SRC DST -f LAYER"});
        if (!editing.source.empty()) editing.destination = editing.source;
        editing.source = flags->base;
      }
      if (editing.source.empty())
        return fail(Error{.code = Errc::invalid_argument,
                          .message = "no image to put layers on",
                          .hint = "davit append SRC DST -f LAYER"});
      return edit_image(editing, {}, signals, [&](const OpenedImage& image, const EditContext& context) {
        return append_files(image, flags->layers, flags->keep_owners, context);
      });
    };
  });
}

}  // namespace davit::tool
