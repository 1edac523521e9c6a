#include "crypto/base64.h"
#include "support/catch.h"
#include "support/ecr_client.h"

using davit::Digest;
using davit::emulator::Ecr;
using davit::emulator::Fault;
using davit::test::Answer;
using davit::test::ask;
using davit::test::EcrClient;
using nlohmann::json;
using namespace std::chrono_literals;

TEST_CASE("a token is given to whoever signs, and opens the registry for twelve hours") {
  Ecr ecr;
  EcrClient client(ecr);
  const auto given = client.api("GetAuthorizationToken");
  REQUIRE(given.status == "200");
  REQUIRE(given.json()["authorizationData"].is_array());
  const auto data = given.json()["authorizationData"][0];
  CHECK(data["proxyEndpoint"] == ecr.url());
  CHECK(data["expiresAt"].is_number_float());
  const std::string token = data["authorizationToken"];
  CHECK(token.size() > 2048);
  CHECK(davit::crypto::base64_decode(token)->starts_with("AWS:"));
  CHECK_FALSE(given.header("x-amzn-RequestId").empty());

  client.use_token(token);
  CHECK(client.registry("GET", "/v2/").status == "200");
  ecr.advance(12h - 1min);
  CHECK(client.registry("GET", "/v2/").status == "200");
  ecr.advance(1min);
  const auto expired = client.registry("GET", "/v2/");
  CHECK(expired.status == "403");
  CHECK(expired.code() == "DENIED");
  CHECK(expired.message() == "Your authorization token has expired. Reauthenticate and try again.");
  CHECK(expired.header("Www-Authenticate").empty());
}

TEST_CASE("signatures are checked") {
  Ecr ecr({.region = "eu-west-1"});
  EcrClient client(ecr);
  const json nothing = json::object();
  CHECK(client.api("GetAuthorizationToken").status == "200");
  CHECK(client.api("GetAuthorizationToken", nothing, {.region = "us-east-1"}).code() ==
        "InvalidSignatureException");
  CHECK(client.api("GetAuthorizationToken", nothing, {.service = "sts"}).code() ==
        "InvalidSignatureException");
  CHECK(client.api("GetAuthorizationToken", nothing, {.tampered_body = R"({"a":1})"}).code() ==
        "InvalidSignatureException");
  for (const auto off : {-16min, 16min}) {
    const auto late = client.api("GetAuthorizationToken", nothing, {.clock_off = off});
    CHECK(late.status == "403");
    CHECK(late.message().starts_with(off < 0min ? "Signature expired" : "Signature not yet current"));
  }
  CHECK(client.api("GetAuthorizationToken", nothing, {.clock_off = -14min}).status == "200");
  const auto unsigned_call =
      ask("POST", ecr.api_url() + "/", "{}",
          {"-H", "Content-Type: application/x-amz-json-1.1", "-H",
           "X-Amz-Target: AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"});
  CHECK(unsigned_call.code() == "MissingAuthenticationTokenException");

  REQUIRE(ecr.controls().set_mode("auth-status", "400"));
  auto wrong = ecr.user();
  wrong.secret += "x";
  client.become(wrong);
  const auto mismatch = client.api("GetAuthorizationToken");
  CHECK(mismatch.status == "400");
  CHECK(mismatch.code() == "InvalidSignatureException");
  wrong.key_id = "AKIAUNKNOWNUNKNOWN00";
  client.become(wrong);
  CHECK(client.api("GetAuthorizationToken").code() == "UnrecognizedClientException");
}

