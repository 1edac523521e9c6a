#include "auth/docker_config.h"

#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "auth/config_editor.h"
#include "crypto/base64.h"
#include "fakes.h"
#include "support/catch.h"

using davit::Credential;
using davit::DockerConfigOptions;
using davit::Errc;
using davit::Secret;
using davit::auth::ConfigKey;
using davit::auth::erase_credential;
using davit::auth::store_credential;

namespace {

std::string fixture(const std::string& name) {
  return std::string(DAVIT_AUTH_FIXTURES "/") + name;
}

/// "user:password", "token:...", "ready:...", "nothing", or the name of the error.
std::string text_of(const davit::Result<std::optional<Credential>>& found) {
  if (!found) return std::string(davit::to_string(found.error().code));
  if (!*found) return "nothing";
  const Credential& credential = **found;
  if (!credential.identity_token.empty())
    return "token:" + credential.identity_token.reveal() + " of " + credential.username;
  if (!credential.registry_token.empty()) return "ready:" + credential.registry_token.reveal();
  return credential.username + ":" + credential.password.reveal();
}

std::string look_up(const DockerConfigOptions& options, const std::string& host,
                    const std::string& repository = "") {
  return text_of(davit::docker_config_credentials(options)->find(host, repository, {}));
}

unsigned mode_of(const std::string& path) {
  struct stat facts {};
  REQUIRE(::stat(path.c_str(), &facts) == 0);
  return facts.st_mode & 0777u;
}

std::string entry(const std::string& host, const std::string& pair) {
  return "{\"auths\": {\"" + host + "\": {\"auth\": \"" + davit::crypto::base64_encode(pair) + "\"}}}";
}

}  // namespace

TEST_CASE("row 19: configuration files with oddities") {
  const struct {
    const char* file;
    const char* host;
    const char* repository;
    const char* expected;
  } rows[] = {
      {"plain.json", "r.example.com", "any/repo", "joe:pw"},
      {"plain.json", "other.example.com:5000", "", "ann:p2"},
      {"plain.json", "other.example.com", "", "nothing"},
      {"plain.json", "example.com", "", "nothing"},
      {"plain.json", "x.r.example.com", "", "nothing"},
      {"trailing_nul.json", "r.example.com", "", "joe:pw"},
      {"colon_in_password.json", "r.example.com", "", "joe:p:w:"},
      {"url_keys.json", "r.example.com", "", "joe:pw"},
      {"url_keys.json", "old.example.com", "", "ann:p2"},
      {"url_keys.json", "bare.example.com", "", "bob:p3"},
      {"docker_hub.json", "docker.io", "library/alpine", "hub:pw"},
      {"docker_hub.json", "registry-1.docker.io", "", "hub:pw"},
      {"docker_hub.json", "r.example.com", "", "nothing"},
      {"docker_hub_podman.json", "docker.io", "library/alpine", "hub:pw"},
      {"docker_hub_podman.json", "docker.io", "team/app", "team:p2"},
      {"prefixes.json", "r.example.com", "", "all:p0"},
      {"prefixes.json", "r.example.com", "teams", "all:p0"},
      {"prefixes.json", "r.example.com", "team", "team:p1"},
      {"prefixes.json", "r.example.com", "team/other", "team:p1"},
      {"prefixes.json", "r.example.com", "team/app", "app:p2"},
      {"prefixes.json", "r.example.com", "team/app/deep", "app:p2"},
      {"prefixes.json", "r.example.com", "team/application", "team:p1"},
      {"host_spelling.json", "r.example.com", "", "joe:pw"},
      {"fields.json", "r.example.com", "", "joe:pw"},
      {"tokens.json", "r.example.com", "", "token:idt of joe"},
      {"tokens.json", "t.example.com", "", "ready:ready"},
      {"empty_entries.json", "r.example.com", "", "joe:pw"},
      {"empty_entries.json", "none.example.com", "", "nothing"},
      {"bad_entries.json", "r.example.com", "", "joe:pw"},
      {"bad_entries.json", "bad.example.com", "", "corrupt"},
      {"bad_entries.json", "worse.example.com", "", "corrupt"},
      {"bad_entries.json", "colon.example.com", "", "corrupt"},
      {"bad_entries.json", "odd", "", "nothing"},
      {"unknown_keys.json", "r.example.com", "", "joe:pw"},
      {"byte_order_mark.json", "r.example.com", "", "joe:pw"},
      {"empty.json", "r.example.com", "", "nothing"},
      {"truncated.json", "r.example.com", "", "corrupt"},
      {"array.json", "r.example.com", "", "corrupt"},
      {"auths_text.json", "r.example.com", "", "corrupt"},
      {"missing.json", "r.example.com", "", "local_io"},
      {".", "r.example.com", "", "local_io"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.file, row.host, row.repository);
    CHECK(look_up({.auth_file = fixture(row.file)}, row.host, row.repository) == row.expected);
  }
}

