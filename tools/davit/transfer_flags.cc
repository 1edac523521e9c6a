#include "transfer_flags.h"

#include <algorithm>
#include <initializer_list>

#include "flag_values.h"
#include "usage.h"

namespace davit::tool {
namespace {

/// Moves options of `command`, as far as it has them, below a heading of their own in its help.
void put_below(CLI::App& command, const char* heading, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (CLI::Option* option = command.get_option_no_throw(name)) option->group(heading);
  }
}

}  // namespace

Result<CopyOptions> TransferFlags::options() const {
  CopyOptions options;
  options.tags = tags;
  auto platforms = platform.chosen();
  if (!platforms) return platforms.error();
  options.platforms = *std::move(platforms);
  options.resume = resume.value_or(true);
  options.sync = !no_sync;
  if (all_tags) options.all_tags = choice;
  const bool chosen =
      !choice.include.empty() || !choice.exclude.empty() || !choice.semver.empty() || choice.latest;
  if (chosen && !all_tags)
    return usage("--include, --exclude, --semver and --latest choose among all tags", "add --all-tags");
  options.referrers = referrers;
  options.digest_tags = digest_tags;
  if (auto read = compression.apply(options); !read) return read.error();
  options.reuse = reuse == "off"        ? Reuse::off
                  : reuse == "tag"      ? Reuse::tag
                  : reuse == "verified" ? Reuse::verified
                                        : Reuse::repository;
  options.reuse_from = reuse_from;
  if (no_clobber) options.on_existing_tag = OnExistingTag::fail;
  options.preserve_digests = preserve_digests;
  if (!create_repo.empty()) {
    auto how = parse_new_repository(create_repo);
    if (!how) return how.error();
    options.create_repository = *std::move(how);
  }
  if (exit_code && !dry_run && was_typed(*app_, "--exit-code"))
    return usage("--exit-code says what a --dry-run found", "add --dry-run");
  auto limit = connection.time_limit();
  if (!limit) return limit.error();
  options.timeout = *limit;
  return options;
}

void TransferFlags::add_to(CLI::App& command, Verb verb) {
  app_ = &command;
  const auto add = [](CLI::Option* option) { return with_environment(option); };
  const bool moves = verb != Verb::index;
  add(command.add_option("-t,--tag", tags, moves ? "a further tag for every destination" : "a further tag"))
      ->type_name("TAG")
      ->allow_extra_args(false);
  compression.add_to(command, moves ? CompressionFlags::For::images : CompressionFlags::For::index);
  add(command.add_option("--reuse", reuse, "how far to trust the repository's earlier images about layers"))
      ->type_name("off|tag|repo|verified")
      ->check(CLI::IsMember({"off", "tag", "repo", "verified"}));
  add(command.add_option("--reuse-from", reuse_from, "a further tag to learn layers from"))
      ->type_name("TAG")
      ->allow_extra_args(false);
  add(command.add_flag("-n,--no-clobber", no_clobber, "do not move a tag that points at something else"));
  add(command.add_flag("--create-repo{yes}", create_repo,
                       "make an ECR repository that is missing; =immutable,scan,kms=KEY says how"))
      ->type_name("SETTINGS");
  platform.add_to(command,
                  moves ? "only this platform of an index, as linux/arm64; several give an index of them"
                        : "only these platforms, all of which have to be there; also what {arch} stands for");
  if (moves)
    add(command.add_flag("--preserve-digests", preserve_digests,
                         "refuse what would change the image's digest"));
  if (verb == Verb::copy) {
    add(command.add_flag("-a,--all-tags", all_tags,
                         "every tag of the source's repository, each under its name"));
    add(command.add_option("--include", choice.include, "only tags that this pattern matches as a whole"))
        ->type_name("REGEX")
        ->allow_extra_args(false);
    add(command.add_option("--exclude", choice.exclude, "no tags that this pattern matches"))
        ->type_name("REGEX")
        ->allow_extra_args(false);
    add(command.add_option("--semver", choice.semver, "only versions in this range, as npm writes it"))
        ->type_name("RANGE")
        ->check(not_empty());
    add(command.add_option("--latest", choice.latest, "only so many, the newest in version order"))
        ->type_name("N")
        ->check(CLI::Range(1, 1'000'000));
  }
  if (moves) {
    add(command.add_flag("--referrers", referrers,
                         "also what refers to the image: signatures, SBOMs, any artifact"));
    add(command.add_flag("--digest-tags", digest_tags,
                         "also what is kept under tags such as sha256-DIGEST.sig, as cosign does"));
  }
  if (verb != Verb::push) {
    add_choice(command, "--resume", "--no-resume", resume,
               "go on with what an interrupted run left (the default)",
               "start anew, and leave nothing behind");
    add(command.add_flag("--no-sync", no_sync, "do not wait until files are on the disk"));
  }
  add(command.add_flag("--dry-run", dry_run, "say what would be done and do nothing"));
  add(command.add_flag("--exit-code", exit_code, "with --dry-run: exit 10 when something would change"));
  add(command.add_flag("--json", json, "one JSON object per destination on stdout"));
  add(command.add_option("--digest-file,--digestfile", digest_file, "write the digest to this file"))
      ->type_name("FILE");
  connection.add_to(command);
  if (verb != Verb::push) connection.source_credentials.add_to(command, "src-", ", for the source");
  if (verb != Verb::pull)
    connection.destination_credentials.add_to(command, "dest-", ", for the destinations");
  connection.aws.add_to(command, "", "");
  connection.source_aws.add_to(command, "src-", ", for the source");
  connection.destination_aws.add_to(command, "dest-", ", for the destinations");
  output.add_to(command);
  put_below(command, "Choice of tags", {"--all-tags", "--include", "--exclude", "--semver", "--latest"});
  put_below(
      command, "Layers and manifests",
      {"--compress", "--recompress", "--oci", "--docker", "--preserve-digests", "--reuse", "--reuse-from"});
}

}  // namespace davit::tool
