#pragma once

#include <string>
#include <string_view>

#include <davit/reference.h>
#include <davit/result.h>

namespace davit::model {

/// "mirror/{repo}" filled from a source: {repo} is its whole name, {name} the last component of it,
/// {registry} its host, in which what no repository's name may have becomes "-". Errors: invalid_argument for
/// another placeholder.
Result<std::string> fill_target(std::string_view pattern, const Reference& source);

}  // namespace davit::model
