#include "crypto/hasher.h"

#include <new>

#include <openssl/evp.h>

namespace davit::crypto {

struct Hasher::State {
  Digest::Algorithm algorithm;
  EVP_MD_CTX* context;

  explicit State(Digest::Algorithm a) : algorithm(a), context(EVP_MD_CTX_new()) {
    const EVP_MD* kind = a == Digest::Algorithm::sha256 ? EVP_sha256() : EVP_sha512();
    if (context == nullptr || EVP_DigestInit_ex(context, kind, nullptr) != 1) throw std::bad_alloc();
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { EVP_MD_CTX_free(context); }
};

Hasher::Hasher(Digest::Algorithm algorithm) : state_(std::make_unique<State>(algorithm)) {}
Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

void Hasher::update(std::span<const std::byte> bytes) {
  EVP_DigestUpdate(state_->context, bytes.data(), bytes.size());  // fails only without a context
}

Digest Hasher::digest() const {
  State copy(state_->algorithm);
  std::byte raw[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (EVP_MD_CTX_copy_ex(copy.context, state_->context) != 1 ||
      EVP_DigestFinal_ex(copy.context, reinterpret_cast<unsigned char*>(raw), &size) != 1) {
    throw std::bad_alloc();
  }
  return Digest::from_raw(state_->algorithm, std::span(raw, size));
}

}  // namespace davit::crypto
