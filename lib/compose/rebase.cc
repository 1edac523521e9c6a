// The same application on another base.

#include <algorithm>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/try.h"
#include "compose/image_edit.h"
#include "content/rewrite.h"
#include "model/timestamp.h"

namespace davit::compose {
namespace {

using json = nlohmann::ordered_json;
using model::Format;

constexpr const char* kBaseName = "org.opencontainers.image.base.name";
constexpr const char* kBaseDigest = "org.opencontainers.image.base.digest";

/// The application's layers have to stand on the old base's, which are compared unpacked: one may have been
/// compressed anew.
Result<> stands_on(const std::vector<Digest>& image, const std::vector<Digest>& base) {
  if (base.size() > image.size())
    return make_error(Errc::conflict, "the image has " + std::to_string(image.size()) +
                                          " layers and the old base " + std::to_string(base.size()) +
                                          ", so it is not built on it");
  const auto differ = std::ranges::mismatch(image, base);
  if (differ.in2 == base.end()) return {};
  const auto layer = static_cast<std::size_t>(differ.in2 - base.begin());
  return make_error(Errc::conflict,
                    "the image is not built on the old base: layer " + std::to_string(layer + 1) + " is " +
                        differ.in1->short_form() + " unpacked, and that of the old base " +
                        differ.in2->short_form(),
                    "--old-base with a digest names the base as it was when the image was built");
}

/// How much of the application's history is its old base's. That has entries behind its last layer too, which
/// made none.
std::size_t history_of_base(const json& image, const json& base, std::size_t layers) {
  const bool whole = base.size() <= image.size() && std::equal(base.begin(), base.end(), image.begin());
  return whole ? base.size() : history_below(image, layers);
}

/// Both manifests in one format: that of the application, where it has names for the new base's layers.
Result<> agree_on_format(ImageDraft& image, ImageDraft& base) {
  auto converted = base.convert(image.format());
  if (converted || converted.error().code != Errc::unsupported) return converted;
  return image.convert(Format::oci);
}

/// Docker's manifests have no annotations, but one that has these is kept true.
void say_base(ImageDraft& image, const NewBase& called) {
  json& manifest = image.manifest();
  const auto set = [&](const char* name, const std::string& value) {
    const bool had = manifest.contains("annotations") && manifest["annotations"].is_object() &&
                     manifest["annotations"].contains(name);
    if (value.empty() && had) {
      manifest["annotations"].erase(name);
    } else if (!value.empty() && (had || image.format() == Format::oci)) {
      if (!manifest["annotations"].is_object()) manifest["annotations"] = json::object();
      manifest["annotations"][name] = value;
    }
  };
  set(kBaseName, called.name);
  set(kBaseDigest, called.digest ? called.digest->to_string() : std::string());
}

json joined(const json& lower, const json& upper, std::size_t from) {
  json out = lower;
  for (std::size_t i = from; i < upper.size(); ++i) out.push_back(upper[i]);
  return out;
}

}  // namespace

Result<ImageDocuments> move_to_base(const ImageDocuments& image, const ImageDocuments& old_base,
                                    const ImageDocuments& new_base, const NewBase& called,
                                    std::optional<Timestamp> time, std::optional<Format> format) {
  DAVIT_TRY(ImageDraft draft, ImageDraft::open(image));
  if (format) DAVIT_TRY_VOID(draft.convert(*format));
  auto opened = ImageDraft::open(old_base);
  if (!opened) return opened.error().with_context("old base");
  ImageDraft before = *std::move(opened);
  opened = ImageDraft::open(new_base);
  if (!opened) return opened.error().with_context("new base");
  ImageDraft after = *std::move(opened);
  const std::size_t below = before.parsed().diff_ids.size();
  DAVIT_TRY_VOID(stands_on(draft.parsed().diff_ids, before.parsed().diff_ids));
  if (draft.parsed().platform.os != after.parsed().platform.os ||
      draft.parsed().platform.architecture != after.parsed().platform.architecture) {
    return make_error(Errc::conflict, "the image is for " + draft.parsed().platform.to_string() +
                                          ", and the new base for " + after.parsed().platform.to_string());
  }
  DAVIT_TRY_VOID(agree_on_format(draft, after));
  draft.manifest()["layers"] = joined(after.manifest()["layers"], draft.manifest()["layers"], below);
  draft.diff_ids() = joined(after.diff_ids(), draft.diff_ids(), below);
  const json own = draft.whole_history();
  const std::size_t replaced = history_of_base(own, before.whole_history(), below);
  draft.config()["history"] =
      joined(dated(after.whole_history(), after.created()), dated(own, draft.created()), replaced);
  if (time) draft.config()["created"] = model::format_timestamp(*time);
  say_base(draft, called);
  return draft.finish();
}

}  // namespace davit::compose
