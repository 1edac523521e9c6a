#include "auth/helper.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "auth/config_editor.h"
#include "auth/subprocess.h"
#include "fakes.h"
#include "support/catch.h"

using davit::Credential;
using davit::Errc;
using davit::Secret;
using davit::auth::Helper;

namespace {

/// A directory with helper programs, each a few lines of shell.
struct Helpers {
  Helper helper(const std::string& name, const std::string& script) const {
    directory.file("docker-credential-" + name, "#!/bin/sh\n" + script + "\n", true);
    return {.name = name, .path = "/nonexistent:" + directory.path()};
  }
  TemporaryDirectory directory;
};

std::string text_of(const davit::Result<std::optional<Credential>>& found) {
  if (!found) return std::string(davit::to_string(found.error().code));
  if (!*found) return "nothing";
  if (!(*found)->identity_token.empty()) return "token:" + (*found)->identity_token.reveal();
  return (*found)->username + ":" + (*found)->password.reveal();
}

}  // namespace

TEST_CASE("row 18: what helpers answer") {
  const Helpers helpers;
  const struct {
    const char* script;
    const char* expected;
  } rows[] = {
      {R"(echo '{"ServerURL":"r","Username":"joe","Secret":"pw"}')", "joe:pw"},
      {R"(printf '{"Username":"joe","Secret":"pw","New":[1]}')", "joe:pw"},
      {R"(echo '{"Username":"<token>","Secret":"idt"}')", "token:idt"},
      {R"(echo '{"Username":"joe","Secret":""}')", "nothing"},
      {R"(echo '{"Username":"","Secret":""}')", "nothing"},
      {R"(echo '{}')", "nothing"},
      {R"(echo noise >&2; echo '{"Username":"joe","Secret":"pw"}')", "joe:pw"},
      {R"(echo 'credentials not found in native keychain'; exit 1)", "nothing"},
      {R"(printf 'credentials not found in native keychain'; exit 1)", "nothing"},
      {R"(echo 'no credentials server URL'; exit 1)", "unavailable"},
      {R"(echo 'MARKED'; exit 1)", "unavailable"},
      {R"(echo '{"Username":"joe","Secret":"MARKED"}'; exit 3)", "unavailable"},
      {R"(kill -9 $$)", "unavailable"},
      {R"(echo 'MARKED')", "protocol"},
      {R"(echo '["MARKED"]')", "protocol"},
      {R"(echo '{"Username":"joe","Secret":"MARKED')", "protocol"},
      {R"(true)", "protocol"},
      {R"(while :; do echo MARKEDMARKEDMARKED; done)", "protocol"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.script);
    const auto found = helpers.helper("test", row.script).get("r.example.com", {});
    CHECK(text_of(found) == row.expected);
    if (found) continue;
    CHECK(found.error().message.find("docker-credential-test") != std::string::npos);
    CHECK(found.error().message.find("MARKED") == std::string::npos);
  }
}

TEST_CASE("row 18: a helper that is absent, not executable, or only reachable by a relative PATH") {
  const Helpers helpers;
  const Helper absent{.name = "absent", .path = helpers.directory.path()};
  CHECK(absent.get("r", {}).error().code == Errc::unavailable);
  CHECK(absent.get("r", {}).error().message.find("docker-credential-absent") != std::string::npos);
  helpers.directory.file("docker-credential-plain", "x");
  CHECK_FALSE(Helper{.name = "plain", .path = helpers.directory.path()}.get("r", {}));
  const Helper present = helpers.helper("present", R"(echo '{"Username":"joe","Secret":"pw"}')");
  CHECK(present.get("r", {}));
  CHECK_FALSE(Helper{.name = "present", .path = "." + helpers.directory.path()}.get("r", {}));
  CHECK_FALSE(Helper{.name = "present", .path = ""}.get("r", {}));
}

TEST_CASE("row 17: names and servers that are not passed on") {
  const Helpers helpers;
  helpers.helper("good-1.x_y", R"(read -r server; printf '{"Username":"%s","Secret":"%s"}' "$1" "$server")");
  for (const char* name :
       {"../../bin/x", "-v", "a b", "x;touch y", "", ".", "..", "a/b", "a\nb", "$(x)", "ü"}) {
    CAPTURE(name);
    const auto found = Helper{.name = name, .path = helpers.directory.path()}.get("r.example.com", {});
    REQUIRE_FALSE(found);
    CHECK(found.error().code == Errc::invalid_argument);
  }
  const Helper good{.name = "good-1.x_y", .path = helpers.directory.path()};
  for (const char* server : {"r.example.com\nevil", "r example", "", "r\t", "\x7f", "ü"}) {
    CAPTURE(server);
    CHECK(good.get(server, {}).error().code == Errc::invalid_argument);
  }
  CHECK(text_of(good.get("r.example.com:5000", {})) == "get:r.example.com:5000");
  CHECK(text_of(good.get("https://index.docker.io/v1/", {})) == "get:https://index.docker.io/v1/");
}

TEST_CASE("row 17: the helper gets one line on its input and no descriptor of ours") {
  const Helpers helpers;
  int ends[2];
  REQUIRE(::pipe(ends) == 0);  // without close-on-exec, as a careless host program would have it
  const Helper counter = helpers.helper(
      "counter",
      R"sh(lines=$(wc -l </dev/stdin); printf '{"Username":"%s","Secret":"%s"}' $lines "$(ls /proc/self/fd | wc -l)")sh");
  // ls sees its three and the directory it reads.
  CHECK(text_of(counter.get("r", {})) == "1:4");
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE("row 84: a hanging helper is cancelled, runs out of time, and leaves no process behind") {
  const Helpers helpers;
  Helper slow = helpers.helper("slow", "echo $$ > " + (helpers.directory / "pid") + "\nexec sleep 600");
  std::stop_source stop;
  std::thread canceller([&] {
    while (contents(helpers.directory / "pid").empty()) std::this_thread::yield();
    stop.request_stop();
  });
  CHECK(slow.get("r", {.stop = stop.get_token()}).error().code == Errc::cancelled);
  canceller.join();
  const pid_t pid = std::stoi(contents(helpers.directory / "pid"));
  CHECK(::kill(pid, 0) != 0);

  slow.limit = std::chrono::milliseconds(30);
  CHECK(slow.get("r", {}).error().code == Errc::timeout);
  CHECK(slow.get("r", {.deadline = std::chrono::steady_clock::now()}).error().code == Errc::timeout);
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
}

TEST_CASE("a grandchild that holds on to the output is not waited for") {
  const Helpers helpers;
  const std::string stay = helpers.directory.file("stay", "");
  const Helper leaver = helpers.helper("leaver", "while [ -e " + stay +
                                                     " ]; do sleep 0.01; done &\n"
                                                     R"(echo '{"Username":"joe","Secret":"pw"}')");
  CHECK(text_of(leaver.get("r", {})) ==
        "joe:pw");  // the grandchild ends when its file goes with the directory
}

TEST_CASE("ignored SIGCHLD and default SIGPIPE are survived") {
  const Helpers helpers;
  const auto child_before = ::signal(SIGCHLD, SIG_IGN);
  const auto pipe_before = ::signal(SIGPIPE, SIG_DFL);
  const Helper good = helpers.helper("good", R"(echo '{"Username":"joe","Secret":"pw"}')");
  const Helper none = helpers.helper("none", "echo 'credentials not found in native keychain'; exit 1");
  const Helper deaf = helpers.helper("deaf", R"(exec <&-; echo '{"Username":"joe","Secret":"pw"}')");
  CHECK(text_of(good.get("r", {})) == "joe:pw");
  CHECK(text_of(none.get("r", {})) == "nothing");
  CHECK(text_of(deaf.get("r", {})) == "joe:pw");
  CHECK(deaf.store("r", {.username = "joe", .password = Secret(std::string(200'000, 'x'))}, {}));
  ::signal(SIGCHLD, child_before);
  ::signal(SIGPIPE, pipe_before);
}

TEST_CASE("login and logout go through the helper that the configuration names") {
  const Helpers helpers;
  const std::string kept = helpers.directory / "kept";
  helpers.helper(
      "vault", "case $1 in store) cat > " + kept + ";; get) test -s " + kept + " && cat " + kept +
                   " || { echo 'credentials not found in native keychain'; exit 1; };; erase) rm -f " + kept +
                   ";; esac");
  const TemporaryDirectory home;
  const std::string path = home.file(
      ".docker/config.json",
      R"({"credHelpers": {"r.example.com": "vault"}, "auths": {"r.example.com": {"auth": "eDp5"}}})");
  const davit::DockerConfigOptions options{.home = home.path(),
                                           .path = "/usr/bin:/bin:" + helpers.directory.path()};
  const auto source = davit::docker_config_credentials(options);
  CHECK(text_of(source->find("r.example.com", "", {})) == "x:y");  // the helper has nothing, the file has

  const auto stored = davit::auth::store_credential(options, "r.example.com",
                                                    {.username = "joe", .password = Secret("p\"w")}, {});
  REQUIRE(stored);
  CHECK(stored->where == "credential helper docker-credential-vault");
  CHECK(contents(path).find("eDp5") == std::string::npos);
  CHECK(contents(path).find("vault") != std::string::npos);
  CHECK(text_of(source->find("r.example.com", "any", {})) == "joe:p\"w");
  CHECK(text_of(source->find("other.example.com", "", {})) == "nothing");

  REQUIRE(davit::auth::store_credential(options, "r.example.com", {.identity_token = Secret("idt")}, {}));
  CHECK(text_of(source->find("r.example.com", "", {})) == "token:idt");
  CHECK(davit::auth::erase_credential(options, "r.example.com", {})->found);
  CHECK(text_of(source->find("r.example.com", "", {})) == "nothing");

  home.file(".docker/config.json", R"({"credsStore": "vault"})");
  REQUIRE(
      davit::auth::store_credential(options, "docker.io", {.username = "hub", .password = Secret("pw")}, {}));
  CHECK(contents(kept).find("https://index.docker.io/v1/") != std::string::npos);
  CHECK(text_of(source->find("docker.io", "library/alpine", {})) == "hub:pw");
  CHECK(contents(path) == R"({"credsStore": "vault"})");

  home.file(".docker/config.json", R"({"credsStore": "absent"})");
  CHECK(source->find("r.example.com", "", {}).error().message.find("docker-credential-absent") !=
        std::string::npos);
  CHECK_FALSE(davit::auth::store_credential(options, "r.example.com",
                                            {.username = "joe", .password = Secret("pw")}, {}));
}
