#include "support/token_server.h"

#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <stdexcept>
#include <utility>

#include <nlohmann/json.hpp>

#include "crypto/base64.h"

namespace davit::test {
namespace {

std::string base64_url(std::string_view bytes) {
  std::string out = crypto::base64_encode(bytes);
  std::replace(out.begin(), out.end(), '+', '-');
  std::replace(out.begin(), out.end(), '/', '_');
  while (!out.empty() && out.back() == '=') out.pop_back();
  return out;
}

/// The base64 text between the PEM lines: the certificate's DER form.
std::string der_base64(const std::string& pem) {
  std::string out;
  for (std::size_t at = 0; at < pem.size();) {
    const auto end = std::min(pem.find('\n', at), pem.size());
    if (pem[at] != '-') out += pem.substr(at, end - at);
    at = end + 1;
  }
  return out;
}

/// ECDSA over P-256 and SHA-256, as r and s side by side.
std::string es256(const std::string& key_pem, const std::string& text) {
  BIO* bio = BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size()));
  EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  std::array<unsigned char, 128> der{};
  std::size_t size = der.size();
  const bool good = EVP_DigestSignInit(context, nullptr, EVP_sha256(), nullptr, key) == 1 &&
                    EVP_DigestSign(context, der.data(), &size,
                                   reinterpret_cast<const unsigned char*>(text.data()), text.size()) == 1;
  EVP_MD_CTX_free(context);
  EVP_PKEY_free(key);
  if (!good) throw std::runtime_error("signing a token");
  const unsigned char* from = der.data();
  ECDSA_SIG* signature = d2i_ECDSA_SIG(nullptr, &from, static_cast<long>(size));
  std::string out(64, '\0');
  auto* raw = reinterpret_cast<unsigned char*>(out.data());
  BN_bn2binpad(ECDSA_SIG_get0_r(signature), raw, 32);
  BN_bn2binpad(ECDSA_SIG_get0_s(signature), raw + 32, 32);
  ECDSA_SIG_free(signature);
  return out;
}

nlohmann::json access_for(const std::string& scope) {
  const auto first = scope.find(':');
  const auto last = scope.rfind(':');
  nlohmann::json actions = nlohmann::json::array();
  std::string rest = scope.substr(last + 1);
  while (!rest.empty()) {
    const auto comma = std::min(rest.find(','), rest.size());
    actions.push_back(rest.substr(0, comma));
    rest.erase(0, comma + 1);
  }
  return {{"type", scope.substr(0, first)},
          {"name", scope.substr(first + 1, last - first - 1)},
          {"actions", actions}};
}

}  // namespace

TokenServer::TokenServer(TokenServerOptions options)
    : options_(std::move(options)),
      server_(
          emulator::Address{}, std::nullopt, [this](emulator::Request& request) { return answer(request); },
          [](const auto&, const auto&) { return std::make_shared<emulator::Tally>(); }) {}

std::string TokenServer::sign(const std::string& claims) const {
  const nlohmann::json header = {
      {"typ", "JWT"}, {"alg", "ES256"}, {"x5c", {der_base64(signer_.certificate_pem)}}};
  const std::string text = base64_url(header.dump()) + "." + base64_url(claims);
  return text + "." + base64_url(es256(signer_.key_pem, text));
}

emulator::Response TokenServer::answer(emulator::Request& request) {
  if (request.header("Authorization") !=
      "Basic " + crypto::base64_encode(options_.user + ":" + options_.password)) {
    return {.status = 401, .headers = {{"WWW-Authenticate", "Basic realm=\"tokens\""}}};
  }
  nlohmann::json access = nlohmann::json::array();
  for (const auto& [name, value] : request.query) {
    if (name != "scope") continue;
    std::string rest = value;
    while (!rest.empty()) {
      const auto space = std::min(rest.find(' '), rest.size());
      access.push_back(access_for(rest.substr(0, space)));
      rest.erase(0, space + 1);
    }
  }
  const auto now = std::time(nullptr);
  const int number = ++issued_;
  const nlohmann::json claims = {{"iss", options_.issuer},
                                 {"sub", options_.user},
                                 {"aud", options_.service},
                                 {"exp", now + options_.life.count()},
                                 {"nbf", now - 10},
                                 {"iat", now},
                                 {"jti", std::to_string(number)},
                                 {"access", access}};
  const nlohmann::json answer = {{"token", sign(claims.dump())}, {"expires_in", options_.life.count()}};
  return {.headers = {{"Content-Type", "application/json"}}, .body = answer.dump()};
}

}  // namespace davit::test
