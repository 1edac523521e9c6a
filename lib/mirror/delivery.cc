#include "mirror/delivery.h"

#include <algorithm>

#include "base/error.h"
#include "base/guarded.h"
#include "base/try.h"
#include "mirror/waves.h"
#include "transfer/outage.h"
#include "transfer/turns.h"

namespace davit::mirror {

Delivering::Delivering(const Services& services, Entries& entries, Outages& outages, Mode mode,
                       CallContext context, std::stop_token enough)
    : services_(services), entries_(entries), outages_(outages), mode_(mode), context_(std::move(context)) {
  settings_.verb = "mirror";
  settings_.jobs = services.jobs;
  settings_.enough = std::move(enough);
}

void Delivering::carry(std::vector<Find> finds) {
  leave_out_unreachable(finds);
  blobs_.clear();
  std::vector<Find*> left;
  for (Find& find : finds) {
    blobs_[&find] = find.graph->blobs;
    left.push_back(&find);
  }
  look_into_empty(finds);
  if (mode_ == Mode::deliver) left = try_mounts(left);
  const std::vector<std::size_t> wave = waves_of(left);
  const std::size_t last = wave.empty() ? 0 : *std::ranges::max_element(wave);
  for (std::size_t now = 0; now <= last; ++now) {
    std::vector<Find*> here;
    for (std::size_t i = 0; i < left.size(); ++i) {
      if (wave[i] == now) here.push_back(left[i]);
    }
    if (!here.empty()) carry_wave(here);
  }
  blobs_.clear();
}

/// Where nothing is mounted, nobody has to wait: what goes together is read once.
std::vector<std::size_t> Delivering::waves_of(const std::vector<Find*>& finds) const {
  std::vector<Freight> freight;
  for (const Find* find : finds) {
    Freight& one = freight.emplace_back(Freight{.places = {}, .blobs = blobs_.at(find)});
    for (const FoundPlace& at : find->places) {
      if (may_mount(at.place.host)) one.places.push_back(at.place);
    }
  }
  return waves(freight);
}

/// A repository that lists nothing may hold blobs all the same, from a run that was ended before its first
/// manifest. Where a hundred cost one question the engine asks for each; elsewhere some are asked for first.
void Delivering::look_into_empty(std::vector<Find>& finds) {
  std::map<std::string, std::vector<std::vector<Descriptor>>> images;
  for (const Find& find : finds) {
    for (const FoundPlace& at : find.places) {
      if (at.empty && at.repository->probe_batch() == 1 && !empty_.contains(at.place.name()))
        images[at.place.name()].push_back(blobs_.at(&find));
    }
  }
  for (Find& find : finds) {
    for (FoundPlace& at : find.places) {
      if (!at.empty) continue;
      if (at.repository->probe_batch() > 1) {
        at.empty = at.missing;
        continue;
      }
      const auto [known, first] = empty_.emplace(at.place.name(), true);
      if (first) known->second = holds_none(*at.repository, std::move(images.at(at.place.name())));
      at.empty = known->second;
    }
  }
}

bool Delivering::holds_none(registry::Repository& repository,
                            std::vector<std::vector<Descriptor>> images) const {
  transfer::take_turns(images, &Descriptor::size);
  std::vector<Descriptor> blobs;
  std::vector<std::uint64_t> sizes;
  std::set<Digest> seen;
  for (const std::vector<Descriptor>& image : images) {
    for (const Descriptor& blob : image) {
      if (!seen.insert(blob.digest).second) continue;
      blobs.push_back(blob);
      sizes.push_back(blob.size);
    }
  }
  std::vector<Descriptor> some;
  for (const std::size_t place : transfer::telling_places(sizes)) some.push_back(blobs[place]);
  const auto there = repository.probe(some, context_);
  return !there || std::ranges::all_of(*there, [](Presence one) { return one == Presence::absent; });
}

/// ECR mounts for accounts that have switched it on, and who may write need not be allowed to ask which. So
/// two images go ahead, one that brings a blob and one of another repository that needs it too. Returns the
/// others.
std::vector<Find*> Delivering::try_mounts(const std::vector<Find*>& finds) {
  const std::vector<std::size_t> wave = waves_of(finds);
  std::set<const Find*> gone;
  const auto go = [&](Find* find) {
    if (gone.insert(find).second) carry_wave({find});
  };
  for (std::size_t i = 0; i < finds.size(); ++i) {
    if (wave[i] != 1) continue;
    for (const FoundPlace& at : finds[i]->places) {
      if (!mounting_.emplace(at.place.host, Mounting::unknown).second) continue;
      for (std::size_t j = 0; j < finds.size(); ++j) {
        if (wave[j] != 0 || !brings_for(*finds[j], *finds[i], at)) continue;
        go(finds[j]);
        break;
      }
      go(finds[i]);
    }
  }
  std::vector<Find*> out;
  std::ranges::copy_if(finds, std::back_inserter(out),
                       [&](const Find* find) { return !gone.contains(find); });
  return out;
}

/// Whether one find takes a blob that another one needs to another repository of the same registry.
bool Delivering::brings_for(const Find& one, const Find& other, const FoundPlace& at) const {
  const bool near = std::ranges::any_of(one.places, [&](const FoundPlace& place) {
    return place.place.host == at.place.host && place.place.repository != at.place.repository;
  });
  const std::vector<Descriptor>& wanted = blobs_.at(&other);
  return near && std::ranges::any_of(blobs_.at(&one), [&](const Descriptor& blob) {
           return std::ranges::find(wanted, blob.digest, &Descriptor::digest) != wanted.end();
         });
}

/// What came of mounting, where it was tried.
void Delivering::learn_mounts(const Find& find, const FoundPlace& at, const Delivered& delivered) {
  const bool tried = std::ranges::any_of(blobs_.at(&find), [&](const Descriptor& blob) {
    return !ledger_.has(at.place, blob.digest) && !ledger_.elsewhere(at.place, blob.digest).empty();
  });
  if (!tried || delivered.blobs.mounted + delivered.blobs.sent == 0) return;
  Mounting& known = mounting_[at.place.host];
  // Where it has worked once, a refusal is about that one repository.
  if (known != Mounting::works) known = delivered.blobs.mounted > 0 ? Mounting::works : Mounting::refused;
}

bool Delivering::may_mount(const std::string& host) const {
  const auto known = mounting_.find(host);
  return known == mounting_.end() || known->second != Mounting::refused;
}

void Delivering::leave_out_unreachable(std::vector<Find>& finds) {
  for (Find& find : finds) {
    std::erase_if(find.places, [&](const FoundPlace& at) {
      const auto down = outages_.of(at.place.host);
      if (down) failed(find, at, *down);
      return down.has_value();
    });
  }
  std::erase_if(finds, [](const Find& find) { return find.places.empty(); });
}

/// What the run takes from the find is what the engine needs; the rest is for the entries.
transfer::Order Delivering::order_for(Find& find) {
  transfer::Order order{.source = find.source,
                        .root = find.root,
                        .name = find.route.source.name() + "@" + find.root.digest.short_form(),
                        .destinations = {}};
  order.graph = std::move(find.graph);
  // Only what is there under another tag can be found by its digest, and it says nothing about its referrers.
  order.look = !find.has_referrers && std::ranges::none_of(find.places, &FoundPlace::empty);
  for (const FoundPlace& at : find.places) {
    transfer::Destination to{
        .sink = at.repository, .name = at.place.name(), .tags = at.tags, .expected = std::nullopt};
    to.now = at.now;
    to.holds = [this, place = at.place, empty = at.empty](const Digest& blob) -> std::optional<bool> {
      if (ledger_.has(place, blob)) return true;
      return empty ? std::optional(false) : std::nullopt;
    };
    if (may_mount(at.place.host)) {
      const bool same = find.route.source.host == at.place.host;
      to.mount_from = [this, place = at.place,
                       own = same ? find.route.source.repository : std::string()](const Descriptor& blob) {
        return own.empty() || own == place.repository ? ledger_.elsewhere(place, blob.digest) : own;
      };
    }
    order.destinations.push_back(std::move(to));
  }
  return order;
}

void Delivering::carry_wave(const std::vector<Find*>& finds) {
  std::vector<transfer::Order> orders;
  orders.reserve(finds.size());
  for (Find* find : finds) orders.push_back(order_for(*find));
  services_.board.next_run();
  const auto outcomes = guarded([&] {
    transfer::Run run(std::move(orders), settings_, services_.compressor, services_.board, context_);
    return mode_ == Mode::deliver ? delivered(run) : planned(run);
  });
  std::size_t next = 0;
  for (const Find* find : finds) {
    for (const FoundPlace& at : find->places) {
      if (!outcomes) {
        failed(*find, at, outcomes.error());
      } else if (const Result<Delivered>& one = (*outcomes)[next++]; one) {
        succeeded(*find, at, *one);
      } else {
        failed(*find, at, one.error());
      }
    }
  }
}

Result<Delivering::Outcomes> Delivering::delivered(transfer::Run& run) {
  DAVIT_TRY(std::vector<Delivery> deliveries, run.deliver());
  Outcomes out;
  out.reserve(deliveries.size());
  for (Delivery& each : deliveries) out.push_back(std::move(each.result));
  return out;
}

/// As if it had been done.
Result<Delivering::Outcomes> Delivering::planned(transfer::Run& run) {
  DAVIT_TRY(const std::vector<Result<Plan>> plans, run.plans());
  Outcomes out;
  out.reserve(plans.size());
  for (const Result<Plan>& plan : plans) {
    if (!plan) {
      out.emplace_back(plan.error());
      continue;
    }
    count(*plan);
    Delivered would;
    would.destination = plan->destination;
    would.blobs = {.present = plan->present.size(),
                   .mounted = plan->to_mount.size(),
                   .sent = plan->to_send.size(),
                   .bytes_sent = plan->bytes};
    out.emplace_back(std::move(would));
  }
  return out;
}

/// A blob that several images of a wave need is in the plan of each.
void Delivering::count(const Plan& plan) {
  requests_ += plan.requests - 2 * plan.to_send.size() - plan.to_mount.size();
  for (const Plan::Blob& blob : plan.to_mount)
    requests_ += sent_.insert(plan.destination + " " + blob.name).second ? 1 : 0;
  for (const Plan::Blob& blob : plan.to_send) {
    if (read_.insert(blob.name).second) reads_ += blob.size;
    if (!sent_.insert(plan.destination + " " + blob.name).second) continue;
    requests_ += 2;
    bytes_ += blob.size;
  }
}

void Delivering::succeeded(const Find& find, const FoundPlace& at, const Delivered& delivered) {
  learn_mounts(find, at, delivered);
  ledger_.note(at.place, blobs_.at(&find));
  MirrorEntry entry{.what = delivered.unchanged ? MirrorEntry::What::unchanged : MirrorEntry::What::copied,
                    .job = find.route.job->name,
                    .source = find.route.source.name(),
                    .target = at.place.name(),
                    .tag = find.root.digest.to_string(),
                    .root = find.root};
  entry.blobs = delivered.blobs;
  entry.took = delivered.took;
  if (at.tags.empty()) return entries_.add(find.route, std::move(entry));
  for (const std::string& tag : at.tags) {
    entry.tag = tag;
    const auto before = at.now.find(tag);
    entry.replaced = before == at.now.end() ? std::nullopt : before->second;
    entries_.add(find.route, entry);
    entry.blobs = {};  // they went there once
  }
}

void Delivering::failed(const Find& find, const FoundPlace& at, const Error& error) {
  std::vector<std::string> tags = at.tags;
  if (tags.empty()) tags.push_back(find.root.digest.to_string());
  const bool outage = transfer::is_outage(error) && error.side == Side::destination;
  if (outage) outages_.note(at.place.host, error);
  for (const std::string& tag : tags) {
    MirrorEntry entry{.what = MirrorEntry::What::failed,
                      .job = find.route.job->name,
                      .source = find.route.source.name(),
                      .target = at.place.name(),
                      .tag = tag,
                      .error = error};
    if (outage)
      entries_.put_off(find.route, std::move(entry));
    else
      entries_.add(find.route, std::move(entry));
  }
}

}  // namespace davit::mirror
