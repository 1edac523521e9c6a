#pragma once

#include <functional>
#include <memory>
#include <optional>

#include <davit/mirror.h>

#include "base/clock.h"
#include "codec/compress.h"
#include "registry/repository.h"
#include "transfer/progress.h"

namespace davit::mirror {

/// What a mirror works with. REQUIRES: the references outlive it.
struct Services {
  /// A repository of either end; as a destination, how to make it when it is missing.
  std::function<Result<std::shared_ptr<registry::Repository>>(const Reference&, Side,
                                                              const std::optional<NewRepository>&)>
      repository;
  codec::Compressor& compressor;
  transfer::Board& board;
  Clock& clock;
  std::size_t jobs = 16;  ///< transfers at once
};

}  // namespace davit::mirror
