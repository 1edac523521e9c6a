#include <chrono>
#include <memory>

#include <nlohmann/json.hpp>

#include <davit/platforms.h>
#include <davit/timestamp.h>

#include "commands/commands.h"
#include "exit_code.h"
#include "flag_values.h"
#include "reading.h"
#include "ui/json_text.h"
#include "ui/terminal_text.h"
#include "units.h"
#include "usage.h"

namespace davit::tool {
namespace {

constexpr const char* kDescription =
    R"(list repositories, tags, or the platforms of an image

Of a registry its repositories are listed, of a repository its tags, of an image its platforms, and of
an archive or a layout with several images their names. "localhost:5000" and "registry.example.com" are
registries, and so is every word with a slash behind it; "ecr:" is that of the AWS settings. A reference
with a tag or a digest is an image, and so is a file with one. An image without a name is listed by its digest, or as @N where it has none.
--long shows what the registry tells: of ECR's tags everything comes with the list, elsewhere each costs a
request.)";

/// What the word that was typed asks for.
enum class Wanted { anything, repositories, tags };

struct Flags {
  std::string what;
  bool json = false;
  bool details = false;
  bool full = false;
  bool no_digest_tags = false;
  TagChoice choice;
  ReadingFlags reading;
};

using Json = nlohmann::ordered_json;

std::string in_column(std::string text, std::size_t width) {
  if (text.size() < width) text.resize(width, ' ');
  return text + "  ";
}

std::string date_of(std::chrono::system_clock::time_point time) {
  return format_timestamp(std::chrono::floor<std::chrono::seconds>(time));
}

std::string platforms_text(const std::vector<Platform>& platforms) {
  std::string out;
  for (const Platform& each : platforms) out += (out.empty() ? "" : ",") + printable(each.to_string(), 60);
  return out;
}

std::string long_line(const std::string& name, const ListedTag& tag) {
  std::string line = in_column(name, 24);
  line += in_column(tag.digest ? tag.digest->to_string() : "-", 71);
  line += in_column(tag.size ? human_size(*tag.size) : "-", 7);
  line += in_column(tag.pushed ? date_of(*tag.pushed) : "-", 20);
  line += !tag.platforms.empty()       ? platforms_text(tag.platforms)
          : !tag.artifact_type.empty() ? printable(tag.artifact_type, 100)
                                       : printable(tag.media_type, 100);
  return line + "\n";
}

Json to_json(const ListedTag& tag) {
  Json out{{"Tag", tag.name}};
  if (tag.digest) out["Digest"] = tag.digest->to_string();
  if (!tag.media_type.empty()) out["MediaType"] = tag.media_type;
  if (!tag.artifact_type.empty()) out["ArtifactType"] = tag.artifact_type;
  if (tag.size) out["Size"] = *tag.size;
  if (tag.pushed) out["Pushed"] = date_of(*tag.pushed);
  for (const Platform& each : tag.platforms) out["Platforms"].push_back(each.to_string());
  return out;
}

/// The exit code where the page could not be printed, which has been said already.
Error not_printed() {
  return Error{.code = Errc::local_io, .message = "stdout"};
}

/// Writes a JSON object with one long list in it as the entries come.
class LongList {
 public:
  explicit LongList(std::string front) : front_(std::move(front)) {}

  void add(const std::string& entry, std::string& out) {
    out += (begun_ ? ",\n        " : front_ + "[\n        ") + entry;
    begun_ = true;
  }
  [[nodiscard]] std::string end() const { return begun_ ? "\n    ]\n}\n" : front_ + "[]\n}\n"; }

 private:
  const std::string front_;
  bool begun_ = false;
};

class Listing {
 public:
  Listing(const Flags& flags, Client& client, ListOptions options)
      : flags_(flags), client_(client), options_(std::move(options)) {}

