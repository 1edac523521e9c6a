// Stretches of blobs, referrers: what copies ask of a repository beyond what pushes need.

#include "model/media_type.h"
#include "scripted.h"
#include "support/catch.h"

using namespace davit;
using namespace davit::test;

namespace {

const std::string kBlob = blob_bytes(10'000);

Descriptor blob() {
  Descriptor out;
  out.media_type = "application/octet-stream";
  out.digest = Digest::of(kBlob);
  out.size = kBlob.size();
  return out;
}

std::string read_all(ByteSource& source) {
  std::string out;
  std::array<std::byte, 512> block;
  for (;;) {
    const std::size_t count = source.read(block).value();
    if (count == 0) return out;
    out.append(reinterpret_cast<const char*>(block.data()), count);
  }
}

/// Serves what "bytes=A-B" asks for.
Scripted ranged(const Sent& sent) {
  const auto header = sent.headers.find("Range");
  if (header == sent.headers.end()) return {.body = kBlob};
  const std::string& text = header->second;
  const std::size_t first = std::stoul(text.substr(6));
  const std::size_t dash = text.find('-');
  const std::size_t last = dash + 1 == text.size() ? kBlob.size() - 1 : std::stoul(text.substr(dash + 1));
  return {.status = 206,
          .headers = {{"Content-Range", "bytes " + std::to_string(first) + "-" + std::to_string(last) + "/" +
                                            std::to_string(kBlob.size())},
                      {"Content-Length", std::to_string(last - first + 1)}},
          .body = kBlob.substr(first, last - first + 1)};
}

std::string referrer(const std::string& digest_of) {
  return R"({"mediaType":"application/vnd.oci.image.manifest.v1+json","size":7,"digest":")" +
         Digest::of(digest_of).to_string() + R"("})";
}

std::string index_of(const std::string& entries) {
  return R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[)" +
         entries + "]}";
}

}  // namespace

TEST_CASE("a stretch is asked for with both ends and gives exactly its bytes") {
  Scene scene(ranged);
  const auto source = scene.repository->open_range(blob(), {2'000, 3'000}, {}).value();
  CHECK(read_all(*source) == kBlob.substr(2'000, 3'000));
  REQUIRE(scene.transport.sent.size() == 1);
  CHECK(scene.transport.sent[0].headers.at("Range") == "bytes=2000-4999");
}

TEST_CASE("a stretch that breaks off goes on where it broke, up to its end") {
  int requests = 0;
  Scene scene([&](const Sent& sent) {
    Scripted answer = ranged(sent);
    if (++requests == 1) answer.cut = 1'000;
    return answer;
  });
  const auto source = scene.repository->open_range(blob(), {2'000, 3'000}, {}).value();
  CHECK(read_all(*source) == kBlob.substr(2'000, 3'000));
  REQUIRE(scene.transport.sent.size() == 2);
  CHECK(scene.transport.sent[1].headers.at("Range") == "bytes=3000-4999");
}

