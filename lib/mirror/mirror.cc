#include "mirror/mirror.h"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <thread>

#include "base/context.h"
#include "base/error.h"
#include "base/guarded.h"
#include "base/try.h"
#include "base/worker_pool.h"
#include "mirror/claims.h"
#include "mirror/discovery.h"
#include "mirror/prune.h"
#include "mirror/queue.h"

namespace davit::mirror {
namespace {

/// Repositories that are looked at side by side.
constexpr std::size_t kRoutesAtOnce = 4;
constexpr std::chrono::milliseconds kPulse{200};

/// One mirror run.
class Mirroring {
 public:
  Mirroring(const std::vector<Route>& routes, const MirrorOptions& options, Delivering::Mode mode,
            const Services& services)
      : options_(options),
        mode_(mode),
        services_(services),
        context_(context_within(ending_.get_token(), options.timeout)),
        entries_(options.keep_going ? nullptr : &ending_),
        outages_(services.clock),
        claims_(routes),
        delivering_(services, entries_, outages_, mode, context_, options.drain),
        stop_(options.stop, [this] { ending_.request_stop(); }) {}

  Ended run(const std::vector<Route>& routes) {
    std::thread work([&] {
      const auto done = guarded([&]() -> Result<> {
        move(routes);
        return {};
      });
      if (!done) trouble_ = done.error();
      entries_.close();
    });
    listen();
    work.join();
    Ended end{.totals = entries_.totals(), .error = why()};
    MirrorTotals& totals = end.totals;
    totals.repositories = routes.size();
    if (mode_ == Delivering::Mode::plan) {
      totals.bytes_sent = delivering_.planned_bytes();
      totals.bytes_read = delivering_.planned_reads();
      totals.requests = delivering_.planned_requests() + totals.deleted;
    } else {
      totals.bytes_read = services_.board.bytes_read();
    }
    return end;
  }

 private:
  /// What ended the run before its time.
  std::optional<Error> why() {
    if (trouble_) return trouble_;
    if (options_.stop.stop_requested() || options_.drain.stop_requested())
      return make_error(Errc::cancelled, "the mirror was told to end");
    const auto in_time = ending_.stop_requested() ? Result<>() : check(context_);
    return in_time ? std::nullopt : std::optional(in_time.error());
  }

  /// Everything but the telling.
  void move(const std::vector<Route>& routes) {
    pass(routes);
    if (const std::vector<Route> again = entries_.put_off_routes(routes); !again.empty() && !ended()) {
      outages_.forget();
      entries_.begin_again();
      pass(again);
    }
    prune_all();
  }

  [[nodiscard]] bool ended() const { return ending_.stop_requested() || options_.drain.stop_requested(); }

  /// One look at all of these, and what follows from it.
  void pass(const std::vector<Route>& routes) {
    Queue queue;
    Discovery discovery(
        services_, options_.shard, mode_ == Delivering::Mode::plan, entries_, outages_, claims_,
        [&](std::vector<Find> finds) { queue.put(std::move(finds)); }, context_);
    std::thread looking([&] {
      {
        const auto turns = in_turn(routes);
        WorkerPool side_by_side(std::min(kRoutesAtOnce, std::max<std::size_t>(turns.size(), 1)));
        for (const std::vector<const Route*>& turn : turns) {
          side_by_side.submit([&] {
            for (const Route* route : turn) {
              if (!ended()) discovery.explore(*route);
            }
          });
        }
      }
      queue.close();
    });
    try {
      for (std::vector<Find> finds = queue.take(); !finds.empty(); finds = queue.take())
        delivering_.carry(std::move(finds));
    } catch (...) {
      ending_.request_stop();
      queue.close();
      looking.join();
      throw;
    }
    looking.join();
    for (Leftovers& each : discovery.leftovers()) {
      // A second look at a target replaces the first.
      std::erase_if(leftovers_, [&](const Leftovers& one) {
        return one.route.number == each.route.number && one.route.source == each.route.source &&
               one.place == each.place;
      });
      leftovers_.push_back(std::move(each));
    }
  }

  /// What no job of this run means, where that is known of all, and each tag once.
  void leave_what_others_mean() {
    std::set<std::string> mine;
    for (Leftovers& each : leftovers_) {
      const auto silent = claims_.silent(each.place);
      if (silent)
        services_.board.note(each.place.name() + ": nothing is deleted, because what " + *silent +
                             " has for it is not known");
      const auto stays = [&](const std::string& tag) {
        return silent || claims_.chosen(each.place, tag) ||
               !mine.insert(each.place.name() + ":" + tag).second;
      };
      std::erase_if(each.gone, stays);
      std::erase_if(each.digest_tags,
                    [&](const std::string& tag) { return claims_.chosen(each.place, tag); });
      each.kept = claims_.kept(each.place);
      each.named = claims_.named(each.place);
    }
    std::erase_if(leftovers_, [](const Leftovers& each) { return each.gone.empty(); });
  }

  /// Only where everything was copied, and job by job.
  void prune_all() {
    leave_what_others_mean();
    std::map<std::size_t, std::vector<const Leftovers*>> jobs;
    for (const Leftovers& each : leftovers_) jobs[each.route.number].push_back(&each);
    for (const auto& [number, left] : jobs) {
      if (ended()) return;
      const Route& route = left.front()->route;
      if (entries_.failed(route)) {
        services_.board.note((route.job->name.empty() ? route.source.name() : route.job->name) +
                             ": nothing is deleted, because not everything was copied");
        continue;
      }
      prune(left,
            {.plan = mode_ == Delivering::Mode::plan,
             .shard = options_.shard,
             .enough = options_.drain,
             .before_delete = options_.before_delete},
            services_, entries_, context_);
    }
  }

  /// Tells the caller, until there is nothing more.
  void listen() {
    std::optional<std::chrono::steady_clock::time_point> last;
    std::vector<MirrorEntry> some;
    while (entries_.take(some, kPulse)) {
      for (const MirrorEntry& entry : some) {
        const auto told = guarded([&]() -> Result<> {
          if (options_.each) options_.each(entry);
          return {};
        });
        if (!told) ending_.request_stop();
      }
      if (options_.pulse) options_.pulse(services_.board.snapshot(), entries_.totals());
      const auto now = std::chrono::steady_clock::now();
      if (options_.drain.stop_requested() && !last) last = now + options_.drain_time;
      if (last && now >= *last) ending_.request_stop();
    }
  }

  const MirrorOptions& options_;
  const Delivering::Mode mode_;
  const Services& services_;
  std::stop_source ending_;
  const CallContext context_;
  Entries entries_;
  Outages outages_;
  Claims claims_;
  Delivering delivering_;
  std::vector<Leftovers> leftovers_;
  std::optional<Error> trouble_;
  const std::stop_callback<std::function<void()>> stop_;
};

}  // namespace

Ended run(const std::vector<Route>& routes, const MirrorOptions& options, Delivering::Mode mode,
          const Services& services) {
  return Mirroring(routes, options, mode, services).run(routes);
}

}  // namespace davit::mirror
