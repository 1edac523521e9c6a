// Manifests, downloads and tags against a scripted transport.
#include "base/notifier.h"
#include "support/catch.h"
#include "unit/registry/scripted.h"

using namespace davit;
using namespace davit::test;

namespace {

const std::string kDocument =
    R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]})";
const std::string kType = "application/vnd.oci.image.manifest.v1+json";
const CallContext kContext;

Digest document_digest() {
  return Digest::of(kDocument);
}

Scripted document(std::vector<net::Header> more = {}) {
  more.push_back({"Content-Type", kType});
  return {.status = 200, .headers = std::move(more), .body = kDocument};
}

Result<std::string> read_all(ByteSource& source) {
  std::string all;
  std::array<std::byte, 999> block;
  while (true) {
    auto count = source.read(block);
    if (!count) return count.error();
    if (*count == 0) return all;
    all.append(reinterpret_cast<const char*>(block.data()), *count);
  }
}

Descriptor descriptor_of(const std::string& bytes) {
  return *Bytes(bytes).descriptor();
}

/// A store that honours ranges.
Scripted ranged(const Sent& sent, const std::string& bytes) {
  const auto range = sent.headers.find("Range");
  if (range == sent.headers.end()) return {.status = 200, .body = bytes};
  const std::size_t first = std::stoul(range->second.substr(6));
  if (first >= bytes.size()) return {.status = 416};
  return {.status = 206,
          .headers = {{"Content-Range", "bytes " + std::to_string(first) + "-" +
                                            std::to_string(bytes.size() - 1) + "/" +
                                            std::to_string(bytes.size())}},
          .body = bytes.substr(first)};
}

/// Hands out a new token after each challenge.
class CountingAuthorizer final : public auth::Authorizer {
 public:
  Result<std::string> header(const auth::Scope&, const CallContext&) override {
    return challenges == 0 ? "" : "Bearer t" + std::to_string(challenges);
  }
  Result<bool> challenged(const std::vector<std::string>& values, const auth::Scope& scope,
                          const std::string&, const CallContext&) override {
    ++challenges;
    last = scope;
    return !values.empty();
  }
  int challenges = 0;
  auth::Scope last;
};

}  // namespace

TEST_CASE("a manifest is one GET with all four types accepted") {
  Scene scene([](const Sent&) { return document(); });
  const auto manifest = scene.repository->manifest("v1", kContext);
  REQUIRE(manifest);
  CHECK(manifest->descriptor().digest == document_digest());
  REQUIRE(scene.transport.sent.size() == 1);
  CHECK(scene.transport.sent[0].path == "/v2/app/manifests/v1");
  for (const char* type : {"oci.image.index", "oci.image.manifest", "manifest.list.v2", "manifest.v2"}) {
    CHECK(scene.transport.sent[0].headers["Accept"].find(type) != std::string::npos);
  }
}

TEST_CASE("a missing manifest says so in the registry's words, after one request") {
  Scene scene([](const Sent&) {
    return Scripted{.status = 404, .body = errors("MANIFEST_UNKNOWN", "manifest unknown")};
  });
  const auto error = scene.repository->manifest("v1", kContext).error();
  CHECK(error.code == Errc::not_found);
  CHECK(error.side == Side::destination);
  CHECK(error.to_string() == "pull manifest v1 from r.example/app: 404 MANIFEST_UNKNOWN: manifest unknown");
  REQUIRE(error.http);
  CHECK(error.http->codes == std::vector<std::string>{"MANIFEST_UNKNOWN"});
  CHECK(scene.transport.sent.size() == 1);
}

TEST_CASE("row 64: no Docker-Content-Digest anywhere, and everything works") {
  Scene scene([](const Sent& sent) { return sent.method == "PUT" ? Scripted{.status = 201} : document(); });
  CHECK(scene.repository->resolve("v1", kContext).value().digest == document_digest());
  CHECK(scene.repository->put_manifest(*Manifest::parse(kDocument, ""), std::vector<std::string>{"v1"},
                                       kContext));
}

