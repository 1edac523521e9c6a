#include "content/choose_platforms.h"

#include <algorithm>
#include <deque>
#include <optional>

#include "base/error.h"
#include "base/try.h"
#include "content/index_entries.h"
#include "content/overlay.h"
#include "content/read_config.h"
#include "model/media_type.h"

namespace davit::content {
namespace {

constexpr std::size_t kMostIndexes = 100;

/// The entries of an index and of the indexes within it.
class Survey {
 public:
  Survey(ContentSource& source, const CallContext& context) : source_(source), context_(context) {}

  struct Found {
    IndexEntry entry;
    std::optional<Platform> platform;
    [[nodiscard]] const Descriptor& descriptor() const { return entry.index->manifests()[entry.position]; }
  };

  Result<> look(const Manifest& index) {
    indexes_.push_back(index);
    const Manifest& here = indexes_.back();
    if (indexes_.size() > kMostIndexes)
      return make_error(Errc::corrupt, "more than " + std::to_string(kMostIndexes) + " indexes in one");
    for (std::size_t i = 0; i < here.manifests().size(); ++i) {
      const Descriptor& child = here.manifests()[i];
      if (model::is_index(model::essence(child.media_type)) && !child.platform) {
        DAVIT_TRY(const Manifest nested, source_.manifest(child.digest.to_string(), context_));
        if (nested.is_index()) DAVIT_TRY_VOID(look(nested));
        continue;
      }
      std::optional<Platform> platform = child.platform;
      if (!platform && !is_attestation(child) && model::is_manifest(model::essence(child.media_type))) {
        DAVIT_TRY(const Manifest image, source_.manifest(child.digest.to_string(), context_));
        DAVIT_TRY(platform, configured_platform(source_, image, context_));
      }
      all.push_back({{&here, i}, std::move(platform)});
    }
    return {};
  }

  std::vector<Found> all;

 private:
  ContentSource& source_;
  const CallContext& context_;
  std::deque<Manifest> indexes_;
};

std::string list_of(const Survey& survey) {
  std::string out;
  for (const Survey::Found& found : survey.all) {
    if (is_attestation(found.descriptor()) || !found.platform) continue;
    out += (out.empty() ? "" : ", ") + found.platform->to_string();
  }
  return out.empty() ? "no platform at all" : out;
}

}  // namespace

Result<PlatformChoice> choose_platforms(std::shared_ptr<ContentSource> source, const Descriptor& root,
                                        std::span<const Platform> wanted, const CallContext& context,
                                        OnePlatform one_platform, Needed needed) {
  DAVIT_TRY(const Manifest top, source->manifest(root.digest.to_string(), context));
  if (!top.is_index()) {
    DAVIT_TRY(const auto platform, configured_platform(*source, top, context));
    const auto lacks = [&](const Platform& one) {
      return !platform || !platform->satisfies(one.normalized());
    };
    const auto missing = std::ranges::find_if(wanted, lacks);
    if (missing == wanted.end() || (needed == Needed::any && !std::ranges::all_of(wanted, lacks)))
      return PlatformChoice{.source = std::move(source), .root = root};
    return make_error(Errc::not_found, "the image is " +
                                           (platform ? "for " + platform->to_string()
                                                     : std::string("for no platform at all")) +
                                           ", not for " + missing->to_string());
  }
  Survey survey(*source, context);
  DAVIT_TRY_VOID(survey.look(top));
  std::vector<bool> chosen(survey.all.size());
  for (const Platform& one : wanted) {
    const auto match = std::ranges::find_if(survey.all, [&](const Survey::Found& found) {
      return found.platform && !is_attestation(found.descriptor()) &&
             found.platform->normalized().satisfies(one.normalized());
    });
    const bool last =
        needed == Needed::all || (&one == &wanted.back() && std::ranges::count(chosen, true) == 0);
    if (match == survey.all.end() && !last) continue;
    if (match == survey.all.end())
      return make_error(Errc::not_found, "no image for " + one.to_string(), "there is " + list_of(survey));
    chosen[static_cast<std::size_t>(match - survey.all.begin())] = true;
  }
  if (one_platform == OnePlatform::image && std::ranges::count(chosen, true) == 1) {
    const auto at = static_cast<std::size_t>(std::ranges::find(chosen, true) - chosen.begin());
    const Descriptor& child = survey.all[at].descriptor();
    return PlatformChoice{
        .source = std::move(source),
        .root = {.media_type = child.media_type, .digest = child.digest, .size = child.size}};
  }
  std::vector<IndexEntry> entries;
  std::string names;
  for (std::size_t i = 0; i < survey.all.size(); ++i) {
    const Descriptor& child = survey.all[i].descriptor();
    const std::string about = is_attestation(child) ? attested_image(child) : std::string();
    bool keep = chosen[i];
    for (std::size_t k = 0; k < chosen.size() && !about.empty(); ++k)
      keep = keep || (chosen[k] && survey.all[k].descriptor().digest.to_string() == about);
    if (!keep) continue;
    entries.push_back(survey.all[i].entry);
    if (chosen[i]) names += (names.empty() ? "" : ", ") + survey.all[i].platform->to_string();
  }
  if (entries.size() == survey.all.size())  // everything was wanted
    return PlatformChoice{.source = std::move(source), .root = root};
  DAVIT_TRY(const Manifest rewritten, rewritten_index(top, entries));
  return PlatformChoice{.source = with_manifest(std::move(source), rewritten),
                        .root = rewritten.descriptor(),
                        .notes = {"the index was rewritten and now lists " + names}};
}

}  // namespace davit::content
