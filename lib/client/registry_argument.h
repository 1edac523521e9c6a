#pragma once

#include <string_view>

#include <davit/manifest.h>
#include <davit/reference.h>

#include "base/context.h"
#include "client/registries.h"

namespace davit::client {

/// An argument of a command that is about registries alone; `ecr:` names are written out. Errors:
/// invalid_argument, for files too.
Result<Reference> registry_argument(std::string_view text, Registries& registries, Side side,
                                    const CallContext& context);

/// The manifest that a reference means; `latest` where it says neither tag nor digest. Errors: conflict where
/// the tag points at another digest.
Result<Manifest> manifest_of(const Reference& reference, registry::Repository& repository,
                             const CallContext& context);

}  // namespace davit::client
