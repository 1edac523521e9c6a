#pragma once

#include <functional>
#include <string>
#include <vector>

#include "signals.h"
#include "transfer_flags.h"

namespace davit::tool {

/// Something that moves images, as the library offers it.
struct Movement {
  Arguments arguments;          ///< what may name registries; where an archive goes
  CredentialScope credentials;  ///< whom the credentials without a prefix are for
  std::string work;             ///< what is done with the blobs: "send"
  std::function<Transfer(Client&, const CopyOptions&)> start;
  std::function<Result<std::vector<Plan>>(Client&, const CopyOptions&)> plan;
};

/// Carries it out, or with --dry-run says what that would be: in the background, progress and notes on
/// stderr, results on stdout (on stderr when an archive goes there). Returns the exit code.
int carry_out(const Movement& movement, const CopyOptions& options, const TransferFlags& flags,
              const Signals& signals);

/// One push, pull or copy from its arguments to the exit code.
int move_images(Verb verb, const std::string& source, const std::vector<std::string>& destinations,
                const TransferFlags& flags, const Signals& signals);

}  // namespace davit::tool
