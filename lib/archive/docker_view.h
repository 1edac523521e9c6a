#pragma once

#include <memory>
#include <string>
#include <vector>

#include "archive/docker_manifest.h"
#include "content/stored_image.h"
#include "io/file.h"
#include "tar/index.h"

namespace davit::archive {

/// The tar that an archive is, shared by its views and the contents cut from it.
struct OpenTar {
  std::shared_ptr<const io::File> file;  // co-owned by every content cut from it
  tar::Index index;
  std::string name;  ///< for messages
};

/// Everything in one entry. Errors: not_found, corrupt beyond `limit`.
Result<std::string> read_entry(const OpenTar& tar, std::string_view entry, std::size_t limit);

/// A docker-archive seen through its manifest.json: images with raw layers. Immutable.
class DockerView {
 public:
  /// Errors: corrupt.
  static Result<std::unique_ptr<DockerView>> create(std::shared_ptr<const OpenTar> tar);

  [[nodiscard]] const std::vector<content::ImageListing>& images() const { return listings_; }
  /// Errors: not_found for missing entries, corrupt.
  [[nodiscard]] Result<content::StoredImage> image(std::size_t position) const;

 private:
  explicit DockerView(std::shared_ptr<const OpenTar> tar) : tar_(std::move(tar)) {}
  [[nodiscard]] Result<content::RawImage> raw_image(const DockerImage& image) const;
  [[nodiscard]] Result<content::RawLayer> raw_layer(const std::string& entry, const Digest& diff_id) const;

  std::shared_ptr<const OpenTar> tar_;  // co-owned with the archive
  std::vector<DockerImage> images_;
  std::vector<content::ImageListing> listings_;
};

}  // namespace davit::archive
