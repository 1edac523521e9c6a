#include "crypto/base64.h"
#include "support/catch.h"
#include "support/ecr_client.h"

using davit::Digest;
using davit::emulator::Access;
using davit::emulator::Ecr;
using davit::emulator::Fault;
using davit::test::Answer;
using davit::test::ask;
using davit::test::EcrClient;
using namespace std::chrono_literals;

namespace {

/// An emulator with the repository "app", and somebody who uses it.
struct Setup {
  Ecr ecr;
  EcrClient client{ecr};

  explicit Setup(const davit::emulator::EcrOptions& options = {}) : ecr(options) {
    ecr.backend().create({.name = "app"});
  }
  void mode(const std::string& name, const std::string& value) {
    REQUIRE(ecr.controls().set_mode(name, value));
  }
  std::string begin() { return client.registry("POST", "/v2/app/blobs/uploads/").header("Location"); }
  static std::string digest_query(const std::string& bytes) {
    return "?digest=" + Digest::of(bytes).to_string();
  }
};

}  // namespace

TEST_CASE("strangers are told how to come in, in ECR's way") {
  Setup setup;
  const auto stranger = ask("GET", setup.ecr.url() + "/v2/");
  CHECK(stranger.status == "401");
  CHECK(stranger.body == "Not Authorized\n");
  CHECK(stranger.header("Www-Authenticate") ==
        "Basic realm=\"" + setup.ecr.url() + "/\",service=\"ecr.amazonaws.com\"");
  CHECK(stranger.header("Docker-Distribution-Api-Version") == "registry/2.0");

  const Ecr elsewhere({.region = "eu-west-1"});
  setup.client.use_token(elsewhere.authorization_token());
  CHECK(setup.client.registry("GET", "/v2/").status == "400");
  for (const char* junk : {"not!base64", "QVdTOmp1bms=", "am9lOnNlY3JldA=="}) {
    setup.client.use_token(junk);
    CHECK(setup.client.registry("GET", "/v2/").status == "400");
    CHECK(setup.client.registry("GET", "/v2/").header("Www-Authenticate").empty());
  }
  CHECK(ask("GET", setup.ecr.url() + "/v2/", "", {"-H", "Authorization: Bearer x"}).status == "401");
}

TEST_CASE("a blob goes in with POST and PUT, and out by way of the store") {
  Setup setup;
  auto& client = setup.client;
  const auto begun = client.registry("POST", "/v2/app/blobs/uploads/");
  CHECK(begun.status == "202");
  CHECK(begun.header("Location").starts_with(setup.ecr.url() + "/v2/app/blobs/uploads/"));
  CHECK(begun.header("Location").find("_state") == std::string::npos);
  CHECK(begun.header("Range") == "0-0");
  const auto put =
      client.registry("PUT", begun.header("Location") + Setup::digest_query("0123456789"), "0123456789");
  CHECK(put.status == "201");
  CHECK(put.header("Docker-Content-Digest").empty());
  const std::string blob = "/v2/app/blobs/" + Digest::of("0123456789").to_string();
  const auto head = client.registry("HEAD", blob);
  CHECK(head.status == "200");
  CHECK(head.header("Content-Length") == "10");

  CHECK(client.registry("GET", blob).code() == "BLOB_UNKNOWN");  // no image uses it yet
  client.push("app", "1", "0123456789");
  const auto sent = client.registry("GET", blob);
  CHECK(sent.status == "307");
  const std::string url = sent.header("Location");
  CHECK(url.starts_with("http://" + setup.ecr.store_authority() + "/e501-123456789012-"));
  CHECK(setup.ecr.store_authority() != setup.ecr.authority());
  CHECK(ask("GET", url).body == "0123456789");
  const auto both = ask("GET", url, "", {"-H", "Authorization: Basic x"});
  CHECK(both.status == "400");
  CHECK(both.body.find("<Code>InvalidArgument</Code>") != std::string::npos);
  CHECK(ask("HEAD", url).status == "403");
  CHECK(ask("GET", url.substr(0, url.size() - 1) + (url.back() == '0' ? "1" : "0"))
            .body.find("SignatureDoesNotMatch") != std::string::npos);
  CHECK(ask("GET", url, "", {"-H", "Host: other.example.com"}).status == "403");
  const auto middle = ask("GET", url, "", {"-r", "3-5"});
  CHECK(middle.status == "206");
  CHECK(middle.body == "345");
  const auto several = ask("GET", url, "", {"-H", "Range: bytes=0-1,4-5"});
  CHECK(several.status == "200");
  CHECK(several.body == "0123456789");
  const auto beyond = ask("GET", url, "", {"-r", "10-"});
  CHECK(beyond.status == "416");
  CHECK(beyond.body.find("<Code>InvalidRange</Code>") != std::string::npos);
  setup.ecr.advance(1h);
  CHECK(ask("GET", url).body.find("Request has expired") != std::string::npos);
  CHECK(setup.ecr.log(Access::Port::store).size() == 9);

  setup.mode("small-blobs", "direct");
  CHECK(client.registry("GET", blob).body == "0123456789");
}