TEST_CASE("an assumed role signs until its session ends, in its own account") {
  Ecr build({.account = "111111111111"});
  Ecr prod({.account = "222222222222"});
  EcrClient client(build);
  const auto assumed = client.sts(
      "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A222222222222%3Arole%2Fpush"
      "&RoleSessionName=ci&DurationSeconds=900");
  REQUIRE(assumed.status == "200");
  const auto member = [&](const std::string& name) {
    const auto from = assumed.body.find("<" + name + ">") + name.size() + 2;
    return assumed.body.substr(from, assumed.body.find("</" + name + ">") - from);
  };
  CHECK(member("Arn") == "arn:aws:sts::222222222222:assumed-role/push/ci");
  EcrClient there(prod);
  davit::emulator::Principal session{.key_id = member("AccessKeyId"),
                                     .secret = member("SecretAccessKey"),
                                     .session_token = member("SessionToken"),
                                     .arn = "",
                                     .user_id = "",
                                     .account = ""};
  there.become(session);
  CHECK(
      there.sts("Action=GetCallerIdentity&Version=2011-06-15").body.find("<Account>222222222222</Account>") !=
      std::string::npos);
  CHECK(there.api("GetAuthorizationToken").status == "200");
  session.session_token += "x";
  there.become(session);
  CHECK(there.api("GetAuthorizationToken").code() == "UnrecognizedClientException");
  session.session_token.pop_back();
  there.become(session);
  prod.advance(15min);
  CHECK(there.api("GetAuthorizationToken").code() == "ExpiredTokenException");
  CHECK(there.sts("Action=GetCallerIdentity&Version=2011-06-15").body.find("<Code>ExpiredToken</Code>") !=
        std::string::npos);

  const auto web =
      "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A111111111111%3Arole%"
      "2Fci"
      "&RoleSessionName=ci&WebIdentityToken=";
  CHECK(ask("POST", build.api_url() + "/", web + std::string("token")).body.find("<SecretAccessKey>") !=
        std::string::npos);
  const std::string stale = "h." + davit::crypto::base64_encode(R"({"exp":1000})") + ".s";
  CHECK(ask("POST", build.api_url() + "/", web + stale).body.find("<Code>ExpiredTokenException</Code>") !=
        std::string::npos);
}

TEST_CASE("an unknown operation, a wrong type and bad members are refused in AWS's words") {
  Ecr ecr;
  EcrClient client(ecr);
  const auto unknown = client.api("MakeCoffee");
  CHECK(unknown.status == "404");
  CHECK(unknown.code() == "UnknownOperationException");
  CHECK(client.api("GetAuthorizationToken", json::object(), {.content_type = "application/json"}).status ==
        "404");
  const auto missing = client.api("CreateRepository");
  CHECK(missing.status == "400");
  CHECK(missing.code() == "InvalidParameterException");
  CHECK(missing.message() ==
        "Invalid parameter at 'repositoryName' failed to satisfy constraint: 'Member must not be null'");
  CHECK(client.api("CreateRepository", {{"repositoryName", "UPPER"}}).code() == "InvalidParameterException");
  CHECK(client.api("CreateRepository", {{"repositoryName", 5}}).code() == "InvalidParameterException");
  CHECK(client.api("CreateRepository", {{"repositoryName", "app"}, {"imageTagMutability", "SOMETIMES"}})
            .code() == "InvalidParameterException");
  CHECK(client
            .api("CreateRepository",
                 {{"repositoryName", "app"}, {"imageTagMutability", "IMMUTABLE_WITH_EXCLUSION"}})
            .code() == "InvalidParameterException");
  CHECK(client.api("DescribeRepositories", {{"maxResults", 1001}}).code() == "InvalidParameterException");
  CHECK(client.api("DescribeRepositories", {{"nextToken", "made-up"}}).code() == "InvalidParameterException");
  CHECK(
      client.api("BatchCheckLayerAvailability", {{"repositoryName", "app"}, {"layerDigests", json::array()}})
          .code() == "InvalidParameterException");
}

