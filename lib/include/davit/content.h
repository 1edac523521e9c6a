#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <davit/call_context.h>
#include <davit/descriptor.h>
#include <davit/manifest.h>

namespace davit {

/// Bytes in order, read once. One reader at a time; may be read from another thread than the one that opened
/// it.
class ByteSource {
 public:
  virtual ~ByteSource() = default;

  /// Puts up to `into.size()` bytes into `into` and returns how many. 0 means the end, and only then; whoever
  /// promised a digest has checked it before saying so. REQUIRES: `into` is not empty. May block.
  virtual Result<std::size_t> read(std::span<std::byte> into) = 0;

  /// Whether read() would return without waiting for another thread. If not, `wake` is called once, from any
  /// thread, as soon as it would. Lets a sender watch its socket while a slow source makes up its mind.
  virtual bool ready(const std::function<void()>& wake) {
    static_cast<void>(wake);
    return true;
  }
};

/// Bytes that can be opened again: restarting and detaching rest on this. Thread-safe.
class Content {
 public:
  virtual ~Content() = default;

  /// Reading starts at `offset` bytes from the beginning. Every open gives the same bytes.
  [[nodiscard]] virtual Result<std::unique_ptr<ByteSource>> open(std::uint64_t offset,
                                                                 const CallContext& context) const = 0;

  /// What the bytes are. Empty as long as nobody knows: a layer that is compressed while it is read has a
  /// digest only after its first complete reading.
  [[nodiscard]] virtual std::optional<Descriptor> descriptor() const = 0;
};

/// Lists the tags of a source that has them.
class TagLister {
 public:
  virtual ~TagLister() = default;
  /// In the order the registry gave them; once there are `most`, no further page is asked for and the list
  /// ends there.
  virtual Result<std::vector<std::string>> tags(std::size_t most, const CallContext& context) = 0;

  /// At most `count` tags, those pushed last first. Errors: unsupported where nobody knows; the engine then
  /// goes by the tags' names.
  virtual Result<std::vector<std::string>> newest(std::size_t count, const CallContext& context) {
    static_cast<void>(count);
    static_cast<void>(context);
    return Error{.code = Errc::unsupported, .message = "nobody says which tags are new"};
  }
};

/// Lists the manifests that name another one as their `subject`: signatures, SBOMs, any artifact.
class ReferrerLister {
 public:
  virtual ~ReferrerLister() = default;
  /// In no particular order, each once. A subject nobody refers to, or that is not there, has none.
  virtual Result<std::vector<Descriptor>> referrers(const Digest& subject, const CallContext& context) = 0;
  /// Those of one artifact type, where the store can be asked for them alone.
  virtual Result<std::vector<Descriptor>> referrers_of_type(const Digest& subject,
                                                            std::string_view artifact_type,
                                                            const CallContext& context) {
    auto all = referrers(subject, context);
    if (all) std::erase_if(*all, [&](const Descriptor& each) { return each.artifact_type != artifact_type; });
    return all;
  }
};

/// A stretch of a blob.
struct ByteRange {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

/// Reads stretches of a blob side by side, where several connections together are faster than one.
class RangeReader {
 public:
  virtual ~RangeReader() = default;
  /// Exactly these bytes, not verified. Errors: unsupported where only whole blobs are served, so that nobody
  /// pays for the whole blob several times.
  virtual Result<std::unique_ptr<ByteSource>> open_range(const Descriptor& blob, ByteRange range,
                                                         const CallContext& context) = 0;
};

/// Somewhere images come from: a registry repository, a layout, an archive, or your own. Thread-safe.
class ContentSource {
 public:
  virtual ~ContentSource() = default;

  /// The root that a name (a tag or a digest in text form) stands for. Errors: not_found.
  virtual Result<Descriptor> resolve(std::string_view name, const CallContext& context) = 0;

  /// The manifest under a tag or digest, whole. Asked for by digest, the bytes have that digest. Errors:
  /// not_found.
  virtual Result<Manifest> manifest(std::string_view name, const CallContext& context) = 0;

  /// How many manifests one manifests() answers in one request.
  [[nodiscard]] virtual std::size_t manifest_batch() const { return 1; }

  /// Several manifests, in the order of the question; empty where there is none, or none that can be read.
  virtual Result<std::vector<std::optional<Manifest>>> manifests(std::span<const std::string> names,
                                                                 const CallContext& context) {
    std::vector<std::optional<Manifest>> out;
    for (const std::string& name : names) {
      auto found = manifest(name, context);
      out.push_back(found ? std::optional<Manifest>(*std::move(found)) : std::nullopt);
    }
    return out;
  }

  /// A blob's bytes from `offset` on. They are not verified here: the engine does that, in one place.
  virtual Result<std::unique_ptr<ByteSource>> open(const Descriptor& blob, std::uint64_t offset,
                                                   const CallContext& context) = 0;

  /// How large a blob is of which only the digest is known. Errors: not_found; unsupported where nobody says.
  virtual Result<std::uint64_t> blob_size(const Digest& blob, const CallContext& context) {
    static_cast<void>(context);
    return Error{.code = Errc::unsupported,
                 .message = "the size of blob " + blob.to_string() + " is not known"};
  }

