#include <algorithm>
#include <memory>
#include <optional>

#include "commands/commands.h"
#include "editing.h"
#include "exit_code.h"
#include "reversed.h"

namespace davit::tool {
namespace {

constexpr const char* kDescription =
    R"(put layers on top of an image

A LAYER is a tar (gzip and zstd ones stay as they are, plain ones are compressed, - is standard input) or a
folder, whose files become one: in the order of their names, owned by 0:0, changed at SOURCE_DATE_EPOCH, or
when the file system says. The images of an index all get the layers; without SRC they become an image of
their own, for --platform or this machine's, under the name of --tag. The image's creation time becomes
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

/// A layer where the image should stand, or the other way round; no layer at all.
std::optional<int> wrong_order(const EditingFlags& flags, const std::vector<std::string>& layers) {
  const auto image = std::ranges::find_if(layers, is_surely_image);
  if (image != layers.end() && is_surely_file(flags.source))
    return complain_about_order("append", {*image, "--layer", flags.source});
  if (!layers.empty()) return std::nullopt;
  if (is_surely_file(flags.source) && is_surely_image(flags.destination))
    return complain_about_order("append", {flags.destination, "--layer", flags.source});
  return fail(Error{.code = Errc::invalid_argument,
                    .message = "no layer to put on the image",
                    .hint = "davit append SRC DST --layer LAYER"});
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
  flags->editing.add_to(*command, "the image; without it, an empty one");
  command->add_option("-b,--base", flags->base)->group("");
  with_environment(command->add_option("-f,--layer,--new_layer", flags->layers,
                                       "a tar or a folder; several are put on in this order; at least one"))
      ->type_name("LAYER")
      ->allow_extra_args(false);
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
      if (editing.source.empty() && editing.to.empty())
        return fail(Error{.code = Errc::invalid_argument,
                          .message = "no image to put layers on, and none to make of them",
                          .hint = "davit append SRC DST -f LAYER, or davit append -t DST -f LAYER"});
      if (const auto wrong = wrong_order(editing, flags->layers)) return *wrong;
      return edit_image(editing, {}, signals, [&](const OpenedImage& image, const EditContext& context) {
        return append_files(image, flags->layers, flags->keep_owners, context);
      });
    };
  });
}

}  // namespace davit::tool