TEST_CASE("repositories are made, listed in pages, changed and removed") {
  Ecr ecr;
  EcrClient client(ecr);
  const auto made =
      client.api("CreateRepository",
                 {{"repositoryName", "team/app"},
                  {"imageTagMutability", "IMMUTABLE_WITH_EXCLUSION"},
                  {"imageTagMutabilityExclusionFilters", {{{"filterType", "WILDCARD"}, {"filter", "dev-*"}}}},
                  {"imageScanningConfiguration", {{"scanOnPush", true}}},
                  {"encryptionConfiguration", {{"encryptionType", "KMS"}, {"kmsKey", "alias/x"}}},
                  {"tags", {{{"Key", "team"}, {"Value", "build"}}}}});
  REQUIRE(made.status == "200");
  const auto repository = made.json()["repository"];
  CHECK(repository["repositoryArn"] == "arn:aws:ecr:us-east-1:123456789012:repository/team/app");
  CHECK(repository["repositoryUri"] == ecr.authority() + "/team/app");
  CHECK(repository["imageTagMutabilityExclusionFilters"][0]["filter"] == "dev-*");
  CHECK(repository["imageScanningConfiguration"]["scanOnPush"] == true);
  CHECK(repository["encryptionConfiguration"]["kmsKey"] == "alias/x");
  const auto again = client.api("CreateRepository", {{"repositoryName", "team/app"}});
  CHECK(again.status == "400");
  CHECK(again.code() == "RepositoryAlreadyExistsException");
  CHECK(again.message() ==
        "The repository with name 'team/app' already exists in the registry with id '123456789012'");

  const std::string arn = repository["repositoryArn"];
  CHECK(
      client.api("TagResource", {{"resourceArn", arn}, {"tags", {{{"Key", "a"}, {"Value", "b"}}}}}).status ==
      "200");
  CHECK(client.api("UntagResource", {{"resourceArn", arn}, {"tagKeys", {"team"}}}).status == "200");
  CHECK(client.api("ListTagsForResource", {{"resourceArn", arn}}).json()["tags"] ==
        json{{{"Key", "a"}, {"Value", "b"}}});
  CHECK(client.api("GetRepositoryPolicy", {{"repositoryName", "team/app"}}).code() ==
        "RepositoryPolicyNotFoundException");
  CHECK(client.api("SetRepositoryPolicy", {{"repositoryName", "team/app"}, {"policyText", "{}"}}).status ==
        "200");
  CHECK(client.api("DeleteRepositoryPolicy", {{"repositoryName", "team/app"}}).json()["policyText"] == "{}");
  CHECK(client.api("PutLifecyclePolicy", {{"repositoryName", "team/app"}, {"lifecyclePolicyText", "no"}})
            .code() == "InvalidParameterException");
  CHECK(client
            .api("PutLifecyclePolicy",
                 {{"repositoryName", "team/app"}, {"lifecyclePolicyText", R"({"rules":[{}]})"}})
            .status == "200");
  CHECK(
      client.api("GetLifecyclePolicy", {{"repositoryName", "team/app"}}).json().contains("lastEvaluatedAt"));
  CHECK(
      client.api("PutImageTagMutability", {{"repositoryName", "team/app"}, {"imageTagMutability", "MUTABLE"}})
          .json()["imageTagMutability"] == "MUTABLE");

  for (const char* name : {"aa", "bb", "cc"})
    CHECK(client.api("CreateRepository", {{"repositoryName", name}}).status == "200");
  const auto first = client.api("DescribeRepositories", {{"maxResults", 3}}).json();
  CHECK(first["repositories"].size() == 3);
  const auto rest =
      client.api("DescribeRepositories", {{"maxResults", 3}, {"nextToken", first["nextToken"]}}).json();
  CHECK(rest["repositories"].size() == 1);
  CHECK_FALSE(rest.contains("nextToken"));
  CHECK(client.api("DescribeRepositories", {{"repositoryNames", {"no/such"}}}).code() ==
        "RepositoryNotFoundException");

  client.push("aa", "1");
  CHECK(client.api("DeleteRepository", {{"repositoryName", "aa"}}).code() == "RepositoryNotEmptyException");
  CHECK(client.api("DeleteRepository", {{"repositoryName", "aa"}, {"force", true}}).status == "200");
  CHECK(client.api("ListImages", {{"repositoryName", "aa"}}).code() == "RepositoryNotFoundException");
}

