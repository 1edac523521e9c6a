#include "look/read_manifests.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>

#include "base/context.h"
#include "base/error.h"
#include "base/try.h"
#include "content/index_entries.h"
#include "model/media_type.h"

namespace davit::look {
namespace {

/// So many are read before it is looked whether a limit is passed.
constexpr std::size_t kMostAtOnce = 100;

Result<Manifest> of_the_right_size(Manifest manifest, const Descriptor& wanted) {
  const std::uint64_t size = manifest.descriptor().size;
  if (size == wanted.size) return manifest;
  return make_error(Errc::corrupt, "manifest " + wanted.digest.to_string() + " has " + std::to_string(size) +
                                       " bytes where its descriptor says " + std::to_string(wanted.size))
      .on(Side::source);
}

/// One batch in one request. Empty where it gave nothing: the single question says why.
std::vector<std::optional<Manifest>> ask_together(ContentSource& source, std::span<const Descriptor> wanted,
                                                  const CallContext& context) {
  std::vector<std::string> names;
  for (const Descriptor& each : wanted) names.push_back(each.digest.to_string());
  auto answer = source.manifests(names, context);
  if (answer && answer->size() == wanted.size()) return *std::move(answer);
  return std::vector<std::optional<Manifest>>(wanted.size());
}

bool ends_all(const Error& error) {
  return error.code == Errc::cancelled || error.code == Errc::timeout;
}

}  // namespace

ManifestResults read_manifests(ContentSource& source, std::span<const Descriptor> wanted, WorkerPool& pool,
                               const CallContext& context) {
  const std::size_t batch = std::max<std::size_t>(source.manifest_batch(), 1);
  std::vector<std::optional<Result<Manifest>>> answers(wanted.size());
  for_each_index(pool, (wanted.size() + batch - 1) / batch, [&](std::size_t i) {
    const auto part = wanted.subspan(i * batch, std::min(batch, wanted.size() - i * batch));
    std::vector<std::optional<Manifest>> together(part.size());
    if (part.size() > 1) together = ask_together(source, part, context);
    for (std::size_t k = 0; k < part.size(); ++k) {
      auto manifest = together[k] && together[k]->descriptor().digest == part[k].digest
                          ? Result<Manifest>(*together[k])
                          : source.manifest(part[k].digest.to_string(), context);
      if (manifest) manifest = of_the_right_size(*std::move(manifest), part[k]);
      answers[i * batch + k] = std::move(manifest);
    }
  });
  ManifestResults out;
  for (std::size_t i = 0; i < wanted.size(); ++i) out.emplace(wanted[i].digest, *std::move(answers[i]));
  return out;
}

Result<> ManifestsBelow::read_level(std::span<const Descriptor> level) {
  const ReadLimits limits;
  if (manifests_.size() + level.size() > limits.manifests)
    return make_error(Errc::corrupt,
                      "more than " + std::to_string(limits.manifests) + " manifests under one root");
  while (!level.empty()) {
    const auto part = level.first(std::min(level.size(), kMostAtOnce));
    level = level.subspan(part.size());
    DAVIT_TRY_VOID(check(context_));
    for (auto& [digest, manifest] : read_manifests(source_, part, pool_, context_)) {
      if (!manifest && ends_all(manifest.error())) return manifest.error();
      if (manifest) bytes_ += manifest->bytes().size();
      manifests_.emplace(digest, std::move(manifest));
    }
    if (bytes_ > limits.bytes)
      return make_error(Errc::corrupt,
                        "manifests of more than " + std::to_string(limits.bytes) + " bytes under one root");
  }
  return {};
}

Result<> ManifestsBelow::ask_referrers(std::span<const Descriptor> level, ReferrerLister& lister) {
  std::vector<Descriptor> subjects;
  for (const Descriptor& each : level) {
    if (!content::is_attestation(each) && manifests_.at(each.digest)) subjects.push_back(each);
  }
  std::vector<Result<std::vector<Descriptor>>> answers(subjects.size(), std::vector<Descriptor>());
  for_each_index(pool_, subjects.size(),
                 [&](std::size_t i) { answers[i] = lister.referrers(subjects[i].digest, context_); });
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    if (!answers[i]) return answers[i].error();
    if (!answers[i]->empty()) referrers_.emplace(subjects[i].digest, *std::move(answers[i]));
  }
  return {};
}

Result<> ManifestsBelow::read(const Descriptor& root, ReferrerLister* referrers) {
  const ReadLimits limits;
  std::set<Digest> seen{root.digest};
  std::vector<Descriptor> level{root};
  for (std::size_t depth = 0; !level.empty(); ++depth) {
    if (depth == limits.levels)
      return make_error(Errc::corrupt,
                        "more than " + std::to_string(limits.levels) + " levels under one root");
    DAVIT_TRY_VOID(read_level(level));
    if (referrers != nullptr) DAVIT_TRY_VOID(ask_referrers(level, *referrers));
    std::vector<Descriptor> next;
    const auto add = [&](const Descriptor& each) {
      if (model::is_manifest(model::essence(each.media_type)) && seen.insert(each.digest).second)
        next.push_back(each);
    };
    for (const Descriptor& each : level) {
      const auto& manifest = manifests_.at(each.digest);
      if (manifest && manifest->is_index()) std::ranges::for_each(manifest->manifests(), add);
      const auto about = referrers_.find(each.digest);
      if (about != referrers_.end()) std::ranges::for_each(about->second, add);
    }
    level = std::move(next);
  }
  return {};
}

}  // namespace davit::look