TEST_CASE("row 65: a wrong Docker-Content-Digest is an integrity error") {
  const std::string wrong = "sha256:" + std::string(64, '0');
  const std::string right = document_digest().to_string();
  for (const auto& [stated, good] : {std::pair{wrong, false}, std::pair{right, true}}) {
    Scene scene([stated = stated](const Sent& sent) {
      return sent.method == "PUT" ? Scripted{.status = 201, .headers = {{"Docker-Content-Digest", stated}}}
                                  : document({{"Docker-Content-Digest", stated},
                                              {"Content-Length", std::to_string(kDocument.size())}});
    });
    const auto got = scene.repository->manifest("v1", kContext);
    const auto resolved = scene.repository->resolve(right, kContext);
    const auto put = scene.repository->put_manifest(*Manifest::parse(kDocument, ""), {}, kContext);
    CHECK(got.has_value() == good);
    CHECK(resolved.has_value() == good);
    CHECK(put.has_value() == good);
    if (!good) {
      CHECK(got.error().code == Errc::corrupt);
      CHECK(resolved.error().code == Errc::corrupt);
      CHECK(put.error().code == Errc::corrupt);
    }
  }
}

TEST_CASE("row 65: bytes that do not have the digest they were asked for by") {
  Scene scene([](const Sent&) { return document(); });
  CHECK(scene.repository->manifest("sha256:" + std::string(64, '1'), kContext).error().code == Errc::corrupt);
  CHECK(scene.repository->manifest(document_digest().to_string(), kContext));
}

TEST_CASE("row 77: HEAD that does not work gives way to GET, and is not tried again") {
  for (const int status : {405, 501, 400}) {
    Scene scene([status](const Sent& sent) {
      return sent.method == "HEAD" ? Scripted{.status = status} : document();
    });
    CHECK(scene.repository->resolve("v1", kContext));
    CHECK(scene.repository->resolve("v1", kContext));
    CHECK(scene.transport.count("HEAD") == 1);
    CHECK(scene.transport.count("GET") == 2);
  }
  Scene complete([](const Sent&) {
    return document({{"Docker-Content-Digest", document_digest().to_string()},
                     {"Content-Length", std::to_string(kDocument.size())}});
  });
  CHECK(complete.repository->resolve("v1", kContext).value().size == kDocument.size());
  CHECK(complete.transport.count("GET") == 0);
}

TEST_CASE("row 75: a web page is not a manifest, a tag list or an upload") {
  Scene scene([](const Sent&) {
    return Scripted{
        .status = 200, .headers = {{"Content-Type", "text/html"}}, .body = "<html>log in \x1b[2J</html>"};
  });
  const auto error = scene.repository->manifest("v1", kContext).error();
  CHECK(error.code == Errc::protocol);
  CHECK(error.message.find("log in") != std::string::npos);
  CHECK(error.message.find('\x1b') == std::string::npos);
  CHECK(scene.repository->tags(1000, kContext).error().code == Errc::protocol);
  CHECK(scene.repository->put_blob(Bytes("x"), kContext).error().code == Errc::protocol);
  CHECK(scene.repository->open(descriptor_of("x"), 0, kContext).error().code == Errc::protocol);
}

TEST_CASE("row 27: a document in a content encoding is not decoded, and so is none") {
  const std::string gzipped = "\x1f\x8b\x08 and so on";
  for (const std::string& body : {gzipped, kDocument}) {
    Scene scene([&](const Sent&) {
      return Scripted{
          .status = 200, .headers = {{"Content-Type", kType}, {"Content-Encoding", "gzip"}}, .body = body};
    });
    const auto manifest = scene.repository->manifest("v1", kContext);
    REQUIRE(manifest.has_value() == (body == kDocument));
    if (!manifest) CHECK(manifest.error().code == Errc::corrupt);
    CHECK_FALSE(scene.transport.sent.at(0).headers.contains("Accept-Encoding"));
  }
}

TEST_CASE("row 23: a manifest has its limit, and exactly that is allowed") {
  std::string big = kDocument;
  big.insert(1, std::string((8u << 20) - big.size(), ' '));
  Scene scene([&](const Sent&) {
    return Scripted{.status = 200, .headers = {{"Content-Type", kType}}, .body = big};
  });
  CHECK(scene.repository->manifest("v1", kContext));
  big.insert(1, " ");
  CHECK(scene.repository->manifest("v1", kContext).error().code == Errc::protocol);
}

TEST_CASE("row 52: every retryable status is tried again, on every kind of request") {
  for (const int status : {408, 429, 499, 500, 502, 503, 504, 522}) {
    INFO(status);
    int failures = 2;
    Scene scene([&](const Sent& sent) {
      if (failures-- > 0) return Scripted{.status = status};
      return sent.method == "PUT" ? Scripted{.status = 201} : document();
    });
    CHECK(scene.repository->manifest("v1", kContext));
    CHECK(scene.transport.sent.size() == 3);
  }
}

