#pragma once

#include <string>
#include <vector>

#include <davit/transfer.h>

namespace davit::client {

/// The tags that a choice means, in version order, oldest first. Errors: invalid_argument for a pattern or a
/// range that is none.
Result<std::vector<std::string>> choose_tags(std::vector<std::string> tags, const TagChoice& choice);

}  // namespace davit::client