TEST_CASE("chunks are answered with 201 and a Range that sticks at the first part") {
  Setup setup;
  setup.mode("part-bytes", "4");
  setup.mode("least-part-bytes", "4");
  auto& client = setup.client;
  const auto patch = [&](const std::string& where, const std::string& range, const std::string& bytes) {
    return client.registry("PATCH", where, bytes, {"-H", "Content-Range: " + range});
  };
  const std::string where = setup.begin();
  const auto first = patch(where, "0-3", "0123");
  CHECK(first.status == "201");
  CHECK(first.header("Range") == "0-3");
  const auto second = patch(where, "4-7", "4567");
  CHECK(second.header("Range") == "0-3");
  const auto again = patch(where, "0-3", "0123");
  CHECK(again.status == "416");
  CHECK(again.code() == "BLOB_UPLOAD_INVALID");
  CHECK(again.message() == "First byte of the layer part is 0 instead of 8");
  CHECK(client.registry("PUT", where + Setup::digest_query("0123456789"), "89", {"-H", "Content-Range: 8-9"})
            .status == "201");
  CHECK(client.registry("PUT", where + Setup::digest_query("0123456789")).status ==
        "404");  // the session is over
  CHECK(setup.ecr.controls().calls("UploadLayerPart") == 3);

  const std::string docker = setup.begin();
  CHECK(client.registry("PATCH", docker, "0123456789").status == "201");
  CHECK(client.registry("PATCH", docker, "0123456789").status == "416");  // sent again by itself
  CHECK(client.registry("PUT", docker + Setup::digest_query("0123456789")).status == "201");

  const std::string small = setup.begin();
  patch(small, "0-2", "012");
  patch(small, "3-4", "34");
  const auto refused = client.registry("PUT", small + Setup::digest_query("01234"));
  CHECK(refused.status == "400");
  CHECK(refused.message() == "All layer parts except the last part should be at least 5MB");
  CHECK(client.registry("PUT", small + Setup::digest_query("01234")).status == "404");

  const std::string bare = setup.begin();
  setup.mode("unranged-body", "append");
  client.registry("PATCH", bare, "0123");
  CHECK(client.registry("PUT", bare + Setup::digest_query("01234567"), "4567").status == "201");
}

TEST_CASE("uploads end in the ways that ECR knows, and cannot be asked or cancelled") {
  Setup setup;
  auto& client = setup.client;
  const auto empty = client.registry("PUT", setup.begin() + Setup::digest_query(""));
  CHECK(empty.status == "400");
  CHECK(empty.code() == "BLOB_UPLOAD_INVALID");
  CHECK(empty.message().ends_with(
      "in the repository with name 'app' in registry with id '123456789012' cannot be "
      "completed because it does not have any parts"));
  const std::string where = setup.begin();
  const auto lie = client.registry("PUT", where + Setup::digest_query("a"), "b");
  CHECK(lie.status == "400");
  CHECK(lie.message() == "None of the provided layer digests match the calculated layer digest");
  CHECK(client.registry("PUT", where + Setup::digest_query("b"), "b").status == "404");
  const std::string open = setup.begin();
  CHECK(client.registry("GET", open).status == "404");
  CHECK(client.registry("DELETE", open).status == "404");
  setup.mode("upload-query", "204");
  setup.mode("upload-cancel", "204");
  CHECK(client.registry("GET", open).status == "204");
  CHECK(client.registry("DELETE", open).status == "204");
  CHECK(setup.ecr.storage().open_uploads() == 0);
  const std::string single = "/v2/app/blobs/uploads/" + Setup::digest_query("x");
  CHECK(client.registry("POST", single, "x").status == "202");
  setup.mode("single-post", "store");
  CHECK(client.registry("POST", single, "x").status == "201");
  setup.mode("upload-location", "relative");
  CHECK(setup.begin().starts_with("/v2/app/blobs/uploads/"));
}

