#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "emulator/ecr/ecr.h"
#include "emulator/sigv4_check.h"
#include "support/catch.h"
#include "support/curl.h"

namespace davit::test {

/// One who talks to an ECR emulator: with signed calls, and to its registry.
class EcrClient {
 public:
  explicit EcrClient(emulator::Ecr& ecr) : ecr_(ecr), who_(ecr.user()) {}

  /// Signs with these keys from now on.
  void become(const emulator::Principal& who) { who_ = who; }

  struct Signing {
    std::string service = "ecr";
    std::string region = {};  ///< empty: the emulator's
    std::string prefix = "AmazonEC2ContainerRegistry_V20150921.";
    std::string content_type = "application/x-amz-json-1.1";
    std::chrono::seconds clock_off{0};
    std::string tampered_body = {};  ///< sent instead of what was signed
  };
  Answer api(const std::string& operation, const nlohmann::json& input, const Signing& how) {
    const std::string body = input.dump();
    return signed_post({{"Content-Type", how.content_type}, {"X-Amz-Target", how.prefix + operation}}, body,
                       how);
  }
  Answer api(const std::string& operation, const nlohmann::json& input = nlohmann::json::object()) {
    return api(operation, input, Signing{});
  }
  Answer sts(const std::string& form) {
    return signed_post({{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}}, form,
                       {.service = "sts"});
  }

  /// To the registry, as whoever holds a token of it.
  Answer registry(const std::string& method, const std::string& target, const std::string& body = "",
                  std::vector<std::string> more = {}) {
    if (token_.empty()) token_ = ecr_.authorization_token();
    more.insert(more.end(), {"-H", "Authorization: Basic " + token_});
    return ask(method, target.starts_with("http") ? target : ecr_.url() + target, body, std::move(more));
  }
  void use_token(std::string token) { token_ = std::move(token); }

  Digest put_blob(const std::string& repository, const std::string& bytes) {
    const auto begun = registry("POST", "/v2/" + repository + "/blobs/uploads/");
    REQUIRE(begun.status == "202");
    const Digest digest = Digest::of(bytes);
    const auto done = registry("PUT", begun.header("Location") + "?digest=" + digest.to_string(), bytes,
                               {"-H", "Content-Type: application/octet-stream"});
    REQUIRE(done.status == "201");
    return digest;
  }
  Answer put_manifest(const std::string& repository, const std::string& reference,
                      const std::string& manifest,
                      const std::string& type = "application/vnd.oci.image.manifest.v1+json") {
    return registry("PUT", "/v2/" + repository + "/manifests/" + reference, manifest,
                    {"-H", "Content-Type: " + type});
  }
  /// A small image with that layer, pushed.
  std::string push(const std::string& repository, const std::string& tag,
                   const std::string& layer = "layer") {
    put_blob(repository, "{}");
    put_blob(repository, layer);
    const std::string manifest = manifest_of({layer});
    REQUIRE(put_manifest(repository, tag, manifest).status == "201");
    return manifest;
  }

  static std::string descriptor_of(const std::string& type, const std::string& bytes) {
    return R"({"mediaType":")" + type + R"(","digest":")" + Digest::of(bytes).to_string() + R"(","size":)" +
           std::to_string(bytes.size()) + "}";
  }
  static std::string manifest_of(const std::vector<std::string>& layers, const std::string& more = "") {
    std::string list;
    for (const auto& layer : layers) {
      list += (list.empty() ? "" : ",") + descriptor_of("application/vnd.oci.image.layer.v1.tar+gzip", layer);
    }
    return R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":)" +
           descriptor_of("application/vnd.oci.image.config.v1+json", "{}") + R"(,"layers":[)" + list + "]" +
           more + "}";
  }

 private:
  Answer signed_post(emulator::Headers headers, const std::string& body, const Signing& how) {
    const std::string date = emulator::amz_date(ecr_.backend().clock().now() + how.clock_off);
    const std::string host = ecr_.api_url().substr(ecr_.api_url().find("//") + 2);
    headers.push_back({"Host", host});
    headers.push_back({"X-Amz-Date", date});
    if (!who_.session_token.empty()) headers.push_back({"X-Amz-Security-Token", who_.session_token});
    std::map<std::string, std::string> sorted;
    for (const auto& [name, value] : headers) {
      std::string lower = name;
      for (char& c : lower) c = static_cast<char>(std::tolower(c));
      sorted[lower] = value;
    }
    emulator::SigV4Claim scope{.key_id = who_.key_id,
                               .date = date.substr(0, 8),
                               .region = how.region.empty() ? ecr_.place().region : how.region,
                               .service = how.service,
                               .signed_headers = {},
                               .signature = ""};
    std::string names;
    for (const auto& [name, value] : sorted) {
      scope.signed_headers.push_back(name);
      names += (names.empty() ? "" : ";") + name;
    }
    const auto canonical =
        emulator::canonical_request({"POST", "/", headers, body}, scope.signed_headers,
                                    emulator::sha256_hex(body), emulator::PathRule::encoded_twice);
    const std::string signature =
        emulator::signature_of(who_.secret, scope, emulator::string_to_sign(scope, date, *canonical));
    std::vector<std::string> more{"-H", "Authorization: AWS4-HMAC-SHA256 Credential=" + scope.key_id + "/" +
                                            scope.date + "/" + scope.region + "/" + scope.service +
                                            "/aws4_request, SignedHeaders=" + names +
                                            ", Signature=" + signature};
    for (const auto& [name, value] : headers) more.insert(more.end(), {"-H", name + ": " + value});
    return ask("POST", ecr_.api_url() + "/", how.tampered_body.empty() ? body : how.tampered_body,
               std::move(more));
  }

  emulator::Ecr& ecr_;
  emulator::Principal who_;
  std::string token_;
};

}  // namespace davit::test
