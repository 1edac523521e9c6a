#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace davit::model {

// JSON documents that are edited and not written anew. A parsed value does not know how it was written (1.50,
// an escaped letter, a number of thirty digits), so what nobody changed is taken from the text.

/// Where an object or an array is cut. Views into the text.
struct JsonPieces {
  std::string_view begin;               ///< the bracket, with the white space behind it
  std::vector<std::string_view> items;  ///< `"name": value`, or elements
  std::vector<std::string_view> gaps;   ///< commas, with the white space around them: one less than items
  std::string_view end;                 ///< white space and the bracket
};

/// Cuts a text whose first and last byte are the brackets. Nothing but the outermost commas is looked for:
/// REQUIRES valid JSON, and for other text any pieces, or none, may come out.
std::optional<JsonPieces> json_pieces(std::string_view text);

/// The value in an item of an object: what stands behind the colon.
std::string_view json_member_value(std::string_view item);

/// A text that says `now`; whatever is as in `before` keeps its bytes, and all of it when nothing changed.
/// REQUIRES: `before` has passed parse_json.
std::string rewritten_json(std::string_view before, const nlohmann::ordered_json& now);

/// The elements of the list `name` of an object, as they stand there; none where there is no such list.
/// REQUIRES: as rewritten_json().
std::vector<std::string_view> json_elements(std::string_view object, std::string_view name);

/// The object with further elements, as they are, at the end of its list `name`. REQUIRES: as
/// rewritten_json(), and there is such a list.
std::string with_elements(std::string_view object, std::string_view name,
                          std::span<const std::string> elements);

}  // namespace davit::model
