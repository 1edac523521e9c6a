#pragma once

#include <string>

#include <davit/mirror.h>

namespace davit::tool {

/// A line of the report, without its end: what was copied or deleted as "registry/repository:tag@digest".
/// Empty for what has not changed, and for failures, which are told on stderr.
std::string entry_line(const MirrorEntry& entry, bool dry_run);
std::string entry_json(const MirrorEntry& entry, bool dry_run);

/// Of a plan: that the target's repository is missing, or would be made. Empty where it is there.
std::string repository_line(const MirrorEntry& entry);

/// The sums, for people.
std::string summary_line(const MirrorTotals& totals, bool dry_run);
std::string summary_json(const MirrorTotals& totals, bool dry_run);

/// "registry/repository:tag", or "@digest"; the source where there is no target.
std::string name_of(const MirrorEntry& entry);

}  // namespace davit::tool