TEST_CASE("row 20: errors about configuration files name the file and show nothing of it") {
  for (const char* file : {"truncated.json", "array.json", "auths_text.json", "bad_entries.json"}) {
    const auto source = davit::docker_config_credentials({.auth_file = fixture(file)});
    const auto found =
        source->find(file == std::string("bad_entries.json") ? "bad.example.com" : "r.example.com", "", {});
    REQUIRE_FALSE(found);
    CHECK(found.error().message.find(file) != std::string::npos);
    CHECK(found.error().message.find("MARKED") == std::string::npos);
  }
}

TEST_CASE("row 19: a file that must not be read is an error, one that is not there is none") {
  const TemporaryDirectory home;
  const DockerConfigOptions options{.home = home.path()};
  CHECK(look_up(options, "r.example.com") == "nothing");
  const std::string path = home.file(".docker/config.json", entry("r.example.com", "joe:pw"));
  CHECK(look_up(options, "r.example.com") == "joe:pw");
  if (::geteuid() != 0) {  // nothing is unreadable for root
    ::chmod(path.c_str(), 0);
    CHECK(look_up(options, "r.example.com") == "local_io");
  }
}

TEST_CASE("the places are asked in order") {
  const TemporaryDirectory home;
  const auto write = [&](const std::string& name, const std::string& user) {
    home.file(name, entry("r.example.com", user + ":pw"));
  };
  DockerConfigOptions options{.home = home.path(), .uid = 4294967294};
  home.file(".dockercfg", contents(fixture("dockercfg")));
  CHECK(look_up(options, "r.example.com") == "joe:pw");
  write(".docker/config.json", "docker");
  CHECK(look_up(options, "r.example.com") == "docker:pw");
  options.docker_config = home / "elsewhere";
  CHECK(look_up(options, "r.example.com") == "joe:pw");
  write("elsewhere/config.json", "elsewhere");
  CHECK(look_up(options, "r.example.com") == "elsewhere:pw");
  write(".config/containers/auth.json", "podman");
  CHECK(look_up(options, "r.example.com") == "podman:pw");
  options.xdg_config_home = home / "xdg";
  CHECK(look_up(options, "r.example.com") == "elsewhere:pw");
  write("xdg/containers/auth.json", "xdg");
  CHECK(look_up(options, "r.example.com") == "xdg:pw");
  options.xdg_runtime_dir = home / "run";
  write("run/containers/auth.json", "run");
  CHECK(look_up(options, "r.example.com") == "run:pw");
  options.docker_auth_config = Secret(entry("r.example.com", "variable:pw"));
  CHECK(look_up(options, "r.example.com") == "variable:pw");
  CHECK(look_up(options, "x.example.com") == "nothing");
  options.auth_file = fixture("docker_hub.json");
  CHECK(look_up(options, "r.example.com") == "nothing");
}

