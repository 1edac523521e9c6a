#include <algorithm>
#include <memory>

#include <nlohmann/json.hpp>

#include "annotations.h"
#include "commands/commands.h"
#include "exit_code.h"
#include "index_words.h"
#include "moving.h"
#include "reading.h"
#include "reversed.h"
#include "ui/json_text.h"
#include "ui/terminal_text.h"
#include "usage.h"

namespace davit::tool {
namespace {

constexpr const char* kDescription = R"(make, change and list multi-platform indexes

An index lists an image for each platform; whoever pulls it gets the one that fits.)";

constexpr const char* kCreate =
    R"(make an index over images from anywhere, and push it

DST is named first. SRC are references, digests, archives of every kind, layouts, or other indexes, of which
everything is listed. What the destination does not have is copied or mounted, archives are compressed and
pushed; the index and its tag come last. The platform of an image is read from its configuration, or given:
SRC,platform=linux/arm64/v8,annotation=KEY=VALUE. {os}, {arch}, {variant} and {platform} in SRC are filled
in for each --platform.

  davit index create registry.example.com/app:1.4 app-amd64.tar app-arm64.tar
  davit index create ecr:app:1.4 "app-{arch}.tar" -p linux/amd64 -p linux/arm64)";

constexpr const char* kAdd = R"(add images to an index

INDEX is changed in place if it is a tag; --to says where the result goes instead. SRC as in index create.)";

constexpr const char* kRemove = R"(take images out of an index

An ENTRY is a platform (linux/arm64), a digest, or a source of an image that is listed: a reference, an
archive, a layout. Attestations about an image go with it. The images stay in the registry.)";

constexpr const char* kFilter = R"(leave only some images in an index

An ENTRY is a platform (linux/arm64), a digest, or a source of an image that is listed: a reference, an
archive, a layout. Attestations about an image stay with it.)";

constexpr const char* kAnnotate = R"(change annotations and platforms in an index

Without ENTRY, annotations are the index's own. An ENTRY is a platform (linux/arm64), a digest, or a source
of an image that is listed: a reference, an archive, a layout.)";

bool names_reference(const std::string& word) {
  return word.find_first_of("/:") != std::string::npos;
}

Result<IndexOptions> index_options(const TransferFlags& flags, const std::vector<std::string>& annotations) {
  auto copy = flags.options();
  if (!copy) return copy.error();
  IndexOptions out;
  out.platforms = std::move(copy->platforms);
  copy->platforms.clear();
  auto parsed = parse_annotations(annotations, "--annotation");
  if (!parsed) return parsed.error();
  out.annotations = *std::move(parsed);
  out.copy = *std::move(copy);
  return out;
}

/// The same, travelling as the command that carries it out says.
IndexOptions with(IndexOptions options, const CopyOptions& copy) {
  options.copy = copy;
  return options;
}

Result<std::vector<Plan>> one(Result<Plan> plan) {
  if (!plan) return plan.error();
  return std::vector<Plan>{*std::move(plan)};
}

/// The arguments that may name registries, without what is said about them.
std::vector<std::string> sources_of(const std::vector<IndexPart>& parts) {
  std::vector<std::string> out;
  out.reserve(parts.size());
  for (const IndexPart& part : parts) out.push_back(part.source);
  return out;
}

struct CreateFlags {
  std::vector<std::string> words;
  std::vector<std::string> manifests;
  std::vector<std::string> annotations;
  TransferFlags transfer;
};

int create(const std::string& destination, const std::vector<std::string>& sources, const CreateFlags& flags,
           const Signals& signals) {
  const auto parts = parse_parts(sources);
  if (!parts) return fail(parts.error());
  const auto options = index_options(flags.transfer, flags.annotations);
  if (!options) return fail(options.error());
  const Movement movement{.arguments = {.sources = sources_of(*parts), .destinations = {destination}},
                          .credentials = CredentialScope::both,
                          .work = "send",
                          .start =
                              [&](Client& client, const CopyOptions& copy) {
                                return client.start_index(destination, *parts, with(*options, copy));
                              },
                          .plan =
                              [&](Client& client, const CopyOptions& copy) {
                                return one(client.plan_index(destination, *parts, with(*options, copy)));
                              }};
  return carry_out(movement, options->copy, flags.transfer, signals);
}

