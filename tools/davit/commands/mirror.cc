#include <algorithm>
#include <memory>
#include <optional>
#include <set>

#include "commands/commands.h"
#include "exit_code.h"
#include "flag_values.h"
#include "mirror_flags.h"
#include "mirror_metrics.h"
#include "mirror_report.h"
#include "notes.h"
#include "report.h"
#include "ui/progress_line.h"
#include "ui/terminal_text.h"
#include "undo_file.h"
#include "usage.h"

namespace davit::tool {
namespace {

constexpr const char* kDescription =
    R"(keep copies of repositories in other registries and regions

Copies every image that SRC has and a DST lacks, with what refers to it, under the same tags. Each blob is
read once, whatever the number of repositories and targets that need it, and uploaded once to each registry;
other repositories there get it by mounting. What is there already costs no download. SRC is a repository,
an image of one, a pattern over a registry's repositories (* is anything but a slash, ** anything), or a
registry. DST is a repository, with {repo}, {name} or {registry} of the source in it where there are several.

  davit mirror docker.io/library/redis ecr:mirror/redis --semver '>=7' --dry-run
  davit mirror 'registry.example.com/team/*' 'ecr:mirror/{repo}' --create-repo
  davit mirror registry.example.com/app eu.example.com/app --prune
  davit mirror -f mirror.yaml --metrics /var/lib/node_exporter/davit.prom)";

struct Flags {
  const CLI::App* command = nullptr;
  std::vector<std::string> words;
  std::string file;
  bool scoped = false;
  MirrorFlags mirror;
  std::string undo;
  std::string undo_record;
  std::string shard;
  std::string metrics;
  bool keep_going = true;
  bool dry_run = false;
  bool exit_code = false;
  bool json = false;
  ConnectionFlags connection;
  OutputFlags output;
};

/// The jobs of a file. What is missing in it, where skopeo's images go, the command line says. What it says
/// about registries comes before what the configuration file does. The file may be a pipe, so it is read
/// once.
Result<std::vector<MirrorJob>> jobs_in_file(Flags& flags) {
  const auto says_itself = [&](const std::string& flag) {
    return usage(flag + ": with --file each job says that for itself", "write it into " + flags.file);
  };
  if (const std::string flag = flags.mirror.typed(); !flag.empty()) return says_itself(flag);
  auto settings = flags.connection.trust.settings();
  if (!settings) return settings.error();
  auto file = settings->read_mirror_file(flags.file);
  if (!file) return file.error();
  flags.connection.trust.known = *std::move(settings);
  for (const std::string& note : file->notes) {
    if (!flags.output.quiet) say("note: " + note);
  }
  const std::string name = flags.file == "-" ? "standard input" : flags.file;
  const std::string platforms = flags.mirror.typed_platforms();
  if (const bool all_say =
          std::ranges::none_of(file->jobs, [](const MirrorJob& job) { return job.targets.empty(); });
      all_say && !platforms.empty())
    return says_itself(platforms);
  bool used = flags.words.empty();
  for (MirrorJob& job : file->jobs) {
    if (!job.targets.empty()) continue;
    if (flags.words.empty())
      return usage(name + " does not say where its images go", "davit mirror -f " + flags.file + " DST");
    used = true;
    auto chosen = flags.mirror.platform.chosen();  // skopeo's file does not say which
    if (!chosen) return chosen.error();
    job.platforms = *std::move(chosen);
    for (const std::string& word : flags.words)
      job.targets.push_back(word + (flags.scoped ? "/{registry}/{repo}" : "/{name}"));
  }
  if (!used)
    return usage(name + " says where its images go, and so does the command line", "leave out one of them");
  return std::move(file->jobs);
}

Result<std::vector<MirrorJob>> jobs_of(Flags& flags) {
  if (!flags.file.empty()) return jobs_in_file(flags);
  if (flags.words.size() < 2)
    return usage("a mirror wants a source and where it goes",
                 "davit mirror SRC DST..., or davit mirror -f FILE");
  auto job = flags.mirror.job();
  if (!job) return job.error();
  job->sources = {flags.words.front()};
  job->targets.assign(flags.words.begin() + 1, flags.words.end());
  return std::vector<MirrorJob>{*std::move(job)};
}

/// A failure with what it is about, unless it says that itself.
Error about(const MirrorEntry& entry) {
  const std::string why = entry.error->to_string();
  MirrorEntry where = entry;
  if (entry.error->side == Side::source && !entry.source.empty()) where.target.clear();
  const std::string& place = where.target.empty() ? where.source : where.target;
  const bool named = why.find(place) != std::string::npos && why.find(entry.tag) != std::string::npos;
  return named ? *entry.error : entry.error->with_context(name_of(where));
}

/// Shows a mirror as it goes on.
class Follower {
 public:
  explicit Follower(const Flags& flags)
      : flags_(flags), notes_(flags.output.quiet), line_(flags.output.style(), "send") {}