TEST_CASE("layers and images go in and out by the API alone") {
  Ecr ecr;
  REQUIRE(ecr.controls().set_mode("part-bytes", "4"));
  REQUIRE(ecr.controls().set_mode("least-part-bytes", "4"));
  EcrClient client(ecr);
  ecr.backend().create({.name = "app"});
  const std::string layer = "0123456789";
  const std::string digest = Digest::of(layer).to_string();
  const auto upload = [&](const std::string& bytes) {
    const std::string id = client.api("InitiateLayerUpload", {{"repositoryName", "app"}}).json()["uploadId"];
    std::size_t at = 0;
    for (; at < bytes.size(); at += 4) {
      const std::string part = bytes.substr(at, 4);
      const auto sent =
          client.api("UploadLayerPart", {{"repositoryName", "app"},
                                         {"uploadId", id},
                                         {"partFirstByte", at},
                                         {"partLastByte", at + part.size() - 1},
                                         {"layerPartBlob", davit::crypto::base64_encode(part)}});
      REQUIRE(sent.json()["lastByteReceived"] == at + part.size() - 1);
    }
    return client.api(
        "CompleteLayerUpload",
        {{"repositoryName", "app"}, {"uploadId", id}, {"layerDigests", {Digest::of(bytes).to_string()}}});
  };
  CHECK(upload(layer).json()["layerDigest"] == digest);
  CHECK(upload(layer).code() == "LayerAlreadyExistsException");
  const auto lost = client.api("UploadLayerPart", {{"repositoryName", "app"},
                                                   {"uploadId", "gone"},
                                                   {"partFirstByte", 0},
                                                   {"partLastByte", 0},
                                                   {"layerPartBlob", "YQ=="}});
  CHECK(lost.code() == "UploadNotFoundException");
  const std::string second =
      client.api("InitiateLayerUpload", {{"repositoryName", "app"}}).json()["uploadId"];
  const auto gap = client.api("UploadLayerPart", {{"repositoryName", "app"},
                                                  {"uploadId", second},
                                                  {"partFirstByte", 5},
                                                  {"partLastByte", 5},
                                                  {"layerPartBlob", "YQ=="}});
  CHECK(gap.code() == "InvalidLayerPartException");
  CHECK(gap.json()["uploadId"] == second);
  CHECK(gap.json().contains("lastValidByteReceived"));
  CHECK(client
            .api("CompleteLayerUpload",
                 {{"repositoryName", "app"}, {"uploadId", second}, {"layerDigests", {digest}}})
            .code() == "EmptyUploadException");

  const std::string manifest = EcrClient::manifest_of({layer});
  const auto early =
      client.api("PutImage", {{"repositoryName", "app"}, {"imageManifest", manifest}, {"imageTag", "1"}});
  CHECK(early.code() == "LayersNotFoundException");
  upload("{}");
  CHECK(client.api("GetDownloadUrlForLayer", {{"repositoryName", "app"}, {"layerDigest", digest}}).code() ==
        "LayerInaccessibleException");
  const json put = {{"repositoryName", "app"}, {"imageManifest", manifest}, {"imageTag", "1"}};
  CHECK(client.api("PutImage", put).json()["image"]["imageId"]["imageDigest"] ==
        Digest::of(manifest).to_string());
  CHECK(client.api("PutImage", put).code() == "ImageAlreadyExistsException");
  auto other = put;
  other["imageDigest"] = digest;
  CHECK(client.api("PutImage", other).code() == "ImageDigestDoesNotMatchException");

  const auto available =
      client
          .api("BatchCheckLayerAvailability",
               {{"repositoryName", "app"}, {"layerDigests", {digest, Digest::of("no").to_string(), "junk"}}})
          .json();
  CHECK(available["layers"][0]["layerAvailability"] == "AVAILABLE");
  CHECK(available["layers"][0]["layerSize"] == 10);
  CHECK(available["layers"][0]["mediaType"] == "application/vnd.oci.image.layer.v1.tar+gzip");
  CHECK(available["layers"][1]["layerAvailability"] == "UNAVAILABLE");
  CHECK(available["failures"][0]["failureCode"] == "InvalidLayerDigest");

  const auto url = client.api("GetDownloadUrlForLayer", {{"repositoryName", "app"}, {"layerDigest", digest}})
                       .json()["downloadUrl"]
                       .get<std::string>();
  CHECK(ask("GET", url).body == layer);

  const auto got = client
                       .api("BatchGetImage", {{"repositoryName", "app"},
                                              {"imageIds",
                                               {{{"imageTag", "1"}},
                                                {{"imageTag", "2"}},
                                                {{"imageTag", "1"}, {"imageDigest", digest}},
                                                {{"imageDigest", "junk"}},
                                                json::object()}}})
                       .json();
  REQUIRE(got["images"].size() == 1);
  CHECK(got["images"][0]["imageManifest"] == manifest);
  CHECK(got["images"][0]["imageManifestMediaType"] == "application/vnd.oci.image.manifest.v1+json");
  std::vector<std::string> codes;
  for (const auto& failure : got["failures"]) codes.push_back(failure["failureCode"]);
  CHECK(codes == std::vector<std::string>{"ImageNotFound", "ImageTagDoesNotMatchDigest", "InvalidImageDigest",
                                          "MissingDigestAndTag"});
}

