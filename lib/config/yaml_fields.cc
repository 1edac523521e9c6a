#include "config/yaml_fields.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "base/error.h"
#include "base/escape.h"
#include "base/try.h"
#include "config/nearest_key.h"

namespace davit::config {
namespace {

bool has_control_characters(const std::string& text) {
  return std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

Error unknown_key(const YAML::Node& key, const Place& place, const Setters& known) {
  std::vector<std::string> names;
  std::string all;
  for (const auto& [name, unused] : known) {
    names.push_back(name);
    all += (all.empty() ? "" : ", ") + name;
  }
  const std::string near = nearest_key(key.Scalar(), names);
  return place.wrong(key, "does not know \"" + escaped(key.Scalar(), 60) + "\"; " +
                              (near.empty() ? "it knows " + all : "did you mean " + near + "?"));
}

/// The mappings behind a `<<`, the nearest first.
Result<std::vector<YAML::Node>> merged_by(const YAML::Node& node, const Place& place) {
  std::vector<YAML::Node> out;
  if (node.IsMap()) out.push_back(node);
  if (node.IsSequence()) {
    for (const YAML::Node& each : node) out.push_back(each);
  }
  const bool only_mappings = std::ranges::all_of(out, [](const YAML::Node& each) { return each.IsMap(); });
  if (out.empty() || !only_mappings) return place.wrong(node, "merges (<<) what is no mapping");
  return out;
}

}  // namespace

std::string Place::where(const YAML::Node& node) const {
  const YAML::Mark mark = node.IsNull() && !at_key.is_null() ? at_key : node.Mark();
  if (mark.is_null()) return file;
  return file + ":" + std::to_string(mark.line + 1) + ":" + std::to_string(mark.column + 1);
}

Error Place::wrong(const YAML::Node& node, const std::string& why) const {
  return wrong(node, why, std::string(manual));
}

Error Place::wrong(const YAML::Node& node, const std::string& why, std::string hint) const {
  return make_error(Errc::invalid_argument,
                    where(node) + ": " + (path.empty() ? "" : escaped(path, 200) + " ") + why,
                    std::move(hint));
}

Place Place::at(const std::string& key) const {
  return {file, path.empty() ? key : path + "." + key, variables, manual};
}

Place Place::at(std::size_t index) const {
  return {file, path + "[" + std::to_string(index + 1) + "]", variables, manual};
}

Result<FilledText> filled_text_of(const YAML::Node& node, const Place& place) {
  if (!node.IsScalar() || node.Scalar().empty()) return place.wrong(node, "wants a text");
  FilledText out{.text = node.Scalar(), .written = node.Scalar()};
  if (place.variables != nullptr) {
    auto text = filled(node.Scalar(), *place.variables);
    if (!text) {
      if (text.error().hint.empty()) return place.wrong(node, text.error().message);
      return place.wrong(node, text.error().message, text.error().hint);
    }
    out = *std::move(text);
  }
  if (out.text.empty()) return place.wrong(node, "is empty when its variables are filled in");
  if (has_control_characters(out.text)) return place.wrong(node, "must not hold control characters");
  return out;
}

Result<std::string> text_of(const YAML::Node& node, const Place& place) {
  DAVIT_TRY(FilledText out, filled_text_of(node, place));
  return std::move(out.text);
}

Result<std::vector<FilledText>> filled_texts_of(const YAML::Node& node, const Place& place) {
  std::vector<FilledText> out;
  if (node.IsScalar()) {
    DAVIT_TRY(out.emplace_back(), filled_text_of(node, place));
    return out;
  }
  if (!node.IsSequence()) return place.wrong(node, "wants a text or a list of them");
  for (const YAML::Node& each : node) {
    DAVIT_TRY(out.emplace_back(), filled_text_of(each, place.at(out.size())));
  }
  return out;
}

Result<std::vector<std::string>> texts_of(const YAML::Node& node, const Place& place) {
  if (!node.IsSequence()) return place.wrong(node, "wants a list");
  std::vector<std::string> out;
  for (const YAML::Node& each : node) {
    DAVIT_TRY(out.emplace_back(), text_of(each, place));
  }
  return out;
}

bool is_true(std::string_view text) {
  return text == "true" || text == "True" || text == "TRUE";
}

bool is_false(std::string_view text) {
  return text == "false" || text == "False" || text == "FALSE";
}

Result<bool> truth_of(const YAML::Node& node, const Place& place) {
  if (!node.IsScalar()) return place.wrong(node, "is true or false");
  DAVIT_TRY(const std::string text, text_of(node, place));
  if (is_true(text)) return true;
  if (is_false(text)) return false;
  return place.wrong(node, "is true or false");
}

Result<std::size_t> count_of(const YAML::Node& node, const Place& place, std::size_t least,
                             std::size_t most) {
  const auto wrong = [&] {
    return place.wrong(node, "wants a number from " + std::to_string(least) + " to " + std::to_string(most));
  };
  if (!node.IsScalar()) return wrong();
  DAVIT_TRY(const std::string text, text_of(node, place));
  std::size_t out = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (problem != std::errc() || end != text.data() + text.size() || out < least || out > most) return wrong();
  return out;
}

Result<Entries> entries_of(const YAML::Node& node, const Place& place) {
  Entries out;
  std::set<std::string> seen;
  std::vector<YAML::Node> merged;
  for (const auto& entry : node) {
    if (!entry.first.IsScalar()) return place.wrong(entry.first, "has a key that is no text");
    const std::string& key = entry.first.Scalar();
    if (!seen.insert(key).second) return place.wrong(entry.first, "has \"" + escaped(key, 60) + "\" twice");
    if (key == "<<") {
      DAVIT_TRY(merged, merged_by(entry.second, place));
    } else {
      out.emplace_back(entry.first, entry.second);
    }
  }
  for (const YAML::Node& from : merged) {
    DAVIT_TRY(const Entries more, entries_of(from, place));
    for (const auto& entry : more) {
      if (seen.insert(entry.first.Scalar()).second) out.push_back(entry);
    }
  }
  return out;
}

Result<> read_mapping(const YAML::Node& node, const Place& place, const Setters& known) {
  if (node.IsNull()) return {};
  if (!node.IsMap()) return place.wrong(node, "wants a mapping");
  DAVIT_TRY(const Entries entries, entries_of(node, place));
  for (const auto& entry : entries) {
    const auto setter = known.find(entry.first.Scalar());
    if (setter == known.end()) return unknown_key(entry.first, place, known);
    Place at = place.at(setter->first);
    at.at_key = entry.first.Mark();
    DAVIT_TRY_VOID(setter->second(entry.second, at));
  }
  return {};
}

}  // namespace davit::config
