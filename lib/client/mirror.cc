// Mirrors: what the jobs mean, and who does the work.
#include <davit/client.h>

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "client/argument.h"
#include "client/client_impl.h"
#include "client/registry_argument.h"
#include "mirror/mirror.h"
#include "mirror/names.h"
#include "model/patterns.h"
#include "model/tag_choice.h"
#include "model/target_name.h"

namespace davit {
namespace {

using mirror::Delivering;
using mirror::Route;

constexpr std::size_t kMostRepositories = 200'000;

/// Where the routes of one job are written down.
class Planner {
 public:
  Planner(Client& client, client::Registries& registries, const CallContext& context)
      : client_(client), registries_(registries), context_(context) {}

  Result<> add(const MirrorJob& job, std::size_t number) {
    DAVIT_TRY_VOID(check_job(job));
    job_ = &job;
    number_ = number;
    owners_.clear();
    for (const std::string& source : job.sources) {
      auto added = add_source(source);
      if (!added && !job.name.empty()) return added.error().with_context("job " + escaped(job.name, 100));
      if (!added) return added;
    }
    return {};
  }

  std::vector<Route> take() { return std::move(routes_); }

 private:
  /// What can be known to be wrong before anybody is asked.
  static Result<> check_job(const MirrorJob& job) {
    const std::string name = job.name.empty() ? "" : "job " + escaped(job.name, 100) + ": ";
    if (job.sources.empty()) return make_error(Errc::invalid_argument, name + "there is no source");
    if (job.targets.empty())
      return make_error(Errc::invalid_argument, name + "there is no target", "say where the images go");
    if (job.tags.choice) {
      auto filter = model::NameFilter::make(*job.tags.choice);
      if (!filter) return filter.error().with_context(name + "tags");
    }
    for (const auto* patterns :
         {&job.tags.immutable, &job.prune.protect, &job.include_repositories, &job.exclude_repositories}) {
      auto compiled = model::Patterns::compile(*patterns);
      if (!compiled) return name.empty() ? compiled.error() : compiled.error().with_context(name);
    }
    if (job.prune.enabled && !job.tags.choice && !job.tags.names.empty())
      return make_error(Errc::invalid_argument,
                        name + "with exact tags alone nobody knows what else is gone at the source",
                        "choose tags by patterns, or leave out --prune");
    return {};
  }

  Result<> add_source(const std::string& written) {
    DAVIT_TRY(const std::string source, registries_.expanded(written, Side::source, context_));
    if (!mirror::is_glob(source)) {
      DAVIT_TRY(const ListPlace place, client_.place(source, context_.stop));
      if (place.kind == ListPlace::Kind::registry) return add_listed(place.name, "**");
      DAVIT_TRY(Reference reference, client::registry_argument(source, registries_, Side::source, context_));
      DAVIT_TRY_VOID(check_one_image(reference));
      return add_route(std::move(reference));
    }
    constexpr std::string_view kScheme = "docker://";
    const std::string bare = source.starts_with(kScheme) ? source.substr(kScheme.size()) : source;
    const auto slash = bare.find('/');
    if (slash == std::string::npos || mirror::is_glob(bare.substr(0, slash)))
      return client::bad_argument(written, "a pattern without a registry in front",
                                  "write registry.example.com/team/*");
    DAVIT_TRY(const std::string host, Reference::parse_registry(bare.substr(0, slash)));
    return add_listed(host, bare.substr(slash + 1));
  }

  /// A source that is one image leaves nothing to choose.
  [[nodiscard]] Result<> check_one_image(const Reference& source) const {
    if (source.tag.empty() && !source.digest) return {};
    const bool chosen = job_->tags.choice || !job_->tags.names.empty();
    if (!chosen && !job_->prune.enabled) return {};
    return make_error(Errc::invalid_argument,
                      source.to_string() + " is one image, and " +
                          (chosen ? "tags were chosen besides" : "nothing is deleted because of one"),
                      chosen ? "leave out the tag of the source, or the choice"
                             : "leave out the tag of the source, or --prune");
  }

