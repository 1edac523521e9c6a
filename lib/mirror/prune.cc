#include "mirror/prune.h"
#include "base/context.h"
#include "base/error.h"
#include "base/guarded.h"
#include "base/try.h"
#include "mirror/shard.h"
#include "model/digest_tags.h"
#include "model/media_type.h"

namespace davit::mirror {
namespace {

/// A tag that goes.
struct Doomed {
  std::string tag;
  Manifest image;
};

/// The pruning of one target.
class Pruner {
 public:
  Pruner(const Leftovers& left, const Pruning& how, const Services& services, Entries& entries,
         const CallContext& context)
      : left_(left), how_(how), services_(services), entries_(entries), context_(context) {}

  /// Reads what goes. Tags of other parts of the work are left to those.
  Result<std::size_t> look() {
    DAVIT_TRY(repository_, services_.repository(left_.place, Side::destination, {}));
    for (const std::string& tag : left_.gone) DAVIT_TRY_VOID(doom(tag));
    std::set<Digest> going;
    for (const Doomed& each : doomed_) going.insert(each.image.descriptor().digest);
    for (const std::string& tag : left_.digest_tags) {
      const auto own = model::digest_tag(tag);
      if (own && going.contains(own->subject) && !own->ending.empty()) DAVIT_TRY_VOID(doom(tag));
    }
    return doomed_.size();
  }

  void refuse(const Error& error) {
    MirrorEntry entry = entry_for("");
    entry.error = error;
    entries_.add(left_.route, std::move(entry));
  }

  void run() {
    for (const Doomed& each : doomed_) {
      MirrorEntry entry = entry_for(each.tag);
      entry.root = each.image.descriptor();
      const auto done = guarded([&]() -> Result<> {
        DAVIT_TRY_VOID(check(context_));
        return how_.plan ? Result<>() : remove(each);
      });
      entry.what = done ? MirrorEntry::What::deleted : MirrorEntry::What::failed;
      if (!done) entry.error = done.error();
      entries_.add(left_.route, std::move(entry));
    }
  }

 private:
  Result<> doom(const std::string& tag) {
    auto image = repository_->manifest(tag, context_);
    if (!image && image.error().code == Errc::not_found) return {};  // gone already
    if (!image) return image.error();
    if (belongs(how_.shard, left_.route.source.name(), image->descriptor().digest))
      doomed_.push_back({tag, *std::move(image)});
    return {};
  }

  Result<> remove(const Doomed& each) {
    DAVIT_TRY(const Descriptor now, repository_->resolve(each.tag, context_));
    const Digest& digest = each.image.descriptor().digest;
    if (now.digest != digest)
      return make_error(Errc::conflict, left_.place.name() + ":" + each.tag +
                                            ": somebody has moved the tag just now, so it stays")
          .on(Side::destination);
    if (!how_.before_delete)
      return make_error(Errc::invalid_argument, "nothing is deleted without a record of it");
    DAVIT_TRY_VOID(how_.before_delete({.repository = left_.place.name(),
                                       .tag = each.tag,
                                       .digest = digest,
                                       .media_type = each.image.descriptor().media_type,
                                       .manifest = each.image.bytes()}));
    auto alone = repository_->remove_tag(each.tag, each.image, context_);
    if (alone || alone.error().code != Errc::unsupported) return alone;
    if (gone_.contains(digest)) return {};  // with another tag of it
    // ECR says itself which images an index needs, and has said that there is no other tag.
    const bool says = repository_->registry().options().kind != registry::Kind::distribution;
    DAVIT_TRY(const bool needed, says ? Result<bool>(false) : is_needed(digest));
    if (needed)
      return make_error(Errc::unsupported, left_.place.name() + ":" + each.tag +
                                               ": this registry deletes images, not tags, and other tags "
                                               "need this image");
    DAVIT_TRY_VOID(repository_->remove_manifest(each.image, context_));
    gone_.insert(digest);
    return {};
  }

  /// Whether a tag that stays has the image, or an index with it. Asked once for all that go.
  Result<bool> is_needed(const Digest& digest) {
    if (!needed_) {
      std::set<Digest> needed;
      for (const std::string& tag : left_.staying) {
        const auto image = repository_->resolve(tag, context_);
        if (!image && image.error().code == Errc::not_found) continue;
        if (!image) return image.error();
        if (!needed.insert(image->digest).second || !model::is_index(image->media_type)) continue;
        DAVIT_TRY(const Manifest index, repository_->manifest(image->digest.to_string(), context_));
        for (const Descriptor& child : index.manifests()) needed.insert(child.digest);
      }
      needed_ = std::move(needed);
    }
    return needed_->contains(digest);
  }

  [[nodiscard]] MirrorEntry entry_for(const std::string& tag) const {
    return {.job = left_.route.job->name,
            .source = left_.route.source.name(),
            .target = left_.place.name(),
            .tag = tag};
  }

  const Leftovers& left_;
  const Pruning& how_;
  const Services& services_;
  Entries& entries_;
  const CallContext& context_;
  std::shared_ptr<registry::Repository> repository_;
  std::vector<Doomed> doomed_;
  std::set<Digest> gone_;
  std::optional<std::set<Digest>> needed_;
};

}  // namespace

void prune(const std::vector<const Leftovers*>& of_job, const Pruning& how, const Services& services,
           Entries& entries, const CallContext& context) {
  std::size_t count = 0;
  std::vector<Pruner> pruners;
  for (const Leftovers* left : of_job) {
    Pruner& one = pruners.emplace_back(*left, how, services, entries, context);
    const auto found = guarded([&] { return one.look(); });
    if (!found) {
      one.refuse(found.error());
      pruners.pop_back();
      continue;
    }
    count += *found;
  }
  if (of_job.empty()) return;
  const MirrorJob& job = *of_job.front()->route.job;
  if (count > job.prune.max_deletes && !pruners.empty()) {
    pruners.front().refuse(make_error(Errc::conflict,
                                      std::to_string(count) + " tags would be deleted, and at most " +
                                          std::to_string(job.prune.max_deletes) + " may be: none is",
                                      "--dry-run lists them; --max-deletes allows them"));
    return;
  }
  for (Pruner& one : pruners) one.run();
}

}  // namespace davit::mirror
