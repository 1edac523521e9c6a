#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <davit/descriptor.h>
#include <davit/digest.h>
#include <davit/error.h>
#include <davit/export.h>
#include <davit/platform.h>
#include <davit/result.h>
#include <davit/transfer.h>

namespace davit {

/// Which images of a repository a mirror has. `names` and `choice` add up; with neither, every tag is meant.
struct MirrorTags {
  /// Exact tags, and digests as text ("sha256:…"). With these alone no list of tags is asked for. One that is
  /// missing at the source is an error of that tag.
  std::vector<std::string> names = {};
  std::optional<TagChoice> choice = {};
  std::optional<std::chrono::seconds> max_age = {};  ///< since it was pushed (ECR), else since it was created
  /// Fewer tags than this left after the choice: an error of the repository, and nothing of it is copied or
  /// deleted.
  std::size_t min_tags = 0;
  /// RE2, whole tags: once such a tag is at the target, nobody asks what it points at.
  std::vector<std::string> immutable = {};
};

/// What may be deleted at the targets: tags that the source has no longer. Never another one.
struct MirrorPrune {
  bool enabled = false;
  std::vector<std::string> protect = {};  ///< RE2, whole tags: never deleted
  std::size_t max_deletes =
      100;  ///< of one run and job; if there would be more, none is deleted and that is an error
};

/// One source, or several, and everywhere they go.
struct MirrorJob {
  std::string name = {};  ///< for people; may be empty
  /// "registry/repository"; with ":tag" or "@digest" that image alone; a registry by itself, or
  /// "registry/team/*" (`*` is anything but '/', `**` anything): the repositories of the registry's list.
  std::vector<std::string> sources;
  /// Of the repositories that a list gave: RE2 over the whole name without the registry.
  std::vector<std::string> include_repositories = {};
  std::vector<std::string> exclude_repositories = {};
  /// "registry/repository" with {repo} (the source's name without its registry), {name} (its last component)
  /// and {registry}. Several repositories to one name are an error, so they need {repo} or {name}.
  /// Empty in what skopeo's file gives, whose targets are said elsewhere: skopeo puts images at DEST/{name},
  /// with
  /// `--scoped` at DEST/{registry}/{repo}.
  std::vector<std::string> targets;
  MirrorTags tags = {};
  std::vector<Platform> platforms =
      {};  ///< as in CopyOptions; an index of which some are chosen gets a new digest
  bool referrers = true;
  bool digest_tags = true;
  /// What every image must have, else it is not copied and that is an error of its tag: "signature", "sbom",
  /// "attestation", or RE2 over a whole artifact type. Digest tags count: .sig, .sbom and .att.
  std::vector<std::string> require_referrers = {};
  bool replace_tags =
      true;  ///< false: a tag that points at something else at the target is an error (conflict)
  MirrorPrune prune = {};
  std::optional<NewRepository> create_repositories = {};  ///< make repositories that are missing (ECR)
};

/// What a mirror file says (docs/mirror.md).
struct MirrorFile {
  std::vector<MirrorJob> jobs;
  std::vector<std::string> notes = {};  ///< what another tool's file asked for and is done differently here
};

/// A part of the work: every image belongs to exactly one of `count` parts, whatever the machine and the day.
struct MirrorShard {
  std::size_t index = 0;  ///< from 0
  std::size_t count = 1;
};

/// What became of one tag at one target, or would.
struct MirrorEntry {
  enum class What { copied, unchanged, deleted, failed };
  /// The target's. A run says only `there`; a plan what it found out, where asking is cheap (ECR).
  enum class Repository {
    there,
    missing,  ///< pushes are refused, unless ECR makes it by a creation template
    made,     ///< MirrorJob::create_repositories would make it
  };
  What what = What::failed;
  std::string job = {};
  std::string source = {};              ///< "registry/repository"; empty for what failed before one was known
  std::string target = {};              ///< "registry/repository"; one entry for each where the source failed
  std::string tag = {};                 ///< or a digest; empty when it is about the repository
  std::optional<Descriptor> root = {};  ///< what the tag is at the target now; of a deleted one, what it was
  std::optional<Digest> replaced = {};  ///< what the tag was before
  Repository repository = Repository::there;
  BlobCounts blobs = {};
  std::chrono::milliseconds took{0};
  std::optional<Error> error = {};  ///< with `failed`
};

/// A tag about to be deleted, with all that is needed to put it back.
struct PruneRecord {
  std::string repository;  ///< "registry/repository"
  std::string tag;
  Digest digest;
  std::string media_type;
  std::string manifest;  ///< its bytes
};

/// A record as one line of JSON, without the line's end, and back. Errors: corrupt.
DAVIT_EXPORT std::string to_json_line(const PruneRecord& record);
DAVIT_EXPORT Result<PruneRecord> parse_prune_record(std::string_view line);

/// Sums over a run.
struct MirrorTotals {
  std::uint64_t repositories = 0;
  std::uint64_t copied = 0;
  std::uint64_t unchanged = 0;
  std::uint64_t deleted = 0;
  std::uint64_t failed = 0;
  std::uint64_t blobs_sent = 0;
  std::uint64_t blobs_mounted = 0;
  std::uint64_t bytes_read = 0;  ///< of blobs, from the sources
  std::uint64_t bytes_sent = 0;  ///< of blobs, to all targets together
  std::uint64_t requests = 0;    ///< of a plan: what would follow, estimated; of a run: those that were made
  std::chrono::milliseconds took{0};
};

struct MirrorOptions {
  MirrorShard shard = {};
  bool keep_going = true;  ///< false: the first failure ends the run
  /// Told about each entry once, on the thread that called mirror(), soon after it happened.
  std::function<void(const MirrorEntry&)> each = {};
  /// How far the run is, some times a second, on that thread too.
  std::function<void(const Progress&, const MirrorTotals&)> pulse = {};
  /// The sums, once and last, on that thread: also of a run that was told to end or ran out of time, which
  /// then returns an error.
  std::function<void(const MirrorTotals&)> ended = {};
  /// Told before a tag is deleted, on a thread of the client's own; an error keeps it from that. Required
  /// where a job prunes.
  std::function<Result<>(const PruneRecord&)> before_delete = {};
  Observer* observer = nullptr;
  std::stop_token stop = {};
  /// Asked to stop: the run ends soon. Nothing new is begun or deleted, what moves arrives, and images that
  /// are complete get their tags; after `drain_time` it ends like `stop`.
  std::stop_token drain = {};
  std::chrono::milliseconds drain_time{20'000};
  std::optional<std::chrono::milliseconds> timeout = {};  ///< for the whole run
};

}  // namespace davit
