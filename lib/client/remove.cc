// Tags and images are removed from registries, tags from layouts.
#include <davit/client.h>

#include <algorithm>
#include <map>
#include <optional>

#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "client/argument.h"
#include "client/client_impl.h"
#include "client/layout_tags.h"
#include "client/registry_argument.h"

namespace davit {
namespace {

struct Doomed {
  std::optional<client::FileLocation> layout;  ///< set: a tag in there, and nothing else
  Reference reference;
  std::shared_ptr<registry::Repository> repository;  // co-owned by the client
};

enum class Mode { plan, remove };

/// A repository is not an image, and leaving out the tag must not cost one.
Result<> check_names_image(const Reference& reference) {
  if (!reference.tag.empty() || reference.digest) return {};
  return make_error(Errc::invalid_argument, reference.name() + " is a repository, and no image of it",
                    "write " + reference.name() + ":TAG, or @DIGEST for an image with all its tags");
}

class Removing {
 public:
  /// `gone`: the tags of the repository that will have gone before, in a plan.
  Removing(const Doomed& target, Mode mode, std::span<const std::string> gone, const CallContext& context)
      : reference_(target.reference),
        repository_(*target.repository),
        mode_(mode),
        gone_(gone),
        context_(context) {}

  Removal run(bool with_referrers) {
    const Result<> done = reference_.tag.empty() ? image(with_referrers) : tag();
    Removal out{
        .reference = reference_.to_string(), .removed = std::move(removed_), .notes = std::move(notes_)};
    if (!done) out.error = done.error();
    return out;
  }

 private:
  Result<> tag() {
    DAVIT_TRY(const Manifest image, client::manifest_of(reference_, repository_, context_));
    const Digest& digest = image.descriptor().digest;
    Removed it{
        .what = Removed::What::tag, .name = reference_.name() + ":" + reference_.tag, .digest = digest};
    if (mode_ == Mode::plan) {
      DAVIT_TRY(const bool known, repository_.check_tag_removal(reference_.tag, gone_, context_));
      it.may_be_refused = !known;
    }
    return removing(it, reference_.tag,
                    [&] { return repository_.remove_tag(reference_.tag, image, context_); });
  }

  Result<> image(bool with_referrers) {
    const auto image = client::manifest_of(reference_, repository_, context_);
    const bool gone = !image && image.error().code == Errc::not_found && reference_.digest;
    if (!with_referrers || (!image && !gone)) {
      if (!image) return image.error();
      return remove(*image, Removed::What::manifest);
    }
    const Digest& digest = *reference_.digest;
    DAVIT_TRY(const std::vector<Referrer> referrers, referrers_of(repository_, digest, {}, context_));
    if (gone && referrers.empty()) return image.error();
    // Signatures of an image that cannot be deleted are still needed. What refers to one that is gone is
    // found by its digest all the same, by the next run too when this one breaks off.
    if (!gone) DAVIT_TRY_VOID(remove(*image, Removed::What::manifest));
    return remove_below(digest, referrers);
  }

  /// What refers to `subject`, the last in a chain first: a run that breaks off leaves nothing that no list
  /// leads to any more. A list is a claim, and under the tag that stands for one there may be any index: what
  /// does not name `subject` itself stays.
  Result<> remove_below(const Digest& subject, const std::vector<Referrer>& referrers) {
    for (const Referrer& each : referrers) {
      const Digest& digest = each.manifest.digest;
      if (is_removed(digest)) continue;
      const auto found = repository_.manifest(digest.to_string(), context_);
      if (!found && found.error().code == Errc::not_found)
        continue;  // a list may be older than what it lists
      if (!found) return found.error();
      if (!found->subject() || found->subject()->digest != subject) {
        keep(digest,
             "is listed among the referrers of " + subject.short_form() + ", and does not refer to it");
        continue;
      }
      DAVIT_TRY_VOID(remove_below(digest, each.referrers));
      // Some registries take referrers away with their subject.
      if (Result<> done = remove(*found, Removed::What::referrer);
          !done && done.error().code != Errc::not_found)
        return done;
    }
    return remove_list(subject);
  }

