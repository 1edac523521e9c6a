// What refers to an image, wherever the image is.
#include <davit/client.h>

#include "base/try.h"

namespace davit {

Result<ReferrerTree> Client::referrers(std::string_view image, const DiscoverOptions& options) {
  OpenOptions opening{.platforms = {}, .stop = options.stop, .timeout = options.timeout};
  if (options.platform) opening.platforms = {*options.platform};
  DAVIT_TRY(const OpenedImage opened, open(image, opening));
  CallContext context{.stop = options.stop, .deadline = {}};
  if (options.timeout) context.deadline = std::chrono::steady_clock::now() + *options.timeout;
  ReferrerTree out{.name = opened.reference ? opened.reference->name() : opened.name,
                   .subject = opened.root,
                   .referrers = {}};
  DAVIT_TRY(out.referrers, referrers_of(*opened.source, opened.root.digest, options.referrers, context));
  return out;
}

}  // namespace davit
