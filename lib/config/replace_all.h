#pragma once

#include <string>
#include <string_view>

namespace davit::config {

/// Every `from` in the text becomes `to`; what comes in with `to` is not looked at again.
inline void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

}  // namespace davit::config