  /// The index that stands for a list of referrers, unless it lists anything else that is there.
  Result<> remove_list(const Digest& subject) {
    DAVIT_TRY(const auto index, repository_.referrers_index(subject, context_));
    if (!index) return {};
    for (const Descriptor& each : index->manifests()) {
      if (is_removed(each.digest)) continue;
      const auto there = repository_.resolve(each.digest.to_string(), context_);
      if (!there && there.error().code == Errc::not_found) continue;
      if (!there) return there.error();
      keep(index->descriptor().digest, "has the tag of a list of referrers, and lists other things too");
      return {};
    }
    return remove(*index, Removed::What::referrer);
  }

  Result<> remove(const Manifest& manifest, Removed::What what) {
    const Digest& digest = manifest.descriptor().digest;
    const Removed it{.what = what,
                     .name = reference_.name() + "@" + digest.to_string(),
                     .digest = digest,
                     .may_be_refused = mode_ == Mode::plan};
    return removing(it, digest.to_string(), [&] { return repository_.remove_manifest(manifest, context_); });
  }

  template <typename Removes>
  Result<> removing(const Removed& it, const std::string& name, const Removes& removes) {
    Result<> done = mode_ == Mode::remove ? removes() : Result<>();
    if (done || is_gone(name, done.error())) removed_.push_back(it);
    return done;
  }

  /// What was deleted is gone, also where something went wrong afterwards. A registry that does not answer is
  /// not asked again.
  bool is_gone(const std::string& name, const Error& error) {
    if (error.code == Errc::cancelled || error.code == Errc::timeout || error.retryable) return false;
    const auto now = repository_.resolve(name, context_);
    return !now && now.error().code == Errc::not_found;
  }

  [[nodiscard]] bool is_removed(const Digest& digest) const {
    return std::ranges::find(removed_, digest, &Removed::digest) != removed_.end();
  }

  void keep(const Digest& digest, const std::string& why) {
    notes_.push_back(reference_.name() + "@" + digest.to_string() + " stays: it " + why);
  }

  const Reference& reference_;
  registry::Repository& repository_;
  const Mode mode_;
  const std::span<const std::string> gone_;
  const CallContext& context_;
  std::vector<Removed> removed_;
  std::vector<std::string> notes_;
};

Result<std::vector<Removal>> removals(client::Registries& registries, std::span<const std::string> references,
                                      const RemoveOptions& options, Mode mode) {
  const CallContext context = context_within(options.stop, options.timeout);
  std::vector<Doomed> targets;
  for (const std::string& text : references) {
    DAVIT_TRY(auto layout, client::layout_argument(text));
    if (layout && options.with_referrers)
      return client::bad_argument(text, "of a layout only tags are deleted, and the image stays",
                                  "leave out --with-referrers");
    if (layout) {
      targets.push_back({std::move(layout), {}, nullptr});
      continue;
    }
    DAVIT_TRY(Reference reference, client::registry_argument(text, registries, Side::destination, context));
    DAVIT_TRY_VOID(check_names_image(reference));
    if (options.with_referrers && !reference.tag.empty())
      return client::bad_argument(text, "a tag's image stays, and so does what refers to it",
                                  "name the image by its digest, or leave out --with-referrers");
    DAVIT_TRY(auto repository,
              registries.repository(reference.host, reference.repository, Side::destination));
    targets.push_back({std::nullopt, std::move(reference), std::move(repository)});
  }
  std::vector<Removal> out;
  std::map<std::string, std::vector<std::string>> gone;  // the tags that were named, by repository
  for (const Doomed& target : targets) {
    if (target.layout) {
      out.push_back(client::remove_from_layout(*target.layout, mode == Mode::plan, context));
      continue;
    }
    std::vector<std::string>& before = gone[target.reference.name()];
    out.push_back(Removing(target, mode, before, context).run(options.with_referrers));
    if (!out.back().error && !target.reference.tag.empty()) before.push_back(target.reference.tag);
  }
  return out;
}

}  // namespace

Result<std::vector<Removal>> Client::remove(std::span<const std::string> references,
                                            const RemoveOptions& options) {
  return removals(impl_->registries, references, options, Mode::remove);
}

Result<std::vector<Removal>> Client::plan_remove(std::span<const std::string> references,
                                                 const RemoveOptions& options) {
  return removals(impl_->registries, references, options, Mode::plan);
}

}  // namespace davit
