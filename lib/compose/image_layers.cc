// Layers that are added to an image, or stand for all it had.

#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/try.h"
#include "compose/image_edit.h"
#include "model/timestamp.h"

namespace davit::compose {
namespace {

using json = nlohmann::ordered_json;
using model::Compression;
using model::Format;

Compression stored(const Layer& layer) {
  return model::compression_of(model::essence(layer.blob.media_type));
}

json entry_of(const Layer& layer, Format format) {
  return {{"mediaType", model::layer_type(format, stored(layer))},
          {"size", layer.blob.size},
          {"digest", layer.blob.digest.to_string()}};
}

/// It was added on the day that is given, else on that of the image itself.
json history_of(const Layer& layer, const ImageDraft& draft) {
  return {{"created", draft.created()}, {"created_by", layer.created_by}};
}

/// Docker's format has no name for zstd.
Result<> make_room_for(ImageDraft& draft, std::span<const Layer> layers) {
  for (const Layer& layer : layers) {
    if (stored(layer) == Compression::zstd) return draft.convert(Format::oci);
  }
  return {};
}

void set_time(ImageDraft& draft, std::optional<Timestamp> time) {
  if (time) draft.config()["created"] = model::format_timestamp(*time);
}

}  // namespace

Result<ImageDocuments> put_on_top(const ImageDocuments& image, std::span<const Layer> layers,
                                  std::optional<Timestamp> time) {
  DAVIT_TRY(ImageDraft draft, ImageDraft::open(image));
  if (layers.empty()) return image;
  DAVIT_TRY_VOID(make_room_for(draft, layers));
  const std::string before = draft.created();
  set_time(draft, time);
  for (const Layer& layer : layers) {
    draft.manifest()["layers"].push_back(entry_of(layer, draft.format()));
    draft.diff_ids().push_back(layer.diff_id.to_string());
  }
  json history = dated(draft.whole_history(), before);
  for (const Layer& layer : layers) history.push_back(history_of(layer, draft));
  draft.config()["history"] = std::move(history);
  return draft.finish();
}

Result<ImageDocuments> replace_by(const ImageDocuments& image, const Layer& layer,
                                  std::optional<Timestamp> time) {
  DAVIT_TRY(ImageDraft draft, ImageDraft::open(image));
  DAVIT_TRY_VOID(make_room_for(draft, std::span(&layer, 1)));
  set_time(draft, time);
  draft.manifest()["layers"] = json::array({entry_of(layer, draft.format())});
  draft.diff_ids() = json::array({layer.diff_id.to_string()});
  json history = json::array({history_of(layer, draft)});
  draft.config()["history"] = std::move(history);
  return draft.finish();
}

}  // namespace davit::compose
