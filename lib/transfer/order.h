#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <davit/content.h>

#include "content/raw_image.h"

namespace davit::transfer {

/// One place an image goes to. Several may share a sink (tags of one repository).
struct Destination {
  std::shared_ptr<ContentSink> sink;  ///< co-owned by every destination in the same repository
  std::string name;                   ///< "registry/repository", for people
  std::vector<std::string> tags;      ///< none: the manifest is put by digest only
  std::optional<Digest> expected;     ///< the root must turn out to be this
  std::string mount_from = {};        ///< the source's repository when it is in the same registry, else empty
};

/// One image and everywhere it goes: read once, compressed once.
struct Order {
  std::shared_ptr<ContentSource>
      source;  ///< of the manifests and blobs below a Descriptor root; may be null otherwise
  std::variant<Descriptor, content::RawImage> root;
  std::string name;  ///< "app.tar (app:1.4)", for people
  std::vector<Destination> destinations;
};

}  // namespace davit::transfer
