#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
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

/// The places, in the order of turns, of those few blobs that tell whether a run that was ended has left
/// anything: of what it had begun with, the smallest have arrived first, however many went at once.
inline std::vector<std::size_t> telling_places(const std::vector<std::uint64_t>& sizes) {
  std::vector<std::size_t> out;
  for (const std::size_t begun : {1, 4, 8, 16, 16, 16, 16, 16}) {
    std::size_t smallest = sizes.size();
    for (std::size_t i = 0; i < std::min(begun, sizes.size()); ++i) {
      const bool smaller = smallest == sizes.size() || sizes[i] <= sizes[smallest];
      if (smaller && std::ranges::find(out, i) == out.end()) smallest = i;
    }
    if (smallest < sizes.size()) out.push_back(smallest);
  }
  return out;
}

}  // namespace davit::transfer