TEST_CASE("a missing repository is refused, cut or created") {
  Setup setup;
  auto& client = setup.client;
  const auto refused = client.registry("POST", "/v2/new/blobs/uploads/");
  CHECK(refused.status == "404");
  CHECK(refused.code() == "NAME_UNKNOWN");
  CHECK(refused.message() ==
        "The repository with name 'new' does not exist in the registry with id '123456789012'");
  setup.mode("missing-repository", "cut");
  CHECK(client.registry("POST", "/v2/new/blobs/uploads/").status == "000");
  setup.mode("missing-repository", "create");
  setup.ecr.controls().deny("CreateRepository");
  CHECK(client.registry("POST", "/v2/new/blobs/uploads/").status == "403");
  setup.ecr.controls().allow_everything();
  CHECK(client.registry("POST", "/v2/new/blobs/uploads/").status == "202");
  CHECK(setup.ecr.backend().has("new"));

  setup.ecr.controls().deny("InitiateLayerUpload", "app");
  const auto denied = client.registry("POST", "/v2/app/blobs/uploads/");
  CHECK(denied.status == "403");
  CHECK(denied.message().find("is not authorized to perform: ecr:InitiateLayerUpload on resource: "
                              "arn:aws:ecr:us-east-1:123456789012:repository/app") != std::string::npos);
  CHECK(client.registry("POST", "/v2/new/blobs/uploads/").status == "202");
  setup.mode("upload-denied", "cut");
  CHECK(client.registry("POST", "/v2/app/blobs/uploads/").status == "000");
}

TEST_CASE("mounting needs the setting, an image that uses the blob, and the same encryption") {
  Setup setup;
  auto& client = setup.client;
  client.push("app", "1", "shared");
  client.put_blob("app", "loose");
  setup.ecr.backend().create({.name = "to"});
  setup.ecr.backend().create({.name = "sealed", .encryption = "KMS"});
  const auto mount = [&](const std::string& to, const std::string& bytes) {
    return client
        .registry("POST",
                  "/v2/" + to + "/blobs/uploads/?mount=" + Digest::of(bytes).to_string() + "&from=app")
        .status;
  };
  CHECK(mount("to", "shared") == "202");
  CHECK(client.api("PutAccountSetting", {{"name", "BLOB_MOUNTING"}, {"value", "ENABLED"}}).status == "200");
  CHECK(client.api("GetAccountSetting", {{"name", "BLOB_MOUNTING"}}).json()["value"] == "ENABLED");
  CHECK(mount("to", "loose") == "202");
  CHECK(mount("sealed", "shared") == "202");
  setup.ecr.controls().deny("GetDownloadUrlForLayer", "app");
  CHECK(mount("to", "shared") == "202");
  setup.ecr.controls().allow_everything();
  CHECK(mount("to", "shared") == "201");
  CHECK(client.registry("HEAD", "/v2/to/blobs/" + Digest::of("shared").to_string()).status == "200");
}

