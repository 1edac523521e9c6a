// Tags and images are removed from registries.
#include <davit/client.h>

#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "client/argument.h"
#include "client/client_impl.h"
#include "client/registry_argument.h"

namespace davit {
namespace {

struct Target {
  Reference reference;
  std::shared_ptr<registry::Repository> repository;  // co-owned by the client
};

enum class Mode { plan, remove };

/// A repository is not an image, and leaving out the tag must not cost one.
Result<> check_names_image(const Reference& reference) {
  if (!reference.tag.empty() || reference.digest) return {};
  return make_error(Errc::invalid_argument, reference.name() + " is a repository, and no image of it",
                    "write " + reference.name() + ":TAG, or @DIGEST for an image with all its tags");
}

class Removing {
 public:
  Removing(const Target& target, Mode mode, const CallContext& context)
      : reference_(target.reference), repository_(*target.repository), mode_(mode), context_(context) {}

  Result<std::vector<Removed>> tag() {
    DAVIT_TRY(const Manifest image, client::manifest_of(reference_, repository_, context_));
    if (mode_ == Mode::remove) DAVIT_TRY_VOID(repository_.remove_tag(reference_.tag, image, context_));
    return std::vector<Removed>{{.what = Removed::What::tag,
                                 .name = reference_.name() + ":" + reference_.tag,
                                 .digest = image.descriptor().digest}};
  }

  Result<std::vector<Removed>> image(bool with_referrers) {
    DAVIT_TRY(const Manifest image, client::manifest_of(reference_, repository_, context_));
    const Digest& digest = image.descriptor().digest;
    if (with_referrers) {
      DAVIT_TRY(const std::vector<Referrer> referrers, referrers_of(repository_, digest, {}, context_));
      DAVIT_TRY_VOID(remove_below(digest, referrers));
    }
    DAVIT_TRY_VOID(remove(image, Removed::What::manifest));
    return std::move(removed_);
  }

 private:
  /// What refers to `subject`, the last in a chain first: a run that breaks off leaves nothing that no list
  /// leads to any more.
  Result<> remove_below(const Digest& subject, const std::vector<Referrer>& referrers) {
    for (const Referrer& each : referrers) {
      DAVIT_TRY_VOID(remove_below(each.manifest.digest, each.referrers));
      const auto found = repository_.manifest(each.manifest.digest.to_string(), context_);
      if (!found && found.error().code == Errc::not_found)
        continue;  // a list may be older than what it lists
      if (!found) return found.error();
      DAVIT_TRY_VOID(remove(*found, Removed::What::referrer));
    }
    DAVIT_TRY(const auto index, repository_.referrers_index(subject, context_));
    if (!index) return {};
    return remove(*index, Removed::What::referrer);
  }

  Result<> remove(const Manifest& manifest, Removed::What what) {
    if (mode_ == Mode::remove) DAVIT_TRY_VOID(repository_.remove_manifest(manifest, context_));
    const Digest& digest = manifest.descriptor().digest;
    removed_.push_back(
        {.what = what, .name = reference_.name() + "@" + digest.to_string(), .digest = digest});
    return {};
  }

  const Reference& reference_;
  registry::Repository& repository_;
  const Mode mode_;
  const CallContext& context_;
  std::vector<Removed> removed_;
};

Result<std::vector<Removal>> removals(client::Registries& registries, std::span<const std::string> references,
                                      const RemoveOptions& options, Mode mode) {
  const CallContext context = client::context_of(options.stop, options.timeout);
  std::vector<Target> targets;
  for (const std::string& text : references) {
    DAVIT_TRY(Reference reference, client::registry_argument(text, registries, Side::destination, context));
    DAVIT_TRY_VOID(check_names_image(reference));
    if (options.with_referrers && !reference.tag.empty())
      return client::bad_argument(text, "a tag's image stays, and so does what refers to it",
                                  "name the image by its digest, or leave out --with-referrers");
    DAVIT_TRY(auto repository,
              registries.repository(reference.host, reference.repository, Side::destination));
    targets.push_back({std::move(reference), std::move(repository)});
  }
  std::vector<Removal> out;
  for (const Target& target : targets) {
    Removing one(target, mode, context);
    out.push_back({.reference = target.reference.to_string(),
                   .result = target.reference.tag.empty() ? one.image(options.with_referrers) : one.tag()});
  }
  return out;
}

}  // namespace

Result<std::vector<Removal>> Client::remove(std::span<const std::string> references,
                                            const RemoveOptions& options) {
  return removals(impl_->registries, references, options, Mode::remove);
}

Result<std::vector<Removal>> Client::plan_remove(std::span<const std::string> references,
                                                 const RemoveOptions& options) {
  return removals(impl_->registries, references, options, Mode::plan);
}

}  // namespace davit
