#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "registry/registry.h"

namespace davit::registry {

/// A list that a registry gives out in pages: tags, repositories.
struct NameList {
  net::Url first;  ///< its first page
  auth::Scope scope;
  const char* member;  ///< of the answer's object: "tags"
};

/// Gets each page as it came; false when no further one is wanted.
using NamePage = std::function<Result<bool>(std::vector<std::string>)>;

/// Reads the list page by page; no more than one is in memory. Errors: those of `each_page`; protocol for
/// what is no list, and for pages without end.
Result<> read_names(Registry& registry, const Purpose& why, const NameList& list, const NamePage& each_page,
                    const CallContext& context);

/// The repositories of a registry. Errors: unsupported where it does not list them.
Result<> read_catalog(Registry& registry, const NamePage& each_page, const CallContext& context);

/// Where a list goes on, within the registry only (row 13).
Result<std::optional<net::Url>> next_page(const Registry& registry, const Purpose& why, const Answer& answer);

}  // namespace davit::registry
