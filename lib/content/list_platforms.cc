#include <davit/platforms.h>

#include "base/try.h"
#include "content/index_entries.h"
#include "content/read_config.h"

namespace davit {

Result<std::vector<PlatformImage>> platforms_of(ContentSource& source, const Descriptor& root,
                                                const CallContext& context) {
  DAVIT_TRY(const Manifest manifest, source.manifest(root.digest.to_string(), context));
  std::vector<PlatformImage> out;
  if (!manifest.is_index()) {
    DAVIT_TRY(std::optional<Platform> platform, content::configured_platform(source, manifest, context));
    out.push_back({.platform = std::move(platform), .manifest = manifest.descriptor()});
    return out;
  }
  for (const Descriptor& entry : manifest.manifests())
    out.push_back(
        {.platform = entry.platform, .manifest = entry, .attestation = content::is_attestation(entry)});
  return out;
}

}  // namespace davit
