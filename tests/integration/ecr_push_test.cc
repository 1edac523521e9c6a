// The whole library through its front door, against an emulated ECR.

#include <davit/davit.h>

#include <thread>

#include <davit/emulator.h>

#include "emulator/ecr/ecr.h"
#include "push_fixture.h"
#include "support/catch.h"
#include "support/save_archive.h"
#include "support/temp_dir.h"

using namespace davit;
using davit::test::sample;
using davit::test::save_archive;
using davit::test::TempDir;
using emulator::Access;
using emulator::Ecr;
using emulator::Fault;

namespace {

ClientOptions options_for(const Ecr& ecr) {
  ClientOptions options;
  options.aws_environment.variables = ecr.environment();
  options.registries[ecr.authority()].ecr = EcrRegistry{
      .account = ecr.place().account, .region = ecr.place().region, .api_endpoint = ecr.api_url()};
  return options;
}

/// An OCI layout of one finished image with so many layers.
std::string layout(TempDir& folder, int layers, int seed = 1, const std::string& tag = "1",
                   const std::string& annotation = "") {
  const std::string config =
      R"({"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]},"seed":)" +
      std::to_string(seed) + "}";
  std::vector<std::string> bytes;
  for (int i = 0; i < layers; ++i)
    bytes.push_back(sample(2000 + static_cast<std::size_t>(i), static_cast<std::uint32_t>(seed * 1000 + i)));
  Manifest manifest = test::image_of(config, bytes);
  if (!annotation.empty()) {
    std::string text(manifest.bytes());
    text.replace(text.size() - 1, 1, R"(,"annotations":{"note":")" + annotation + R"("}})");
    manifest = Manifest::parse(std::move(text), "").value();
  }
  const std::string name = "layout" + std::to_string(seed);
  const auto put = [&](const std::string& blob) {
    folder.write(name + "/blobs/sha256/" + Digest::of(blob).hex(), blob);
  };
  put(config);
  for (const std::string& each : bytes) put(each);
  put(manifest.bytes());
  folder.write(name + "/oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
  folder.write(
      name + "/index.json",
      R"({"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":")" +
          manifest.descriptor().digest.to_string() + R"(","size":)" +
          std::to_string(manifest.bytes().size()) +
          R"(,"annotations":{"org.opencontainers.image.ref.name":")" + tag + R"("}}]})");
  return "oci:" + (folder.path() / name).string() + ":" + tag;
}

std::size_t at_registry(const Ecr& ecr) {
  return ecr.log(Access::Port::registry).size();
}

}  // namespace

TEST_CASE("a first push costs two requests a blob, one batch, one tag check and one manifest") {
  Ecr ecr;
  ecr.backend().create({.name = "app"});
  TempDir folder;
  Client client(options_for(ecr));
  REQUIRE(client.push(layout(folder, 60), ecr.authority() + "/app:1"));
  CHECK(ecr.controls().calls("GetAuthorizationToken") == 1);
  CHECK(ecr.controls().calls("BatchCheckLayerAvailability") == 1);
  CHECK(ecr.controls().calls("InitiateLayerUpload") == 61);
  CHECK(ecr.controls().calls("PutImage") == 1);
  CHECK(ecr.log("PATCH").empty());
  CHECK(ecr.log("PUT", "/v2/app/blobs/").size() == 61);
  CHECK(ecr.log("HEAD", "/v2/app/blobs/").empty());
  CHECK(ecr.log("", "/v2/app/manifests/").size() <= 3);  // the tag, the root, and the PUT
}

TEST_CASE("an image that is there costs at most four requests") {
  Ecr ecr;
  ecr.backend().create({.name = "app"});
  TempDir folder;
  const std::string source = layout(folder, 60);
  {
    Client client(options_for(ecr));
    REQUIRE(client.push(source, ecr.authority() + "/app:1"));
  }
  for (const char* tag : {"1", "2"}) {
    INFO(tag);
    ecr.clear_log();
    Client client(options_for(ecr));
    const auto pushed = client.push(source, ecr.authority() + "/app:" + tag);
    REQUIRE(pushed);
    CHECK(pushed->blobs.sent == 0);
    std::size_t tokens = 0;
    for (const Access& each : ecr.log(Access::Port::api)) tokens += each.operation == "GetAuthorizationToken";
    CHECK(tokens == 1);
    CHECK(at_registry(ecr) + ecr.log(Access::Port::api).size() - tokens <= 4);
  }
}

