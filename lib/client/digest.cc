// Which digest an image has, or would have.

#include <davit/client.h>

#include "base/try.h"
#include "client/client_impl.h"
#include "client/sources.h"
#include "content/counting_sink.h"

namespace davit {
namespace {

/// Whether these options leave an image of a registry what it is.
bool changes_nothing(const CopyOptions& options) {
  return options.platforms.empty() && options.format == ManifestFormat::automatic && !options.recompress;
}

}  // namespace

Result<ResolvedImage> Client::digest(std::string_view source, const CopyOptions& options) {
  const CallContext context = context_for(options);
  std::string written(source);
  DAVIT_TRY(const client::Source from, impl_->source_of(written, context));
  const auto* reference = std::get_if<Reference>(&from);
  if (reference != nullptr && changes_nothing(options)) {
    DAVIT_TRY(const auto repository,
              impl_->registries.repository(reference->host, reference->repository, Side::source));
    const auto found = repository->resolve(client::source_name(*reference), context);
    if (!found) return client::with_reading(found.error().on(Side::source), written, *reference);
    DAVIT_TRY_VOID(client::check_pin(*reference, found->digest));
    return ResolvedImage{*found, *reference};
  }
  CopyOptions asked = options;
  asked.reuse = Reuse::off;
  auto counted = impl_->deliver({.verb = client::Verb::push,
                                 .source = source,
                                 .destinations = {},
                                 .options = asked,
                                 .own_sink = std::make_shared<content::CountingSink>()});
  if (!counted) return counted.error();
  const Result<Delivered>& delivered = counted->front().result;
  if (!delivered) return delivered.error();
  ResolvedImage out{.root = delivered->root, .reference = {}};
  if (reference != nullptr) out.reference = *reference;
  return out;
}

}  // namespace davit
