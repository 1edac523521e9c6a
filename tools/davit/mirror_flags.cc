#include "mirror_flags.h"

#include <charconv>
#include <cstdlib>

#include "flag_values.h"
#include "units.h"
#include "usage.h"

namespace davit::tool {
namespace {

constexpr const char* kChoice = "Choice of tags";
constexpr const char* kDeleting = "Deleting";

/// Set by Kubernetes for each pod of an Indexed Job, and by AWS Batch for each child of an array job.
constexpr const char* kIndexVariables[] = {"JOB_COMPLETION_INDEX", "AWS_BATCH_JOB_ARRAY_INDEX"};

std::optional<std::size_t> number(std::string_view text) {
  std::size_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return out;
}

}  // namespace

void MirrorFlags::add_to(CLI::App& command) {
  app_ = &command;
  const auto here = [&] { return command.get_options().size(); };
  before_.begin = here();
  const auto add = [](CLI::Option* option, const char* type) {
    return with_environment(option)->type_name(type);
  };
  const auto add_list = [&](CLI::Option* option, const char* type) {
    return add(option, type)->allow_extra_args(false);
  };
  add_list(command.add_option("-t,--tag", tags, "this tag or digest; alone it takes no list of tags"), "TAG")
      ->group(kChoice);
  add_list(command.add_option("--include", choice.include, "only tags that this pattern matches as a whole"),
           "REGEX")
      ->group(kChoice);
  add_list(command.add_option("--exclude", choice.exclude, "no tags that this pattern matches"), "REGEX")
      ->group(kChoice);
  add(command.add_option("--semver", choice.semver, "only versions in this range, as npm writes it"), "RANGE")
      ->check(not_empty())
      ->group(kChoice);
  add(command.add_option("--latest", choice.latest, "only so many, the newest in version order"), "N")
      ->check(CLI::Range(1, 1'000'000))
      ->group(kChoice);
  add(command.add_option("--max-age", max_age, "only images that are not older: 30d, 12h, 1d12h"), "TIME")
      ->check(not_empty())
      ->group(kChoice);
  add(command.add_option("--min-tags", min_tags, "an error, and nothing copied, where fewer tags are chosen"),
      "N")
      ->group(kChoice);
  add_list(command.add_option("--immutable", immutable,
                              "tags that are never asked about again once they are there"),
           "REGEX")
      ->group(kChoice);
  before_.end = platforms_.begin = here();
  platform.add_to(command, "only this platform of an index, as linux/arm64; several give an index of them");
  platforms_.end = after_.begin = here();
  add_choice(command, "--referrers", "--no-referrers", referrers,
             "also what refers to the images: signatures, SBOMs (the default)",
             "nothing that refers to images");
  add_choice(command, "--digest-tags", "--no-digest-tags", digest_tags,
             "also tags such as sha256-DIGEST.sig, as cosign has them (the default)", "no such tags");
  add_list(command.add_option("--require-referrers", require_referrers,
                              "fail images without: signature, sbom, attestation, or an artifact type"),
           "TYPE");
  with_environment(
      command.add_flag("-n,--no-clobber", no_clobber, "do not move a tag that points at something else"));
  add(command.add_flag("--create-repo{yes}", create_repo,
                       "make ECR repositories that are missing; =immutable,scan,kms=KEY says how"),
      "SETTINGS");
  with_environment(
      command.add_flag("--prune", prune,
                       "at the end delete tags that the source has no longer, where they are chosen"))
      ->group(kDeleting);
  add_list(command.add_option("--protect", protect, "tags that are never deleted"), "REGEX")
      ->group(kDeleting);
  add(command.add_option("--max-deletes", max_deletes, "if there were more, delete none (100)"), "N")
      ->group(kDeleting);
  after_.end = here();
}

std::string MirrorFlags::typed() const {
  const std::string first = first_typed(before_);
  return first.empty() ? first_typed(after_) : first;
}

std::string MirrorFlags::typed_platforms() const {
  return first_typed(platforms_);
}

std::string MirrorFlags::first_typed(Positions among) const {
  const auto options = app_->get_options();
  for (std::size_t i = among.begin; i < among.end; ++i) {
    std::string name = "--" + options[i]->get_lnames().front();
    if (was_typed(*app_, name)) return name;
  }
  return {};
}

Result<MirrorJob> MirrorFlags::job() const {
  MirrorJob job;
  job.tags.names = tags;
  const bool chosen =
      !choice.include.empty() || !choice.exclude.empty() || !choice.semver.empty() || choice.latest;
  if (chosen) job.tags.choice = choice;
  if (!max_age.empty()) {
    const auto age = parse_age(max_age);
    if (!age) return usage("--max-age wants a time such as 30d, 12h or 1d12h", "w, d, h, m and s are known");
    job.tags.max_age = *age;
  }
  job.tags.min_tags = min_tags;
  job.tags.immutable = immutable;
  auto platforms = platform.chosen();
  if (!platforms) return platforms.error();
  job.platforms = *std::move(platforms);
  job.referrers = referrers.value_or(true);
  job.digest_tags = digest_tags.value_or(true);
  job.require_referrers = require_referrers;
  if (!require_referrers.empty() && !job.referrers)
    return usage("--require-referrers wants to look for what --no-referrers leaves behind",
                 "leave out one of them");
  job.replace_tags = !no_clobber;
  if (!create_repo.empty()) {
    auto how = parse_new_repository(create_repo);
    if (!how) return how.error();
    job.create_repositories = *std::move(how);
  }
  if (!prune && (!protect.empty() || max_deletes))
    return usage("--protect and --max-deletes are about --prune", "add --prune");
  job.prune.enabled = prune;
  job.prune.protect = protect;
  if (max_deletes) job.prune.max_deletes = *max_deletes;
  return job;
}

Result<MirrorShard> parse_shard(const std::string& text) {
  const auto slash = text.find('/');
  const auto count =
      number(slash == std::string::npos ? std::string_view(text) : std::string_view(text).substr(slash + 1));
  std::optional<std::size_t> index;
  if (slash != std::string::npos) {
    index = number(std::string_view(text).substr(0, slash));
  } else {
    for (const char* name : kIndexVariables) {
      if (const char* value = std::getenv(name); value != nullptr && !index) index = number(value);
    }
    if (count && !index)
      return usage(
          "--shard " + text + ": which one? neither JOB_COMPLETION_INDEX nor AWS_BATCH_JOB_ARRAY_INDEX says",
          "write --shard 0/" + text);
  }
  if (!count || !index || *count == 0)
    return usage("--shard wants I/N, as in 0/4", "parts are counted from 0");
  if (*index >= *count)
    return usage(
        "--shard " + text + ": there is no part " + std::to_string(*index) + " of " + std::to_string(*count),
        "parts are counted from 0");
  return MirrorShard{.index = *index, .count = *count};
}

}  // namespace davit::tool