/// "-t DST SRC..." as others write it, "DST SRC..." as davit does; -m is a further source.
int create(CreateFlags flags, const Signals& signals) {
  std::vector<std::string> sources = flags.words;
  std::vector<std::string>& tags = flags.transfer.tags;
  std::string destination;
  if (const auto named = std::ranges::find_if(tags, names_reference); named != tags.end()) {
    destination = *named;
    tags.erase(named);
    if (std::ranges::any_of(tags, names_reference))
      return fail(usage("an index goes to one repository, and --tag names several",
                        "davit copy brings it to others"));
  } else if (!sources.empty()) {
    destination = sources.front();
    sources.erase(sources.begin());
  }
  sources.insert(sources.end(), flags.manifests.begin(), flags.manifests.end());
  if (destination.empty() || sources.empty())
    return fail(usage("an index wants a name and images", "davit index create DST SRC..."));
  // An archive of Docker's holds no index, so this one is a source.
  const bool archive = destination.ends_with(".tar") && !destination.ends_with(".oci.tar");
  if (archive && is_surely_file(destination) && std::ranges::count_if(sources, is_surely_image) == 1) {
    const auto image = std::ranges::find_if(sources, is_surely_image);
    std::vector<std::string> words{*image, destination};
    std::ranges::copy_if(sources, std::back_inserter(words),
                         [&](const std::string& each) { return each != *image; });
    return complain_about_order("index create", words);
  }
  return create(destination, sources, flags, signals);
}

struct ChangeFlags {
  std::string index;
  std::string to;
  std::vector<std::string> words;
  std::vector<std::string> annotations;
  std::vector<std::string> gone;  ///< --remove-annotation
  std::string platform;           ///< --set-platform
  bool replace = false;
  int retries = 0;
  TransferFlags transfer;

  void add_to(CLI::App& command) {
    command.add_option("INDEX", index, "the index to change")->required();
    with_environment(command.add_option("--to", to, "where the result goes; without it, back under its tag"))
        ->type_name("DST");
    with_environment(command.add_option("--retry-on-change", retries,
                                        "make the change anew so often when the tag is moved meanwhile"))
        ->type_name("N")
        ->check(CLI::Range(0, 100));
  }
};

int change(ChangeFlags flags, IndexEdit edit, const Signals& signals) {
  std::vector<std::string>& tags = flags.transfer.tags;
  if (const auto named = std::ranges::find_if(tags, names_reference);
      named != tags.end() && flags.to.empty()) {
    flags.to = *named;
    tags.erase(named);
  }
  auto options = index_options(flags.transfer, {});
  if (!options) return fail(options.error());
  if (flags.retries > 0 && !flags.to.empty())
    return fail(usage("--retry-on-change is for an index that is changed in place", "leave it out, or --to"));
  edit.retries_on_change = flags.retries;
  std::vector<std::string> sources = sources_of(edit.add);
  std::vector<std::string> entries = edit.remove;
  entries.insert(entries.end(), edit.keep.begin(), edit.keep.end());
  for (const IndexEdit::EntryEdit& each : edit.entries) entries.push_back(each.entry);
  std::ranges::copy_if(entries, std::back_inserter(sources), names_reference);
  std::erase_if(sources,
                [](const std::string& word) { return Platform::parse(word) || Digest::parse(word); });
  sources.push_back(flags.index);
  const bool file = registry_of(flags.index, Side::source).empty() && !flags.index.starts_with("ecr:");
  const Movement movement{
      .arguments = {.sources = std::move(sources),
                    .destinations = {!flags.to.empty() ? flags.to
                                     : file            ? flags.index
                                                       : as_image(flags.index)}},
      .credentials = CredentialScope::both,
      .work = "send",
      .start =
          [&](Client& client, const CopyOptions& copy) {
            return client.start_index_edit(flags.index, flags.to, edit, with(*options, copy));
          },
      .plan =
          [&](Client& client, const CopyOptions& copy) {
            return one(client.plan_index_edit(flags.index, flags.to, edit, with(*options, copy)));
          }};
  return carry_out(movement, options->copy, flags.transfer, signals);
}

/// What has no meaning where nothing new comes into an index that is there.
void leave_out(CLI::App& command, std::initializer_list<const char*> flags) {
  for (const char* flag : flags) command.remove_option(command.get_option(flag));
}
constexpr std::initializer_list<const char*> kFormats = {"--oci", "--docker", "--format"};
constexpr std::initializer_list<const char*> kLayers = {"--compress", "--reuse", "--reuse-from"};

