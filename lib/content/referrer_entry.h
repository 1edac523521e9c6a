#pragma once

#include <davit/manifest.h>

namespace davit::content {

/// How a list of referrers describes a manifest (OCI distribution specification, "Listing Referrers"): with
/// its type, which is that of its config where it states none, and its annotations.
Descriptor referrer_entry(const Manifest& manifest);

}  // namespace davit::content
