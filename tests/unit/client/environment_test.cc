// Where the configuration file is looked for.
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