TEST_CASE("row 51, row 52: after five tries it is over, and the error says how many there were") {
  Scene scene([](const Sent&) { return Scripted{.status = 503, .body = "upstream sad"}; });
  const auto error = scene.repository->manifest("v1", kContext).error();
  CHECK(error.code == Errc::unavailable);
  CHECK(error.retryable);
  CHECK(error.to_string() == "pull manifest v1 from r.example/app: 503: upstream sad (5 attempts)");
  CHECK(scene.transport.sent.size() == 5);
  Scene slow([](const Sent&) { return Scripted{.status = 429, .headers = {{"Retry-After", "2"}}}; });
  CHECK(slow.repository->manifest("v1", kContext).error().code == Errc::rate_limited);
  CHECK(slow.clock.sleeps().front() == std::chrono::seconds(2));
}

TEST_CASE("row 53: what cannot succeed is asked once") {
  for (const int status : {400, 403, 404, 405, 409, 413, 415, 422, 501, 505}) {
    INFO(status);
    Scene scene([status](const Sent&) { return Scripted{.status = status}; });
    CHECK_FALSE(scene.repository->manifest("v1", kContext));
    CHECK_FALSE(scene.repository->put_blob(Bytes("x"), kContext));
    CHECK(scene.transport.sent.size() == 2);
  }
}

TEST_CASE("row 53, row 54: a 401 is answered once, with the new header") {
  CountingAuthorizer authorizer;
  Scene scene(
      [](const Sent& sent) {
        const auto header = sent.headers.find("Authorization");
        if (header == sent.headers.end())
          return Scripted{.status = 401, .headers = {{"WWW-Authenticate", "Bearer realm=x"}}};
        return document();
      },
      {.host = "r.example"}, &authorizer);
  CHECK(scene.repository->manifest("v1", kContext));
  CHECK(scene.transport.sent.back().headers["Authorization"] == "Bearer t1");
  CHECK(authorizer.last.repository == "app");
  CHECK(authorizer.last.push);
  CHECK(scene.repository->manifest("v1", kContext));
  CHECK(scene.transport.sent.size() == 3);
}

TEST_CASE("row 53: a 401 that stays is answered three times, however willing the authorizer is") {
  CountingAuthorizer authorizer;
  Scene scene(
      [](const Sent&) {
        return Scripted{.status = 401, .headers = {{"WWW-Authenticate", "Bearer realm=x"}}};
      },
      {.host = "r.example"}, &authorizer);
  CHECK(scene.repository->manifest("v1", kContext).error().code == Errc::unauthenticated);
  CHECK(authorizer.challenges == 3);  // the first challenge, a renewal, a wider scope
  CHECK(scene.transport.sent.size() == 4);
}

TEST_CASE("row 7, row 9, row 79: redirects of readers lose the credentials when they leave") {
  for (const int status : {301, 302, 303, 307, 308}) {
    CountingAuthorizer authorizer;
    authorizer.challenges = 1;
    const std::string bytes = blob_bytes(3000);
    Scene scene(
        [&](const Sent& sent) {
          if (sent.url.host() == "store.example")
            return Scripted{.status = sent.headers.contains("Authorization") ? 400 : 200, .body = bytes};
          if (sent.path == "/moved")
            return Scripted{.status = status,
                            .headers = {{"Location", "https://store.example/b?X-Sig=SECRET"}}};
          return Scripted{.status = status, .headers = {{"Location", "/moved"}}};
        },
        {.host = "r.example"}, &authorizer);
    auto source = scene.repository->open(descriptor_of(bytes), 0, kContext);
    REQUIRE(source);
    CHECK(read_all(**source).value() == bytes);
    REQUIRE(scene.transport.sent.size() == 3);
    CHECK(scene.transport.sent[1].headers.contains("Authorization"));
    CHECK_FALSE(scene.transport.sent[2].headers.contains("Authorization"));
    CHECK(scene.transport.sent[2].peers == net::Peers::remote);
  }
}