TEST_CASE("answers that bring less than the range, and say so, are no trouble") {
  std::size_t most = 300;
  Scene scene([&](const Sent& sent) {
    const std::string& text = sent.headers.at("Range");
    const std::size_t first = std::stoul(text.substr(6));
    const std::size_t last = std::min(first + most, kBlob.size()) - 1;
    return Scripted{
        .status = 206,
        .headers = {{"Content-Range", "bytes " + std::to_string(first) + "-" + std::to_string(last) + "/" +
                                          std::to_string(kBlob.size())},
                    {"Content-Length", std::to_string(last - first + 1)}},
        .body = kBlob.substr(first, last - first + 1)};
  });
  const auto source = scene.repository->open_range(blob(), {1'000, 9'000}, {}).value();
  CHECK(read_all(*source) == kBlob.substr(1'000));
  CHECK(scene.transport.sent.size() == 30);
}

TEST_CASE("row 48: where ranges are not served a stretch is refused, not paid for in full") {
  Scene scene([](const Sent&) { return Scripted{.body = kBlob}; });
  const auto source = scene.repository->open_range(blob(), {2'000, 3'000}, {});
  REQUIRE_FALSE(source);
  CHECK(source.error().code == Errc::unsupported);
  CHECK(scene.transport.sent.size() == 1);
}

TEST_CASE("a redirect is followed once for all stretches of a blob") {
  Scene scene([](const Sent& sent) {
    if (sent.url.host() == "r.example")
      return Scripted{.status = 307, .headers = {{"Location", "https://s3.example/b?sig=1"}}};
    return ranged(sent);
  });
  for (const std::uint64_t offset : {0u, 1'000u, 2'000u}) {
    const auto source = scene.repository->open_range(blob(), {offset, 1'000}, {}).value();
    CHECK(read_all(*source) == kBlob.substr(offset, 1'000));
  }
  CHECK(std::ranges::count_if(scene.transport.sent,
                              [](const Sent& sent) { return sent.url.host() == "r.example"; }) == 1);
  CHECK(scene.transport.sent.back().peers == net::Peers::remote);
  CHECK_FALSE(scene.transport.sent.back().headers.contains("Authorization"));
}

TEST_CASE("row 56: a signed URL that has expired is asked for again") {
  std::string valid = "1";
  int asked = 0;
  Scene scene([&](const Sent& sent) {
    if (sent.url.host() == "r.example") {
      ++asked;
      return Scripted{.status = 307, .headers = {{"Location", "https://s3.example/b?sig=" + valid}}};
    }
    if (sent.url.query() != "sig=" + valid) return Scripted{.status = 403, .body = "<Error>expired</Error>"};
    return ranged(sent);
  });
  REQUIRE(scene.repository->open_range(blob(), {0, 100}, {}));
  valid = "2";
  const auto source = scene.repository->open_range(blob(), {100, 100}, {}).value();
  CHECK(read_all(*source) == kBlob.substr(100, 100));
  CHECK(asked == 2);
}

TEST_CASE("a range that is not in the blob is never asked for") {
  Scene scene(ranged);
  CHECK_FALSE(scene.repository->open_range(blob(), {9'000, 1'001}, {}));
  CHECK_FALSE(scene.repository->open_range(blob(), {10'000, 1}, {}));
  CHECK_FALSE(scene.repository->open_range(blob(), {0, 0}, {}));
  CHECK(scene.transport.sent.empty());
}

TEST_CASE("referrers come over several pages, each once") {
  Scene scene([](const Sent& sent) {
    const std::vector<net::Header> type{{"Content-Type", std::string(model::kOciIndex)}};
    if (sent.url.query().empty()) {
      Scripted first{.headers = type, .body = index_of(referrer("a") + "," + referrer("b"))};
      first.headers.push_back({"Link", "</v2/app/referrers/x?page=2>; rel=\"next\""});
      return first;
    }
    return Scripted{.headers = type, .body = index_of(referrer("b") + "," + referrer("c"))};
  });
  const auto found = scene.repository->referrers(Digest::of("subject"), {}).value();
  REQUIRE(found.size() == 3);
  CHECK(found[2].digest == Digest::of("c"));
}

TEST_CASE("row 13: a next page of referrers on another host is not followed") {
  Scene scene([](const Sent&) {
    return Scripted{.headers = {{"Link", "<https://evil.example/x>; rel=\"next\""}}, .body = index_of("")};
  });
  const auto found = scene.repository->referrers(Digest::of("subject"), {});
  REQUIRE_FALSE(found);
  CHECK(found.error().code == Errc::denied);
}

TEST_CASE("where there is no referrers API the tag of its name is read") {
  const std::string tag = "/v2/app/manifests/sha256-" + Digest::of("subject").hex();
  Scene scene([&](const Sent& sent) {
    if (sent.path == tag) {
      return Scripted{.headers = {{"Content-Type", std::string(model::kOciIndex)}},
                      .body = index_of(referrer("a"))};
    }
    return Scripted{.status = 404, .body = errors("NOT_FOUND")};
  });
  CHECK(scene.repository->referrers(Digest::of("subject"), {}).value().size() == 1);
  CHECK(scene.repository->referrers(Digest::of("another"), {}).value().empty());
}

TEST_CASE("every way to say that there is no referrers API leads to the tag, and a refusal does not") {
  struct Case {
    int status;
    std::string code;
    std::optional<Errc> error;
  };
  const auto [status, code, error] =
      GENERATE(Case{400, "UNSUPPORTED", {}}, Case{400, "", {}}, Case{405, "", {}}, Case{406, "", {}},
               Case{410, "", {}}, Case{501, "", {}}, Case{400, "DENIED", Errc::denied},
               Case{400, "UNAUTHORIZED", Errc::unauthenticated}, Case{403, "DENIED", Errc::denied},
               Case{409, "", Errc::conflict});
  const std::string tag = "/v2/app/manifests/sha256-" + Digest::of("subject").hex();
  Scene scene([&, status = status, code = code](const Sent& sent) {
    if (sent.path == tag) {
      return Scripted{.headers = {{"Content-Type", std::string(model::kOciIndex)}},
                      .body = index_of(referrer("a"))};
    }
    return Scripted{.status = status, .body = code.empty() ? "no" : errors(code)};
  });
  CAPTURE(status, code);
  const auto found = scene.repository->referrers(Digest::of("subject"), {});
  CHECK(found.has_value() == !error);
  if (found) CHECK(found->size() == 1);
  if (error && !found) CHECK(found.error().code == *error);
  // A bad request may be about this image alone.
  CHECK(scene.registry->lists_referrers_by_tag() == (!error && (status != 400 || code == "UNSUPPORTED")));
}

TEST_CASE("a registry without that API gets the tag's index kept up for it") {
  const bool knows = GENERATE(false, true);
  std::string index;
  const std::string tag = "/v2/app/manifests/sha256-" + Digest::of("subject").hex();
  Scene scene([&](const Sent& sent) {
    if (sent.method == "PUT" && sent.path == tag) index = sent.body;
    if (sent.method == "PUT") {
      Scripted stored{.status = 201};
      if (knows) stored.headers.push_back({"OCI-Subject", Digest::of("subject").to_string()});
      return stored;
    }
    if (sent.path == tag && !index.empty())
      return Scripted{.headers = {{"Content-Type", std::string(model::kOciIndex)}}, .body = index};
    return Scripted{.status = 404, .body = errors("MANIFEST_UNKNOWN")};
  });
  for (const std::string type : {"example/one", "example/two"}) {
    const Manifest artifact =
        Manifest::parse(
            R"({"schemaVersion":2,"artifactType":")" + type +
                R"(","mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":)"
                R"("application/vnd.oci.empty.v1+json","size":2,"digest":")" +
                Digest::of("{}").to_string() +
                R"("},"layers":[],"subject":{"mediaType":"application/vnd.oci.image.manifest.v1+json",)"
                R"("size":7,"digest":")" +
                Digest::of("subject").to_string() + R"("}})",
            model::kOciManifest)
            .value();
    REQUIRE(scene.repository->put_manifest(artifact, {}, {}));
  }
  if (knows) {
    CHECK(index.empty());
    return;
  }
  const Manifest kept = Manifest::parse(index, model::kOciIndex).value();
  REQUIRE(kept.manifests().size() == 2);
  CHECK(kept.manifests()[1].artifact_type == "example/two");
}
