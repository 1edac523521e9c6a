#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <vector>

namespace davit::transfer {

/// Sorts what several images need into the order in which it is moved: image by image, so that some are
/// complete early. What is largest sets the end, so the image that has it goes first, and in each image the
/// largest. `size(blob)` is a number.
template <class Blob, class Size>
void take_turns(std::vector<std::vector<Blob>>& images, Size size) {
  std::erase_if(images, [](const std::vector<Blob>& image) { return image.empty(); });
  for (std::vector<Blob>& image : images) std::ranges::stable_sort(image, std::greater<>(), size);
  std::ranges::stable_sort(images, std::greater<>(),
                           [&](const std::vector<Blob>& image) { return std::invoke(size, image.front()); });
}

/// Of what a run that was ended had begun with, few are asked for to know whether there is something: these
/// places in the order of turns. The first may be the one that was not finished.
inline constexpr std::size_t kTelling[] = {0, 3, 7, 15};

}  // namespace davit::transfer