  /// The repositories that a registry lists.
  Result<> add_listed(const std::string& host, const std::string& pattern) {
    DAVIT_TRY(const model::Patterns include, model::Patterns::compile(job_->include_repositories));
    DAVIT_TRY(const model::Patterns exclude, model::Patterns::compile(job_->exclude_repositories));
    std::vector<std::string> names;
    const auto take = [&](std::span<const ListedRepository> page) -> Result<> {
      for (const ListedRepository& each : page) {
        const bool meant = mirror::glob_matches(pattern, each.name) &&
                           (include.empty() || include.match(each.name)) && !exclude.match(each.name);
        if (meant) names.push_back(each.name);
      }
      if (names.size() <= kMostRepositories) return {};
      return make_error(Errc::unsupported, host + ": too many repositories for one run",
                        "mirror it in parts");
    };
    auto listed = client_.list_repositories(host, {.stop = context_.stop}, take);
    if (!listed && listed.error().code == Errc::unsupported) {
      Error error = listed.error();
      if (error.hint.empty()) error.hint = "name the repositories one by one";
      return error;
    }
    if (!listed) return listed;
    if (names.empty())
      return make_error(Errc::not_found,
                        host + ": no repository of its list is meant by " + escaped(pattern, 120))
          .on(Side::source);
    std::ranges::sort(names);
    for (std::string& name : names)
      DAVIT_TRY_VOID(add_route({.host = host, .repository = std::move(name), .tag = {}, .digest = {}}));
    return {};
  }

  Result<> add_route(Reference source) {
    Route route{.job = job_, .number = number_, .source = std::move(source), .targets = {}};
    for (const std::string& written : job_->targets) {
      DAVIT_TRY(const std::string filled, model::fill_target(written, route.source));
      DAVIT_TRY(Reference target,
                client::registry_argument(filled, registries_, Side::destination, context_));
      if (!target.tag.empty() || target.digest)
        return client::bad_argument(written,
                                    "a repository is meant here: tags stay what they are at the source");
      if (target.name() == route.source.name()) return client::bad_argument(written, "the source itself");
      const auto [owner, first] = owners_.emplace(target.name(), route.source.name());
      if (!first && owner->second != route.source.name())
        return make_error(
            Errc::invalid_argument,
            target.name() + " is meant for both " + owner->second + " and " + route.source.name(),
            "with {repo} in the target each repository goes its own way");
      if (std::ranges::find(route.targets, target) == route.targets.end())
        route.targets.push_back(std::move(target));
    }
    DAVIT_TRY_VOID(own_exact_tags(route));
    routes_.push_back(std::move(route));
    return {};
  }

  /// A tag that two jobs bring to one target from different places would change with every run.
  Result<> own_exact_tags(const Route& route) {
    std::vector<std::string> tags = job_->tags.names;
    if (!route.source.tag.empty() || route.source.digest) tags = {route.source.tag};
    for (const Reference& target : route.targets) {
      for (const std::string& tag : tags) {
        if (!Reference::is_tag(tag)) continue;
        const std::string name = target.name() + ":" + tag;
        const auto [owner, first] = tag_owners_.emplace(name, route.source.name());
        if (!first && owner->second != route.source.name())
          return make_error(Errc::invalid_argument,
                            name + " is meant for both " + owner->second + " and " + route.source.name(),
                            "let each go to a repository of its own, or choose different tags");
      }
    }
    return {};
  }

  Client& client_;
  client::Registries& registries_;
  const CallContext& context_;
  const MirrorJob* job_ = nullptr;
  std::size_t number_ = 0;
  std::map<std::string, std::string> owners_;      ///< of targets, in this job
  std::map<std::string, std::string> tag_owners_;  ///< of exact tags at targets, in all jobs
  std::vector<Route> routes_;
};

Result<> check_shard(const MirrorShard& shard) {
  if (shard.count > 0 && shard.index < shard.count) return {};
  return make_error(Errc::invalid_argument,
                    "there is no part " + std::to_string(shard.index) + " of " + std::to_string(shard.count),
                    "parts are counted from 0");
}

}  // namespace

/// What mirror() and plan_mirror() have in common.
Result<MirrorTotals> Client::Impl::mirror(Client& client, std::span<const MirrorJob> jobs,
                                          const MirrorOptions& how, mirror::Delivering::Mode mode) {
  const auto begun = std::chrono::steady_clock::now();
  const std::uint64_t before = transport->requests();
  DAVIT_TRY_VOID(check_shard(how.shard));
  const CallContext context = context_within(how.stop, how.timeout);
  Planner planner(client, registries, context);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (jobs[i].prune.enabled && !how.before_delete && mode == Delivering::Mode::deliver)
      return make_error(Errc::invalid_argument, "nothing is deleted without a record of it");
    DAVIT_TRY_VOID(planner.add(jobs[i], i));
  }
  transfer::Board board(how.observer, notifier);
  const mirror::Services services{
      .repository =
          [this](const Reference& name, Side side, const std::optional<NewRepository>& create) {
            return registries.repository(name.host, name.repository, side, create);
          },
      .compressor = compressor,
      .board = board,
      .clock = Clock::system(),
      .jobs = options.jobs};
  mirror::Ended end = mirror::run(planner.take(), how, mode, services);
  board.finished({});
  if (how.observer != nullptr) notifier.drain();
  if (mode == Delivering::Mode::deliver) end.totals.requests = transport->requests() - before;
  end.totals.took =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun);
  if (how.ended) how.ended(end.totals);
  if (end.error) return *end.error;
  return end.totals;
}

