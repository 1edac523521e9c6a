#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace davit::emulator {

/// What a registry token permits, written into the token itself.
struct RegistryToken {
  std::string account;
  std::string region;
  std::string arn;  ///< who asked for it; empty: nobody in particular (public pulls)
  bool for_public = false;
  std::chrono::system_clock::time_point expires;
};

/// The password, about as long as AWS's: more than 2 KiB.
std::string write_token(const RegistryToken& token);
/// Nullopt for anything that no emulator has written.
std::optional<RegistryToken> read_token(std::string_view password);

}  // namespace davit::emulator
