#include "client/layout_tags.h"

#include <algorithm>

#include "base/error.h"
#include "base/escape.h"
#include "base/split.h"
#include "base/try.h"
#include "client/argument.h"
#include "content/choose_image.h"
#include "content/layout_index.h"
#include "layout/directory.h"
#include "layout/layout.h"

namespace davit::client {
namespace {

std::string layout_name(const FileLocation& layout) {
  return "oci:" + escaped(layout.path, 300);
}

/// What index.json lists under a name of the layout, or alone.
struct Listed {
  Manifest manifest;
  std::vector<std::string> names;
};

Result<Listed> listed_in(const FileLocation& location, const CallContext& context) {
  DAVIT_TRY(const auto layout, layout::Layout::open(location.path, content::AbsentPlatforms::leave_out));
  const std::string wanted = location.position ? "@" + std::to_string(*location.position) : location.name;
  auto chosen = content::choose_image(layout->images(), wanted);
  if (!chosen) return chosen.error().with_context(layout_name(location));
  const content::ImageListing& listing = layout->images()[*chosen];
  DAVIT_TRY(Manifest manifest, layout->manifest(listing.root.to_string(), context));
  return Listed{.manifest = std::move(manifest), .names = listing.names};
}

Result<std::vector<std::string>> tags_for(std::span<const std::string> words, const FileLocation& layout) {
  std::vector<std::string> out;
  for (const std::string& word : words) {
    for (const std::string_view one : split(word, ',')) {
      if (!Reference::is_tag(one))
        return bad_argument(word, "not a tag of " + layout_name(layout),
                            "davit copy brings an image elsewhere");
      if (std::ranges::find(out, one) == out.end()) out.emplace_back(one);
    }
  }
  return out;
}

Result<std::shared_ptr<layout::Directory>> writable(const FileLocation& layout, const CallContext& context) {
  auto opened = layout::Directory::open(layout.path, io::Durability::synced, true, context);
  if (!opened) return opened.error().on(Side::destination);
  return opened;
}

/// Gives one tag. Whether the image had it already.
Result<bool> give(layout::Directory& layout, const std::string& shown, const Manifest& manifest,
                  const std::string& tag, OnExistingTag existing, const CallContext& context) {
  bool unchanged = false;
  const auto edit = [&](std::string_view index) -> Result<std::string> {
    DAVIT_TRY(const Manifest now, Manifest::parse(std::string(index), model::kOciIndex));
    for (const Descriptor& entry : now.manifests()) {
      const auto called = entry.annotations.find(std::string(content::kRefName));
      if (called == entry.annotations.end() || called->second != tag) continue;
      unchanged = entry.digest == manifest.descriptor().digest;
      if (!unchanged && existing == OnExistingTag::fail)
        return tag_in_use(shown + ":" + tag, entry.digest, manifest.descriptor().digest);
    }
    return content::with_names(index, content::index_entry(manifest), {&tag, 1});
  };
  const auto done = layout.edit_index(edit, context);
  if (!done) return done.error().on(Side::destination);
  return unchanged;
}

Result<Removed> take_away(const FileLocation& location, bool plan, const CallContext& context) {
  if (location.name.empty() || Digest::parse(location.name))
    return make_error(Errc::invalid_argument, layout_name(location) + ": of a layout only tags are deleted",
                      "write " + layout_name(location) + ":TAG");
  DAVIT_TRY(const Listed listed, listed_in(location, context));
  Removed out{.what = Removed::What::tag,
              .name = layout_name(location) + ":" + location.name,
              .digest = listed.manifest.descriptor().digest};
  if (std::ranges::find(listed.names, location.name) == listed.names.end())
    return make_error(Errc::not_found, layout_name(location) + " has no tag " + location.name);
  if (plan) return out;
  DAVIT_TRY(const auto layout, writable(location, context));
  DAVIT_TRY_VOID(layout->edit_index(
      [&](std::string_view index) { return content::without_name(index, location.name); }, context));
  layout->tidy();
  return out;
}

}  // namespace

Result<std::optional<FileLocation>> layout_argument(std::string_view text) {
  constexpr std::string_view kFiles[] = {"oci:", "ocidir://", "oci-archive:", "docker-archive:"};
  const bool file = names_path(text) || std::ranges::any_of(kFiles, [&](std::string_view scheme) {
                      return text.starts_with(scheme);
                    });
  if (!file) return std::optional<FileLocation>();
  DAVIT_TRY(const Source source, parse_source(text));
  const auto* location = std::get_if<FileLocation>(&source);
  if (location == nullptr) return std::optional<FileLocation>();
  if (location->kind == FileLocation::Kind::layout ||
      (location->kind == FileLocation::Kind::any && is_directory(location->path)))
    return std::optional(*location);
  return bad_argument(text, "an archive, which is not changed but written anew",
                      "davit copy " + escaped(text, 200) + " NEW.tar:NAME:TAG, or oci:DIR:TAG for a layout");
}

Result<std::vector<Delivery>> tag_in_layout(const FileLocation& location, std::span<const std::string> tags,
                                            const TagOptions& options, const CallContext& context) {
  DAVIT_TRY(const std::vector<std::string> wanted, tags_for(tags, location));
  if (wanted.empty())
    return make_error(Errc::invalid_argument, "no tag for " + layout_name(location),
                      "davit tag " + layout_name(location) + " TAG");
  DAVIT_TRY(const Listed image, listed_in(location, context));
  DAVIT_TRY(const auto layout, writable(location, context));
  std::vector<Delivery> out;
  for (const std::string& tag : wanted) {
    const auto done = [&]() -> Result<Delivered> {
      Delivered delivered{.destination = layout_name(location),
                          .root = image.manifest.descriptor(),
                          .tags = {tag},
                          .blobs = {},
                          .unchanged = false};
      DAVIT_TRY(delivered.unchanged,
                give(*layout, layout_name(location), image.manifest, tag, options.on_existing_tag, context));
      return delivered;
    }();
    out.push_back({.destination = layout_name(location), .result = done});
  }
  layout->tidy();
  return out;
}

Removal remove_from_layout(const FileLocation& layout, bool plan, const CallContext& context) {
  Removal out{.reference =
                  layout_name(layout) + (layout.name.empty() ? "" : ":" + escaped(layout.name, 140))};
  auto gone = take_away(layout, plan, context);
  if (gone) {
    out.removed.push_back(*std::move(gone));
  } else {
    out.error = gone.error().on(Side::destination);
  }
  return out;
}

}  // namespace davit::client
