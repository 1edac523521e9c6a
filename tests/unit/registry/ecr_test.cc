// A registry of the kind "ECR": what its row of the table changes.
#include "support/catch.h"
#include "unit/registry/scripted.h"

using namespace davit;
using namespace davit::test;
using registry::Kind;

namespace {

const CallContext kContext;

/// A native interface from a script.
class FakeNative final : public registry::Native {
 public:
  [[nodiscard]] std::size_t batch() const override { return 100; }
  [[nodiscard]] std::size_t manifest_batch() const override { return 20; }
  Result<std::vector<bool>> has_blobs(const std::string&, std::span<const Digest> digests,
                                      const CallContext&) override {
    ++asked;
    if (refusal && refused_times-- > 0) return *refusal;
    std::vector<bool> out;
    for (const Digest& each : digests) out.push_back(there.contains(each));
    return out;
  }
  Result<std::vector<std::optional<Manifest>>> manifests(const std::string&,
                                                         std::span<const std::string> names,
                                                         const CallContext&) override {
    most_manifests = std::max(most_manifests, names.size());
    manifests_asked += names.size();
    return std::vector<std::optional<Manifest>>(names.size());
  }
  Result<std::vector<std::string>> newest_tags(const std::string&, std::size_t, const CallContext&) override {
    return std::vector<std::string>{"new"};
  }
  Result<std::vector<std::string>> fixed_tags(const std::string&, std::span<const std::string>,
                                              const CallContext&) override {
    return std::vector<std::string>();
  }
  Result<> describe_tags(const std::string&, const TagPage& each_page, const CallContext&) override {
    const ListedTag row{.name = "v1", .size = 7};
    return each_page({&row, 1});
  }
  Result<> describe_images(const std::string&, const registry::ImagePage&, const CallContext&) override {
    return make_error(Errc::unsupported, "not asked here");
  }
  Result<> repositories(const RepositoryPage& each_page, const CallContext&) override {
    const ListedRepository row{.name = "app"};
    return each_page({&row, 1});
  }
  Result<> check_tag_removal(const std::string&, const std::string&, std::span<const std::string>,
                             const CallContext&) override {
    return {};
  }
  Result<> remove_tag(const std::string&, const std::string& tag, const CallContext&) override {
    removed.push_back(tag);
    return {};
  }
  Result<> remove_image(const std::string&, const Digest& digest, const CallContext&) override {
    if (refusal) return *refusal;
    removed.push_back(digest.to_string());
    return {};
  }
  Result<bool> create(const std::string&, const NewRepository&, const CallContext&) override {
    ++created;
    return true;
  }

  std::set<Digest> there;
  std::vector<std::string> removed;
  std::optional<Error> refusal;
  int refused_times = 1000;
  int asked = 0;
  int created = 0;
  std::size_t most_manifests = 0;
  std::size_t manifests_asked = 0;
};

registry::RegistryOptions ecr(FakeNative* native = nullptr, Kind kind = Kind::ecr) {
  return {.host = "r.example", .kind = kind, .native = native};
}

Descriptor layer(const std::string& bytes) {
  return {.media_type = "application/vnd.oci.image.layer.v1.tar+gzip",
          .digest = Digest::of(bytes),
          .size = bytes.size()};
}

Manifest some_image() {
  const std::string config = Digest::of("c").to_string();
  const std::string blob = Digest::of("l").to_string();
  return Manifest::parse(
             R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":)"
             R"({"mediaType":"application/vnd.oci.image.config.v1+json","digest":")" +
                 config +
                 R"(","size":1},"layers":[{"mediaType":)"
                 R"("application/vnd.oci.image.layer.v1.tar+gzip","digest":")" +
                 blob + R"(","size":1}]})",
             "")
      .value();
}

}  // namespace

