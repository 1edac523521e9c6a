#include "transfer_flags.h"

#include <algorithm>
#include <initializer_list>

#include "flag_values.h"

namespace davit::tool {
namespace {

Error usage(std::string message, std::string hint = {}) {
  return Error{.code = Errc::invalid_argument, .message = std::move(message), .hint = std::move(hint)};
}

/// Moves options of `command`, as far as it has them, below a heading of their own in its help.
void put_below(CLI::App& command, const char* heading, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (CLI::Option* option = command.get_option_no_throw(name)) option->group(heading);
  }
}

}  // namespace

/// `gzip`, `zstd:3`, `none`, `keep`.
Result<> TransferFlags::read_compression(CopyOptions& options) const {
  // What was typed beats the environment, under another name and as the opposite, too.
  const bool compress_typed = was_typed(*app_, "--compress");
  const bool recompress_typed = was_typed(*app_, "--recompress");
  if (compress_typed && !skopeo_format.empty())
    return usage("--compress and --dest-compress-format exclude each other",
                 "--compress " + skopeo_format + " --recompress is the same as the latter");
  std::string kind = skopeo_format.empty() ? compress : skopeo_format;
  if (kind == "keep" && recompress_typed && !compress_typed) kind.clear();
  options.recompress =
      !skopeo_format.empty() || (recompress && !(kind == "keep" && compress_typed && !recompress_typed));
  std::string chosen = skopeo_level;
  if (const auto colon = kind.find(':'); colon != std::string::npos) {
    if (chosen.empty() || compress_typed || !skopeo_format.empty()) chosen = kind.substr(colon + 1);
    kind.resize(colon);
  }
  if (kind == "gzip") {
    options.compression = LayerCompression::gzip;
  } else if (kind == "zstd") {
    options.compression = LayerCompression::zstd;
  } else if (kind == "none") {
    options.compression = LayerCompression::none;
  } else if (kind == "keep") {
    if (options.recompress)
      return usage("--compress keep leaves layers as they are, and --recompress does not",
                   "gzip, zstd and none are what layers can become");
    options.compression = LayerCompression::none;
    options.keep_archive_layers = true;
  } else if (!kind.empty()) {
    return usage("--compress " + kind + ": not a compression",
                 "gzip, zstd, none and keep are; a level follows as in zstd:3");
  }
  if (chosen.empty()) return {};
  const bool number =
      chosen.size() <= 2 && std::ranges::all_of(chosen, [](char c) { return c >= '0' && c <= '9'; });
  const int value = number ? std::stoi(chosen) : 0;
  if (kind.empty()) kind = "gzip";
  const int most = kind == "zstd" ? 19 : kind == "gzip" ? 12 : 0;
  if (value < 1 || value > most) {
    const std::string flag = chosen == skopeo_level   ? "--dest-compress-level " + chosen
                             : !skopeo_format.empty() ? "--dest-compress-format " + kind + ":" + chosen
                                                      : "--compress " + kind + ":" + chosen;
    return usage(flag + ": " + kind + " has no such level", "gzip has levels 1 to 12, zstd 1 to 19");
  }
  options.compression_level = value;
  return {};
}

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
  if (auto read = read_compression(options); !read) return read.error();
  const bool as_oci = oci || format == "oci";
  const bool as_docker = docker || format == "v2s2" || format == "docker";
  if (as_oci && as_docker) return usage("--oci and --docker exclude each other");
  if (as_docker && options.compression == LayerCompression::zstd) {
    return usage("Docker's manifest format has no name for zstd layers",
                 "leave out --docker, or use --compress gzip");
  }
  if (as_oci) options.format = ManifestFormat::oci;
  if (as_docker) options.format = ManifestFormat::docker;
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
  if (insecure)
    return usage("--insecure means different things to different tools",
                 "--tls-verify=false accepts any certificate, --plain-http leaves TLS out");
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
  add(command.add_option("--compress", compress,
                         "for uncompressed layers: gzip (default), zstd, none or keep"))
      ->type_name("KIND[:LEVEL]")
      ->check(suggested_words({"gzip", "zstd", "none", "keep"}));
  if (moves) {
    add(command.add_flag("--recompress", recompress,
                         "compressed layers become what --compress says, too; this changes the digests"));
    command.add_option("--dest-compress-format", skopeo_format)->group("");
    command.add_option("--dest-compress-level", skopeo_level)->group("");
  }
  add(command.add_flag("--oci", oci,
                       moves
                           ? "OCI manifests: written where davit writes one, converted where there are others"
                           : "an OCI index (the default)"));
  add(command.add_flag("--docker", docker,
                       moves ? "the same with Docker schema 2" : "Docker's manifest list instead"));
  command.add_option("--format,-f", format)
      ->check(known_word("--format", {"oci", "v2s2", "docker"}))
      ->group("");
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
        ->type_name("RANGE");
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
  command.add_flag("--insecure", insecure)->group("");
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
