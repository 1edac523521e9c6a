#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <davit/removal.h>
#include <davit/transfer.h>

#include "base/context.h"
#include "client/location.h"

namespace davit::client {

// Tags of OCI layouts, which are entries of index.json: given and taken away without a look at the blobs,
// while nobody else writes the index.

/// The layout that an argument names; empty for what names a registry. Errors: invalid_argument, with the
/// line to use instead, for archives, which are not changed but written anew.
Result<std::optional<FileLocation>> layout_argument(std::string_view text);

/// Client::tag() for an image of a layout. `tags` are tags, or lists of them.
Result<std::vector<Delivery>> tag_in_layout(const FileLocation& layout, std::span<const std::string> tags,
                                            const TagOptions& options, const CallContext& context);

/// Client::remove() for a tag of a layout: its entry goes, the blobs stay. `plan`: changes nothing.
Removal remove_from_layout(const FileLocation& layout, bool plan, const CallContext& context);

}  // namespace davit::client
