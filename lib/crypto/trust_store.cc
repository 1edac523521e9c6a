#include "crypto/trust_store.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include "base/error.h"
#include "base/escape.h"

namespace davit::crypto {
namespace {

constexpr const char* kPemBegin = "-----BEGIN ";

/// Adds every certificate of a PEM text. False when it has none.
bool add_text(X509_STORE* store, const std::string& text) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> memory(
      BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free);
  bool any = false;
  while (memory != nullptr) {
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(
        PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr), X509_free);
    if (certificate == nullptr) break;
    if (X509_STORE_add_cert(store, certificate.get()) != 1) return false;
    any = true;
  }
  return any;
}

}  // namespace

struct TrustStore::State {
  X509_STORE* store = X509_STORE_new();
  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { X509_STORE_free(store); }
};

TrustStore::TrustStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
TrustStore::~TrustStore() = default;

Result<std::unique_ptr<TrustStore>> TrustStore::load(const std::string& system_file,
                                                     const std::string& system_directory,
                                                     const std::vector<std::string>& extra_files) {
  auto state = std::make_unique<State>();
  if (state->store == nullptr) return make_error(Errc::internal, "no memory for a certificate store");
  if (!system_file.empty()) X509_STORE_load_file(state->store, system_file.c_str());
  // The directory is looked into only when a certificate asks for an authority that is not known yet.
  if (!system_directory.empty()) X509_STORE_load_path(state->store, system_directory.c_str());
  for (const std::string& file : extra_files) {
    const bool is_text = file.find(kPemBegin) != std::string::npos;
    if (is_text ? add_text(state->store, file) : X509_STORE_load_file(state->store, file.c_str()) == 1)
      continue;
    ERR_clear_error();
    return make_error(Errc::local_io, "read certificates from " + (is_text ? "a text" : escaped(file)),
                      "a PEM file with CERTIFICATE blocks is wanted");
  }
  ERR_clear_error();
  // An authority given by the user counts even when it is not self-signed.
  X509_STORE_set_flags(state->store, X509_V_FLAG_PARTIAL_CHAIN);
  return std::unique_ptr<TrustStore>(new TrustStore(std::move(state)));
}

void TrustStore::install(void* ssl_context) const {
  SSL_CTX_set1_cert_store(static_cast<SSL_CTX*>(ssl_context), state_->store);
}

}  // namespace davit::crypto
