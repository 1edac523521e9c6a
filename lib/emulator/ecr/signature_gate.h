#pragma once

#include <span>
#include <string>
#include <string_view>

#include "emulator/ecr/modes.h"
#include "emulator/ecr/principals.h"
#include "emulator/http_server.h"
#include "emulator/shifted_clock.h"

namespace davit::emulator {

/// What a signature must be for: a service and any one of the regions.
struct SignatureFor {
  std::string_view service;
  std::span<const std::string> regions;
};

/// Who has signed this request, whose whole body is `body`. Throws Refusal with the names that ECR uses
/// (UnrecognizedClientException, InvalidSignatureException, ...).
Principal signer_of(const Request& request, const std::string& body, const SignatureFor& wanted,
                    const ShiftedClock& clock, const Modes& modes);

}  // namespace davit::emulator
