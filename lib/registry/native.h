#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <davit/digest.h>
#include <davit/listing.h>
#include <davit/manifest.h>
#include <davit/transfer.h>

namespace davit::registry {

/// An image as a registry's own interface lists it.
struct ListedImage {
  Digest digest;
  std::vector<std::string> tags = {};
  std::optional<Digest> subject = {};  ///< what it refers to, where it is a signature or an SBOM
  std::string artifact_type = {};      ///< empty for container images
  std::string media_type = {};
  std::optional<std::chrono::system_clock::time_point> pushed = {};
};
using ImagePage = std::function<Result<>(std::span<const ListedImage>)>;

/// What a registry offers beside the distribution protocol, to ask many things at once. Thread-safe. Each
/// question may be denied without the protocol's own being denied: whoever asks goes on with that then.
class Native {
 public:
  virtual ~Native() = default;

  /// How many blobs one request answers.
  [[nodiscard]] virtual std::size_t batch() const = 0;
  /// How many manifests, which come whole.
  [[nodiscard]] virtual std::size_t manifest_batch() const = 0;

  /// Which of these blobs a repository has, in the order of the question. Errors: not_found for the
  /// repository.
  virtual Result<std::vector<bool>> has_blobs(const std::string& repository, std::span<const Digest> digests,
                                              const CallContext& context) = 0;

  /// The manifests under these tags or digests, in the order of the question; empty where there is none. The
  /// bytes under a digest have it.
  virtual Result<std::vector<std::optional<Manifest>>> manifests(const std::string& repository,
                                                                 std::span<const std::string> names,
                                                                 const CallContext& context) = 0;

  /// The tags pushed last, newest first.
  virtual Result<std::vector<std::string>> newest_tags(const std::string& repository, std::size_t count,
                                                       const CallContext& context) = 0;

  /// Those of these tags, which are there, that the repository's settings do not let be moved.
  virtual Result<std::vector<std::string>> fixed_tags(const std::string& repository,
                                                      std::span<const std::string> tags,
                                                      const CallContext& context) = 0;

  /// Every tag with its image, page by page.
  virtual Result<> describe_tags(const std::string& repository, const TagPage& each_page,
                                 const CallContext& context) = 0;

  /// Every image, with tags or without, page by page. Errors: not_found for the repository; unsupported.
  virtual Result<> describe_images(const std::string& repository, const ImagePage& each_page,
                                   const CallContext& context) = 0;

  /// The registry's repositories, page by page.
  virtual Result<> repositories(const RepositoryPage& each_page, const CallContext& context) = 0;

  /// Whether remove_tag() would, once the tags of `gone` have gone. Errors: those of remove_tag().
  virtual Result<> check_tag_removal(const std::string& repository, const std::string& tag,
                                     std::span<const std::string> gone, const CallContext& context) = 0;

  /// Removes a tag whose image has others. Errors: unsupported for the last one, with which the image would
  /// go.
  virtual Result<> remove_tag(const std::string& repository, const std::string& tag,
                              const CallContext& context) = 0;

  /// Removes an image and its tags. Errors: not_found; conflict where an index needs it.
  virtual Result<> remove_image(const std::string& repository, const Digest& digest,
                                const CallContext& context) = 0;

  /// Makes the repository; one that is there is a success, and stays as it is. False: it was there.
  virtual Result<bool> create(const std::string& repository, const NewRepository& how,
                              const CallContext& context) = 0;
};

/// Whether a question failed because the interface was not there to be asked, so that the protocol may be.
bool was_not_asked(const Error& error);

}  // namespace davit::registry