TEST_CASE("images are described, listed and deleted; children of an index stay") {
  Ecr ecr;
  EcrClient client(ecr);
  ecr.backend().create({.name = "app"});
  const std::string manifest = client.push("app", "1");
  const std::string digest = Digest::of(manifest).to_string();
  client.put_manifest("app", "2", manifest);
  const std::string index_type = "application/vnd.oci.image.index.v1+json";
  const std::string index = R"({"schemaVersion":2,"mediaType":")" + index_type + R"(","manifests":[)" +
                            EcrClient::descriptor_of("application/vnd.oci.image.manifest.v1+json", manifest) +
                            "]}";
  REQUIRE(client.put_manifest("app", Digest::of(index).to_string(), index, index_type).status == "201");

  const auto list = client.api("ListImages", {{"repositoryName", "app"}}).json()["imageIds"];
  CHECK(list.size() == 3);
  CHECK(client.api("ListImages", {{"repositoryName", "app"}, {"filter", {{"tagStatus", "UNTAGGED"}}}})
            .json()["imageIds"] == json{{{"imageDigest", Digest::of(index).to_string()}}});
  const auto detail =
      client.api("DescribeImages", {{"repositoryName", "app"}, {"imageIds", {{{"imageTag", "1"}}}}})
          .json()["imageDetails"];
  REQUIRE(detail.size() == 1);
  CHECK(detail[0]["imageTags"] == json{"1", "2"});
  CHECK(detail[0]["imageSizeInBytes"] == 7);
  CHECK(detail[0]["imagePushedAt"].is_number_float());
  CHECK_FALSE(detail[0].contains("lastRecordedPullTime"));
  client.registry("GET", "/v2/app/manifests/1");
  CHECK(client.api("DescribeImages", {{"repositoryName", "app"}, {"imageIds", {{{"imageTag", "1"}}}}})
            .json()["imageDetails"][0]
            .contains("lastRecordedPullTime"));
  const auto none =
      client.api("DescribeImages", {{"repositoryName", "app"}, {"imageIds", {{{"imageTag", "9"}}}}});
  CHECK(none.code() == "ImageNotFoundException");
  CHECK(none.message() ==
        "The image with imageId {imageDigest:'null', imageTag:'9'} does not exist within the repository with "
        "name "
        "'app' in the registry with id '123456789012'");

  const auto held =
      client.api("BatchDeleteImage", {{"repositoryName", "app"}, {"imageIds", {{{"imageDigest", digest}}}}});
  CHECK(held.status == "200");
  CHECK(held.json()["failures"][0]["failureCode"] == "ImageReferencedByManifestList");
  CHECK(client.api("BatchDeleteImage", {{"repositoryName", "app"}, {"imageIds", {{{"imageTag", "1"}}}}})
            .json()["imageIds"][0]["imageTag"] == "1");
  CHECK(ecr.storage().tags("app") == std::vector<std::string>{"2"});
  client.api("BatchDeleteImage",
             {{"repositoryName", "app"}, {"imageIds", {{{"imageDigest", Digest::of(index).to_string()}}}}});
  client.api("BatchDeleteImage", {{"repositoryName", "app"}, {"imageIds", {{{"imageTag", "2"}}}}});
  CHECK(ecr.storage().manifests("app").empty());
}

TEST_CASE("operations are denied, throttled and broken on demand") {
  Ecr ecr;
  EcrClient client(ecr);
  ecr.backend().create({.name = "app"});
  ecr.controls().deny("ListImages");
  const auto denied = client.api("ListImages", {{"repositoryName", "app"}});
  CHECK(denied.code() == "AccessDeniedException");
  CHECK(denied.message() ==
        "User: arn:aws:iam::123456789012:user/emulator is not authorized to perform: ecr:ListImages on "
        "resource: "
        "arn:aws:ecr:us-east-1:123456789012:repository/app because no identity-based policy allows the "
        "ecr:ListImages action");
  ecr.controls().allow_everything();
  CHECK(client.api("ListImages", {{"repositoryName", "app"}}).status == "200");
  CHECK(ecr.controls().calls("ListImages") == 2);

  REQUIRE(ecr.controls().set_mode("throttle", "ListImages:1"));
  CHECK(client.api("ListImages", {{"repositoryName", "app"}}).status == "200");
  const auto throttled = client.registry("GET", "/v2/app/tags/list");
  CHECK(throttled.status == "429");
  CHECK(throttled.code() == "TOOMANYREQUESTS");
  CHECK(throttled.message() == "Rate exceeded");
  CHECK(throttled.header("Retry-After").empty());
  CHECK(client.api("ListImages", {{"repositoryName", "app"}}).code() == "ThrottlingException");
  ecr.advance(1s);
  CHECK(client.api("ListImages", {{"repositoryName", "app"}}).status == "200");

  ecr.controls().fail_next({.operation = "DescribeRegistry", .status = 500, .times = 2});
  ecr.controls().fail_next({.operation = "DescribeRegistry", .kind = Fault::Kind::cut});
  CHECK(client.api("DescribeRegistry").code() == "ServerException");
  CHECK(client.api("DescribeRegistry").status == "500");
  CHECK(client.api("DescribeRegistry").status == "000");
  CHECK(client.api("DescribeRegistry").json()["registryId"] == "123456789012");
}

