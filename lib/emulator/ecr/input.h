#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <davit/digest.h>

namespace davit::emulator {

/// The members of an API call's body, checked as they are taken. Everything throws Refusal
/// (InvalidParameterException, naming the member).
class Input {
 public:
  /// REQUIRES: `object` outlives it and is an object. `path` is what stands before member names in messages.
  explicit Input(const nlohmann::json& object, std::string path = {});

  [[nodiscard]] bool has(const char* name) const;
  [[nodiscard]] std::string text(const char* name) const;  ///< must be there
  [[nodiscard]] std::string text_or(const char* name, std::string_view otherwise) const;
  [[nodiscard]] bool flag(const char* name) const;  ///< absent: false
  [[nodiscard]] std::uint64_t number(const char* name) const;
  [[nodiscard]] std::uint64_t number_or(const char* name, std::uint64_t otherwise) const;
  /// Absent is the empty list when `least` is 0.
  [[nodiscard]] std::vector<std::string> texts(const char* name, std::size_t least, std::size_t most) const;
  [[nodiscard]] std::vector<Input> objects(const char* name, std::size_t least, std::size_t most) const;
  [[nodiscard]] std::optional<Input> object(const char* name) const;
  /// Puts those of the members that are there into an object, unchecked.
  void copy_to(nlohmann::json& into, std::initializer_list<const char*> names) const;

  // What many operations take.
  [[nodiscard]] std::string repository() const;  ///< `repositoryName`, well-formed
  [[nodiscard]] std::string one_of(const char* name, std::string_view fallback,
                                   const std::vector<std::string_view>& values) const;

 private:
  [[nodiscard]] const nlohmann::json* find(const char* name) const;
  /// Null: absent, where that is good.
  [[nodiscard]] const nlohmann::json* list(const char* name, std::size_t least, std::size_t most) const;
  [[nodiscard]] std::string at(const char* name) const { return path_ + name; }

  const nlohmann::json* object_;
  std::string path_;
};

/// Whether it may name a repository: 2 to 256 characters, segments of lower-case letters, digits, `.`, `_`,
/// `-`.
bool is_repository_name(std::string_view name);

}  // namespace davit::emulator
