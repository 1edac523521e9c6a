#pragma once

#include <span>
#include <vector>

#include <davit/descriptor.h>
#include <davit/reference.h>

namespace davit::mirror {

/// What an image needs, and where.
struct Freight {
  std::vector<Reference> places;  ///< repositories
  std::span<const Descriptor> blobs;
};

/// For each image the wave it goes in, counted from 0. A blob that several repositories of one registry need
/// goes to one of them first, with an image of that repository, and is mounted into the others in a later
/// wave: registries mount only what a finished manifest uses. The repository that shares most is the first.
/// The same images in the same order give the same waves.
std::vector<std::size_t> waves(std::span<const Freight> images);

}  // namespace davit::mirror
