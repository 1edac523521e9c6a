// What is asked of the ECR API, and what its answers and refusals are taken for.
#include "aws/ecr_api.h"

#include <nlohmann/json.hpp>

#include "aws/denial.h"
#include "aws/ecr_native.h"
#include "support/catch.h"
#include "unit/aws/ecr_fakes.h"

using namespace davit;

namespace {

const CallContext kContext;

std::chrono::system_clock::time_point at(std::int64_t seconds) {
  return std::chrono::system_clock::time_point(std::chrono::seconds(seconds));
}

std::vector<Digest> some_digests(int count) {
  std::vector<Digest> out;
  for (int i = 0; i < count; ++i) out.push_back(Digest::of(std::to_string(i)));
  return out;
}

net::Response layers_of(const nlohmann::json& request) {
  nlohmann::json answer = {{"layers", nlohmann::json::array()}, {"failures", nlohmann::json::array()}};
  for (const auto& digest : request["layerDigests"]) {
    answer["layers"].push_back(nlohmann::json::object(
        {{"layerDigest", digest},
         {"layerAvailability", digest == Digest::of("7").to_string() ? "UNAVAILABLE" : "AVAILABLE"},
         {"something", "new"}}));
  }
  return says(200, answer.dump());
}

}  // namespace

TEST_CASE("an authorization token is read in every documented shape") {
  const std::string token = token_text("pa:ss");
  for (const std::string& expires :
       std::vector<std::string>{"1768521600.5", "1.7685216E9", "1768521600", "\"2026-01-16T00:00:00Z\""}) {
    INFO(expires);
    const auto grant =
        aws::parse_grant(R"({"authorizationData":[{"authorizationToken":")" + token + R"(","expiresAt":)" +
                         expires + R"(,"proxyEndpoint":"https://r.example","unknown":[1]}]})");
    REQUIRE(grant);
    CHECK(grant->token.reveal() == token);
    CHECK(std::chrono::floor<std::chrono::seconds>(grant->expires) == at(1768521600));
    CHECK(grant->proxy_endpoint == "https://r.example");
  }
  const auto open = aws::parse_grant(R"({"authorizationData":{"authorizationToken":")" + token + R"("}})");
  REQUIRE(open);
  CHECK(open->expires == std::chrono::system_clock::time_point::max());
}

TEST_CASE("an authorization token that is none is refused without being shown") {
  for (const std::string& body : std::vector<std::string>{
           "", "{}", "[]", R"({"authorizationData":[]})", R"({"authorizationData":[{}]})",
           R"({"authorizationData":[{"authorizationToken":"SECRETMARK\r\nX: y"}]})",
           R"({"authorizationData":[{"authorizationToken":"U0VDUkVUTUFSSw=="}]})"}) {
    INFO(body);
    const auto grant = aws::parse_grant(body);
    REQUIRE_FALSE(grant);
    CHECK(grant.error().message.find("SECRETMARK") == std::string::npos);
    CHECK(grant.error().code == Errc::protocol);
  }
}

TEST_CASE("blobs are looked for a hundred at a time") {
  FakeIdentity identity;
  FakeApi api([](const aws::ApiCall& call) -> Result<net::Response> {
    return layers_of(nlohmann::json::parse(call.body));
  });
  aws::EcrApi ecr(api, identity, site());
  const auto digests = some_digests(250);
  const auto layers = ecr.check_layers("team/app", digests, kContext);
  REQUIRE(layers);
  CHECK(layers->size() == 250);
  const auto calls = api.calls();
  REQUIRE(calls.size() == 3);
  const auto first = nlohmann::json::parse(calls[0].body);
  CHECK(first["layerDigests"].size() == 100);
  CHECK(first["repositoryName"] == "team/app");
  CHECK(first["registryId"] == "123456789012");
  CHECK(calls[0].target == "AmazonEC2ContainerRegistry_V20150921.BatchCheckLayerAvailability");
  CHECK(calls[0].endpoint.url.host() == "api.ecr.eu-west-1.amazonaws.com");
  CHECK(nlohmann::json::parse(calls[2].body)["layerDigests"].size() == 50);
}

TEST_CASE("a blob asked for twice is asked for once") {
  FakeIdentity identity;
  FakeApi api([](const aws::ApiCall& call) -> Result<net::Response> {
    return layers_of(nlohmann::json::parse(call.body));
  });
  const auto native = aws::make_ecr_native(api, identity, site());
  const std::vector<Digest> digests = {Digest::of("7"), Digest::of("1"), Digest::of("7"), Digest::of("1")};
  const auto there = native->has_blobs("app", digests, kContext);
  REQUIRE(there);
  CHECK(*there == std::vector<bool>{false, true, false, true});
  CHECK(nlohmann::json::parse(api.calls().front().body)["layerDigests"].size() == 2);
}

TEST_CASE("the public gallery is asked by alias, in its own service") {
  FakeIdentity identity;
  FakeApi api([](const aws::ApiCall& call) -> Result<net::Response> {
    return layers_of(nlohmann::json::parse(call.body));
  });
  aws::EcrApi ecr(api, identity, public_site());
  REQUIRE(ecr.check_layers("alias/team/app", some_digests(1), kContext));
  const auto call = api.calls().front();
  const auto body = nlohmann::json::parse(call.body);
  CHECK(body["registryId"] == "alias");
  CHECK(body["repositoryName"] == "team/app");
  CHECK(call.endpoint.service == "ecr-public");
  CHECK(call.endpoint.region == "us-east-1");
  CHECK(call.target == "SpencerFrontendService.BatchCheckLayerAvailability");
}

TEST_CASE("manifests of a batch keep their bytes, and one that does not fit its digest does not count") {
  const std::string bytes =
      R"({"schemaVersion":2, "mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]})";
  const std::string digest = Digest::of(bytes).to_string();
  FakeIdentity identity;
  FakeApi api([&](const aws::ApiCall&) -> Result<net::Response> {
    const auto image = [&](const std::string& tag, const std::string& text) {
      return nlohmann::json::object(
          {{"imageId", nlohmann::json::object({{"imageDigest", digest}, {"imageTag", tag}})},
           {"imageManifest", text},
           {"imageManifestMediaType", "application/vnd.oci.image.index.v1+json"}});
    };
    return says(200,
                nlohmann::json::object(
                    {{"images", nlohmann::json::array({image("good", bytes), image("bad", bytes + " ")})},
                     {"failures", nlohmann::json::array({nlohmann::json::object(
                                      {{"imageId", nlohmann::json::object({{"imageTag", "gone"}})},
                                       {"failureCode", "ImageNotFound"}})})}})
                    .dump());
  });
  const auto native = aws::make_ecr_native(api, identity, site());
  const std::vector<std::string> names = {"good", "bad", "gone"};
  const auto found = native->manifests("app", names, kContext);
  REQUIRE(found);
  REQUIRE(found->size() == 3);
  REQUIRE((*found)[0]);
  CHECK((*found)[0]->bytes() == bytes);
  CHECK_FALSE((*found)[1]);
  CHECK_FALSE((*found)[2]);
}

