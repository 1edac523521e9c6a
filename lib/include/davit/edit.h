#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include <davit/content.h>
#include <davit/descriptor.h>
#include <davit/export.h>
#include <davit/image.h>
#include <davit/platform.h>
#include <davit/result.h>
#include <davit/transfer.h>

/// \file
/// Images that are changed: an OpenedImage goes in and another comes out, which Client::copy delivers.
/// Nothing is written before that, and the image that went in stays what it was.
///
/// All of them change every image of an index, nested ones too. Attestations of changed images describe them
/// as they were, and are left out with a note; what is no container image stays as it is. Documents are
/// edited, not written anew: members that davit does not know stay. The same input gives the same digests.
/// Errors: unsupported where there is no container image; corrupt for documents that contradict themselves;
/// those of the source.

namespace davit {

/// A point in time of image documents, which have seconds.
using Timestamp = std::chrono::sys_seconds;

/// The value of SOURCE_DATE_EPOCH: seconds since 1970; empty for an empty text. Errors: invalid_argument.
DAVIT_EXPORT Result<std::optional<Timestamp>> parse_source_date_epoch(std::string_view text);

/// "2024-05-01T12:00:00Z" and the like (RFC 3339), a date alone, or seconds since 1970. Errors:
/// invalid_argument.
DAVIT_EXPORT Result<Timestamp> parse_created(std::string_view text);

/// What an edit does besides what it is for.
struct EditOptions {
  /// `created` of the image and of the history that the edit adds. Empty: the image keeps its own, and so do
  /// the additions, whatever the day.
  std::optional<Timestamp> time = {};
  /// What the image is going to be stored as, where that is known: with ManifestFormat::oci a rebase turns
  /// Docker's manifests into OCI ones, which have the annotations that name the base.
  ManifestFormat format = ManifestFormat::automatic;
  std::stop_token stop = {};
  std::optional<std::chrono::milliseconds> timeout = {};
};

/// A value that is set, or, without a value, removed.
struct DAVIT_EXPORT Setting {
  std::string name;
  std::optional<std::string> value = {};

  /// "NAME=VALUE" sets, "NAME=" sets to the empty value, "NAME" alone removes. Errors: invalid_argument where
  /// there is no name.
  static Result<Setting> parse(std::string_view text);
};

/// What to change in an image's configuration and annotations. Empty: as it is.
struct ImageChanges {
  std::vector<Setting> environment = {};
  std::vector<Setting> labels = {};
  /// Of the manifest. Docker's format has none: an image in it becomes an OCI one.
  std::vector<Setting> annotations = {};
  /// An empty list is none. A new entrypoint without a new command removes the command, as in Dockerfiles.
  std::optional<std::vector<std::string>> entrypoint = {};
  std::optional<std::vector<std::string>> command = {};
  std::optional<std::string> user = {};  ///< empty: none
  std::optional<std::string> working_directory = {};
  std::optional<std::vector<std::string>> exposed_ports = {};  ///< all of them: "8080/tcp", "53/udp", "80"
  std::optional<Timestamp> created = {};                       ///< before EditOptions::time
  std::optional<Platform> platform = {};  ///< REQUIRES: the image is one, or all but one are attestations

  [[nodiscard]] bool empty() const {
    return environment.empty() && labels.empty() && annotations.empty() && !entrypoint && !command && !user &&
           !working_directory && !exposed_ports && !created && !platform;
  }
};

/// The image with these changes. Errors: also invalid_argument for ports that are none, and a platform for
/// several images.
DAVIT_EXPORT Result<OpenedImage> change_image(const OpenedImage& image, const ImageChanges& changes,
                                              const EditOptions& options = {});

/// A layer of a container image, ready to be added: Client::layer() makes it.
struct Layer {
  Descriptor blob;                         ///< as stored, with the OCI media type of its compression
  Digest diff_id;                          ///< of the tar in it
  std::shared_ptr<const Content> content;  ///< the stored bytes; co-owned by the images it is added to
  std::string created_by;                  ///< for the history
  std::vector<std::string> notes = {};     ///< for people: what was left out and why
};

/// The image with these layers on top, in this order. An image in Docker's format, which has no name for
/// zstd, becomes an OCI one where such a layer is among them.
DAVIT_EXPORT Result<OpenedImage> append_layers(const OpenedImage& image, std::span<const Layer> layers,
                                               const EditOptions& options = {});

/// The image with the layers and the history of `old_base`, which are its lowest, replaced by those of
/// `new_base`; its configuration stays the application's. Bases that are for several platforms give each
/// image its own. OCI manifests say in their annotations what the image is based on now
/// (org.opencontainers.image.base.name, .digest). Errors: also conflict where the image is not built on
/// `old_base`; not_found where a base is not for the image's platform.
DAVIT_EXPORT Result<OpenedImage> rebase_image(const OpenedImage& image, const OpenedImage& old_base,
                                              const OpenedImage& new_base, const EditOptions& options = {});

/// What the annotations of an image say it is based on; empty members where they do not.
struct BaseImage {
  std::string name;  ///< "registry/repository:tag"
  std::optional<Digest> digest;
};

/// What all images of an index, or the one image, agree on. Errors: conflict where they do not.
DAVIT_EXPORT Result<BaseImage> base_of(const OpenedImage& image, const EditOptions& options = {});

/// How a layer is made from files.
struct LayerOptions {
  LayerCompression compression = LayerCompression::automatic;  ///< gzip; of tars that are not compressed yet
  std::optional<int> compression_level = {};
  /// For folders: when every file was changed. Empty: as the file system has it, in whole seconds.
  std::optional<Timestamp> time = {};
  bool keep_owners = false;  ///< for folders: else everything belongs to 0:0
  std::stop_token stop = {};
  std::optional<std::chrono::milliseconds> timeout = {};
};

/// How an image is moved to another base. Names are what Client::open() takes; empty ones come from the
/// image's annotations, the old one with the digest there.
struct RebaseOptions {
  std::string old_base = {};
  std::string new_base = {};
  EditOptions edit = {};
};

/// How an image is flattened.
struct FlattenOptions {
  EditOptions edit = {};
  LayerCompression compression = LayerCompression::automatic;  ///< gzip
  std::optional<int> compression_level = {};
};

}  // namespace davit
