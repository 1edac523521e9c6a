// An image opened for whoever wants to look at it.

#include <davit/client.h>

#include "base/try.h"
#include "client/client_impl.h"
#include "client/sources.h"
#include "content/described.h"

namespace davit {

Result<OpenedImage> Client::open(std::string_view source, const OpenOptions& options) {
  CopyOptions reading;
  reading.stop = options.stop;
  reading.timeout = options.timeout;
  const CallContext context = context_for(reading);
  std::string written(source);
  DAVIT_TRY(const client::Source from, impl_->source_of(written, context));
  DAVIT_TRY(
      std::vector<client::Picked> found,
      client::open_source(from, written, reading, {.client = impl_->options}, impl_->registries, context));
  client::Picked& picked = found.front();
  if (!options.platforms.empty())
    DAVIT_TRY_VOID(client::choose_platforms(picked, options.platforms, context));
  OpenedImage out{.source = std::move(picked.source),
                  .root = {},
                  .name = std::move(picked.label),
                  .reference = {},
                  .names = std::move(picked.image.names),
                  .notes = std::move(picked.image.notes)};
  if (const auto* reference = std::get_if<Reference>(&from)) out.reference = *reference;
  if (const auto* root = std::get_if<Descriptor>(&picked.image.root)) {
    out.root = *root;
    return out;
  }
  const auto& raw = std::get<content::RawImage>(picked.image.root);
  DAVIT_TRY(content::DescribedImage image, content::described(raw, model::Format::docker, context));
  out.source = std::move(image.source);
  out.root = image.root;
  out.made = true;
  return out;
}

}  // namespace davit
