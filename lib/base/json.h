#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include <davit/result.h>

namespace davit {

struct JsonLimits {
  std::size_t bytes = 8u << 20;
  std::size_t depth = 64;
  std::size_t values = 1u << 20;  ///< objects, arrays, names and scalars together
};

/// The only way foreign JSON gets in: valid UTF-8, no duplicate names in one object, no NUL anywhere, within
/// limits, no exception out. Errors: corrupt, with the position but without the text (it may hold a secret).
Result<nlohmann::json> parse_json(std::string_view text, const JsonLimits& limits = {});

/// The text under this name; empty where there is none, or something else.
std::string json_text(const nlohmann::json& object, std::string_view name);

/// Refuses an object that has one of `known` in another case ("MediaType"): other readers would take it for
/// the real one. Errors: corrupt, naming it.
Result<> refuse_case_variants(const nlohmann::json& object, std::initializer_list<std::string_view> known);

}  // namespace davit
