// What refers to an image, wherever the image is.
#include <davit/client.h>

#include "base/context.h"
#include "base/error.h"
#include "base/try.h"
#include "client/client_impl.h"

namespace davit {

Result<ReferrerTree> Client::referrers(std::string_view image, const DiscoverOptions& options) {
  OpenOptions opening;  // whose limits are in the context
  if (options.platform) opening.platforms = {*options.platform};
  const CallContext context = context_within(options.stop, options.timeout);
  DAVIT_TRY(const OpenedImage opened, impl_->open(image, opening, context));
  if (!opened.reference && opened.source->referrer_lister() == nullptr)
    return make_error(Errc::unsupported,
                      opened.name + ": a docker-archive has no place for what refers to an image",
                      "registries, layouts and oci-archives have: name the image there");
  ReferrerTree out{
      .name = opened.place.empty() ? opened.name : opened.place, .subject = opened.root, .referrers = {}};
  DAVIT_TRY(out.referrers, referrers_of(*opened.source, opened.root.digest, options.referrers, context));
  return out;
}

}  // namespace davit
