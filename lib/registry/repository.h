#pragma once

#include <atomic>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include <davit/content.h>
#include <davit/listing.h>

#include "auth/shared_calls.h"
#include "base/mutex.h"
#include "registry/blob_places.h"
#include "registry/location.h"
#include "registry/name_list.h"
#include "registry/registry.h"

namespace davit::registry {

/// One repository of a registry as a store, for reading and for writing. Thread-safe.
///
/// Every blob and manifest goes through the registry's one Wire, so retries, authorization and redirects are
/// the same everywhere. Errors name the thing, this repository and the cause. REQUIRES: it outlives the
/// sources that it opened.
class Repository final : public ContentSource,
                         public ContentSink,
                         public TagLister,
                         public Mounter,
                         public RangeReader,
                         public ReferrerLister {
 public:
  Repository(Registry& registry, std::string name, Side side, std::optional<NewRepository> create = {});

  Result<Descriptor> resolve(std::string_view name, const CallContext& context) override;
  Result<Manifest> manifest(std::string_view name, const CallContext& context) override;
  [[nodiscard]] std::size_t manifest_batch() const override;
  Result<std::vector<std::optional<Manifest>>> manifests(std::span<const std::string> names,
                                                         const CallContext& context) override;
  Result<std::unique_ptr<ByteSource>> open(const Descriptor& blob, std::uint64_t offset,
                                           const CallContext& context) override;
  Result<std::uint64_t> blob_size(const Digest& blob, const CallContext& context) override;
  Result<std::unique_ptr<ByteSource>> open_range(const Descriptor& blob, ByteRange range,
                                                 const CallContext& context) override;
  TagLister* tag_lister() override { return this; }
  RangeReader* range_reader() override { return this; }
  Result<std::vector<Descriptor>> referrers(const Digest& subject, const CallContext& context) override;
  Result<std::vector<Descriptor>> referrers_of_type(const Digest& subject, std::string_view type,
                                                    const CallContext& context) override;
  ReferrerLister* referrer_lister() override { return this; }
  /// The index under the tag that lists what refers to `subject`, where a registry has no other list.
  Result<std::optional<Manifest>> referrers_index(const Digest& subject, const CallContext& context);

  [[nodiscard]] std::size_t probe_batch() const override;
  Result<std::vector<Presence>> probe(std::span<const Descriptor> wanted,
                                      const CallContext& context) override;
  [[nodiscard]] bool known_missing() const override { return missing_ && !made_; }
  [[nodiscard]] SinkLimits limits() const override;
  Result<std::vector<std::string>> fixed_tags(std::span<const std::string> tags,
                                              const CallContext& context) override;
  Result<Descriptor> put_blob(const Content& content, const CallContext& context) override;
  Result<> put_manifest(const Manifest& manifest, std::span<const std::string> names,
                        const CallContext& context) override;
  Mounter* mounter() override { return this; }
  ContentSource* earlier() override { return this; }

  Result<std::vector<std::string>> tags(std::size_t most, const CallContext& context) override;
  /// All tags, page by page, of at most `page_size` where the registry takes a wish.
  Result<> read_tags(std::size_t page_size, const NamePage& each_page, const CallContext& context);
  /// All tags with what the registry's own interface tells about them. Errors: unsupported where it has none.
  Result<> describe_tags(const TagPage& each_page, const CallContext& context);
  /// All images, likewise.
  Result<> describe_images(const ImagePage& each_page, const CallContext& context);
  Result<std::vector<std::string>> newest(std::size_t count, const CallContext& context) override;
  Result<bool> mount(const Descriptor& blob, std::string_view from_repository,
                     const CallContext& context) override;

  /// What is known about remove_tag() without trying it, once the tags of `gone` have gone. False: the
  /// registry may refuse. Errors: those of remove_tag().
  Result<bool> check_tag_removal(const std::string& tag, std::span<const std::string> gone,
                                 const CallContext& context);
  /// Removes a tag, and nothing but the tag. `image` is what it names. Errors: unsupported where that cannot
  /// be done; the tag is then where it was.
  Result<> remove_tag(const std::string& tag, const Manifest& image, const CallContext& context);
  /// Removes a manifest with all its tags, and from the list of what refers to its subject. Errors: conflict
  /// where an index needs it; unsupported where the registry removes nothing.
  Result<> remove_manifest(const Manifest& image, const CallContext& context);

  // For the files of this room.
  BlobPlaces& places() { return places_; }
  Registry& registry() { return registry_; }
  [[nodiscard]] Purpose purpose(std::string_view verb, std::string_view thing) const;
  /// "/v2/NAME/" + rest. REQUIRES: `rest` is made of checked parts.
  [[nodiscard]] net::Url url(std::string_view rest) const;
  [[nodiscard]] auth::Scope scope() const;
  /// Whether the blob is there; asks by HEAD, or by GET where HEAD does not work.
  Result<bool> has_blob(const Digest& digest, const CallContext& context);
  void note_written(const Digest& digest);
  /// Under which digest the registry keeps a manifest that was put here, where it is one of another algorithm
  /// than the manifest's own, by which it cannot be had.
  [[nodiscard]] std::optional<Digest> kept_as(const Digest& put) const;
  [[nodiscard]] bool was_written(const Digest& digest) const;
  /// After an answer that says that the repository is missing: whether it has been made, so that the request
  /// is worth repeating. Errors: of making it.
  /// `times`: how often this request has been repeated for that. `patience`: its tries, which go on while
  /// what was made is not known everywhere yet.
  Result<bool> make_missing(int times, Tries& patience, const CallContext& context);
  /// The same before anything is sent, when a probe has said so.
  Result<> make_if_known_missing(const CallContext& context);
  /// How an answer says that the repository is missing.
  [[nodiscard]] static bool says_missing(const Answer& answer);
  /// The session that a refused mount left behind for this digest, if any.
  std::optional<UploadTarget> take_session(const Digest& digest);

 private:
  Result<bool> make(const CallContext& context);
  /// The answer to whether the blob is there: a success, or 404.
  Result<Answer> ask_for_blob(const Purpose& why, const Digest& digest, const CallContext& context);
  enum class Listed { yes, no };
  Result<> note_referrer(const Manifest& referrer, const CallContext& context);
  Result<> forget_referrer(const Digest& subject, const Digest& referrer, const CallContext& context);
  Result<> edit_referrers(const Digest& subject, const Descriptor& entry, Listed wanted,
                          const CallContext& context);
  Result<bool> is_gone(const std::string& name, const Digest& digest, const CallContext& context);
  Result<Answer> send_delete(const Purpose& why, const std::string& name, const CallContext& context);
  Result<> put_under(const Manifest& manifest, const std::string& name, const CallContext& context);
  Result<std::vector<Presence>> probe_natively(Native& native, std::span<const Descriptor> wanted,
                                               const CallContext& context);
  /// The registry's own interface, where it may be asked about this repository; else null.
  Native* reader(const CallContext& context) const;
  [[nodiscard]] Error no_native(const Purpose& why) const;
  [[nodiscard]] bool may_appear(const Manifest& manifest, const Answer& answer) const;
  Result<bool> has_manifest(const Digest& digest, const std::string& name, const CallContext& context);
  Result<> note_other_digest(const Purpose& why, const Manifest& manifest, const std::string& name,
                             const Answer& answer, const CallContext& context);

  Registry& registry_;
  const std::string name_;
  const Side side_;
  const std::optional<NewRepository> create_;
  std::atomic<bool> native_denied_ = false;
  std::atomic<bool> native_reads_denied_ = false;
  auth::SharedCalls<bool> creations_;
  std::atomic<bool> missing_ = false;
  std::atomic<bool> made_ = false;
  BlobPlaces places_;
  Mutex referrer_tags_;  ///< held while the index under a referrers tag is brought up to date
  mutable Mutex mutex_;
  std::set<Digest> written_ DAVIT_GUARDED_BY(mutex_);
  std::map<Digest, Digest> kept_as_ DAVIT_GUARDED_BY(mutex_);
  std::map<Digest, UploadTarget> sessions_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::registry
