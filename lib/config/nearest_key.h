#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace davit::config {

/// The one of `known` that somebody who wrote `key` may have meant: one slip away, two in a long word. Empty
/// when none is near.
std::string nearest_key(std::string_view key, const std::vector<std::string>& known);

}  // namespace davit::config
