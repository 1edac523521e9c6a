// The tests' own tools, and the servers that the tests believe: skopeo must be content with all of them.
#include <davit/digest.h>

#include <csignal>

#include "emulator/registry.h"
#include "support/catch.h"
#include "support/docker_registry.h"
#include "support/fake_clock.h"
#include "support/fault_server.h"
#include "support/process.h"
#include "support/secret_marker.h"
#include "support/temp_dir.h"

using namespace davit::test;
using namespace std::chrono_literals;

namespace {

/// An OCI layout with one image of two layers, named "it".
std::filesystem::path write_layout(const TempDir& dir) {
  // Compressed, because skopeo compresses what is not, and then the manifest is another one.
  const auto gzipped = [](const std::string& text) {
    return run({.argv = {"gzip", "-nc"}, .stdin_text = text}).out;
  };
  const auto layout = dir.path() / "layout";
  const auto blob = [&](const std::string& bytes) {
    dir.write(layout / "blobs" / "sha256" / davit::Digest::of(bytes).hex(), bytes);
    return R"("digest":")" + davit::Digest::of(bytes).to_string() + R"(","size":)" +
           std::to_string(bytes.size());
  };
  const std::string config =
      R"({"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[")" +
      davit::Digest::of("one").to_string() + R"(",")" + davit::Digest::of("two").to_string() + R"("]}})";
  const std::string type = "application/vnd.oci.image.";
  const std::string manifest = R"({"schemaVersion":2,"mediaType":")" + type +
                               R"(manifest.v1+json","config":{"mediaType":")" + type + R"(config.v1+json",)" +
                               blob(config) + R"(},"layers":[{"mediaType":")" + type +
                               R"(layer.v1.tar+gzip",)" + blob(gzipped("one")) + R"(},{"mediaType":")" +
                               type + R"(layer.v1.tar+gzip",)" + blob(gzipped("two")) + "}]}";
  dir.write(layout / "oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
  dir.write(layout / "index.json", R"({"schemaVersion":2,"manifests":[{"mediaType":")" + type +
                                       R"(manifest.v1+json",)" + blob(manifest) +
                                       R"(,"annotations":{"org.opencontainers.image.ref.name":"it"}}]})");
  return layout;
}

/// Copies the layout there and back with skopeo; true when the manifest that returns is the same.
bool round_trip(const std::string& authority, const std::vector<std::string>& destination,
                const std::vector<std::string>& source) {
  const TempDir dir;
  const auto layout = write_layout(dir);
  const std::string name = "docker://" + authority + "/some/app:1";
  const std::string policy =
      dir.write("policy.json", R"({"default":[{"type":"insecureAcceptAnything"}]})").string();
  std::vector<std::string> there{"skopeo", "--policy", policy, "copy", "oci:" + layout.string() + ":it",
                                 name};
  there.insert(there.end(), destination.begin(), destination.end());
  const auto pushed = run({.argv = there, .env = {{"HOME", dir.path().string()}}});
  INFO(pushed.err);
  CHECK(pushed.exit_code == 0);
  std::vector<std::string> back{"skopeo", "--policy", policy,
                                "copy",   name,       "oci:" + (dir.path() / "back").string() + ":it"};
  back.insert(back.end(), source.begin(), source.end());
  const auto pulled = run({.argv = back, .env = {{"HOME", dir.path().string()}}});
  INFO(pulled.err);
  CHECK(pulled.exit_code == 0);
  const auto digest = [](const std::filesystem::path& path) {
    return run({.argv = {"skopeo", "inspect", "--raw", "oci:" + path.string() + ":it"}}).out;
  };
  const std::string before = digest(layout);
  CHECK(digest(dir.path() / "back") == before);
  return pushed.exit_code == 0 && pulled.exit_code == 0 && !before.empty();
}

const std::vector<std::string> kPlainTo{"--dest-tls-verify=false"};
const std::vector<std::string> kPlainFrom{"--src-tls-verify=false"};
const std::vector<std::string> kCredsTo{"--dest-tls-verify=false", "--dest-creds", "user:password"};
const std::vector<std::string> kCredsFrom{"--src-tls-verify=false", "--src-creds", "user:password"};

}  // namespace

