#include <memory>

#include <unistd.h>

#include <davit/output.h>
#include <davit/rootfs.h>

#include "commands/commands.h"
#include "exit_code.h"
#include "one_image.h"
#include "reading.h"
#include "reversed.h"
#include "ui/terminal_text.h"
#include "units.h"

namespace davit::tool {
namespace {

constexpr const char* kDescription =
    R"(write the root file system of an image as one tar

REF is a reference, an archive or a layout; OUT is a file, which appears when it is complete, or - for
standard output, the default. The tar has what is left when all layers have been put on top of each other:
whiteouts are applied, hard links, owners, times, xattrs, devices and sparse files are kept. The same
layers always give the same bytes. Of an index, the image for --platform, or for linux on this machine's
architecture.)";

}  // namespace

void add_export(CLI::App& app, Action& action) {
  struct Flags {
    std::string source;
    std::string output = "-";
    bool no_clobber = false;
    bool no_sync = false;
    ReadingFlags reading;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("export", kDescription);
  command->add_option("REF", flags->source, "which image")->required();
  command->add_option("OUT", flags->output, "where to (standard output)");
  with_environment(
      command->add_flag("-n,--no-clobber", flags->no_clobber, "do not replace a file that is there"));
  with_environment(
      command->add_flag("--no-sync", flags->no_sync, "do not wait until the file is on the disk"));
  flags->reading.add_to(*command);
  PlatformFlags::expect_one(*command);
  command->callback([flags, &action] {
    action = [flags](const Signals& signals) {
      if (is_surely_file(flags->source) && is_surely_image(flags->output))
        return complain_about_order("export", {flags->output, flags->source});
      if (flags->output == "-" && ::isatty(STDOUT_FILENO) == 1) {
        complain("a tar is nothing for a terminal", "davit export REF FILE.tar, or put a pipe behind it");
        return kUsage;
      }
      return look_into(flags->source, flags->reading, signals,
                       [&](OpenedImage& opened, const Manifest& image, const CallContext& context) {
                         const auto tar = flattened_root(*opened.source, image, context);
                         if (!tar) return fail(tar.error().with_context(opened.name));
                         const OutputOptions options{
                             .existing = flags->no_clobber ? ExistingFile::refuse : ExistingFile::replace,
                             .sync = !flags->no_sync};
                         const auto written = write_output(**tar, flags->output, context, options);
                         if (!written) return fail(written.error());
                         if (!flags->reading.output.quiet && flags->output != "-")
                           say(flags->output + ": " + human_size(*written));
                         return kOk;
                       });
    };
  });
}

}  // namespace davit::tool