TEST_CASE("manifests are read and written with the headers that ECR has and lacks") {
  Setup setup;
  auto& client = setup.client;
  const std::string manifest = client.push("app", "1");
  const std::string digest = Digest::of(manifest).to_string();
  const auto put = client.put_manifest("app", "2", manifest);
  CHECK(put.status == "201");
  CHECK(put.header("Location").empty());
  CHECK(put.header("Docker-Content-Digest").empty());
  const auto head = client.registry("HEAD", "/v2/app/manifests/2");
  CHECK(head.header("Docker-Content-Digest") == digest);
  CHECK(head.header("Content-Length") == std::to_string(manifest.size()));
  const auto got = client.registry("GET", "/v2/app/manifests/" + digest);
  CHECK(got.body == manifest);
  CHECK(got.header("Docker-Content-Digest").empty());
  CHECK(got.header("Content-Type") == "application/vnd.oci.image.manifest.v1+json");
  const auto none = client.registry("GET", "/v2/app/manifests/9");
  CHECK(none.status == "404");
  CHECK(none.code() == "MANIFEST_UNKNOWN");
  CHECK(none.message() == "Requested image not found");
  setup.mode("accept", "strict");
  const std::string other = "Accept: application/vnd.docker.distribution.manifest.v2+json";
  CHECK(client.registry("GET", "/v2/app/manifests/1", "", {"-H", other}).status == "404");
  setup.mode("put-digest", "on");
  CHECK(client.put_manifest("app", "2", manifest).header("Docker-Content-Digest") == digest);
}

TEST_CASE("manifests that ECR does not take are refused with 405") {
  Setup setup;
  auto& client = setup.client;
  client.push("app", "1");
  const auto reason = [&](const std::string& manifest, const std::string& type = "") {
    const auto refused = client.put_manifest(
        "app", "x", manifest, type.empty() ? "application/vnd.oci.image.manifest.v1+json" : type);
    CHECK(refused.status == "405");
    CHECK(refused.code() == "UNSUPPORTED");
    const std::string before = "Invalid parameter at 'ImageManifest' failed to satisfy constraint: '";
    const std::string message = refused.message();
    REQUIRE(message.starts_with(before));
    return message.substr(before.size(), message.size() - before.size() - 1);
  };
  const std::string syntax = "Invalid JSON syntax";
  CHECK(reason("no json") == syntax);
  CHECK(reason(EcrClient::manifest_of({"layer"}), "application/json") == syntax);
  CHECK(reason(EcrClient::manifest_of({})) == "Image has to have at least 1 layer");
  std::string parameters = EcrClient::manifest_of({"layer"});
  parameters.replace(parameters.find("tar+gzip"), 8, "tar;a=b");
  CHECK(reason(parameters) == syntax);
  CHECK(
      reason(
          R"({"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":")" +
              Digest::of("m").to_string() +
              R"(","size":1,"platform":{"os":"linux","architecture":"amd64","features":["a"]}}]})",
          "application/vnd.oci.image.index.v1+json") == syntax);
  setup.mode("max-layers", "2");
  CHECK(reason(EcrClient::manifest_of({"layer", "layer", "layer"})) ==
        "Limit on number of layers per image exceeded");
  setup.mode("empty-image", "accept");
  CHECK(client.put_manifest("app", "x", EcrClient::manifest_of({})).status == "201");
  setup.mode("max-images", "2");
  client.put_blob("app", "more");
  const auto full = client.put_manifest("app", "y", EcrClient::manifest_of({"more"}));
  CHECK(full.status == "403");
  CHECK(full.code() == "DENIED");
  CHECK(full.message().ends_with("already has the maximum allowed number of images which is '2'"));
}

TEST_CASE("what a manifest needs must be there, and the text names it") {
  Setup setup;
  auto& client = setup.client;
  client.put_blob("app", "{}");
  const std::string lost = Digest::of("lost").to_string();
  const auto layers = client.put_manifest("app", "1", EcrClient::manifest_of({"lost"}));
  CHECK(layers.status == "404");
  CHECK(layers.code() == "BLOB_UPLOAD_UNKNOWN");
  CHECK(layers.message() == "Layers with digests '[" + lost +
                                "]' required for pushing image into repository with name "
                                "'app' in the registry with id '123456789012' do not exist");
  setup.mode("missing-content", "400");
  const std::string type = "application/vnd.oci.image.index.v1+json";
  const auto children = client.put_manifest(
      "app", "1",
      R"({"schemaVersion":2,"manifests":[)" +
          EcrClient::descriptor_of("application/vnd.oci.image.manifest.v1+json", "lost") + "]}",
      type);
  CHECK(children.status == "400");
  CHECK(children.code() == "MANIFEST_BLOB_UNKNOWN");
  CHECK(children.message().starts_with("Images with digests '[" + lost + "]' required"));
}

