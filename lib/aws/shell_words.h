#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <davit/result.h>

namespace davit::aws {

/// A line taken apart as a POSIX shell would, with quotes and backslashes and nothing else of a shell.
/// Errors: invalid_argument for a quote that is not closed, without the text.
Result<std::vector<std::string>> split_words(std::string_view line);

}  // namespace davit::aws
