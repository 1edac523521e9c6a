#pragma once

#include <span>
#include <string>
#include <vector>

#include <davit/descriptor.h>
#include <davit/result.h>

namespace davit::mirror {

/// Those of `required` (as MirrorJob::require_referrers has them) that an image lacks: nothing of the kind is
/// among what refers to it, nor among the digest tags that belong to it ("sha256-….sig"). Errors:
/// invalid_argument for a pattern that is none.
Result<std::vector<std::string>> missing_referrers(std::span<const std::string> required,
                                                   std::span<const Descriptor> referrers,
                                                   std::span<const std::string> digest_tags);

}  // namespace davit::mirror
