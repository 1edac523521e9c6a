#include <davit/inspect.h>

#include <memory>

#include "commands/commands.h"
#include "commands/print_config.h"
#include "exit_code.h"
#include "inspection_text.h"
#include "reading.h"
#include "ui/terminal_text.h"

namespace davit::tool {
namespace {

constexpr const char* kDescription =
    R"(say what an image is: platforms, size, layers, history, labels

REF is a reference, an archive or a layout. An index is shown with its platforms, and with the image for
this machine's; --platform looks at another one. At most its manifest, the image's manifest and the
configuration are read. --json has the names that skopeo inspect gives to what it tells; RepoTags is
left out, as davit ls lists tags.)";

/// skopeo's --config, which has no value; davit's own one has.
constexpr const char* kBytes = "bytes";

struct Flags {
  std::string source;
  bool json = false;
  bool raw = false;
  std::string config;  ///< kBytes, or davit's configuration file
  bool sizes = false;
  bool no_tags = false;
  ReadingFlags reading;
};

int look(const Flags& flags, const OpenedImage& image, const CallContext& context) {
  if (flags.raw && flags.config != kBytes) {
    const auto manifest = image.source->manifest(image.root.digest.to_string(), context);
    if (!manifest) return fail(manifest.error());
    return print(manifest->bytes()) ? kOk : kLocal;
  }
  const auto found = inspect(image.source, image.root, {.sizes = flags.sizes}, context);
  if (!found) return fail(found.error());
  if (flags.config == kBytes) return print_config(image, *found);
  if (image.made && flags.json && !flags.reading.output.quiet) say("note: " + image.name + ": " + kAsStored);
  if (!found->image && flags.json && !flags.reading.output.quiet)
    say("note: " + image.name + ": no image in it is for " + Platform::host().to_string());
  return print(flags.json ? inspection_json(image, *found, flags.no_tags) : inspection_text(image, *found))
             ? kOk
             : kLocal;
}

}  // namespace

void add_inspect(CLI::App& app, Action& action) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("inspect", kDescription);
  command->add_option("REF", flags->source, "what to look at")->required();
  with_environment(command->add_flag("--json", flags->json, "one JSON object, with skopeo's names"));
  with_environment(command->add_flag("--raw", flags->raw, "the manifest or index, byte for byte"));
  with_environment(
      command->add_flag("--sizes", flags->sizes, "the size of every image of an index, a request for each"));
  command->add_flag("-n,--no-tags", flags->no_tags)->group("");
  flags->reading.add_to(*command);
  command->remove_option(command->get_option("--config"));
  command->add_flag(std::string("--config{") + kBytes + "}", flags->config,
                    "the image's configuration, byte for byte; --config=YAML is davit's own");
  command->callback([flags, &action] {
    if (flags->config != kBytes) flags->reading.connection.trust.config = flags->config;
    action = [flags](const Signals& signals) {
      return look_at(flags->source, flags->reading, signals,
                     [flags](Client&, const OpenedImage& image, const CallContext& context) {
                       return look(*flags, image, context);
                     });
    };
  });
}

}  // namespace davit::tool