TEST_CASE("times come in the forms that AWS and its imitators use") {
  Ecr ecr;
  EcrClient client(ecr);
  REQUIRE(ecr.controls().set_mode("timestamps", "exponent"));
  const auto text = client.api("GetAuthorizationToken").body;
  const auto at = text.find("\"expiresAt\":");
  REQUIRE(at != std::string::npos);
  CHECK(text.substr(at, 40).find("E+09") != std::string::npos);
  CHECK(json::parse(text)["authorizationData"][0]["expiresAt"].is_number_float());
  REQUIRE(ecr.controls().set_mode("timestamps", "iso"));
  CHECK(client.api("GetAuthorizationToken")
            .json()["authorizationData"][0]["expiresAt"]
            .get<std::string>()
            .ends_with("+00:00"));
}

TEST_CASE("instances and containers get credentials that sign") {
  Ecr ecr;
  EcrClient client(ecr);
  const std::string keys = ecr.api_url() + "/latest/meta-data/iam/security-credentials/";
  const std::string ttl = "X-aws-ec2-metadata-token-ttl-seconds: 21600";
  const auto works = [&](const Answer& answer) {
    const auto given = answer.json();
    client.become({.key_id = given["AccessKeyId"],
                   .secret = given["SecretAccessKey"],
                   .session_token = given["Token"],
                   .arn = "",
                   .user_id = "",
                   .account = ""});
    return client.api("GetAuthorizationToken").status == "200";
  };
  CHECK(ask("GET", keys).status == "401");
  CHECK(ask("PUT", ecr.api_url() + "/latest/api/token").status == "400");
  const std::string token =
      "X-aws-ec2-metadata-token: " + ask("PUT", ecr.api_url() + "/latest/api/token", "", {"-H", ttl}).body;
  const std::string role = ask("GET", keys, "", {"-H", token}).body;
  CHECK(works(ask("GET", keys + role, "", {"-H", token})));
  CHECK(ask("GET", ecr.api_url() + "/latest/meta-data/placement/region", "", {"-H", token}).body ==
        "us-east-1");
  for (const char* status : {"401", "403", "404", "405"}) {
    REQUIRE(ecr.controls().set_mode("imds-token", status));
    CHECK(ask("PUT", ecr.api_url() + "/latest/api/token", "", {"-H", ttl}).status == status);
  }
  CHECK(works(ask("GET", keys + role)));  // version 1

  const std::string container = ecr.api_url() + "/v2/credentials/task";
  CHECK(works(ask("GET", container)));
  REQUIRE(ecr.controls().set_mode("container-token", "secret"));
  CHECK(ask("GET", container).status == "401");
  CHECK(works(ask("GET", container, "", {"-H", "Authorization: secret"})));
}

TEST_CASE("the public API answers in shapes of its own") {
  Ecr ecr({.region = "us-west-2"});
  EcrClient client(ecr);
  const EcrClient::Signing how{
      .service = "ecr-public", .region = "us-east-1", .prefix = "SpencerFrontendService."};
  const auto given = client.api("GetAuthorizationToken", json::object(), how).json()["authorizationData"];
  REQUIRE(given.is_object());
  CHECK_FALSE(given.contains("proxyEndpoint"));
  CHECK(client.api("BatchGetImage", {{"repositoryName", "app"}}, how).code() == "UnknownOperationException");
}

TEST_CASE("modes are checked when they are set") {
  davit::emulator::Modes modes;
  CHECK(modes.is("mount", "off"));
  CHECK(modes.set("mount", "on"));
  CHECK(modes.is("mount", "on"));
  const auto unknown = modes.set("no-such", "1");
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().hint.find("mount") != std::string::npos);
  CHECK_FALSE(modes.set("mount", "perhaps"));
  CHECK_FALSE(modes.set("max-layers", "many"));
  CHECK(modes.set("throttle", "PutImage:10"));
  for (const auto& mode : davit::emulator::all_modes()) {
    INFO(mode.name);
    CHECK((mode.fallback.empty() || modes.set(mode.name, mode.fallback)));
  }
}
