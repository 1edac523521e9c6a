#include "net/http.h"

#include <strings.h>

#include <algorithm>

namespace davit::net {
namespace {

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace

std::string_view Headers::get(std::string_view name) const {
  const auto found =
      std::ranges::find_if(fields_, [&](const Header& field) { return same_name(field.name, name); });
  return found == fields_.end() ? std::string_view{} : found->value;
}

bool Headers::has(std::string_view name) const {
  return std::ranges::any_of(fields_, [&](const Header& field) { return same_name(field.name, name); });
}

std::vector<std::string> Headers::all(std::string_view name) const {
  std::vector<std::string> values;
  for (const Header& field : fields_) {
    if (same_name(field.name, name)) values.push_back(field.value);
  }
  return values;
}

}  // namespace davit::net
