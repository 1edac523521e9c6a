#include "support/catch.h"
#include "support/ecr_client.h"

using davit::Digest;
using davit::emulator::Ecr;
using davit::test::EcrClient;
using nlohmann::json;
using namespace std::chrono_literals;

namespace {

/// A repository "app" with an image "1".
struct Setup {
  Ecr ecr;
  EcrClient client{ecr};
  std::string manifest;
  json first{{"repositoryName", "app"}, {"imageId", {{"imageTag", "1"}}}};

  Setup() {
    ecr.backend().create({.name = "app"});
    manifest = client.push("app", "1");
  }
};

}  // namespace

TEST_CASE("a scan runs, ends, and is not begun twice in a day") {
  Setup setup;
  auto& client = setup.client;
  CHECK(client.api("DescribeImageScanFindings", setup.first).code() == "ScanNotFoundException");
  const auto begun = client.api("StartImageScan", setup.first);
  CHECK(begun.json()["imageScanStatus"]["status"] == "IN_PROGRESS");
  CHECK(begun.json()["imageId"]["imageDigest"] == Digest::of(setup.manifest).to_string());
  CHECK(client.api("DescribeImageScanFindings", setup.first).json()["imageScanStatus"]["status"] ==
        "IN_PROGRESS");
  setup.ecr.advance(2s);
  const auto found = client.api("DescribeImageScanFindings", setup.first).json();
  CHECK(found["imageScanStatus"]["status"] == "COMPLETE");
  CHECK(found["imageScanFindings"]["findingSeverityCounts"]["HIGH"] == 1);
  CHECK(client.api("StartImageScan", setup.first).code() == "LimitExceededException");
  setup.ecr.advance(24h);
  CHECK(client.api("StartImageScan", setup.first).status == "200");
  CHECK(client.api("StartImageScan", {{"repositoryName", "app"}, {"imageId", {{"imageTag", "9"}}}}).code() ==
        "ImageNotFoundException");
}

TEST_CASE("a lifecycle preview names what would go, each image by one rule") {
  Setup setup;
  auto& client = setup.client;
  client.push("app", "dev-1", "old");
  setup.ecr.advance(1h);
  client.push("app", "dev-2", "new");
  const std::string policy = json{{"rules",
                                   {{{"rulePriority", 2},
                                     {"selection",
                                      {{"tagStatus", "any"},
                                       {"countType", "sinceImagePushed"},
                                       {"countUnit", "days"},
                                       {"countNumber", 30}}},
                                     {"action", {{"type", "expire"}}}},
                                    {{"rulePriority", 1},
                                     {"selection",
                                      {{"tagStatus", "tagged"},
                                       {"tagPatternList", {"dev-*"}},
                                       {"countType", "imageCountMoreThan"},
                                       {"countNumber", 1}}},
                                     {"action", {{"type", "expire"}}}}}}}
                                 .dump();
  const json app = {{"repositoryName", "app"}};
  CHECK(client.api("GetLifecyclePolicyPreview", app).code() == "LifecyclePolicyPreviewNotFoundException");
  CHECK(client.api("StartLifecyclePolicyPreview", app).code() == "LifecyclePolicyNotFoundException");
  const json start = {{"repositoryName", "app"}, {"lifecyclePolicyText", policy}};
  CHECK(client.api("StartLifecyclePolicyPreview", start).json()["status"] == "IN_PROGRESS");
  CHECK(client.api("StartLifecyclePolicyPreview", start).code() ==
        "LifecyclePolicyPreviewInProgressException");
  setup.ecr.advance(2s);
  const auto done = client.api("GetLifecyclePolicyPreview", app).json();
  CHECK(done["status"] == "COMPLETE");
  REQUIRE(done["previewResults"].size() == 1);
  CHECK(done["previewResults"][0]["imageTags"] == json{"dev-1"});
  CHECK(done["previewResults"][0]["appliedRulePriority"] == 1);
  CHECK(done["previewResults"][0]["action"]["type"] == "EXPIRE");
  setup.ecr.advance(24h * 30);
  // "1" by age now; the tags under dev-* belong to the first rule, whatever their age.
  CHECK(client.api("GetLifecyclePolicyPreview", app).json()["summary"]["expiringImageTotalCount"] == 2);
}

TEST_CASE("an archived image cannot be pulled until it is back") {
  Setup setup;
  auto& client = setup.client;
  const auto move = [&](const char* where) {
    auto input = setup.first;
    input["targetStorageClass"] = where;
    return client.api("UpdateImageStorageClass", input);
  };
  const auto pull = [&] { return client.registry("GET", "/v2/app/manifests/1").status; };
  CHECK(move("STANDARD").code() == "ImageStorageClassUpdateNotSupportedException");
  CHECK(move("ARCHIVE").json()["imageStatus"] == "ARCHIVED");
  CHECK(pull() == "404");
  CHECK(client.api("BatchGetImage", {{"repositoryName", "app"}, {"imageIds", {{{"imageTag", "1"}}}}})
            .json()["failures"][0]["failureCode"] == "ImageNotFound");
  CHECK(client.api("ListImages", {{"repositoryName", "app"}, {"filter", {{"imageStatus", "ARCHIVED"}}}})
            .json()["imageIds"]
            .size() == 1);
  CHECK(move("STANDARD").json()["imageStatus"] == "ACTIVATING");
  CHECK(pull() == "404");
  setup.ecr.advance(60s);
  CHECK(pull() == "200");
  CHECK(move("ARCHIVE").status == "200");
  client.put_manifest("app", "1", setup.manifest);  // pushing brings it back
  CHECK(pull() == "200");
}

TEST_CASE("replication and registry settings are kept, and images arrive after a while") {
  Setup setup;
  auto& client = setup.client;
  const json rules = {{{"destinations", {{{"region", "eu-west-1"}, {"registryId", "123456789012"}}}},
                       {"repositoryFilters", {{{"filter", "ap"}, {"filterType", "PREFIX_MATCH"}}}}}};
  CHECK(
      client.api("PutReplicationConfiguration", {{"replicationConfiguration", {{"rules", rules}}}}).status ==
      "200");
  CHECK(client.api("DescribeRegistry").json()["replicationConfiguration"]["rules"] == rules);
  const auto status = [&] {
    return client.api("DescribeImageReplicationStatus", setup.first)
        .json()["replicationStatuses"][0]["status"];
  };
  CHECK(status() == "IN_PROGRESS");
  setup.ecr.advance(2s);
  CHECK(status() == "COMPLETE");

  CHECK(client.api("GetRegistryPolicy").code() == "RegistryPolicyNotFoundException");
  CHECK(client.api("PutRegistryPolicy", {{"policyText", "{}"}}).status == "200");
  CHECK(client.api("DeleteRegistryPolicy").json()["policyText"] == "{}");
  CHECK(client.api("PutRegistryScanningConfiguration", {{"scanType", "ENHANCED"}, {"rules", json::array()}})
            .status == "200");
  CHECK(client.api("GetRegistryScanningConfiguration").json()["scanningConfiguration"]["scanType"] ==
        "ENHANCED");
}
