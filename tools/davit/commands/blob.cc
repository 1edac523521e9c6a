#include <davit/blob.h>

#include <memory>

#include <unistd.h>

#include <davit/output.h>

#include "commands/commands.h"
#include "exit_code.h"
#include "reading.h"
#include "ui/terminal_text.h"
#include "units.h"
#include "usage.h"

namespace davit::tool {
namespace {

constexpr const char* kDescription =
    R"(print a blob, a layer or a configuration, byte for byte

REF names a repository, a layout or an archive; DIGEST names the blob there, and may stand behind REF
and an @. A whole blob is verified: with --output the file appears when its digest is right, and on
standard output a wrong end is not printed and the exit code is 5. A stretch of it cannot be verified.)";

struct Flags {
  std::string source;
  std::string digest;
  std::string output = "-";
  std::string range;
  std::string offset;
  std::string length;
  ReadingFlags reading;
};

struct Wanted {
  std::string source;
  Digest digest;
};

Result<Wanted> wanted(const Flags& flags) {
  if (!flags.digest.empty()) {
    auto digest = Digest::parse(flags.digest);
    if (!digest) return usage("DIGEST: " + digest.error().message, "sha256: and 64 hexadecimal digits");
    return Wanted{flags.source, *digest};
  }
  const auto at = flags.source.rfind('@');
  const auto digest =
      at == std::string::npos ? Result<Digest>(Error{}) : Digest::parse(flags.source.substr(at + 1));
  if (!digest) return usage("no digest says which blob is meant", "davit blob REF@sha256:...");
  return Wanted{flags.source.substr(0, at), *digest};
}

/// "0-1023" as HTTP has it, both ends included; "1024-" is the rest.
Result<std::optional<ByteRange>> stretch(const Flags& flags) {
  const bool parts = !flags.offset.empty() || !flags.length.empty();
  if (flags.range.empty() && !parts) return std::optional<ByteRange>();
  if (!flags.range.empty() && parts) return usage("--range says what --offset and --length say");
  ByteRange out{.offset = 0, .length = UINT64_MAX};
  const auto number = [](const std::string& text) { return text.empty() ? std::nullopt : parse_size(text); };
  if (parts) {
    const auto offset = flags.offset.empty() ? std::optional<std::uint64_t>(0) : number(flags.offset);
    const auto length =
        flags.length.empty() ? std::optional<std::uint64_t>(UINT64_MAX) : number(flags.length);
    if (!offset) return usage("--offset " + flags.offset + ": not a number of bytes");
    if (!length || *length == 0) return usage("--length " + flags.length + ": not a number of bytes");
    return std::optional(ByteRange{.offset = *offset, .length = *length});
  }
  const auto dash = flags.range.find('-');
  const auto first = number(flags.range.substr(0, dash));
  const std::string end = dash == std::string::npos ? "" : flags.range.substr(dash + 1);
  const auto last = end.empty() ? std::optional<std::uint64_t>(UINT64_MAX) : number(end);
  if (dash == std::string::npos || !first || !last || *last < *first)
    return usage("--range " + flags.range + ": not a range of bytes",
                 "0-1023 are the first 1024 bytes, 1024- all others");
  out.offset = *first;
  if (!end.empty()) out.length = *last - *first + 1;
  return std::optional(out);
}

int run(const Flags& flags, const Signals& signals) {
  const auto what = wanted(flags);
  if (!what) return fail(what.error());
  const auto range = stretch(flags);
  if (!range) return fail(range.error());
  if (flags.output == "-" && ::isatty(STDOUT_FILENO) == 1)
    return fail(usage("a blob is not written to a terminal", "redirect standard output, or name a --output"));
  auto settings = flags.reading.client_options({what->source});
  if (!settings) return fail(settings.error());
  const auto reading = flags.reading.open_options(signals);
  if (!reading) return fail(reading.error());
  const auto context = flags.reading.context(signals);
  if (!context) return fail(context.error());
  Client client(*std::move(settings));
  const auto found = client.open_blob(what->source, what->digest, *reading);
  if (!found) return fail(found.error());
  const auto bytes = *range ? read_blob_range(*found->source, found->blob, **range, *context)
                            : read_blob(*found->source, found->blob, *context);
  if (!bytes) return fail(bytes.error());
  const auto written = write_output(**bytes, flags.output, *context);
  return written ? kOk : fail(written.error());
}

}  // namespace

void add_blob(CLI::App& app, Action& action) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("blob", kDescription);
  command->add_option("REF", flags->source, "where it is")->required();
  command->add_option("DIGEST", flags->digest, "which it is");
  const auto add = [&](const char* names, std::string& value, const char* help) {
    return with_environment(command->add_option(names, value, help));
  };
  add("-o,--output", flags->output, "write it to this file (- is standard output)")->type_name("FILE");
  add("--range", flags->range, "only these bytes, counted from 0, both ends included")
      ->type_name("FIRST-LAST");
  add("--offset", flags->offset, "only from this byte on")->type_name("BYTES");
  add("--length", flags->length, "only so many bytes")->type_name("BYTES");
  flags->reading.add_to(*command);
  command->callback([flags, command, &action] {
    // One way of saying it that is typed beats the other one in the environment.
    const bool range = was_typed(*command, "--range");
    const bool parts = was_typed(*command, "--offset") || was_typed(*command, "--length");
    if (parts && !range) flags->range.clear();
    if (range && !parts) {
      flags->offset.clear();
      flags->length.clear();
    }
    action = [flags](const Signals& signals) { return run(*flags, signals); };
  });
}

}  // namespace davit::tool
