// Pushing over real sockets: the registry room and the transport against the emulator, with the fault server
// between.
#include <davit/client.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "emulator/registry.h"
#include "integration/push_fixture.h"
#include "io/read_all.h"
#include "support/catch.h"
#include "support/docker_registry.h"
#include "support/fault_server.h"

using namespace davit;
using namespace davit::test;
using namespace std::chrono_literals;
using emulator::Auth;
using emulator::Behaviour;

namespace {

const std::string kUploads = "/v2/app/blobs/uploads/";
const std::string kManifests = "/v2/app/manifests/";

/// An emulator with the fault server in front of it.
struct Fronted {
  emulator::Registry registry;
  FaultServer front{{.upstream = Address::parse(registry.authority())}};

  [[nodiscard]] bool holds(const std::string& bytes) {
    const auto blob = registry.storage().blob("app", Digest::of(bytes));
    return blob != nullptr && emulator::Blob::read_all(blob) == bytes;
  }
  /// No upload was left lying about.
  void check_tidy() { CHECK(registry.storage().open_uploads() == 0); }
};

Reply lost_session(const std::string& code = "BLOB_UPLOAD_UNKNOWN") {
  return {.status = 404,
          .headers = {{"Content-Type", "application/json"}},
          .body = R"({"errors":[{"code":")" + code + R"("}]})"};
}

void put_image(registry::Repository& repository, const std::string& config, const std::string& layer,
               const std::string& tag) {
  repository.put_blob(blob_of(config), {}).value();
  repository.put_blob(blob_of(layer), {}).value();
  repository.put_manifest(image_of(config, {layer}), std::vector{tag}, {}).value();
}

}  // namespace