TEST_CASE("the newest tags come by push date, over pages") {
  FakeIdentity identity;
  FakeApi api([](const aws::ApiCall& call) -> Result<net::Response> {
    const auto request = nlohmann::json::parse(call.body);
    if (!request.contains("nextToken"))
      return says(200, R"({"nextToken":"n1","imageDetails":[
        {"imageTags":["old"],"imagePushedAt":1.0E9},{"imageTags":["newest"],"imagePushedAt":1.7E9}]})");
    return says(200, R"({"imageDetails":[{"imageTags":["middle","x"],"imagePushedAt":1600000000.25},
                         {"imageDigest":"sha256:00"}]})");
  });
  aws::EcrApi ecr(api, identity, site());
  const auto tags = ecr.newest_tags("app", 2, kContext);
  REQUIRE(tags);
  CHECK(*tags == std::vector<std::string>{"newest", "middle"});
  CHECK(api.calls().size() == 2);
}

TEST_CASE("a repository is made as asked, and one that is there counts as made") {
  FakeIdentity identity;
  int times = 0;
  FakeApi api([&](const aws::ApiCall&) -> Result<net::Response> {
    if (times++ == 0)
      return says(200, R"({"repository":{"repositoryArn":"arn:aws:ecr:x","repositoryName":"app"}})");
    return refuses("com.amazonaws.ecr#RepositoryAlreadyExistsException", "The repository already exists");
  });
  const auto native = aws::make_ecr_native(api, identity, site());
  const NewRepository how{.immutable = true,
                          .mutable_tags = {"latest*"},
                          .scan = true,
                          .kms_key = "alias/images",
                          .resource_tags = {{"team", "blue"}}};
  const auto made = native->create("app", how, kContext);
  REQUIRE(made);
  CHECK(*made);
  const auto body = nlohmann::json::parse(api.calls().front().body);
  CHECK(body["imageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION");
  CHECK(body["imageTagMutabilityExclusionFilters"][0]["filter"] == "latest*");
  CHECK(body["imageTagMutabilityExclusionFilters"][0]["filterType"] == "WILDCARD");
  CHECK(body["imageScanningConfiguration"]["scanOnPush"] == true);
  CHECK(body["encryptionConfiguration"]["encryptionType"] == "KMS");
  CHECK(body["encryptionConfiguration"]["kmsKey"] == "alias/images");
  CHECK(body["tags"][0]["Key"] == "team");
  CHECK(body["tags"][0]["Value"] == "blue");
  const auto again = native->create("app", how, kContext);
  REQUIRE(again);
  CHECK_FALSE(*again);
}

TEST_CASE("a new repository is given its lifecycle policy, one that is there is not") {
  FakeIdentity identity;
  bool there = false, may_put = true;
  FakeApi api([&](const aws::ApiCall& call) -> Result<net::Response> {
    if (call.operation == "PutLifecyclePolicy")
      return may_put ? says(200, "{}") : refuses("ServerException", "not today");
    if (there) return refuses("RepositoryAlreadyExistsException", "The repository already exists");
    return says(200, R"({"repository":{"repositoryArn":"arn:aws:ecr:x","repositoryName":"app"}})");
  });
  const auto native = aws::make_ecr_native(api, identity, site());
  const NewRepository how{.lifecycle_policy = R"({"rules":[1]})"};
  REQUIRE(native->create("app", how, kContext).value());
  REQUIRE(api.calls().size() == 2);
  CHECK(api.calls().back().operation == "PutLifecyclePolicy");
  const auto body = nlohmann::json::parse(api.calls().back().body);
  CHECK(body["repositoryName"] == "app");
  CHECK(body["lifecyclePolicyText"] == R"({"rules":[1]})");
  there = true;
  CHECK_FALSE(native->create("app", how, kContext).value());
  CHECK(api.calls().size() == 3);
  there = may_put = false;
  const auto half = native->create("app", how, kContext);
  REQUIRE_FALSE(half);
  CHECK(half.error().message.starts_with("made app without its lifecycle policy: "));
  CHECK_FALSE(half.error().hint.empty());
}

TEST_CASE("a repository that exists counts as our own when an earlier try may have made it") {
  FakeIdentity identity;
  FakeApi api([](const aws::ApiCall& call) -> Result<net::Response> {
    if (call.operation == "CreateRepository")
      return refuses("RepositoryAlreadyExistsException", "The repository already exists");
    return says(200, R"({"repositories":[{"repositoryArn":"arn:aws:ecr:x","repositoryName":"app"}]})");
  });
  aws::EcrApi ecr(api, identity, site());
  const auto other = ecr.create_repository({.name = "app"}, kContext);
  REQUIRE_FALSE(other);
  CHECK(other.error().code == Errc::already_exists);
  CHECK(api.calls().size() == 1);
  api.may_be_done = true;
  const auto own = ecr.create_repository({.name = "app"}, kContext);
  REQUIRE(own);
  CHECK(own->arn == "arn:aws:ecr:x");
}

TEST_CASE("in the public gallery a repository is made only below an alias of one's own, without settings") {
  FakeIdentity identity;
  FakeApi api([](const aws::ApiCall& call) -> Result<net::Response> {
    if (call.operation == "DescribeRegistries")
      return says(200, R"({"registries":[{"registryId":"123456789012","aliases":[
        {"name":"mine","status":"ACTIVE"},{"name":"wished","status":"PENDING"}]}]})");
    const auto name = nlohmann::json::parse(call.body)["repositoryName"].get<std::string>();
    return says(200, R"({"repository":{"repositoryName":")" + name + R"(","repositoryUri":"public.ecr.aws/)" +
                         (name == "odd" ? "other" : "mine") + "/" + name + R"("}})");
  });
  aws::EcrApi ecr(api, identity, public_site());
  for (const char* name : {"not-mine/app", "wished/app"}) {
    const auto foreign = ecr.create_repository({.name = name}, kContext);
    REQUIRE_FALSE(foreign);
    CHECK(foreign.error().code == Errc::denied);
    CHECK(foreign.error().hint.find("mine") != std::string::npos);
  }
  CHECK(ecr.create_repository({.name = "app"}, kContext).error().code == Errc::invalid_argument);
  CHECK(ecr.create_repository({.name = "mine/app", .scan_on_push = true}, kContext).error().code ==
        Errc::unsupported);
  for (const aws::ApiCall& call : api.calls()) CHECK(call.operation == "DescribeRegistries");
  const auto made = ecr.create_repository({.name = "mine/team/app", .tags = {{"a", "b"}}}, kContext);
  REQUIRE(made);
  const auto body = nlohmann::json::parse(api.calls().back().body);
  CHECK(body["repositoryName"] == "team/app");
  CHECK_FALSE(body.contains("registryId"));
  CHECK(body["tags"][0]["Key"] == "a");
  CHECK(ecr.create_repository({.name = "mine/odd"}, kContext).error().code == Errc::protocol);
}

