#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <davit/content.h>

namespace davit::mirror {

/// A tag that is to go, with its image.
struct Doomed {
  std::string tag;
  Manifest image;
};

/// Which images a repository has to keep: those that something needs, with all that an index lists, at any
/// depth. It only decides; what is there it is told. Not thread-safe.
class Keeping {
 public:
  /// What an index lists. Anything else lists nothing.
  void learn(const Manifest& manifest);
  /// The registry does not have it.
  void learn_missing(const Digest& index) { children_.try_emplace(index); }
  /// Indexes that are listed somewhere, and of which nobody has told yet what they list.
  [[nodiscard]] std::vector<Digest> unknown() const;

  /// This image stays.
  void keep(const Digest& root);
  [[nodiscard]] bool needs(const Digest& image) const;

  /// Brings tags into the order in which they can go: an index before what it lists, an image before the
  /// digest tags that belong to it.
  void sort(std::vector<Doomed>& tags) const;

 private:
  /// An image and everything below it.
  void add_below(const Digest& root, std::set<Digest>& into) const;

  std::map<Digest, std::vector<Digest>> children_;
  std::set<Digest> indexes_;  ///< that are listed
  std::set<Digest> roots_;
  mutable std::optional<std::set<Digest>> needed_;  ///< made when it is asked for
};

}  // namespace davit::mirror
