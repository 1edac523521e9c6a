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

  /// Capability: null when absent.
  virtual TagLister* tag_lister() { return nullptr; }
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

  /// Capabilities: null when absent. `earlier` reads what is already at the destination.
  virtual Mounter* mounter() { return nullptr; }
  virtual ContentSource* earlier() { return nullptr; }
};

}  // namespace davit
