#include <algorithm>
#include <memory>

#include "annotations.h"
#include "changing.h"
#include "commands/commands.h"
#include "exit_code.h"
#include "platform_flags.h"
#include "report.h"
#include "reversed.h"
#include "ui/terminal_text.h"

namespace davit::tool {
namespace {

constexpr const char* kDescription =
    R"(attach files to an image: SBOMs, attestations, anything

The files become an artifact of type TYPE that refers to the image; davit discover finds it, and copies with
--referrers carry it. FILE:MEDIA/TYPE says what a file is, as oras spells it. The same files give the same
artifact every time; only with SOURCE_DATE_EPOCH it says when it was made. In a registry without a list of
referrers the list is kept under the tag that the distribution specification gives it.)";

struct Flags {
  std::string reference;
  std::vector<std::string> files;
  std::string type;
  std::vector<std::string> annotations;
  PlatformFlags platform;
  ChangingFlags changing;
};

Result<AttachOptions> options_of(const Flags& flags, const ClientOptions& settings, const Signals& signals) {
  AttachOptions out{.artifact_type = flags.type};
  auto annotations = parse_annotations(flags.annotations, "--annotation");
  if (!annotations) return annotations.error();
  out.annotations = *std::move(annotations);
  auto created = parse_source_date_epoch(settings.source_date_epoch);
  if (!created) return created.error();
  out.created = *created;
  auto platforms = flags.platform.chosen();
  if (!platforms) return platforms.error();
  if (platforms->size() > 1)
    return Error{.code = Errc::invalid_argument,
                 .message = "an artifact refers to one image, and several platforms are given",
                 .hint = "leave out --platform to attach it to the index"};
  if (!platforms->empty()) out.platform = platforms->front();
  auto limit = flags.changing.connection.time_limit();
  if (!limit) return limit.error();
  out.timeout = *limit;
  out.stop = signals.stop();
  return out;
}

int run(const Flags& flags, const Signals& signals) {
  const auto image = std::ranges::find_if(flags.files, is_surely_image);
  if (is_surely_file(flags.reference) && image != flags.files.end()) {
    std::vector<std::string> words{*image, "--type", flags.type, flags.reference};
    words.insert(words.end(), flags.files.begin(), image);
    words.insert(words.end(), image + 1, flags.files.end());
    return complain_about_order("attach", words);
  }
  auto settings = flags.changing.client_options({flags.reference});
  if (!settings) return fail(settings.error());
  const auto options = options_of(flags, *settings, signals);
  if (!options) return fail(options.error());
  std::vector<AttachedFile> files;
  for (const std::string& text : flags.files) files.push_back(AttachedFile::parse(text));
  Client client(*std::move(settings));
  auto attached = client.attach(flags.reference, files, *options);
  if (!attached) return fail(attached.error());
  if (attached->unchanged && !flags.changing.output.quiet)
    say(attached->destination + ": nothing to do, the artifact is there");
  const std::vector<Delivery> deliveries{{.destination = attached->destination, .result = *attached}};
  return print(flags.changing.json ? json_lines(deliveries) : reference_lines(deliveries)) ? kOk : kLocal;
}

}  // namespace

void add_attach(CLI::App& app, Action& action) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("attach", kDescription);
  command->add_option("REF", flags->reference, "the image, latest where no tag is written")->required();
  command->add_option("FILE", flags->files, "what to attach, with :MEDIA/TYPE behind it");
  with_environment(command->add_option("--type,--artifact-type", flags->type,
                                       "what the artifact is, for instance application/spdx+json"))
      ->type_name("TYPE")
      ->required();
  with_environment(command->add_option("-a,--annotation", flags->annotations, "of the artifact"))
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  flags->platform.add_to(*command, "attach to this platform's image of an index, as linux/arm64");
  PlatformFlags::expect_one(*command);
  flags->changing.add_to(*command, "one JSON object");
  command->callback(
      [flags, &action] { action = [flags](const Signals& signals) { return run(*flags, signals); }; });
}

}  // namespace davit::tool
