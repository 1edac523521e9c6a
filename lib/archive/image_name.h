#pragma once

#include <string>
#include <string_view>

namespace davit::archive {

/// A name of an image in the forms in which archives hold it. Parts that the name does not tell are empty.
struct ImageName {
  std::string tag;       ///< "7", for OCI readers
  std::string full;      ///< "docker.io/library/redis:7", for containerd
  std::string familiar;  ///< "redis:7", for RepoTags
};

/// From a tag alone or a reference; one without a tag means `latest`, one with nothing but a digest is no
/// name. Anything else is taken for a tag as it stands, as OCI layouts allow.
ImageName image_name(std::string_view name);

}  // namespace davit::archive
