#pragma once

#include <optional>
#include <span>
#include <string>

#include <davit/edit.h>

#include "compose/image_draft.h"

namespace davit::compose {

// What can be done to one image: pure functions from its documents to the new ones. Errors: those of
// ImageDraft::open().

/// Errors: invalid_argument for ports that are none.
Result<ImageDocuments> change(const ImageDocuments& image, const ImageChanges& changes,
                              std::optional<Timestamp> time);

/// Errors: unsupported where Docker's format has no name for the layers and the image cannot become OCI.
Result<ImageDocuments> put_on_top(const ImageDocuments& image, std::span<const Layer> layers,
                                  std::optional<Timestamp> time);

/// The whole image as this one layer.
Result<ImageDocuments> replace_by(const ImageDocuments& image, const Layer& layer,
                                  std::optional<Timestamp> time);

/// What the image is based on from now on, for its annotations. Empty: it says nothing.
struct NewBase {
  std::string name;
  std::optional<Digest> digest;
};

/// The image becomes one of `format` (empty: keeps its own). Errors: conflict where `old_base` is not what
/// the image begins with.
Result<ImageDocuments> move_to_base(const ImageDocuments& image, const ImageDocuments& old_base,
                                    const ImageDocuments& new_base, const NewBase& called,
                                    std::optional<Timestamp> time, std::optional<model::Format> format = {});

}  // namespace davit::compose
