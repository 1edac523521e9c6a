#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <davit/content.h>
#include <davit/export.h>
#include <davit/manifest.h>

namespace davit {

/// A layer, and which of two images have it. Layers are the same when their blobs are, or what these unpack
/// to, as far as the configurations say that (diff_ids).
struct ComparedLayer {
  Descriptor layer;  ///< as the first image stores it, if it has it
  bool in_first = false;
  bool in_second = false;
  std::optional<Descriptor> second = {};  ///< as the second one stores it, where that is another blob
};

/// Something that two images state differently. Values are JSON; empty where it is not stated.
struct ComparedValue {
  /// "config.Env", "architecture", "annotations.org.example"; at most 1024 bytes. Empty for the whole
  /// document.
  std::string name;
  std::string first;
  std::string second;
};

/// What two images have in common, and what not. Plain data.
struct ImageComparison {
  /// Their manifests have the same digest; where one has none of its own, nothing else differs.
  bool equal = false;
  /// Those of the first image from the bottom up, then those that only the second one has; each once.
  std::vector<ComparedLayer> layers;
  std::vector<ComparedValue> manifest;  ///< media types and annotations
  std::vector<ComparedValue> config;    ///< without what the layers say: diff_ids
};

/// What opening the images has shown.
struct CompareOptions {
  /// OpenedImage::made: the manifest only describes what is stored. So what it states is no difference, and
  /// its layers' digests are what a configuration claims until they have been read.
  bool first_made = false;
  bool second_made = false;
};

/// Compares two images without their layers' bytes. Configurations that are no JSON objects are compared as
/// a whole, by digest; objects with very many members, or very long names of them, as a whole too. Errors:
/// unsupported for an index; those of the sources.
DAVIT_EXPORT Result<ImageComparison> compare_images(ContentSource& first_source, const Manifest& first,
                                                    ContentSource& second_source, const Manifest& second,
                                                    const CallContext& context,
                                                    const CompareOptions& options = {});

enum class FileChange { added, removed, changed };

/// A path that two root file systems do not agree about.
struct ComparedFile {
  std::string path;
  FileChange change = FileChange::changed;
  /// What differs: "type", "content", "target", "mode", "owner", "time", "device", "attributes".
  std::vector<std::string> what = {};
  char first_type = 0;  ///< as in a tar: '0' a file, '5' a directory, '2' a symlink; 0 when it is absent
  char second_type = 0;
  std::uint64_t first_size = 0;
  std::uint64_t second_size = 0;
};

/// Stops the comparison with its own error.
using EachFile = std::function<Result<>(const ComparedFile& file)>;

/// Compares what is left when the layers of each image have been put on top of each other, and calls `each`
/// in the order of the paths. Every layer is read once, and verified; those that both begin with are read
/// once for both, unless an image was made: then its layers are compared with the diff_ids as well. Takes
/// less than 200 bytes of memory for each path. Errors: as of flattened_root(); those of `each`.
DAVIT_EXPORT Result<> compare_files(ContentSource& first_source, const Manifest& first,
                                    ContentSource& second_source, const Manifest& second,
                                    const EachFile& each, const CallContext& context,
                                    const CompareOptions& options = {});

}  // namespace davit
