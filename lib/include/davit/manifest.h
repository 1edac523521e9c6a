#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <davit/descriptor.h>

namespace davit {

/// An image manifest or an index, in the OCI or the Docker schema 2 form: the original bytes and what they
/// say. The bytes are never re-serialised. Immutable; copies share the document; safe to read from any
/// thread.
class DAVIT_EXPORT Manifest {
 public:
  /// At most this many bytes are read as a manifest.
  static constexpr std::size_t kMaxSize = 8u << 20;

  /// Reads a document. `media_type` is what the transport called it and may be empty; parameters after `;`
  /// are ignored. The digest is computed here, with `algorithm`. Errors: corrupt for malformed JSON, wrong
  /// types, forged sizes, both shapes at once or a media type that contradicts the document; unsupported for
  /// Docker schema 1.
  static Result<Manifest> parse(std::string bytes, std::string_view media_type,
                                Digest::Algorithm algorithm = Digest::Algorithm::sha256);

  /// Media type, digest and size of the document itself.
  [[nodiscard]] const Descriptor& descriptor() const;
  [[nodiscard]] const std::string& bytes() const;

  /// An index (or Docker manifest list) has manifests(); anything else has config() and layers().
  [[nodiscard]] bool is_index() const;
  [[nodiscard]] const std::vector<Descriptor>& manifests() const;
  [[nodiscard]] const std::optional<Descriptor>& config() const;
  [[nodiscard]] const std::vector<Descriptor>& layers() const;
  [[nodiscard]] const std::optional<Descriptor>& subject() const;
  [[nodiscard]] const std::string& artifact_type() const;
  [[nodiscard]] const std::map<std::string, std::string>& annotations() const;

  /// Everything this document needs below it, in document order, each digest once: the children of an index,
  /// or the config and layers of an image. `subject` is not among them. Foreign layers are.
  [[nodiscard]] std::vector<Descriptor> children() const;

 private:
  struct Document;
  explicit Manifest(std::shared_ptr<const Document> document);
  std::shared_ptr<const Document> document_;  // co-owned by copies of this manifest
};

}  // namespace davit
