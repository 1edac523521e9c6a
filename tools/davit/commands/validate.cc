#include <davit/validate.h>

#include <algorithm>
#include <memory>

#include <nlohmann/json.hpp>

#include "commands/commands.h"
#include "exit_code.h"
#include "reading.h"
#include "ui/json_text.h"
#include "ui/terminal_text.h"
#include "units.h"

namespace davit::tool {
namespace {

using json = nlohmann::ordered_json;

constexpr const char* kDescription =
    R"(check every digest and size of an image

Manifests, configurations and layers are read and compared with what lists them, and layers are unpacked:
they have to be tars, and what the configuration says. Every problem is reported, and the exit code is 5
when there is one. --fast reads no layers: it asks whether they are there, in their size.)";

struct Flags {
  std::string source;
  std::string remote;
  std::string tarball;
  bool fast = false;
  bool json = false;
  ReadingFlags reading;
};

std::string plural(std::uint64_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

std::string summary(const OpenedImage& image, const Validation& found, bool fast) {
  std::string out = image.name;
  if (!image.reference && !image.place.empty())
    out = printable(image.place) + "@" + image.root.digest.to_string();
  else if (image.reference && !image.reference->digest)
    out += "@" + image.root.digest.to_string();
  out += ": ";
  out += found.problems.empty() ? "all right" : plural(found.problems.size(), "problem");
  out += ", " + plural(found.manifests, "manifest") + ", " + plural(found.blobs, "blob") + ", " +
         human_size(found.bytes) + " read";
  if (fast) out += ", layers only asked for";
  if (found.left_out != 0) out += ", " + plural(found.left_out, "foreign layer") + " left out";
  return out;
}

json to_json(const OpenedImage& image, const Validation& found) {
  json out{{"name", image.name},
           {"digest", image.root.digest.to_string()},
           {"valid", found.problems.empty()},
           {"manifests", found.manifests},
           {"blobs", found.blobs},
           {"bytes", found.bytes}};
  if (found.left_out != 0) out["foreignLayers"] = found.left_out;
  out["problems"] = json::array();
  for (const Problem& each : found.problems) {
    out["problems"].push_back({{"digest", each.digest.to_string()},
                               {"where", each.where},
                               {"code", std::string(to_string(each.error.code))},
                               {"message", each.error.to_string()}});
  }
  return out;
}

/// Damage is what was looked for; a registry that failed meanwhile has the code of its failure.
int code_of(const Validation& found) {
  if (found.problems.empty()) return kOk;
  const bool damaged = std::ranges::any_of(
      found.problems, [](const Problem& each) { return exit_code(each.error.code) == kCorrupt; });
  return damaged ? kCorrupt : exit_code(found.problems.front().error.code);
}

/// Names what is wrong in full, also where the error is short.
std::string line_of(const Problem& problem) {
  const std::string error = problem.error.to_string();
  const std::string digest = problem.digest.to_string();
  return (problem.where.empty() ? "" : problem.where + ": ") + error +
         (error.find(digest) == std::string::npos ? " (" + digest + ")" : "") + "\n";
}

int check(const Flags& flags, const OpenedImage& image, const CallContext& context) {
  const ValidateOptions options{.layers = !flags.fast, .jobs = flags.reading.connection.jobs.value_or(8)};
  const auto found = validate(*image.source, image.root, options, context);
  if (!found) return fail(found.error());
  std::string out;
  if (flags.json) {
    out = json_text(to_json(image, *found));
  } else {
    for (const Problem& each : found->problems) out += line_of(each);
    out += summary(image, *found, flags.fast) + "\n";
  }
  if (!print(out)) return kLocal;
  if (!found->problems.empty()) complain(image.name + " has " + plural(found->problems.size(), "problem"));
  return code_of(*found);
}

int run(const Flags& flags, const Signals& signals) {
  std::string source;
  int given = 0;
  for (const std::string* each : {&flags.source, &flags.remote, &flags.tarball}) {
    if (each->empty()) continue;
    source = *each;
    ++given;
  }
  if (given != 1)
    return fail(Error{.code = Errc::invalid_argument,
                      .message = given == 0 ? "nothing to validate" : "one image at a time is validated",
                      .hint = "davit validate SRC"});
  if (!flags.remote.empty()) source = as_image(source);
  return look_at(source, flags.reading, signals,
                 [&](Client&, const OpenedImage& image, const CallContext& context) {
                   return check(flags, image, context);
                 });
}

}  // namespace

void add_validate(CLI::App& app, Action& action) {
  auto flags = std::make_shared<Flags>();
  flags->reading.as_listed = true;
  CLI::App* command = app.add_subcommand("validate", kDescription);
  command->add_option("SRC", flags->source, "a reference, an archive or a layout");
  with_environment(command->add_flag("--fast", flags->fast, "ask for layers instead of reading them"));
  with_environment(command->add_flag("--json", flags->json, "one JSON object"));
  command->add_option("--remote", flags->remote)->group("");
  command->add_option("--tarball", flags->tarball)->group("");
  flags->reading.add_to(*command);
  command->callback(
      [flags, &action] { action = [flags](const Signals& signals) { return run(*flags, signals); }; });
}

}  // namespace davit::tool
