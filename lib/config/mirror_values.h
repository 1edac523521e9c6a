#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <davit/mirror.h>
#include <davit/platform.h>

#include "config/yaml_fields.h"

namespace davit::config {

// Values of mirror files. Errors: invalid_argument with the place; what was filled in is not shown.

/// How a value is shown in a message: as it was written, in quotes; nothing of what holds a password.
std::string quoted(const FilledText& value);
/// `why`, and what is known in detail unless that could show what was filled in.
std::string with_detail(const std::string& why, const FilledText& value, const std::string& detail);

/// RE2. `shape` is put around it, with the pattern for its `@`, as the tool that wrote it means it.
Result<std::string> pattern_of(const FilledText& value, const YAML::Node& node, const Place& place,
                               const std::string& shape = "@");
/// One pattern or a list of them.
Setter patterns(std::vector<std::string>& into);

/// "30d", "12h", "1d12h".
Result<std::chrono::seconds> age_of(const YAML::Node& node, const Place& place);

/// One platform or a list of them.
Setter platforms(std::vector<Platform>& into);

/// A tag, or a digest as text.
Result<> check_tag(const FilledText& value, const YAML::Node& node, const Place& place);

/// Whether a source stands for what a registry's list says, so for several repositories.
bool is_listed(const std::string& source);
Result<> check_source(const FilledText& value, const YAML::Node& node, const Place& place);
Result<> check_target(const FilledText& value, const YAML::Node& node, const Place& place);

}  // namespace davit::config
