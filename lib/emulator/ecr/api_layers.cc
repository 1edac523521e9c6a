// Layers by the API: looking for them, and the upload in base64 parts.
#include <algorithm>

#include <nlohmann/json.hpp>

#include "crypto/base64.h"
#include "emulator/ecr/api_operations.h"
#include "emulator/ecr/refusal.h"

namespace davit::emulator {
namespace {

using nlohmann::json;

constexpr std::size_t kLargestPart = 20'971'520;

json batch_check_layer_availability(const ApiCall& call) {
  const auto digests = call.input.texts("layerDigests", 1, 100);
  const std::string name = call.admitted_repository();
  const auto used = call.backend.used(name);
  const bool everywhere = call.backend.controls().modes().is("check-layers", "account");
  json layers = json::array();
  json failures = json::array();
  for (const auto& text : digests) {
    const auto digest = Digest::parse(text);
    if (!digest) {
      failures.push_back({{"layerDigest", text},
                          {"failureCode", text.empty() ? "MissingLayerDigest" : "InvalidLayerDigest"},
                          {"failureReason", "Invalid layer digest"}});
      continue;
    }
    auto blob = call.backend.storage().blob(name, *digest);
    if (blob == nullptr && everywhere) {
      for (const auto& record : call.backend.all()) {
        if (blob == nullptr) blob = call.backend.storage().blob(record.name, *digest);
      }
    }
    json layer = {{"layerDigest", text},
                  {"layerAvailability", blob == nullptr ? "UNAVAILABLE" : "AVAILABLE"}};
    if (blob != nullptr) {
      layer["layerSize"] = blob->size();
      const auto use = used.find(*digest);
      layer["mediaType"] = use == used.end() ? "application/octet-stream" : use->second;
    }
    layers.push_back(layer);
  }
  return {{"layers", layers}, {"failures", failures}};
}

json initiate_layer_upload(const ApiCall& call) {
  const std::string name = call.admitted_repository();
  return {{"uploadId", call.backend.begin_upload(name)},
          {"partSize", call.backend.controls().modes().number("part-bytes")}};
}

json upload_layer_part(const ApiCall& call) {
  const std::string name = call.input.repository();
  const std::string upload = call.input.text("uploadId");
  const std::uint64_t first = call.input.number("partFirstByte");
  const std::uint64_t last = call.input.number("partLastByte");
  const auto bytes = crypto::base64_decode(call.input.text("layerPartBlob"));
  if (!bytes) throw invalid_parameter("layerPartBlob", "Member must be base64");
  if (bytes->empty() || bytes->size() > kLargestPart) {
    throw invalid_parameter("layerPartBlob",
                            "Member must have length less than or equal to " + std::to_string(kLargestPart));
  }
  if (last < first || last - first + 1 != bytes->size()) {
    throw invalid_parameter("partLastByte",
                            "Member must be partFirstByte plus the length of the part minus 1");
  }
  std::size_t at = 0;
  const auto read = [&](char* into, std::size_t size) {
    const std::size_t n = std::min(size, bytes->size() - at);
    std::copy_n(bytes->data() + at, n, into);
    at += n;
    return n;
  };
  const std::uint64_t size = call.backend.receive(name, upload, {first, read}, call.caller.arn);
  return {{"registryId", call.backend.place().account},
          {"repositoryName", name},
          {"uploadId", upload},
          {"lastByteReceived", size - 1}};
}

json complete_layer_upload(const ApiCall& call) {
  const auto texts = call.input.texts("layerDigests", 1, 100);
  const std::string upload = call.input.text("uploadId");
  const std::string name = call.admitted_repository();
  std::vector<Digest> digests;
  bool there = false;
  for (const auto& text : texts) {
    const auto digest = Digest::parse(text);
    if (!digest) throw invalid_parameter("layerDigests", "Invalid layer digest");
    digests.push_back(*digest);
    there = there || call.backend.storage().blob(name, *digest) != nullptr;
  }
  call.backend.complete(name, upload, digests);
  if (there) {
    throw Refusal{"LayerAlreadyExistsException",
                  "Layer with digest '" + texts.front() + "' already exists in the repository with name '" +
                      name + "' in registry with id '" + call.backend.place().account + "'"};
  }
  return {{"registryId", call.backend.place().account},
          {"repositoryName", name},
          {"uploadId", upload},
          {"layerDigest", texts.front()}};
}

json get_download_url_for_layer(const ApiCall& call) {
  const std::string text = call.input.text("layerDigest");
  const auto digest = Digest::parse(text);
  if (!digest) throw invalid_parameter("layerDigest", "Invalid layer digest");
  const std::string name = call.admitted_repository();
  const std::string rest = "the repository with name '" + name + "' in the registry with id '" +
                           call.backend.place().account + "'";
  if (call.backend.storage().blob(name, *digest) == nullptr) {
    throw Refusal{"LayersNotFoundException",
                  "The layer with digest '" + text + "' does not exist within " + rest};
  }
  if (!call.backend.used(name).contains(*digest)) {
    throw Refusal{"LayerInaccessibleException",
                  "The layer with digest '" + text + "' is not used by an image within " + rest};
  }
  return {{"downloadUrl", call.download_url(name, *digest)}, {"layerDigest", text}};
}

}  // namespace

void add_layer_operations(ApiOperations& all) {
  all["BatchCheckLayerAvailability"] = batch_check_layer_availability;
  all["InitiateLayerUpload"] = initiate_layer_upload;
  all["UploadLayerPart"] = upload_layer_part;
  all["CompleteLayerUpload"] = complete_layer_upload;
  all["GetDownloadUrlForLayer"] = get_download_url_for_layer;
}

}  // namespace davit::emulator
