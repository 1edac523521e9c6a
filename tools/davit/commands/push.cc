#include <algorithm>
#include <memory>
#include <mutex>
#include <thread>

#include <davit/client.h>

#include "commands/commands.h"
#include "digest_file.h"
#include "exit_code.h"
#include "report.h"
#include "shared_flags.h"
#include "ui/terminal_text.h"

namespace davit::tool {
namespace {

constexpr const char* kDescription =
    R"(push an image from a tarball, a layout or standard input into registries

SRC is a path (docker save tarball, OCI archive or layout directory, gzip or zstd around it is seen
through), - for standard input, docker-archive:FILE[:NAME:TAG], docker-archive:FILE:@N,
oci-archive:FILE[:TAG], oci:DIR[:TAG] or a registry reference. DST is registry/repository[:TAG,...];
{repo} and {tag} are filled from each image of the source. Several DST are served from one reading.)";

struct Flags {
  std::string source;
  std::vector<std::string> destinations;
  std::vector<std::string> tags;
  std::string compress;
  std::string level;
  bool oci = false;
  bool docker = false;
  std::string format;
  std::string reuse = "repo";
  std::vector<std::string> reuse_from;
  bool no_clobber = false;
  std::string create_repo;
  bool preserve_digests = false;
  bool dry_run = false;
  bool exit_code = false;
  bool json = false;
  std::string digest_file;
  bool all = false;
  bool insecure = false;
  ConnectionFlags connection;
  OutputFlags output;
};

Error usage(std::string message, std::string hint = {}) {
  return Error{.code = Errc::invalid_argument, .message = std::move(message), .hint = std::move(hint)};
}

/// `gzip`, `zstd:3`, `none`, `keep`.
Result<> read_compression(const Flags& flags, PushOptions& options) {
  std::string kind = flags.compress;
  std::string level = flags.level;
  if (const auto colon = kind.find(':'); colon != std::string::npos) {
    level = kind.substr(colon + 1);
    kind.resize(colon);
  }
  if (kind == "gzip") {
    options.compression = LayerCompression::gzip;
  } else if (kind == "zstd") {
    options.compression = LayerCompression::zstd;
  } else if (kind == "none") {
    options.compression = LayerCompression::none;
  } else if (kind == "keep") {
    options.compression = LayerCompression::none;
    options.keep_archive_layers = true;
  } else if (!kind.empty()) {
    return usage("--compress " + kind + ": not a compression",
                 "gzip, zstd, none and keep are; a level follows as in zstd:3");
  }
  if (level.empty()) return {};
  const bool number =
      level.size() <= 2 && std::ranges::all_of(level, [](char c) { return c >= '0' && c <= '9'; });
  const int value = number ? std::stoi(level) : 0;
  const int most = kind == "zstd" ? 19 : kind.empty() || kind == "gzip" ? 12 : 0;
  if (value < 1 || value > most) {
    return usage("compression level " + level + (most == 0 ? " for " + kind : std::string()),
                 "gzip has levels 1 to 12, zstd 1 to 19");
  }
  options.compression_level = value;
  return {};
}

Result<PushOptions> push_options(const Flags& flags) {
  PushOptions options;
  options.tags = flags.tags;
  if (auto read = read_compression(flags, options); !read) return read.error();
  const bool oci = flags.oci || flags.format == "oci";
  const bool docker = flags.docker || flags.format == "v2s2" || flags.format == "docker";
  if (oci && docker) return usage("--oci and --docker exclude each other");
  if (docker && options.compression == LayerCompression::zstd) {
    return usage("Docker's manifest format has no name for zstd layers",
                 "leave out --docker, or use --compress gzip");
  }
  if (oci) options.format = ManifestFormat::oci;
  if (docker) options.format = ManifestFormat::docker;
  options.reuse = flags.reuse == "off"        ? Reuse::off
                  : flags.reuse == "tag"      ? Reuse::tag
                  : flags.reuse == "verified" ? Reuse::verified
                                              : Reuse::repository;
  options.reuse_from = flags.reuse_from;
  if (flags.no_clobber) options.on_existing_tag = OnExistingTag::fail;
  options.preserve_digests = flags.preserve_digests;
  if (!flags.create_repo.empty()) {
    auto how = parse_new_repository(flags.create_repo);
    if (!how) return how.error();
    options.create_repository = *std::move(how);
  }
  if (flags.insecure)
    return usage("--insecure means different things to different tools",
                 "--tls-verify=false accepts any certificate, --plain-http leaves TLS out");
  auto limit = flags.connection.time_limit();
  if (!limit) return limit.error();
  options.timeout = *limit;
  return options;
}

/// Keeps notes until the command's own thread shows them.
class Notes final : public Observer {
 public:
  void note(const std::string& text) override {
    const std::lock_guard lock(mutex_);
    texts_.push_back(text);
  }
  std::vector<std::string> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(texts_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> texts_;
};

int fail(const Error& error) {
  complain(error.to_string(), error.hint);
  return exit_code(error.code);
}

int dry_run(Client& client, const Flags& flags, const PushOptions& options, Notes& notes) {
  const auto plans = client.plan_push(flags.source, flags.destinations, options);
  for (const std::string& text : notes.take()) say("note: " + text);
  if (!plans) return fail(plans.error());
  if (!print(flags.json ? plan_json(*plans) : plan_text(*plans, !flags.create_repo.empty()))) return kLocal;
  return flags.exit_code && std::ranges::any_of(*plans, &Plan::changes) ? kWouldChange : kOk;
}

int run(const Flags& flags, const Signals& signals) {
  auto options = push_options(flags);
  if (!options) return fail(options.error());
  auto settings = flags.connection.client_options(flags.output.verbose, flags.destinations);
  if (!settings) return fail(settings.error());
  options->stop = signals.stop();
  Notes notes;
  options->observer = &notes;
  Client client(*std::move(settings));
  if (flags.dry_run) return dry_run(client, flags, *options, notes);

  ProgressLine line(flags.output.style());
  const auto show_notes = [&] {
    for (const std::string& text : notes.take()) line.note(text);
  };
  Transfer transfer = client.start_push(flags.source, flags.destinations, *options);
  while (!transfer.wait_for(std::chrono::milliseconds(100))) {
    show_notes();
    line.update(transfer.progress());
  }
  const auto deliveries = transfer.result();
  show_notes();
  if (!deliveries) return fail(deliveries.error());
  line.update(transfer.progress());
  line.finish(transfer.progress(), *deliveries);
  complain_about(*deliveries);
  if (!print(flags.json ? json_lines(*deliveries) : reference_lines(*deliveries))) return kLocal;
  if (!flags.digest_file.empty()) {
    if (auto written = write_digest_file(flags.digest_file, *deliveries); !written)
      return fail(written.error());
  }
  return exit_code(*deliveries);
}

}  // namespace

void add_push(CLI::App& app, Action& action) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("push", kDescription);
  command->add_option("SRC", flags->source, "what to push")->required();
  command->add_option("DST", flags->destinations, "where to")->required();
  const auto add = [](CLI::Option* option) { return with_environment(option); };
  add(command->add_option("-t,--tag", flags->tags, "a further tag for every destination"))
      ->type_name("TAG")
      ->allow_extra_args(false);
  add(command->add_option("--compress,--dest-compress-format", flags->compress,
                          "for uncompressed layers: gzip (default), zstd, none or keep"))
      ->type_name("KIND[:LEVEL]");
  command->add_option("--dest-compress-level", flags->level)->group("");
  add(command->add_flag("--oci", flags->oci, "write an OCI manifest where davit writes one"));
  add(command->add_flag("--docker", flags->docker,
                        "write a Docker schema 2 manifest where davit writes one"));
  command->add_option("--format,-f", flags->format)
      ->check(CLI::IsMember({"oci", "v2s2", "docker"}))
      ->group("");
  add(command->add_option("--reuse", flags->reuse,
                          "how far to trust the repository's earlier images about layers"))
      ->type_name("off|tag|repo|verified")
      ->check(CLI::IsMember({"off", "tag", "repo", "verified"}));
  add(command->add_option("--reuse-from", flags->reuse_from, "a further tag to learn layers from"))
      ->type_name("TAG")
      ->allow_extra_args(false);
  add(command->add_flag("-n,--no-clobber", flags->no_clobber,
                        "do not move a tag that points at something else"));
  add(command->add_flag("--create-repo{yes}", flags->create_repo,
                        "make an ECR repository that is missing; =immutable,scan,kms=KEY says how"));
  add(command->add_flag("--preserve-digests", flags->preserve_digests,
                        "refuse what would change the image's digest"));
  add(command->add_flag("--dry-run", flags->dry_run, "say what would be done and do nothing"));
  add(command->add_flag("--exit-code", flags->exit_code,
                        "with --dry-run: exit 10 when something would change"));
  add(command->add_flag("--json", flags->json, "one JSON object per destination on stdout"));
  add(command->add_option("--digest-file,--digestfile", flags->digest_file, "write the digest to this file"))
      ->type_name("FILE");
  command->add_flag("--all,--all-platforms", flags->all)->group("");
  command->add_flag("--insecure", flags->insecure)->group("");
  flags->connection.add_to(*command);
  flags->connection.aws.add_to(*command, "", "");
  flags->connection.source_aws.add_to(*command, "src-", ", for the source");
  flags->connection.destination_aws.add_to(*command, "dest-", ", for the destinations");
  flags->output.add_to(*command);
  command->callback(
      [flags, &action] { action = [flags](const Signals& signals) { return run(*flags, signals); }; });
}

}  // namespace davit::tool
