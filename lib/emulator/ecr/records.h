#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "emulator/shifted_clock.h"

namespace davit::emulator {

/// Whether `text` is what `pattern` says, in which `*` stands for anything.
bool fits(std::string_view pattern, std::string_view text);

/// Which tags stay where they are.
struct TagMutability {
  std::string mode = "MUTABLE";  ///< or IMMUTABLE, IMMUTABLE_WITH_EXCLUSION, MUTABLE_WITH_EXCLUSION
  std::vector<std::string> exclusions = {};  ///< patterns with `*`

  [[nodiscard]] bool immutable(std::string_view tag) const;
};

/// What an ECR repository is, besides its images.
struct RepositoryRecord {
  using Time = ShiftedClock::Time;

  std::string name = {};
  Time created = {};
  TagMutability mutability = {};
  bool scan_on_push = false;
  std::string encryption = "AES256";
  std::string kms_key = {};
  std::map<std::string, std::string> tags = {};
  std::string policy = {};
  std::string lifecycle_policy = {};
  std::string catalog = {};  ///< catalog data of the public gallery: JSON
  Time lifecycle_evaluated = {};
  std::string preview_policy = {};  ///< of the lifecycle preview begun last; empty: none
  Time preview_begun = {};
};

/// What has happened to an image.
struct ImageTimes {
  RepositoryRecord::Time pushed;
  std::optional<RepositoryRecord::Time> pulled = {};
  std::optional<RepositoryRecord::Time> scanned = {};
  std::optional<RepositoryRecord::Time> archived = {};
  std::optional<RepositoryRecord::Time> restored = {};  ///< when it can be pulled again
};

/// Settings of the whole registry, most of them JSON as it was put.
struct RegistrySettings {
  std::string policy = {};
  std::string replication = R"({"rules":[]})";
  std::string scanning = R"({"scanType":"BASIC","rules":[]})";
  std::string signing = {};                             ///< empty: images are not signed
  std::map<std::string, std::string> templates = {};    ///< creation templates, by prefix
  std::map<std::string, std::string> cache_rules = {};  ///< pull through cache rules, by prefix
  std::set<std::string> exclusions = {};                ///< whose pulls do not count: principals
  std::string display_name = {};                        ///< in the public gallery
};

/// What outlives a server, besides the images.
struct Records {
  std::map<std::string, RepositoryRecord> repositories = {};
  RegistrySettings settings = {};
};
/// Reads `file`; nothing when it is not there. Throws std::runtime_error when it cannot be read.
Records read_records(const std::filesystem::path& file);
/// Replaces `file` as a whole. Throws std::runtime_error.
void write_records(const std::filesystem::path& file, const Records& records);

}  // namespace davit::emulator
