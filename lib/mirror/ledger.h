#pragma once

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <davit/descriptor.h>
#include <davit/reference.h>

#include "base/mutex.h"

namespace davit::mirror {

/// Which repositories have which blobs, of those that this run has brought there. A blob is noted when a
/// manifest that needs it is there too: before, some registries do not mount it. Thread-safe.
class Ledger {
 public:
  void note(const Reference& repository, const std::vector<Descriptor>& blobs);

  /// Whether this run knows the blob to be there.
  [[nodiscard]] bool has(const Reference& repository, const Digest& blob) const;
  /// A repository of the same registry, but another one, that has the blob; empty when none is known.
  [[nodiscard]] std::string elsewhere(const Reference& repository, const Digest& blob) const;

 private:
  using Repositories = std::vector<std::uint32_t>;  ///< positions in `names`
  struct Host {
    std::vector<std::string> names;
    std::map<std::string, std::uint32_t> numbers;
    std::unordered_map<Digest, Repositories> blobs;
  };

  mutable Mutex mutex_;
  std::map<std::string, Host> hosts_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::mirror