  /// Capabilities: null when absent.
  virtual TagLister* tag_lister() { return nullptr; }
  virtual RangeReader* range_reader() { return nullptr; }
  virtual ReferrerLister* referrer_lister() { return nullptr; }
};

/// Whether something is at a destination. `sealed` says that everything below it is there too.
enum class Presence { absent, present, sealed };

/// Puts blobs of another repository of the same registry into place without moving bytes.
class Mounter {
 public:
  virtual ~Mounter() = default;
  /// True when the registry did it; false when it wants the bytes instead.
  virtual Result<bool> mount(const Descriptor& blob, std::string_view from_repository,
                             const CallContext& context) = 0;
};

/// A blob on its way into a sink that can take its bytes in any order: a file of a layout, a stretch of an
/// archive. Destroyed without commit(), it stays for a later run to go on with, where the sink can keep it.
/// Thread-safe, as long as nobody reads a stretch that is being written.
class BlobDraft {
 public:
  virtual ~BlobDraft() = default;
  /// How many bytes from the beginning an earlier run has left. A claim: whoever goes on from there hashes
  /// them first.
  [[nodiscard]] virtual std::uint64_t kept() const = 0;
  /// REQUIRES: within the blob's size. Errors: local_io.
  virtual Result<> write_at(std::uint64_t offset, std::span<const std::byte> bytes) = 0;
  /// Bytes that are there. Errors: local_io; corrupt when there are fewer.
  virtual Result<> read_at(std::uint64_t offset, std::span<std::byte> into) const = 0;
  /// Forgets all bytes: they turned out wrong. Errors: local_io.
  virtual Result<> restart() = 0;
  /// Makes the bytes the blob's content, for good. REQUIRES: all are there and have its digest. Errors:
  /// local_io.
  virtual Result<> commit() = 0;
};

/// Names a manifest only where nobody else has named another one meanwhile, so that an edit does not undo
/// somebody else's.
class NameExchanger {
 public:
  virtual ~NameExchanger() = default;
  /// ContentSink::put_manifest(), provided that the first of `names` still points at `before`, or at
  /// `manifest` already; nobody else names anything between the look and the naming. REQUIRES: `names` is not
  /// empty. Errors: conflict, with `retryable`, when it points at something else or is gone: nothing was
  /// named.
  virtual Result<> exchange(const Manifest& manifest, std::span<const std::string> names,
                            const Digest& before, const CallContext& context) = 0;
};

/// What a sink takes. 0: nobody knows of a limit.
struct SinkLimits {
  std::size_t layers = 0;            ///< of one image
  std::uint64_t manifest_bytes = 0;  ///< of one manifest
};

/// Somewhere images go. Thread-safe; a manifest is put only after everything below it is there.
class ContentSink {
 public:
  virtual ~ContentSink() = default;

  /// How many descriptors one probe() answers in one request; the engine asks in batches of this size, side
  /// by side.
  [[nodiscard]] virtual std::size_t probe_batch() const { return 1; }

  /// Which of these are there, in the order of the question.
  virtual Result<std::vector<Presence>> probe(std::span<const Descriptor> wanted,
                                              const CallContext& context) = 0;

  /// Whether the sink has said that it does not exist yet.
  [[nodiscard]] virtual bool known_missing() const { return false; }

  /// Whether a name that points at an image shows that everything below it is there. Registries see to that;
  /// a folder may have been damaged, so there every blob is asked for.
  [[nodiscard]] virtual bool names_vouch() const { return true; }

  /// How many blobs it can take at once; 1 for a stream.
  [[nodiscard]] virtual std::size_t blobs_at_once() const { return SIZE_MAX; }

  /// Begins a blob whose bytes may come in any order. Null: this sink takes blobs by put_blob() alone.
  virtual Result<std::unique_ptr<BlobDraft>> draft(const Descriptor& blob, const CallContext& context) {
    static_cast<void>(blob);
    static_cast<void>(context);
    return std::unique_ptr<BlobDraft>();
  }

  /// What it would refuse after everything has been sent.
  [[nodiscard]] virtual SinkLimits limits() const { return {}; }

  /// Those of these tags, which are there, that it would refuse to move. Errors: where it is not known, and
  /// only trying shows it.
  virtual Result<std::vector<std::string>> fixed_tags(std::span<const std::string> tags,
                                                      const CallContext& context) {
    static_cast<void>(tags);
    static_cast<void>(context);
    return std::vector<std::string>();
  }

  /// Stores the bytes and returns what was stored. The sink pulls: it opens `content` as often as its own
  /// retries need, from whatever offset it already has, and stores nothing when a read fails. When the
  /// content has a descriptor from the start, that digest is what is stored; otherwise the one it has after
  /// the last byte.
  virtual Result<Descriptor> put_blob(const Content& content, const CallContext& context) = 0;

  /// Stores a manifest under its digest and under each of `names` (tags). The names move in the order given;
  /// with none, the manifest is reachable by digest only.
  virtual Result<> put_manifest(const Manifest& manifest, std::span<const std::string> names,
                                const CallContext& context) = 0;

  /// Whether nothing is to be seen of what was put before finish() is through.
  [[nodiscard]] virtual bool all_or_nothing() const { return false; }

  /// Everything that was put is all there will be: what is one step for the whole sink is done now, an
  /// archive gets its name. Called once; where it is all or nothing, only after every image has arrived.
  virtual Result<> finish(const CallContext& context) {
    static_cast<void>(context);
    return {};
  }

  /// Capabilities: null when absent. `earlier` reads what is already at the destination.
  virtual Mounter* mounter() { return nullptr; }
  virtual NameExchanger* name_exchanger() { return nullptr; }
  virtual ContentSource* earlier() { return nullptr; }
};

}  // namespace davit
