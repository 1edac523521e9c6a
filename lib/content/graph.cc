#include "content/graph.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "base/error.h"
#include "base/try.h"
#include "model/media_type.h"

namespace davit::content {
namespace {

/// An index of more is read one after the other, so that a limit ends it in time.
constexpr std::size_t kMostAhead = 100;
constexpr std::uint64_t kMostBytesAhead = 8u << 20;

/// A manifest on the path from the root to where the walk is, and how far its children have been seen.
struct Step {
  Manifest manifest;
  std::vector<Descriptor> children;  ///< its own, then what refers to it
  std::size_t own_children = 0;
  std::size_t next = 0;
};

using Manifests = std::map<Digest, Manifest>;

/// The children of an index that have not been read yet, in batches where the source answers in batches.
/// What cannot be had this way is left out: whoever needs it asks again, and hears why.
Manifests read_ahead(ContentSource& source, const std::vector<Descriptor>& children,
                     const std::set<Digest>& seen, WorkerPool& pool, const CallContext& context) {
  std::vector<std::string> names;
  for (const Descriptor& child : children) {
    if (model::is_manifest(child.media_type) && !seen.contains(child.digest))
      names.push_back(child.digest.to_string());
  }
  const std::size_t batch = std::max<std::size_t>(source.manifest_batch(), 1);
  const std::size_t batches = (names.size() + batch - 1) / batch;
  std::vector<std::vector<std::optional<Manifest>>> answers(batches);
  std::atomic<std::uint64_t> bytes = 0;
  for_each_index(pool, batches, [&](std::size_t i) {
    if (bytes > kMostBytesAhead) return;
    const std::span<const std::string> asked =
        std::span(names).subspan(i * batch, std::min(batch, names.size() - i * batch));
    auto answer = source.manifests(asked, context);
    if (!answer) return;
    for (const auto& manifest : *answer) bytes += manifest ? manifest->bytes().size() : 0;
    answers[i] = *std::move(answer);
  });
  Manifests out;
  for (const auto& answer : answers) {
    for (const std::optional<Manifest>& manifest : answer) {
      if (manifest) out.emplace(manifest->descriptor().digest, *manifest);
    }
  }
  return out;
}

Result<Manifest> read(ContentSource& source, const Descriptor& wanted, Manifests& ahead,
                      const CallContext& context) {
  const auto had = ahead.find(wanted.digest);
  auto manifest = had != ahead.end() ? Result<Manifest>(had->second)
                                     : source.manifest(wanted.digest.to_string(), context);
  if (had != ahead.end()) ahead.erase(had);
  if (!manifest) return manifest;
  if (manifest->descriptor().size != wanted.size || manifest->descriptor().digest != wanted.digest) {
    return make_error(Errc::corrupt, "manifest " + wanted.digest.to_string() + " has " +
                                         std::to_string(manifest->descriptor().size) +
                                         " bytes where its descriptor says " + std::to_string(wanted.size));
  }
  return manifest;
}

/// The walk of one graph.
class Walker {
 public:
  Walker(ContentSource& source, const CallContext& context, const WalkOptions& options)
      : source_(source),
        context_(context),
        options_(options),
        lister_(options.referrers ? source.referrer_lister() : nullptr) {}

  Result<Graph> walk(const Descriptor& root) {
    if (options_.without != nullptr) seen_ = *options_.without;
    seen_.insert(root.digest);
    DAVIT_TRY_VOID(step_into(root));
    while (!path_.empty()) {
      Step& here = path_.back();
      if (here.next == here.children.size()) {
        graph_.manifests.push_back(std::move(here.manifest));
        path_.pop_back();
        continue;
      }
      const Descriptor child = here.children[here.next++];
      const bool refers = here.next > here.own_children;
      // Skipped before it is remembered: the same bytes may be an ordinary layer of another image.
      if (model::is_foreign_layer(child.media_type) || !seen_.insert(child.digest).second) continue;
      if (refers || (here.manifest.is_index() && model::is_manifest(child.media_type))) {
        DAVIT_TRY_VOID(step_into(child));
        continue;
      }
      if (graph_.blobs.size() >= options_.limits.blobs) {
        return make_error(Errc::corrupt,
                          "more than " + std::to_string(options_.limits.blobs) + " blobs under one root");
      }
      graph_.blobs.push_back(child);
    }
    return std::move(graph_);
  }

 private:
  Result<> step_into(const Descriptor& at) {
    const WalkLimits& limits = options_.limits;
    if (path_.size() >= limits.depth)
      return make_error(Errc::corrupt, "indexes nested deeper than " + std::to_string(limits.depth));
    if (graph_.manifests.size() + path_.size() >= limits.manifests)
      return make_error(Errc::corrupt,
                        "more than " + std::to_string(limits.manifests) + " manifests under one root");
    DAVIT_TRY(Manifest manifest, read(source_, at, ahead_, context_));
    bytes_ += manifest.bytes().size();
    if (bytes_ > limits.bytes)
      return make_error(Errc::corrupt,
                        "manifests of more than " + std::to_string(limits.bytes) + " bytes under one root");
    std::vector<Descriptor> children = manifest.children();
    const std::size_t own = children.size();
    if (lister_ != nullptr) {
      DAVIT_TRY(const auto referrers, lister_->referrers(at.digest, context_));
      children.insert(children.end(), referrers.begin(), referrers.end());
    }
    if (options_.pool != nullptr && manifest.is_index() && own > 1 && own <= kMostAhead)
      ahead_.merge(read_ahead(source_, manifest.children(), seen_, *options_.pool, context_));
    path_.push_back({std::move(manifest), std::move(children), own});
    return {};
  }

  ContentSource& source_;
  const CallContext& context_;
  const WalkOptions& options_;
  ReferrerLister* const lister_;
  Graph graph_;
  std::set<Digest> seen_;
  std::vector<Step> path_;
  Manifests ahead_;
  std::uint64_t bytes_ = 0;
};

}  // namespace

Result<Graph> walk(ContentSource& source, const Descriptor& root, const CallContext& context,
                   const WalkOptions& options) {
  return Walker(source, context, options).walk(root);
}

}  // namespace davit::content
