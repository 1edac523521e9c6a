#include <memory>

#include <nlohmann/json.hpp>

#include "commands/commands.h"
#include "compression_flags.h"
#include "exit_code.h"
#include "reading.h"
#include "ui/terminal_text.h"

namespace davit::tool {
namespace {

constexpr const char* kDescription =
    R"(print the digest of an image, pushed or not

Of a reference it is what the registry says, in one request. Of an archive or a layout it is the digest
that a push with these flags and --reuse off gives; the layers are compressed to know it, and nothing is
sent.)";

struct Flags {
  std::string source;
  std::string tarball;
  bool json = false;
  bool full = false;
  CompressionFlags compression;
  ReadingFlags reading;
};

int run(const Flags& flags, const Signals& signals) {
  const std::string& source = flags.tarball.empty() ? flags.source : flags.tarball;
  if (source.empty() || (!flags.tarball.empty() && !flags.source.empty()))
    return fail(Error{.code = Errc::invalid_argument,
                      .message = source.empty() ? "no REF" : "a REF and --tarball name two images",
                      .hint = "davit digest REF"});
  auto settings = flags.reading.client_options({source});
  if (!settings) return fail(settings.error());
  const auto reading = flags.reading.open_options(signals);
  if (!reading) return fail(reading.error());
  CopyOptions options{.platforms = reading->platforms, .stop = reading->stop, .timeout = reading->timeout};
  if (auto applied = flags.compression.apply(options); !applied) return fail(applied.error());
  Client client(*std::move(settings));
  const auto found = client.digest(source, options);
  if (!found) return fail(found.error());
  const std::string digest = found->root.digest.to_string();
  if (flags.full && !found->reference)
    return fail(Error{.code = Errc::invalid_argument,
                      .message = "--full-ref: " + source + " is a file, and has no repository",
                      .hint = "leave out --full-ref"});
  if (flags.json) {
    const nlohmann::ordered_json out{
        {"digest", digest}, {"mediaType", found->root.media_type}, {"size", found->root.size}};
    return print(out.dump() + "\n") ? kOk : kLocal;
  }
  return print((flags.full ? found->reference->name() + "@" : "") + digest + "\n") ? kOk : kLocal;
}

}  // namespace

void add_digest(CLI::App& app, Action& action) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("digest", kDescription);
  command->add_option("REF", flags->source, "a reference, an archive or a layout");
  with_environment(command->add_flag("--json", flags->json, "digest, media type and size as a JSON object"));
  with_environment(command->add_flag("--full-ref", flags->full, "print it as REPOSITORY@DIGEST"));
  command->add_option("--tarball", flags->tarball)->group("");
  flags->compression.add_to(*command, CompressionFlags::For::images);
  flags->reading.add_to(*command);
  command->callback(
      [flags, &action] { action = [flags](const Signals& signals) { return run(*flags, signals); }; });
}

}  // namespace davit::tool
