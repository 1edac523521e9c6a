#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include <davit/content.h>
#include <davit/descriptor.h>
#include <davit/export.h>
#include <davit/manifest.h>
#include <davit/platform.h>
#include <davit/reference.h>

namespace davit {

/// An image, index or artifact that a name stands for, opened for reading: `source->manifest()` of the root's
/// digest is its document, and everything below it can be opened there. Plain data; an edited image is one
/// with another source and root. REQUIRES: the client that opened it outlives it.
struct OpenedImage {
  std::shared_ptr<ContentSource> source;  ///< co-owned by everything that reads from it
  Descriptor root;
  std::string name;                    ///< for people: "registry/repository:tag", "app.tar (app:1.4)"
  std::optional<Reference> reference;  ///< where it is in a registry: copies go by it to mount, and to name
  /// What names manifests with "@DIGEST" behind it: "registry/repository", "oci:layout". Empty where nothing
  /// does.
  std::string place = {};
  std::vector<std::string> names;  ///< what it is called there: "registry/repository:tag", "app:1.4", "1.4"
  std::vector<std::string> notes;  ///< for people: what was left out and why
  /// An archive holds the image without a manifest, and `root` is one that describes it as it is stored, its
  /// layers uncompressed. A copy compresses them, and gives the image another digest.
  bool made = false;
  /// Blobs that an edit took from other repositories: copies go by it to mount.
  std::map<Digest, Reference> elsewhere = {};
  /// What a layout lists under the name: another digest than the root's where platforms were left out.
  std::optional<Digest> listed = {};
};

/// One image of those that a source holds.
struct SingleImage {
  Manifest manifest;
  std::string note;  ///< for people: which one was taken where there was a choice; may be empty
};

/// The one container image that an opened source stands for, for looking into it: an index is looked through
/// for its only one, or for the one for linux on this machine's architecture. Errors: not_found, listing what
/// there is; those of the source.
DAVIT_EXPORT Result<SingleImage> single_image(const OpenedImage& opened, const CallContext& context);

/// A blob that a digest names, where it is.
struct OpenedBlob {
  std::shared_ptr<ContentSource> source;  ///< co-owned by everything that reads from it
  Descriptor blob;                        ///< without a media type: nobody says
};

/// What a name stands for, without anything having been read.
struct ResolvedImage {
  Descriptor root;
  std::optional<Reference> reference;  ///< where it is, if that is a registry
};

struct OpenOptions {
  std::vector<Platform> platforms = {};  ///< of an index only these; one gives its manifest by itself
  /// One platform of an index gives an index of that platform, too.
  bool keep_index = false;
  /// Of a layout or an OCI archive: the image as its index lists it. Otherwise it is checked first that
  /// everything is there, and platforms that are not are left out.
  bool as_listed = false;
  std::stop_token stop = {};
  std::optional<std::chrono::milliseconds> timeout = {};
};

}  // namespace davit
