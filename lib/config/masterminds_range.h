#pragma once

#include <string>
#include <string_view>

#include <davit/result.h>

namespace davit::config {

/// A version range as skopeo's library takes it, in npm's words: commas become spaces, `=>`, `=<` and `~>`
/// their usual forms. Errors: invalid_argument for what npm's words cannot say: `!=`, and bounds that are
/// prereleases, which let prereleases of every version in there.
Result<std::string> npm_range(std::string_view masterminds);

}  // namespace davit::config