TEST_CASE("an immutable tag refuses the same image too, an excluded one does not") {
  Setup setup;
  auto& client = setup.client;
  setup.ecr.backend().change("app", [](davit::emulator::RepositoryRecord& record) {
    record.mutability = {.mode = "IMMUTABLE_WITH_EXCLUSION", .exclusions = {"dev-*", "latest"}};
  });
  const std::string manifest = client.push("app", "v1");
  const auto again = client.put_manifest("app", "v1", manifest);
  CHECK(again.status == "400");
  CHECK(again.code() == "TAG_INVALID");
  CHECK(again.message() ==
        "The image tag 'v1' already exists in the 'app' repository and cannot be overwritten because "
        "the tag is immutable.");
  for (const char* tag : {"dev-1", "latest"}) {
    CHECK(client.put_manifest("app", tag, manifest).status == "201");
    CHECK(client.put_manifest("app", tag, manifest).status == "201");
  }
  CHECK(client.put_manifest("app", Digest::of(manifest).to_string(), manifest).status == "201");
  client.put_blob("app", "other");
  const auto moved = client.api(
      "PutImage",
      {{"repositoryName", "app"}, {"imageManifest", EcrClient::manifest_of({"other"})}, {"imageTag", "v1"}});
  CHECK(moved.code() == "ImageTagAlreadyExistsException");
  setup.ecr.backend().change("app", [](davit::emulator::RepositoryRecord& record) {
    record.mutability = {.mode = "MUTABLE_WITH_EXCLUSION", .exclusions = {"v*"}};
  });
  CHECK(client.put_manifest("app", "v1", manifest).status == "400");
  CHECK(client.put_manifest("app", "dev-1", manifest).status == "201");
}

TEST_CASE("lists are scrambled, paged by opaque tokens, and called text") {
  Setup setup;
  auto& client = setup.client;
  const std::string manifest = client.push("app", "a");
  std::set<std::string> tags{"a"};
  for (const char* tag : {"b", "c", "d", "e"}) {
    client.put_manifest("app", tag, manifest);
    tags.insert(tag);
  }
  std::string next = "/v2/app/tags/list?n=2";
  std::vector<std::string> seen;
  int pages = 0;
  while (!next.empty()) {
    const auto page = client.registry("GET", next);
    REQUIRE(page.status == "200");
    CHECK(page.header("Content-Type").starts_with("text/plain"));
    const auto listed = page.json();
    for (const auto& tag : listed["tags"]) seen.push_back(tag);
    const std::string link = page.header("Link");
    if (!link.empty()) CHECK(link.starts_with("<" + setup.ecr.url() + "/v2/app/tags/list?last="));
    next = link.empty() ? "" : link.substr(1, link.find('>') - 1);
    REQUIRE(++pages < 10);
  }
  CHECK(pages == 3);
  CHECK(std::set<std::string>(seen.begin(), seen.end()) == tags);
  CHECK_FALSE(std::is_sorted(seen.begin(), seen.end()));
  const auto many = client.registry("GET", "/v2/app/tags/list?n=1001");
  CHECK(many.status == "405");
  CHECK(many.message() ==
        "Invalid parameter at 'maxResults' failed to satisfy constraint: 'Member must have value less "
        "than or equal to 1000'");
  CHECK(client.registry("GET", "/v2/app/tags/list?last=a").status == "405");
  CHECK(client.registry("GET", "/v2/_catalog").json()["repositories"][0] == "app");
  CHECK(client.registry("GET", "/v2/no/tags/list").code() == "NAME_UNKNOWN");
  setup.mode("tag-order", "sorted");
  CHECK(client.registry("GET", "/v2/app/tags/list").json()["tags"].get<std::set<std::string>>() == tags);
}

