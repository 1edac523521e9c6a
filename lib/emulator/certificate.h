#pragma once

#include <string>

#include "emulator/socket.h"

namespace davit::emulator {

/// A fresh certificate for `host` (an address or name) and localhost, signed by itself, good for a year: what
/// it says can be trusted by whoever is given the certificate. Throws std::runtime_error.
TlsIdentity self_signed(const std::string& host);

}  // namespace davit::emulator