  void tell(const MirrorEntry& entry) {
    metrics_.count(entry);
    deleted_ |= entry.what == MirrorEntry::What::deleted;
    show_notes();
    if (entry.error && !first_) first_ = entry.error;
    // What was not begun because the run ends is no news.
    if (entry.error && entry.error->code != Errc::cancelled) complain_of(entry);
    if (!flags_.json && entry.repository != MirrorEntry::Repository::there &&
        missing_.insert(entry.target).second)
      written_ = print(repository_line(entry) + "\n") && written_;
    std::string text = flags_.json ? entry_json(entry, flags_.dry_run) : entry_line(entry, flags_.dry_run);
    if (!text.empty()) written_ = print(text + "\n") && written_;
    if (entry.what == MirrorEntry::What::unchanged && flags_.output.verbose > 0 && !flags_.json)
      say(name_of(entry) + ": unchanged");
  }

  void pulse(const Progress& progress) {
    show_notes();
    line_.update(progress);
  }

  /// Also of a run that was told to end.
  void sum(const MirrorTotals& totals) {
    some_ = totals.copied + totals.unchanged + totals.deleted > 0;
    show_notes();
    line_.finish({});
    if (flags_.json) written_ = print(summary_json(totals, flags_.dry_run) + "\n") && written_;
  }

  int end(const Result<MirrorTotals>& totals) {
    show_notes();
    line_.finish({});
    if (!totals) {
      line_.failed(totals.error());
      // What was in time is there.
      return some_ && totals.error().code == Errc::timeout ? kPartial : exit_code(totals.error().code);
    }
    const std::string summary = summary_line(*totals, flags_.dry_run);
    if (flags_.output.style() == ProgressStyle::json) {
      line_.note(summary);
    } else if (flags_.output.style() != ProgressStyle::none || totals->failed > 0) {
      say(summary);
    }
    if (!written_) return kLocal;
    if (totals->failed > 0) {
      return some_ || !first_ ? kPartial : exit_code(first_->code);
    }
    const bool changes = totals->copied + totals->deleted > 0;
    return flags_.exit_code && changes ? kWouldChange : kOk;
  }

  [[nodiscard]] bool deleted() const { return deleted_ && !flags_.dry_run; }
  [[nodiscard]] Notes& notes() { return notes_; }
  [[nodiscard]] const MirrorMetrics& metrics() const { return metrics_; }

 private:
  void show_notes() {
    for (const std::string& text : notes_.take()) line_.note(text);
  }

  /// What failed at the source is an entry for each target, and news once.
  void complain_of(const MirrorEntry& entry) {
    const Error error = about(entry);
    if (std::string text = error.to_string(); text != complaint_) {
      line_.failed(error, name_of(entry));
      complaint_ = std::move(text);
    }
  }

  const Flags& flags_;
  Notes notes_;
  ProgressLine line_;
  MirrorMetrics metrics_;
  std::optional<Error> first_;
  std::string complaint_;          ///< the last one
  std::set<std::string> missing_;  ///< repositories that a plan has told about
  bool some_ = false;              ///< arrived, or was there
  bool written_ = true;
  bool deleted_ = false;
};

Result<ClientOptions> client_options(const Flags& flags, const std::vector<MirrorJob>& jobs) {
  Arguments arguments;
  for (const MirrorJob& job : jobs) {
    arguments.sources.insert(arguments.sources.end(), job.sources.begin(), job.sources.end());
    for (const std::string& target : job.targets) arguments.destinations.push_back(as_image(target));
  }
  return flags.connection.client_options(flags.output.verbose, arguments, CredentialScope::both);
}

int mirror(const Flags& flags, const std::vector<MirrorJob>& jobs, const Signals& signals) {
  MirrorOptions options;
  if (!flags.shard.empty()) {
    auto shard = parse_shard(flags.shard);
    if (!shard) return fail(shard.error());
    options.shard = *shard;
  }
  if (flags.metrics == "-")
    return fail(usage("--metrics wants a file: standard output has the report", "--metrics FILE"));
  if (flags.exit_code && !flags.dry_run)
    return fail(usage("--exit-code says what a --dry-run found", "add --dry-run"));
  const auto limit = flags.connection.time_limit();
  if (!limit) return fail(limit.error());
  auto settings = client_options(flags, jobs);
  if (!settings) return fail(settings.error());
  Client client(*std::move(settings));

  Follower follower(flags);
  UndoFile undo(flags.undo_record);
  options.keep_going = flags.keep_going;
  options.each = [&](const MirrorEntry& entry) { follower.tell(entry); };
  options.pulse = [&](const Progress& progress, const MirrorTotals&) { follower.pulse(progress); };
  options.ended = [&](const MirrorTotals& totals) { follower.sum(totals); };
  options.before_delete = [&](const PruneRecord& record) { return undo.add(record); };
  options.observer = &follower.notes();
  options.stop = signals.stop();
  options.drain = signals.gentle_stop();
  options.timeout = *limit;
  const auto totals = flags.dry_run ? client.plan_mirror(jobs, options) : client.mirror(jobs, options);
  int code = follower.end(totals);
  if (const std::string kept = undo.written_to(); !kept.empty() && follower.deleted())
    say("what was deleted is in " + kept + ": davit mirror --undo " + kept + " puts it back");
  if (!flags.metrics.empty() && !flags.dry_run) {
    const std::string text = follower.metrics().text(totals ? &*totals : nullptr);
    if (auto written = MirrorMetrics::write(flags.metrics, text); !written) {
      const int failed = fail(written.error());
      if (code == kOk) code = failed;
    }
  }
  return code;
}

std::string would_put(const std::vector<Delivery>& deliveries) {
  std::string out;
  for (const Delivery& one : deliveries) {
    if (!one.result) continue;
    out += (one.result->unchanged ? "unchanged " : "would put ") + one.destination + ":" +
           one.result->tags.front() + "@" + one.result->root.digest.to_string() + "\n";
  }
  return out;
}

/// A flag that was typed and has no meaning with --undo; empty: there is none.
std::string says_nothing_to_undo(const Flags& flags) {
  for (const char* name : {"--file", "--scoped", "--undo-record", "--shard", "--metrics", "--exit-code"}) {
    if (was_typed(*flags.command, name)) return name;
  }
  const std::string flag = flags.mirror.typed();
  return flag.empty() ? flags.mirror.typed_platforms() : flag;
}

int undo(const Flags& flags, const Signals& signals) {
  if (const std::string flag = says_nothing_to_undo(flags); !flag.empty())
    return fail(usage(flag + " has no meaning with --undo", "davit mirror --undo FILE"));
  if (!flags.words.empty())
    return fail(usage("--undo puts back what a file says", "davit mirror --undo FILE"));
  const auto read = read_undo_file(flags.undo);
  if (!read) return fail(read.error());
  const std::vector<PruneRecord>& records = read->records;
  if (!read->note.empty() && !flags.output.quiet) say("note: " + read->note);
  Arguments arguments;
  for (const PruneRecord& record : records) arguments.destinations.push_back(as_image(record.repository));
  auto settings = flags.connection.client_options(flags.output.verbose, arguments, CredentialScope::both);
  if (!settings) return fail(settings.error());
  Client client(*std::move(settings));
  const auto deliveries =
      flags.dry_run ? client.plan_restore(records, signals.stop()) : client.restore(records, signals.stop());
  if (!deliveries) return fail(deliveries.error());
  ProgressLine(flags.output.style(), "send").finish(*deliveries);
  const std::string text = flags.json      ? json_lines(*deliveries)
                           : flags.dry_run ? would_put(*deliveries)
                                           : reference_lines(*deliveries);
  return print(text) ? exit_code(*deliveries) : kLocal;
}

}  // namespace

