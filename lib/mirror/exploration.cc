#include "mirror/exploration.h"

#include <algorithm>

#include "base/context.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/guarded.h"
#include "base/try.h"
#include "mirror/surveyed_source.h"
#include "model/digest_tags.h"
#include "model/tag_choice.h"
#include "transfer/outage.h"

namespace davit::mirror {
namespace {

/// So many exact tags are asked about one by one; for more it is worth a page of what a repository has.
constexpr std::size_t kFewTags = 4;
/// Tags that are looked at before what was found is handed on.
constexpr std::size_t kAtOnce = 512;

}  // namespace

Discovery::Discovery(const Services& services, const MirrorShard& shard, bool plan, Entries& entries,
                     Outages& outages, Claims& claims, Deliver deliver, CallContext context)
    : services_(services),
      shard_(shard),
      plan_(plan),
      entries_(entries),
      outages_(outages),
      claims_(claims),
      deliver_(std::move(deliver)),
      context_(std::move(context)),
      questions_(services.jobs),
      children_(services.jobs) {}

void Discovery::explore(const Route& route) {
  Exploration(route, *this).run();
}

std::vector<Leftovers> Discovery::leftovers() {
  MutexLock lock(mutex_);
  return std::move(leftovers_);
}

Exploration::Exploration(const Route& route, Discovery& discovery)
    : route_(route), job_(*route.job), all_(discovery), context_(discovery.context_) {}

void Exploration::run() {
  const auto done = guarded([&]() -> Result<> {
    DAVIT_TRY_VOID(check(context_));
    DAVIT_TRY_VOID(open());
    DAVIT_TRY(std::vector<Seen> tags, choose());
    look_at_targets(tags.size());
    for (std::size_t begin = 0; begin < tags.size(); begin += kAtOnce) {
      DAVIT_TRY_VOID(check(context_));
      const auto from = tags.begin() + static_cast<std::ptrdiff_t>(begin);
      const auto count = static_cast<std::ptrdiff_t>(std::min(kAtOnce, tags.size() - begin));
      examine({std::make_move_iterator(from), std::make_move_iterator(from + count)});
    }
    examine_below();
    DAVIT_TRY_VOID(check_enough(tags.size() - too_old_));
    note_leftovers();
    all_.claims_.told_all(route_);
    return {};
  });
  if (!done) fail("", nullptr, done.error());
}

Result<> Exploration::open() {
  if (auto down = all_.outages_.of(route_.source.host)) return *down;
  DAVIT_TRY(immutable_, model::Patterns::compile(job_.tags.immutable));
  DAVIT_TRY(repository_, all_.services_.repository(route_.source, Side::source, {}));
  const bool one = !route_.source.tag.empty() || route_.source.digest;
  by_list_ = !one && (job_.tags.choice || job_.tags.names.empty());
  Survey seen;
  if (by_list_ || job_.tags.names.size() > kFewTags) {
    auto told = survey(*repository_, by_list_ ? Look::tags : Look::if_cheap, context_);
    if (!told) return told.error().on(Side::source);
    seen = *std::move(told);
  }
  if (seen.missing)
    return make_error(Errc::not_found,
                      route_.source.name() + ": there is no such repository, or it is not shown",
                      "check the name, and who is asking: davit doctor " + route_.source.name())
        .on(Side::source);
  for (const auto& [name, tag] : seen.tags) {
    if (auto own = model::digest_tag(name)) digest_tags_[own->subject].push_back(name);
  }
  survey_ = std::make_shared<const Survey>(std::move(seen));
  source_ = surveyed(repository_, survey_);
  return {};
}

Result<std::vector<Exploration::Seen>> Exploration::choose() {
  std::vector<std::string> chosen;
  if (by_list_) {
    std::vector<std::string> all;
    const auto now = all_.services_.clock.wall();
    for (const auto& [name, tag] : survey_->tags) {
      if (job_.tags.max_age && tag.pushed && now - *tag.pushed > *job_.tags.max_age) continue;
      // Lists of referrers are kept up by whoever puts the referrers.
      const auto own = with_referrers() ? model::digest_tag(name) : std::nullopt;
      if (!own || !own->ending.empty()) all.push_back(name);
    }
    const std::size_t count = all.size();
    DAVIT_TRY(chosen, model::choose_tags(std::move(all), job_.tags.choice.value_or(TagChoice())));
    if (chosen.empty() && job_.tags.names.empty())
      all_.services_.board.note(route_.source.name() + ": none of " + std::to_string(count) +
                                " tags is meant");
  }
  if (!route_.source.tag.empty()) {
    chosen = {route_.source.tag};
  } else if (route_.source.digest) {
    chosen = {route_.source.digest->to_string()};
  } else {
    for (const std::string& name : job_.tags.names) {
      if (!Reference::is_tag(name) && !Digest::parse(name))
        return make_error(Errc::invalid_argument,
                          "\"" + escaped(name, 140) + "\" is neither a tag nor a digest");
      if (std::ranges::find(chosen, name) == chosen.end()) chosen.push_back(name);
    }
  }
  DAVIT_TRY_VOID(check_enough(chosen.size()));
  std::vector<Seen> out;
  DAVIT_TRY_VOID(claim(chosen));
  for (std::string& name : chosen) {
    names_.insert(name);
    Seen& seen = out.emplace_back(Seen{.name = std::move(name)});
    if (const auto own = model::digest_tag(seen.name)) seen.part = own->subject;
  }
  return out;
}

Result<> Exploration::check_enough(std::size_t tags) const {
  if (tags >= job_.tags.min_tags) return {};
  return make_error(Errc::not_found, route_.source.name() + ": " + std::to_string(tags) +
                                         (tags == 1 ? " tag is" : " tags are") +
                                         " meant, and there should be at least " +
                                         std::to_string(job_.tags.min_tags))
      .on(Side::source);
}

/// What is meant here no other job deletes, nor what would be but for its age or number.
Result<> Exploration::claim(const std::vector<std::string>& chosen) {
  if (!all_.claims_.counts(route_)) return {};
  for (const std::string& name : chosen) {
    if (!is_digest(name)) {
      all_.claims_.choose(route_, name);
      continue;
    }
    DAVIT_TRY(const Digest digest, Digest::parse(name));
    all_.claims_.name(route_, digest);
  }
  if (!by_list_) return {};
  DAVIT_TRY(const auto filter, model::NameFilter::make(job_.tags.choice.value_or(TagChoice())));
  for (const auto& [name, tag] : survey_->tags) {
    if (filter.takes(name)) all_.claims_.choose(route_, name);
  }
  return {};
}

void Exploration::look_at_targets(std::size_t tags) {
  targets_.resize(route_.targets.size());
  for_each_index(all_.children_, targets_.size(), [&](std::size_t i) {
    Target& target = targets_[i];
    target.place = route_.targets[i];
    const auto looked = guarded([&]() -> Result<> {
      if (auto down = all_.outages_.of(target.place.host)) return *down;
      DAVIT_TRY(target.repository,
                all_.services_.repository(target.place, Side::destination, job_.create_repositories));
      if (!by_list_ && tags <= kFewTags && !all_.plan_) return {};
      auto told = survey(*target.repository, by_list_ ? Look::tags : Look::if_cheap, context_);
      // Whoever may write need not be allowed to list: then each tag is asked for.
      if (!told && told.error().code == Errc::denied && !job_.prune.enabled) return {};
      if (!told) return told.error();
      target.survey = *std::move(told);
      // A push may make it all the same, where ECR has a creation template.
      if (all_.plan_ && target.repository->known_missing())
        all_.entries_.note_missing(target.place, job_.create_repositories.has_value());
      return {};
    });
    if (looked) return;
    target.closed = true;
    fail("", &target, looked.error());
  });
}

void Exploration::examine(std::vector<Seen> tags) {
  while (!tags.empty()) {
    for_each_index(all_.questions_, tags.size(), [&](std::size_t i) { ask(tags[i]); });
    take(tags);
    tell(tags);
    std::vector<Find> found = finds(tags);
    std::vector<Seen> more = companions(tags, found);
    if (!found.empty()) all_.deliver_(std::move(found));
    tags = std::move(more);
  }
}

/// Where another job has the same tag in hand it is not told about twice.
void Exploration::take(std::vector<Seen>& tags) {
  for (Seen& seen : tags) {
    if (seen.part && !seen.left_out) all_.claims_.choose(route_, seen.name);
    if (seen.left_out || seen.error || is_digest(seen.name)) continue;
    for (std::size_t i = 0; i < targets_.size(); ++i) {
      At& at = seen.at[i];
      if (at.state == At::State::closed || at.state == At::State::failed) continue;
      const auto taken = all_.claims_.take(route_, targets_[i].place, seen.name, seen.root.digest);
      if (taken && *taken) continue;
      at.state = taken ? At::State::closed : At::State::failed;
      if (!taken) at.error = taken.error().on(Side::destination);
    }
  }
}

void Exploration::note_leftovers() {
  if (!job_.prune.enabled || !by_list_) return;
  if (survey_->tags.empty()) {
    // More likely a registry that has lost its list than somebody who wants an empty mirror.
    all_.services_.board.note(route_.source.name() + ": it lists no tag at all, so nothing is deleted");
    return;
  }
  const auto filter = model::NameFilter::make(job_.tags.choice.value_or(TagChoice()));
  const auto protect = model::Patterns::compile(job_.prune.protect);
  if (!filter) return fail("", nullptr, filter.error());
  if (!protect) return fail("", nullptr, protect.error());
  for (const Target& target : targets_) {
    if (target.closed || !target.survey.listed) continue;
    Leftovers left{.route = route_, .place = target.place};
    for (const auto& [name, tag] : target.survey.tags) {
      if (!Reference::is_tag(name) || survey_->tags.contains(name) || names_.contains(name) ||
          protect->match(name))
        continue;
      // Those of images are nobody's choice; lists of referrers are kept up by whoever puts the referrers.
      const auto own = model::digest_tag(name);
      if (own && job_.digest_tags && !own->ending.empty()) left.digest_tags.push_back(name);
      if (!own && filter->takes(name)) left.gone.push_back(name);
    }
    if (left.gone.empty()) continue;
    MutexLock lock(all_.mutex_);
    all_.leftovers_.push_back(std::move(left));
  }
}

FoundPlace Exploration::place_at(std::size_t target) const {
  const Target& at = targets_[target];
  return {.place = at.place,
          .repository = at.repository,
          .tags = {},
          .now = {},
          .missing = at.survey.missing,
          .empty = at.survey.empty()};
}

MirrorEntry Exploration::entry(const std::string& tag, const Target* target) const {
  return {.job = job_.name,
          .source = route_.source.name(),
          .target = target == nullptr ? std::string() : target->place.name(),
          .tag = tag};
}

void Exploration::fail(const std::string& tag, const Target* target, Error error) {
  MirrorEntry failed = entry(tag, target);
  if (error.side == Side::local) error.side = target == nullptr ? Side::source : Side::destination;
  failed.error = error;
  if (!transfer::is_outage(error)) return all_.entries_.add(route_, std::move(failed));
  all_.outages_.note(target == nullptr ? route_.source.host : target->place.host, error);
  all_.entries_.put_off(route_, std::move(failed));
}

void Exploration::fail(const Find& find, const Error& error) {
  for (const FoundPlace& at : find.places) {
    const auto target = std::ranges::find(targets_, at.place, &Target::place);
    if (at.tags.empty()) fail(find.root.digest.to_string(), &*target, error);
    for (const std::string& tag : at.tags) fail(tag, &*target, error);
  }
}

}  // namespace davit::mirror
