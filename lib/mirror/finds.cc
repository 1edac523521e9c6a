// What becomes of the answers: entries where nothing has to be done or nothing can be, images to copy
// otherwise, and the signatures and SBOMs that belong to either.
#include <algorithm>

#include "base/context.h"
#include "base/error.h"
#include "base/guarded.h"
#include "base/try.h"
#include "content/overlay.h"
#include "mirror/exploration.h"
#include "mirror/required.h"
#include "model/digest_tags.h"

namespace davit::mirror {
namespace {

constexpr std::string_view kCosignEndings[] = {".sig", ".att", ".sbom"};

}  // namespace

void Exploration::tell(const std::vector<Seen>& tags) {
  for (const Seen& seen : tags) {
    if (seen.left_out) continue;
    // Whether there is such a tag was not known when the run ended.
    if (seen.error && seen.may_be_missing && !survey_->listed && !check(context_)) continue;
    if (seen.error) {
      fail(seen.name, nullptr, *seen.error);
      continue;
    }
    for (std::size_t i = 0; i < targets_.size(); ++i) {
      const At& at = seen.at[i];
      if (at.state == At::State::closed || lacks(seen, i)) continue;
      if (at.state == At::State::failed) {
        fail(seen.name, &targets_[i], *at.error);
      } else if (at.state == At::State::settled || at.now == seen.root.digest) {
        MirrorEntry same = entry(seen.name, &targets_[i]);
        same.what = MirrorEntry::What::unchanged;
        if (!seen.root.digest.empty()) same.root = seen.root;
        all_.entries_.add(route_, std::move(same));
      } else {
        fail(seen.name, &targets_[i],
             make_error(Errc::conflict, targets_[i].place.name() + ":" + seen.name + " is " +
                                            at.now->to_string() + " there, " + seen.root.digest.to_string() +
                                            " at the source, and tags are not to be replaced"));
      }
    }
  }
}

/// Tags of one image travel together.
std::vector<Find> Exploration::finds(const std::vector<Seen>& tags) {
  std::vector<Find> out;
  std::map<Digest, std::size_t> by_root;
  for (const Seen& seen : tags) {
    if (seen.left_out || seen.error) continue;
    for (std::size_t i = 0; i < targets_.size(); ++i) {
      const At& at = seen.at[i];
      if (!lacks(seen, i)) continue;
      const auto [known, first] = by_root.emplace(seen.root.digest, out.size());
      if (first) out.push_back({.route = route_, .source = seen.source, .root = seen.root, .graph = nullptr});
      Find& find = out[known->second];
      // New tags go together. One that moves may be refused, so it goes alone.
      auto place = std::ranges::find_if(find.places, [&](const FoundPlace& one) {
        return one.place == targets_[i].place && !one.moves && !at.now;
      });
      if (place == find.places.end()) place = find.places.insert(find.places.end(), place_at(i));
      place->moves = at.now.has_value();
      if (is_digest(seen.name)) continue;
      place->tags.push_back(seen.name);
      place->now[seen.name] = at.now;
    }
  }
  std::vector<Unchanged> same = unchanged(tags);
  std::ranges::copy_if(same, std::back_inserter(indexes_), &Unchanged::index);
  if (with_referrers()) std::ranges::move(late_referrers(std::move(same)), std::back_inserter(out));
  return walked(std::move(out));
}

std::vector<Find> Exploration::late_referrers(std::vector<Unchanged> images) {
  std::vector<std::vector<Find>> referrers(images.size());
  for_each_index(all_.questions_, images.size(), [&](std::size_t i) {
    const auto added = guarded([&] { return add_missing_referrers(images[i], referrers[i]); });
    if (added) return;
    for (const std::size_t target : images[i].targets)
      fail(images[i].root.to_string(), &targets_[target], added.error().on(Side::source));
  });
  std::vector<Find> out;
  for (std::vector<Find>& each : referrers) std::ranges::move(each, std::back_inserter(out));
  return out;
}

/// Those whose content could be read whole.
std::vector<Find> Exploration::walked(std::vector<Find> finds) {
  std::vector<Result<>> done(finds.size());
  for_each_index(all_.questions_, finds.size(), [&](std::size_t i) {
    done[i] = guarded([&] { return walk(finds[i]); });
    if (!done[i]) fail(finds[i], done[i].error().on(Side::source));
  });
  std::vector<Find> good;
  for (std::size_t i = 0; i < finds.size(); ++i) {
    if (!done[i]) continue;
    for (const FoundPlace& at : finds[i].places) {
      for (const Manifest& manifest : finds[i].graph->manifests)
        all_.claims_.keep(at.place, manifest.descriptor().digest);
    }
    good.push_back(std::move(finds[i]));
  }
  return good;
}

std::vector<Exploration::Unchanged> Exploration::unchanged(const std::vector<Seen>& tags) const {
  std::vector<Unchanged> out;
  std::map<Digest, std::size_t> by_root;
  for (const Seen& seen : tags) {
    if (seen.left_out || seen.error) continue;
    for (std::size_t i = 0; i < targets_.size(); ++i) {
      if (seen.at[i].state != At::State::asked || seen.at[i].now != seen.root.digest) continue;
      const auto [known, first] = by_root.emplace(seen.root.digest, out.size());
      if (first) out.push_back({.root = seen.root.digest, .referrers = seen.referrers});
      out[known->second].targets.insert(i);
      out[known->second].index |= seen.at[i].index;
    }
  }
  return out;
}

/// An image that is there already may have been signed since.
Result<> Exploration::add_missing_referrers(Unchanged& image, std::vector<Find>& out) {
  if (!image.referrers) {
    DAVIT_TRY(image.referrers, source_->referrer_lister()->referrers(image.root, context_));
  }
  if (image.referrers->empty()) return {};
  std::map<Digest, std::vector<std::size_t>> missing;
  for (const std::size_t target : image.targets) {
    const Target& at = targets_[target];
    std::set<Digest> listed;
    if (!at.survey.complete) {
      DAVIT_TRY(const auto there, at.repository->referrers(image.root, context_));
      for (const Descriptor& each : there) listed.insert(each.digest);
    }
    const std::set<Digest>& there = at.survey.complete ? at.survey.images : listed;
    for (const Descriptor& each : *image.referrers) {
      if (!there.contains(each.digest)) missing[each.digest].push_back(target);
    }
  }
  for (const auto& [digest, lacking] : missing) {
    DAVIT_TRY(Manifest manifest, repository_->manifest(digest.to_string(), context_));
    Find& find = out.emplace_back(
        Find{.route = route_, .source = nullptr, .root = manifest.descriptor(), .graph = nullptr});
    find.source = content::with_manifest(source_, std::move(manifest));
    for (const std::size_t target : lacking) find.places.push_back(place_at(target));
  }
  return {};
}

Result<> Exploration::walk(Find& find) {
  DAVIT_TRY(content::Graph graph, content::walk(*find.source, find.root, context_,
                                                {.pool = &all_.children_, .referrers = with_referrers()}));
  find.graph = std::make_shared<content::Graph>(std::move(graph));
  find.has_referrers = std::ranges::any_of(find.graph->manifests,
                                           [](const Manifest& one) { return one.subject().has_value(); });
  return require_referrers(find);
}

Result<> Exploration::require_referrers(const Find& find) {
  const bool tagged = std::ranges::any_of(find.places, [](const FoundPlace& place) {
    return std::ranges::any_of(place.tags, [](const std::string& tag) { return !model::digest_tag(tag); });
  });
  if (!tagged) return {};
  std::vector<Descriptor> referrers;
  for (const Manifest& each : find.graph->manifests) {
    if (!each.subject() || each.subject()->digest != find.root.digest) continue;
    referrers.push_back(each.descriptor());
    referrers.back().artifact_type = each.artifact_type();
  }
  return require_referrers(find.root.digest, referrers);
}

Result<> Exploration::require_referrers(const Digest& root, std::span<const Descriptor> referrers) {
  if (job_.require_referrers.empty()) return {};
  DAVIT_TRY(const std::vector<std::string> missing,
            missing_referrers(job_.require_referrers, referrers, digest_tags_of(root)));
  if (missing.empty()) return {};
  return make_error(Errc::not_found, route_.source.name() + "@" + root.to_string() +
                                         ": nothing of the kind \"" + missing.front() +
                                         "\" refers to it, and that is required");
}

/// Those that the source has; without a list of its tags those that cosign writes are asked for.
std::vector<std::string> Exploration::digest_tags_of(const Digest& root) {
  if (survey_->listed) {
    const auto own = digest_tags_.find(root);
    return own == digest_tags_.end() ? std::vector<std::string>() : own->second;
  }
  std::vector<std::string> out;
  for (const std::string_view ending : kCosignEndings) {
    std::string name = model::stem_of(root) + std::string(ending);
    if (repository_->resolve(name, context_)) out.push_back(std::move(name));
  }
  return out;
}

/// The digest tags of what has been seen, each once.
std::vector<Exploration::Seen> Exploration::companions(const std::vector<Seen>& tags,
                                                       const std::vector<Find>& found) {
  std::vector<Seen> out;
  for (const Seen& seen : tags) {
    if (seen.error || seen.root.digest.empty()) continue;
    looked_.insert(seen.root.digest);
    if (!seen.left_out && !seen.part) add_companions(seen.root.digest, out);
  }
  for (const Find& find : found) {
    for (const Manifest& manifest : find.graph->manifests) {
      for (const Descriptor& child : manifest.manifests()) {
        looked_.insert(child.digest);
        if (survey_->listed) add_companions(child.digest, out);
      }
    }
  }
  return out;
}

void Exploration::add_companions(const Digest& subject, std::vector<Seen>& out) {
  if (!job_.digest_tags) return;
  std::vector<std::string> names;
  if (const auto own = digest_tags_.find(subject); own != digest_tags_.end()) names = own->second;
  for (const std::string_view ending : kCosignEndings) {
    if (!survey_->listed) names.push_back(model::stem_of(subject) + std::string(ending));
  }
  for (std::string& name : names) {
    if (with_referrers() && model::digest_tag(name)->ending.empty()) continue;
    if (names_.insert(name).second)
      out.push_back({.name = std::move(name), .part = subject, .ours = true, .may_be_missing = true});
  }
}

}  // namespace davit::mirror