  /// The names in a file are listed likewise; "Repository" or "File" says which it is.
  int tags(const std::string& repository, const char* kind) {
    if (flags_.no_digest_tags) options_.choice.exclude.emplace_back("sha256-[a-f0-9]{64}.*");
    LongList list(std::string("{\n    \"") + kind + "\": " + json_line(repository) + ",\n    \"" +
                  (flags_.details ? "Images" : "Tags") + "\": ");
    const auto listed =
        client_.list_tags(repository, options_, [&](std::span<const ListedTag> page) -> Result<> {
          std::string out;
          for (const ListedTag& tag : page) {
            if (flags_.json) {
              list.add(flags_.details ? json_line(to_json(tag)) : json_line(tag.name), out);
            } else {
              const std::string name = printable(flags_.full ? repository + ":" + tag.name : tag.name, 5000);
              out += flags_.details ? long_line(name, tag) : name + "\n";
            }
          }
          return shown(out);
        });
    return ended(listed, list);
  }

  int repositories(const std::string& registry) {
    LongList list("{\n    \"Registry\": " + json_line(registry) + ",\n    \"Repositories\": ");
    const auto listed = client_.list_repositories(
        registry, options_, [&](std::span<const ListedRepository> page) -> Result<> {
          std::string out;
          for (const ListedRepository& each : page) {
            const std::string name = flags_.full ? registry + "/" + each.name : each.name;
            if (flags_.json) {
              Json entry{{"Name", each.name}};
              if (each.created) entry["Created"] = date_of(*each.created);
              list.add(flags_.details ? json_line(entry) : json_line(each.name), out);
            } else if (flags_.details && each.created) {
              out += in_column(name, 40) + date_of(*each.created) + "\n";
            } else {
              out += name + "\n";
            }
          }
          return shown(out);
        });
    return ended(listed, list);
  }

 private:
  Result<> shown(const std::string& text) {
    if (print(text)) return {};
    printing_failed_ = true;
    return not_printed();
  }

  int ended(const Result<>& listed, const LongList& list) {
    if (printing_failed_) return kLocal;
    if (!listed) return fail(listed.error());
    return !flags_.json || print(list.end()) ? kOk : kLocal;
  }

