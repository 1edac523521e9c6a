#include <davit/digest.h>

#include "emulator/registry.h"
#include "support/catch.h"
#include "support/curl.h"
#include "support/process.h"
#include "support/temp_dir.h"

using davit::Digest;
using davit::emulator::Access;
using davit::emulator::Auth;
using davit::emulator::Behaviour;
using davit::emulator::Registry;
using davit::test::Answer;
using davit::test::ProcessResult;
using davit::test::TempDir;
using namespace std::chrono_literals;

namespace {

class Client {
 public:
  explicit Client(const Registry& registry) : registry_(registry) {}

  Answer ask(const std::string& method, const std::string& target, const std::string& body = "",
             std::vector<std::string> more = {}) {
    if (!body.empty()) more.insert(more.begin(), {"-H", "Content-Type: application/octet-stream"});
    const Answer answer = davit::test::ask(
        method, target.starts_with("http") ? target : registry_.url() + target, body, std::move(more));
    REQUIRE(answer.exit_code == 0);
    REQUIRE(answer.status != "000");
    return answer;
  }

  void put_blob(const std::string& repository, const std::string& bytes) {
    const auto begun = ask("POST", "/v2/" + repository + "/blobs/uploads/");
    REQUIRE(begun.status == "202");
    const auto done =
        ask("PUT", begun.header("Location") + "&digest=" + Digest::of(bytes).to_string(), bytes);
    CHECK(done.status == "201");
  }

 private:
  const Registry& registry_;
};

constexpr const char* kManifestType = "Content-Type: application/vnd.oci.image.manifest.v1+json";

std::string manifest_of(const std::string& config, const std::string& layer, const std::string& more = "") {
  const auto descriptor = [](const std::string& type, const std::string& bytes) {
    return R"({"mediaType":")" + type + R"(","digest":")" + Digest::of(bytes).to_string() + R"(","size":)" +
           std::to_string(bytes.size()) + "}";
  };
  return R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":)" +
         descriptor("application/vnd.oci.image.config.v1+json", config) + R"(,"layers":[)" +
         descriptor("application/vnd.oci.image.layer.v1.tar+gzip", layer) + "]" + more + "}";
}

}  // namespace

TEST_CASE("an image goes in and comes out") {
  Registry registry;
  Client client(registry);
  CHECK(client.ask("GET", "/v2/").status == "200");
  const std::string manifest = manifest_of("{}", "layer");
  const auto early = client.ask("PUT", "/v2/a/b/manifests/1", manifest, {"-H", kManifestType});
  CHECK(early.status == "400");
  CHECK(early.body.find("MANIFEST_BLOB_UNKNOWN") != std::string::npos);
  client.put_blob("a/b", "{}");
  client.put_blob("a/b", "layer");
  const auto put = client.ask("PUT", "/v2/a/b/manifests/1", manifest, {"-H", kManifestType});
  CHECK(put.status == "201");
  const auto digest = Digest::of(manifest).to_string();
  CHECK(put.header("Docker-Content-Digest") == digest);
  const auto got = client.ask("GET", "/v2/a/b/manifests/1");
  CHECK(got.body == manifest);
  CHECK(got.header("Content-Type") == "application/vnd.oci.image.manifest.v1+json");
  CHECK(client.ask("GET", "/v2/a/b/manifests/" + digest).body == manifest);
  const auto head = client.ask("HEAD", "/v2/a/b/manifests/1");
  CHECK(head.header("Content-Length") == std::to_string(manifest.size()));
  CHECK(head.body.empty());
  CHECK(client.ask("GET", "/v2/a/b/blobs/" + Digest::of("layer").to_string()).body == "layer");
  CHECK(client.ask("GET", "/v2/a/b/tags/list").body == R"({"name":"a/b","tags":["1"]})");
  CHECK(client.ask("GET", "/v2/_catalog").body == R"({"repositories":["a/b"]})");
  CHECK(client.ask("GET", "/v2/a/b/manifests/2").body.find("MANIFEST_UNKNOWN") != std::string::npos);
  CHECK(client.ask("GET", "/v2/no/tags/list").status == "404");
  CHECK(client.ask("GET", "/v2/UPPER/tags/list").status == "400");
  CHECK(registry.uploads().committed == 2);
  CHECK(registry.storage().open_uploads() == 0);
  CHECK(client.ask("DELETE", "/v2/a/b/manifests/" + digest).status == "202");
  CHECK(client.ask("GET", "/v2/a/b/manifests/1").status == "404");
  CHECK(client.ask("DELETE", "/v2/a/b/blobs/" + Digest::of("layer").to_string()).status == "202");
  CHECK(client.ask("HEAD", "/v2/a/b/blobs/" + Digest::of("layer").to_string()).status == "404");
}