TEST_CASE("a token that ends between and in the middle of pushes is renewed, and the push goes on") {
  Ecr ecr;
  REQUIRE(ecr.controls().set_mode("token-life", "600"));
  ecr.backend().create({.name = "app"});
  TempDir folder;
  Client client(options_for(ecr));
  REQUIRE(client.push(layout(folder, 2, 1), ecr.authority() + "/app:1"));
  ecr.advance(std::chrono::minutes(11));  // the client's clock has not moved: only the registry knows
  const auto pushed = client.push(layout(folder, 20, 2), ecr.authority() + "/app:2");
  INFO((pushed ? "" : pushed.error().to_string()));
  REQUIRE(pushed);
  CHECK(pushed->blobs.sent == 21);
  CHECK(ecr.controls().calls("GetAuthorizationToken") == 2);
  // A connection that is cut in the middle costs its blob a new session and nothing else.
  ecr.controls().fail_next({.operation = "CompleteLayerUpload", .kind = Fault::Kind::cut, .times = 1});
  const auto sessions = ecr.controls().calls("InitiateLayerUpload");
  REQUIRE(client.push(layout(folder, 3, 3), ecr.authority() + "/app:3"));
  CHECK(ecr.controls().calls("InitiateLayerUpload") == sessions + 4 + 1);
}

TEST_CASE("row 55: a token that ends while blobs are on their way costs one more login and no blob twice") {
  std::atomic<Ecr*> running = nullptr;
  std::atomic<int> uploads = 0;
  emulator::EcrOptions settings;
  settings.log.on_line = [&](const Access& access) {
    if (access.method == "PUT" && ++uploads == 8 && running != nullptr)
      running.load()->advance(std::chrono::minutes(11));
  };
  Ecr ecr(settings);
  running = &ecr;
  ecr.backend().create({.name = "app"});
  REQUIRE(ecr.controls().set_mode("token-life", "600"));
  TempDir folder;
  Client client(options_for(ecr));
  const auto pushed = client.push(layout(folder, 40), ecr.authority() + "/app:1");
  INFO((pushed ? "" : pushed.error().to_string()));
  REQUIRE(pushed);
  CHECK(ecr.controls().calls("GetAuthorizationToken") == 2);
  CHECK(ecr.controls().calls("CompleteLayerUpload") == 41);
  running = nullptr;
}

TEST_CASE("row 81: many pushes at once share one login") {
  Ecr ecr;
  TempDir folder;
  const std::string source = layout(folder, 1);
  Client client(options_for(ecr));
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 16; ++i) ecr.backend().create({.name = "app" + std::to_string(i)});
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&, i] {
      if (client.push(source, ecr.authority() + "/app" + std::to_string(i) + ":1")) ++good;
    });
  }
  for (std::thread& each : threads) each.join();
  CHECK(good == 16);
  CHECK(ecr.controls().calls("GetAuthorizationToken") == 1);
}

TEST_CASE("a missing right is named with its action and resource, and costs no new token") {
  for (const char* operation :
       {"InitiateLayerUpload", "PutImage", "CompleteLayerUpload", "UploadLayerPart"}) {
    INFO(operation);
    Ecr ecr;
    ecr.backend().create({.name = "app"});
    ecr.controls().deny(operation);
    TempDir folder;
    Client client(options_for(ecr));
    const auto pushed = client.push(layout(folder, 2), ecr.authority() + "/app:1");
    REQUIRE_FALSE(pushed);
    INFO(pushed.error().message);
    CHECK(pushed.error().code == Errc::denied);
    CHECK(pushed.error().message.find("ecr:" + std::string(operation) + " is not allowed on arn:aws:ecr:") !=
          std::string::npos);
    CHECK(pushed.error().hint.find("allow ecr:" + std::string(operation)) == 0);
    CHECK(ecr.controls().calls("GetAuthorizationToken") == 1);
  }
}

TEST_CASE("one who may not log in hears which right is missing") {
  Ecr ecr;
  ecr.backend().create({.name = "app"});
  ecr.controls().deny("GetAuthorizationToken");
  TempDir folder;
  Client client(options_for(ecr));
  const auto pushed = client.push(layout(folder, 2), ecr.authority() + "/app:1");
  REQUIRE_FALSE(pushed);
  CHECK(pushed.error().code == Errc::denied);
  CHECK(pushed.error().message.find("ecr:GetAuthorizationToken is not allowed") != std::string::npos);
}

