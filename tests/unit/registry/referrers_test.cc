// Listing what refers to a manifest, and keeping the tag up that lists it where a registry does not.
#include <map>

#include "support/catch.h"
#include "unit/registry/scripted.h"

using namespace davit;
using namespace davit::test;

namespace {

const CallContext kContext;
const std::string kIndexType = "application/vnd.oci.image.index.v1+json";
const std::string kManifestType = "application/vnd.oci.image.manifest.v1+json";
const Digest kSubject = Digest::of("subject");
const std::string kTag = "sha256-" + kSubject.hex();

std::string entry(const std::string& name, const std::string& type, const std::string& more = "") {
  return R"({"mediaType":")" + kManifestType + R"(","digest":")" + Digest::of(name).to_string() +
         R"(","size":5)" + (type.empty() ? "" : R"(,"artifactType":")" + type + "\"") + more + "}";
}

std::string index_of(const std::vector<std::string>& entries) {
  std::string list;
  for (const std::string& each : entries) list += (list.empty() ? "" : ",") + each;
  return R"({"schemaVersion":2,"mediaType":")" + kIndexType + R"(","manifests":[)" + list + "]}";
}

/// A signature of the subject.
Manifest artifact(const std::string& type = "x/signature") {
  return Manifest::parse(
             R"({"schemaVersion":2,"mediaType":")" + kManifestType + R"(","artifactType":")" + type +
                 R"(","config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":")" +
                 Digest::of("{}").to_string() + R"(","size":2},"layers":[],"subject":{"mediaType":")" +
                 kManifestType + R"(","digest":")" + kSubject.to_string() + R"(","size":7}})",
             kManifestType)
      .value();
}

/// A registry without a list of referrers, in which somebody else may write too.
struct Old {
  std::map<std::string, std::string> documents;  // by tag or digest
  int puts_of_tag = 0;
  int gets_of_tag = 0;
  std::function<void()> after_put = [] {};
  std::function<void()> after_get = [] {};

  Scripted operator()(const Sent& sent) {
    const std::string name = sent.path.substr(sent.path.rfind('/') + 1);
    if (sent.path.find("/referrers/") != std::string::npos)
      return {.status = 404, .body = "404 page not found"};
    if (sent.method == "PUT") {
      documents[name] = sent.body;
      if (name == kTag) {
        ++puts_of_tag;
        after_put();
      }
      return {.status = 201};
    }
    const auto found = documents.find(name);
    const bool there = found != documents.end();
    const std::string bytes = there ? found->second : "";
    if (name == kTag && sent.method == "GET") {
      ++gets_of_tag;
      after_get();
    }
    if (!there) return {.status = 404, .body = errors("MANIFEST_UNKNOWN")};
    return {.status = 200, .headers = {{"Content-Type", kIndexType}}, .body = bytes};
  }

  bool lists(const Digest& digest) { return documents[kTag].find(digest.to_string()) != std::string::npos; }
};

}  // namespace

TEST_CASE("a type is asked for, and what a registry does not leave out is left out here") {
  bool filters = false;
  Scene scene([&](const Sent&) -> Scripted {
    Scripted answer{.status = 200,
                    .headers = {{"Content-Type", kIndexType}},
                    .body = index_of({entry("a", "x/sbom"), entry("b", "x/signature"), entry("c", "")})};
    if (filters) answer.headers.push_back({"OCI-Filters-Applied", "artifactType"});
    return answer;
  });
  const auto found = scene.repository->referrers_of_type(kSubject, "x/sbom", kContext);
  REQUIRE(found);
  REQUIRE(found->size() == 1);
  CHECK(found->front().digest == Digest::of("a"));
  CHECK(scene.transport.sent[0].path ==
        "/v2/app/referrers/" + kSubject.to_string() + "?artifactType=x%2Fsbom");
  // Who says that it has left out the others knows the types that are not in its list.
  filters = true;
  CHECK(scene.repository->referrers_of_type(kSubject, "x/sbom", kContext)->size() == 3);
}

TEST_CASE("without a list of referrers the type is looked for in the tag's index") {
  Old old;
  old.documents[kTag] = index_of({entry("a", "x/sbom"), entry("b", "x/signature")});
  Scene scene(std::ref(old));
  const auto found = scene.repository->referrers_of_type(kSubject, "x/signature", kContext);
  REQUIRE(found);
  REQUIRE(found->size() == 1);
  CHECK(found->front().digest == Digest::of("b"));
}

TEST_CASE("the first referrer makes the index under the tag, the next keeps what others have written there") {
  Old old;
  Scene scene(std::ref(old));
  REQUIRE(scene.repository->put_manifest(artifact("x/one"), {}, kContext));
  CHECK(old.lists(artifact("x/one").descriptor().digest));
  old.documents[kTag] = index_of({entry("a", "x/sbom", R"(,"data":"e30=","newer":{"field":1})")});
  REQUIRE(scene.repository->put_manifest(artifact(), {}, kContext));
  CHECK(old.lists(artifact().descriptor().digest));
  CHECK(old.documents[kTag].find(R"("data":"e30=","newer":{"field":1})") != std::string::npos);
}

TEST_CASE("a referrer that is listed already is not listed again") {
  Old old;
  Scene scene(std::ref(old));
  REQUIRE(scene.repository->put_manifest(artifact(), {}, kContext));
  const int puts = old.puts_of_tag;
  REQUIRE(scene.repository->put_manifest(artifact(), {}, kContext));
  CHECK(old.puts_of_tag == puts);
}

TEST_CASE("an entry that another writer's index has replaced is written again, into that index") {
  Old old;
  const std::string theirs = index_of({entry("other", "x/sbom")});
  SECTION("before the first look") {
    old.after_put = [&] {
      if (old.puts_of_tag == 1) old.documents[kTag] = theirs;
    };
  }
  SECTION("after it has been seen among the entries of others") {
    old.after_put = [&] {
      if (old.puts_of_tag == 1)
        old.documents[kTag].insert(old.documents[kTag].find("[{") + 1, entry("more", "x/sbom") + ",");
    };
    old.after_get = [&] {
      if (old.puts_of_tag == 1 && old.gets_of_tag == 2) old.documents[kTag] = theirs;
    };
  }
  Scene scene(std::ref(old));
  REQUIRE(scene.repository->put_manifest(artifact(), {}, kContext));
  CHECK(old.puts_of_tag == 2);
  CHECK(old.lists(Digest::of("other")));
  CHECK(old.lists(artifact().descriptor().digest));
}

TEST_CASE("an index that others replace for ever ends in a conflict") {
  Old old;
  old.after_put = [&] { old.documents[kTag] = index_of({entry("other", "x/sbom")}); };
  Scene scene(std::ref(old));
  const auto put = scene.repository->put_manifest(artifact(), {}, kContext);
  REQUIRE_FALSE(put);
  CHECK(put.error().code == Errc::conflict);
  CHECK(put.error().retryable);
}

TEST_CASE("a tag that lists no referrers is not replaced by a list") {
  Old old;
  Scene scene([&](const Sent& sent) -> Scripted {
    if (sent.method == "GET" && sent.path.ends_with(kTag))
      return {.status = 200, .headers = {{"Content-Type", kManifestType}}, .body = artifact().bytes()};
    return old(sent);
  });
  const auto put = scene.repository->put_manifest(artifact(), {}, kContext);
  REQUIRE_FALSE(put);
  CHECK(put.error().code == Errc::conflict);
  CHECK(old.puts_of_tag == 0);
}