TEST_CASE("manifests are asked for a few at a time, for they may be long") {
  FakeIdentity identity;
  FakeApi api([](const aws::ApiCall&) -> Result<net::Response> { return says(200, R"({"images":[]})"); });
  aws::EcrApi ecr(api, identity, site());
  std::vector<std::string> names;
  for (const Digest& each : some_digests(45)) names.push_back(each.to_string());
  REQUIRE(ecr.get_images("app", names, kContext));
  std::size_t asked = 0;
  for (const aws::ApiCall& call : api.calls()) {
    const auto ids = nlohmann::json::parse(call.body)["imageIds"].size();
    CHECK(ids <= 20);
    asked += ids;
  }
  CHECK(asked == 45);
}

TEST_CASE("refusals are told apart by what AWS says, never by the status") {
  FakeIdentity identity;
  const std::string arn = "arn:aws:sts::123456789012:assumed-role/ci/" + std::string(90, 's');
  struct Case {
    std::string code, message;
    int status;
    Errc expected;
    std::string shown;
  };
  for (const Case& each : std::vector<Case>{
           {"AccessDeniedException",
            "User: " + arn +
                " is not authorized to perform: ecr:GetAuthorizationToken on resource: * because no "
                "identity-based policy allows the ecr:GetAuthorizationToken action",
            400, Errc::denied, "ecr:GetAuthorizationToken is not allowed on * for " + arn},
           {"ExpiredTokenException", "The security token included in the request is expired", 403,
            Errc::unauthenticated, "ExpiredTokenException"},
           {"ExpiredTokenException", "The security token included in the request is expired", 400,
            Errc::unauthenticated, "ExpiredTokenException"},
           {"UnrecognizedClientException", "The security token is invalid", 400, Errc::unauthenticated,
            "UnrecognizedClientException"},
           {"LimitExceededException", "The maximum number of repositories", 400, Errc::unsupported,
            "LimitExceededException"},
           {"RepositoryNotFoundException", "The repository with name 'app' does not exist", 400,
            Errc::not_found, "does not exist"},
           {"KmsException", "The key is not there", 400, Errc::denied, "KmsException"},
           {"ThrottlingException", "Rate exceeded", 400, Errc::rate_limited, "Rate exceeded"},
           {"ServerException", "oops", 500, Errc::unavailable, "ServerException"},
       }) {
    INFO(each.code);
    FakeApi api([&](const aws::ApiCall&) -> Result<net::Response> {
      return refuses(each.code, each.message, each.status);
    });
    aws::EcrApi ecr(api, identity, site());
    const auto answer = ecr.authorization_token(kContext);
    REQUIRE_FALSE(answer);
    INFO(answer.error().message);
    CHECK(answer.error().code == each.expected);
    CHECK(answer.error().message.find(each.shown) != std::string::npos);
    CHECK(answer.error().message.find("GetAuthorizationToken at api.ecr.eu-west-1.amazonaws.com") == 0);
  }
}

