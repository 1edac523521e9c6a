#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "content/stored_image.h"

namespace davit::content {

/// Which of several images `wanted` means. Tried in this order, and the first that matches anything decides:
/// the exact name; the same name in full (`x` is docker.io/library/x:latest); a bare tag against the tags of
/// full names; a digest; `@N` is a position counted from 0. Empty means the only one there is. Never silently
/// the first of several. Errors: not_found, and invalid_argument when it could be several; both list the
/// choices.
Result<std::size_t> choose_image(std::span<const ImageListing> images, std::string_view wanted);

}  // namespace davit::content
