#include <algorithm>
#include <memory>

#include <nlohmann/json.hpp>

#include "changing.h"
#include "commands/commands.h"
#include "error_json.h"
#include "exit_code.h"
#include "ui/json_text.h"
#include "ui/terminal_text.h"

namespace davit::tool {
namespace {

constexpr const char* kDescription =
    R"(delete tags, or images with all their tags

A REF with a tag is about that tag alone, and the image stays: where a registry cannot delete a tag without
its image, nothing is deleted, a sentence says so, and the exit code is 1. A REF with a digest is about the
image and all its tags. What was deleted is printed, a line each, also where the rest could not be: then the
exit code is 7. Of an OCI layout (oci:DIR:TAG) the tag goes out of index.json and all blobs stay. With
--with-referrers the image goes first: where it cannot be deleted, what refers to it stays. --dry-run says
where only trying shows whether the registry does it.)";

struct Flags {
  std::vector<std::string> references;
  bool with_referrers = false;
  bool dry_run = false;
  bool exit_code = false;
  bool force = false;
  ChangingFlags changing;
};

const char* word_of(Removed::What what) {
  return what == Removed::What::tag ? "tag" : what == Removed::What::manifest ? "manifest" : "referrer";
}

nlohmann::ordered_json to_json(const Removal& removal) {
  nlohmann::ordered_json out{{"reference", removal.reference}, {"deleted", nlohmann::ordered_json::array()}};
  for (const Removed& each : removal.removed) {
    out["deleted"].push_back(
        {{"kind", word_of(each.what)}, {"name", each.name}, {"digest", each.digest.to_string()}});
    if (each.may_be_refused) out["deleted"].back()["mayBeRefused"] = true;
  }
  if (removal.error) out["error"] = tool::to_json(*removal.error);
  return out;
}

int code_of(const std::vector<Removal>& removals, bool dry_run) {
  const auto first =
      std::ranges::find_if(removals, [](const Removal& each) { return each.error.has_value(); });
  if (first == removals.end()) return kOk;
  const bool some = std::ranges::any_of(
      removals, [&](const Removal& each) { return !each.error || (!dry_run && !each.removed.empty()); });
  return some ? kPartial : exit_code(first->error->code);
}

int run(const Flags& flags, const Signals& signals) {
  auto settings = flags.changing.client_options(flags.references);
  if (!settings) return fail(settings.error());
  const auto limit = flags.changing.connection.time_limit();
  if (!limit) return fail(limit.error());
  if (flags.exit_code && !flags.dry_run)
    return fail({.code = Errc::invalid_argument,
                 .message = "--exit-code says what a --dry-run found",
                 .hint = "add --dry-run"});
  Client client(*std::move(settings));
  const RemoveOptions options{
      .with_referrers = flags.with_referrers, .stop = signals.stop(), .timeout = *limit};
  const auto removals = flags.dry_run ? client.plan_remove(flags.references, options)
                                      : client.remove(flags.references, options);
  if (!removals) return fail(removals.error());
  std::string text;
  for (const Removal& removal : *removals) {
    for (const std::string& note : removal.notes) say(note);
    if (removal.error) complain(removal.error->to_string(), removal.error->hint);
    if (flags.changing.json) {
      text += json_line(to_json(removal)) + "\n";
      continue;
    }
    for (const Removed& each : removal.removed)
      text += !flags.dry_run ? each.name + "\n"
                             : std::string("would delete ") + word_of(each.what) + " " + each.name +
                                   (each.may_be_refused ? ", unless the registry refuses" : "") + "\n";
  }
  if (!print(text)) return kLocal;
  const int code = code_of(*removals, flags.dry_run);
  return code == kOk && flags.dry_run && flags.exit_code ? kWouldChange : code;
}

}  // namespace

void add_delete(CLI::App& app, Action& action) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("delete", kDescription);
  command->alias("rm");
  command->add_option("REF", flags->references, "a tag, or an image by its digest")->required();
  with_environment(command->add_flag("--with-referrers", flags->with_referrers,
                                     "of an image also what refers to it: signatures, SBOMs, any artifact"));
  with_environment(command->add_flag("--dry-run", flags->dry_run, "say what would be deleted"));
  with_environment(
      command->add_flag("--exit-code", flags->exit_code, "with --dry-run: exit 10 when something would be"));
  command->add_flag("-f,--force", flags->force)->group("");  // other tools ask first
  flags->changing.add_to(*command, "one JSON object per REF");
  command->callback(
      [flags, &action] { action = [flags](const Signals& signals) { return run(*flags, signals); }; });
}

}  // namespace davit::tool
