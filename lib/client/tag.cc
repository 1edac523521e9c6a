// Further tags for an image that a registry or a layout has.
#include <davit/client.h>

#include <algorithm>

#include "base/error.h"
#include "base/escape.h"
#include "base/split.h"
#include "base/try.h"
#include "client/argument.h"
#include "client/client_impl.h"
#include "client/layout_tags.h"
#include "client/registry_argument.h"

namespace davit {
namespace {

using client::bad_argument;

/// The tags that one argument means: "v1", "v1,v2", or a reference to a tag of the same repository.
Result<std::vector<std::string>> tags_in(std::string_view text, const Reference& image,
                                         client::Registries& registries, const CallContext& context) {
  if (Reference::is_tag(text)) return std::vector<std::string>{std::string(text)};
  std::vector<std::string> out;
  if (text.find_first_of("/:@") == std::string_view::npos && text.find(',') != std::string_view::npos) {
    for (const std::string_view one : split(text, ',')) {
      if (!Reference::is_tag(one)) return bad_argument(text, "not a list of tags");
      out.emplace_back(one);
    }
    return out;
  }
  if (text.find_first_of("/:@") == std::string_view::npos)
    return bad_argument(text, "not a tag", "letters, digits, \"_\", \".\" and \"-\", at most 128 of them");
  DAVIT_TRY(const Reference named, client::registry_argument(text, registries, Side::destination, context));
  if (named.host != image.host || named.repository != image.repository)
    return bad_argument(text, "a tag is a name within " + image.name() + ", and this is elsewhere",
                        "davit copy " + image.to_string() + " " + escaped(text, 200));
  if (named.digest) return bad_argument(text, "a digest is not a tag");
  if (named.tag.empty()) return bad_argument(text, "no tag in it");
  out.push_back(named.tag);
  return out;
}

/// Whether the tag has the image already. Errors: already_exists where it has another one, and must not be
/// moved.
Result<bool> is_there(registry::Repository& repository, const std::string& name, const std::string& tag,
                      const Digest& digest, OnExistingTag existing, const CallContext& context) {
  // One request, where HEAD would want a second opinion.
  const auto there = repository.manifest(tag, context);
  if (there && there->descriptor().digest == digest) return true;
  // What stands in the way of reading the tag need not stand in the way of moving it.
  if (existing == OnExistingTag::replace || (!there && there.error().code == Errc::not_found)) return false;
  if (!there) return there.error();
  return client::tag_in_use(name + ":" + tag, there->descriptor().digest, digest);
}

}  // namespace

Result<std::vector<Delivery>> Client::tag(std::string_view image, std::span<const std::string> tags,
                                          const TagOptions& options) {
  const CallContext context = context_within(options.stop, options.timeout);
  client::Registries& registries = impl_->registries;
  DAVIT_TRY(const auto layout, client::layout_argument(image));
  if (layout) return client::tag_in_layout(*layout, tags, options, context);
  DAVIT_TRY(const Reference reference,
            client::registry_argument(image, registries, Side::destination, context));
  std::vector<std::string> wanted;
  for (const std::string& text : tags) {
    DAVIT_TRY(const std::vector<std::string> named, tags_in(text, reference, registries, context));
    for (const std::string& tag : named) {
      if (std::ranges::find(wanted, tag) == wanted.end()) wanted.push_back(tag);
    }
  }
  if (wanted.empty())
    return make_error(Errc::invalid_argument, "no tag for " + reference.to_string(),
                      "davit tag " + reference.to_string() + " TAG");
  DAVIT_TRY(const auto repository,
            registries.repository(reference.host, reference.repository, Side::destination));
  DAVIT_TRY(const Manifest manifest, client::manifest_of(reference, *repository, context));
  std::vector<Delivery> out;
  for (const std::string& tag : wanted) {
    const auto done = [&]() -> Result<Delivered> {
      Delivered delivered{.destination = reference.name(),
                          .root = manifest.descriptor(),
                          .tags = {tag},
                          .blobs = {},
                          .unchanged = false};
      DAVIT_TRY(delivered.unchanged,
                is_there(*repository, reference.name(), tag, manifest.descriptor().digest,
                         options.on_existing_tag, context));
      if (delivered.unchanged) return delivered;
      DAVIT_TRY_VOID(repository->put_manifest(manifest, {&tag, 1}, context));
      return delivered;
    }();
    out.push_back({.destination = reference.name(), .result = done});
  }
  return out;
}

}  // namespace davit
