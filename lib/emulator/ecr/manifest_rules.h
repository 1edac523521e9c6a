#pragma once

#include <string>
#include <string_view>

#include <davit/manifest.h>

#include "emulator/ecr/modes.h"

namespace davit::emulator {

/// The most bytes that a manifest may have.
inline constexpr std::size_t kManifestLimit = 4u << 20;

/// A manifest that ECR takes. Throws Refusal (InvalidParameterException at 'ImageManifest').
Manifest accepted_manifest(std::string bytes, std::string_view media_type, const Modes& modes);

}  // namespace davit::emulator
