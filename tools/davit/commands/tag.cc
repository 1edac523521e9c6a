#include <memory>

#include "changing.h"
#include "commands/commands.h"
#include "exit_code.h"
#include "report.h"
#include "ui/terminal_text.h"

namespace davit::tool {
namespace {

constexpr const char* kDescription =
    R"(give an image of a registry or a layout further tags

TAG is a tag (v1), several (v1,v2), or a whole reference in the same repository. The manifest keeps its
bytes: REF may be an index, an image or an artifact, by tag or digest. A tag that has the image already is
fine, immutable or not; an immutable one that has another image ends with exit code 4. oci:DIR:TAG is an image
of an OCI layout.)";

struct Flags {
  std::string reference;
  std::vector<std::string> tags;
  bool no_clobber = false;
  ChangingFlags changing;
};

int run(const Flags& flags, const Signals& signals) {
  auto settings = flags.changing.client_options({flags.reference});
  if (!settings) return fail(settings.error());
  const auto limit = flags.changing.connection.time_limit();
  if (!limit) return fail(limit.error());
  Client client(*std::move(settings));
  const TagOptions options{.on_existing_tag = flags.no_clobber ? OnExistingTag::fail : OnExistingTag::replace,
                           .stop = signals.stop(),
                           .timeout = *limit};
  const auto tagged = client.tag(flags.reference, flags.tags, options);
  if (!tagged) return fail(tagged.error());
  for (const Delivery& each : *tagged) {
    if (!each.result) complain(each.result.error().to_string(), each.result.error().hint);
    if (each.result && each.result->unchanged && !flags.changing.output.quiet)
      say(each.destination + ":" + each.result->tags.front() + ": nothing to do, the image is there");
  }
  // One repository is one result, whatever the number of its tags.
  std::string lines = flags.changing.json ? json_lines(*tagged) : reference_lines(*tagged);
  if (!flags.changing.json && !lines.empty()) lines.resize(lines.find('\n') + 1);
  return print(lines) ? exit_code(*tagged) : kLocal;
}

}  // namespace

void add_tag(CLI::App& app, Action& action) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("tag", kDescription);
  command->add_option("REF", flags->reference, "the image, latest where no tag is written")->required();
  command->add_option("TAG", flags->tags, "what it is called from now on")->required();
  with_environment(command->add_flag("-n,--no-clobber", flags->no_clobber,
                                     "do not move a tag that points at something else"));
  flags->changing.add_to(*command, "one JSON object per tag");
  command->callback(
      [flags, &action] { action = [flags](const Signals& signals) { return run(*flags, signals); }; });
}

}  // namespace davit::tool