TEST_CASE("row 1: a challenge from another host is an error, not a login") {
  CountingAuthorizer authorizer;
  authorizer.challenges = 1;
  Scene scene(
      [](const Sent& sent) {
        if (sent.url.host() == "evil.example")
          return Scripted{.status = 401, .headers = {{"WWW-Authenticate", "Basic realm=x"}}};
        return Scripted{.status = 307, .headers = {{"Location", "https://evil.example/"}}};
      },
      {.host = "r.example"}, &authorizer);
  CHECK_FALSE(scene.repository->open(descriptor_of("x"), 0, kContext));
  CHECK(authorizer.challenges == 1);
}

TEST_CASE("row 45, row 46: a broken download goes on where it broke") {
  const std::string bytes = blob_bytes(5000);
  for (const std::size_t cut : {std::size_t{0}, std::size_t{1}, std::size_t{2500}, std::size_t{4999}}) {
    INFO(cut);
    bool broken = false;
    Scene scene([&](const Sent& sent) {
      Scripted answer = ranged(sent, bytes);
      if (!broken) answer.cut = cut;
      broken = true;
      return answer;
    });
    auto source = scene.repository->open(descriptor_of(bytes), 0, kContext);
    REQUIRE(source);
    CHECK(read_all(**source).value() == bytes);
    REQUIRE(scene.transport.sent.size() == 2);
    if (cut > 0) CHECK(scene.transport.sent[1].headers["Range"] == "bytes=" + std::to_string(cut) + "-");
  }
}

TEST_CASE("row 47: an answer that ends early without any length is no success") {
  const std::string bytes = blob_bytes(5000);
  Scene scene([&](const Sent&) { return Scripted{.status = 200, .body = bytes.substr(0, 1234)}; });
  auto source = scene.repository->open(descriptor_of(bytes), 0, kContext);
  REQUIRE(source);
  const auto read = read_all(**source);
  REQUIRE_FALSE(read);
  CHECK(read.error().code == Errc::unavailable);
}

TEST_CASE("row 24: a blob that goes on behind its size is damaged") {
  const std::string bytes = blob_bytes(2000);
  Scene scene([&](const Sent&) { return Scripted{.status = 200, .body = bytes + "more"}; });
  auto source = scene.repository->open(descriptor_of(bytes), 0, kContext);
  REQUIRE(source);
  const auto read = read_all(**source);
  REQUIRE_FALSE(read);
  CHECK(read.error().code == Errc::corrupt);
  CHECK(read.error().message.find("behind the 2000 bytes") != std::string::npos);
  CHECK(scene.transport.sent.size() == 1);
}

TEST_CASE("an answer that says it has another length than the blob is damage, and not asked for again") {
  const std::string bytes = blob_bytes(2000);
  for (const std::size_t length : {std::size_t{0}, std::size_t{1999}, std::size_t{2003}}) {
    INFO(length);
    Scene scene([&](const Sent&) {
      return Scripted{.status = 200,
                      .headers = {{"Content-Length", std::to_string(length)}},
                      .body = (bytes + "more").substr(0, length)};
    });
    const auto source = scene.repository->open(descriptor_of(bytes), 0, kContext);
    REQUIRE_FALSE(source);
    CHECK(source.error().code == Errc::corrupt);
    CHECK(source.error().message.find("has " + std::to_string(length) +
                                      " bytes where its descriptor says 2000") != std::string::npos);
    CHECK(scene.transport.sent.size() == 1);
  }
}

TEST_CASE("a blob that is shorter than its size, which only a 416 says, is damaged") {
  const std::string bytes = blob_bytes(2000);
  Scene scene([&](const Sent& sent) {
    if (sent.headers.contains("Range"))
      return Scripted{.status = 416, .body = "416: invalid range: failed to overlap\n"};
    return Scripted{.status = 200, .body = bytes.substr(0, 1234)};
  });
  auto source = scene.repository->open(descriptor_of(bytes), 0, kContext);
  REQUIRE(source);
  const auto read = read_all(**source);
  REQUIRE_FALSE(read);
  CHECK(read.error().code == Errc::corrupt);
  CHECK(read.error().message.find("has no byte 1234") != std::string::npos);
}

TEST_CASE("what a server ends its text with is no part of a message") {
  Scene scene([](const Sent&) { return Scripted{.status = 400, .body = "what is this?\r\n\n"}; });
  const auto source = scene.repository->open(descriptor_of(blob_bytes(9)), 0, kContext);
  REQUIRE_FALSE(source);
  CHECK(source.error().message.ends_with("400: what is this?"));
}

