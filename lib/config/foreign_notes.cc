#include "config/foreign_notes.h"

#include <algorithm>

#include "base/error.h"
#include "base/escape.h"

namespace davit::config {

void ForeignNotes::add(const YAML::Node& node, const Place& place, const std::string& text) {
  if (std::ranges::find(known_, text) != known_.end()) return;
  known_.push_back(text);
  lines_.push_back(place.where(node) + ": " + text);
}

Setter ForeignNotes::passed_over(const std::string& why) {
  return [this, why](const YAML::Node& node, const Place& place) -> Result<> {
    const auto dot = place.path.rfind('.');
    add(node, place,
        escaped(dot == std::string::npos ? place.path : place.path.substr(dot + 1), 60) + ": " + why);
    return {};
  };
}

Setter ForeignNotes::of_no_matter() {
  return [](const YAML::Node&, const Place&) -> Result<> { return {}; };
}

Setter ForeignNotes::refused(const std::string& why, const std::string& unless) {
  return [why, unless](const YAML::Node& node, const Place& place) -> Result<> {
    const bool empty = node.IsNull() || (node.IsScalar() ? node.Scalar().empty() : node.size() == 0);
    if (empty || (node.IsScalar() && !unless.empty() && node.Scalar() == unless)) return {};
    return place.wrong(node, "is not supported: " + why);
  };
}

}  // namespace davit::config
