// What refers to a manifest: the referrers API (OCI distribution specification, "Listing Referrers") and the
// tag that stands for it where a registry has no such API ("Referrers Tag Schema").
#include <algorithm>

#include "base/error.h"
#include "base/try.h"
#include "content/layout_index.h"
#include "model/media_type.h"
#include "model/write_manifest.h"
#include "registry/repository.h"

namespace davit::registry {
namespace {

constexpr std::uint64_t kPageLimit = 4u << 20;
constexpr int kMostPages = 1'000;
constexpr std::size_t kMostReferrers = 10'000;
constexpr std::uint64_t kMostBytes = 16u << 20;

std::string fallback_tag(const Digest& subject) {
  // A tag has at most 128 characters: longer digests are cut as the specification cuts them.
  return (std::string(subject.algorithm_name()) + "-" + subject.hex()).substr(0, 128);
}

void add(std::vector<Descriptor>& all, const std::vector<Descriptor>& more) {
  for (const Descriptor& each : more) {
    if (std::ranges::find(all, each.digest, &Descriptor::digest) == all.end()) all.push_back(each);
  }
}

}  // namespace

Result<std::vector<Descriptor>> Repository::referrers(const Digest& subject, const CallContext& context) {
  const Purpose why = purpose("list referrers of", subject.short_form());
  std::vector<Descriptor> all;
  std::uint64_t bytes = 0;
  net::Url page = url("referrers/" + subject.to_string());
  for (int count = 0; count < kMostPages; ++count) {
    Call call{.request = {.method = "GET", .url = page, .answer_limit = kPageLimit}, .scope = scope()};
    call.request.headers.push_back({"Accept", std::string(model::kOciIndex)});
    DAVIT_TRY(Answer answer, registry_.wire().send(why, call, context));
    const bool unknown = answer.status == 404 || answer.status == 405 || answer.status == 501 ||
                         (answer.status == 200 && is_html(answer.headers, answer.body));
    if (unknown && count == 0) return referrers_by_tag(subject, context);
    if (answer.status != 200) return answer_error(why, answer);
    bytes += answer.body.size();
    const auto index = Manifest::parse(std::move(answer.body), model::kOciIndex);
    if (!index || !index->is_index())
      return strange_answer(why, answer, Errc::protocol, "not a list of referrers");
    add(all, index->manifests());
    if (all.size() > kMostReferrers || bytes > kMostBytes)
      return make_error(Errc::protocol, why.text + ": referrers without end").on(why.side);
    DAVIT_TRY(const std::optional<net::Url> next, next_page(why, answer));
    if (!next) return all;
    page = *next;
  }
  return make_error(Errc::protocol, why.text + ": pages without end").on(why.side);
}

Result<std::vector<Descriptor>> Repository::referrers_by_tag(const Digest& subject,
                                                             const CallContext& context) {
  auto index = manifest(fallback_tag(subject), context);
  if (index && index->is_index()) return index->manifests();
  if (!index && index.error().code != Errc::not_found) return index.error();
  return std::vector<Descriptor>();
}

/// A registry that knows referrers says so in its answer; for any other the tag's index is kept up by who
/// pushes.
Result<> Repository::note_referrer(const Manifest& referrer, const CallContext& context) {
  const Digest& subject = referrer.subject()->digest;
  MutexLock lock(referrer_tags_);  // read, change, write: two at once would lose one
  const std::string tag = fallback_tag(subject);
  const auto there = manifest(tag, context);
  if (!there && there.error().code != Errc::not_found) return there.error();
  if (there && !there->is_index())
    return make_error(Errc::conflict, "the tag " + tag + " in " + registry_.host() + "/" + name_ +
                                          " should list referrers, and names something else")
        .on(side_);
  std::vector<Descriptor> all = there ? there->manifests() : std::vector<Descriptor>();
  if (std::ranges::find(all, referrer.descriptor().digest, &Descriptor::digest) != all.end()) return {};
  Descriptor entry = referrer.descriptor();
  entry.artifact_type = referrer.artifact_type();
  if (entry.artifact_type.empty() && referrer.config()) entry.artifact_type = referrer.config()->media_type;
  entry.annotations = referrer.annotations();
  all.push_back(std::move(entry));
  DAVIT_TRY(const Manifest index,
            Manifest::parse(model::index_manifest(model::Format::oci, all), model::kOciIndex));
  const std::string names[] = {tag};
  return put_manifest(index, names, context);
}

}  // namespace davit::registry
