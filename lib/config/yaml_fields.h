#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <yaml-cpp/yaml.h>

#include <davit/result.h>

#include "base/try.h"
#include "config/variables.h"

namespace davit::config {

/// The place of something in a file, for people, and how values are read there. REQUIRES: what it points at
/// outlives it.
struct Place {
  const std::string& file;
  std::string path;                      // "registries.example.com.profile"
  const Variables* variables = nullptr;  // fills in ${NAME}; none: a $ is a $
  std::string_view manual =              // a hint for whoever made a mistake
      "docs/configuration.md and davit(1) describe the file";
  YAML::Mark at_key = YAML::Mark::null_mark();  // in front of a value; an empty one has no place of its own

  /// "FILE:LINE:COLUMN".
  [[nodiscard]] std::string where(const YAML::Node& node) const;
  [[nodiscard]] Error wrong(const YAML::Node& node, const std::string& why) const;
  [[nodiscard]] Error wrong(const YAML::Node& node, const std::string& why, std::string hint) const;
  [[nodiscard]] Place at(const std::string& key) const;
  [[nodiscard]] Place at(std::size_t index) const;  ///< from 0, shown from 1
};

using Setter = std::function<Result<>(const YAML::Node&, const Place&)>;
using Setters = std::map<std::string, Setter>;
using Entries = std::vector<std::pair<YAML::Node, YAML::Node>>;

/// A text that is not empty and holds no control characters, with what it needs filled in.
Result<FilledText> filled_text_of(const YAML::Node& node, const Place& place);
Result<std::string> text_of(const YAML::Node& node, const Place& place);
/// A list of them; `texts_of` takes nothing else, `some_texts_of` one without a list too.
Result<std::vector<FilledText>> filled_texts_of(const YAML::Node& node, const Place& place);
Result<std::vector<std::string>> texts_of(const YAML::Node& node, const Place& place);
/// As YAML 1.2 writes them.
bool is_true(std::string_view text);
bool is_false(std::string_view text);
Result<bool> truth_of(const YAML::Node& node, const Place& place);
Result<std::size_t> count_of(const YAML::Node& node, const Place& place, std::size_t least, std::size_t most);

/// Keeps what `read` makes of a value. REQUIRES: `into` outlives it.
template <class T, class Read>
Setter stored(T& into, Read read) {
  return [&into, read](const YAML::Node& node, const Place& place) -> Result<> {
    DAVIT_TRY(into, read(node, place));
    return {};
  };
}

inline Setter text(std::string& into) {
  return stored(into, text_of);
}
inline Setter truth(bool& into) {
  return stored(into, truth_of);
}
/// A number from `least` to `most`, into a number that may be optional.
template <class T>
Setter count(T& into, std::size_t least, std::size_t most) {
  return stored(into, [least, most](const YAML::Node& node, const Place& place) {
    return count_of(node, place, least, most);
  });
}

/// What a mapping has, with what `<<` merges into it behind its own. Errors: a key that is no text, or twice.
Result<Entries> entries_of(const YAML::Node& node, const Place& place);

/// Goes through a mapping; each key once, none that `known` does not have. An empty value is an empty
/// mapping.
Result<> read_mapping(const YAML::Node& node, const Place& place, const Setters& known);

}  // namespace davit::config
