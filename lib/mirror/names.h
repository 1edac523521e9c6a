#pragma once

#include <string_view>

namespace davit::mirror {

/// Whether `name` ("team/app") is meant by a pattern in which `*` stands for anything without a slash and
/// `**` for anything.
bool glob_matches(std::string_view pattern, std::string_view name);

/// Whether a source names repositories by a pattern.
bool is_glob(std::string_view text);

}  // namespace davit::mirror
