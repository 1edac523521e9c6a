// The edits of davit/edit.h: which of them does what to every image.

#include <davit/edit.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "base/context.h"
#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "compose/edit_images.h"
#include "compose/image_edit.h"
#include "content/choose_platforms.h"
#include "content/index_entries.h"
#include "content/read_config.h"
#include "content/source_content.h"
#include "model/timestamp.h"

namespace davit {
namespace {

using compose::EditedImage;
using compose::ImageDocuments;

constexpr std::int64_t kLatest = 253'402'300'799;  // the last second of the year 9999

std::optional<Timestamp> seconds_since_epoch(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0 || value > kLatest) return {};
  return Timestamp(std::chrono::seconds(value));
}

/// The documents of the one image of a base that is for this platform.
struct BaseDocuments {
  ImageDocuments documents;
  std::shared_ptr<ContentSource> source;  ///< co-owned by the layers that come from it
};

Result<BaseDocuments> base_for(const OpenedImage& base, const Platform& platform,
                               const CallContext& context) {
  DAVIT_TRY(Manifest manifest, base.source->manifest(base.root.digest.to_string(), context));
  std::shared_ptr<ContentSource> source = base.source;
  if (manifest.is_index()) {
    const Platform wanted[] = {platform};
    DAVIT_TRY(const content::PlatformChoice chosen,
              content::choose_platforms(base.source, base.root, wanted, context));
    source = chosen.source;
    DAVIT_TRY(manifest, source->manifest(chosen.root.digest.to_string(), context));
  }
  if (!compose::is_editable(manifest)) return make_error(Errc::unsupported, "no container image");
  DAVIT_TRY(std::string config, content::read_config(*source, *manifest.config(), context));
  return BaseDocuments{.documents = {.manifest = std::move(manifest), .config = std::move(config)},
                       .source = std::move(source)};
}

Result<BaseDocuments> base_for(const OpenedImage& base, const Platform& platform, std::string_view which,
                               const CallContext& context) {
  auto found = base_for(base, platform, context);
  if (!found) return found.error().with_context(std::string(which) + " " + base.name).on(Side::source);
  return found;
}

/// What an image that is built on it says about its base.
compose::NewBase called(const OpenedImage& base, const Manifest& chosen) {
  if (base.made || !base.reference) return {};
  Reference name = *base.reference;
  name.digest.reset();
  if (name.tag.empty() && !base.reference->digest) name.tag = "latest";
  return {.name = name.to_string(), .digest = chosen.descriptor().digest};
}

Result<BaseImage> base_in(const std::map<std::string, std::string>& annotations) {
  BaseImage out;
  if (const auto name = annotations.find("org.opencontainers.image.base.name"); name != annotations.end())
    out.name = name->second;
  const auto digest = annotations.find("org.opencontainers.image.base.digest");
  if (digest == annotations.end()) return out;
  auto parsed = Digest::parse(digest->second);
  if (!parsed) return parsed.error().with_context("annotation org.opencontainers.image.base.digest");
  out.digest = *parsed;
  return out;
}

}  // namespace

Result<std::optional<Timestamp>> parse_source_date_epoch(std::string_view text) {
  if (text.empty()) return std::optional<Timestamp>();
  if (const auto time = seconds_since_epoch(text)) return time;
  return make_error(Errc::invalid_argument,
                    "SOURCE_DATE_EPOCH is " + escaped(text, 80) + ", not a number of seconds since 1970");
}

Result<Timestamp> parse_created(std::string_view text) {
  if (const auto time = seconds_since_epoch(text)) return *time;
  return model::parse_timestamp(text);
}

Result<Setting> Setting::parse(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == 0 || text.empty())
    return make_error(Errc::invalid_argument, "\"" + escaped(text, 40) + "\" has no name",
                      "write NAME=VALUE, or NAME alone to remove it");
  Setting out{.name = std::string(text.substr(0, equals))};
  if (equals != std::string_view::npos) out.value = std::string(text.substr(equals + 1));
  return out;
}

Result<OpenedImage> change_image(const OpenedImage& image, const ImageChanges& changes,
                                 const EditOptions& options) {
  std::size_t images = 0;
  const auto edit = [&](const ImageDocuments& before) -> Result<EditedImage> {
    if (++images > 1 && changes.platform)
      return make_error(Errc::invalid_argument, "several images cannot be for the same platform",
                        "choose one of them with --platform");
    DAVIT_TRY(ImageDocuments after, compose::change(before, changes, options.time));
    return EditedImage{.documents = std::move(after)};
  };
  return compose::edit_images(image, edit, context_within(options.stop, options.timeout));
}

Result<OpenedImage> append_layers(const OpenedImage& image, std::span<const Layer> layers,
                                  const EditOptions& options) {
  const auto edit = [&](const ImageDocuments& before) -> Result<EditedImage> {
    DAVIT_TRY(ImageDocuments after, compose::put_on_top(before, layers, options.time));
    EditedImage out{.documents = std::move(after)};
    for (const Layer& layer : layers) out.blobs.push_back(layer.content);
    return out;
  };
  DAVIT_TRY(OpenedImage out,
            compose::edit_images(image, edit, context_within(options.stop, options.timeout)));
  for (const Layer& layer : layers) out.notes.insert(out.notes.end(), layer.notes.begin(), layer.notes.end());
  return out;
}

Result<OpenedImage> rebase_image(const OpenedImage& image, const OpenedImage& old_base,
                                 const OpenedImage& new_base, const EditOptions& options) {
  const CallContext context = context_within(options.stop, options.timeout);
  std::map<Digest, Reference> elsewhere = image.elsewhere;
  std::optional<model::Format> format;
  if (options.format == ManifestFormat::oci) format = model::Format::oci;
  const auto edit = [&](const ImageDocuments& before) -> Result<EditedImage> {
    DAVIT_TRY(const model::ImageConfig config, model::ImageConfig::parse(before.config));
    DAVIT_TRY(const BaseDocuments from, base_for(old_base, config.platform, "old base", context));
    DAVIT_TRY(const BaseDocuments to, base_for(new_base, config.platform, "new base", context));
    DAVIT_TRY(ImageDocuments after,
              compose::move_to_base(before, from.documents, to.documents,
                                    called(new_base, to.documents.manifest), options.time, format));
    EditedImage out{.documents = std::move(after)};
    for (const Descriptor& layer : to.documents.manifest.layers()) {
      if (model::is_foreign_layer(model::essence(layer.media_type))) continue;
      out.blobs.push_back(content::blob_content(to.source, layer));
      if (new_base.reference) elsewhere.insert_or_assign(layer.digest, *new_base.reference);
    }
    return out;
  };
  DAVIT_TRY(OpenedImage out, compose::edit_images(image, edit, context));
  out.made = image.made || new_base.made;
  out.elsewhere = std::move(elsewhere);
  return out;
}

Result<BaseImage> base_of(const OpenedImage& image, const EditOptions& options) {
  std::optional<BaseImage> common;
  const auto look = [&](const ImageDocuments& one) -> Result<EditedImage> {
    DAVIT_TRY(const BaseImage base, base_in(one.manifest.annotations()));
    if (common && common->name != base.name)
      return make_error(Errc::conflict, "the images of the index say that they have different bases",
                        "name the bases with --old-base and --new-base");
    if (common && common->digest != base.digest) common->digest.reset();
    if (!common) common = base;
    return EditedImage{.documents = one};
  };
  DAVIT_TRY(const OpenedImage same,
            compose::edit_images(image, look, context_within(options.stop, options.timeout)));
  static_cast<void>(same);
  return common.value_or(BaseImage());
}

}  // namespace davit
