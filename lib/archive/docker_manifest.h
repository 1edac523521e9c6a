#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <davit/result.h>

namespace davit::archive {

/// An entry of a docker-archive's `manifest.json` (Docker image specification v1.2, "Combined Image JSON +
/// Filesystem Changeset Format"). LayerSources, a hint of Docker 25, is not needed: the OCI view says the
/// same with authority.
struct DockerImage {
  std::string config;                  ///< the entry that holds the configuration
  std::vector<std::string> repo_tags;  ///< each once; empty for null
  std::vector<std::string> layers;     ///< entries, bottom first
};

/// Entries with the same configuration and layers are put together. Errors: corrupt.
Result<std::vector<DockerImage>> parse_docker_manifest(std::string_view bytes);

/// A manifest.json of these images. The same images give the same bytes.
std::string docker_manifest(const std::vector<DockerImage>& images);

}  // namespace davit::archive