TEST_CASE("a blob is read in ranges") {
  Registry registry;
  Client client(registry);
  client.put_blob("app", "0123456789");
  client.put_blob("app", "");
  const std::string blob = "/v2/app/blobs/" + Digest::of("0123456789").to_string();
  const auto middle = client.ask("GET", blob, "", {"-r", "3-5"});
  CHECK(middle.status == "206");
  CHECK(middle.header("Content-Range") == "bytes 3-5/10");
  CHECK(middle.body == "345");
  CHECK(client.ask("GET", blob, "", {"-r", "8-"}).body == "89");
  const auto beyond = client.ask("GET", blob, "", {"-r", "10-"});
  CHECK(beyond.status == "416");
  CHECK(beyond.header("Content-Range") == "bytes */10");
  CHECK(client.ask("GET", "/v2/app/blobs/" + Digest::of("").to_string()).status == "200");
  CHECK(registry.log("GET", blob)[0].bytes_out == 3);
}

TEST_CASE("chunks go where they belong or nowhere") {
  Registry registry;
  Client client(registry);
  const auto begun = client.ask("POST", "/v2/app/blobs/uploads/");
  const auto first = client.ask("PATCH", begun.header("Location"), "01234", {"-H", "Content-Range: 0-4"});
  CHECK(first.status == "202");
  CHECK(first.header("Range") == "0-4");
  const auto wrong = client.ask("PATCH", first.header("Location"), "89", {"-H", "Content-Range: 8-9"});
  CHECK(wrong.status == "416");
  CHECK(wrong.body.find("BLOB_UPLOAD_INVALID") != std::string::npos);
  const auto asked = client.ask("GET", first.header("Location"));
  CHECK(asked.status == "204");
  CHECK(asked.header("Range") == "0-4");
  const auto second = client.ask("PATCH", asked.header("Location"), "56789", {"-H", "Content-Range: 5-9"});
  CHECK(client.ask("PUT", second.header("Location") + "&digest=" + Digest::of("0123456789").to_string())
            .status == "201");
  CHECK(client.ask("PATCH", second.header("Location"), "x").status == "404");

  const auto other = client.ask("POST", "/v2/app/blobs/uploads/");
  const auto lie =
      client.ask("PUT", other.header("Location") + "&digest=" + Digest::of("a").to_string(), "b");
  CHECK(lie.status == "400");
  CHECK(lie.body.find("DIGEST_INVALID") != std::string::npos);
  const auto third = client.ask("POST", "/v2/app/blobs/uploads/");
  CHECK(client.ask("DELETE", third.header("Location")).status == "204");
  CHECK(client.ask("POST", "/v2/app/blobs/uploads/?digest=" + Digest::of("one go").to_string(), "one go")
            .status == "201");
  CHECK(registry.storage().open_uploads() == 0);
  CHECK(registry.uploads().begun == 4);
  CHECK(registry.uploads().committed == 2);
  CHECK(registry.uploads().cancelled == 1);
}

TEST_CASE("blobs are mounted, or an upload begins") {
  Registry registry;
  Client client(registry);
  client.put_blob("from", "shared");
  const auto digest = Digest::of("shared").to_string();
  CHECK(client.ask("POST", "/v2/to/blobs/uploads/?mount=" + digest + "&from=from").status == "201");
  CHECK(client.ask("GET", "/v2/to/blobs/" + digest).body == "shared");
  CHECK(client.ask("POST", "/v2/to/blobs/uploads/?mount=" + digest + "&from=elsewhere").status == "202");
  for (const int status : {202, 400, 401, 404, 405}) {
    registry.set({.mount_status = status});
    CHECK(client.ask("POST", "/v2/new/blobs/uploads/?mount=" + digest + "&from=from").status ==
          std::to_string(status));
  }
}

TEST_CASE("lists come in pages, referrers by subject") {
  Registry registry;
  Client client(registry);
  client.put_blob("app", "{}");
  client.put_blob("app", "layer");
  const auto manifest = manifest_of("{}", "layer");
  for (const char* tag : {"a", "b", "c", "d", "e"})
    client.ask("PUT", std::string("/v2/app/manifests/") + tag, manifest, {"-H", kManifestType});
  const auto page = client.ask("GET", "/v2/app/tags/list?n=2");
  CHECK(page.body == R"({"name":"app","tags":["a","b"]})");
  CHECK(page.header("Link") == "</v2/app/tags/list?last=b&n=2>; rel=\"next\"");
  const auto last = client.ask("GET", "/v2/app/tags/list?last=c&n=2");
  CHECK(last.body == R"({"name":"app","tags":["d","e"]})");
  CHECK(last.header("Link").empty());

  const auto subject = Digest::of(manifest).to_string();
  const auto child =
      manifest_of("{}", "layer",
                  R"(,"subject":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":")" +
                      subject + R"(","size":)" + std::to_string(manifest.size()) + "}");
  const auto put =
      client.ask("PUT", "/v2/app/manifests/" + Digest::of(child).to_string(), child, {"-H", kManifestType});
  CHECK(put.header("OCI-Subject") == subject);
  const auto list = client.ask("GET", "/v2/app/referrers/" + subject);
  CHECK(list.body.find(Digest::of(child).to_string()) != std::string::npos);
  CHECK(
      client.ask("GET", "/v2/app/referrers/" + Digest::of("no").to_string()).body.find("\"manifests\":[]") !=
      std::string::npos);
}