  const Flags& flags_;
  Client& client_;
  ListOptions options_;
  bool printing_failed_ = false;
};

/// An image has no tags to choose from.
Result<> check_flags_of_image(const Flags& flags) {
  const TagChoice& choice = flags.choice;
  const char* meant_for_lists = !choice.include.empty()   ? "--include"
                                : !choice.exclude.empty() ? "--exclude"
                                : !choice.semver.empty()  ? "--semver"
                                : choice.latest           ? "--latest"
                                : flags.no_digest_tags    ? "--omit-digest-tags (-O)"
                                                          : nullptr;
  if (meant_for_lists == nullptr) return {};
  return usage(std::string(meant_for_lists) + " chooses among tags, and " + printable(flags.what, 160) +
                   " is one image",
               "leave out the tag to list the repository; --platform chooses among platforms");
}

int show_platforms(const Flags& flags, const Signals& signals) {
  const auto sensible = check_flags_of_image(flags);
  if (!sensible) return fail(sensible.error());
  return look_at(flags.what, flags.reading, signals,
                 [&](Client&, const OpenedImage& image, const CallContext& context) {
                   if (flags.full && !image.reference)
                     return fail(usage("a file has no references for --full-ref"));
                   const std::string front = flags.full ? image.reference->name() + "@" : "";
                   const auto listed = platforms_of(*image.source, image.root, context);
                   if (!listed) return fail(listed.error());
                   std::string out;
                   Json entries = Json::array();
                   for (const PlatformImage& each : *listed) {
                     const std::string platform = each.attestation ? "attestation"
                                                  : each.platform  ? each.platform->to_string()
                                                                   : "-";
                     out += in_column(printable(platform, 60), 18) + front + each.manifest.digest.to_string();
                     if (flags.details)
                       out += "  " + in_column(human_size(each.manifest.size), 7) +
                              printable(each.manifest.media_type, 100);
                     out += "\n";
                     Json entry{{"digest", each.manifest.digest.to_string()},
                                {"mediaType", each.manifest.media_type},
                                {"size", each.manifest.size}};
                     if (each.platform) entry["platform"] = each.platform->to_string();
                     if (each.attestation) entry["attestation"] = true;
                     entries.push_back(std::move(entry));
                   }
                   if (flags.json)
                     out = json_text({{"name", image.name},
                                      {"digest", image.root.digest.to_string()},
                                      {"platforms", std::move(entries)}});
                   return print(out) ? kOk : kLocal;
                 });
}

/// What the flags about credentials are for: the registry in it.
std::string as_argument(const std::string& text) {
  const std::string bare = text.starts_with("docker://") ? text.substr(9) : text;
  if (text.starts_with("ecr:")) return text;
  const std::string word = bare.ends_with('/') ? bare.substr(0, bare.size() - 1) : bare;
  return word.find('/') == std::string::npos && (bare != word || Reference::names_registry(word + "/any"))
             ? as_image(word + "/any")
             : text;
}

int run(const Flags& flags, Wanted wanted, const Signals& signals) {
  auto settings = flags.reading.client_options({as_argument(flags.what)});
  if (!settings) return fail(settings.error());
  const auto limit = flags.reading.connection.time_limit();
  if (!limit) return fail(limit.error());
  Client client(*std::move(settings));
  const bool slash = wanted == Wanted::repositories && flags.what.find('/') == std::string::npos &&
                     !flags.what.starts_with("ecr:");
  const auto place = client.place(slash ? flags.what + "/" : flags.what, signals.stop());
  if (!place) return fail(place.error());
  using Kind = ListPlace::Kind;
  if (wanted == Wanted::repositories && place->kind != Kind::registry)
    return fail({.code = Errc::invalid_argument,
                 .message = printable(flags.what, 160) + " is not a registry alone",
                 .hint = "davit ls lists tags and platforms too"});
  Listing listing(
      flags, client,
      {.choice = flags.choice, .details = flags.details, .stop = signals.stop(), .timeout = *limit});
  if (place->kind == Kind::registry && wanted != Wanted::tags) return listing.repositories(place->name);
  if (place->kind == Kind::image && wanted != Wanted::tags) return show_platforms(flags, signals);
  const bool file = place->kind == Kind::file || place->kind == Kind::image;
  return listing.tags(place->name, file ? "File" : "Repository");
}

void add(CLI::App& app, Action& action, const char* name, Wanted wanted) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand(name, kDescription);
  if (wanted != Wanted::anything) command->group("");  // other tools' words for a part of it
  command->add_option("WHAT", flags->what, "REGISTRY, REPOSITORY or image")->required();
  with_environment(command->add_flag("--json", flags->json, "one JSON object; of tags with skopeo's names"));
  with_environment(
      command->add_flag("-l,--long", flags->details, "with digests, sizes and dates, where they are told"));
  with_environment(command->add_flag("--full-ref", flags->full, "whole references instead of names"));
  with_environment(command->add_flag("-O,--omit-digest-tags,--exclude-digest-tags", flags->no_digest_tags,
                                     "no tags such as sha256-DIGEST.sig, which belong to an image"));
  with_environment(command->add_option("--include", flags->choice.include,
                                       "only names that this pattern matches as a whole"))
      ->type_name("REGEX")
      ->allow_extra_args(false);
  with_environment(
      command->add_option("--exclude", flags->choice.exclude, "no names that this pattern matches"))
      ->type_name("REGEX")
      ->allow_extra_args(false);
  with_environment(
      command->add_option("--semver", flags->choice.semver, "only versions in this range, as npm writes it"))
      ->type_name("RANGE")
      ->check(not_empty());
  with_environment(
      command->add_option("--latest", flags->choice.latest, "only so many, the newest in version order"))
      ->type_name("N")
      ->check(CLI::Range(1, 1'000'000));
  flags->reading.add_to(*command);
  command->callback([flags, wanted, &action] {
    action = [flags, wanted](const Signals& signals) { return run(*flags, wanted, signals); };
  });
}

}  // namespace

void add_ls(CLI::App& app, Action& action) {
  add(app, action, "ls", Wanted::anything);
  add(app, action, "tags", Wanted::tags);
  add(app, action, "list-tags", Wanted::tags);
  add(app, action, "catalog", Wanted::repositories);
}

}  // namespace davit::tool
