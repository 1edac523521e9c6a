// Files that options are read from.
#include <davit/client.h>

#include "support/catch.h"
#include "support/temp_dir.h"

using namespace davit;

TEST_CASE("the configuration file is looked for where the options say, not the environment") {
  test::TempDir folder;
  folder.write("xdg/davit/config.yaml", "registries:\n  a.example: {plain_http: true}\n");
  folder.write("home/.config/davit/config.yaml", "registries:\n  b.example: {plain_http: true}\n");
  ClientOptions options;
  options.docker.xdg_config_home = (folder.path() / "xdg").string();
  options.docker.home = (folder.path() / "home").string();
  REQUIRE(options.read_configuration(""));
  CHECK(options.registries.contains("a.example"));
  CHECK_FALSE(options.registries.contains("b.example"));
  ClientOptions at_home;
  at_home.docker.home = options.docker.home;
  REQUIRE(at_home.read_configuration(""));
  CHECK(at_home.registries.contains("b.example"));
}

TEST_CASE(
    "a mirror file's registries come before the configuration's, and credentials that it holds are asked "
    "first") {
  test::TempDir folder;
  const auto config =
      folder.write("c.yaml", "registries:\n  a.example: {plain_http: true}\n  b.example: {profile: x}\n");
  const auto mirror = folder.write(
      "m.yaml", "creds: [{registry: a.example, user: joe, pass: '{{file \"" +
                    (folder.path() / "pass").string() +
                    "\"}}'}]\nsync: [{source: a.example/x, target: b.example/x, type: repository}]\n");
  folder.write("pass", "secret\n");
  ClientOptions options;
  REQUIRE(options.read_configuration(config.string()));
  const auto read = options.read_mirror_file(mirror.string());
  INFO((read ? "" : read.error().message));
  REQUIRE(read);
  CHECK(read->jobs.size() == 1);
  CHECK_FALSE(options.registries.at("a.example").plain_http);
  CHECK(options.registries.at("b.example").aws.profile == "x");
  REQUIRE(options.credentials.size() == 1);
  const auto found = options.credentials.front()->find("a.example", "x", {}).value();
  REQUIRE(found);
  CHECK(found->username == "joe");
  CHECK(found->password.reveal() == "secret");
}

TEST_CASE("a mirror file that is not there, too long, or wrong is an error that names it") {
  test::TempDir folder;
  ClientOptions options;
  const auto absent = options.read_mirror_file((folder.path() / "absent.yaml").string());
  CHECK(absent.error().code == Errc::local_io);
  CHECK(absent.error().message.find("absent.yaml") != std::string::npos);
  CHECK(options.read_mirror_file(folder.path().string()).error().code == Errc::local_io);
  const auto wrong = options.read_mirror_file(folder.write("w.yaml", "jobs:\n- name: [x]\n").string());
  CHECK(wrong.error().code == Errc::invalid_argument);
  CHECK(wrong.error().message.find("w.yaml:2:9: ") != std::string::npos);
  const auto large =
      options.read_mirror_file(folder.write("l.yaml", std::string((4u << 20) + 1, '#')).string());
  CHECK(large.error().code == Errc::invalid_argument);
}