TEST_CASE("Basic and Bearer credentials, tokens that wear out") {
  Registry registry({.behaviour = {.auth = {.mode = Auth::Mode::basic, .user = "u", .password = "p"}}});
  Client client(registry);
  const auto stranger = client.ask("GET", "/v2/");
  CHECK(stranger.status == "401");
  CHECK(stranger.header("WWW-Authenticate").starts_with("Basic "));
  CHECK(client.ask("GET", "/v2/", "", {"-u", "u:p"}).status == "200");
  CHECK(client.ask("GET", "/v2/", "", {"-u", "u:q"}).status == "401");

  for (const bool own_port : {false, true}) {
    registry.set({.auth = {.mode = Auth::Mode::bearer,
                           .user = "u",
                           .password = "p",
                           .own_token_port = own_port,
                           .token_uses = 2}});
    const auto challenge = client.ask("GET", "/v2/app/tags/list").header("WWW-Authenticate");
    CHECK(challenge == "Bearer realm=\"http://" + registry.token_authority() +
                           "/token\",service=\"emulator\",scope=\"repository:app:pull\"");
    CHECK((registry.token_authority() == registry.authority()) != own_port);
    const std::string tokens =
        "http://" + registry.token_authority() + "/token?service=emulator&scope=repository:app:pull";
    CHECK(client.ask("GET", tokens).status == "401");
    const auto given = client.ask("GET", tokens, "", {"-u", "u:p"});
    REQUIRE(given.status == "200");
    const auto from = given.body.find("\"token\":\"") + 9;
    const std::string bearer =
        "Authorization: Bearer " + given.body.substr(from, given.body.find('"', from) - from);
    CHECK(client.ask("POST", "/v2/app/blobs/uploads/", "", {"-H", bearer}).status == "401");
    CHECK(client.ask("GET", "/v2/app/tags/list", "", {"-H", bearer}).status == "404");
    CHECK(client.ask("GET", "/v2/app/tags/list", "", {"-H", bearer}).status == "404");
    CHECK(client.ask("GET", "/v2/app/tags/list", "", {"-H", bearer})
              .header("WWW-Authenticate")
              .ends_with("error=\"invalid_token\""));
  }
  CHECK(registry.log(Access::Port::tokens).size() == 4);
}

TEST_CASE("blob downloads go to the store, which knows no Authorization") {
  Registry registry({.behaviour = {.redirect_blobs = true, .store_url_uses = 1}});
  Client client(registry);
  client.put_blob("app", "0123456789");
  const std::string blob = "/v2/app/blobs/" + Digest::of("0123456789").to_string();
  CHECK(client.ask("HEAD", blob).status == "200");
  const auto sent = client.ask("GET", blob);
  CHECK(sent.status == "307");
  const auto url = sent.header("Location");
  CHECK(url.find(registry.store_authority()) != std::string::npos);
  CHECK(client.ask("GET", url, "", {"-H", "Authorization: Bearer x"}).status == "400");
  CHECK(client.ask("GET", url, "", {"-r", "5-"}).body == "56789");
  CHECK(client.ask("GET", url).status == "403");
  CHECK(client.ask("GET", url + "0").status == "403");
  registry.set({.redirect_blobs = true, .store_url_life = 0ms});
  CHECK(client.ask("GET", client.ask("GET", blob).header("Location")).status == "403");
}

