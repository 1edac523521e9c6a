#include "base/json.h"

#include <algorithm>
#include <set>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/ascii.h"
#include "base/error.h"
#include "base/escape.h"

namespace davit {
namespace {

using nlohmann::json;

/// Counts and checks only; the value is built afterwards, when the text is known to be harmless.
class Guard final : public nlohmann::json_sax<json> {
 public:
  explicit Guard(const JsonLimits& limits) : limits_(limits) {}

  bool null() override { return count(); }
  bool boolean(bool) override { return count(); }
  bool number_integer(number_integer_t) override { return count(); }
  bool number_unsigned(number_unsigned_t) override { return count(); }
  bool number_float(number_float_t, const string_t&) override { return count(); }
  bool string(string_t&) override { return count(); }
  bool binary(binary_t&) override { return count(); }
  bool start_object(std::size_t) override { return enter(); }
  bool end_object() override { return leave(); }
  bool start_array(std::size_t) override { return enter(); }
  bool end_array() override { return leave(); }

  bool key(string_t& name) override {
    if (!count()) return false;
    if (name.find('\0') != std::string::npos) return fail("a name with a NUL in it");
    if (!names_.back().insert(name).second)
      return fail("the name \"" + escaped(name, 60) + "\" twice in one object");
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    return fail("malformed JSON at byte " + std::to_string(position));
  }

  std::string reason;

 private:
  bool fail(std::string why) {
    reason = std::move(why);
    return false;
  }
  bool count() {
    return ++values_ <= limits_.values ||
           fail("more than " + std::to_string(limits_.values) + " JSON values");
  }
  bool enter() {
    names_.emplace_back();
    return names_.size() <= limits_.depth ? count()
                                          : fail("JSON nested deeper than " + std::to_string(limits_.depth));
  }
  bool leave() {
    names_.pop_back();
    return true;
  }

  const JsonLimits& limits_;
  std::size_t values_ = 0;
  std::vector<std::set<std::string>> names_;
};

}  // namespace

Result<json> parse_json(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.bytes) {
    return make_error(Errc::corrupt,
                      "a JSON document of more than " + std::to_string(limits.bytes) + " bytes");
  }
  if (!is_utf8(text)) return make_error(Errc::corrupt, "a JSON document that is not UTF-8");
  // To the parser below this is where the text ends, and nobody would see what follows.
  if (const auto nul = text.find('\0'); nul != std::string_view::npos)
    return make_error(Errc::corrupt, "malformed JSON at byte " + std::to_string(nul + 1));
  try {
    Guard guard(limits);
    if (!json::sax_parse(text.begin(), text.end(), &guard)) return make_error(Errc::corrupt, guard.reason);
    return json::parse(text.begin(), text.end());
  } catch (const json::exception&) {  // a number that no type holds
    return make_error(Errc::corrupt, "malformed JSON");
  }
}

std::string json_text(const json& object, std::string_view name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Result<> refuse_case_variants(const json& object, std::initializer_list<std::string_view> known) {
  for (const auto& [name, value] : object.items()) {
    for (const std::string_view exact : known) {
      if (name != exact && same_but_case(name, exact)) {
        return make_error(Errc::corrupt, "the name \"" + escaped(name, 60) + "\" where \"" +
                                             std::string(exact) + "\" is meant");
      }
    }
  }
  return {};
}

}  // namespace davit
