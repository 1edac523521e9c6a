#include "content/convert.h"

#include <set>
#include <vector>

#include "base/error.h"
#include "base/try.h"
#include "content/index_entries.h"
#include "content/overlay.h"
#include "content/rewrite.h"

namespace davit::content {
namespace {

constexpr int kDeepest = 8;
constexpr std::size_t kMostManifests = 10'000;
constexpr std::uint64_t kMostBytes = 64u << 20;

class Converter {
 public:
  Converter(ContentSource& source, model::Format format, const CallContext& context)
      : source_(source), rewriter_(format), context_(context) {}

  Result<Descriptor> convert(const Descriptor& root) {
    DAVIT_TRY(const Descriptor now, convert(root, 0));
    Descriptor out = root;
    if (now.digest == root.digest) return out;
    out.media_type = now.media_type;
    out.digest = now.digest;
    out.size = now.size;
    return out;
  }

  std::vector<Manifest> take() { return std::move(made_); }

 private:
  /// What became of it, and before that of what it lists.
  Result<Descriptor> convert(const Descriptor& at, int depth) {
    if (depth > kDeepest)
      return make_error(Errc::corrupt, "indexes nested deeper than " + std::to_string(kDeepest));
    DAVIT_TRY(const Manifest manifest, source_.manifest(at.digest.to_string(), context_));
    bytes_ += manifest.bytes().size();
    if (seen_.size() >= kMostManifests || bytes_ > kMostBytes)
      return make_error(Errc::corrupt, "more manifests under one root than can be converted");
    seen_.insert(at.digest);
    for (const Descriptor& child : manifest.manifests()) {
      if (is_attestation(child) || !model::is_manifest(model::essence(child.media_type))) continue;
      if (!seen_.contains(child.digest)) DAVIT_TRY_VOID(convert(child, depth + 1));
    }
    DAVIT_TRY(Manifest now, rewriter_.rewrite(manifest));
    Descriptor out = now.descriptor();
    if (out.digest != at.digest) made_.push_back(std::move(now));
    return out;
  }

  ContentSource& source_;
  Rewriter rewriter_;
  const CallContext& context_;
  std::vector<Manifest> made_;
  std::set<Digest> seen_;
  std::uint64_t bytes_ = 0;
};

}  // namespace

Result<Converted> converted(std::shared_ptr<ContentSource> source, const Descriptor& root,
                            model::Format format, const CallContext& context) {
  Converter converter(*source, format, context);
  DAVIT_TRY(const Descriptor now, converter.convert(root));
  return Converted{.source = with_manifests(std::move(source), converter.take()), .root = now};
}

}  // namespace davit::content
