#include "archive/docker_view.h"

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "codec/sniff.h"
#include "io/read_all.h"
#include "model/image_config.h"

namespace davit::archive {
namespace {

constexpr std::size_t kMaxDocument = Manifest::kMaxSize;

/// The digest that the name of a configuration states: `<hex>.json`, `sha256:<hex>` or `blobs/sha256/<hex>`.
std::optional<Digest> stated_digest(std::string_view entry) {
  if (entry.starts_with("./")) entry.remove_prefix(2);
  if (entry.ends_with(".json")) entry.remove_suffix(5);
  if (entry.starts_with("blobs/sha256/")) entry.remove_prefix(13);
  if (entry.starts_with("sha256:")) entry.remove_prefix(7);
  auto digest = Digest::parse("sha256:" + std::string(entry));
  return digest ? std::optional(*digest) : std::nullopt;
}

}  // namespace

Result<std::string> read_entry(const OpenTar& tar, std::string_view entry, std::size_t limit) {
  DAVIT_TRY(const auto file, tar.index.find(entry));
  const std::string shown = escaped(entry, 160);
  if (!file) return make_error(Errc::not_found, shown + " is missing");
  if (file->size > limit)
    return make_error(Errc::corrupt, shown + " has more than " + std::to_string(limit) + " bytes");
  DAVIT_TRY(const auto source, io::FileContent(tar.file, file->offset, file->size, shown).open(0, {}));
  return io::read_all(*source, limit);
}

Result<std::unique_ptr<DockerView>> DockerView::create(std::shared_ptr<const OpenTar> tar) {
  DAVIT_TRY(const std::string bytes, read_entry(*tar, "manifest.json", kMaxDocument));
  auto images = parse_docker_manifest(bytes);
  if (!images) return images.error().with_context("manifest.json");
  std::unique_ptr<DockerView> view(new DockerView(std::move(tar)));
  view->images_ = *std::move(images);
  for (const DockerImage& image : view->images_)
    view->listings_.push_back({.names = image.repo_tags, .root = {}});
  return view;
}

Result<content::StoredImage> DockerView::image(std::size_t position) const {
  const DockerImage& image = images_[position];
  auto raw = raw_image(image);
  if (!raw) {
    const std::string name =
        image.repo_tags.empty() ? "@" + std::to_string(position) : escaped(image.repo_tags.front(), 160);
    return raw.error().with_context("image " + name);
  }
  return content::StoredImage{.names = image.repo_tags, .root = *std::move(raw), .notes = {}};
}

Result<content::RawImage> DockerView::raw_image(const DockerImage& image) const {
  content::RawImage raw;
  DAVIT_TRY(raw.config, read_entry(*tar_, image.config, kMaxDocument));
  const std::string shown = escaped(image.config, 160);
  if (const auto stated = stated_digest(image.config)) {
    const Digest found = Digest::of(raw.config);
    if (found != *stated) return make_error(Errc::corrupt, shown + ": its bytes are " + found.short_form());
  }
  auto config = model::ImageConfig::parse(raw.config);
  if (!config) return config.error().with_context(shown);
  raw.platform = config->platform;
  if (config->diff_ids.size() != image.layers.size()) {
    return make_error(Errc::corrupt, std::to_string(image.layers.size()) +
                                         " layers, but the configuration lists " +
                                         std::to_string(config->diff_ids.size()) + " diff_ids");
  }
  for (std::size_t i = 0; i < image.layers.size(); ++i) {
    auto layer = raw_layer(image.layers[i], config->diff_ids[i]);
    if (!layer) return layer.error().with_context("layer " + std::to_string(i + 1));
    raw.layers.push_back(*std::move(layer));
  }
  return raw;
}

Result<content::RawLayer> DockerView::raw_layer(const std::string& entry, const Digest& diff_id) const {
  DAVIT_TRY(const auto file, tar_->index.find(entry));
  const std::string shown = escaped(entry, 160);
  if (!file) return make_error(Errc::not_found, shown + " is missing");
  std::array<std::byte, codec::kSniffSize> head{};
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(head.size(), file->size));
  DAVIT_TRY(const std::size_t count, tar_->file->read_at(file->offset, std::span(head).first(wanted)));
  const codec::FileKind kind = codec::sniff(std::span(head).first(count));
  if (kind == codec::FileKind::xz || kind == codec::FileKind::bzip2) {
    return make_error(Errc::unsupported, shown + " looks like " + codec::describe(kind));
  }
  content::RawLayer layer{
      .diff_id = diff_id, .content = nullptr, .size = file->size, .stored = codec::compression_of(kind)};
  std::optional<Descriptor> known;
  if (layer.stored == model::Compression::none) known = Descriptor{.digest = diff_id, .size = file->size};
  layer.content = std::make_shared<io::FileContent>(tar_->file, file->offset, file->size,
                                                    tar_->name + ", " + shown, std::move(known));
  return layer;
}

}  // namespace davit::archive