void add_create(CLI::App& index, Action& action) {
  auto flags = std::make_shared<CreateFlags>();
  CLI::App* command = index.add_subcommand("create", kCreate);
  command->add_option("DST", flags->words, "where the index goes, then what it is made of")
      ->type_name("SRC...")
      ->required();
  with_environment(command->add_option("-m,--manifest", flags->manifests, "a further source"))
      ->type_name("SRC")
      ->allow_extra_args(false);
  with_environment(command->add_option("-a,--annotation", flags->annotations, "an annotation of the index"))
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  flags->transfer.add_to(*command, Verb::index);
  command->callback(
      [flags, &action] { action = [flags](const Signals& signals) { return create(*flags, signals); }; });
}

/// crane's words: a base that may be left out, and -t for the result.
void add_index_append(CLI::App& index, Action& action) {
  struct Flags : ChangeFlags {
    std::vector<std::string> manifests;
    bool docker_base = false;
    bool flatten = true;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* command = index.add_subcommand("append", "what crane calls index create and index add");
  command->group("");
  command->add_option("INDEX", flags->index, "an index to add to");
  command->add_option("-m,--manifest", flags->manifests, "an image to list")->allow_extra_args(false);
  command->add_flag("--docker-empty-base", flags->docker_base, "Docker's manifest list");
  command->add_flag("--flatten", flags->flatten, "list what indexes list, not the indexes");
  flags->transfer.add_to(*command, Verb::index);
  command->callback([flags, &action] {
    action = [flags](const Signals& signals) {
      if (!flags->flatten)
        return fail(usage("--flatten=false: an index within an index is not made", "leave it out"));
      if (flags->docker_base) flags->transfer.compression.docker = true;
      if (flags->index.empty()) {
        CreateFlags made;
        made.manifests = flags->manifests;
        made.transfer = flags->transfer;
        return create(made, signals);
      }
      const auto parts = parse_parts(flags->manifests);
      if (!parts) return fail(parts.error());
      return change(*flags, {.add = *parts}, signals);
    };
  });
}

void add_add(CLI::App& index, Action& action) {
  auto flags = std::make_shared<ChangeFlags>();
  CLI::App* command = index.add_subcommand("add", kAdd);
  flags->add_to(*command);
  command->add_option("SRC", flags->words, "what to add")->required();
  with_environment(command->add_flag("--replace", flags->replace,
                                     "in the place of images for the same platforms, where there are some"));
  flags->transfer.add_to(*command, Verb::index);
  leave_out(*command, kFormats);
  command->callback([flags, &action] {
    action = [flags](const Signals& signals) {
      const auto parts = parse_parts(flags->words);
      if (!parts) return fail(parts.error());
      return change(*flags, {.add = *parts, .replace = flags->replace}, signals);
    };
  });
}

void add_remove(CLI::App& index, Action& action) {
  auto flags = std::make_shared<ChangeFlags>();
  CLI::App* command = index.add_subcommand("rm", kRemove);
  command->alias("remove");
  flags->add_to(*command);
  command->add_option("ENTRY", flags->words, "what to take out")->required();
  flags->transfer.add_to(*command, Verb::index);
  leave_out(*command, kFormats);
  leave_out(*command, kLayers);
  leave_out(*command, {"--platform"});
  command->callback([flags, &action] {
    action = [flags](const Signals& signals) { return change(*flags, {.remove = flags->words}, signals); };
  });
}

void add_filter(CLI::App& index, Action& action) {
  auto flags = std::make_shared<ChangeFlags>();
  CLI::App* command = index.add_subcommand("filter", kFilter);
  flags->add_to(*command);
  command->add_option("ENTRY", flags->words, "what stays; so do the platforms of --platform");
  flags->transfer.add_to(*command, Verb::index);
  leave_out(*command, kFormats);
  leave_out(*command, kLayers);
  command->callback([flags, &action] {
    action = [flags](const Signals& signals) {
      const auto platforms = flags->transfer.platform.chosen();
      if (!platforms) return fail(platforms.error());
      ChangeFlags copy = *flags;
      copy.transfer.platform = {};
      IndexEdit edit{.keep = flags->words};
      for (const Platform& platform : *platforms) edit.keep.push_back(platform.to_string());
      if (edit.keep.empty())
        return fail(
            usage("what should stay in the index?", "davit index filter INDEX --platform linux/amd64"));
      return change(copy, std::move(edit), signals);
    };
  });
}

Result<IndexEdit> annotation_edit(const ChangeFlags& flags) {
  const auto parsed = parse_annotations(flags.annotations, "--annotation");
  if (!parsed) return parsed.error();
  AnnotationChanges changes(parsed->begin(), parsed->end());
  for (const std::string& key : flags.gone) changes[key] = std::nullopt;
  std::optional<Platform> platform;
  if (!flags.platform.empty()) {
    auto wanted = Platform::parse(flags.platform);
    if (!wanted) return wanted.error();
    platform = *std::move(wanted);
  }
  if (changes.empty() && !platform)
    return usage("nothing to change", "--annotation KEY=VALUE, --remove-annotation KEY or --set-platform");
  IndexEdit edit;
  if (flags.words.empty()) {
    if (platform) return usage("--set-platform: of which image?", "name it by its digest");
    edit.annotations = std::move(changes);
    return edit;
  }
  for (const std::string& entry : flags.words) edit.entries.push_back({entry, changes, platform});
  return edit;
}

void add_annotate(CLI::App& index, Action& action) {
  auto flags = std::make_shared<ChangeFlags>();
  CLI::App* command = index.add_subcommand("annotate", kAnnotate);
  flags->add_to(*command);
  command->add_option("ENTRY", flags->words, "whose annotations; none: the index's own");
  with_environment(command->add_option("-a,--annotation", flags->annotations, "set an annotation"))
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  with_environment(command->add_option("--remove-annotation", flags->gone, "take an annotation away"))
      ->type_name("KEY")
      ->allow_extra_args(false);
  with_environment(command->add_option("--set-platform", flags->platform, "what the entry is for"))
      ->type_name("OS/ARCH[/VARIANT]");
  flags->transfer.add_to(*command, Verb::index);
  leave_out(*command, kFormats);
  leave_out(*command, kLayers);
  leave_out(*command, {"--platform"});
  command->callback([flags, &action] {
    action = [flags](const Signals& signals) {
      auto edit = annotation_edit(*flags);
      if (!edit) return fail(edit.error());
      return change(*flags, *std::move(edit), signals);
    };
  });
}

nlohmann::ordered_json entry_json(const Descriptor& entry) {
  nlohmann::ordered_json out{{"digest", entry.digest.to_string()},
                             {"mediaType", entry.media_type},
                             {"size", entry.size},
                             {"platform", entry.platform ? entry.platform->to_string() : ""}};
  if (!entry.artifact_type.empty()) out["artifactType"] = entry.artifact_type;
  if (!entry.annotations.empty()) out["annotations"] = entry.annotations;
  return out;
}

std::string entry_line(const Descriptor& entry) {
  std::string platform = entry.platform ? printable(entry.platform->to_string()) : "-";
  platform.resize(std::max<std::size_t>(platform.size() + 1, 22), ' ');
  std::string line = platform + entry.digest.to_string() + " " + printable(entry.media_type);
  for (const auto& [key, value] : entry.annotations) line += " " + printable(key) + "=" + printable(value);
  return line + "\n";
}

void add_index_ls(CLI::App& index, Action& action) {
  struct Flags {
    std::string source;
    bool json = false;
    ReadingFlags reading;
  };
  auto flags = std::make_shared<Flags>();
  flags->reading.keep_index = true;
  CLI::App* command =
      index.add_subcommand("ls", "list what an index lists: platform, digest, type, annotations");
  command->alias("list");
  command->add_option("INDEX", flags->source, "a reference, an archive or a layout")->required();
  with_environment(command->add_flag("--json", flags->json, "one JSON object for each entry"));
  flags->reading.add_to(*command);
  command->callback([flags, &action] {
    action = [flags](const Signals& signals) {
      return look_at(flags->source, flags->reading, signals,
                     [&](Client&, const OpenedImage& image, const CallContext& context) {
                       const auto found = image.source->manifest(image.root.digest.to_string(), context);
                       if (!found) return fail(found.error());
                       if (!found->is_index())
                         return fail(usage(image.name + " is no index, but one image",
                                           "davit inspect shows what it is"));
                       std::string out;
                       for (const Descriptor& entry : found->manifests())
                         out += flags->json ? json_line(entry_json(entry)) + "\n" : entry_line(entry);
                       return print(out) ? kOk : kLocal;
                     });
    };
  });
}

}  // namespace

void add_index(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("index", kDescription);
  command->require_subcommand(1);
  add_create(*command, action);
  add_index_append(*command, action);
  add_add(*command, action);
  add_remove(*command, action);
  add_filter(*command, action);
  add_annotate(*command, action);
  add_index_ls(*command, action);
}

}  // namespace davit::tool
