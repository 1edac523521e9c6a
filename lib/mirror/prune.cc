#include "mirror/prune.h"

#include <algorithm>
#include <optional>
#include <set>
#include <span>

#include "base/context.h"
#include "base/error.h"
#include "base/guarded.h"
#include "base/try.h"
#include "mirror/keeping.h"
#include "mirror/shard.h"
#include "mirror/survey.h"
#include "model/digest_tags.h"
#include "model/media_type.h"

namespace davit::mirror {
namespace {

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
    std::vector<std::string> belonging;
    for (const std::string& tag : left_.digest_tags) {
      if (going.contains(model::digest_tag(tag)->subject)) belonging.push_back(tag);
    }
    for (const std::string& tag : belonging) DAVIT_TRY_VOID(doom(tag));
    if (!belonging.empty()) DAVIT_TRY_VOID(leave_what_belongs_to_others());
    DAVIT_TRY_VOID(learn_all());
    keeping_.sort(doomed_);
    return doomed_.size();
  }

  void refuse(const Error& error) {
    MirrorEntry entry = entry_for("");
    entry.error = error;
    entries_.add(left_.route, std::move(entry));
  }

  void run() {
    for (const Doomed& each : doomed_) {
      if (how_.enough.stop_requested()) return;
      // Its image was to go, and has not gone.
      if (const auto own = model::digest_tag(each.tag); own && keeping_.needs(own->subject)) continue;
      MirrorEntry entry = entry_for(each.tag);
      entry.root = each.image.descriptor();
      const auto done = guarded([&]() -> Result<> {
        DAVIT_TRY_VOID(check(context_));
        return how_.plan ? Result<>() : remove(each);
      });
      entry.what = done ? MirrorEntry::What::deleted : MirrorEntry::What::failed;
      if (!done) {
        entry.error = done.error();
        keeping_.keep(each.image.descriptor().digest);
      }
      entries_.add(left_.route, std::move(entry));
    }
  }

 private:
  Result<> doom(const std::string& tag) {
    DAVIT_TRY_VOID(still());
    auto image = repository_->manifest(tag, context_);
    if (!image && image.error().code == Errc::not_found) return {};  // gone already
    if (!image) return image.error();
    const auto own = model::digest_tag(tag);
    const Digest& part = own ? own->subject : image->descriptor().digest;
    if (!belongs(how_.shard, left_.route.source.name(), part)) return {};
    keeping_.learn(*image);
    doomed_.push_back({tag, *std::move(image)});
    return {};
  }

  Result<> leave_what_belongs_to_others() {
    DAVIT_TRY_VOID(see_what_stays());
    std::erase_if(doomed_, [&](const Doomed& each) {
      const auto own = model::digest_tag(each.tag);
      const bool stays = own && keeping_.needs(own->subject);
      if (stays) keeping_.keep(each.image.descriptor().digest);
      return stays;
    });
    return {};
  }

  Result<> remove(const Doomed& each) {
    const Digest& digest = each.image.descriptor().digest;
    const auto now = repository_->resolve(each.tag, context_);
    if (!now && now.error().code == Errc::not_found && gone_.contains(digest)) return {};  // with its image
    if (!now) return now.error();
    if (now->digest != digest)
      return make_error(Errc::conflict, left_.place.name() + ":" + each.tag +
                                            ": somebody has moved the tag just now, so it stays")
          .on(Side::destination);
    if (!images_only_) {
      DAVIT_TRY_VOID(record(each));
      auto alone = repository_->remove_tag(each.tag, each.image, context_);
      if (alone || alone.error().code != Errc::unsupported) return alone;
      images_only_ = repository_->registry().options().kind == registry::Kind::distribution;
    }
    DAVIT_TRY_VOID(see_what_stays());
    if (keeping_.needs(digest))
      return make_error(Errc::unsupported, left_.place.name() + ":" + each.tag +
                                               ": the registry would delete the image with the tag, and "
                                               "other tags or indexes need this image");
    for (const Doomed& other : doomed_) {
      if (other.image.descriptor().digest == digest) DAVIT_TRY_VOID(record(other));
    }
    DAVIT_TRY_VOID(repository_->remove_manifest(each.image, context_));
    gone_.insert(digest);
    return {};
  }

  /// Once for each tag.
  Result<> record(const Doomed& each) {
    if (recorded_.contains(each.tag)) return {};
    if (!how_.before_delete)
      return make_error(Errc::invalid_argument, "nothing is deleted without a record of it");
    DAVIT_TRY_VOID(how_.before_delete({.repository = left_.place.name(),
                                       .tag = each.tag,
                                       .digest = each.image.descriptor().digest,
                                       .media_type = each.image.descriptor().media_type,
                                       .manifest = each.image.bytes()}));
    recorded_.insert(each.tag);
    return {};
  }

