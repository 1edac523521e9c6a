#include <davit/inspect.h>

#include <algorithm>
#include <span>
#include <utility>

#include "base/error.h"
#include "base/try.h"
#include "base/worker_pool.h"
#include "content/choose_platforms.h"
#include "content/index_entries.h"
#include "content/read_config.h"
#include "look/read_manifests.h"
#include "look/sizes.h"
#include "model/media_type.h"

namespace davit {
namespace {

void read_sizes(ContentSource& source, std::vector<ListedImage>& images, std::size_t jobs,
                const CallContext& context) {
  std::vector<Descriptor> wanted;
  for (const ListedImage& each : images) {
    if (model::is_manifest(model::essence(each.manifest.media_type))) wanted.push_back(each.manifest);
  }
  WorkerPool pool(std::max<std::size_t>(jobs, 1));
  const look::ManifestResults found = look::read_manifests(source, wanted, pool, context);
  for (ListedImage& each : images) {
    const auto manifest = found.find(each.manifest.digest);
    if (manifest != found.end() && manifest->second && !manifest->second->is_index())
      each.size = stored_size(*manifest->second);
  }
}

/// The one image that an index has for a platform; nothing where it has none.
Result<std::optional<Descriptor>> chosen(const std::shared_ptr<ContentSource>& source, const Descriptor& root,
                                         const Platform& platform, const CallContext& context) {
  auto choice = content::choose_platforms(source, root, std::span(&platform, 1), context);
  if (choice) return std::optional(choice->root);
  if (choice.error().code == Errc::not_found && !choice.error().http) return std::optional<Descriptor>();
  return choice.error();
}

}  // namespace

Result<Inspection> inspect(const std::shared_ptr<ContentSource>& source, const Descriptor& root,
                           const InspectOptions& options, const CallContext& context) {
  DAVIT_TRY(Manifest top, source->manifest(root.digest.to_string(), context));
  Inspection out{.root = std::move(top)};
  if (out.root.is_index()) {
    for (const Descriptor& entry : out.root.manifests())
      out.images.push_back({.manifest = entry, .attestation = content::is_attestation(entry), .size = {}});
    DAVIT_TRY(const auto child, chosen(source, root, options.platform, context));
    if (child) {
      DAVIT_TRY(out.image, source->manifest(child->digest.to_string(), context));
    }
    if (options.sizes) read_sizes(*source, out.images, options.jobs, context);
    if (out.image) {
      for (ListedImage& each : out.images) {
        if (each.manifest.digest == out.image->descriptor().digest) each.size = stored_size(*out.image);
      }
    }
  } else {
    out.image = out.root;
  }
  if (!out.image || !is_container_image(*out.image)) return out;
  DAVIT_TRY(out.config, content::read_config(*source, *out.image->config(), context));
  auto details = ImageDetails::parse(out.config);
  if (!details)
    return details.error().with_context("config " + out.image->config()->digest.to_string()).on(Side::source);
  out.details = *std::move(details);
  return out;
}

std::uint64_t stored_size(const Manifest& image) {
  std::uint64_t sum = 0;
  for (const Descriptor& blob : image.children()) sum = look::sum_of(sum, blob.size);
  return sum;
}

bool is_container_image(const Manifest& manifest) {
  return !manifest.is_index() && manifest.config() && manifest.artifact_type().empty() &&
         model::is_image_config(model::essence(manifest.config()->media_type));
}

std::string artifact_type_of(const Manifest& manifest) {
  if (!manifest.artifact_type().empty()) return manifest.artifact_type();
  return manifest.config() ? manifest.config()->media_type : std::string();
}

}  // namespace davit
