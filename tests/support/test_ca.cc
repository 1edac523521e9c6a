#include "support/test_ca.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <memory>
#include <stdexcept>

namespace davit::test {
namespace {

EVP_PKEY* new_key() {
  return EVP_EC_gen("P-256");
}

bool is_address(const std::string& name) {
  return name.find_first_not_of("0123456789.") == std::string::npos;
}

void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  if (extension == nullptr) throw std::runtime_error("bad certificate extension: " + value);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

X509* new_certificate(EVP_PKEY* key, const std::string& common_name, Validity validity) {
  X509* certificate = X509_new();
  X509_set_version(certificate, X509_VERSION_3);
  std::uint64_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), validity.from_hours * 3600L);
  X509_gmtime_adj(X509_getm_notAfter(certificate), validity.to_hours * 3600L);
  X509_set_pubkey(certificate, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1, 0);
  return certificate;
}

void add_server_extensions(X509* certificate, X509* issuer, const std::vector<std::string>& names) {
  std::string alternatives;
  for (const auto& name : names) {
    alternatives += (alternatives.empty() ? "" : ",") + std::string(is_address(name) ? "IP:" : "DNS:") + name;
  }
  add_extension(certificate, issuer, NID_subject_alt_name, alternatives);
  add_extension(certificate, issuer, NID_ext_key_usage, "serverAuth");
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string out(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return out;
}

std::string pem(X509* certificate) {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, certificate);
  return text_of(bio);
}

std::string pem(EVP_PKEY* key) {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  return text_of(bio);
}

TlsIdentity take(X509* certificate, EVP_PKEY* key) {
  TlsIdentity out{pem(certificate), pem(key)};
  X509_free(certificate);
  EVP_PKEY_free(key);
  return out;
}

}  // namespace

TestCa::TestCa() : key_(new_key()), certificate_(new_certificate(key_, "davit test CA", {-48, 48})) {
  X509_set_issuer_name(certificate_, X509_get_subject_name(certificate_));
  add_extension(certificate_, certificate_, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(certificate_, certificate_, NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(certificate_, certificate_, NID_subject_key_identifier, "hash");
  X509_sign(certificate_, key_, EVP_sha256());
}

TestCa::~TestCa() {
  X509_free(certificate_);
  EVP_PKEY_free(key_);
}

std::string TestCa::certificate_pem() const {
  return pem(certificate_);
}

TlsIdentity TestCa::issue(const std::vector<std::string>& names, Validity validity) const {
  EVP_PKEY* key = new_key();
  X509* certificate = new_certificate(key, names.front(), validity);
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate_));
  add_server_extensions(certificate, certificate_, names);
  X509_sign(certificate, key_, EVP_sha256());
  return take(certificate, key);
}

TlsIdentity TestCa::self_signed(const std::vector<std::string>& names) {
  EVP_PKEY* key = new_key();
  X509* certificate = new_certificate(key, names.front(), {});
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  add_server_extensions(certificate, certificate, names);
  X509_sign(certificate, key, EVP_sha256());
  return take(certificate, key);
}

}  // namespace davit::test
