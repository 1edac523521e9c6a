#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "emulator/ecr/input.h"
#include "emulator/ecr/records.h"

namespace davit::emulator {

// What a request, or a creation template, says about a repository. All throw Refusal.

TagMutability read_mutability(const Input& input);
/// "imageTagMutabilityExclusionFilters"
nlohmann::json exclusion_filters(const TagMutability& mutability);
/// `member`: "tags" or "resourceTags".
std::map<std::string, std::string> read_tags(const Input& input, const char* member);
/// Sets `encryption` and `kms_key`.
void read_encryption(const Input& input, RepositoryRecord& into);
/// A policy: JSON text of at most `limit` characters.
std::string read_policy(const Input& input, const char* member, std::size_t limit);
/// A lifecycle policy: one that has rules.
std::string read_lifecycle_policy(const Input& input, const char* member);

/// A repository as a creation template wants it, without a name.
RepositoryRecord read_template(const Input& input);

}  // namespace davit::emulator
