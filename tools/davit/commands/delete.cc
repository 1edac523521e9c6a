#include <algorithm>
#include <memory>

#include <nlohmann/json.hpp>

#include "changing.h"
#include "commands/commands.h"
#include "exit_code.h"
#include "ui/json_text.h"
#include "ui/terminal_text.h"

namespace davit::tool {
namespace {

constexpr const char* kDescription =
    R"(delete tags, or images with all their tags, from registries

A REF with a tag is about that tag alone, and the image stays: where a registry cannot delete a tag without
its image, nothing is deleted, a sentence says so, and the exit code is 1. A REF with a digest is about the
image and all its tags. What was deleted is printed, a line each.)";

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
  nlohmann::ordered_json out{{"reference", removal.reference}};
  if (!removal.result) {
    const Error& error = removal.result.error();
    out["error"] = {{"code", std::string(to_string(error.code))}, {"message", error.to_string()}};
    if (!error.hint.empty()) out["error"]["hint"] = error.hint;
    return out;
  }
  out["deleted"] = nlohmann::ordered_json::array();
  for (const Removed& each : *removal.result)
    out["deleted"].push_back(
        {{"kind", word_of(each.what)}, {"name", each.name}, {"digest", each.digest.to_string()}});
  return out;
}

int code_of(const std::vector<Removal>& removals) {
  const auto failed = [](const Removal& removal) { return !removal.result; };
  const auto first = std::ranges::find_if(removals, failed);
  if (first == removals.end()) return kOk;
  return std::ranges::all_of(removals, failed) ? exit_code(first->result.error().code) : kPartial;
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
    if (!removal.result) complain(removal.result.error().to_string(), removal.result.error().hint);
    if (flags.changing.json) {
      text += to_json(removal).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
      continue;
    }
    if (!removal.result) continue;
    for (const Removed& each : *removal.result)
      text +=
          (flags.dry_run ? std::string("would delete ") + word_of(each.what) + " " : "") + each.name + "\n";
  }
  if (!print(text)) return kLocal;
  const int code = code_of(*removals);
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