TEST_CASE("blobs are asked for in one batch, and manifests by the protocol when there is one") {
  FakeNative native;
  native.there = {Digest::of("a")};
  Scene scene([](const Sent&) { return Scripted{.status = 500}; }, ecr(&native));
  CHECK(scene.repository->probe_batch() == 100);
  const std::vector<Descriptor> wanted = {layer("a"), layer("b")};
  const auto found = scene.repository->probe(wanted, kContext);
  REQUIRE(found);
  CHECK(*found == std::vector{Presence::present, Presence::absent});
  CHECK(scene.transport.sent.empty());
}

TEST_CASE("of manifests that are only looked for, a few at a time are in memory") {
  FakeNative native;
  Scene scene([](const Sent&) { return Scripted{.status = 500}; }, ecr(&native));
  std::vector<Descriptor> wanted;
  for (int i = 0; i < 45; ++i)
    wanted.push_back({.media_type = "application/vnd.oci.image.manifest.v1+json",
                      .digest = Digest::of(std::to_string(i)),
                      .size = 1});
  const auto found = scene.repository->probe(wanted, kContext);
  REQUIRE(found);
  CHECK(*found == std::vector<Presence>(45, Presence::absent));
  CHECK(native.manifests_asked == 45);
  CHECK(native.most_manifests <= 20);
}

TEST_CASE("where the batch is denied blobs are asked for one by one, and that is remembered") {
  FakeNative native;
  native.refusal = make_error(Errc::denied, "ecr:BatchCheckLayerAvailability is not allowed");
  Scene scene([](const Sent&) { return Scripted{.status = 404}; }, ecr(&native));
  const std::vector<Descriptor> wanted = {layer("a"), layer("b")};
  REQUIRE(scene.repository->probe(wanted, kContext));
  REQUIRE(scene.repository->probe(wanted, kContext));
  CHECK(native.asked == 1);
  CHECK(scene.transport.count("HEAD") == 4);
  CHECK(scene.repository->probe_batch() == 1);
}

TEST_CASE("a batch that is down for a moment is asked again the next time") {
  FakeNative native;
  native.refusal = make_error(Errc::unavailable, "status 503");
  Scene scene([](const Sent&) { return Scripted{.status = 404}; }, ecr(&native));
  const std::vector<Descriptor> wanted = {layer("a")};
  REQUIRE(scene.repository->probe(wanted, kContext));
  native.refusal.reset();
  REQUIRE(scene.repository->probe(wanted, kContext));
  CHECK(native.asked == 2);
}

TEST_CASE("a throttled batch waits and is asked again, and never becomes a hundred single questions") {
  FakeNative native;
  native.there = {Digest::of("a")};
  native.refusal = make_error(Errc::rate_limited, "Rate exceeded");
  native.refused_times = 2;
  Scene scene([](const Sent&) { return Scripted{.status = 404}; }, ecr(&native));
  const std::vector<Descriptor> wanted = {layer("a"), layer("b")};
  const auto found = scene.repository->probe(wanted, kContext);
  REQUIRE(found);
  CHECK(*found == std::vector{Presence::present, Presence::absent});
  CHECK(native.asked == 3);
  CHECK(scene.clock.sleeps().size() == 2);
  native.refused_times = 1000;
  const auto never = scene.repository->probe(wanted, kContext);
  REQUIRE_FALSE(never);
  CHECK(never.error().code == Errc::rate_limited);
  CHECK(scene.transport.sent.empty());
}

TEST_CASE("a repository that was made and is not seen yet is waited for, longer each time") {
  FakeNative native;
  int missing = 4;
  Scene scene(
      [&](const Sent& sent) {
        if (sent.method == "POST" && missing-- > 0)
          return Scripted{.status = 404, .body = errors("NAME_UNKNOWN")};
        if (sent.method == "POST") return Scripted{.status = 202, .headers = {{"Location", "/v2/app/u"}}};
        return Scripted{.status = 201};
      },
      ecr(&native));
  scene.clock.set_random(0.5);
  const auto repository = scene.registry->repository("app", Side::destination, NewRepository{});
  REQUIRE(repository->put_blob(Bytes("a"), kContext));
  using std::chrono::milliseconds;
  CHECK(scene.clock.sleeps() == std::vector{milliseconds(50), milliseconds(100), milliseconds(200)});
  CHECK(native.created == 1);
}

