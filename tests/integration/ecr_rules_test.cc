// What an ECR does by itself: creation templates, pull through caches, managed signing; and settings of the
// registry that are kept.
#include "support/catch.h"
#include "support/ecr_client.h"
#include "support/temp_dir.h"

using davit::Digest;
using davit::emulator::Ecr;
using davit::test::ask;
using davit::test::EcrClient;
using nlohmann::json;
using namespace std::chrono_literals;

namespace {

constexpr const char* kLifecycle =
    R"({"rules":[{"rulePriority":1,"selection":{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":9},"action":{"type":"expire"}}]})";

json repository(EcrClient& client, const std::string& name) {
  const auto answer = client.api("DescribeRepositories", {{"repositoryNames", {name}}});
  return answer.status == "200" ? answer.json()["repositories"][0] : json();
}

json template_for(const std::string& prefix, const json& reasons) {
  return {{"prefix", prefix}, {"appliedFor", reasons}};
}

}  // namespace

TEST_CASE("a push makes a repository as the template with the longest prefix says") {
  Ecr ecr;
  EcrClient client(ecr);
  CHECK(client.registry("POST", "/v2/team/app/blobs/uploads/").code() == "NAME_UNKNOWN");

  json team = template_for("team", {"CREATE_ON_PUSH"});
  team["imageTagMutability"] = "IMMUTABLE_WITH_EXCLUSION";
  team["imageTagMutabilityExclusionFilters"] = {{{"filterType", "WILDCARD"}, {"filter", "latest*"}}};
  team["encryptionConfiguration"] = {{"encryptionType", "KMS"}, {"kmsKey", "key"}};
  team["resourceTags"] = {{{"Key", "team"}, {"Value", "blue"}}};
  team["lifecyclePolicy"] = kLifecycle;
  team["customRoleArn"] = "arn:aws:iam::123456789012:role/templates";
  const auto made = client.api("CreateRepositoryCreationTemplate", team);
  REQUIRE(made.status == "200");
  CHECK(made.json()["repositoryCreationTemplate"]["prefix"] == "team");
  CHECK(client.api("CreateRepositoryCreationTemplate", team).code() == "TemplateAlreadyExistsException");
  REQUIRE(client.api("CreateRepositoryCreationTemplate", template_for("ROOT", {"REPLICATION"})).status ==
          "200");
  json deep = template_for("team/deep/", {"CREATE_ON_PUSH", "PULL_THROUGH_CACHE"});
  REQUIRE(client.api("CreateRepositoryCreationTemplate", deep).status == "200");

  client.push("team/app", "1");
  const json app = repository(client, "team/app");
  CHECK(app["imageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION");
  CHECK(app["imageTagMutabilityExclusionFilters"][0]["filter"] == "latest*");
  CHECK(app["encryptionConfiguration"] == json{{"encryptionType", "KMS"}, {"kmsKey", "key"}});
  CHECK(
      client.api("ListTagsForResource", {{"resourceArn", app["repositoryArn"]}}).json()["tags"][0]["Value"] ==
      "blue");
  CHECK(client.api("GetLifecyclePolicy", {{"repositoryName", "team/app"}}).json()["lifecyclePolicyText"] ==
        kLifecycle);
  CHECK(client.put_manifest("team/app", "1", EcrClient::manifest_of({"layer"})).code() == "TAG_INVALID");

  client.push("team/deep/app", "1");
  CHECK(repository(client, "team/deep/app")["imageTagMutability"] == "MUTABLE");
  // A prefix ends where a segment of the name does; ROOT is not for pushes here.
  CHECK(client.registry("POST", "/v2/teamwork/blobs/uploads/").code() == "NAME_UNKNOWN");

  CHECK(client.api("UpdateRepositoryCreationTemplate", template_for("ROOT", {"CREATE_ON_PUSH"})).status ==
        "200");
  client.push("teamwork", "1");
  CHECK(client.api("DescribeRepositoryCreationTemplates").json()["repositoryCreationTemplates"].size() == 3);
  CHECK(client.api("DescribeRepositoryCreationTemplates", {{"prefixes", {"team/"}}})
            .json()["repositoryCreationTemplates"][0]["imageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION");
  CHECK(client.api("DeleteRepositoryCreationTemplate", {{"prefix", "ROOT"}}).status == "200");
  CHECK(client.api("DeleteRepositoryCreationTemplate", {{"prefix", "ROOT"}}).code() ==
        "TemplateNotFoundException");
  ecr.controls().deny("CreateRepository");
  CHECK(client.registry("POST", "/v2/team/other/blobs/uploads/").code() == "DENIED");
}

TEST_CASE("templates that make no sense are refused") {
  Ecr ecr;
  EcrClient client(ecr);
  json wanted = template_for("team", {"CREATE_ON_PUSH"});
  const auto code = [&] { return client.api("CreateRepositoryCreationTemplate", wanted).code(); };
  wanted["appliedFor"] = {"SOMETIMES"};
  CHECK(code() == "InvalidParameterException");
  wanted["appliedFor"] = json::array();
  CHECK(code() == "InvalidParameterException");
  wanted = template_for("Team", {"CREATE_ON_PUSH"});
  CHECK(code() == "InvalidParameterException");
  wanted = template_for("team", {"CREATE_ON_PUSH"});
  wanted["resourceTags"] = {{{"Key", "a"}, {"Value", "b"}}};  // without a role that may tag
  CHECK(code() == "InvalidParameterException");
  CHECK(client.api("UpdateRepositoryCreationTemplate", template_for("team", {"CREATE_ON_PUSH"})).code() ==
        "TemplateNotFoundException");
}

TEST_CASE("the first pull through a cache rule makes the repository and brings the image") {
  Ecr ecr;
  EcrClient client(ecr);
  // The upstream's images are those below its name.
  ecr.backend().create({.name = "registry-1.docker.io/library/app"});
  const std::string manifest = client.push("registry-1.docker.io/library/app", "1");
  const json rule = {
      {"ecrRepositoryPrefix", "hub"},
      {"upstreamRegistryUrl", "registry-1.docker.io"},
      {"credentialArn", "arn:aws:secretsmanager:us-east-1:123456789012:secret:ecr-pullthroughcache/hub"}};
  CHECK(client.registry("GET", "/v2/hub/library/app/manifests/1").code() == "NAME_UNKNOWN");
  CHECK(client.api("CreatePullThroughCacheRule", rule).json()["upstreamRegistry"] == "docker-hub");
  CHECK(client.api("CreatePullThroughCacheRule", rule).code() ==
        "PullThroughCacheRuleAlreadyExistsException");
  CHECK(client.api("ValidatePullThroughCacheRule", {{"ecrRepositoryPrefix", "hub"}}).json()["isValid"] ==
        true);

  CHECK(client.registry("GET", "/v2/hub/library/app/manifests/9").code() == "NAME_UNKNOWN");
  const auto pulled = client.registry("GET", "/v2/hub/library/app/manifests/1");
  CHECK(pulled.status == "200");
  CHECK(pulled.body == manifest);
  CHECK(client.registry("GET", "/v2/hub/library/app/blobs/" + Digest::of("layer").to_string()).status ==
        "307");
  CHECK(ecr.controls().calls("BatchImportUpstreamImage") == 1);
  CHECK(client.registry("GET", "/v2/hub/library/app/manifests/1").status == "200");
  CHECK(ecr.controls().calls("BatchImportUpstreamImage") == 1);
  CHECK(client.registry("GET", "/v2/hub/library/app/manifests/9").code() == "MANIFEST_UNKNOWN");

  CHECK(client.api("DescribePullThroughCacheRules").json()["pullThroughCacheRules"].size() == 1);
  CHECK(client.api("DescribePullThroughCacheRules", {{"ecrRepositoryPrefixes", {"no"}}}).code() ==
        "PullThroughCacheRuleNotFoundException");
  CHECK(client.api("UpdatePullThroughCacheRule", {{"ecrRepositoryPrefix", "hub"}, {"credentialArn", "x"}})
            .code() == "UnableToAccessSecretException");
  CHECK(client.api("DeletePullThroughCacheRule", {{"ecrRepositoryPrefix", "hub"}}).status == "200");
  CHECK(client.api("DeletePullThroughCacheRule", {{"ecrRepositoryPrefix", "hub"}}).code() ==
        "PullThroughCacheRuleNotFoundException");
  CHECK(client
            .api("CreatePullThroughCacheRule",
                 {{"ecrRepositoryPrefix", "x"}, {"upstreamRegistryUrl", "registry.example.com"}})
            .code() == "UnsupportedUpstreamRegistryException");
}

TEST_CASE("a cache of the registry's own repositories can answer 404 at first, and follows its template") {
  Ecr ecr;
  EcrClient client(ecr);
  REQUIRE(ecr.controls().set_mode("first-pull", "404"));
  ecr.backend().create({.name = "prod/app"});
  const std::string manifest = client.push("prod/app", "1");
  client.put_manifest(
      "prod/app", "list",
      R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[)" +
          EcrClient::descriptor_of("application/vnd.oci.image.manifest.v1+json", manifest) + "]}",
      "application/vnd.oci.image.index.v1+json");
  json cached = template_for("ROOT", {"PULL_THROUGH_CACHE"});
  cached["imageTagMutability"] = "IMMUTABLE";
  REQUIRE(client.api("CreateRepositoryCreationTemplate", cached).status == "200");
  REQUIRE(client
              .api("CreatePullThroughCacheRule", {{"ecrRepositoryPrefix", "cache"},
                                                  {"upstreamRegistryUrl", ecr.authority()},
                                                  {"upstreamRepositoryPrefix", "prod"}})
              .status == "200");
  CHECK(client.registry("GET", "/v2/cache/app/manifests/list").code() == "MANIFEST_UNKNOWN");
  CHECK(client.registry("GET", "/v2/cache/app/manifests/list").status == "200");
  CHECK(client.registry("GET", "/v2/cache/app/manifests/" + Digest::of(manifest).to_string()).status ==
        "200");
  CHECK(repository(client, "cache/app")["imageTagMutability"] == "IMMUTABLE");
  const json by_tag = {{"repositoryName", "cache/app"}, {"imageIds", {{{"imageTag", "1"}}}}};
  // Its manifest is there already, by the index; the tag comes when it is asked for.
  CHECK(client.api("BatchGetImage", by_tag).json()["failures"][0]["failureCode"] == "ImageNotFound");
  CHECK(client.api("BatchGetImage", by_tag).json()["images"][0]["imageManifest"] == manifest);

  REQUIRE(ecr.controls().set_mode("mount", "on"));
  ecr.backend().create({.name = "other"});
  CHECK(client
            .registry("POST",
                      "/v2/other/blobs/uploads/?from=cache/app&mount=" + Digest::of("layer").to_string())
            .status == "202");
}

TEST_CASE("a signature of each profile refers to what is pushed from then on") {
  Ecr ecr;
  EcrClient client(ecr);
  ecr.backend().create({.name = "app"});
  const auto before = Digest::of(client.push("app", "before", "old")).to_string();
  CHECK(client.api("GetSigningConfiguration").code() == "SigningConfigurationNotFoundException");
  const json configuration = {
      {"rules",
       {{{"signingProfileArn", "arn:aws:signer:us-east-1:123456789012:/signing-profiles/app"},
         {"repositoryFilters", {{{"filter", "ap*"}, {"filterType", "WILDCARD_MATCH"}}}}},
        {{"signingProfileArn", "arn:aws:signer:us-east-1:123456789012:/signing-profiles/other"},
         {"repositoryFilters", {{{"filter", "other"}, {"filterType", "WILDCARD_MATCH"}}}}}}}};
  REQUIRE(client.api("PutSigningConfiguration", {{"signingConfiguration", configuration}}).status == "200");
  CHECK(client.api("GetSigningConfiguration").json()["signingConfiguration"] == configuration);

  const auto digest = Digest::of(client.push("app", "1")).to_string();
  const auto referrers = client.registry("GET", "/v2/app/referrers/" + digest).json()["manifests"];
  REQUIRE(referrers.size() == 1);
  CHECK(referrers[0]["artifactType"] == "application/vnd.cncf.notary.signature");
  const auto signature =
      client.registry("GET", "/v2/app/manifests/" + referrers[0]["digest"].get<std::string>()).json();
  CHECK(signature["subject"]["digest"] == digest);
  const auto envelope =
      client.registry("GET", "/v2/app/blobs/" + signature["layers"][0]["digest"].get<std::string>());
  CHECK(ask("GET", envelope.header("Location")).body.find(digest) != std::string::npos);

  const auto status = [&](const std::string& tag) {
    return client
        .api("DescribeImageSigningStatus", {{"repositoryName", "app"}, {"imageId", {{"imageTag", tag}}}})
        .json()["signingStatuses"];
  };
  REQUIRE(status("1").size() == 1);
  CHECK(status("1")[0]["status"] == "COMPLETE");
  CHECK(status("before")[0]["status"] == "FAILED");
  CHECK(client.registry("GET", "/v2/app/referrers/" + before).json()["manifests"].empty());
  CHECK(client.api("DeleteSigningConfiguration").status == "200");
  CHECK(client.api("DeleteSigningConfiguration").code() == "SigningConfigurationNotFoundException");
}

TEST_CASE("pulls of excluded principals are not recorded") {
  Ecr ecr;
  EcrClient client(ecr);
  ecr.backend().create({.name = "app"});
  client.push("app", "1");
  const json who = {{"principalArn", ecr.user().arn}};
  const auto pull_time = [&] {
    return client.api("DescribeImages", {{"repositoryName", "app"}})
        .json()["imageDetails"][0]
        .contains("lastRecordedPullTime");
  };
  CHECK(client.api("RegisterPullTimeUpdateExclusion", who).status == "200");
  CHECK(client.api("RegisterPullTimeUpdateExclusion", who).code() == "ExclusionAlreadyExistsException");
  CHECK(client.api("ListPullTimeUpdateExclusions").json()["pullTimeUpdateExclusions"] ==
        json{ecr.user().arn});
  client.registry("GET", "/v2/app/manifests/1");
  CHECK_FALSE(pull_time());
  CHECK(client.api("DeregisterPullTimeUpdateExclusion", who).status == "200");
  CHECK(client.api("DeregisterPullTimeUpdateExclusion", who).code() == "ExclusionNotFoundException");
  client.registry("GET", "/v2/app/manifests/1");
  CHECK(pull_time());
}

TEST_CASE("a repository's scanning follows the registry's rules") {
  Ecr ecr;
  EcrClient client(ecr);
  ecr.backend().create({.name = "app"});
  ecr.backend().create({.name = "other", .scan_on_push = true});
  REQUIRE(client
              .api("PutRegistryScanningConfiguration",
                   {{"scanType", "BASIC"},
                    {"rules",
                     {{{"scanFrequency", "SCAN_ON_PUSH"},
                       {"repositoryFilters", {{{"filter", "ap*"}, {"filterType", "WILDCARD"}}}}}}}})
              .status == "200");
  const auto answer =
      client.api("BatchGetRepositoryScanningConfiguration", {{"repositoryNames", {"app", "other", "no"}}})
          .json();
  CHECK(answer["scanningConfigurations"][0]["appliedScanFilters"][0]["filter"] == "ap*");
  CHECK(answer["scanningConfigurations"][0]["scanFrequency"] == "SCAN_ON_PUSH");
  CHECK(answer["scanningConfigurations"][1]["appliedScanFilters"].empty());
  CHECK(answer["scanningConfigurations"][1]["scanOnPush"] == true);
  CHECK(answer["failures"][0]["failureCode"] == "REPOSITORY_NOT_FOUND");
}

TEST_CASE("all operations of the private model are known") {
  Ecr ecr;
  EcrClient client(ecr);
  for (const char* operation : {"BatchCheckLayerAvailability",
                                "BatchDeleteImage",
                                "BatchGetImage",
                                "BatchGetRepositoryScanningConfiguration",
                                "CompleteLayerUpload",
                                "CreatePullThroughCacheRule",
                                "CreateRepository",
                                "CreateRepositoryCreationTemplate",
                                "DeleteLifecyclePolicy",
                                "DeletePullThroughCacheRule",
                                "DeleteRegistryPolicy",
                                "DeleteRepository",
                                "DeleteRepositoryCreationTemplate",
                                "DeleteRepositoryPolicy",
                                "DeleteSigningConfiguration",
                                "DeregisterPullTimeUpdateExclusion",
                                "DescribeImageReplicationStatus",
                                "DescribeImageScanFindings",
                                "DescribeImageSigningStatus",
                                "DescribeImages",
                                "DescribePullThroughCacheRules",
                                "DescribeRegistry",
                                "DescribeRepositories",
                                "DescribeRepositoryCreationTemplates",
                                "GetAccountSetting",
                                "GetAuthorizationToken",
                                "GetDownloadUrlForLayer",
                                "GetLifecyclePolicy",
                                "GetLifecyclePolicyPreview",
                                "GetRegistryPolicy",
                                "GetRegistryScanningConfiguration",
                                "GetRepositoryPolicy",
                                "GetSigningConfiguration",
                                "InitiateLayerUpload",
                                "ListImageReferrers",
                                "ListImages",
                                "ListPullTimeUpdateExclusions",
                                "ListTagsForResource",
                                "PutAccountSetting",
                                "PutImage",
                                "PutImageScanningConfiguration",
                                "PutImageTagMutability",
                                "PutLifecyclePolicy",
                                "PutRegistryPolicy",
                                "PutRegistryScanningConfiguration",
                                "PutReplicationConfiguration",
                                "PutSigningConfiguration",
                                "RegisterPullTimeUpdateExclusion",
                                "SetRepositoryPolicy",
                                "StartImageScan",
                                "StartLifecyclePolicyPreview",
                                "TagResource",
                                "UntagResource",
                                "UpdateImageStorageClass",
                                "UpdatePullThroughCacheRule",
                                "UpdateRepositoryCreationTemplate",
                                "UploadLayerPart",
                                "ValidatePullThroughCacheRule"}) {
    INFO(operation);
    CHECK(client.api(operation).code() != "UnknownOperationException");
  }
  CHECK(client.api("DescribeRegistries").code() == "UnknownOperationException");  // of the gallery
}

TEST_CASE("the public gallery's repositories are below an alias") {
  Ecr ecr({.region = "us-west-2"});
  EcrClient client(ecr);
  REQUIRE(ecr.controls().set_mode("public-alias", "blue"));
  const auto api = [&](const std::string& operation, const json& input) {
    return client.api(operation, input,
                      {.service = "ecr-public", .region = "us-east-1", .prefix = "SpencerFrontendService."});
  };
  const auto registries = api("DescribeRegistries", json::object()).json()["registries"];
  CHECK(registries[0]["aliases"][0]["name"] == "blue");
  const auto made =
      api("CreateRepository", {{"repositoryName", "app"}, {"catalogData", {{"description", "d"}}}}).json();
  CHECK(made["catalogData"]["description"] == "d");
  CHECK(made["repository"]["repositoryName"] == "app");
  CHECK(made["repository"]["repositoryUri"] == ecr.authority() + "/blue/app");
  CHECK(ecr.backend().has("blue/app"));
  const json tags = {{"resourceArn", made["repository"]["repositoryArn"]},
                     {"tags", {{{"Key", "k"}, {"Value", "v"}}}}};
  CHECK(api("TagResource", tags).status == "200");
  CHECK(ecr.backend().find("blue/app").tags.at("k") == "v");
  for (const char* registry : {"blue", "123456789012"}) {
    CHECK(api("DescribeRepositories", {{"registryId", registry}, {"repositoryNames", {"app"}}}).status ==
          "200");
  }
  CHECK(api("DescribeRepositories", {{"registryId", "green"}, {"repositoryNames", {"app"}}}).code() ==
        "RepositoryNotFoundException");

  client.push("blue/app", "1");
  const auto tagged = api("DescribeImageTags", {{"repositoryName", "app"}}).json()["imageTagDetails"];
  CHECK(tagged[0]["imageTag"] == "1");
  CHECK(tagged[0]["imageDetail"]["imageDigest"].get<std::string>().starts_with("sha256:"));

  CHECK(api("GetRegistryCatalogData", json::object()).json()["registryCatalogData"].empty());
  CHECK(
      api("PutRegistryCatalogData", {{"displayName", "Blue"}}).json()["registryCatalogData"]["displayName"] ==
      "Blue");
  const json about = {{"repositoryName", "app"},
                      {"catalogData", {{"aboutText", "words"}, {"architectures", {"ARM"}}}}};
  CHECK(api("PutRepositoryCatalogData", about).json()["catalogData"]["aboutText"] == "words");
  CHECK(api("GetRepositoryCatalogData", {{"repositoryName", "app"}})
            .json()["catalogData"]["architectures"][0] == "ARM");
  ecr.backend().create({.name = "blue/bare"});
  CHECK(api("GetRepositoryCatalogData", {{"repositoryName", "bare"}}).code() ==
        "RepositoryCatalogDataNotFoundException");
  CHECK(api("ListImages", {{"repositoryName", "app"}}).code() == "UnknownOperationException");
}

TEST_CASE("with a folder, settings outlive the server") {
  davit::test::TempDir dir;
  const auto folder = dir.path() / "ecr";
  {
    Ecr ecr({.folder = folder});
    EcrClient client(ecr);
    REQUIRE(
        client
            .api("CreateRepository",
                 {{"repositoryName", "app"},
                  {"imageTagMutability", "IMMUTABLE_WITH_EXCLUSION"},
                  {"imageTagMutabilityExclusionFilters", {{{"filterType", "WILDCARD"}, {"filter", "dev-*"}}}},
                  {"encryptionConfiguration", {{"encryptionType", "KMS"}, {"kmsKey", "key"}}},
                  {"imageScanningConfiguration", {{"scanOnPush", true}}},
                  {"tags", {{{"Key", "team"}, {"Value", "blue"}}}}})
            .status == "200");
    client.push("app", "1");
    REQUIRE(client.api("CreateRepository", {{"repositoryName", "empty"}}).status == "200");
    REQUIRE(client.api("CreateRepository", {{"repositoryName", "gone"}}).status == "200");
    REQUIRE(client.api("DeleteRepository", {{"repositoryName", "gone"}}).status == "200");
    client.api("SetRepositoryPolicy", {{"repositoryName", "app"}, {"policyText", "{}"}});
    client.api("PutLifecyclePolicy", {{"repositoryName", "app"}, {"lifecyclePolicyText", kLifecycle}});
    client.api("PutRegistryPolicy", {{"policyText", "{\"Version\":\"2012-10-17\"}"}});
    client.api("CreateRepositoryCreationTemplate", template_for("team", {"CREATE_ON_PUSH"}));
  }
  Ecr ecr({.folder = folder});
  EcrClient client(ecr);
  const json app = repository(client, "app");
  CHECK(app["imageTagMutabilityExclusionFilters"][0]["filter"] == "dev-*");
  CHECK(app["imageScanningConfiguration"]["scanOnPush"] == true);
  CHECK(app["encryptionConfiguration"]["kmsKey"] == "key");
  CHECK(
      client.api("ListTagsForResource", {{"resourceArn", app["repositoryArn"]}}).json()["tags"][0]["Value"] ==
      "blue");
  CHECK(client.api("GetRepositoryPolicy", {{"repositoryName", "app"}}).json()["policyText"] == "{}");
  CHECK(client.api("GetLifecyclePolicy", {{"repositoryName", "app"}}).json()["lifecyclePolicyText"] ==
        kLifecycle);
  CHECK(client.registry("GET", "/v2/app/manifests/1").status == "200");
  CHECK(client.put_manifest("app", "1", EcrClient::manifest_of({"layer"})).code() == "TAG_INVALID");
  CHECK_FALSE(repository(client, "empty").is_null());
  CHECK(repository(client, "gone").is_null());
  CHECK(client.api("GetRegistryPolicy").status == "200");
  client.push("team/app", "1");
}

TEST_CASE("settings that nobody can read stop the server") {
  davit::test::TempDir dir;
  for (const char* text : {"{", R"({"version":2})", R"({"version":1,"repositories":[{}],"registry":{}})"}) {
    dir.write("davit-ecr.json", text);
    std::string why;
    try {
      const Ecr ecr({.folder = dir.path()});
    } catch (const std::runtime_error& thrown) {
      why = thrown.what();
    }
    CHECK(why.find("davit-ecr.json") != std::string::npos);
  }
}
