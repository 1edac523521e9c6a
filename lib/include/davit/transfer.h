#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include <davit/content.h>
#include <davit/descriptor.h>
#include <davit/export.h>
#include <davit/result.h>

namespace davit {

/// What to do with a tag that already points at something else.
enum class OnExistingTag {
  replace,
  fail,  ///< already_exists, and nothing is moved; the same digest is success
};

/// How far a destination's earlier images are believed when they say which compressed blob holds which layer
/// (docs/adr/0004-reuse.md has the trust boundary: whoever may push to that repository).
enum class Reuse {
  off,         ///< every layer is compressed; what is there by digest is still not sent twice
  tag,         ///< only the image under the tag that is being replaced
  repository,  ///< also `reuse_from` and a few neighbouring tags
  verified,  ///< as `repository`, but a blob counts only after it was fetched and matched the layer's diff_id
};

/// How uncompressed layers travel, and with `recompress` the others too.
enum class LayerCompression {
  automatic,  ///< gzip, and (without `recompress`) whatever an earlier image holds
  gzip,
  zstd,  ///< the manifest is then OCI: Docker's schema 2 has no name for zstd
  none,
};

enum class ManifestFormat {
  automatic,  ///< Docker schema 2, or OCI where zstd needs it
  docker,
  oci,
};

/// How a repository is made that a push does not find (`--create-repo`). Registries that make repositories by
/// themselves pay no attention to it.
struct NewRepository {
  bool immutable = false;                      ///< tags cannot be moved
  std::vector<std::string> mutable_tags = {};  ///< with `immutable`: patterns with `*` of tags that can
  bool scan = false;                           ///< every image is scanned when it is pushed
  std::string kms_key = {};                    ///< encrypt with this KMS key; "default": AWS's own one
  std::map<std::string, std::string> resource_tags = {};  ///< of the repository itself, as for cost reports
  std::string lifecycle_policy = {};  ///< JSON as ECR takes it: which images go by themselves, and when
};

class Observer;

/// Which tags of a repository are meant. Patterns are RE2 and match a whole tag.
struct TagChoice {
  std::vector<std::string> include = {};  ///< any of them; empty: all tags
  std::vector<std::string> exclude = {};  ///< none of them
  std::string semver = {};  ///< a range as npm writes it: tags that are no versions are left out then
  std::optional<std::size_t> latest = {};  ///< only so many, the newest in version order
  bool partial_versions =
      false;  ///< for `semver`, tags such as 1.2 and v08.1 are versions too: 1.2.0 and 8.1.0
};

/// Options of a copy, from anywhere to anywhere; push and pull are copies with one end given. Every default
/// is the documented one.
struct CopyOptions {
  std::vector<std::string> tags = {};  ///< further tags, for every destination
  LayerCompression compression = LayerCompression::automatic;
  std::optional<int> compression_level = {};  ///< gzip 1-12 (default 2), zstd 1-19 (default 1)
  /// Layers of container images that come in another compression than `compression` are unpacked and
  /// compressed anew, and the manifests above them written again: the digests change. A layer that has the
  /// wanted compression already, at whatever level, keeps its bytes, except with Reuse::off. So do artifacts,
  /// attestations, and layers that are foreign or encrypted.
  bool recompress = false;
  ManifestFormat format = ManifestFormat::automatic;  ///< else manifests of another format are converted
  Reuse reuse = Reuse::repository;
  std::vector<std::string> reuse_from = {};  ///< further tags of the destination repository to learn from
  OnExistingTag on_existing_tag = OnExistingTag::replace;
  /// What the destination's first tag must still point at when it is moved: an edit shall not undo somebody
  /// else's. Otherwise: conflict. A registry is asked directly before, a layout is held meanwhile; an archive
  /// is written as a whole, without a question.
  std::optional<Digest> replaces = {};
  bool keep_archive_layers =
      false;  ///< an archive's own manifests travel even when their layers are uncompressed
  bool preserve_digests = false;  ///< refuse whatever would change the digest of the source's root
  /// Of an index only these: one gives its manifest by itself, several an index that lists them. Empty: all
  /// of them, and for a docker-archive, which holds one, that of this machine.
  std::vector<Platform> platforms = {};
  std::optional<TagChoice> all_tags =
      {};                    ///< every image of the source's repository that it means, under its tag
  bool referrers = false;    ///< also what refers to an image of it by `subject`: signatures, SBOMs
  bool digest_tags = false;  ///< also what cosign keeps under tags such as sha256-….sig
  bool resume = true;        ///< go on with what an earlier run left beside a file or in a layout
  bool sync = true;          ///< files are on the disk before they get their names
  std::optional<NewRepository> create_repository = {};  ///< make repositories that are missing (ECR)
  Observer* observer = nullptr;                         ///< must outlive the call
  std::stop_token stop = {};
  std::optional<std::chrono::milliseconds> timeout = {};  ///< for the whole operation
};

using PushOptions = CopyOptions;
using PullOptions = CopyOptions;

/// What happened to the blobs of one destination.
struct BlobCounts {
  std::uint64_t present = 0;  ///< were there already
  std::uint64_t reused = 0;   ///< layers that an earlier image holds: neither read nor compressed
  std::uint64_t mounted = 0;
  std::uint64_t sent = 0;
  std::uint64_t bytes_sent = 0;  ///< as stored, so compressed

