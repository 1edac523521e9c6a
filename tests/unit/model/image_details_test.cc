#include <davit/image_details.h>

#include "support/catch.h"

using namespace davit;

namespace {

const std::string kDigest = Digest::of("layer").to_string();

}  // namespace

TEST_CASE("an image configuration is read with everything that inspect shows") {
  const auto details = ImageDetails::parse(
      R"({"architecture":"aarch64","os":"linux","created":"2026-01-02T03:04:05.6Z","author":"somebody",
          "docker_version":"27.1",
          "config":{"User":"1000:1000","WorkingDir":"/srv","StopSignal":"SIGINT","Env":["A=b","C=d e"],
                    "Entrypoint":["/bin/e","x y"],"Cmd":["run"],"ExposedPorts":{"80/tcp":{},"53/udp":{}},
                    "Volumes":{"/data":{}},"Labels":{"one":"1","two":""}},
          "rootfs":{"type":"layers","diff_ids":[")" +
      kDigest + R"("]},
          "history":[{"created":"2026-01-01T00:00:00Z","created_by":"ADD file","author":"a","comment":"c"},
                     {"created_by":"CMD [\"run\"]","empty_layer":true}]})");
  REQUIRE(details);
  CHECK(details->platform.to_string() == "linux/arm64");
  CHECK(details->created == "2026-01-02T03:04:05.6Z");
  CHECK(details->author == "somebody");
  CHECK(details->docker_version == "27.1");
  CHECK(details->user == "1000:1000");
  CHECK(details->working_directory == "/srv");
  CHECK(details->stop_signal == "SIGINT");
  CHECK(details->environment == std::vector<std::string>{"A=b", "C=d e"});
  CHECK(details->entrypoint == std::vector<std::string>{"/bin/e", "x y"});
  CHECK(details->command == std::vector<std::string>{"run"});
  CHECK(details->exposed_ports == std::vector<std::string>{"53/udp", "80/tcp"});
  CHECK(details->volumes == std::vector<std::string>{"/data"});
  CHECK(details->labels == std::map<std::string, std::string>{{"one", "1"}, {"two", ""}});
  REQUIRE(details->diff_ids.size() == 1);
  CHECK(details->diff_ids[0].to_string() == kDigest);
  REQUIRE(details->history.size() == 2);
  CHECK(details->history[0].created_by == "ADD file");
  CHECK(details->history[0].comment == "c");
  CHECK_FALSE(details->history[0].empty_layer);
  CHECK(details->history[1].empty_layer);
}

TEST_CASE("an image configuration may leave out or null every member") {
  for (const char* text :
       {"{}", R"({"config":null,"history":null,"rootfs":null,"created":null,"author":null})",
        R"({"config":{"Env":null,"Cmd":null,"Labels":null,"ExposedPorts":null}})"}) {
    const auto details = ImageDetails::parse(text);
    REQUIRE(details);
    CHECK(details->environment.empty());
    CHECK(details->history.empty());
    CHECK(details->created.empty());
  }
}

TEST_CASE("members of an image configuration that have another type are corrupt and named") {
  const std::pair<const char*, const char*> bad[] = {
      {R"([])", "object"},
      {R"({"config":[]})", "config"},
      {R"({"config":{"Env":"A=b"}})", "Env"},
      {R"({"config":{"Labels":{"a":1}}})", "Labels"},
      {R"({"config":{"Volumes":["/v"]}})", "Volumes"},
      {R"({"created":5})", "created"},
      {R"({"history":{}})", "history"},
      {R"({"history":[5]})", "history"},
      {R"({"history":[{"empty_layer":"yes"}]})", "empty_layer"},
      {R"({"rootfs":{"diff_ids":["sha256:0"]}})", "sha256:0"}};
  for (const auto& [text, named] : bad) {
    const auto details = ImageDetails::parse(text);
    REQUIRE_FALSE(details);
    CHECK(details.error().code == Errc::corrupt);
    CHECK(details.error().message.find(named) != std::string::npos);
  }
}

TEST_CASE("steps are given to layers only when their numbers agree") {
  const auto details = ImageDetails::parse(
      R"({"history":[{"created_by":"a"},{"created_by":"b","empty_layer":true},{"created_by":"c"}]})");
  REQUIRE(details);
  CHECK(details->steps_of_layers(2) == std::vector<std::size_t>{0, 2});
  CHECK(details->steps_of_layers(3).empty());
  CHECK(details->steps_of_layers(1).empty());
}
