#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <davit/digest.h>
#include <davit/platform.h>

namespace davit {

/// What an image's configuration says about the image and how it runs (OCI image configuration, and Docker's
/// fields beside it). A reading of the original bytes, for people and programs; what davit moves are always
/// the bytes. Members that are absent are empty. Times stay as they are written (RFC 3339). The texts are
/// foreign: they may hold anything that JSON can. Plain data.
struct DAVIT_EXPORT ImageDetails {
  /// A step of the build. Those that are not empty made the layers, in this order.
  struct Step {
    std::string created;
    std::string created_by;
    std::string author;
    std::string comment;
    bool empty_layer = false;
  };

  Platform platform;
  std::string created;
  std::string author;
  std::string docker_version;
  std::string user;
  std::string working_directory;
  std::string stop_signal;
  std::vector<std::string> environment;  ///< "NAME=VALUE"
  std::vector<std::string> entrypoint;
  std::vector<std::string> command;
  std::vector<std::string> exposed_ports;  ///< "80/tcp"
  std::vector<std::string> volumes;
  std::map<std::string, std::string> labels;
  std::vector<Digest> diff_ids;  ///< of the uncompressed layers, bottom first
  std::vector<Step> history;

  /// At most 8 MiB are read. Errors: corrupt for malformed JSON and for members of another type.
  static Result<ImageDetails> parse(std::string_view bytes);

  /// The step that made each of so many layers, as positions in `history`; empty when they do not fit
  /// together.
  [[nodiscard]] std::vector<std::size_t> steps_of_layers(std::size_t layers) const;
};

}  // namespace davit