void add_mirror(CLI::App& app, Action& action) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("mirror", kDescription);
  flags->command = command;
  command->alias("sync");
  command->add_option("SRC", flags->words, "what to mirror, then where to")->type_name("DST...");
  with_environment(
      command->add_option(
          "-f,--file", flags->file,
          "a mirror file, - for stdin: davit's own, regsync's, or skopeo sync's, which wants DST"))
      ->type_name("YAML");
  with_environment(command->add_flag(
      "--scoped", flags->scoped, "with skopeo's file: below DST with the source's registry and whole name"));
  flags->mirror.add_to(*command);
  const auto add = [](CLI::Option* option) { return with_environment(option); };
  add(command->add_option("--undo-record", flags->undo_record,
                          "where --prune keeps what it deletes (./davit-undo-TIME.jsonl)"))
      ->type_name("FILE")
      ->check(not_empty())
      ->group("Deleting");
  add(command->add_option("--undo", flags->undo, "put back what is kept in this file"))
      ->type_name("FILE")
      ->check(not_empty())
      ->group("Deleting");
  add(command->add_option("--shard", flags->shard,
                          "only this part of the work, from 0; N alone: as Kubernetes or AWS Batch say"))
      ->type_name("I/N")
      ->check(not_empty());
  add(command->add_option("--metrics", flags->metrics, "write the figures of the run in Prometheus's format"))
      ->type_name("FILE")
      ->check(not_empty());
  add(command->add_flag("--keep-going,!--no-keep-going", flags->keep_going,
                        "go on with the rest when something fails (the default)"));
  add(command->add_flag("--dry-run", flags->dry_run, "say what would be done and do nothing"));
  add(command->add_flag("--exit-code", flags->exit_code,
                        "with --dry-run: exit 10 when something would change"));
  add(command->add_flag("--json", flags->json,
                        "one JSON object for each tag and target, and a last one with sums"));
  flags->connection.add_to(*command);
  flags->connection.source_credentials.add_to(*command, "src-", ", for the source");
  flags->connection.destination_credentials.add_to(*command, "dest-", ", for the destinations");
  flags->connection.aws.add_to(*command, "", "");
  flags->connection.source_aws.add_to(*command, "src-", ", for the source");
  flags->connection.destination_aws.add_to(*command, "dest-", ", for the destinations");
  flags->output.add_to(*command);
  command->callback([flags, &action] {
    action = [flags](const Signals& signals) {
      if (!flags->undo.empty()) return undo(*flags, signals);
      const auto jobs = jobs_of(*flags);
      return jobs ? mirror(*flags, *jobs, signals) : fail(jobs.error());
    };
  });
}

}  // namespace davit::tool
