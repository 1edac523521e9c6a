#include <memory>

#include <nlohmann/json.hpp>

#include "commands/commands.h"
#include "exit_code.h"
#include "shared_flags.h"
#include "ui/terminal_text.h"

namespace davit::tool {
namespace {

constexpr const char* kCheck = R"(show a repository's settings, or compare them with the ones given

Without flags that say what is wanted the settings are shown. With some, what differs is printed, and --apply
corrects it; what is not named stays as it is. An encryption that differs is a conflict, exit code 4, for it
cannot be changed later.)";

struct Flags {
  std::string repository;
  std::optional<bool> immutable;
  std::vector<std::string> mutable_tags;
  std::optional<bool> scan;
  std::string kms;
  std::vector<std::string> resource_tags;
  bool if_missing = false;
  bool apply = false;
  bool exit_code = false;
  bool json = false;
  IdentityFlags identity;
};

Result<RepositoryWishes> wishes_of(const Flags& flags) {
  RepositoryWishes out{.immutable = flags.immutable,
                       .mutable_tags = flags.mutable_tags,
                       .scan = flags.scan,
                       .kms_key = flags.kms == "yes" ? "default" : flags.kms};
  if (!flags.mutable_tags.empty()) {
    if (!flags.immutable.value_or(false))
      return Error{.code = Errc::invalid_argument, .message = "--mutable-tag goes with --immutable"};
  }
  for (const std::string& each : flags.resource_tags) {
    const auto equals = each.find('=');
    if (equals == std::string::npos || equals == 0)
      return Error{.code = Errc::invalid_argument,
                   .message = "--resource-tag " + each + ": not KEY=VALUE",
                   .hint = "for instance --resource-tag team=blue"};
    out.resource_tags[each.substr(0, equals)] = each.substr(equals + 1);
  }
  return out;
}

std::string shown(const RepositoryInfo& info, bool json) {
  if (json) {
    const nlohmann::json out = {{"name", info.name},
                                {"arn", info.arn},
                                {"tagMutability", info.tag_mutability},
                                {"mutableTags", info.mutable_tags},
                                {"scanOnPush", info.scan},
                                {"encryption", info.encryption},
                                {"kmsKey", info.kms_key},
                                {"resourceTags", info.resource_tags}};
    return out.dump() + "\n";
  }
  std::string text = "repository   " + info.name + "\ntags         " + info.tag_mutability;
  for (const std::string& each : info.mutable_tags) text += " " + each;
  text += std::string("\nscan on push ") + (info.scan ? "on" : "off") + "\nencryption   " + info.encryption;
  if (!info.kms_key.empty()) text += " " + info.kms_key;
  text += "\n";
  for (const auto& [key, value] : info.resource_tags) text += "resource tag " + key + "=" + value + "\n";
  return text;
}

int create(const Flags& flags, const Signals& signals) {
  const auto wishes = wishes_of(flags);
  if (!wishes) return fail(wishes.error());
  auto options = flags.identity.client_options();
  if (!options) return fail(options.error());
  Client client(*std::move(options));
  const NewRepository how{.immutable = wishes->immutable.value_or(false),
                          .mutable_tags = wishes->mutable_tags,
                          .scan = wishes->scan.value_or(false),
                          .kms_key = wishes->kms_key,
                          .resource_tags = wishes->resource_tags};
  const auto made = client.create_repository(flags.repository, how, signals.stop());
  if (!made && made.error().code == Errc::already_exists && flags.if_missing) {
    const auto there = client.repository_info(flags.repository, signals.stop());
    if (!there) return fail(there.error());
    return print(flags.json ? shown(*there, true) : there->name + "\n") ? kOk : kLocal;
  }
  if (!made) return fail(made.error());
  return print(flags.json ? shown(*made, true) : made->name + "\n") ? kOk : kLocal;
}

/// Without wishes it shows; with some it compares, and with --apply it corrects.
int check(const Flags& flags, const Signals& signals) {
  const auto wishes = wishes_of(flags);
  if (!wishes) return fail(wishes.error());
  auto options = flags.identity.client_options();
  if (!options) return fail(options.error());
  Client client(*std::move(options));
  const bool compares =
      wishes->immutable || wishes->scan || !wishes->kms_key.empty() || !wishes->resource_tags.empty();
  if (!compares && flags.apply)
    return fail({.code = Errc::invalid_argument,
                 .message = "--apply without a setting to apply",
                 .hint = "for instance --immutable, or --no-scan"});
  if (!compares) {
    const auto info = client.repository_info(flags.repository, signals.stop());
    if (!info) return fail(info.error());
    return print(shown(*info, flags.json)) ? kOk : kLocal;
  }
  const auto changes = client.adjust_repository(flags.repository, *wishes,
                                                flags.apply ? Adjust::apply : Adjust::report, signals.stop());
  if (!changes) return fail(changes.error());
  std::string text;
  if (flags.json) text = nlohmann::json{{"changes", *changes}, {"applied", flags.apply}}.dump() + "\n";
  for (const std::string& change : *changes) {
    if (!flags.json) text += change + "\n";
  }
  if (!print(text)) return kLocal;
  if (changes->empty()) say("everything is as wanted");
  return flags.exit_code && !flags.apply && !changes->empty() ? kWouldChange : kOk;
}

}  // namespace

void add_ecr(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("ecr", "make, show and check repositories of Amazon ECR");
  command->require_subcommand(1);
  const auto add = [&](const char* name, const char* help, int (*run)(const Flags&, const Signals&)) {
    auto flags = std::make_shared<Flags>();
    CLI::App* sub = command->add_subcommand(name, help);
    sub->add_option("REPOSITORY", flags->repository, "HOST/REPO or ecr:REPO")->required();
    add_choice(*sub, "--immutable", "--mutable", flags->immutable, "tags cannot be moved",
               "tags can be moved");
    with_environment(sub->add_option("--mutable-tag", flags->mutable_tags,
                                     "with --immutable: a pattern with * of tags that can"))
        ->type_name("PATTERN")
        ->allow_extra_args(false);
    add_choice(*sub, "--scan", "--no-scan", flags->scan, "scan every image when it is pushed",
               "do not scan images when they are pushed");
    with_environment(sub->add_flag("--kms{yes}", flags->kms, "encrypt with KMS; =KEY says with which key"))
        ->type_name("KEY");
    with_environment(sub->add_option("--resource-tag", flags->resource_tags, "tag of the repository itself"))
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
    with_environment(sub->add_flag("--json", flags->json, "one JSON object"));
    flags->identity.add_to(*sub);
    sub->callback([flags, run, &action] {
      action = [flags, run](const Signals& signals) { return run(*flags, signals); };
    });
    return std::pair(sub, flags);
  };
  const auto [made, made_flags] = add("create", "make a repository of Amazon ECR", create);
  with_environment(
      made->add_flag("--if-missing", made_flags->if_missing, "one that is there is fine as it is"));
  const auto [checked, checked_flags] = add("check", kCheck, check);
  with_environment(checked->add_flag("--apply", checked_flags->apply, "correct what differs"));
  with_environment(
      checked->add_flag("--exit-code", checked_flags->exit_code, "exit 10 when something differs"));
  add_whoami(*command, action);
}

}  // namespace davit::tool
