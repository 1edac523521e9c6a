#include "mirror/waves.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <string>
#include <unordered_map>

namespace davit::mirror {
namespace {

/// A blob at one registry.
struct Wanted {
  std::map<const std::string*, std::size_t> repositories;  ///< and how many images of each want it
  std::uint64_t size = 0;
  const std::string* owner = nullptr;  ///< the repository it goes to first
  std::size_t wave = 0;                ///< of the image that brings it there
};

/// The blobs that one registry wants. Names are compared by their place in `names`, which is one for each.
struct Registry {
  std::map<std::string, std::uint64_t> names;  ///< repositories, and the bytes that each shares with others
  std::unordered_map<Digest, Wanted> blobs;
};

}  // namespace

std::vector<std::size_t> waves(std::span<const Freight> images) {
  std::map<std::string, Registry> registries;
  struct Place {
    Registry* registry;
    const std::string* repository;
  };
  std::vector<std::vector<Place>> places(images.size());
  for (std::size_t i = 0; i < images.size(); ++i) {
    for (const Reference& place : images[i].places) {
      Registry& registry = registries[place.host];
      const std::string& name = registry.names.emplace(place.repository, 0).first->first;
      places[i].push_back({&registry, &name});
      for (const Descriptor& blob : images[i].blobs) {
        Wanted& wanted = registry.blobs[blob.digest];
        wanted.size = blob.size;
        ++wanted.repositories[&name];
      }
    }
  }
  for (auto& [host, registry] : registries) {
    for (const auto& [digest, wanted] : registry.blobs) {
      if (wanted.repositories.size() < 2) continue;
      for (const auto& [name, count] : wanted.repositories) registry.names.at(*name) += wanted.size;
    }
  }
  std::vector<std::uint64_t> weights(images.size());
  for (std::size_t i = 0; i < images.size(); ++i) {
    for (const Place& place : places[i])
      weights[i] = std::max(weights[i], place.registry->names.at(*place.repository));
  }
  std::vector<std::size_t> order(images.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return weights[a] > weights[b]; });

  std::vector<std::size_t> out(images.size(), 0);
  for (const std::size_t i : order) {
    std::vector<Wanted*> own;
    for (const Place& place : places[i]) {
      for (const Descriptor& blob : images[i].blobs) {
        Wanted& wanted = place.registry->blobs.at(blob.digest);
        if (wanted.repositories.size() < 2) continue;
        if (wanted.owner == nullptr) {
          wanted.owner = place.repository;
          own.push_back(&wanted);
        } else if (wanted.owner != place.repository) {
          out[i] = std::max(out[i], wanted.wave + 1);
        }
      }
    }
    for (Wanted* wanted : own) wanted->wave = out[i];
  }
  return out;
}

}  // namespace davit::mirror
