#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <davit/content.h>

namespace davit {

struct ValidateOptions {
  /// Read the layers: their digests, and the diff_ids of the unpacked bytes, which have to be tars. Otherwise
  /// they are only asked for: whether they are there, and in what size.
  bool layers = true;
  std::size_t jobs = 8;  ///< requests at once; layers are read at most four at a time
};

/// Something that is not what it should be.
struct Problem {
  Digest digest;      ///< of what is wrong
  std::string where;  ///< for people: "linux/arm64, layer 3"
  Error error;
};

/// What was looked at, and what is wrong with it.
struct Validation {
  std::uint64_t manifests = 0;
  std::uint64_t blobs = 0;
  std::uint64_t bytes = 0;             ///< of blobs that were read
  std::uint64_t left_out = 0;          ///< foreign layers, which registries do not have to hold
  std::vector<Problem> problems = {};  ///< in the order of the documents
};

/// Checks every digest and size below `root`, each once: manifests, configs and layers, and that the layers
/// unpack to what the config says. Goes on after a problem. What is wrong with the image is a problem, and so
/// is a registry that fails in the middle; an Error means that the root could not be read, that the call was
/// stopped, or that there is too much (the limits of tree()).
DAVIT_EXPORT Result<Validation> validate(ContentSource& source, const Descriptor& root,
                                         const ValidateOptions& options, const CallContext& context);

}  // namespace davit