TEST_CASE("keys") {
  const auto key = [](std::string_view text) {
    const ConfigKey parsed = ConfigKey::parse(text);
    return parsed.host + "|" + parsed.path;
  };
  CHECK(key("host") == "host|");
  CHECK(key("host/") == "host|");
  CHECK(key("host:443") == "host|");
  CHECK(key("host:80/a/b/") == "host:80|a/b");
  CHECK(key("HTTPS://Host/v1/") == "host|");
  CHECK(key("http://host/x/y") == "host|");
  CHECK(key("https://index.docker.io/v1/") == "docker.io|");
  CHECK(key("index.docker.io/v1/access") == "docker.io|v1/access");
  CHECK(key("") == "|");
  CHECK(key("/") == "|");
}

TEST_CASE("login writes what docker would, and only that") {
  const TemporaryDirectory home;
  const DockerConfigOptions options{.home = home.path()};
  const std::string path = home / ".docker/config.json";
  const auto stored =
      store_credential(options, "r.example.com:5000", {.username = "joe", .password = Secret("p:w")}, {});
  REQUIRE(stored);
  CHECK(stored->where == path);
  CHECK(stored->shadowed_by.empty());
  CHECK(contents(path) == "{\n\t\"auths\": {\n\t\t\"r.example.com:5000\": {\n\t\t\t\"auth\": \"" +
                              davit::crypto::base64_encode("joe:p:w") + "\"\n\t\t}\n\t}\n}\n");
  REQUIRE(store_credential(options, "docker.io", {.username = "hub", .password = Secret("pw")}, {}));
  CHECK(contents(path).find("https://index.docker.io/v1/") != std::string::npos);
  REQUIRE(
      store_credential(options, "t.example.com", {.username = "joe", .identity_token = Secret("idt")}, {}));
  CHECK(look_up(options, "r.example.com:5000") == "joe:p:w");
  CHECK(look_up(options, "docker.io") == "hub:pw");
  CHECK(look_up(options, "t.example.com") == "token:idt of joe");

  CHECK(erase_credential(options, "docker.io", {})->found);
  CHECK_FALSE(erase_credential(options, "docker.io", {})->found);
  CHECK(look_up(options, "docker.io") == "nothing");
  CHECK(look_up(options, "r.example.com:5000") == "joe:p:w");
  CHECK_FALSE(store_credential(options, "r.example.com", {.username = "a:b", .password = Secret("x")}, {}));
}

TEST_CASE("row 19: login keeps what it does not know, and other spellings of the host go") {
  const TemporaryDirectory home;
  const DockerConfigOptions options{.home = home.path()};
  const std::string path = home.file(".docker/config.json",
                                     R"({"zeta": 1.5, "auths": {"https://r.example.com/v1/": {"auth": "eDp5"},
    "r.example.com/team": {"auth": "eDp5"}, "other": {"auth": "eDp5", "future": [1, {"a": null}]}}, "alpha": {"b": "ü"}})");
  REQUIRE(store_credential(options, "r.example.com", {.username = "joe", .password = Secret("pw")}, {}));
  const std::string text = contents(path);
  CHECK(text.find("https://r.example.com/v1/") == std::string::npos);
  CHECK(text.find("r.example.com/team") != std::string::npos);
  CHECK(text.find("\"future\"") != std::string::npos);
  CHECK(text.find("\"zeta\": 1.5") < text.find("\"auths\""));
  CHECK(text.find("\"auths\"") < text.find("\"alpha\""));
  CHECK(text.find("ü") != std::string::npos);
  CHECK(look_up(options, "r.example.com") == "joe:pw");
  CHECK(erase_credential(options, "r.example.com", {})->found);
  CHECK(look_up(options, "r.example.com", "team") == "x:y");
}

