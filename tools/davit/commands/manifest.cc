#include <memory>

#include "commands/commands.h"
#include "exit_code.h"
#include "inspection_text.h"
#include "reading.h"
#include "ui/terminal_text.h"

namespace davit::tool {
namespace {

constexpr const char* kDescription =
    R"(print the manifest or index of an image, byte for byte

REF is a reference, an archive or a layout. For an archive that holds the image without a manifest, the
one that describes it as it is stored is printed; a push writes another, of compressed layers.)";

}  // namespace

void add_manifest(CLI::App& app, Action& action) {
  struct Flags {
    std::string source;
    ReadingFlags reading;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("manifest", kDescription);
  command->add_option("REF", flags->source, "whose manifest")->required();
  flags->reading.add_to(*command);
  command->callback([flags, &action] {
    action = [flags](const Signals& signals) {
      return look_at(flags->source, flags->reading, signals,
                     [flags](Client&, const OpenedImage& image, const CallContext& context) {
                       if (image.made && !flags->reading.output.quiet)
                         say("note: " + image.name + ": " + kAsStored);
                       const auto manifest = image.source->manifest(image.root.digest.to_string(), context);
                       if (!manifest) return fail(manifest.error());
                       return print(manifest->bytes()) ? kOk : kLocal;
                     });
    };
  });
}

}  // namespace davit::tool