TEST_CASE("row 48, row 49, row 50: odd answers to a range never mix up the bytes") {
  const std::string bytes = blob_bytes(5000);
  const std::string rest = bytes.substr(2500);
  struct Row {
    const char* name;
    Scripted answer;
  };
  const Row rows[] = {
      {"whole blob", {.status = 200, .body = bytes}},
      {"one earlier",
       {.status = 206, .headers = {{"Content-Range", "bytes 2499-4999/5000"}}, .body = "X" + rest}},
      {"one later",
       {.status = 206, .headers = {{"Content-Range", "bytes 2501-4999/5000"}}, .body = rest.substr(1)}},
      {"no header", {.status = 206, .body = rest}},
      {"other unit", {.status = 206, .headers = {{"Content-Range", "items 2500-4999/5000"}}, .body = rest}},
      {"other total", {.status = 206, .headers = {{"Content-Range", "bytes 2500-4999/6000"}}, .body = rest}},
      {"416", {.status = 416}}};
  for (const Row& row : rows) {
    INFO(row.name);
    bool broken = false;
    Scene scene([&](const Sent& sent) {
      if (sent.headers.contains("Range")) return row.answer;
      if (broken) return Scripted{.status = 200, .body = bytes};
      broken = true;
      return Scripted{.status = 200, .body = bytes, .cut = 2500};
    });
    auto source = scene.repository->open(descriptor_of(bytes), 0, kContext);
    REQUIRE(source);
    CHECK(read_all(**source).value() == bytes);
  }
}

TEST_CASE("row 98: a range beyond 4 GiB") {
  const std::string tail = blob_bytes(1000);
  const std::uint64_t size = 5ull << 30;
  Descriptor blob = descriptor_of(tail);
  blob.size = size;
  Scene scene([&](const Sent&) {
    return Scripted{.status = 206,
                    .headers = {{"Content-Range", "bytes " + std::to_string(size - 1000) + "-" +
                                                      std::to_string(size - 1) + "/" + std::to_string(size)}},
                    .body = tail};
  });
  auto source = scene.repository->open(blob, size - 1000, kContext);
  REQUIRE(source);
  CHECK(read_all(**source).value() == tail);
  CHECK(scene.transport.sent.at(0).headers["Range"] == "bytes=5368708120-");
}

TEST_CASE("row 56: an expired signed URL is asked for again, at the registry") {
  const std::string bytes = blob_bytes(9000);
  int uses = 0, links = 0;
  Scene scene([&](const Sent& sent) {
    if (sent.url.host() == "r.example")
      return Scripted{.status = 307,
                      .headers = {{"Location", "https://s3.example/b?sig=" + std::to_string(++links)}}};
    if (sent.url.query() != "sig=" + std::to_string(links) || ++uses == 2)
      return Scripted{.status = 403, .body = "<Error>expired</Error>"};
    Scripted answer = ranged(sent, bytes);
    if (uses == 1) answer.cut = 4000;
    return answer;
  });
  auto source = scene.repository->open(descriptor_of(bytes), 0, kContext);
  REQUIRE(source);
  CHECK(read_all(**source).value() == bytes);
  CHECK(links == 2);  // the first one is used again, until it is refused
  Scene forbidden([&](const Sent& sent) {
    if (sent.url.host() == "r.example")
      return Scripted{.status = 307, .headers = {{"Location", "https://s3.example/b"}}};
    return Scripted{.status = 403};
  });
  CHECK_FALSE(forbidden.repository->open(descriptor_of(bytes), 0, kContext));
  CHECK(forbidden.transport.sent.size() == 6);
}

TEST_CASE("row 69: what was just written may take a moment to be seen") {
  int hidden = 2;
  Scene scene([&](const Sent& sent) {
    if (sent.method == "PUT") return Scripted{.status = 201};
    if (sent.method == "GET" && hidden-- > 0)
      return Scripted{.status = 404, .body = errors("MANIFEST_UNKNOWN")};
    return document();
  });
  REQUIRE(scene.repository->put_manifest(*Manifest::parse(kDocument, ""), {}, kContext));
  CHECK(scene.repository->manifest(document_digest().to_string(), kContext));
  hidden = 1;
  CHECK(scene.repository->manifest("other-tag", kContext).error().code == Errc::not_found);
}

