// What refers to a manifest, and to what refers to it.
#include <davit/referrers.h>

#include <algorithm>
#include <tuple>

#include "base/error.h"
#include "base/try.h"
#include "base/worker_pool.h"
#include "content/referrer_entry.h"

namespace davit {
namespace {

constexpr std::size_t kMostReferrers = 10'000;
constexpr int kDeepest = 16;
constexpr std::size_t kAtOnce = 8;

Result<std::vector<Referrer>> listed(ReferrerLister& lister, const Digest& subject,
                                     const ReferrerOptions& options, const CallContext& context) {
  DAVIT_TRY(std::vector<Descriptor> found,
            options.artifact_type.empty()
                ? lister.referrers(subject, context)
                : lister.referrers_of_type(subject, options.artifact_type, context));
  std::ranges::sort(found, {},
                    [](const Descriptor& each) { return std::tie(each.artifact_type, each.digest); });
  std::vector<Referrer> out;
  out.reserve(found.size());
  for (Descriptor& each : found) out.push_back({.manifest = std::move(each)});
  return out;
}

}  // namespace

Result<std::vector<Referrer>> referrers_of(ContentSource& source, const Digest& subject,
                                           const ReferrerOptions& options, const CallContext& context) {
  ReferrerLister* lister = source.referrer_lister();
  if (lister == nullptr) return make_error(Errc::unsupported, "this kind of source does not list referrers");
  DAVIT_TRY(std::vector<Referrer> roots, listed(*lister, subject, options, context));
  std::size_t total = roots.size();
  std::vector<Referrer*> level;
  level.reserve(roots.size());
  for (Referrer& each : roots) level.push_back(&each);
  for (int depth = 1; options.recursive && !level.empty(); ++depth) {
    if (depth > kDeepest || total > kMostReferrers)
      return make_error(Errc::protocol, "referrers of " + subject.short_form() + " without end");
    std::vector<Result<std::vector<Referrer>>> below(level.size(), std::vector<Referrer>());
    WorkerPool side_by_side(std::min(kAtOnce, level.size()));
    for_each_index(side_by_side, level.size(), [&](std::size_t i) {
      below[i] = listed(*lister, level[i]->manifest.digest, options, context);
    });
    std::vector<Referrer*> next;
    for (std::size_t i = 0; i < level.size(); ++i) {
      DAVIT_TRY(level[i]->referrers, std::move(below[i]));
      for (Referrer& each : level[i]->referrers) next.push_back(&each);
    }
    total += next.size();
    level = std::move(next);
  }
  return roots;
}

namespace content {

Descriptor referrer_entry(const Manifest& manifest) {
  Descriptor entry = manifest.descriptor();
  entry.artifact_type = manifest.artifact_type();
  if (entry.artifact_type.empty() && manifest.config()) entry.artifact_type = manifest.config()->media_type;
  entry.annotations = manifest.annotations();
  return entry;
}

}  // namespace content
}  // namespace davit