TEST_CASE("who only reads is not told how a repository is made") {
  Scene scene([](const Sent&) { return Scripted{.status = 404, .body = errors("NAME_UNKNOWN")}; }, ecr());
  const auto read = scene.registry->repository("app", Side::source)->manifest("1", kContext);
  REQUIRE_FALSE(read);
  CHECK(read.error().code == Errc::not_found);
  CHECK(read.error().hint.empty());
}

TEST_CASE("row 68: a tag that cannot be moved comes with the cure") {
  Scene scene(
      [&](const Sent& sent) {
        if (sent.method == "PUT")
          return Scripted{.status = 400, .body = errors("TAG_INVALID", "the tag is immutable")};
        return Scripted{.status = 200,
                        .headers = {{"Content-Type", "application/vnd.oci.image.manifest.v1+json"},
                                    {"Content-Length", "10"},
                                    {"Docker-Content-Digest", Digest::of("other").to_string()}}};
      },
      ecr());
  const std::vector<std::string> names = {"1"};
  const auto put = scene.repository->put_manifest(some_image(), names, kContext);
  REQUIRE_FALSE(put);
  CHECK(put.error().code == Errc::conflict);
  CHECK(put.error().message.find("cannot be moved: it names") != std::string::npos);
  CHECK(put.error().hint.find("push under another tag") != std::string::npos);
}

TEST_CASE("a cut connection may mean that the repository is missing, a refused one does not") {
  for (const bool cut : {true, false}) {
    INFO(cut);
    FakeNative native;
    Scene scene([&](const Sent&) { return Scripted{.lost = cut, .unreachable = !cut}; }, ecr(&native));
    const auto stored = scene.repository->put_blob(Bytes("a"), kContext);
    REQUIRE_FALSE(stored);
    CHECK(stored.error().code == Errc::unavailable);
    CHECK(stored.error().hint.empty() == !cut);
    const auto wanted = scene.registry->repository("app", Side::destination, NewRepository{});
    CHECK_FALSE(wanted->put_blob(Bytes("a"), kContext));
    CHECK(native.created == (cut ? 1 : 0));
  }
}

TEST_CASE(
    "a repository that a manifest's absence shows to be missing is made before anything else is asked") {
  for (const bool mounts : {true, false}) {
    INFO(mounts);
    FakeNative native;
    Scene scene(
        [&](const Sent& sent) {
          if (native.created == 0) return Scripted{.status = 404, .body = errors("NAME_UNKNOWN")};
          if (sent.method == "POST")
            return Scripted{.status = mounts ? 201 : 202, .headers = {{"Location", "/v2/app/u"}}};
          return Scripted{.status = 201};
        },
        ecr(&native));
    const auto repository = scene.registry->repository("app", Side::destination, NewRepository{});
    CHECK_FALSE(repository->manifest("1", kContext));
    CHECK(repository->known_missing());
    if (mounts) {
      CHECK(repository->mount(layer("a"), "from", kContext).value_or(false));
    } else {
      CHECK(repository->put_blob(Bytes("a"), kContext));
    }
    CHECK(scene.transport.count("POST") == 1);
    CHECK(native.created == 1);
  }
}

TEST_CASE("a mount that finds the repository missing is asked for again when it has been made") {
  FakeNative native;
  Scene scene(
      [&](const Sent&) {
        if (native.created == 0) return Scripted{.status = 404, .body = errors("NAME_UNKNOWN")};
        return Scripted{.status = 201};
      },
      ecr(&native));
  const auto repository = scene.registry->repository("app", Side::destination, NewRepository{});
  CHECK(repository->mount(layer("a"), "from", kContext).value_or(false));
  CHECK(scene.transport.count("POST") == 2);
}

