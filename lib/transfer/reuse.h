#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <davit/content.h>

#include "transfer/settings.h"

namespace davit::transfer {

/// Which blob of a repository holds which layer: diff_id to descriptor, as the repository's own images state
/// it. And the image's own config, under its own digest, where one of them has it too.
using KnownLayers = std::map<Digest, Descriptor>;

/// What a destination is asked for.
struct ReuseQuestion {
  ContentSource& repository;
  std::optional<Manifest> replaced;  ///< what the tag points at now
  std::string tag;                   ///< the one being written; neighbours are chosen by it
  struct Image {
    Platform platform;             ///< which child of an index is meant
    Digest config;                 ///< an earlier image with the same one needs no reading
    std::vector<Digest> diff_ids;  ///< of all its layers
  };
  std::vector<Image> images;  ///< ours
  std::set<Digest> wanted;    ///< diff_ids of the layers that are looked for
};

/// Looks through the earlier images of a repository until every layer is known or the candidates are used up.
/// An earlier image that cannot be read teaches nothing; that is not an error. Errors: cancelled, timeout.
Result<KnownLayers> learn(const ReuseQuestion& question, const Settings& settings,
                          const CallContext& context);

/// At most `count` of `tags`, those nearest to `tag` in version order first, `tag` itself left out.
std::vector<std::string> nearest_tags(std::vector<std::string> tags, const std::string& tag,
                                      std::size_t count);

}  // namespace davit::transfer
