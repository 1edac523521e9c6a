#include <memory>

#include <nlohmann/json.hpp>

#include "commands/commands.h"
#include "editing.h"
#include "exit_code.h"
#include "usage.h"

namespace davit::tool {
namespace {

constexpr const char* kDescription =
    R"(change environment, labels, command, annotations of an image

NAME=VALUE sets, NAME= sets to the empty value, NAME alone removes. Lists are separated by commas, or JSON:
--cmd 'sh,-c,date' or --cmd '["sh","-c","date"]'; an empty one removes. A new --entrypoint without --cmd
removes the command, as in Dockerfiles. The images of an index are all changed. Everything else stays: the
layers, and what davit does not know. The creation time becomes SOURCE_DATE_EPOCH, or stays.)";

struct MutateFlags {
  EditingFlags editing;
  std::vector<std::string> environment;
  std::vector<std::string> labels;
  std::vector<std::string> annotations;
  std::vector<std::string> entrypoint;
  std::vector<std::string> command;
  std::vector<std::string> ports;
  std::optional<std::string> user;
  std::optional<std::string> working_directory;
  std::string created;
  std::string platform;

  void add_to(CLI::App& app);
  /// Errors: invalid_argument.
  [[nodiscard]] Result<ImageChanges> changes() const;

 private:
  const CLI::App* app_ = nullptr;
};

void MutateFlags::add_to(CLI::App& app) {
  app_ = &app;
  editing.add_to(app, "the image");
  const auto each = [&](const char* names, std::vector<std::string>& into, const char* type,
                        const char* help) {
    with_environment(app.add_option(names, into, help))->type_name(type)->allow_extra_args(false);
  };
  each("-e,--env", environment, "NAME[=VALUE]", "a variable of the environment");
  each("-l,--label", labels, "NAME[=VALUE]", "a label");
  each("-a,--annotation", annotations, "NAME[=VALUE]",
       "an annotation of the manifest; Docker manifests, which have none, become OCI ones");
  each("--entrypoint", entrypoint, "LIST", "what containers start");
  each("--cmd", command, "LIST", "its arguments, or what containers start where there is no entrypoint");
  with_environment(app.add_option("-u,--user", user, "whom containers run as; empty for the default"))
      ->type_name("USER");
  with_environment(app.add_option("-w,--workdir", working_directory, "where they start"))->type_name("DIR");
  each("--exposed-ports", ports, "LIST", "all ports they listen on, as 8080/tcp,53/udp; empty for none");
  with_environment(app.add_option("--created", created,
                                  "when the image was made: 2024-05-01T12:00:00Z, or seconds since 1970"))
      ->type_name("TIME");
  with_environment(app.add_option("--set-platform", platform, "which platform the image is for"))
      ->type_name("OS/ARCH[/VARIANT]");
}

Result<std::vector<Setting>> settings(const std::vector<std::string>& texts, const std::string& flag) {
  std::vector<Setting> out;
  for (const std::string& text : texts) {
    auto setting = Setting::parse(text);
    if (!setting) return setting.error().with_context(flag);
    out.push_back(*std::move(setting));
  }
  return out;
}

/// "a,b" or '["a","b"]', once or several times.
Result<std::vector<std::string>> list(const std::vector<std::string>& texts, const std::string& flag) {
  std::vector<std::string> out;
  for (const std::string& text : texts) {
    if (text.starts_with('[')) {
      const auto parsed = nlohmann::json::parse(text, nullptr, false);
      if (!parsed.is_array()) return usage(flag + ": not a JSON list", R"(write ["sh","-c","date"])");
      for (const auto& item : parsed) {
        if (!item.is_string()) return usage(flag + ": a list of something else than strings");
        out.push_back(item.get<std::string>());
      }
      continue;
    }
    for (std::size_t at = 0; !text.empty() && at <= text.size();) {
      const std::size_t comma = std::min(text.find(',', at), text.size());
      out.push_back(text.substr(at, comma - at));
      at = comma + 1;
    }
  }
  return out;
}

Result<ImageChanges> MutateFlags::changes() const {
  ImageChanges out;
  const std::pair<const std::vector<std::string>*, std::vector<Setting>*> all[] = {
      {&environment, &out.environment}, {&labels, &out.labels}, {&annotations, &out.annotations}};
  const char* const flags[] = {"--env", "--label", "--annotation"};
  for (std::size_t i = 0; i < std::size(all); ++i) {
    auto read = settings(*all[i].first, flags[i]);
    if (!read) return read.error();
    *all[i].second = *std::move(read);
  }
  const std::pair<const std::vector<std::string>*, std::optional<std::vector<std::string>>*> lists[] = {
      {&entrypoint, &out.entrypoint}, {&command, &out.command}, {&ports, &out.exposed_ports}};
  const char* const list_flags[] = {"--entrypoint", "--cmd", "--exposed-ports"};
  for (std::size_t i = 0; i < std::size(lists); ++i) {
    if (app_->get_option(list_flags[i])->count() == 0) continue;
    auto read = list(*lists[i].first, list_flags[i]);
    if (!read) return read.error();
    *lists[i].second = *std::move(read);
  }
  out.user = user;
  out.working_directory = working_directory;
  if (!created.empty()) {
    auto time = parse_created(created);
    if (!time) return time.error().with_context("--created");
    out.created = *time;
  }
  if (!platform.empty()) {
    auto parsed = Platform::parse(platform);
    if (!parsed) return parsed.error();
    out.platform = *std::move(parsed);
  }
  if (out.empty())
    return usage("nothing to change was said", "davit mutate --help lists what can be changed");
  return out;
}

}  // namespace

void add_mutate(CLI::App& app, Action& action) {
  auto flags = std::make_shared<MutateFlags>();
  CLI::App* command = app.add_subcommand("mutate", kDescription);
  flags->add_to(*command);
  command->get_option("SRC")->required();
  command->callback([flags, &action] {
    action = [flags](const Signals& signals) {
      const auto changes = flags->changes();
      if (!changes) return fail(changes.error());
      return edit_image(flags->editing, {}, signals,
                        [&](const OpenedImage& image, const EditContext& context) {
                          return change_image(image, *changes, context.edit);
                        });
    };
  });
}

}  // namespace davit::tool
