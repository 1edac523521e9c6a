#include <memory>

#include <davit/output.h>
#include <davit/rootfs.h>

#include "commands/commands.h"
#include "exit_code.h"
#include "one_image.h"
#include "reading.h"
#include "reversed.h"

namespace davit::tool {
namespace {

constexpr const char* kDescription =
    R"(print one file out of an image

REF is a reference, an archive or a layout; PATH is the file's path in the image's root file system.
Symlinks are followed there. Layers are read from the top one down to the one that has the file, and
verified. Of an index, the image for --platform, or for linux on this machine's architecture.)";

}  // namespace

void add_cat(CLI::App& app, Action& action) {
  struct Flags {
    std::string source;
    std::string path;
    ReadingFlags reading;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("cat", kDescription);
  command->add_option("REF", flags->source, "which image")->required();
  command->add_option("PATH", flags->path, "which of its files")->required();
  flags->reading.add_to(*command);
  PlatformFlags::expect_one(*command);
  command->callback([flags, &action] {
    action = [flags](const Signals& signals) {
      // Paths in an image may look like repositories, but not like images with a tag.
      const bool path_is_image =
          flags->path.find_first_of(":@") != std::string::npos && is_surely_image(flags->path);
      if (path_is_image && !is_surely_image(flags->source))
        return complain_about_order("cat", {flags->path, flags->source});
      return look_into(flags->source, flags->reading, signals,
                       [&](OpenedImage& opened, const Manifest& image, const CallContext& context) {
                         const auto file = read_file(*opened.source, image, flags->path, context);
                         if (!file) return fail(file.error().with_context(opened.name));
                         const auto written = write_output(**file, "-", context);
                         return written ? kOk : fail(written.error());
                       });
    };
  });
}

}  // namespace davit::tool