TEST_CASE("one who may not ask in batches pushes all the same") {
  Ecr ecr;
  ecr.backend().create({.name = "app"});
  ecr.controls().deny("BatchCheckLayerAvailability");
  ecr.controls().deny("BatchGetImage");
  TempDir folder;
  Client client(options_for(ecr));
  const auto pushed = client.push(layout(folder, 5), ecr.authority() + "/app:1");
  INFO((pushed ? "" : pushed.error().message));
  REQUIRE(pushed);
  CHECK(ecr.controls().calls("PutImage") == 1);
}

TEST_CASE("with credentials that were given for the registry AWS is asked nothing") {
  Ecr ecr;
  ecr.backend().create({.name = "app"});
  TempDir folder;
  ClientOptions options = options_for(ecr);
  options.credentials = {
      fixed_credentials(ecr.authority(), {.username = "AWS", .password = Secret(ecr.registry_password())})};
  Client client(options);
  const std::string base = test::tar_entry("base", sample(300'000));
  folder.write("old.tar", save_archive({base, test::tar_entry("a", "old")}, "app:old"));
  folder.write("new.tar", save_archive({base, test::tar_entry("a", "new")}, "app:new"));
  REQUIRE(client.push(layout(folder, 5), ecr.authority() + "/app:1"));
  REQUIRE(client.push((folder.path() / "old.tar").string(), ecr.authority() + "/app:old"));
  const auto pushed = client.push((folder.path() / "new.tar").string(), ecr.authority() + "/app:new");
  REQUIRE(pushed);
  CHECK(pushed->blobs.reused == 1);
  CHECK(ecr.log(Access::Port::api).empty());
  CHECK(ecr.log("HEAD", "/v2/app/blobs/").size() >= 6);
  PushOptions push;
  push.create_repository = NewRepository{};
  REQUIRE(client.push(layout(folder, 1), ecr.authority() + "/fresh:1", push));
  CHECK(ecr.log(Access::Port::api).size() == 1);
  CHECK(ecr.log(Access::Port::api).front().operation == "CreateRepository");
}

TEST_CASE("given credentials that ECR does not take end a push at once, by name") {
  Ecr ecr;
  ecr.backend().create({.name = "app"});
  TempDir folder;
  folder.write("app.tar", save_archive({test::tar_entry("a", "plain")}, "app:1"));
  ClientOptions options = options_for(ecr);
  options.credentials = {
      fixed_credentials(ecr.authority(), {.username = "AWS", .password = Secret("wrong")})};
  Client client(options);
  for (const std::string& source : {layout(folder, 2), (folder.path() / "app.tar").string()}) {
    INFO(source);
    ecr.clear_log();
    const auto pushed = client.push(source, ecr.authority() + "/app:1");
    REQUIRE_FALSE(pushed);
    INFO(pushed.error().message);
    CHECK(pushed.error().code == Errc::unauthenticated);
    CHECK(pushed.error().message.find("does not accept the credentials of AWS") != std::string::npos);
    CHECK(at_registry(ecr) <= 2);
    CHECK(ecr.log("POST", "/v2/").empty());
  }
}

TEST_CASE("a full repository is told from a missing right") {
  Ecr ecr;
  ecr.backend().create({.name = "app"});
  REQUIRE(ecr.controls().set_mode("max-images", "1"));
  TempDir folder;
  Client client(options_for(ecr));
  REQUIRE(client.push(layout(folder, 1, 1), ecr.authority() + "/app:1"));
  const auto pushed = client.push(layout(folder, 1, 2), ecr.authority() + "/app:2");
  REQUIRE_FALSE(pushed);
  INFO(pushed.error().message);
  CHECK(pushed.error().code == Errc::unsupported);
  CHECK(pushed.error().hint.find("the repository is full") == 0);
  CHECK(ecr.controls().calls("GetAuthorizationToken") == 1);
}

TEST_CASE("row 68: an immutable tag: the same image is a success, another one a conflict that names both") {
  Ecr ecr;
  ecr.backend().create({.name = "app", .mutability = {.mode = "IMMUTABLE"}});
  TempDir folder;
  Client client(options_for(ecr));
  const auto first = client.push(layout(folder, 1, 1), ecr.authority() + "/app:1");
  REQUIRE(first);
  const auto again = client.push(layout(folder, 1, 1), ecr.authority() + "/app:1");
  REQUIRE(again);
  CHECK(again->unchanged);
  CHECK(ecr.controls().calls("PutImage") == 1);
  const auto other = client.push(layout(folder, 1, 2), ecr.authority() + "/app:1");
  REQUIRE_FALSE(other);
  CHECK(other.error().code == Errc::conflict);
  CHECK(other.error().message.find(first->root.digest.to_string()) != std::string::npos);
  CHECK(other.error().message.find(", not sha256:") != std::string::npos);
}

TEST_CASE("a tag that cannot be moved is found before a blob is sent, where one would be") {
  Ecr ecr;
  ecr.backend().create({.name = "app", .mutability = {.mode = "IMMUTABLE"}});
  ecr.backend().create(
      {.name = "some",
       .mutability = {.mode = "IMMUTABLE_WITH_EXCLUSION", .exclusions = {"dev-*", "l*te*t"}}});
  ecr.backend().create(
      {.name = "most", .mutability = {.mode = "MUTABLE_WITH_EXCLUSION", .exclusions = {"v*", "stable"}}});
  ecr.backend().create({.name = "free"});
  TempDir folder;
  int seed = 0;
  const auto tar = [&] {
    const std::string text = "text" + std::to_string(++seed);
    return folder.write(text + ".tar", save_archive({test::tar_entry("a", text)}, "x:1")).string();
  };
  const auto uploads = [&] { return ecr.log("POST", "/v2/").size(); };
  Client client(options_for(ecr));
  struct Case {
    const char* where;
    bool fixed;
  };
  for (const Case& each : std::vector<Case>{{"/app:1", true},
                                            {"/some:1", true},
                                            {"/some:dev-1", false},
                                            {"/some:latest", false},
                                            {"/most:v1", true},
                                            {"/most:stable", true},
                                            {"/most:1", false},
                                            {"/free:1", false}}) {
    INFO(each.where);
    const auto there = client.push(layout(folder, 1, ++seed), ecr.authority() + each.where);
    REQUIRE(there);
    for (const std::string& source : {layout(folder, 1, ++seed), tar()}) {
      const auto before = uploads();
      const auto described = ecr.controls().calls("DescribeRepositories");
      const auto other = client.push(source, ecr.authority() + each.where);
      CHECK(ecr.controls().calls("DescribeRepositories") == described + 1);
      CHECK(other.has_value() == !each.fixed);
      if (other) continue;
      CHECK(uploads() == before);
      INFO(other.error().message);
      CHECK(other.error().code == Errc::conflict);
      CHECK(other.error().message.find("it names " + there->root.digest.to_string()) != std::string::npos);
      const auto plan = client.plan_push(source, std::vector{ecr.authority() + each.where});
      REQUIRE_FALSE(plan);
      CHECK(plan.error().code == Errc::conflict);
    }
  }
  ecr.controls().deny("DescribeRepositories");  // who may not ask finds out by trying
  const auto tried = client.push(tar(), ecr.authority() + "/app:1");
  REQUIRE_FALSE(tried);
  CHECK(tried.error().code == Errc::conflict);
}

TEST_CASE("an image of more layers than ECR takes is refused before anything is sent, in a plan too") {
  Ecr ecr;
  ecr.backend().create({.name = "app"});
  TempDir folder;
  Client client(options_for(ecr));
  REQUIRE(client.push(layout(folder, 500, 1), ecr.authority() + "/app:500"));
  std::vector<std::string> layers(501, test::tar_entry("a", "text"));
  folder.write("many.tar", save_archive(layers, "app:501"));
  ecr.clear_log();
  for (const std::string& source : {layout(folder, 501, 2), (folder.path() / "many.tar").string()}) {
    INFO(source);
    const auto pushed = client.push(source, ecr.authority() + "/app:501");
    REQUIRE_FALSE(pushed);
    INFO(pushed.error().message);
    CHECK(pushed.error().code == Errc::unsupported);
    CHECK(pushed.error().message.find("the image has 501 layers, and the registry takes at most 500") !=
          std::string::npos);
    const auto plan = client.plan_push(source, std::vector{ecr.authority() + "/app:501"});
    REQUIRE_FALSE(plan);
    CHECK(plan.error().code == Errc::unsupported);
  }
  CHECK(ecr.log("POST").empty());
}

TEST_CASE("a manifest of more than 4 MiB is refused by ECR beforehand, and is a warning elsewhere") {
  struct Notes final : Observer {
    void note(const std::string& text) override { texts += text + "\n"; }
    std::string texts;
  };
  Ecr ecr;
  ecr.backend().create({.name = "app"});
  TempDir folder;
  const std::string large = layout(folder, 1, 1, "1", std::string((4u << 20) + 1, 'x'));
  const std::string small = layout(folder, 1, 2, "1", std::string((4u << 20) - 2000, 'x'));
  const auto plain = Emulator::start().value();
  Client client(options_for(ecr));
  const auto pushed = client.push(large, ecr.authority() + "/app:1");
  REQUIRE_FALSE(pushed);
  INFO(pushed.error().message);
  CHECK(pushed.error().code == Errc::unsupported);
  CHECK(pushed.error().message.find("4.1 MiB, and the registry takes at most 4.0 MiB") != std::string::npos);
  CHECK(ecr.controls().calls("InitiateLayerUpload") == 0);
  Notes notes;
  PushOptions push;
  push.observer = &notes;
  CHECK(client.push(small, ecr.authority() + "/app:2", push));
  CHECK(notes.texts.empty());
  CHECK(client.push(large, plain.registry() + "/app:1", push));
  CHECK(notes.texts.find("has 4.1 MiB; many registries take no more than 4.0 MiB") != std::string::npos);
}

TEST_CASE("a blob that is compressed while it is sent costs at most three requests") {
  Ecr ecr;
  ecr.backend().create({.name = "app"});
  TempDir folder;
  std::vector<std::string> layers;
  for (std::uint32_t i = 0; i < 3; ++i)  // what does not compress
    layers.push_back(test::tar_entry("f" + std::to_string(i), sample((9u << 20) + i, i + 7)));
  folder.write("app.tar", save_archive(layers, "app:1"));
  Client client(options_for(ecr));
  const auto pushed = client.push((folder.path() / "app.tar").string(), ecr.authority() + "/app:1");
  INFO((pushed ? "" : pushed.error().message));
  REQUIRE(pushed);
  CHECK(pushed->blobs.sent == 4);
  CHECK(pushed->blobs.bytes_sent > 3 * (8u << 20));
  CHECK(ecr.log("PATCH", "/v2/app/blobs/").size() == 3);  // else nothing was streamed
  for (const Access& each : ecr.log("PATCH", "/v2/app/blobs/")) CHECK(each.bytes_in > 8u << 20);
  std::size_t requests = 0;
  for (const char* method : {"POST", "PATCH", "PUT", "GET", "HEAD", "DELETE"})
    requests += ecr.log(method, "/v2/app/blobs/").size();
  CHECK(requests == 3 * 3 + 2);  // the config is known beforehand
}

TEST_CASE("a missing repository is made when that was asked for, as it was asked for") {
  for (const char* mode : {"refuse", "cut"}) {
    INFO(mode);
    Ecr ecr;
    REQUIRE(ecr.controls().set_mode("missing-repository", mode));
    TempDir folder;
    ClientOptions options = options_for(ecr);
    options.retries = 2;
    Client client(options);
    PushOptions push;
    push.create_repository = NewRepository{.immutable = true, .scan = true};
    const auto plan = client.plan_push(layout(folder, 8), std::vector{ecr.authority() + "/team/app:1"}, push);
    REQUIRE(plan);
    CHECK_FALSE(ecr.backend().has("team/app"));  // a plan makes nothing
    const auto pushed = client.push(layout(folder, 8), ecr.authority() + "/team/app:1", push);
    INFO((pushed ? "" : pushed.error().message));
    REQUIRE(pushed);
    CHECK(ecr.controls().calls("CreateRepository") == 1);
    CHECK(ecr.backend().find("team/app").mutability.mode == "IMMUTABLE");
    CHECK(ecr.backend().find("team/app").scan_on_push);
  }
}

TEST_CASE("a repository that is made gets its lifecycle policy") {
  Ecr ecr;
  TempDir folder;
  Client client(options_for(ecr));
  PushOptions push;
  push.create_repository = NewRepository{
      .lifecycle_policy =
          R"({"rules":[{"rulePriority":1,"selection":{"tagStatus":"untagged","countType":"sinceImagePushed",)"
          R"("countUnit":"days","countNumber":14},"action":{"type":"expire"}}]})"};
  REQUIRE(client.push(layout(folder, 8), ecr.authority() + "/team/app:1", push));
  CHECK(ecr.backend().find("team/app").lifecycle_policy == push.create_repository->lifecycle_policy);
  CHECK(ecr.controls().calls("PutLifecyclePolicy") == 1);
  REQUIRE(client.push(layout(folder, 8), ecr.authority() + "/team/app:2", push));
  CHECK(ecr.controls().calls("PutLifecyclePolicy") == 1);
  ecr.controls().deny("PutLifecyclePolicy");
  const auto denied = client.push(layout(folder, 8), ecr.authority() + "/team/other:1", push);
  REQUIRE_FALSE(denied);
  CHECK(denied.error().code == Errc::denied);
  CHECK(denied.error().message.find("PutLifecyclePolicy") != std::string::npos);
}

TEST_CASE(
    "a missing repository is made before the first blob, so that nothing is refused and all is mounted") {
  for (const std::string_view how : {"batches", "no batches", "given credentials"}) {
    INFO(how);
    Ecr ecr;
    ecr.backend().create({.name = "app"});
    REQUIRE(ecr.controls().set_mode("mount", "on"));
    TempDir folder;
    folder.write("app.tar",
                 save_archive({test::tar_entry("a", "plain"), test::tar_entry("b", "other")}, "x:1"));
    ClientOptions options = options_for(ecr);
    if (how == "given credentials")
      options.credentials = {fixed_credentials(
          ecr.authority(), {.username = "AWS", .password = Secret(ecr.registry_password())})};
    if (how == "no batches") ecr.controls().deny("BatchCheckLayerAvailability");
    Client client(options);
    REQUIRE(client.push(layout(folder, 8), ecr.authority() + "/app:1"));
    PushOptions push;
    push.create_repository = NewRepository{};
    const auto copied = client.push(ecr.authority() + "/app:1", ecr.authority() + "/team/copy:1", push);
    INFO((copied ? "" : copied.error().message));
    REQUIRE(copied);
    CHECK(copied->blobs.mounted == 9);
    REQUIRE(client.push((folder.path() / "app.tar").string(), ecr.authority() + "/team/tar:1", push));
    CHECK(ecr.controls().calls("CreateRepository") == 2);
    for (const Access& each : ecr.log("POST", "/v2/")) CHECK(each.status < 400);
  }
}

TEST_CASE("without that wish a missing repository is an error with the cure") {
  for (const char* mode : {"refuse", "cut"}) {
    INFO(mode);
    Ecr ecr;
    REQUIRE(ecr.controls().set_mode("missing-repository", mode));
    TempDir folder;
    ClientOptions options = options_for(ecr);
    options.retries = 2;
    Client client(options);
    const auto pushed = client.push(layout(folder, 2), ecr.authority() + "/app:1");
    REQUIRE_FALSE(pushed);
    INFO(pushed.error().message);
    CHECK(pushed.error().hint.find("--create-repo") != std::string::npos);
    CHECK(pushed.error().code == (std::string_view(mode) == "cut" ? Errc::unavailable : Errc::not_found));
  }
}

TEST_CASE("layers that a probe wrongly believed are sent when the manifest misses them") {
  Ecr ecr;
  ecr.backend().create({.name = "other"});
  ecr.backend().create({.name = "app"});
  REQUIRE(ecr.controls().set_mode("check-layers", "account"));
  REQUIRE(ecr.controls().set_mode("head-blob", "account"));
  TempDir folder;
  Client client(options_for(ecr));
  REQUIRE(client.push(layout(folder, 3), ecr.authority() + "/other:1"));
  const auto before = ecr.controls().calls("PutImage");
  const auto pushed = client.push(layout(folder, 3), ecr.authority() + "/app:1");
  INFO((pushed ? "" : pushed.error().message));
  REQUIRE(pushed);
  CHECK(ecr.controls().calls("PutImage") == before + 2);
  CHECK(pushed->blobs.sent == 4);
}

TEST_CASE("plain layers that an earlier image holds are found by push date and not sent again") {
  Ecr ecr;
  ecr.backend().create({.name = "app"});
  TempDir folder;
  const std::string base = test::tar_entry("base", sample(300'000));
  folder.write("old.tar", save_archive({base, test::tar_entry("a", "old")}, "app:zz-last"));
  for (const char* other : {"x", "y"})
    folder.write(std::string(other) + ".tar",
                 save_archive({test::tar_entry("b", other)}, std::string("app:") + other));
  folder.write("new.tar", save_archive({base, test::tar_entry("a", "new")}, "app:1"));
  Client client(options_for(ecr));
  REQUIRE(client.push((folder.path() / "old.tar").string(), ecr.authority() + "/app:zz-last"));
  for (const char* other : {"x", "y"})
    REQUIRE(client.push((folder.path() / (std::string(other) + ".tar")).string(),
                        ecr.authority() + "/app:" + other));
  ecr.clear_log();
  const auto pushed = client.push((folder.path() / "new.tar").string(), ecr.authority() + "/app:1");
  REQUIRE(pushed);
  CHECK(pushed->blobs.reused == 1);
  std::size_t lists = 0;
  std::size_t batches = 0;
  for (const Access& each : ecr.log(Access::Port::api)) {
    lists += each.operation == "DescribeImages";
    batches += each.operation == "BatchGetImage";
  }
  CHECK(lists == 1);
  CHECK(batches == 1);
  CHECK(ecr.log("GET", "/v2/app/manifests/").size() == 1);  // the tag that is written
  CHECK(ecr.log("GET", "/v2/app/tags/list").empty());
}

TEST_CASE("an ecr: name finds account, region and registry by itself") {
  Ecr ecr({.region = "eu-west-1"});
  ecr.backend().create({.name = "team/app"});
  TempDir folder;
  Client client(options_for(ecr));
  const auto pushed = client.push(layout(folder, 1), "ecr:team/app:7");
  INFO((pushed ? "" : pushed.error().message));
  REQUIRE(pushed);
  CHECK(pushed->destination == ecr.authority() + "/team/app");
  const auto again = client.push(layout(folder, 1), "ecr:eu-west-1/team/app:7");
  REQUIRE(again);
  CHECK(again->unchanged);
  const auto whole = client.push(layout(folder, 1), "ecr:" + ecr.place().account + ".eu-west-1/team/app:7");
  REQUIRE(whole);
  CHECK(whole->unchanged);
}

TEST_CASE("a tag list with an opaque continuation is read to its end") {
  Ecr ecr;
  ecr.backend().create({.name = "app"});
  ecr.controls().deny("DescribeImages");  // with it nobody lists tags
  REQUIRE(ecr.controls().set_mode("tag-order", "sorted"));
  TempDir folder;
  const std::string base = test::tar_entry("base", sample(300'000));
  const auto archive = [&](const std::string& tag) {
    return folder.write(tag + ".tar", save_archive({base, test::tar_entry("a", tag)}, "app:" + tag)).string();
  };
  Client client(options_for(ecr));
  REQUIRE(client.push(layout(folder, 1), ecr.authority() + "/app:a"));
  REQUIRE(client.push(archive("z1"), ecr.authority() + "/app:z1"));
  const auto other = ecr.backend().image("app", "a");
  REQUIRE(other);
  for (int i = 0; i < 1000; ++i) {
    ecr.backend().put_image("app",
                            {.bytes = std::string(other->bytes()),
                             .media_type = other->descriptor().media_type,
                             .tag = "a" + std::to_string(i)},
                            emulator::Door::registry);
  }
  ecr.clear_log();
  const auto pushed = client.push(archive("z2"), ecr.authority() + "/app:z2");
  REQUIRE(pushed);
  CHECK(ecr.log("GET", "/v2/app/tags/list").size() == 2);
  CHECK(pushed->blobs.reused == 1);  // from z1, which is on the last page
}

TEST_CASE("a region of the settings that is none never becomes a part of a host's name") {
  Ecr ecr;
  TempDir folder;
  ClientOptions options = options_for(ecr);
  options.aws_environment.variables["AWS_REGION"] = "eu-west-1.evil.example#";
  Client client(options);
  const auto pushed = client.push(layout(folder, 1), "ecr:app:1");
  REQUIRE_FALSE(pushed);
  CHECK(pushed.error().code == Errc::invalid_argument);
  CHECK(pushed.error().message.find("evil.example") != std::string::npos);
}

TEST_CASE("secrets of AWS and ECR are in no log record and no error") {
  Ecr ecr;
  ecr.backend().create({.name = "app"});
  ecr.controls().deny("PutImage");
  TempDir folder;
  std::string everything;
  ClientOptions options = options_for(ecr);
  options.log_level = LogLevel::trace;
  Mutex mutex;
  options.log = [&](const LogRecord& record) {
    MutexLock lock(mutex);
    everything += record.component + " " + record.event;
    for (const LogField& field : record.fields) everything += " " + field.name + "=" + field.value;
    everything += "\n";
  };
  const std::string token = ecr.authorization_token();
  std::string error;
  std::string password;
  {
    Client client(options);
    const auto pushed = client.push(layout(folder, 3), ecr.authority() + "/app:1");
    REQUIRE_FALSE(pushed);
    error = pushed.error().to_string() + pushed.error().hint;
    const auto who = client.aws_caller();
    REQUIRE(who);
    CHECK(who->account == ecr.place().account);
    const auto login = client.login_for(ecr.authority());
    REQUIRE(login);
    CHECK(login->username == "AWS");
    password = login->password.reveal();
  }
  everything += error;  // nobody writes any more
  CHECK(everything.find(password.substr(0, 40)) == std::string::npos);
  const std::string secret = ecr.environment().at("AWS_SECRET_ACCESS_KEY");
  CHECK(everything.find("answer") != std::string::npos);  // the log was on
  CHECK(everything.find(secret) == std::string::npos);
  CHECK(everything.find(net::percent_encode(secret)) == std::string::npos);
  CHECK(everything.find("Signature=") == std::string::npos);
  CHECK(everything.find("AWS4-HMAC") == std::string::npos);
  CHECK(everything.find(token.substr(0, 40)) == std::string::npos);
}

TEST_CASE("repositories are made, looked at and corrected") {
  Ecr ecr;
  Client client(options_for(ecr));
  const std::string name = ecr.authority() + "/team/app";
  REQUIRE(client.create_repository(name, {.scan = true, .resource_tags = {{"team", "blue"}}}));
  const auto twice = client.create_repository(name);
  REQUIRE_FALSE(twice);
  CHECK(twice.error().code == Errc::already_exists);
  const auto info = client.repository_info("ecr:team/app");
  REQUIRE(info);
  CHECK(info->tag_mutability == "MUTABLE");
  CHECK(info->scan);
  CHECK(info->resource_tags == std::map<std::string, std::string>{{"team", "blue"}});
  const RepositoryWishes wanted{.immutable = true, .resource_tags = {{"team", "green"}}};
  const auto would = client.adjust_repository(name, wanted, Adjust::report);
  REQUIRE(would);
  CHECK(would->size() == 2);
  CHECK(ecr.backend().find("team/app").mutability.mode == "MUTABLE");
  REQUIRE(client.adjust_repository(name, wanted, Adjust::apply));
  CHECK(ecr.backend().find("team/app").mutability.mode == "IMMUTABLE");
  const auto done = client.adjust_repository(name, wanted, Adjust::report);
  REQUIRE(done);
  CHECK(done->empty());
  CHECK(client.repository_info(name)->scan);  // nobody spoke of it
  for (const Adjust how : {Adjust::report, Adjust::apply})
    CHECK(client.adjust_repository(name, {.scan = false, .kms_key = "default"}, how).error().code ==
          Errc::conflict);
  CHECK(client.repository_info(name)->scan);  // one wish that cannot be had, and nothing is changed
  REQUIRE(client.adjust_repository(name, {.immutable = false, .scan = false}, Adjust::apply));
  CHECK_FALSE(client.repository_info(name)->scan);
  CHECK(client.repository_info(name)->tag_mutability == "MUTABLE");
  const auto missing = client.repository_info(ecr.authority() + "/nothing");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == Errc::not_found);
}

TEST_CASE("the examination says line by line what is right, and stops where nothing can follow") {
  Ecr ecr;
  ecr.backend().create({.name = "app"});
  Client client(options_for(ecr));
  const auto good = client.examine(ecr.authority() + "/app");
  REQUIRE(good);
  for (const Finding& each : *good) {
    INFO(each.what + ": " + each.text);
    CHECK(each.state != Finding::State::bad);
  }
  ecr.controls().deny("BatchGetImage");
  const auto denied = client.examine(ecr.authority() + "/app:1");
  REQUIRE(denied);
  const auto bad = std::ranges::find(*denied, Finding::State::bad, &Finding::state);
  REQUIRE(bad != denied->end());
  CHECK(bad->code == Errc::denied);
  CHECK(bad->cure.find("ecr:BatchGetImage") != std::string::npos);
  ecr.controls().allow_everything();
  const auto no_image = client.examine(ecr.authority() + "/app:1");
  REQUIRE(no_image);
  const auto image = std::ranges::find(*no_image, "image", &Finding::what);
  REQUIRE(image != no_image->end());
  CHECK(image->state == Finding::State::bad);
  CHECK(image->code == Errc::not_found);
  const auto missing = client.examine(ecr.authority() + "/nothing:1");
  REQUIRE(missing);
  CHECK(missing->back().what == "repository");
  CHECK(missing->back().code == Errc::not_found);
}
