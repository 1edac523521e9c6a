#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include <davit/content.h>

#include "content/graph.h"
#include "content/raw_image.h"

namespace davit::transfer {

/// One place an image goes to. Several may share a sink (tags of one repository).
struct Destination {
  std::shared_ptr<ContentSink> sink;    ///< co-owned by every destination in the same repository
  std::string name;                     ///< "registry/repository", for people
  std::vector<std::string> tags;        ///< none: the manifest is put by digest only
  std::optional<Digest> expected;       ///< the root must turn out to be this
  std::optional<Digest> replaces = {};  ///< the first tag must still point at this when it moves
  /// The repository of the same registry that holds a blob of the source; null or empty where none does.
  std::function<std::string(const Descriptor&)> mount_from = {};
  /// What is under these tags, where somebody has looked already: nobody asks again.
  std::map<std::string, std::optional<Digest>> now = {};
  /// Whether a blob is there, where that is known without a question.
  std::function<std::optional<bool>(const Digest&)> holds = {};
  /// Nobody asked for these tags, so whoever had them before is named when they are moved.
  bool tells_moved = false;
};

/// One image and everywhere it goes: read once, compressed once.
struct Order {
  std::shared_ptr<ContentSource>
      source;  ///< of the manifests and blobs below a Descriptor root; may be null otherwise
  std::variant<Descriptor, content::RawImage> root;
  std::string name;  ///< "app.tar (app:1.4)", for people
  std::vector<Destination> destinations;
  /// Manifests at or below the root that only describe what an archive holds without one: their uncompressed
  /// layers are compressed on the way.
  std::set<Digest> made = {};
  /// Manifests below the root that were read from the destination itself, so that it has them and all they
  /// need.
  std::set<Digest> settled = {};
  /// What is below the root, where somebody has walked there already; the run takes it. Null: it walks.
  std::shared_ptr<content::Graph> graph = {};
  /// False: the root is put without a look at what is there, because nothing else could save a request.
  bool look = true;
};

}  // namespace davit::transfer