TEST_CASE("asking makes no repository, and the first upload does, once") {
  FakeNative native;
  native.refusal = make_error(Errc::not_found, "The repository with name 'app' does not exist");
  Scene scene(
      [&](const Sent& sent) {
        if (native.created == 0) return Scripted{.status = 404, .body = errors("NAME_UNKNOWN")};
        if (sent.method == "POST") return Scripted{.status = 202, .headers = {{"Location", "/v2/app/u"}}};
        return Scripted{.status = 201};
      },
      ecr(&native));
  const auto repository = scene.registry->repository("app", Side::destination, NewRepository{});
  const std::vector<Descriptor> wanted = {layer("a")};
  REQUIRE(repository->probe(wanted, kContext));
  CHECK(native.created == 0);
  REQUIRE(repository->put_blob(Bytes("a"), kContext));
  REQUIRE(repository->put_blob(Bytes("b"), kContext));
  CHECK(native.created == 1);
  CHECK(scene.transport.count("POST") == 2);
}

TEST_CASE("a blob of no bytes is refused before anything is sent, and only there") {
  Scene scene([](const Sent&) { return Scripted{.status = 500}; }, ecr());
  const auto stored = scene.repository->put_blob(Bytes(""), kContext);
  REQUIRE_FALSE(stored);
  CHECK(stored.error().code == Errc::unsupported);
  CHECK(stored.error().hint.find("{}") != std::string::npos);
  CHECK(scene.transport.sent.empty());
  Scene late([](const Sent&) { return Scripted{.status = 500}; }, ecr());
  const auto empty = late.repository->put_blob(Bytes("", false), kContext);
  REQUIRE_FALSE(empty);
  CHECK(empty.error().code == Errc::unsupported);
  CHECK(late.transport.sent.empty());
}

TEST_CASE("the public gallery is asked for blobs by their first byte") {
  Scene scene([](const Sent&) { return Scripted{.status = 206, .body = "x"}; },
              ecr(nullptr, Kind::ecr_public));
  const auto there = scene.repository->has_blob(Digest::of("a"), kContext);
  REQUIRE(there);
  CHECK(*there);
  CHECK(scene.transport.count("HEAD") == 0);
  CHECK(scene.transport.sent.front().headers.at("Range") == "bytes=0-0");
}

TEST_CASE("refusals of a manifest are explained") {
  struct Case {
    std::string code, text, hint;
    int status;
    Errc expected;
  };
  for (const Case& each : std::vector<Case>{
           {"UNSUPPORTED",
            "Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Limit on number of layers "
            "per "
            "image exceeded'",
            "500 layers", 405, Errc::unsupported},
           {"UNSUPPORTED",
            "Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Invalid JSON syntax'",
            "platform.features", 405, Errc::unsupported},
           {"DENIED", "already has the maximum allowed number of images which is '100000'",
            "the repository is full", 403, Errc::unsupported},
           {"DENIED", "Your authorization token has expired. Reauthenticate and try again.", "has expired",
            403, Errc::unauthenticated},
           {"DENIED",
            "User: arn:aws:sts::123456789012:assumed-role/" + std::string(60, 'r') + "/" +
                std::string(60, 's') +
                " is not authorized to perform: ecr:PutImage on resource: arn:aws:ecr:x:y:repository/app "
                "because no "
                "identity-based policy allows the ecr:PutImage action",
            "allow ecr:PutImage on arn:aws:ecr:x:y:repository/app", 403, Errc::denied},
           {"NAME_UNKNOWN", "The repository with name 'app' does not exist", "--create-repo", 404,
            Errc::not_found},
       }) {
    INFO(each.text);
    Scene scene(
        [&](const Sent&) { return Scripted{.status = each.status, .body = errors(each.code, each.text)}; },
        ecr());
    const auto put = scene.repository->put_manifest(some_image(), {}, kContext);
    REQUIRE_FALSE(put);
    CHECK(put.error().code == each.expected);
    CHECK(put.error().hint.find(each.hint) != std::string::npos);
  }
}