TEST_CASE("skopeo pushes to the emulator and pulls from it") {
  using davit::emulator::Auth;
  davit::emulator::Registry registry;
  CHECK(round_trip(registry.authority(), kPlainTo, kPlainFrom));
  registry.set({.location = davit::emulator::Behaviour::Location::absolute, .redirect_blobs = true});
  CHECK(round_trip(registry.authority(), kPlainTo, kPlainFrom));
  registry.set({.auth = {.mode = Auth::Mode::basic}});
  CHECK(round_trip(registry.authority(), kCredsTo, kCredsFrom));
  registry.set({.auth = {.mode = Auth::Mode::bearer, .own_token_port = true}});
  CHECK(round_trip(registry.authority(), kCredsTo, kCredsFrom));
}

TEST_CASE("skopeo pushes through the fault server's proxy") {
  const davit::emulator::Registry registry;
  const FaultServer proxy({.upstream = Address::parse(registry.authority())});
  CHECK(round_trip(proxy.authority(), kPlainTo, kPlainFrom));
  CHECK_FALSE(proxy.requests("PATCH").empty());
}

TEST_CASE("docker-registry serves plain, with htpasswd, with tokens and with TLS") {
  const DockerRegistry plain;
  CHECK(round_trip(plain.authority(), kPlainTo, kPlainFrom));

  const DockerRegistry htpasswd({.htpasswd = true});
  CHECK(round_trip(htpasswd.authority(), kCredsTo, kCredsFrom));

  const TokenServer tokens;
  const DockerRegistry bearer({.tokens = &tokens});
  CHECK(round_trip(bearer.authority(), kCredsTo, kCredsFrom));
  CHECK(tokens.issued() > 0);

  const TestCa ca;
  const TempDir certs;
  certs.write("ca.crt", ca.certificate_pem());
  const DockerRegistry tls({.tls = ca.issue()});
  CHECK(round_trip(tls.authority(), {"--dest-cert-dir", certs.path().string()},
                   {"--src-cert-dir", certs.path().string()}));
}

TEST_CASE("a process is run with its limits, input, environment and closed descriptors") {
  const auto echoed = run(
      {.argv = {"sh", "-c", "cat; echo $MARK >&2; exit 3"}, .env = {{"MARK", "x y"}}, .stdin_text = "in"});
  CHECK(echoed.out == "in");
  CHECK(echoed.err == "x y\n");
  CHECK(echoed.exit_code == 3);
  CHECK(run({.argv = {"sh", "-c", "kill -TERM $$"}}).signal == SIGTERM);
  CHECK(run({.argv = {"no-such-program-here"}}).exit_code == 127);
  CHECK(run({.argv = {"sh", "-c", "ulimit -n"}, .limits = {{RLIMIT_NOFILE, 17}}}).out == "17\n");
  CHECK(run({.argv = {"sh", "-c", "echo x"}, .closed = {1}}).exit_code != 0);
  CHECK(run({.argv = {"env"}, .clean_env = true}).out.starts_with("PATH="));
  CHECK(run({.argv = {"true"}, .stdin_text = std::string(1u << 20, 'x')}).exit_code == 0);
  const auto late = run({.argv = {"sleep", "60"}, .deadline = 0s});
  CHECK(late.timed_out);
  CHECK(late.signal == SIGKILL);
  Process running({.argv = {"sh", "-c", "echo ready; exec sleep 60"}});
  CHECK(running.wait_for_output("ready"));
  running.kill(SIGINT);
  CHECK(running.wait().signal == SIGINT);
}

TEST_CASE("the fake clock moves when it is slept on") {
  FakeClock clock;
  const auto start = clock.steady();
  CHECK(clock.sleep_for(90s, {}));
  CHECK(clock.steady() - start == 90s);
  CHECK(clock.sleeps() == std::vector<std::chrono::milliseconds>{90s});
  std::stop_source stop;
  stop.request_stop();
  const auto stopped = clock.sleep_for(1s, {.stop = stop.get_token()});
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().code == davit::Errc::cancelled);
  CHECK(clock.sleeps().size() == 1);
}

TEST_CASE("a secret marker is found in every form it may take") {
  const SecretMarker secret("password");
  CHECK(secret.leaks_in("nothing here").empty());
  CHECK(secret.leaks_in("x " + secret.text()).size() == 1);
  CHECK(secret.leaks_in("?p=" + davit::emulator::percent_encoded(secret.text())) ==
        std::vector<std::string>{"percent-encoded"});
  for (const std::string user : {"a:", "ab:", "abc:"}) {
    CHECK(secret.leaks_in("Basic " + davit::crypto::base64_encode(user + secret.text() + "!")) ==
          std::vector<std::string>{"base64"});
  }
  CHECK(SecretMarker("other").leaks_in(secret.text()).empty());
}