  friend bool operator==(const BlobCounts&, const BlobCounts&) = default;
};

/// One image at one destination.
struct Delivered {
  std::string destination;  ///< "registry/repository", "oci:DIR", "docker-archive:FILE"
  Descriptor root;
  std::vector<std::string> tags;
  BlobCounts blobs;
  bool unchanged = false;             ///< everything, tags included, was there before
  std::chrono::milliseconds took{0};  ///< since the transfer began, until the last tag was there
};

/// The outcome for one image and one destination, in the order of the arguments.
struct Delivery {
  std::string destination;
  Result<Delivered> result;
};

/// What a push would do to one destination (`--dry-run`).
struct Plan {
  struct Blob {
    std::string name;    ///< "layer sha256:1f2e…" or, before compression, the layer's diff_id
    std::uint64_t size;  ///< bytes to read; compressed they will be fewer
    bool to_compress;
  };
  struct Tag {
    std::string name;
    std::optional<Digest> from;  ///< what it points at now
  };
  std::string destination;
  std::optional<Descriptor> root;  ///< unknown while layers have to be compressed
  std::vector<Descriptor> present;
  std::vector<Blob> to_mount;  ///< taken over within the registry where it lets us, else sent
  std::vector<Blob> to_send;
  std::vector<Tag> tags;            ///< those that would move or be made
  bool repository_missing = false;  ///< it would have to be made first
  bool root_missing = false;        ///< the image would be put by its digest, under no tag
  bool referrers_missing = false;   ///< the image is there, and not all that refers to it
  std::uint64_t bytes = 0;          ///< sum over to_send
  std::uint64_t requests = 0;       ///< still to come, estimated; tokens and redirects not counted
  [[nodiscard]] bool changes() const {
    return !to_mount.empty() || !to_send.empty() || !tags.empty() || root_missing || referrers_missing;
  }
};

/// A snapshot of a running transfer. Figures only grow; a retry shows as a pause.
struct Progress {
  struct Blob {
    std::string name;
    std::uint64_t done = 0;
    std::uint64_t total = 0;
  };
  std::uint64_t bytes_done = 0;   ///< read from the source, once whatever the number of destinations
  std::uint64_t bytes_total = 0;  ///< known after planning
  std::uint64_t blobs_done = 0;
  std::uint64_t blobs_total = 0;
  std::uint64_t blobs_present = 0;  ///< did not have to move
  bool planned = false;
  std::vector<Blob> active;
};

/// Told about the rare events of a transfer, on one thread of the client's own, in order, with no lock held.
/// Exactly one finished() comes last. A slow observer delays no byte. The default does nothing.
class DAVIT_EXPORT Observer {
 public:
  virtual ~Observer();
  virtual void planned(const Progress& progress);
  virtual void started(const std::string& blob);
  virtual void done(const std::string& blob);
  virtual void note(
      const std::string& text);  ///< something people should know: absent platforms, a detached destination
  virtual void finished(const std::vector<Delivery>& deliveries);
};

/// A push under way. Dropping it cancels and joins. Thread-safe, except that result() wants one caller.
class DAVIT_EXPORT Transfer {
 public:
  class State;
  explicit Transfer(std::unique_ptr<State> state);
  Transfer(Transfer&&) noexcept;
  Transfer& operator=(Transfer&&) noexcept;
  ~Transfer();

  /// True when it has ended.
  [[nodiscard]] bool wait_for(std::chrono::milliseconds time) const;
  [[nodiscard]] Progress progress() const;
  void cancel();
  /// Waits for the end. An error means that nothing could even begin; otherwise each destination has its own
  /// result.
  Result<std::vector<Delivery>> result();

 private:
  std::unique_ptr<State> state_;
};

}  // namespace davit
