// What refers to a manifest: the referrers API (OCI distribution specification, "Listing Referrers") and the
// tag that stands for it where a registry has no such API ("Referrers Tag Schema").
#include <algorithm>
#include <iterator>
#include <utility>

#include "base/calm.h"
#include "base/error.h"
#include "base/try.h"
#include "content/layout_index.h"
#include "content/referrer_entry.h"
#include "model/digest_tags.h"
#include "model/media_type.h"
#include "model/write_manifest.h"
#include "registry/name_list.h"
#include "registry/repository.h"

namespace davit::registry {
namespace {

constexpr std::uint64_t kPageBytes = 4u << 20;
constexpr int kMostReferrerPages = 1'000;
constexpr std::size_t kMostReferrers = 10'000;
constexpr std::uint64_t kMostBytes = 16u << 20;
/// How often the index under the tag is written, and looked at, when others write it at the same time.
constexpr int kMostWrites = 12;
constexpr int kMostLooks = 60;
/// How long the writing of a tag may take.
constexpr std::chrono::milliseconds kMoment{30};

void add(std::vector<Descriptor>& all, const std::vector<Descriptor>& more) {
  for (const Descriptor& each : more) {
    if (std::ranges::find(all, each.digest, &Descriptor::digest) == all.end()) all.push_back(each);
  }
}

void keep_type(std::vector<Descriptor>& all, std::string_view type) {
  if (!type.empty()) std::erase_if(all, [&](const Descriptor& each) { return each.artifact_type != type; });
}

/// Whether the registry says that it left out other types, "OCI-Filters-Applied: artifactType".
bool has_filtered(const Answer& answer) {
  return std::ranges::any_of(answer.headers.all("OCI-Filters-Applied"), [](const std::string& value) {
    return value.find("artifactType") != std::string::npos;
  });
}

/// Whether an answer means that the registry has no such API, and not that it refuses whoever asks.
bool has_no_api(const Purpose& why, const Answer& answer) {
  if (answer.status == 200) return is_html(answer.headers, answer.body);
  constexpr int kUnknown[] = {400, 404, 405, 406, 410, 501};
  if (std::ranges::find(kUnknown, answer.status) == std::end(kUnknown)) return false;
  const Errc code = answer_error(why, answer).code;
  return code != Errc::denied && code != Errc::unauthenticated;
}

/// Whether it holds for every image: what is missing may be the repository, or the image, and the API answers
/// with a code of its own then; what is bad about a request may be this subject's digest.
bool has_none_for_any(const Answer& answer) {
  return answer.status != 200 && !has_code(answer, "NAME_UNKNOWN") && !has_code(answer, "MANIFEST_UNKNOWN") &&
         (answer.status != 400 || has_code(answer, "UNSUPPORTED"));
}

bool lists(const std::optional<Manifest>& index, const Digest& digest) {
  return index &&
         std::ranges::find(index->manifests(), digest, &Descriptor::digest) != index->manifests().end();
}

}  // namespace

Result<std::vector<Descriptor>> Repository::referrers(const Digest& subject, const CallContext& context) {
  return referrers_of_type(subject, "", context);
}

Result<std::vector<Descriptor>> Repository::referrers_of_type(const Digest& subject, std::string_view type,
                                                              const CallContext& context) {
  const Purpose why = purpose("list referrers of", subject.short_form());
  std::vector<Descriptor> all;
  std::uint64_t bytes = 0;
  const auto by_tag = [&]() -> Result<std::vector<Descriptor>> {
    DAVIT_TRY(const std::optional<Manifest> index, referrers_index(subject, context));
    std::vector<Descriptor> listed = index ? index->manifests() : std::vector<Descriptor>();
    keep_type(listed, type);
    return listed;
  };
  if (registry_.lists_referrers_by_tag()) return by_tag();
  net::Url page = url("referrers/" + subject.to_string());
  if (!type.empty()) page = page.with_query("artifactType", net::percent_encode(type));
  for (int count = 0; count < kMostReferrerPages; ++count) {
    Call call{.request = {.method = "GET", .url = page, .answer_limit = kPageBytes},
              .scope = scope(),
              .action = Action::read_manifest};
    call.request.headers.push_back({"Accept", std::string(model::kOciIndex)});
    DAVIT_TRY(Answer answer, registry_.wire().send(why, call, context));
    if (count == 0 && has_no_api(why, answer)) {
      if (has_none_for_any(answer)) registry_.referrers_unknown();
      return by_tag();
    }
    if (answer.status != 200) return answer_error(why, answer);
    bytes += answer.body.size();
    const auto index = Manifest::parse(std::move(answer.body), model::kOciIndex);
    if (!index || !index->is_index())
      return strange_answer(why, answer, Errc::protocol, "not a list of referrers");
    std::vector<Descriptor> found = index->manifests();
    if (!has_filtered(answer)) keep_type(found, type);
    add(all, found);
    if (all.size() > kMostReferrers || bytes > kMostBytes)
      return make_error(Errc::protocol, why.text + ": referrers without end").on(why.side);
    DAVIT_TRY(const std::optional<net::Url> next, next_page(registry_, why, answer));
    if (!next) return all;
    page = *next;
  }
  return make_error(Errc::protocol, why.text + ": pages without end").on(why.side);
}

Result<std::optional<Manifest>> Repository::referrers_index(const Digest& subject,
                                                            const CallContext& context) {
  auto index = manifest(model::referrers_tag(subject), context);
  if (index && index->is_index()) return std::optional(*std::move(index));
  if (!index && index.error().code != Errc::not_found) return index.error();
  return std::optional<Manifest>();
}

/// A registry that knows referrers says so in its answer; for any other the tag's index is kept up by who
/// pushes.
Result<> Repository::note_referrer(const Manifest& referrer, const CallContext& context) {
  return edit_referrers(referrer.subject()->digest, content::referrer_entry(referrer), Listed::yes, context);
}

Result<> Repository::forget_referrer(const Digest& subject, const Digest& referrer,
                                     const CallContext& context) {
  Descriptor entry;
  entry.digest = referrer;
  return edit_referrers(subject, entry, Listed::no, context);
}

/// There is no way to write on condition that nobody else has. So whoever writes watches what it wrote until
/// nobody has written for a while, longer where others are seen to write; and where its change has been lost
/// to somebody who had read before, it is made again, in what the others have made of the index. The entries
/// of others are never written anew from memory.
Result<> Repository::edit_referrers(const Digest& subject, const Descriptor& entry, Listed wanted,
                                    const CallContext& context) {
  using std::chrono::milliseconds;
  MutexLock lock(referrer_tags_);  // in this process one after the other
  const std::string names[] = {model::referrers_tag(subject)};
  const std::string place = "the tag " + names[0] + " in " + registry_.host() + "/" + name_;
  Clock& clock = registry_.wire().clock();
  std::optional<Digest> last;  // what was under the tag when it was last looked at or written
  milliseconds calm = kCalm;
  int writes = 0;
  bool missed = false;
  for (int looks = 0; looks < kMostLooks; ++looks) {
    const auto begun = clock.steady();
    const auto there = manifest(names[0], context);
    if (!there && there.error().code != Errc::not_found) return there.error();
    if (there && !there->is_index())
      return make_error(Errc::conflict, place + " should list referrers, and names something else").on(side_);
    // A tag that is just being written is not there for a moment, and that must not cost what it lists.
    if (!there && !std::exchange(missed, true)) {
      DAVIT_TRY_VOID(clock.sleep_for(kMoment, context));
      continue;
    }
    missed = false;
    const std::optional<Manifest> index = there ? std::optional(*there) : std::nullopt;
    const std::optional<Digest> now = index ? std::optional(index->descriptor().digest) : std::nullopt;
    if (writes > 0 && now != last) calm = std::max(calm, kCalmAmongOthers);
    if (lists(index, entry.digest) == (wanted == Listed::yes)) {
      if (writes == 0 || now == last) return {};
      last = now;
    } else {
      if (++writes > kMostWrites) break;
      const std::string before = index ? index->bytes() : model::index_manifest(model::Format::oci, {});
      DAVIT_TRY(std::string after, wanted == Listed::yes ? content::with_unnamed(before, {&entry, 1})
                                                         : content::without(before, entry.digest));
      DAVIT_TRY(const Manifest edited, Manifest::parse(std::move(after), model::kOciIndex));
      DAVIT_TRY_VOID(put_manifest(edited, names, context));
      last = edited.descriptor().digest;
      // The others are as far from the registry as this one, or so.
      const auto took = std::chrono::ceil<milliseconds>(clock.steady() - begun);
      calm = calm_after(took, calm);
    }
    // Those who lose to each other write at different times from now on.
    const auto more = writes > 1 ? milliseconds(static_cast<int>(clock.random() * 100.0)) : milliseconds(0);
    DAVIT_TRY_VOID(clock.sleep_for(calm + more, context));
  }
  Error error = make_error(Errc::conflict, place + " is changed by others again and again").on(side_);
  error.retryable = true;
  return error;
}

}  // namespace davit::registry