TEST_CASE("images are deleted by digest, children of an index are kept") {
  Setup setup;
  auto& client = setup.client;
  const std::string manifest = client.push("app", "1");
  const std::string digest = "/v2/app/manifests/" + Digest::of(manifest).to_string();
  const std::string type = "application/vnd.oci.image.index.v1+json";
  const std::string index = R"({"schemaVersion":2,"manifests":[)" +
                            EcrClient::descriptor_of("application/vnd.oci.image.manifest.v1+json", manifest) +
                            "]}";
  REQUIRE(client.put_manifest("app", "all", index, type).status == "201");
  CHECK(client.registry("DELETE", digest).status == "403");
  CHECK(client.registry("DELETE", "/v2/app/manifests/all").status == "405");
  setup.mode("delete-tag", "202");
  CHECK(client.registry("DELETE", "/v2/app/manifests/all").status == "202");
  setup.mode("delete-manifest", "404");
  CHECK(client.registry("DELETE", digest).body == "404 page not found\n");
  setup.mode("delete-manifest", "202");
  CHECK(client.registry("DELETE", digest).status == "202");
  CHECK(client.registry("DELETE", digest).code() == "MANIFEST_UNKNOWN");
  CHECK(setup.ecr.storage().manifests("app").empty());
}

TEST_CASE("referrers come in pages, filtered or not") {
  Setup setup;
  auto& client = setup.client;
  const std::string manifest = client.push("app", "1");
  const std::string subject =
      R"(,"subject":)" + EcrClient::descriptor_of("application/vnd.oci.image.manifest.v1+json", manifest);
  for (const char* type : {"a/sbom", "a/signature", "a/other"}) {
    const auto referrer =
        EcrClient::manifest_of({"layer"}, std::string(R"(,"artifactType":")") + type + "\"" + subject);
    const auto put = client.put_manifest("app", Digest::of(referrer).to_string(), referrer);
    REQUIRE(put.status == "201");
    CHECK(put.header("OCI-Subject") == Digest::of(manifest).to_string());
  }
  const std::string all = "/v2/app/referrers/" + Digest::of(manifest).to_string();
  CHECK(client.registry("GET", all + "?artifactType=a/sbom").json()["manifests"].size() == 3);
  setup.mode("referrers-filter", "on");
  const auto filtered = client.registry("GET", all + "?artifactType=a/sbom");
  CHECK(filtered.json()["manifests"].size() == 1);
  CHECK(filtered.header("OCI-Filters-Applied") == "artifactType");
  setup.mode("referrers-page", "2");
  const auto first = client.registry("GET", all);
  CHECK(first.json()["manifests"].size() == 2);
  const std::string link = first.header("Link");
  REQUIRE_FALSE(link.empty());
  CHECK(client.registry("GET", link.substr(1, link.find('>') - 1)).json()["manifests"].size() == 1);
  const auto listed =
      client.api("ListImageReferrers", {{"repositoryName", "app"},
                                        {"subjectId", {{"imageDigest", Digest::of(manifest).to_string()}}},
                                        {"filter", {{"artifactTypes", {"a/sbom", "a/other"}}}}});
  CHECK(listed.json()["referrers"].size() == 2);
}

