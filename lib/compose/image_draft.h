#pragma once

#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <davit/manifest.h>

#include "model/image_config.h"
#include "model/media_type.h"

namespace davit::compose {

/// The two documents of a container image.
struct ImageDocuments {
  Manifest manifest;
  std::string config;  ///< its bytes
};

/// Both documents while they are edited: whatever nobody touches stays, members that davit does not know too.
/// One thread at a time.
class ImageDraft {
 public:
  /// Errors: unsupported for what is no container image; corrupt for documents of the wrong shape, and where
  /// the configuration has not as many diff_ids as the manifest has layers.
  static Result<ImageDraft> open(const ImageDocuments& image);
  ImageDraft(ImageDraft&&) noexcept;
  ImageDraft& operator=(ImageDraft&&) noexcept;
  ~ImageDraft();

  /// The configuration document.
  nlohmann::ordered_json& config();
  /// Its `config` member, which says how containers run; made where there is none.
  nlohmann::ordered_json& settings();
  nlohmann::ordered_json& manifest();
  // References to members of a document last until another member is made in it: ordered_json moves them.

  [[nodiscard]] const model::ImageConfig& parsed() const;
  [[nodiscard]] model::Format format() const;

  /// Gives the manifest the media types of another format. REQUIRES: it has not been touched. Errors:
  /// unsupported for what that format has no name for.
  Result<> convert(model::Format format);

  /// The list `rootfs.diff_ids`, made where there is none.
  nlohmann::ordered_json& diff_ids();

  /// The history, with as many entries that made a layer as there are layers. Where the image's own history
  /// does not say so, entries that say nothing stand for those that are missing, or for all.
  nlohmann::ordered_json& whole_history();

  /// When the image says it was made, else the beginning of 1970.
  [[nodiscard]] std::string created() const;

  /// The documents as they are now; with nothing changed, byte for byte those that came. Errors: corrupt.
  [[nodiscard]] Result<ImageDocuments> finish() const;

 private:
  struct State;
  explicit ImageDraft(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Whether edits of images are for this manifest: not for an index, an artifact or a signature, nor for an
/// image with layers of which nobody knows how they are put on top of each other.
bool is_editable(const Manifest& manifest);

/// How many entries of a history belong to the lowest `layers` layers: up to and with the last of these.
std::size_t history_below(const nlohmann::ordered_json& history, std::size_t layers);
/// The history with this day in its entries that say nothing at all: there are readers that want one in each.
nlohmann::ordered_json dated(nlohmann::ordered_json history, const std::string& created);
/// How many entries made a layer.
std::size_t layers_in(const nlohmann::ordered_json& history);

/// The image format that a manifest is written in.
model::Format format_of(const Manifest& manifest);

}  // namespace davit::compose
