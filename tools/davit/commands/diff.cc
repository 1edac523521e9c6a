#include <algorithm>
#include <memory>

#include <nlohmann/json.hpp>

#include <davit/diff.h>

#include "commands/commands.h"
#include "exit_code.h"
#include "one_image.h"
#include "reading.h"
#include "ui/json_text.h"
#include "ui/terminal_text.h"
#include "units.h"

namespace davit::tool {
namespace {

using nlohmann::json;

constexpr const char* kDescription =
    R"(compare two images: layers, configuration, with --files every path

A and B are references, archives or layouts. A layer that is stored in another compression is the same one
where both configurations say so. A docker-archive has no manifest that could differ. Ends with 0 when
both are the same image, with 1 when they differ. Of an index, the image for --platform, or for linux on
this machine's architecture.)";

constexpr std::size_t kBatch = 64 << 10;

struct Flags {
  std::string first;
  std::string second;
  bool files = false;
  bool ignore_times = false;
  bool json = false;
  ReadingFlags reading;
};

std::string values_text(const std::string& title, const std::vector<ComparedValue>& values) {
  std::string out;
  const auto value = [](const std::string& text) { return text.empty() ? "(none)" : printable(text, 200); };
  for (const ComparedValue& one : values)
    out +=
        title + " " + printable(one.name, 200) + ": " + value(one.first) + " -> " + value(one.second) + "\n";
  return out;
}

std::string layers_text(const std::vector<ComparedLayer>& layers) {
  std::string out;
  for (const ComparedLayer& one : layers) {
    const char* const mark = one.in_first && one.in_second ? "= " : one.in_first ? "- " : "+ ";
    out += mark + one.layer.digest.to_string() + "  " + human_size(one.layer.size);
    if (one.second)
      out += "  (in b " + one.second->digest.to_string() + "  " + human_size(one.second->size) + ")";
    out += "\n";
  }
  return out;
}

json values_json(const std::vector<ComparedValue>& values) {
  json out = json::array();
  const auto value = [](const std::string& text) {
    return text.empty() ? json() : json::parse(text, nullptr, false);
  };
  for (const ComparedValue& one : values)
    out.push_back({{"name", one.name}, {"a", value(one.first)}, {"b", value(one.second)}});
  return out;
}

json layers_json(const std::vector<ComparedLayer>& layers) {
  json out = json::array();
  for (const ComparedLayer& one : layers) {
    out.push_back({{"digest", one.layer.digest.to_string()},
                   {"size", one.layer.size},
                   {"in", one.in_first && one.in_second ? "both"
                          : one.in_first                ? "a"
                                                        : "b"}});
    if (one.second)
      out.back()["b"] = {{"digest", one.second->digest.to_string()}, {"size", one.second->size}};
  }
  return out;
}

std::string file_text(const ComparedFile& file) {
  std::string out = file.change == FileChange::added     ? "+ "
                    : file.change == FileChange::removed ? "- "
                                                         : "~ ";
  out += printable(file.path, 4096);
  if (file.first_type == '5' || (file.first_type == 0 && file.second_type == '5')) out += "/";
  for (std::size_t i = 0; i < file.what.size(); ++i) out += (i == 0 ? "  (" : ", ") + file.what[i];
  return out + (file.what.empty() ? "\n" : ")\n");
}

std::string type_name(char type) {
  switch (type) {
    case '5':
      return "directory";
    case '2':
      return "symlink";
    case '3':
    case '4':
      return "device";
    case '6':
      return "fifo";
    default:
      return "file";
  }
}

std::string file_json(const ComparedFile& file) {
  const char* const change = file.change == FileChange::added     ? "added"
                             : file.change == FileChange::removed ? "removed"
                                                                  : "changed";
  nlohmann::ordered_json out{{"path", file.path}, {"change", change}};
  if (file.first_type != 0) out["a"] = {{"type", type_name(file.first_type)}, {"size", file.first_size}};
  if (file.second_type != 0) out["b"] = {{"type", type_name(file.second_type)}, {"size", file.second_size}};
  if (!file.what.empty()) out["what"] = file.what;
  return json_line(out);
}

/// Prints what differs, in batches. Errors: local_io when nobody reads it.
class FilePrinter {
 public:
  explicit FilePrinter(const Flags& flags) : flags_(flags) {}

