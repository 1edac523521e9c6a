#include <davit/tree.h>

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
    R"(show an index, its images, layers and referrers, with sizes

REF is a reference, an archive or a layout. A size counts everything below, each blob once; what refers
to an image (signatures, SBOMs, any artifact) is shown with it and not counted.)";

std::string label(const TreeNode& node, bool referrer) {
  std::string out = referrer ? "referrer" : std::string(to_string(node.kind));
  if (node.attestation) out = "attestation";
  if (node.descriptor.platform && !node.attestation)
    out = printable(node.descriptor.platform->to_string(), 80);
  if (!node.artifact_type.empty()) out += " " + printable(node.artifact_type, 100);
  return out;
}

std::string facts(const TreeNode& node) {
  std::string out = "  " + node.descriptor.digest.to_string() + "  " + human_size(node.total);
  if (node.missing) out += "  is not there";
  if (node.repeated) out += "  as above";
  return out + "\n";
}

void draw(const TreeNode& node, const std::string& indent, std::string& out) {
  std::size_t width = 0;
  for (const TreeNode& each : node.children) width = std::max(width, label(each, false).size());
  for (const TreeNode& each : node.referrers) width = std::max(width, label(each, true).size());
  const std::size_t count = node.children.size() + node.referrers.size();
  for (std::size_t i = 0; i < count; ++i) {
    const bool referrer = i >= node.children.size();
    const TreeNode& each = referrer ? node.referrers[i - node.children.size()] : node.children[i];
    const bool last = i + 1 == count;
    std::string name = label(each, referrer);
    name.resize(width, ' ');
    out += indent + (last ? "└─ " : "├─ ") + name + facts(each);
    draw(each, indent + (last ? "   " : "│  "), out);
  }
}

json to_json(const TreeNode& node) {
  json out{{"kind", to_string(node.kind)},
           {"mediaType", node.descriptor.media_type},
           {"digest", node.descriptor.digest.to_string()},
           {"size", node.descriptor.size},
           {"total", node.total}};
  if (node.descriptor.platform) out["platform"] = node.descriptor.platform->to_string();
  if (!node.artifact_type.empty()) out["artifactType"] = node.artifact_type;
  if (!node.descriptor.annotations.empty()) out["annotations"] = node.descriptor.annotations;
  if (node.attestation) out["attestation"] = true;
  if (node.missing) out["missing"] = true;
  if (node.repeated) out["repeated"] = true;
  for (const TreeNode& each : node.children) out["children"].push_back(to_json(each));
  for (const TreeNode& each : node.referrers) out["referrers"].push_back(to_json(each));
  return out;
}

}  // namespace

void add_tree(CLI::App& app, Action& action) {
  struct Flags {
    std::string source;
    bool json = false;
    std::optional<bool> referrers;
    ReadingFlags reading;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("tree", kDescription);
  command->add_option("REF", flags->source, "what to show")->required();
  with_environment(command->add_flag("--json", flags->json, "as nested JSON objects"));
  add_choice(*command, "--referrers", "--no-referrers", flags->referrers,
             "also what refers to the images (the default)", "without what refers to the images");
  flags->reading.add_to(*command);
  command->callback([flags, &action] {
    action = [flags](const Signals& signals) {
      return look_at(flags->source, flags->reading, signals,
                     [flags](Client&, const OpenedImage& image, const CallContext& context) {
                       const TreeOptions options{.referrers = flags->referrers.value_or(true),
                                                 .jobs = flags->reading.connection.jobs.value_or(8)};
                       const auto root = tree(*image.source, image.root, options, context);
                       if (!root) return fail(root.error());
                       if (flags->json) {
                         json out = to_json(*root);
                         out["name"] = image.name;
                         return print(json_text(out)) ? kOk : kLocal;
                       }
                       std::string text = image.name + "  " + label(*root, false) + facts(*root);
                       draw(*root, "", text);
                       return print(text) ? kOk : kLocal;
                     });
    };
  });
}

}  // namespace davit::tool
