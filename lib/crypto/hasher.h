#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include <davit/digest.h>

namespace davit::crypto {

/// A running digest. Movable; one thread at a time.
class Hasher {
 public:
  explicit Hasher(Digest::Algorithm algorithm = Digest::Algorithm::sha256);
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;

  void update(std::span<const std::byte> bytes);
  /// The digest of everything so far; more may follow.
  [[nodiscard]] Digest digest() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace davit::crypto