  Result<> operator()(ComparedFile file) {
    if (flags_.ignore_times) {
      std::erase(file.what, "time");
      if (file.change == FileChange::changed && file.what.empty()) return {};
    }
    if (flags_.json) {
      batch_ += (any_ ? ",\n" : "\n") + file_json(file);
    } else {
      batch_ += file_text(file);
    }
    any_ = true;
    return batch_.size() < kBatch ? Result<>() : flush();
  }

  Result<> flush() {
    const bool written = print(batch_);
    batch_.clear();
    if (!written) return Error{.code = Errc::local_io, .message = "standard output"};
    return {};
  }

 private:
  const Flags& flags_;
  std::string batch_;
  bool any_ = false;
};

int compare(const Flags& flags, const TwoImages& images, const CallContext& context) {
  ContentSource& first = *images.first_source.source;
  ContentSource& second = *images.second_source.source;
  const CompareOptions options{.first_made = images.first_source.made,
                               .second_made = images.second_source.made};
  const auto found = compare_images(first, images.first, second, images.second, context, options);
  if (!found) return fail(found.error());
  std::string head;
  if (flags.json) {
    const auto named = [](const OpenedImage& source, const Manifest& image) {
      return json{{"name", source.name}, {"digest", image.descriptor().digest.to_string()}};
    };
    const json out{{"equal", found->equal},
                   {"a", named(images.first_source, images.first)},
                   {"b", named(images.second_source, images.second)},
                   {"layers", layers_json(found->layers)},
                   {"manifest", values_json(found->manifest)},
                   {"config", values_json(found->config)}};
    head = out.dump(2, ' ', false, json::error_handler_t::replace);
    if (flags.files) head = head.substr(0, head.size() - 2) + ",\n  \"files\": [";
  } else if (!found->equal) {
    head = "a " + images.first.descriptor().digest.to_string() + "  " + images.first_source.name + "\nb " +
           images.second.descriptor().digest.to_string() + "  " + images.second_source.name + "\n" +
           layers_text(found->layers) + values_text("manifest", found->manifest) +
           values_text("config", found->config);
  }
  if (!print(head)) return kLocal;
  FilePrinter printer(flags);
  if (flags.files && (!found->equal || options.first_made || options.second_made)) {
    const auto compared = compare_files(
        first, images.first, second, images.second, [&](const ComparedFile& file) { return printer(file); },
        context, options);
    if (!compared) return fail(compared.error());
    if (!printer.flush()) return kLocal;
  }
  if (flags.json && !print(flags.files ? "\n  ]\n}\n" : "\n")) return kLocal;
  return found->equal ? kOk : kOther;
}

}  // namespace

void add_diff(CLI::App& app, Action& action) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("diff", kDescription);
  command->add_option("A", flags->first, "the first image")->required();
  command->add_option("B", flags->second, "the second image")->required();
  with_environment(command->add_flag("--files", flags->files, "compare every path; reads the layers"));
  with_environment(command->add_flag("--ignore-times", flags->ignore_times,
                                     "with --files, do not list what only changed its time"));
  with_environment(command->add_flag("--json", flags->json, "one JSON object"));
  flags->reading.add_to(*command);
  PlatformFlags::expect_one(*command);
  command->callback([flags, &action] {
    action = [flags](const Signals& signals) {
      return look_into_both(flags->first, flags->second, flags->reading, signals,
                            [&](const TwoImages& images, const CallContext& context) {
                              return compare(*flags, images, context);
                            });
    };
  });
}

}  // namespace davit::tool