Result<MirrorTotals> Client::mirror(std::span<const MirrorJob> jobs, const MirrorOptions& options) {
  return impl_->mirror(*this, jobs, options, Delivering::Mode::deliver);
}

Result<MirrorTotals> Client::plan_mirror(std::span<const MirrorJob> jobs, const MirrorOptions& options) {
  return impl_->mirror(*this, jobs, options, Delivering::Mode::plan);
}

namespace {

Result<Delivered> restore_one(client::Registries& registries, const PruneRecord& record, bool plan,
                              const CallContext& context) {
  if (!Reference::is_tag(record.tag)) return client::bad_argument(record.tag, "not a tag");
  DAVIT_TRY(const Reference name,
            client::registry_argument(record.repository, registries, Side::destination, context));
  DAVIT_TRY(const auto repository, registries.repository(name.host, name.repository, Side::destination));
  DAVIT_TRY(const Manifest manifest,
            Manifest::parse(record.manifest, record.media_type, record.digest.algorithm()));
  if (manifest.descriptor().digest != record.digest)
    return make_error(Errc::corrupt, "the manifest of " + record.digest.to_string() + " has other bytes");
  Delivered out{.destination = name.name(), .root = manifest.descriptor(), .tags = {record.tag}, .blobs = {}};
  const auto now = repository->resolve(record.tag, context);
  if (now && now->digest == record.digest) {
    out.unchanged = true;
    return out;
  }
  if (now)
    return make_error(Errc::conflict,
                      name.name() + ":" + record.tag + " is there again, with " + now->digest.to_string())
        .on(Side::destination);
  if (now.error().code != Errc::not_found) return now.error();
  if (plan) return out;
  const std::string tags[] = {record.tag};
  auto put = repository->put_manifest(manifest, tags, context);
  if (put) return out;
  Error error = put.error();
  if (error.hint.empty() && (error.code == Errc::not_found || error.code == Errc::corrupt))
    error.hint = "the registry has removed what the image needs: mirror it again from the source";
  return error;
}

/// The order in which records can be put back: what an index lists before it, and what something refers to.
class RestoreOrder {
 public:
  explicit RestoreOrder(std::span<const PruneRecord> records) : records_(records), seen_(records.size()) {
    for (std::size_t i = 0; i < records.size(); ++i)
      places_[{records[i].repository, records[i].digest}].push_back(i);
    for (std::size_t i = 0; i < records.size(); ++i) add(i);
  }
  [[nodiscard]] const std::vector<std::size_t>& order() const { return order_; }

 private:
  void add(std::size_t i) {
    if (seen_[i]) return;
    seen_[i] = true;
    const PruneRecord& record = records_[i];
    // One that is malformed fails when its turn comes.
    if (const auto manifest =
            Manifest::parse(record.manifest, record.media_type, record.digest.algorithm())) {
      if (manifest->subject()) add_all(record.repository, manifest->subject()->digest);
      for (const Descriptor& child : manifest->manifests()) add_all(record.repository, child.digest);
    }
    order_.push_back(i);
  }
  void add_all(const std::string& repository, const Digest& digest) {
    const auto known = places_.find({repository, digest});
    if (known == places_.end()) return;
    for (const std::size_t i : known->second) add(i);
  }

  std::span<const PruneRecord> records_;
  std::vector<bool> seen_;
  std::map<std::pair<std::string, Digest>, std::vector<std::size_t>> places_;
  std::vector<std::size_t> order_;
};

std::vector<Delivery> restore_all(client::Registries& registries, std::span<const PruneRecord> records,
                                  bool plan, const CallContext& context) {
  std::vector<Delivery> out;
  for (const PruneRecord& record : records)
    out.push_back({record.repository, make_error(Errc::cancelled, "not begun")});
  const RestoreOrder sorted(records);
  for (const std::size_t i : sorted.order())
    out[i].result = restore_one(registries, records[i], plan, context);
  return out;
}

}  // namespace

Result<std::vector<Delivery>> Client::restore(std::span<const PruneRecord> records, std::stop_token stop) {
  return restore_all(impl_->registries, records, false, {.stop = std::move(stop), .deadline = {}});
}

Result<std::vector<Delivery>> Client::plan_restore(std::span<const PruneRecord> records,
                                                   std::stop_token stop) {
  return restore_all(impl_->registries, records, true, {.stop = std::move(stop), .deadline = {}});
}

}  // namespace davit