TEST_CASE("three meanings of a registry's 403 are told apart by their text") {
  CHECK(aws::refusal_of("Your authorization token has expired. Reauthenticate and try again.") ==
        aws::Refusal::expired);
  CHECK(aws::refusal_of("Your Authorization Token has expired. Please run 'aws ecr get-login'") ==
        aws::Refusal::expired);
  CHECK(aws::refusal_of("User: arn:x is not authorized to perform: ecr:PutImage on resource: arn:y") ==
        aws::Refusal::permission);
  CHECK(aws::refusal_of("already has the maximum allowed number of images which is '100000'") ==
        aws::Refusal::quota);
  CHECK(aws::refusal_of("") == aws::Refusal::unknown);
  CHECK(aws::refusal_of("denied: requested access to the resource is denied") == aws::Refusal::unknown);
}

TEST_CASE("an ECR password may say when it ends") {
  CHECK(aws::password_end(crypto::base64_encode(R"({"payload":"x","expiration":1768521600})")) ==
        at(1768521600));
  CHECK_FALSE(aws::password_end("hunter2"));
  CHECK_FALSE(aws::password_end(crypto::base64_encode("[1]")));
  CHECK_FALSE(aws::password_end(""));
}

TEST_CASE("tags come with what ECR tells about their images, a row each") {
  FakeIdentity identity;
  FakeApi api([](const aws::ApiCall& call) -> Result<net::Response> {
    const auto request = nlohmann::json::parse(call.body);
    CHECK(request["filter"]["tagStatus"] == "TAGGED");
    if (!request.contains("nextToken"))
      return says(200, R"({"nextToken":"n1","imageDetails":[{"imageDigest":")" + Digest::of("i").to_string() +
                           R"(","imageTags":["a","b"],"imagePushedAt":1.7E9,"imageSizeInBytes":1234,
                           "imageManifestMediaType":"m/t",
                           "artifactMediaType":"application/vnd.oci.image.config.v1+json"}]})");
    return says(200,
                R"({"imageDetails":[{"imageTags":["c"],"artifactMediaType":"x/sbom","imageSizeInBytes":-1},
                         {"imageDigest":"untagged"}]})");
  });
  const auto native = aws::make_ecr_native(api, identity, site());
  std::vector<ListedTag> rows;
  int pages = 0;
  const TagPage take = [&](std::span<const ListedTag> page) -> Result<> {
    ++pages;
    rows.insert(rows.end(), page.begin(), page.end());
    return {};
  };
  REQUIRE(native->describe_tags("app", take, kContext));
  CHECK(pages == 2);
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].name == "a");
  CHECK(rows[1].name == "b");
  for (const ListedTag& row : {rows[0], rows[1]}) {
    CHECK(row.digest == Digest::of("i"));
    CHECK(row.size == 1234u);
    CHECK(row.pushed == at(1700000000));
    CHECK(row.artifact_type.empty());
  }
  CHECK(rows[2].name == "c");
  CHECK(rows[2].artifact_type == "x/sbom");
  CHECK_FALSE(rows[2].size);
  CHECK_FALSE(rows[2].pushed);
  CHECK_FALSE(rows[2].digest);
}