TEST_CASE("row 19: a configuration that cannot be read is never replaced") {
  const TemporaryDirectory home;
  const std::string broken = "{\"auths\": {";
  const std::string path = home.file(".docker/config.json", broken);
  const auto stored = store_credential({.home = home.path()}, "r.example.com",
                                       {.username = "joe", .password = Secret("MARKED")}, {});
  REQUIRE_FALSE(stored);
  CHECK(stored.error().code == Errc::corrupt);
  CHECK(stored.error().message.find("MARKED") == std::string::npos);
  CHECK_FALSE(erase_credential({.home = home.path()}, "r.example.com", {}));
  CHECK(contents(path) == broken);
}

TEST_CASE("row 99: files with secrets have mode 0600 whatever was there and whatever the umask is") {
  const mode_t before = ::umask(0);
  const TemporaryDirectory home;
  const DockerConfigOptions options{.home = home.path()};
  const std::string path = home / ".docker/config.json";
  const Credential credential{.username = "joe", .password = Secret("pw")};
  CHECK(store_credential(options, "one", credential, {}));
  CHECK(mode_of(path) == 0600);
  CHECK(mode_of(home / ".docker") == 0700);
  ::chmod(path.c_str(), 0644);
  CHECK(store_credential(options, "two", credential, {}));
  CHECK(mode_of(path) == 0600);
  ::umask(0777);
  CHECK(store_credential(options, "three", credential, {}));
  CHECK(mode_of(path) == 0600);
  ::umask(before);
  CHECK(look_up(options, "three") == "joe:pw");
}

TEST_CASE("a symbolic link to the configuration stays one") {
  const TemporaryDirectory home;
  home.file("dotfiles/config.json", "{}");
  std::filesystem::create_directories(home / ".docker");
  std::filesystem::create_symlink("../dotfiles/config.json", home / ".docker/config.json");
  const DockerConfigOptions options{.home = home.path()};
  const auto stored =
      store_credential(options, "r.example.com", {.username = "joe", .password = Secret("pw")}, {});
  REQUIRE(stored);
  CHECK(std::filesystem::is_symlink(home / ".docker/config.json"));
  CHECK(contents(home / "dotfiles/config.json").find("r.example.com") != std::string::npos);
  CHECK(look_up(options, "r.example.com") == "joe:pw");

  std::filesystem::create_symlink("loop", home / "loop");
  CHECK_FALSE(store_credential({.auth_file = home / "loop"}, "r.example.com",
                               {.username = "joe", .password = Secret("pw")}, {}));
}

TEST_CASE("row 92: concurrent logins all arrive") {
  const TemporaryDirectory home;
  const DockerConfigOptions options{.home = home.path()};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&options, i] {
      const std::string name = "host" + std::to_string(i);
      static_cast<void>(
          store_credential(options, name, {.username = name, .password = Secret("pw")}, {}).has_value());
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int i = 0; i < 8; ++i) {
    const std::string name = "host" + std::to_string(i);
    CHECK(look_up(options, name) == name + ":pw");
  }
  for (const auto& file : std::filesystem::directory_iterator(home / ".docker"))
    CHECK(file.path().filename() == "config.json");
}

TEST_CASE("login and logout say when another file has the last word") {
  const TemporaryDirectory home;
  const DockerConfigOptions options{.home = home.path()};
  const std::string podman = home.file(".config/containers/auth.json", entry("r.example.com", "old:pw"));
  const auto stored =
      store_credential(options, "r.example.com", {.username = "joe", .password = Secret("pw")}, {});
  REQUIRE(stored);
  CHECK(stored->shadowed_by == podman);
  CHECK(erase_credential(options, "r.example.com", {})->still_in == podman);
  CHECK(store_credential(options, "x.example.com", {.username = "joe", .password = Secret("pw")}, {})
            ->shadowed_by.empty());
  CHECK(store_credential({.auth_file = home / "my.json"}, "r.example.com",
                         {.username = "joe", .password = Secret("pw")}, {})
            ->where == home / "my.json");
  CHECK_FALSE(store_credential({}, "r.example.com", {.username = "joe", .password = Secret("pw")}, {}));
}
