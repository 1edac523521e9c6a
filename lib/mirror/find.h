#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "content/graph.h"
#include "mirror/route.h"
#include "registry/repository.h"

namespace davit::mirror {

/// Where a found image goes.
struct FoundPlace {
  Reference place;
  std::shared_ptr<registry::Repository> repository;  ///< co-owned by the client
  std::vector<std::string> tags;                     ///< none: it is put by its digest
  std::map<std::string, std::optional<Digest>> now;  ///< what is under them
  bool moves = false;                                ///< a tag that is there moves
  bool missing = false;                              ///< there was no such repository
  bool empty = false;  ///< nothing was there: what is there now, this run has brought
};

/// An image that some targets lack, or have under fewer tags.
struct Find {
  Route route;
  std::shared_ptr<ContentSource> source;
  Descriptor root;
  std::shared_ptr<content::Graph> graph;  ///< all that is below the root, what refers to it included
  bool has_referrers = false;
  std::vector<FoundPlace> places;
};

}  // namespace davit::mirror
