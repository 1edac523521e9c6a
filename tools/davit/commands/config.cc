#include <memory>

#include <davit/inspect.h>

#include "commands/commands.h"
#include "commands/print_config.h"
#include "exit_code.h"
#include "reading.h"
#include "ui/terminal_text.h"
#include "usage.h"

namespace davit::tool {
namespace {

constexpr const char* kDescription =
    R"(print the configuration of an image, byte for byte

REF is a reference, an archive or a layout. Of an index the image for this machine's platform is meant,
or that of --platform.)";

}  // namespace

int print_config(const OpenedImage& image, const Inspection& found) {
  if (!found.config.empty()) return print(found.config) ? kOk : kLocal;
  if (found.image) {
    return fail(Error{.code = Errc::unsupported,
                      .message = image.name + ": an artifact, which has no image configuration",
                      .hint = "davit manifest shows what it consists of"});
  }
  std::string platforms;
  for (const ListedImage& each : found.images) {
    if (each.attestation || !each.manifest.platform) continue;
    platforms += (platforms.empty() ? "" : ", ") + printable(each.manifest.platform->to_string(), 80);
  }
  return fail(Error{.code = Errc::not_found,
                    .message = image.name + ": the index has no image for " + Platform::host().to_string(),
                    .hint = platforms.empty() ? "" : "choose with --platform: " + platforms});
}

void add_config(CLI::App& app, Action& action) {
  struct Flags {
    std::string source;
    ReadingFlags reading;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("config", kDescription);
  command->add_option("REF", flags->source, "whose configuration")->required();
  flags->reading.add_to(*command);
  PlatformFlags::expect_one(*command);
  command->callback([flags, &action] {
    action = [flags](const Signals& signals) {
      const auto platforms = flags->reading.platform.chosen();
      if (platforms && platforms->size() > 1)
        return fail(usage("a configuration is that of one image, and several platforms are given",
                          "--platform " + platforms->front().to_string() + " prints the first one's"));
      return look_at(flags->source, flags->reading, signals,
                     [](Client&, const OpenedImage& image, const CallContext& context) {
                       const auto found = inspect(image.source, image.root, {}, context);
                       return found ? print_config(image, *found) : fail(found.error());
                     });
    };
  });
}

}  // namespace davit::tool
