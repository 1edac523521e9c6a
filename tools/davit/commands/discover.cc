#include <memory>

#include <nlohmann/json.hpp>

#include "commands/commands.h"
#include "exit_code.h"
#include "flag_values.h"
#include "reading.h"
#include "ui/json_text.h"
#include "ui/terminal_text.h"

namespace davit::tool {
namespace {

constexpr const char* kDescription =
    R"(show what refers to an image: signatures, SBOMs, any artifact

REF is a reference, an archive or a layout. What refers to the referrers is shown below them. --platform
looks at one platform's image of an index instead of the index.)";

struct Flags {
  std::string source;
  std::string type;
  std::string format = "tree";
  bool json = false;
  ReadingFlags reading;
};

using Json = nlohmann::ordered_json;

Json described(const std::string& name, const Descriptor& manifest) {
  Json out{{"reference", name + "@" + manifest.digest.to_string()},
           {"mediaType", manifest.media_type},
           {"digest", manifest.digest.to_string()},
           {"size", manifest.size}};
  if (!manifest.artifact_type.empty()) out["artifactType"] = manifest.artifact_type;
  if (!manifest.annotations.empty()) out["annotations"] = manifest.annotations;
  return out;
}

Json to_json(const std::string& name, const Descriptor& manifest, const std::vector<Referrer>& referrers) {
  Json out = described(name, manifest);
  out["referrers"] = Json::array();
  for (const Referrer& each : referrers)
    out["referrers"].push_back(to_json(name, each.manifest, each.referrers));
  return out;
}

std::string type_of(const Referrer& referrer) {
  const std::string& type = referrer.manifest.artifact_type;
  return type.empty() ? "(no type)" : printable(type, 200);
}

/// A branch for each type, and below it one for each artifact of that type, which stand side by side.
void draw(const std::vector<Referrer>& referrers, const std::string& indent, std::string& out) {
  for (std::size_t begin = 0; begin < referrers.size();) {
    std::size_t end = begin + 1;
    while (end < referrers.size() && type_of(referrers[end]) == type_of(referrers[begin])) ++end;
    const bool last_type = end == referrers.size();
    out += indent + (last_type ? "└── " : "├── ") + type_of(referrers[begin]) + "\n";
    const std::string below = indent + (last_type ? "    " : "│   ");
    for (std::size_t i = begin; i < end; ++i) {
      const bool last = i + 1 == end;
      out += below + (last ? "└── " : "├── ") + referrers[i].manifest.digest.to_string() + "\n";
      draw(referrers[i].referrers, below + (last ? "    " : "│   "), out);
    }
    begin = end;
  }
}

void list(const std::vector<Referrer>& referrers, std::string& out) {
  for (const Referrer& each : referrers) {
    std::string type = type_of(each);
    type.resize(std::max<std::size_t>(type.size() + 2, 50), ' ');
    out += type + each.manifest.digest.to_string() + "\n";
    list(each.referrers, out);
  }
}

int run(const Flags& flags, const Signals& signals) {
  const auto opening = flags.reading.open_options(signals);
  if (!opening) return fail(opening.error());
  if (opening->platforms.size() > 1)
    return fail({.code = Errc::invalid_argument,
                 .message = "one image is looked at, and several platforms are given",
                 .hint = "leave out --platform to look at the index"});
  auto settings = flags.reading.client_options({flags.source});
  if (!settings) return fail(settings.error());
  Client client(*std::move(settings));
  DiscoverOptions options{.referrers = {.artifact_type = flags.type},
                          .platform = {},
                          .stop = opening->stop,
                          .timeout = opening->timeout};
  if (!opening->platforms.empty()) options.platform = opening->platforms.front();
  const auto tree = client.referrers(flags.source, options);
  if (!tree) return fail(tree.error());
  if (flags.json || flags.format == "json")
    return print(json_text(to_json(tree->name, tree->subject, tree->referrers))) ? kOk : kLocal;
  std::string out;
  if (flags.format == "table") {
    list(tree->referrers, out);
  } else {
    out = printable(tree->name) + "@" + tree->subject.digest.to_string() + "\n";
    draw(tree->referrers, "", out);
  }
  if (tree->referrers.empty() && !flags.reading.output.quiet)
    say("nothing refers to it" + (flags.type.empty() ? "" : " with the type " + flags.type));
  return print(out) ? kOk : kLocal;
}

}  // namespace

void add_discover(CLI::App& app, Action& action) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("discover", kDescription);
  command->add_option("REF", flags->source, "an image")->required();
  with_environment(command->add_option("--type,--artifact-type", flags->type, "only artifacts of this type"))
      ->type_name("TYPE");
  with_environment(command->add_option("-o,--output", flags->format, "tree (the default), json, or table"))
      ->type_name("tree|json|table")
      ->check(CLI::IsMember({"tree", "json", "table"}));
  command->add_option("--format", flags->format)
      ->check(known_word("--format", {"tree", "json", "table"}))
      ->group("");
  with_environment(command->add_flag("--json", flags->json, "the same as --output json"));
  flags->reading.add_to(*command);
  PlatformFlags::expect_one(*command);
  command->callback(
      [flags, &action] { action = [flags](const Signals& signals) { return run(*flags, signals); }; });
}

}  // namespace davit::tool