TEST_CASE("a manifest's missing layers are waited for only when this run has written them") {
  int puts = 0;
  Scene scene(
      [&](const Sent& sent) {
        if (sent.method == "POST") return Scripted{.status = 202, .headers = {{"Location", "/v2/app/u"}}};
        if (sent.path.find("/manifests/") == std::string::npos) return Scripted{.status = 201};
        ++puts;
        return Scripted{
            .status = 404,
            .body = errors("BLOB_UPLOAD_UNKNOWN", "Layers with digests '[" + Digest::of("l").to_string() +
                                                      "]' required for pushing image do not exist")};
      },
      ecr());
  REQUIRE(scene.repository->put_blob(Bytes("c"), kContext));
  const auto put = scene.repository->put_manifest(some_image(), {}, kContext);
  REQUIRE_FALSE(put);
  CHECK(puts == 1);  // the config is ours, but it is the layer that is missed
}

TEST_CASE("row 59: pieces are never smaller than ECR takes them") {
  registry::RegistryOptions options = ecr();
  options.chunk_bytes = 1000;
  std::size_t first = 0;
  Scene scene(
      [&](const Sent& sent) {
        if (sent.method == "PATCH" && first == 0) first = sent.body.size();
        return Scripted{.status = sent.method == "PUT" ? 201 : 202, .headers = {{"Location", "/v2/app/u"}}};
      },
      options);
  REQUIRE(scene.repository->put_blob(Bytes(blob_bytes((5u << 20) + 10)), kContext));
  CHECK(first == 5u << 20);
}

TEST_CASE("tags and images of ECR are removed through its own interface") {
  FakeNative native;
  Scene scene([](const Sent&) { return Scripted{.status = 500}; }, ecr(&native));
  CHECK(scene.repository->remove_tag("v1", some_image(), kContext));
  CHECK(scene.repository->remove_manifest(some_image(), kContext));
  CHECK(native.removed == std::vector<std::string>{"v1", some_image().descriptor().digest.to_string()});
  CHECK(scene.transport.sent.empty());
}

TEST_CASE("without ECR's own interface a tag is not touched, and an image is deleted by the protocol") {
  bool deleted = false;
  const auto answer = [&](const Sent& sent) -> Scripted {
    if (sent.method == "DELETE") {
      deleted = true;
      return {.status = 202};
    }
    return {.status = 404, .body = errors("MANIFEST_UNKNOWN")};
  };
  Scene alone(answer, ecr());
  const auto tag = alone.repository->remove_tag("v1", some_image(), kContext);
  REQUIRE_FALSE(tag);
  CHECK(tag.error().code == Errc::unsupported);
  CHECK_FALSE(deleted);
  FakeNative native;
  native.refusal = make_error(Errc::unavailable, "no way to the API");
  Scene both(answer, ecr(&native));
  CHECK(both.repository->remove_manifest(some_image(), kContext));
  CHECK(deleted);
}

TEST_CASE("what ECR's own interface refuses is not tried again by the protocol") {
  FakeNative native;
  native.refusal = make_error(Errc::conflict, "an index needs it");
  Scene scene([](const Sent&) { return Scripted{.status = 202}; }, ecr(&native));
  const auto removed = scene.repository->remove_manifest(some_image(), kContext);
  REQUIRE_FALSE(removed);
  CHECK(removed.error().code == Errc::conflict);
  CHECK(scene.transport.sent.empty());
}

TEST_CASE("an image that an index of ECR lists is a conflict by the protocol too") {
  Scene scene(
      [](const Sent&) -> Scripted {
        return {.status = 403,
                .body = errors("DENIED", "Requested image referenced by manifest list: [sha256:1]")};
      },
      ecr());
  const auto removed = scene.repository->remove_manifest(some_image(), kContext);
  REQUIRE_FALSE(removed);
  CHECK(removed.error().code == Errc::conflict);
}