TEST_CASE("row 69: a manifest whose blobs the registry does not see yet is put again, if they are ours") {
  const std::string config = "{}";
  int refusals = 2;
  Scene scene([&](const Sent& sent) {
    if (sent.method == "POST") return Scripted{.status = 202, .headers = {{"Location", "u"}}};
    if (sent.path.find("manifests") != std::string::npos && refusals-- > 0)
      return Scripted{.status = 404, .body = errors("MANIFEST_BLOB_UNKNOWN")};
    return Scripted{.status = 201};
  });
  const Manifest manifest = *Manifest::parse(kDocument, "");
  CHECK_FALSE(scene.repository->put_manifest(manifest, {}, kContext));  // not ours: said at once
  REQUIRE(scene.repository->put_blob(Bytes(config), kContext));
  refusals = 2;
  CHECK(scene.repository->put_manifest(manifest, {}, kContext));
}

TEST_CASE(
    "row 68: a tag that cannot move is success when it is there already, else a conflict with both digests") {
  const Digest other = Digest::of("other");
  for (const bool same : {true, false}) {
    Scene scene([&](const Sent& sent) {
      if (sent.method == "PUT") return Scripted{.status = 400, .body = errors("TAG_INVALID", "immutable")};
      return document({{"Docker-Content-Digest", (same ? document_digest() : other).to_string()},
                       {"Content-Length", std::to_string(kDocument.size())}});
    });
    const auto put = scene.repository->put_manifest(*Manifest::parse(kDocument, ""),
                                                    std::vector<std::string>{"v1"}, kContext);
    CHECK(put.has_value() == same);
    CHECK(scene.transport.count("PUT") == 1);
    if (!same) {
      CHECK(put.error().code == Errc::conflict);
      CHECK(put.error().message.find(other.to_string()) != std::string::npos);
      CHECK(put.error().message.find(document_digest().to_string()) != std::string::npos);
    }
  }
}

TEST_CASE("a manifest whose answer was lost is looked for before it is put again") {
  for (const bool stored : {true, false}) {
    bool lost = false;
    Scene scene([&](const Sent& sent) {
      if (sent.method == "PUT" && !lost) return lost = true, Scripted{.lost = true};
      if (sent.method == "PUT") return Scripted{.status = 201};
      if (!stored) return Scripted{.status = 404, .body = errors("MANIFEST_UNKNOWN")};
      return document({{"Docker-Content-Digest", document_digest().to_string()},
                       {"Content-Length", std::to_string(kDocument.size())}});
    });
    CHECK(scene.repository->put_manifest(*Manifest::parse(kDocument, ""), std::vector<std::string>{"v1"},
                                         kContext));
    CHECK(scene.transport.count("PUT") == (stored ? 1 : 2));
  }
}

TEST_CASE("names are put in order, straight under the name") {
  Scene scene([](const Sent&) { return Scripted{.status = 201}; });
  REQUIRE(scene.repository->put_manifest(*Manifest::parse(kDocument, ""), std::vector<std::string>{"b", "a"},
                                         kContext));
  REQUIRE(scene.repository->put_manifest(*Manifest::parse(kDocument, ""), {}, kContext));
  REQUIRE(scene.transport.sent.size() == 3);
  CHECK(scene.transport.sent[0].path == "/v2/app/manifests/b");
  CHECK(scene.transport.sent[1].path == "/v2/app/manifests/a");
  CHECK(scene.transport.sent[2].path == "/v2/app/manifests/" + document_digest().to_string());
  CHECK(scene.transport.sent[0].headers["Content-Type"] == kType);
  CHECK(scene.transport.sent[0].body == kDocument);
  CHECK(scene.transport.sent[0].patience == net::Patience::commit);
}

TEST_CASE("row 80: an unusual success of a manifest is looked at twice") {
  for (const bool there : {true, false}) {
    Scene scene([&](const Sent& sent) {
      if (sent.method == "PUT") return Scripted{.status = 200};
      return there ? document() : Scripted{.status = 404};
    });
    CHECK(scene.repository
              ->put_manifest(*Manifest::parse(kDocument, ""), std::vector<std::string>{"v1"}, kContext)
              .has_value() == there);
  }
}

