#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <davit/client.h>

#include "client/location.h"
#include "client/registries.h"
#include "content/choose_platforms.h"
#include "content/stored_image.h"

namespace davit::client {

/// An image of the source, ready to be ordered.
struct Picked {
  std::shared_ptr<ContentSource> source;  ///< co-owned by everything that reads from it
  content::StoredImage image;
  std::string label;       ///< for people
  std::string place = {};  ///< OpenedImage::place
  bool made = false;       ///< the root only describes what is stored without a manifest (OpenedImage::made)
};

struct SourceSettings {
  const ClientOptions& client;
  bool all_images = false;  ///< of a file with several, where none is named
  bool as_listed = false;   ///< OpenOptions::as_listed
  /// Gets what else a file holds under a digest tag ("sha256-….sig"), each image with that tag as its name.
  std::vector<Picked>* beside = nullptr;
};

/// The images that a source argument means: the one that was named, the only one, or all. `written` is the
/// argument, for messages. Errors: not_found; invalid_argument when it could be several; those of reading it.
Result<std::vector<Picked>> open_source(const Source& from, std::string_view written,
                                        const CopyOptions& options, const SourceSettings& settings,
                                        Registries& registries, const CallContext& context);

/// What a file says it holds, before anything has been checked. Errors: those of reading it.
struct FileListing {
  std::shared_ptr<ContentSource> source;
  std::vector<content::ImageListing> images;
  std::string_view scheme;  ///< "oci:", in front of the file's name
};
Result<FileListing> list_file(const FileLocation& location, const ClientOptions& client,
                              const CallContext& context);

/// `error`, about the image `reference`, with how the argument `written` came to mean that image, where this
/// may be what is wrong. Its own hint stays.
Error with_reading(Error error, std::string_view written, const Reference& reference);

/// What a repository is asked for when this is a source: the tag, else the digest, else latest.
std::string source_name(const Reference& reference);

/// Whether the tag of a reference that has a digest, too, points there. Errors: conflict, on `side`.
Result<> check_pin(const Reference& reference, const Digest& digest, Side side = Side::source);

/// Leaves only these platforms. Errors: not_found. REQUIRES: `wanted` is not empty.
Result<> choose_platforms(Picked& picked, std::span<const Platform> wanted, const CallContext& context,
                          content::OnePlatform one = content::OnePlatform::image);

}  // namespace davit::client