  /// What is there now, which is not what was there before the copy. Asked once, and only when it matters.
  Result<> see_what_stays() {
    if (seen_) return {};
    std::set<std::string> going;
    for (const Doomed& each : doomed_) going.insert(each.tag);
    DAVIT_TRY(const Survey there, survey(*repository_, Look::tags, context_));
    std::set<std::string> unread;  // names of what may be an index
    for (const auto& [tag, row] : there.tags) {
      if (going.contains(tag)) continue;
      DAVIT_TRY_VOID(still());
      DAVIT_TRY(const std::optional<Digest> digest, stays(tag, row, unread));
      if (digest) keeping_.keep(*digest);
    }
    for (const Digest& image : left_.kept) keeping_.keep(image);
    for (const Digest& image : left_.named) {
      keeping_.keep(image);
      unread.insert(image.to_string());
    }
    DAVIT_TRY_VOID(learn({unread.begin(), unread.end()}));
    DAVIT_TRY_VOID(learn_all());
    seen_ = true;
    return {};
  }

  /// Where the list has told the digest the manifests come many at once; else HEAD says which are indexes.
  Result<std::optional<Digest>> stays(const std::string& tag, const Survey::Tag& row,
                                      std::set<std::string>& unread) {
    if (row.digest) {
      unread.insert(row.digest->to_string());
      return row.digest;
    }
    const auto now = repository_->resolve(tag, context_);
    if (!now && now.error().code == Errc::not_found) return std::optional<Digest>();
    if (!now) return now.error();
    if (model::is_index(now->media_type)) unread.insert(now->digest.to_string());
    return std::optional(now->digest);
  }

  Result<> learn_all() {
    for (std::vector<Digest> next = keeping_.unknown(); !next.empty(); next = keeping_.unknown()) {
      std::vector<std::string> names;
      names.reserve(next.size());
      for (const Digest& each : next) names.push_back(each.to_string());
      DAVIT_TRY_VOID(learn(names));
      for (const Digest& each : next) keeping_.learn_missing(each);
    }
    return {};
  }

  Result<> learn(const std::vector<std::string>& digests) {
    const std::size_t batch = std::max<std::size_t>(repository_->manifest_batch(), 1);
    for (std::size_t begin = 0; begin < digests.size(); begin += batch) {
      const auto some = std::span(digests).subspan(begin, std::min(batch, digests.size() - begin));
      DAVIT_TRY(const auto manifests, repository_->manifests(some, context_));
      for (const auto& manifest : manifests) {
        if (manifest) keeping_.learn(*manifest);
      }
    }
    return {};
  }

  [[nodiscard]] Result<> still() const {
    return how_.enough.stop_requested() ? Result<>(make_error(Errc::cancelled, "not begun"))
                                        : check(context_);
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
  Keeping keeping_;
  bool seen_ = false;         ///< what stays
  bool images_only_ = false;  ///< the registry cannot delete a tag alone
  std::set<std::string> recorded_;
  std::set<Digest> gone_;
};

}  // namespace

void prune(const std::vector<const Leftovers*>& of_job, const Pruning& how, const Services& services,
           Entries& entries, const CallContext& context) {
  std::size_t count = 0;
  std::vector<Pruner> pruners;
  for (const Leftovers* left : of_job) {
    if (how.enough.stop_requested()) return;
    Pruner& one = pruners.emplace_back(*left, how, services, entries, context);
    const auto found = guarded([&] { return one.look(); });
    if (how.enough.stop_requested()) return;
    if (!found) {
      one.refuse(found.error());
      pruners.pop_back();
      continue;
    }
    count += *found;
  }
  if (pruners.empty()) return;
  const MirrorJob& job = *of_job.front()->route.job;
  const bool too_many = count > job.prune.max_deletes;
  if (!too_many || how.plan) {
    for (Pruner& one : pruners) one.run();
  }
  if (too_many)
    pruners.front().refuse(make_error(
        Errc::conflict,
        std::to_string(count) + (count == 1 ? " tag" : " tags") + " would be deleted, and at most " +
            std::to_string(job.prune.max_deletes) + " may be: none is",
        how.plan ? "--max-deletes allows them" : "--dry-run lists them; --max-deletes allows them"));
}

}  // namespace davit::mirror
