#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include <davit/result.h>

namespace davit::emulator {

/// A behaviour of ECR that is uncertain, occasional or a matter of settings, and can therefore be chosen.
struct ModeHelp {
  std::string_view name;
  std::string_view values;    ///< "a|b"; NUMBER, NUMBER>0, RATES, ALIAS and TEXT stand for such
  std::string_view fallback;  ///< what holds when nobody chooses
  std::string_view help;
};
/// All there are, in the order in which help shows them.
std::span<const ModeHelp> all_modes();

/// The chosen values. A value type.
class Modes {
 public:
  /// Errors: invalid_argument, naming the modes or the values there are.
  Result<> set(std::string_view name, std::string_view value);

  // REQUIRES: `name` is one of all_modes().
  [[nodiscard]] std::string_view get(std::string_view name) const;
  [[nodiscard]] bool is(std::string_view name, std::string_view value) const { return get(name) == value; }
  [[nodiscard]] std::uint64_t number(std::string_view name) const;

 private:
  std::map<std::string, std::string, std::less<>> chosen_;
};

}  // namespace davit::emulator
