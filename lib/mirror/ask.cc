// The questions about one tag: the targets first, because what is missing there needs no comparison.
#include <algorithm>

#include <davit/image_details.h>

#include "base/error.h"
#include "base/guarded.h"
#include "base/try.h"
#include "content/choose_platforms.h"
#include "content/overlay.h"
#include "content/read_config.h"
#include "mirror/exploration.h"
#include "mirror/shard.h"
#include "model/timestamp.h"

namespace davit::mirror {
namespace {

/// When an image was created, as far as its configuration says; of an index the first of its images.
Result<std::optional<std::chrono::sys_seconds>> created(ContentSource& source, const Manifest& manifest,
                                                        const CallContext& context) {
  const auto unknown = std::optional<std::chrono::sys_seconds>();
  Manifest image = manifest;
  for (int depth = 0; image.is_index() && depth < 4; ++depth) {
    if (image.manifests().empty()) return unknown;
    DAVIT_TRY(image, source.manifest(image.manifests().front().digest.to_string(), context));
  }
  if (!image.config()) return unknown;
  const auto platform = content::configured_platform(source, image, context);
  if (!platform) return platform.error();
  if (!*platform) return unknown;
  DAVIT_TRY(const std::string bytes, content::read_config(source, *image.config(), context));
  const auto details = ImageDetails::parse(bytes);
  if (!details) return unknown;
  const auto time = model::parse_timestamp(details->created);
  return time ? std::optional(*time) : unknown;
}

}  // namespace

void Exploration::ask(Seen& seen) {
  seen.at.resize(targets_.size());
  const auto asked = guarded([&]() -> Result<> {
    if (seen.may_be_missing && !survey_->listed) {
      // One question here instead of one at each target: mostly there is none.
      const auto found = repository_->resolve(seen.name, context_);
      seen.left_out = !found && found.error().code == Errc::not_found;
      if (seen.left_out) return {};
      if (!found) return found.error();
    }
    bool open = false;
    for (std::size_t i = 0; i < targets_.size(); ++i) {
      Target& target = targets_[i];
      At& at = seen.at[i];
      if (target.closed) continue;
      if (target.survey.listed && target.survey.tags.contains(seen.name) && immutable_.match(seen.name)) {
        at.state = At::State::settled;
        continue;
      }
      const auto now = find(seen.name, target.survey, *target.repository, context_);
      at.state = now ? At::State::asked : At::State::failed;
      if (now && *now) {
        at.now = (*now)->digest;
        at.index = (*now)->index;
      }
      if (at.now && immutable_.match(seen.name)) {
        at.state = At::State::settled;
        continue;
      }
      if (!now) at.error = now.error().on(Side::destination);
      open |= now.has_value();
    }
    return open ? ask_source(seen) : Result<>();
  });
  if (!asked) seen.error = asked.error().on(Side::source);
}

/// What the source has under a name; with the manifest where that was the cheapest way to know.
Result<std::optional<Digest>> Exploration::at_source(const Seen& seen, std::optional<Manifest>& manifest) {
  if (is_digest(seen.name)) {
    DAVIT_TRY(const Digest digest, Digest::parse(seen.name));
    return std::optional(digest);
  }
  const auto row = survey_->tags.find(seen.name);
  if (row != survey_->tags.end() && row->second.digest) return row->second.digest;
  if (row == survey_->tags.end() && survey_->listed) return std::optional<Digest>();
  // Where no target has the tag it is going to be read anyway, and otherwise probably not.
  const bool anywhere = std::ranges::any_of(seen.at, [](const At& at) { return at.now.has_value(); });
  if (!anywhere && all_.shard_.count < 2) {
    DAVIT_TRY(manifest, repository_->manifest(seen.name, context_));
    return std::optional(manifest->descriptor().digest);
  }
  DAVIT_TRY(const Descriptor found, repository_->resolve(seen.name, context_));
  return std::optional(found.digest);
}

Result<> Exploration::ask_source(Seen& seen) {
  std::optional<Manifest> manifest;
  DAVIT_TRY(const std::optional<Digest> digest, at_source(seen, manifest));
  if (!digest && seen.may_be_missing) {
    seen.left_out = true;
    return {};
  }
  if (!digest)
    return make_error(Errc::not_found, route_.source.name() + ":" + seen.name + ": there is no such tag");
  if (!seen.part && route_.source.digest && *route_.source.digest != *digest)
    return make_error(Errc::conflict, route_.source.name() + ":" + seen.name + " is " + digest->to_string() +
                                          ", and " + route_.source.digest->to_string() + " is meant");
  seen.left_out = !seen.ours && !belongs(all_.shard_, route_.source.name(), seen.part.value_or(*digest));
  seen.root.digest = *digest;
  if (seen.left_out) return {};
  const auto read = [&]() -> Result<> {
    if (manifest) return {};
    DAVIT_TRY(manifest, repository_->manifest(digest->to_string(), context_));
    return {};
  };
  std::shared_ptr<ContentSource> source = source_;
  if (!job_.platforms.empty() && !seen.part) {
    DAVIT_TRY_VOID(read());
    DAVIT_TRY(
        content::PlatformChoice choice,
        content::choose_platforms(
            content::with_manifest(source_, *manifest), manifest->descriptor(), job_.platforms, context_,
            job_.platforms.size() > 1 ? content::OnePlatform::index : content::OnePlatform::image,
            content::Needed::any));
    source = std::move(choice.source);
    seen.root = choice.root;
  }
  bool needed = false;
  for (std::size_t i = 0; i < targets_.size(); ++i) needed |= lacks(seen, i);
  if (!needed) {
    if (job_.require_referrers.empty() || seen.part) return {};
    DAVIT_TRY(seen.referrers, source_->referrer_lister()->referrers(seen.root.digest, context_));
    return require_referrers(seen.root.digest, *seen.referrers);
  }
  DAVIT_TRY_VOID(read());
  DAVIT_TRY(seen.left_out, too_old(seen, *source, *manifest));
  if (seen.left_out) {
    ++too_old_;
    return {};
  }
  if (seen.root.digest == *digest) {
    seen.root = manifest->descriptor();
    source = content::with_manifest(source, *std::move(manifest));
  }
  seen.source = std::move(source);
  return {};
}

/// Where the list has not told already.
Result<bool> Exploration::too_old(const Seen& seen, ContentSource& source, const Manifest& manifest) {
  const auto row = survey_->tags.find(seen.name);
  if (!job_.tags.max_age || seen.part || (row != survey_->tags.end() && row->second.pushed)) return false;
  DAVIT_TRY(const auto when, created(source, manifest, context_));
  return when && all_.services_.clock.wall() - *when > *job_.tags.max_age;
}

bool Exploration::lacks(const Seen& seen, std::size_t target) const {
  const At& at = seen.at[target];
  return at.state == At::State::asked && at.now != seen.root.digest &&
         (job_.replace_tags || !at.now.has_value());
}

}  // namespace davit::mirror
