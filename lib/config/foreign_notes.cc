#include "config/foreign_notes.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/error.h"
#include "base/escape.h"

namespace davit::config {
namespace {

bool is_empty(const YAML::Node& node) {
  return node.IsNull() || (node.IsScalar() ? node.Scalar().empty() : node.size() == 0);
}

}  // namespace

void ForeignNotes::add(const YAML::Node& node, const Place& place, const std::string& text) {
  if (std::ranges::find(known_, text) != known_.end()) return;
  known_.push_back(text);
  lines_.push_back(place.where(node) + ": " + text);
}

Setter ForeignNotes::passed_over(const std::string& why) {
  return [this, why](const YAML::Node& node, const Place& place) -> Result<> {
    if (is_empty(node) || (node.IsScalar() && node.Scalar() == "false")) return {};
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
    if (is_empty(node) || (node.IsScalar() && !unless.empty() && node.Scalar() == unless)) return {};
    return place.wrong(node, "is not supported: " + why);
  };
}

Setter loose_truth(bool& into) {
  return [&into](const YAML::Node& node, const Place& place) -> Result<> {
    const std::string word = node.IsScalar() ? lower_case(node.Scalar()) : std::string();
    const auto is_one_of = [&](std::initializer_list<const char*> words) {
      return std::ranges::any_of(words, [&](const char* each) { return word == each; });
    };
    into = is_one_of({"true", "yes", "on", "y"});
    if (!into && !is_one_of({"false", "no", "off", "n"})) return place.wrong(node, "is true or false");
    return {};
  };
}

}  // namespace davit::config