TEST_CASE("row 13, row 82: tags over several pages, in their order, within the origin") {
  Scene scene([](const Sent& sent) {
    if (sent.path == "/v2/app/tags/list?n=1000")
      return Scripted{.status = 200,
                      .headers = {{"Link", "</v2/app/tags/list?last=b>; rel=\"next\""}},
                      .body = R"({"tags":["c","b","b"]})"};
    if (sent.path == "/v2/app/tags/list?last=b")
      return Scripted{.status = 200,
                      .headers = {{"Link", "<https://R.example:443/v2/app/tags/list?x>; rel=next"}},
                      .body = R"({"tags":null})"};
    return Scripted{.status = 200, .body = R"({"name":"app","tags":["a"]})"};
  });
  CHECK(scene.repository->tags(1000, kContext).value() == std::vector<std::string>{"c", "b", "b", "a"});
  for (const char* link : {"<https://evil.example/v2/app/tags/list>; rel=next",
                           "<http://r.example/v2/app/tags/list>; rel=next"}) {
    Scene elsewhere([link](const Sent&) {
      return Scripted{.status = 200, .headers = {{"Link", link}}, .body = R"({"tags":["a"]})"};
    });
    CHECK(elsewhere.repository->tags(1000, kContext).error().code == Errc::denied);
    CHECK(elsewhere.transport.sent.size() == 1);
  }
}

TEST_CASE("a tag list that is long enough asks for no further page") {
  Scene scene([](const Sent&) {
    return Scripted{.status = 200,
                    .headers = {{"Link", "</v2/app/tags/list?last=b>; rel=next"}},
                    .body = R"({"tags":["c","b","a"]})"};
  });
  CHECK(scene.repository->tags(2, kContext).value() == std::vector<std::string>{"c", "b"});
  REQUIRE(scene.transport.sent.size() == 1);
  CHECK(scene.transport.sent.front().path == "/v2/app/tags/list?n=2");
}

TEST_CASE("row 34: a tag list that is none") {
  for (const char* body : {"[]", R"({"tags":5})", R"({"tags":[5]})", "", "{", "\xff"}) {
    Scene scene([body](const Sent&) { return Scripted{.status = 200, .body = body}; });
    CHECK_FALSE(scene.repository->tags(1000, kContext));
  }
}

TEST_CASE("a probe says what is there: blobs by HEAD, manifests as sealed") {
  const Bytes there("there"), gone("gone");
  Scene scene([&](const Sent& sent) {
    if (sent.path.find("manifests") != std::string::npos)
      return document({{"Docker-Content-Digest", document_digest().to_string()}, {"Content-Length", "9"}});
    return Scripted{.status = sent.path.ends_with(there.digest().to_string()) ? 200 : 404};
  });
  Descriptor root;
  root.media_type = kType;
  root.digest = document_digest();
  const std::vector<Descriptor> wanted = {*there.descriptor(), *gone.descriptor(), root};
  CHECK(scene.repository->probe(wanted, kContext).value() ==
        std::vector<Presence>{Presence::present, Presence::absent, Presence::sealed});
  CHECK(scene.transport.sent.size() == 3);
}

TEST_CASE("row 84: a stop while backing off ends the tries") {
  std::stop_source stop;
  stop.request_stop();
  Scene busy([](const Sent&) { return Scripted{.status = 503}; });
  const auto error = busy.repository->manifest("v1", {.stop = stop.get_token(), .deadline = {}}).error();
  CHECK(error.code == Errc::cancelled);
  CHECK(busy.transport.sent.size() == 1);
}

TEST_CASE("row 22: a warning is said once, and only so many different ones are said at all") {
  const auto texts_of = [](const std::function<std::string(int)>& warning) {
    std::vector<std::string> texts;
    int answers = 0;
    ScriptedTransport transport([&](const Sent&) {
      return document({{"Warning", "299 - \"" + warning(answers++) + "\""}});
    });
    FakeClock clock;
    Notifier notifier;
    const Log log(
        LogLevel::warning, [&](const LogRecord& record) { texts.push_back(record.fields.at(0).value); },
        notifier);
    const auto registry =
        registry::Registry::create({.host = "r.example"}, transport, nullptr, clock, log).value();
    const auto repository = registry->repository("app", Side::source);
    for (int i = 0; i < 200; ++i) REQUIRE(repository->manifest("v1", kContext));
    notifier.drain();
    return texts;
  };
  CHECK(texts_of([](int) { return "old\x1b[2J"; }) == std::vector<std::string>{"old\\x1b[2J"});
  const auto different = texts_of([](int n) { return "number " + std::to_string(n); });
  CHECK(different.size() == 20);
  CHECK(different.front() == "number 0");
}
