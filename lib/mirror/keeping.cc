#include "mirror/keeping.h"

#include <algorithm>

#include "model/digest_tags.h"
#include "model/media_type.h"

namespace davit::mirror {

void Keeping::learn(const Manifest& manifest) {
  std::vector<Digest>& children = children_[manifest.descriptor().digest];
  if (!children.empty()) return;
  for (const Descriptor& child : manifest.manifests()) {
    children.push_back(child.digest);
    if (model::is_index(child.media_type)) indexes_.insert(child.digest);
  }
  needed_.reset();
}

std::vector<Digest> Keeping::unknown() const {
  std::vector<Digest> out;
  for (const Digest& index : indexes_) {
    if (!children_.contains(index)) out.push_back(index);
  }
  return out;
}

void Keeping::keep(const Digest& root) {
  roots_.insert(root);
  needed_.reset();
}

bool Keeping::needs(const Digest& image) const {
  if (!needed_) {
    needed_.emplace();
    for (const Digest& root : roots_) add_below(root, *needed_);
  }
  return needed_->contains(image);
}

void Keeping::add_below(const Digest& root, std::set<Digest>& into) const {
  std::vector<Digest> waiting{root};
  while (!waiting.empty()) {
    const Digest next = waiting.back();
    waiting.pop_back();
    if (!into.insert(next).second) continue;
    const auto known = children_.find(next);
    if (known != children_.end()) waiting.insert(waiting.end(), known->second.begin(), known->second.end());
  }
}

void Keeping::sort(std::vector<Doomed>& tags) const {
  // What an index lists has less below it than the index.
  std::map<Digest, std::size_t> sizes;
  for (const Doomed& each : tags) {
    std::set<Digest> below;
    add_below(each.image.descriptor().digest, below);
    sizes[each.image.descriptor().digest] = below.size();
  }
  std::ranges::stable_sort(tags, [&](const Doomed& a, const Doomed& b) {
    const bool a_belongs = model::digest_tag(a.tag).has_value(),
               b_belongs = model::digest_tag(b.tag).has_value();
    if (a_belongs != b_belongs) return b_belongs;
    return sizes.at(a.image.descriptor().digest) > sizes.at(b.image.descriptor().digest);
  });
}

}  // namespace davit::mirror