TEST_CASE("an image is pushed and read back") {
  emulator::Registry registry;
  Pusher pusher(registry.authority());
  const auto repository = pusher.repository();
  const auto layer = sample(300'000);
  put_image(*repository, "{}", layer, "1");
  CHECK(repository->resolve("1", {}).value().digest == image_of("{}", {layer}).descriptor().digest);
  const LateContent late(sample(50'000, 7));
  const auto stored = repository->put_blob(late, {});
  REQUIRE(stored);
  CHECK(stored->digest == Digest::of(sample(50'000, 7)));
  CHECK(registry.log("PATCH").empty());  // small enough for one PUT
  CHECK(registry.storage().open_uploads() == 0);
}

TEST_CASE("an image is pushed to docker-registry, plain and with tokens") {
  const TokenServer tokens;
  const DockerRegistry plain;
  const DockerRegistry bearer({.tokens = &tokens});
  for (const auto& [where, user] :
       {std::pair(plain.authority(), ""), std::pair(bearer.authority(), "user")}) {
    Pusher pusher(where, {.chunk_bytes = 0,
                          .spool_bytes = 0,
                          .user = user,
                          .password = "password",
                          .allowed_realms = {tokens.authority()}});
    const auto repository = pusher.repository();
    const auto layer = sample(200'000);
    put_image(*repository, "{}", layer, "1");
    CHECK(repository->put_blob(LateContent(sample(90'000, 3)), {}));
    CHECK(repository->put_blob(LateContent(""), {}));
    CHECK(repository->manifest("1", {}).value().bytes() == image_of("{}", {layer}).bytes());
    CHECK(repository->tags(1000, {}).value() == std::vector<std::string>{"1"});
  }
}

TEST_CASE("row 51, row 52: every status that may pass is tried again on every request, with the whole body") {
  const int status = GENERATE(408, 429, 499, 500, 502, 503, 504, 522);
  const auto layer = sample(300'000);
  for (const std::string method : {"HEAD", "POST", "PATCH", "PUT"}) {
    Fronted both;
    both.front.on({.method = method, .path = "/v2/app/blobs/", .to = 2}, Reply{.status = status});
    both.front.on({.method = method, .path = kManifests, .to = 2}, Reply{.status = status});
    Pusher pusher(both.front.authority(), {.chunk_bytes = method == "PATCH" ? 100'000u : 0u});
    const auto repository = pusher.repository();
    INFO(method << " " << status);
    const std::vector<Descriptor> wanted{*blob_of(layer).descriptor()};
    CHECK(repository->probe(wanted, {}).value()[0] == Presence::absent);
    put_image(*repository, "{}", layer, "1");
    CHECK(both.holds(layer));
    CHECK(repository->resolve("1", {}));
    both.check_tidy();
    CHECK(pusher.clock().sleeps().size() >= 2);
  }
}

TEST_CASE("row 51: Retry-After is waited for, within reason") {
  Fronted both;
  both.front.on({.method = "POST", .to = 1}, Reply{.status = 429, .headers = {{"Retry-After", "7"}}});
  Pusher pusher(both.front.authority());
  CHECK(pusher.repository()->put_blob(blob_of("x"), {}));
  REQUIRE(pusher.clock().sleeps().size() == 1);
  CHECK(pusher.clock().sleeps()[0] >= 7s);

  FaultServer hopeless;
  hopeless.on({}, Reply{.status = 429, .headers = {{"Retry-After", "86400"}}});
  Pusher patient(hopeless.authority());
  const auto failed = patient.repository()->put_blob(blob_of("x"), {});
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == Errc::rate_limited);
  CHECK(hopeless.requests().size() == 1);
}

TEST_CASE("row 53: what cannot succeed is sent once") {
  for (const int status : {400, 403, 404, 405, 409, 413, 415, 422}) {
    INFO(status);
    Fronted both;
    both.front.on({.method = "POST"}, Reply{.status = status});
    both.front.on({.method = "PUT", .path = kManifests}, Reply{.status = status});
    Pusher pusher(both.front.authority());
    const auto repository = pusher.repository();
    const auto failed = repository->put_blob(blob_of("x"), {});
    REQUIRE_FALSE(failed);
    CHECK(failed.error().http->status == status);
    CHECK(both.front.requests("POST").size() == 1);
    CHECK_FALSE(repository->put_manifest(image_of("{}", {"x"}), std::vector<std::string>{"1"}, {}));
    CHECK(both.front.requests("PUT").size() == 1);
    CHECK(pusher.clock().sleeps().empty());
  }
}

TEST_CASE("row 54: tokens that wear out are renewed in the middle of a push") {
  emulator::Registry registry({.behaviour = {.auth = {.mode = Auth::Mode::bearer, .token_uses = 3}}});
  Pusher pusher(registry.authority(), {.chunk_bytes = 50'000, .user = "user", .password = "password"});
  const auto repository = pusher.repository();
  const auto layer = sample(500'000);
  put_image(*repository, "{}", layer, "1");
  CHECK(repository->resolve("1", {}));
  const auto requests = registry.log(emulator::Access::Port::registry).size();
  const auto tokens = registry.log(emulator::Access::Port::tokens).size();
  CHECK(tokens >= 4);
  CHECK(tokens <= requests / 3 + 1);
}

TEST_CASE("row 54: twenty blobs at once share one new token") {
  emulator::Registry registry({.behaviour = {.auth = {.mode = Auth::Mode::bearer}}});
  Pusher pusher(registry.authority(), {.user = "user", .password = "password"});
  const auto repository = pusher.repository();
  REQUIRE(repository->put_blob(blob_of("first"), {}));
  registry.clear_log();
  registry.tokens().expire_all();
  std::atomic<int> stored = 0;
  std::vector<std::thread> threads;
  for (std::uint32_t i = 0; i < 20; ++i) {
    threads.emplace_back(
        [&, i] { stored += repository->put_blob(blob_of(sample(20'000, i + 10)), {}).has_value(); });
  }
  for (auto& thread : threads) thread.join();
  CHECK(stored == 20);
  CHECK(registry.log(emulator::Access::Port::tokens).size() == 1);
}

TEST_CASE("row 57: a session that is lost begins anew") {
  const auto layer = sample(300'000);
  struct Loss {
    std::string method;
    std::size_t nth;
  };
  for (const auto& [method, nth] : {Loss{"PATCH", 1}, Loss{"PATCH", 2}, Loss{"PUT", 1}}) {
    for (const std::string code : {"BLOB_UPLOAD_UNKNOWN", "BLOB_UPLOAD_INVALID"}) {
      Fronted both;
      both.front.on({.method = method, .path = kUploads, .from = nth, .to = nth}, lost_session(code));
      Pusher pusher(both.front.authority(), {.chunk_bytes = 100'000});
      CHECK(pusher.repository()->put_blob(blob_of(layer), {}));
      CHECK(both.holds(layer));
      CHECK(both.front.requests("POST").size() == 2);
    }
  }
  Fronted never;
  never.front.on({.method = "PATCH"}, lost_session());
  Pusher pusher(never.front.authority(), {.chunk_bytes = 100'000});
  CHECK_FALSE(pusher.repository()->put_blob(blob_of(layer), {}));
  CHECK(never.front.requests("POST").size() <= 5);
  never.check_tidy();
}

TEST_CASE(
    "row 58: bytes that arrived although the answer was lost are not sent into the same session again") {
  const auto layer = sample(300'000);
  for (const std::string method : {"PATCH", "PUT"}) {
    for (const auto after : {After::cut, After::reset}) {
      Fronted both;
      both.front.on({.method = method, .path = kUploads, .to = 1}, forwarded_but_answer_lost(after));
      Pusher pusher(both.front.authority(), {.chunk_bytes = 100'000});
      CHECK(pusher.repository()->put_blob(blob_of(layer), {}));
      CHECK(both.holds(layer));
      both.check_tidy();
      for (const auto& access : both.registry.log("PATCH")) CHECK(access.status != 416);
      if (method == "PUT")
        CHECK(both.front.requests("POST").size() == 1);  // it is there: nothing is sent twice
    }
  }
}

TEST_CASE("row 59, row 60, row 61, row 62: sessions of every kind") {
  const auto layer = sample(300'000);
  std::vector<Behaviour> kinds{
      {.patch_status = 201}, {.patch_status = 204}, {.newest_location_only = true}, {.patch_keeps = 40'000}};
  for (const auto form :
       {Behaviour::Location::absolute, Behaviour::Location::relative, Behaviour::Location::query}) {
    kinds.push_back({.location = form, .newest_location_only = true});
  }
  kinds.push_back({.chunk_min_length = 120'000});
  for (const auto& kind : kinds) {
    for (const bool known : {true, false}) {
      emulator::Registry registry({.behaviour = kind});
      Pusher pusher(registry.authority(), {.chunk_bytes = 100'000, .spool_bytes = 0});
      const auto stored = known ? pusher.repository()->put_blob(blob_of(layer), {})
                                : pusher.repository()->put_blob(LateContent(layer), {});
      INFO(&kind - kinds.data() << " " << known);
      REQUIRE(stored);
      CHECK(stored->digest == Digest::of(layer));
      CHECK(registry.storage().blob("app", Digest::of(layer)) != nullptr);
      CHECK(registry.storage().open_uploads() == 0);
      CHECK(registry.log("PATCH").size() >= 3);
    }
  }
}

TEST_CASE("row 63: a missing Location matters on 202 and not on 201") {
  const Reply without{.status = 0, .headers = {{"Location", ""}}, .forward = true};
  for (const std::string method : {"POST", "PATCH"}) {
    Fronted both;
    both.front.on({.method = method}, without);
    Pusher pusher(both.front.authority(), {.chunk_bytes = 100'000});
    const auto failed = pusher.repository()->put_blob(blob_of(sample(300'000)), {});
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == Errc::protocol);
  }
  Fronted both;
  both.front.on({.method = "PUT"}, without);
  Pusher pusher(both.front.authority());
  put_image(*pusher.repository(), "{}", "layer", "1");
}

TEST_CASE("row 45, row 46, row 47: a blob that comes in pieces is read on where it broke") {
  const auto layer = sample(300'000);
  for (const std::size_t cut : {std::size_t{0}, std::size_t{1}, layer.size() / 2, layer.size() - 1}) {
    for (const auto& [after, framing] :
         {std::pair(After::cut, Framing::length), std::pair(After::reset, Framing::length),
          std::pair(After::cut, Framing::chunked), std::pair(After::cut, Framing::until_close)}) {
      INFO(cut << " " << static_cast<int>(after) << " " << static_cast<int>(framing));
      Fronted both;
      REQUIRE(Pusher(both.registry.authority()).repository()->put_blob(blob_of(layer), {}));
      both.front.on({.method = "GET", .to = 1},
                    Reply{.body = layer, .framing = framing, .cut_at = cut, .after = after});
      Pusher pusher(both.front.authority());
      const auto repository = pusher.repository();  // which the source reads through
      const auto opened = repository->open(*blob_of(layer).descriptor(), 0, {});
      REQUIRE(opened);
      CHECK(io::read_all(**opened, 1 << 20).value() == layer);
      const auto asked = both.front.requests("GET");
      REQUIRE(asked.size() == 2);
      // What a reset overtakes may be lost on the way; nothing that arrived is asked for again.
      if (after == After::cut && cut > 0)
        CHECK(asked[1].header("Range") == "bytes=" + std::to_string(cut) + "-");
    }
  }
}

TEST_CASE("row 64: a registry that never says a digest") {
  Fronted both;
  both.front.on({}, Reply{.status = 0, .headers = {{"Docker-Content-Digest", ""}}, .forward = true});
  Pusher pusher(both.front.authority());
  const auto repository = pusher.repository();
  const auto layer = sample(100'000);
  put_image(*repository, "{}", layer, "1");
  const Digest digest = image_of("{}", {layer}).descriptor().digest;
  CHECK(both.registry.storage().tag("app", "1") == digest);
  CHECK(repository->resolve("1", {}).value().digest == digest);
  CHECK(repository->probe(std::vector{*blob_of(layer).descriptor()}, {}).value()[0] == Presence::present);
  CHECK(repository->tags(1000, {}).value() == std::vector<std::string>{"1"});
}

TEST_CASE("row 65: another digest than ours in an answer is an integrity error") {
  const std::string other = Digest::of("other").to_string();
  const Reply wrong{.status = 0, .headers = {{"Docker-Content-Digest", other}}, .forward = true};
  Fronted both;
  both.front.on({.method = "PUT"}, wrong);
  Pusher pusher(both.front.authority());
  const auto repository = pusher.repository();
  const auto blob = repository->put_blob(blob_of("{}"), {});
  REQUIRE_FALSE(blob);
  CHECK(blob.error().code == Errc::corrupt);
  CHECK(blob.error().message.find(other) != std::string::npos);
  put_image(*Pusher(both.registry.authority()).repository(), "{}", "layer", "1");
  const auto manifest =
      repository->put_manifest(image_of("{}", {"layer"}), std::vector<std::string>{"2"}, {});
  REQUIRE_FALSE(manifest);
  CHECK(manifest.error().code == Errc::corrupt);
}

TEST_CASE("row 66: mounted, or uploaded where the answer leads") {
  const auto layer = sample(10'000);
  for (const int status : {201, 202, 400, 401, 404, 405}) {
    INFO(status);
    emulator::Registry registry;
    Pusher pusher(registry.authority());
    REQUIRE(pusher.repository("from")->put_blob(blob_of(layer), {}));
    if (status != 201) registry.set({.mount_status = status});
    const auto repository = pusher.repository("to");
    const auto mounted = repository->mount(*blob_of(layer).descriptor(), "from", {});
    REQUIRE(mounted);
    CHECK(*mounted == (status == 201));
    if (!*mounted) REQUIRE(repository->put_blob(blob_of(layer), {}));
    CHECK(registry.storage().blob("to", Digest::of(layer)) != nullptr);
    CHECK(registry.storage().open_uploads() == 0);
    if (status == 202) CHECK(registry.log("POST", "/v2/to/").size() == 1);
  }
}

TEST_CASE("row 67: two pushers of the same blobs and the same tag both succeed") {
  emulator::Registry registry;
  const auto shared = sample(100'000);
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (const std::string own : {"one", "two"}) {
    threads.emplace_back([&, own] {
      Pusher pusher(registry.authority());
      const auto repository = pusher.repository();
      for (int i = 0; i < 20; ++i) {
        const bool done =
            repository->put_blob(blob_of(shared), {}) && repository->put_blob(blob_of(own), {}) &&
            repository->put_manifest(image_of(own, {shared}), std::vector<std::string>{"tag"}, {});
        good += done;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(good == 40);
  const auto winner = registry.storage().tag("app", "tag");
  const bool one = winner == image_of("one", {shared}).descriptor().digest;
  const bool two = winner == image_of("two", {shared}).descriptor().digest;
  CHECK(one != two);
}

TEST_CASE("row 68: an immutable tag") {
  emulator::Registry registry({.behaviour = {.immutable_tags = true}});
  Pusher pusher(registry.authority());
  const auto repository = pusher.repository();
  put_image(*repository, "{}", "one", "1");
  put_image(*repository, "{}", "one", "1");
  REQUIRE(repository->put_blob(blob_of("two"), {}));
  registry.clear_log();
  const auto moved = repository->put_manifest(image_of("{}", {"two"}), std::vector<std::string>{"1"}, {});
  REQUIRE_FALSE(moved);
  CHECK(moved.error().code == Errc::conflict);
  CHECK(registry.log("PUT").size() == 1);
  CHECK(registry.storage().tag("app", "1") == image_of("{}", {"one"}).descriptor().digest);
}

TEST_CASE("row 69: what was just written may be out of sight for a while") {
  emulator::Registry registry({.behaviour = {.hidden_lookups = 2}});
  Pusher pusher(registry.authority());
  const auto repository = pusher.repository();
  put_image(*repository, "{}", "layer", "1");
  CHECK(repository->resolve(image_of("{}", {"layer"}).descriptor().digest.to_string(), {}));
  // Somebody else's blob that cannot be seen is simply not there.
  registry.storage().put_blob("app", Digest::of("stranger"), "stranger");
  Pusher other(registry.authority());
  CHECK_FALSE(
      other.repository()->put_manifest(image_of("{}", {"never pushed"}), std::vector<std::string>{"2"}, {}));
}

TEST_CASE("row 75, row 76: answers that no registry gives, and errors of every shape") {
  const std::string page = "<!DOCTYPE html><html><body>Please log in\x1b[2J</body></html>";
  for (const std::string method : {"POST", "PUT"}) {
    Fronted both;
    both.front.on({.method = method},
                  Reply{.status = 200, .headers = {{"Content-Type", "text/html"}}, .body = page});
    Pusher pusher(both.front.authority());
    const auto failed = pusher.repository()->put_blob(blob_of("x"), {});
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == Errc::protocol);
    CHECK(failed.error().message.find('\x1b') == std::string::npos);
  }
  for (const std::string body : {R"({"errors":null})", R"({"errors":{}})", R"({"errors":[]})", R"("text")",
                                 R"({"errors":[{"code":"DENIED","message":"no","detail":{"a":[1]}}]})", "",
                                 page.c_str(), "\xff\xfe\x01"}) {
    FaultServer server;
    server.on({}, Reply{.status = 403, .body = body});
    Pusher pusher(server.authority());
    const auto failed = pusher.repository()->put_blob(blob_of("x"), {});
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == Errc::denied);
    CHECK(failed.error().http->status == 403);
    for (const char c : failed.error().message) CHECK(static_cast<unsigned char>(c) >= ' ');
    CHECK(server.requests().size() == 1);
  }
}

TEST_CASE("row 77: a registry without HEAD") {
  for (const int status : {405, 501, 400, 404}) {
    INFO(status);
    emulator::Registry registry({.behaviour = {.head_supported = false, .head_refusal = status}});
    Pusher pusher(registry.authority());
    const auto repository = pusher.repository();
    put_image(*repository, "{}", "layer", "1");
    CHECK(repository->resolve("1", {}));
    const std::vector<Descriptor> wanted{*blob_of("layer").descriptor(), *blob_of("none").descriptor()};
    if (status == 404)
      continue;  // then HEAD says, truthfully as far as anybody can tell, that the blob is not there
    const auto found = repository->probe(wanted, {});
    REQUIRE(found);
    CHECK((*found)[0] == Presence::present);
    CHECK((*found)[1] == Presence::absent);
  }
}

TEST_CASE("row 78: no Expect is sent, interim answers are passed over") {
  Fronted both;
  both.front.on({}, Reply{.status = 0, .interim = {100, 103}, .forward = true});
  Pusher pusher(both.front.authority(), {.chunk_bytes = 100'000});
  put_image(*pusher.repository(), "{}", sample(2'500'000), "1");
  for (const auto& request : both.front.requests()) CHECK_FALSE(request.has("Expect"));
}

TEST_CASE("row 79: redirects of reading requests are followed") {
  for (const int status : {301, 302, 303, 307, 308}) {
    for (const bool absolute : {false, true}) {
      Fronted both;
      put_image(*Pusher(both.registry.authority()).repository(), "{}", "layer", "1");
      const std::string to = kManifests + image_of("{}", {"layer"}).descriptor().digest.to_string();
      both.front.on({.path = kManifests + "1"},
                    redirect_to((absolute ? "http://" + both.front.authority() : "") + to, status));
      Pusher pusher(both.front.authority());
      CHECK(pusher.repository()->manifest("1", {}).value().bytes() == image_of("{}", {"layer"}).bytes());
    }
  }
  FaultServer server;
  server.on({}, Reply{.status = 302});
  Pusher pusher(server.authority());
  const auto failed = pusher.repository()->manifest("1", {});
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == Errc::protocol);
}

TEST_CASE("row 1, row 7, row 9: another host gets no credentials, and its challenge gets no answer") {
  const auto layer = sample(300'000);
  FaultServer store;  // refuses two kinds of authorization at once, as object stores do
  store.on({}, [&](const RecordedRequest& request) {
    return request.has("Authorization") ? Reply{.status = 400, .body = "<Error>InvalidArgument</Error>"}
                                        : Reply{.body = layer};
  });
  for (const std::string scheme : {"", "Bearer", "Basic"}) {
    INFO(scheme);
    FaultServer challenger;
    const std::string realm = " realm=\"http://" + challenger.authority() + "/token\",service=\"s\"";
    challenger.on({}, Reply{.status = 401, .headers = {{"WWW-Authenticate", scheme + realm}}});
    const FaultServer& other = scheme.empty() ? store : challenger;
    FaultServer registry;
    registry.on({}, [&](const RecordedRequest& request) {
      return request.has("Authorization")
                 ? redirect_to("http://" + other.authority() + "/signed?X-Sig=1")
                 : Reply{.status = 401, .headers = {{"WWW-Authenticate", "Basic realm=\"r\""}}};
    });
    Pusher pusher(registry.authority(), {.user = "user", .password = "password"});
    const auto repository = pusher.repository();  // which the source reads through
    const auto opened = repository->open(*blob_of(layer).descriptor(), 0, {});
    REQUIRE(opened.has_value() == scheme.empty());
    if (opened) CHECK(io::read_all(**opened, 1 << 20).value() == layer);
    CHECK(registry.requests().size() == 2);
    CHECK(other.requests().size() == 1);  // asked once, for the blob and for no token
    for (const auto& request : other.requests()) CHECK_FALSE(request.has("Authorization"));
  }
}

TEST_CASE("row 1: an address in a descriptor is never asked") {
  FaultServer elsewhere;
  emulator::Registry from, to;
  const std::string layer = "known here, and described as being elsewhere";
  const auto image = image_of("{}", {layer});
  std::string bytes = image.bytes();
  const std::string size = "\"size\":" + std::to_string(layer.size());
  bytes.replace(bytes.find(size), size.size(),
                size + R"(,"urls":["http://)" + elsewhere.authority() + R"(/x"])");
  const Manifest described = Manifest::parse(bytes, image.descriptor().media_type).value();
  REQUIRE(described.layers().at(0).urls.size() == 1);
  Pusher pusher(from.authority());
  const auto repository = pusher.repository();
  put_image(*repository, "{}", layer, "plain");
  REQUIRE(repository->put_manifest(described, std::vector<std::string>{"1"}, {}));
  const auto blob = repository->open(described.layers().at(0), 0, {});
  REQUIRE(blob);
  CHECK(io::read_all(**blob, 1000).value() == layer);
  Client client{ClientOptions()};
  const auto copied = client.push(from.authority() + "/app:1", to.authority() + "/app:1");
  REQUIRE(copied);
  CHECK(copied->root.digest == described.descriptor().digest);
  // Where the registry does not have it, it is missing, whatever the descriptor offers.
  from.storage().remove_blob("app", Digest::of(layer));
  CHECK_FALSE(client.push(from.authority() + "/app:1", to.authority() + "/other:1"));
  CHECK(elsewhere.connections() == 0);
}

TEST_CASE("row 80: unusual successes count when the thing is there") {
  for (const int status : {200, 201, 202, 204}) {
    INFO(status);
    emulator::Registry registry({.behaviour = {.blob_put_status = status, .manifest_put_status = status}});
    Pusher pusher(registry.authority());
    put_image(*pusher.repository(), "{}", "layer", "1");
    CHECK(registry.storage().tag("app", "1"));
    FaultServer liar({.upstream = Address::parse(registry.authority())});
    liar.on({.method = "PUT"}, Reply{.status = status});
    if (status == 201) continue;  // the plain promise is believed
    Pusher doubter(liar.authority());
    CHECK_FALSE(doubter.repository()->put_blob(blob_of("never stored"), {}));
  }
}

TEST_CASE("row 83: what is begun is committed or cancelled, whatever fails") {
  const auto layer = sample(300'000);
  for (const auto& [method, nth] : {std::pair("PATCH", 1), std::pair("PATCH", 3), std::pair("PUT", 1)}) {
    for (const int status : {403, 503}) {
      Fronted both;
      both.front.on({.method = method, .path = kUploads, .from = static_cast<std::size_t>(nth)},
                    Reply{.status = status});
      Pusher pusher(both.front.authority(), {.chunk_bytes = 100'000});
      CHECK_FALSE(pusher.repository()->put_blob(blob_of(layer), {}));
      both.check_tidy();
      const auto counts = both.registry.uploads();
      CHECK(counts.committed == 0);
      CHECK(counts.cancelled == counts.begun);
      CHECK(counts.begun == (status == 403 ? 1 : 5));
    }
  }
}

TEST_CASE("row 84: a stop is heard at every stage") {
  struct Stage {
    std::string method;
    std::optional<std::uint64_t> early;
  };
  for (const auto& [method, early] :
       {Stage{"POST", {}}, Stage{"PATCH", 1000}, Stage{"PATCH", {}}, Stage{"PUT", {}}}) {
    Fronted both;
    both.front.on({.method = method, .early = early}, never_answer());
    std::stop_source stop;
    Result<Descriptor> result = Error{};
    std::thread pushing([&] {
      Pusher pusher(both.front.authority(), {.chunk_bytes = 4'000'000});
      result = pusher.repository()->put_blob(blob_of(sample(5'000'000)), {.stop = stop.get_token()});
    });
    CHECK(both.front.wait_until([&, m = method] { return !both.front.requests(m).empty(); }));
    stop.request_stop();
    pushing.join();
    REQUIRE_FALSE(result);
    CHECK(result.error().code == Errc::cancelled);
    both.check_tidy();
  }
}

TEST_CASE("row 85: a manifest that is refused leaves the tag where it was") {
  for (const int status : {400, 403, 500}) {
    Fronted both;
    put_image(*Pusher(both.registry.authority()).repository(), "{}", "old", "1");
    both.front.on({.method = "PUT", .path = kManifests}, Reply{.status = status});
    Pusher pusher(both.front.authority());
    const auto repository = pusher.repository();
    REQUIRE(repository->put_blob(blob_of("new"), {}));
    CHECK_FALSE(repository->put_manifest(image_of("{}", {"new"}), std::vector<std::string>{"1"}, {}));
    CHECK(both.registry.storage().tag("app", "1") == image_of("{}", {"old"}).descriptor().digest);
  }
}

TEST_CASE("row 86: 307 and 308 within the origin repeat the request with its body") {
  const auto layer = sample(300'000);
  for (const int status : {307, 308}) {
    for (const std::string method : {"POST", "PATCH", "PUT"}) {
      Fronted both;
      both.front.on(
          {.method = method, .path = kUploads, .to = 1},
          [status = status](const RecordedRequest& request) { return redirect_to(request.target, status); });
      Pusher pusher(both.front.authority(), {.chunk_bytes = 100'000});
      CHECK(pusher.repository()->put_blob(blob_of(layer), {}));
      CHECK(both.holds(layer));
      const auto all = both.front.requests(method, kUploads);
      REQUIRE(all.size() >= 2);
      CHECK(all[0].target == all[1].target);
      CHECK(all[0].body_sha256 == all[1].body_sha256);
      CHECK(both.front.requests("POST").size() == (method == "POST" ? 2 : 1));
    }
  }
}

TEST_CASE("row 87: an early answer is heard while the body is still on its way") {
  Fronted both;
  both.front.on(
      {.method = "PUT", .path = kUploads, .early = 65536},
      Reply{.status = 413, .body = R"({"errors":[{"code":"SIZE_INVALID"}]})", .after = After::finish});
  Pusher pusher(both.front.authority());
  const auto failed = pusher.repository()->put_blob(blob_of(sample(20'000'000)), {});
  REQUIRE_FALSE(failed);
  REQUIRE(failed.error().http);
  CHECK(failed.error().http->status == 413);
  CHECK(both.front.requests("PUT").size() == 1);
}

TEST_CASE("row 94: a connection that is reset under an upload does not kill the program") {
  struct sigaction before {};
  ::sigaction(SIGPIPE, nullptr, &before);
  REQUIRE(before.sa_handler == SIG_DFL);
  const TestCa ca;
  const TempDir dir;
  emulator::Registry registry;
  FaultServer front({.tls = ca.issue({"127.0.0.1"}), .upstream = Address::parse(registry.authority())});
  front.on({.method = "PUT", .path = kUploads, .to = 2, .early = 100'000}, drop_with(After::reset));
  Pusher pusher(front.authority(),
                {.plain_http = false, .ca_file = dir.write("ca.pem", ca.certificate_pem()).string()});
  const auto layer = sample(10'000'000);
  const auto stored = pusher.repository()->put_blob(blob_of(layer), {});
  REQUIRE(stored);
  CHECK(front.requests("PUT").size() == 3);
}

TEST_CASE("row 97: many threads on one registry, and the end while they run") {
  emulator::Registry registry;
  std::stop_source stop;
  std::atomic<int> stored = 0;
  std::atomic<int> cancelled = 0;
  {
    Pusher pusher(registry.authority());
    std::vector<std::thread> threads;
    for (std::uint32_t i = 0; i < 32; ++i) {
      threads.emplace_back([&, i] {
        const auto repository = pusher.repository("app" + std::to_string(i % 4));
        for (std::uint32_t n = 0;; ++n) {
          const auto result =
              repository->put_blob(blob_of(sample(1'000, i * 100'000 + n)), {.stop = stop.get_token()});
          if (!result) {
            cancelled += result.error().code == Errc::cancelled;
            return;
          }
          if (++stored == 300) stop.request_stop();
        }
      });
    }
    for (auto& thread : threads) thread.join();
  }
  CHECK(stored >= 300);
  CHECK(cancelled == 32);
}