TEST_CASE("the public registry wants bearer tokens and answers nobody's HEAD") {
  Setup setup;
  setup.client.push("app", "1");
  setup.mode("registry", "public");
  const std::string url = setup.ecr.url();
  const auto stranger = ask("GET", url + "/v2/");
  CHECK(stranger.status == "401");
  CHECK(stranger.header("Www-Authenticate") ==
        "Bearer realm=\"" + url + "/token/\",service=\"" + setup.ecr.authority() + "\",scope=\"aws\"");
  const auto bearer = [&](const std::string& credentials) {
    std::vector<std::string> more;
    if (!credentials.empty()) more = {"-H", "Authorization: Basic " + credentials};
    const auto given = ask("GET", url + "/token/?service=x&scope=aws", "", more);
    return "Authorization: Bearer " +
           (given.status == "200" ? given.json()["token"].get<std::string>() : given.status);
  };
  const std::string anonymous = bearer("");
  const std::string blob = url + "/v2/app/blobs/" + Digest::of("layer").to_string();
  CHECK(ask("GET", url + "/v2/app/manifests/1", "", {"-H", anonymous}).status == "200");
  CHECK(ask("HEAD", url + "/v2/app/manifests/1", "", {"-H", anonymous}).status == "200");
  CHECK(ask("HEAD", blob, "", {"-H", anonymous}).status == "401");
  CHECK(ask("GET", blob, "", {"-H", anonymous}).status == "307");
  CHECK(ask("GET", url + "/v2/", "", {"-H", bearer(setup.ecr.authorization_token())}).status == "200");
  CHECK(bearer("QVdTOmp1bms=") == "Authorization: Bearer 400");
  const auto basic = setup.client.registry("GET", "/v2/");  // a private token, as Basic
  CHECK(basic.status == "400");
  CHECK(basic.message() == "Your Authorization Token is invalid.");
  const std::string direct = "Authorization: Bearer " + setup.ecr.authorization_token();
  CHECK(ask("GET", url + "/v2/", "", {"-H", direct}).status == "400");
  setup.mode("public-basic-token", "accept");
  CHECK(ask("GET", url + "/v2/", "", {"-H", direct}).status == "200");
  setup.ecr.advance(1h);
  CHECK(ask("GET", url + "/v2/", "", {"-H", anonymous}).status == "400");
}

TEST_CASE("faults happen when they are asked for") {
  Setup setup;
  auto& client = setup.client;
  client.push("app", "1", "0123456789");
  auto& controls = setup.ecr.controls();
  controls.fail_next({.operation = "BatchGetImage", .status = 401});
  CHECK(client.registry("GET", "/v2/app/manifests/1").body == "Not Authorized\n");
  controls.fail_next({.operation = "BatchGetImage", .kind = Fault::Kind::text, .status = 404});
  CHECK(client.registry("GET", "/v2/app/manifests/1").body == "404 page not found\n");
  controls.fail_next({.operation = "BatchGetImage", .kind = Fault::Kind::corrupt});
  CHECK(client.registry("GET", "/v2/app/manifests/1").body !=
        client.registry("GET", "/v2/app/manifests/1").body);
  controls.fail_next({.operation = "InitiateLayerUpload", .status = 429});
  CHECK(client.registry("POST", "/v2/app/blobs/uploads/").code() == "TOOMANYREQUESTS");
  const std::string url =
      client.registry("GET", "/v2/app/blobs/" + Digest::of("0123456789").to_string()).header("Location");
  controls.fail_next({.operation = "Download", .status = 503});
  CHECK(ask("GET", url).body.find("<Code>SlowDown</Code>") != std::string::npos);
  controls.fail_next({.operation = "Download", .kind = Fault::Kind::corrupt});
  const std::string wrong = ask("GET", url).body;
  CHECK(wrong.size() == 10);
  CHECK(wrong != "0123456789");
  controls.fail_next({.operation = "Download", .kind = Fault::Kind::truncate, .after = 4});
  CHECK(ask("GET", url).body.size() <= 4);
  controls.fail_next({.operation = "Download", .kind = Fault::Kind::cut});
  CHECK(ask("GET", url).status == "000");
  CHECK(ask("GET", url).body == "0123456789");
}

TEST_CASE("the log says what every listener was asked, when the answer is out") {
  std::vector<Access> lines;
  davit::Mutex mutex;
  {
    Setup setup({.log = {.on_line = [&](const Access& line) {
                   davit::MutexLock lock(mutex);
                   lines.push_back(line);
                 }}});
    setup.client.registry("GET", "/v2/");
    setup.client.api("DescribeRegistry");
  }
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].port == Access::Port::registry);
  CHECK(lines[0].bytes_out == 2);
  CHECK(lines[1].port == Access::Port::api);
  CHECK(lines[1].operation == "DescribeRegistry");
  CHECK(lines[1].bytes_in == 2);
  CHECK(lines[1].bytes_out > 2);
}
