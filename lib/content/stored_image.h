#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <davit/descriptor.h>

#include "content/raw_image.h"

namespace davit::content {

/// An image of a layout or archive, checked: everything it needs is there and has the right size.
struct StoredImage {
  std::vector<std::string> names;  ///< as written: "repo:tag", or a bare tag in layouts; the fullest first
  std::variant<Descriptor, RawImage> root;
  std::vector<std::string> notes;  ///< for people: what was left out and why
  bool plain_layers = false;       ///< with a Descriptor: some layers below it are uncompressed tars
  /// What index.json lists, which is another root than this one where platforms were left out.
  std::optional<Digest> listed = {};
};

/// What a layout or archive says it holds, before anything has been checked.
struct ImageListing {
  std::vector<std::string> names;
  Digest root;             ///< empty when there is no manifest
  std::uint64_t size = 0;  ///< of the root, as the list has it
  bool artifact = false;   ///< the list says that it is of an artifact type
};

}  // namespace davit::content