TEST_CASE("repositories come page by page, and a page that repeats itself ends the list") {
  FakeIdentity identity;
  bool endless = false;
  FakeApi api([&](const aws::ApiCall& call) -> Result<net::Response> {
    const auto request = nlohmann::json::parse(call.body);
    CHECK(request["registryId"] == "123456789012");
    if (endless || !request.contains("nextToken"))
      return says(200, R"({"nextToken":"n1","repositories":[{"repositoryName":"a","createdAt":1.0E9}]})");
    return says(200, R"({"repositories":[{"repositoryName":"b"}]})");
  });
  const auto native = aws::make_ecr_native(api, identity, site());
  std::vector<ListedRepository> rows;
  const RepositoryPage take = [&](std::span<const ListedRepository> page) -> Result<> {
    rows.insert(rows.end(), page.begin(), page.end());
    return {};
  };
  REQUIRE(native->repositories(take, kContext));
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].name == "a");
  CHECK(rows[0].created == at(1000000000));
  CHECK(rows[1].name == "b");
  endless = true;
  const auto listed = native->repositories(take, kContext);
  REQUIRE_FALSE(listed);
  CHECK(listed.error().code == Errc::protocol);
}

TEST_CASE("a tag is deleted by its name alone, and never the last one of an image") {
  FakeIdentity identity;
  std::string tags = R"(["a","b"])";
  FakeApi api([&](const aws::ApiCall& call) -> Result<net::Response> {
    if (call.operation == "DescribeImages")
      return says(200, R"({"imageDetails":[{"imageDigest":"sha256:1","imageTags":)" + tags + "}]}");
    const auto request = nlohmann::json::parse(call.body);
    CHECK(request["imageIds"] == nlohmann::json::parse(R"([{"imageTag":"a"}])"));
    return says(200, R"({"imageIds":[{"imageDigest":"sha256:1","imageTag":"a"}],"failures":[]})");
  });
  const auto native = aws::make_ecr_native(api, identity, site());
  const std::string gone[] = {"b"};
  CHECK(native->check_tag_removal("app", "a", {}, kContext));
  CHECK(native->check_tag_removal("app", "a", gone, kContext).error().code == Errc::unsupported);
  REQUIRE(api.calls().size() == 2);  // only questions
  REQUIRE(native->remove_tag("app", "a", kContext));
  REQUIRE(api.calls().size() == 4);
  CHECK(api.calls().back().operation == "BatchDeleteImage");
  tags = R"(["a"])";
  const auto last = native->remove_tag("app", "a", kContext);
  REQUIRE_FALSE(last);
  CHECK(last.error().code == Errc::unsupported);
  CHECK(api.calls().size() == 5);
  CHECK(api.calls().back().operation == "DescribeImages");
}

TEST_CASE("what BatchDeleteImage did not do is an error, though the answer is a success") {
  FakeIdentity identity;
  std::string answer;
  FakeApi api([&](const aws::ApiCall&) -> Result<net::Response> { return says(200, answer); });
  const auto native = aws::make_ecr_native(api, identity, site());
  const auto removed = [&](const std::string& code) {
    answer = R"({"imageIds":[],"failures":[{"imageId":{},"failureCode":")" + code +
             R"(","failureReason":"because"}]})";
    return native->remove_image("app", Digest::of("i"), kContext);
  };
  CHECK(removed("ImageNotFound").error().code == Errc::not_found);
  CHECK(removed("ImageReferencedByManifestList").error().code == Errc::conflict);
  CHECK(removed("KmsError").error().code == Errc::unsupported);
  CHECK(removed("KmsError").error().message.find("because") != std::string::npos);
  answer = R"({"imageIds":[],"failures":[]})";
  CHECK(native->remove_image("app", Digest::of("i"), kContext).error().code == Errc::protocol);
  // An earlier try was left without an answer.
  api.may_be_done = true;
  CHECK(removed("ImageNotFound"));
}