TEST_CASE("departures from the usual way") {
  Registry registry;
  Client client(registry);
  client.put_blob("app", "{}");
  client.put_blob("app", "layer");
  client.put_blob("app", "other");
  const auto one = manifest_of("{}", "layer");
  const auto two = manifest_of("{}", "other");
  const auto put = [&](const std::string& manifest) {
    return client.ask("PUT", "/v2/app/manifests/t", manifest, {"-H", kManifestType});
  };

  SECTION("immutable tags") {
    registry.set({.immutable_tags = true});
    CHECK(put(one).status == "201");
    CHECK(put(one).status == "201");
    CHECK(put(two).status == "409");
    CHECK(client.ask("GET", "/v2/app/manifests/t").body == one);
  }
  SECTION("no digest headers") {
    registry.set({.digest_headers = false});
    CHECK(put(one).header("Docker-Content-Digest").empty());
    CHECK(client.ask("GET", "/v2/app/manifests/t").header("Docker-Content-Digest").empty());
  }
  SECTION("what is new cannot be seen at first") {
    registry.set({.hidden_lookups = 2});
    CHECK(put(one).status == "201");
    CHECK(client.ask("GET", "/v2/app/manifests/t").status == "404");
    CHECK(client.ask("GET", "/v2/app/manifests/t").status == "404");
    CHECK(client.ask("GET", "/v2/app/manifests/t").status == "200");
    registry.set({.hidden_for = 1h});
    client.put_blob("app", "late");
    CHECK(client.ask("HEAD", "/v2/app/blobs/" + Digest::of("late").to_string()).status == "404");
  }
  SECTION("no HEAD") {
    registry.set({.head_supported = false});
    CHECK(client.ask("HEAD", "/v2/app/blobs/" + Digest::of("layer").to_string()).status == "405");
    CHECK(client.ask("GET", "/v2/app/blobs/" + Digest::of("layer").to_string()).status == "200");
  }
  SECTION("other statuses") {
    registry.set({.manifest_put_status = 202, .patch_status = 201, .single_post_status = 202});
    CHECK(put(one).status == "202");
    const auto begun =
        client.ask("POST", "/v2/app/blobs/uploads/?digest=" + Digest::of("x").to_string(), "x");
    CHECK(begun.status == "202");
    CHECK(client.ask("PATCH", begun.header("Location"), "x").status == "201");
  }
  SECTION("Location forms, and only the newest counts") {
    for (const auto form :
         {Behaviour::Location::absolute, Behaviour::Location::relative, Behaviour::Location::query}) {
      registry.set({.location = form, .newest_location_only = true});
      const auto begun = client.ask("POST", "/v2/app/blobs/uploads/").header("Location");
      if (form == Behaviour::Location::absolute) CHECK(begun.starts_with(registry.url() + "/v2/"));
      if (form == Behaviour::Location::relative) CHECK(begun.starts_with("upload-"));
      const auto full = form == Behaviour::Location::relative ? "/v2/app/blobs/uploads/" + begun : begun;
      const auto next = client.ask("PATCH", full, "x").header("Location");
      if (form == Behaviour::Location::query) CHECK(next == "?_state=2");
      CHECK(client.ask("PATCH", full, "y").status == "404");
    }
  }
  SECTION("chunks have a least size and may be kept in part") {
    registry.set({.chunk_min_length = 4, .patch_keeps = 5});
    const auto begun = client.ask("POST", "/v2/app/blobs/uploads/");
    CHECK(begun.header("OCI-Chunk-Min-Length") == "4");
    const auto part = client.ask("PATCH", begun.header("Location"), "0123456789");
    CHECK(part.header("Range") == "0-4");
    const auto small = client.ask("PATCH", part.header("Location"), "56");
    const auto rest = client.ask("PATCH", small.header("Location"), "789");
    CHECK(client.ask("PUT", rest.header("Location") + "&digest=" + Digest::of("0123456789").to_string())
              .status == "400");
    registry.set({.chunk_min_length = 4});
    const auto again = client.ask("POST", "/v2/app/blobs/uploads/");
    const auto big = client.ask("PATCH", again.header("Location"), "01234567");
    const auto end = client.ask("PATCH", big.header("Location"), "89");
    CHECK(client.ask("PUT", end.header("Location") + "&digest=" + Digest::of("0123456789").to_string())
              .status == "201");
  }
}

TEST_CASE("a folder keeps everything as an OCI layout") {
  const TempDir dir;
  const auto manifest = manifest_of("{}", "layer");
  const auto untagged = manifest_of("{}", "layer", ",\"annotations\":{\"a\":\"b\"}");
  const std::string untagged_path = "/v2/app/manifests/" + Digest::of(untagged).to_string();
  {
    Registry registry({.folder = dir.path() / "layout"});
    Client client(registry);
    client.put_blob("app", "{}");
    client.put_blob("app", "layer");
    CHECK(client.ask("PUT", "/v2/app/manifests/1", manifest, {"-H", kManifestType}).status == "201");
    CHECK(client.ask("PUT", untagged_path, untagged, {"-H", kManifestType}).status == "201");
  }
  const auto copied = davit::test::run(
      {.argv = {"skopeo", "inspect", "--raw", "oci:" + (dir.path() / "layout").string() + ":app:1"}});
  CHECK(copied.out == manifest);
  Registry registry({.folder = dir.path() / "layout"});
  Client client(registry);
  CHECK(client.ask("GET", "/v2/app/manifests/1").body == manifest);
  CHECK(client.ask("GET", untagged_path).body == untagged);
  CHECK(client.ask("GET", "/v2/app/blobs/" + Digest::of("layer").to_string(), "", {"-r", "1-"}).body ==
        "ayer");
}
