// The mirror files of regsync and of skopeo sync.

#include "config/masterminds_range.h"
#include "config/mirror_file.h"

#include <re2/re2.h>

#include "support/catch.h"

using namespace davit;
using config::MirrorSettings;

namespace {

using Texts = std::vector<std::string>;

Result<MirrorSettings> parse(const std::string& text) {
  return config::parse_mirror_file(text, "sync.yaml",
                                   {.variables = [](const std::string& name) -> std::optional<std::string> {
                                      if (name == "HUB_USER") return "joe";
                                      if (name == "HOST") return "env.example";
                                      if (name == "SECRET") return "s3cr3t x";
                                      return {};
                                    },
                                    .small_file = [](const std::string& path) -> Result<std::string> {
                                      if (path == "/run/hub_token") return "  tok3n\n";
                                      Error absent;
                                      absent.code = Errc::local_io;
                                      absent.message = "read " + path + ": there is no such file";
                                      return absent;
                                    }});
}

MirrorSettings read(const std::string& text) {
  auto out = parse(text);
  INFO((out ? "" : out.error().message));
  REQUIRE(out);
  return *std::move(out);
}

std::string refusal(const std::string& text) {
  const auto out = parse(text);
  if (out) return "taken";
  CHECK(out.error().code == Errc::invalid_argument);
  return out.error().message + " (" + out.error().hint + ")";
}

bool holds(const std::string& whole, const std::string& part) {
  INFO(whole);
  CHECK(whole.find(part) != std::string::npos);
  return whole.find(part) != std::string::npos;
}

bool has_note(const MirrorSettings& read, const std::string& part) {
  for (const std::string& each : read.file.notes) {
    if (each.find(part) != std::string::npos) return true;
  }
  return false;
}

/// A file of regsync's with one entry.
std::string entry(const std::string& lines, const std::string& type = "repository") {
  return "sync:\n- source: s.example/a\n  target: t.example/b\n  type: " + type + "\n" + lines;
}

bool takes(const Texts& patterns, const std::string& tag) {
  for (const std::string& each : patterns) {
    if (re2::RE2::FullMatch(tag, each)) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("regsync: the example of its manual is read, and what differs is said with its place") {
  const MirrorSettings out = read(R"(x-sched-a: &sched-a "15 01 * * *"
version: 1
creds:
  - registry: localhost:5000
    tls: disabled
  - registry: docker.io
    user: "{{env \"HUB_USER\"}}"
    pass: "{{file \"/run/hub_token\"}}"
defaults:
  ratelimit:
    min: 100
    retry: 15m
  parallel: 2
sync:
  - source: busybox:latest
    target: localhost:5000/library/busybox:latest
    type: image
    interval: 60m
    backup: "backup-{{.Ref.Tag}}"
  - source: alpine
    target: localhost:5000/library/alpine
    type: repository
    tags:
      allow:
      - "latest"
      - "edge"
      - "3"
      - "3.\\d+"
      deny:
      - "3.0"
    schedule: *sched-a
    backup: "{{$t := time.Now}}{{printf \"%s\" .Ref.Registry}}"
  - source: localreg:5000
    target: localcopy:5000
    type: registry
)");
  REQUIRE(out.file.jobs.size() == 3);
  CHECK(out.file.jobs[0].sources == Texts{"docker.io/library/busybox:latest"});
  CHECK(out.file.jobs[0].targets == Texts{"localhost:5000/library/busybox"});
  CHECK_FALSE(out.file.jobs[0].referrers);
  CHECK_FALSE(out.file.jobs[0].digest_tags);
  CHECK(out.file.jobs[1].sources == Texts{"docker.io/library/alpine"});
  CHECK(out.file.jobs[1].targets == Texts{"localhost:5000/library/alpine"});
  CHECK(out.file.jobs[1].tags.choice->include == Texts{"latest", "edge", "3", "3.\\d+"});
  CHECK(out.file.jobs[1].tags.choice->exclude == Texts{"3.0"});
  CHECK(out.file.jobs[2].sources == Texts{"localreg:5000"});
  CHECK(out.file.jobs[2].targets == Texts{"localcopy:5000/{repo}"});
  CHECK(out.registries.at("localhost:5000").options.plain_http == true);
  const auto& login = out.registries.at("docker.io").credential;
  REQUIRE(login);
  CHECK(login->username == "joe");
  CHECK(login->password.reveal() == "tok3n");
  CHECK(has_note(out, "sync.yaml:11:5: ratelimit: "));
  CHECK(has_note(out, "sync.yaml:19:13: backup: "));
  CHECK(has_note(out, "sync.yaml:18:15: interval: "));
  CHECK(has_note(out, "schedule: "));
  CHECK(has_note(out, "parallel: "));
  CHECK(out.file.notes.size() == 5);  // each once
}

TEST_CASE("regsync: repositories of a registry, and sets of tags, each of which is a job") {
  const MirrorSettings out = read(
      "sync:\n- source: s.example:5000\n  target: t.example/all\n  type: registry\n"
      "  repos: {allow: [team/.*], deny: [team/x]}\n"
      "  tagSets: [{allow: [v1.*]}, {allow: [v2.*], deny: [v2-rc]}]\n  tags: {deny: [old]}\n");
  REQUIRE(out.file.jobs.size() == 3);
  CHECK(out.file.jobs[0].targets == Texts{"t.example/all/{repo}"});
  CHECK(out.file.jobs[2].include_repositories == Texts{"team/.*"});
  CHECK(out.file.jobs[2].exclude_repositories == Texts{"team/x"});
  std::size_t with_deny = 0;
  for (const MirrorJob& each : out.file.jobs) with_deny += each.tags.choice->exclude.empty() ? 0 : 1;
  CHECK(with_deny == 2);
}

TEST_CASE("regsync: patterns are bound as regsync binds them, a | and all") {
  const Texts patterns =
      read(entry("  tags: {allow: ['1\\.\\d+|edge', 'x']}\n")).file.jobs.front().tags.choice->include;
  CHECK(takes(patterns, "1.2"));
  CHECK(takes(patterns, "1.2-alpine"));  // ^1\.\d+ or edge$
  CHECK(takes(patterns, "my-edge"));
  CHECK(takes(patterns, "x"));
  CHECK_FALSE(takes(patterns, "xy"));
  CHECK_FALSE(takes(patterns, "v1.2"));
  CHECK_FALSE(takes(patterns, "edge-2"));
}

TEST_CASE("regsync: defaults count where an entry is silent") {
  const std::string defaults = "defaults: {referrers: true, digestTags: true}\n";
  CHECK(read(defaults + entry("")).file.jobs.front().referrers);
  CHECK(read(defaults + entry("")).file.jobs.front().digest_tags);
  CHECK_FALSE(read(defaults + entry("  referrers: No\n")).file.jobs.front().referrers);
  CHECK(refusal(entry("  referrers: perhaps\n")).find("true or false") != std::string::npos);
}

TEST_CASE("regsync: platforms") {
  CHECK(read(entry("  platform: linux/arm64\n")).file.jobs.front().platforms.front().to_string() ==
        "linux/arm64");
  CHECK(read(entry("  platform: linux/arm64\n  forceRecursive: false\n")).file.notes.empty());
  const MirrorSettings several = read(entry("  platforms: [linux/amd64, linux/arm64]\n"));
  CHECK(several.file.jobs.front().platforms.size() == 2);
  CHECK(has_note(several, "sync.yaml:5:14: platforms: the index is written anew"));
  CHECK(read(entry("  platform: local\n")).file.jobs.front().platforms == std::vector{Platform::host()});
  CHECK(holds(refusal(entry("  platform: a b c\n")), "no platform"));
}

TEST_CASE("regsync: a registry's settings") {
  const MirrorSettings out = read(
      "creds:\n- {registry: a.example, tls: insecure, token: t}\n- {registry: b.example, credHelper: "
      "docker-credential-ecr-login}\n- {registry: '{{env `HOST`}}', regcert: \"-----BEGIN "
      "CERTIFICATE-----\\nxy\"}\n"
      "- {registry: docker.io, hostname: registry-1.docker.io, reqPerSec: 5, mirrors: [m.example]}\n" +
      entry(""));
  CHECK_FALSE(out.registries.at("a.example").options.verify_tls);
  CHECK(out.registries.at("a.example").credential->identity_token.reveal() == "t");
  CHECK(out.registries.at("b.example").helper == "ecr-login");
  CHECK(out.registries.at("env.example").options.ca_pem == "-----BEGIN CERTIFICATE-----\nxy");
  CHECK(out.registries.at("env.example").options.plain_http == false);
  CHECK(out.registries.at("docker.io").options.limits.requests == 5);
  CHECK(has_note(out, "mirrors"));
  CHECK(holds(refusal("creds: [{registry: a.example, pathPrefix: x}]\n" + entry("")),
              "sync.yaml:1:43: creds[1].pathPrefix is not supported"));
  CHECK(holds(refusal("creds: [{registry: a.example, hostname: b.example}]\n" + entry("")), "not supported"));
  CHECK(holds(refusal("creds: [{registry: a.example, user: joe}]\n" + entry("")), "only one"));
  CHECK(holds(refusal("creds: [{registry: a.example}, {registry: A.example}]\n" + entry("")), "earlier"));
  CHECK(holds(refusal("creds: [{user: a, pass: b}]\n" + entry("")), "no registry"));
  CHECK(holds(refusal("creds: [{registry: a.example, tls: sometimes}]\n" + entry("")), "enabled"));
}

TEST_CASE("regsync: what would change what is copied is an error with its place") {
  CHECK(holds(refusal("sync: [{source: 's.example/a:1', target: 't.example/a:2', type: image}]"),
              "sync.yaml:1:42: sync[1].target gives the image another tag"));
  CHECK(
      holds(refusal("sync: [{source: 's.example/a:1', target: 't.example/a', type: image}]"), "another tag"));
  CHECK(refusal("sync: [{source: s.example/a, target: 't.example/a:latest', type: image}]") == "taken");
  CHECK(holds(refusal(entry("  referrers: true\n  referrerFilters: [{artifactType: x}]\n")),
              "sync.yaml:6:20: sync[1].referrerFilters is not supported"));
  CHECK(refusal(entry("  referrers: false\n  referrerFilters: [{artifactType: x}]\n")) == "taken");
  CHECK(holds(refusal(entry("  referrerSource: x\n")), "not supported"));
  CHECK(holds(refusal(entry("  tags: {semverRange: ['>=1']}\n")), "not supported"));
  CHECK(holds(refusal(entry("  includeExternal: true\n")), "not supported"));
  CHECK(refusal(entry("  includeExternal: false\n")) == "taken");
  CHECK(holds(refusal(entry("  mediaTypes: [application/vnd.oci.image.index.v1+json]\n")), "leaves out"));
  CHECK(holds(refusal("sync: [{source: ocidir://x, target: t.example/a, type: repository}]"), "ocidir"));
  CHECK(holds(refusal(entry("", "registry")), "no registry"));
  CHECK(holds(refusal(entry("", "folder")), "type"));
  CHECK(holds(refusal("sync: [{source: 's.example/a:1', target: t.example/a, type: repository}]"),
              "has a tag"));
  CHECK(holds(refusal(entry("  tag: {allow: [x]}\n")), "did you mean tags?"));
  CHECK(holds(refusal("version: 2\n" + entry("")), "is 1"));
  CHECK(holds(refusal("version: 1\n"), "no sync entries"));
}

TEST_CASE("regsync: templates that are not understood are refused, and secrets are in no message") {
  CHECK(read("sync: [{source: '{{env \"HOST\"}}/a', target: '{{- env \"HOST\" -}} /b', type: repository}]")
            .file.jobs.front()
            .targets == Texts{"env.example/b"});
  for (const char* source :
       {"{{.Sync.Target}}", "{{env \"ABSENT\"}}/a", "{{file \"/absent\"}}/a", "{{env HOST}}",
        "{{env \"HOST\" | lower}}", "{{", "{{env \"SECRET\"}}/a", "{{}}"}) {
    const std::string message =
        refusal("sync: [{source: '" + std::string(source) + "', target: t.example/a, type: repository}]");
    INFO(source << ": " << message);
    CHECK(message.find("sync.yaml:1:17: sync[1].source ") == 0);
    CHECK(message.find("s3cr3t") == std::string::npos);
  }
}

TEST_CASE("skopeo: the example of its manual is read, and its jobs have no targets") {
  const MirrorSettings out = read(R"(registry.example.com:
    images:
        busybox: []
        redis:
            - "1.0"
            - "2.0"
            - "sha256:0000000000000000000000000000000011111111111111111111111111111111"
    images-by-tag-regex:
        nginx: ^1\.13\.[12]-alpine-perl$
    images-by-semver:
        alpine: ">= 3.12.0"
    credentials:
        username: john
        password: this is a secret
    tls-verify: true
    cert-dir: /home/john/certs
quay.io:
    tls-verify: false
    images:
        coreos/etcd:
            - latest
)");
  REQUIRE(out.file.jobs.size() == 5);
  const auto job = [&](const std::string& source) -> const MirrorJob& {
    for (const MirrorJob& each : out.file.jobs) {
      if (each.sources == Texts{source}) return each;
    }
    FAIL(source);
    throw 0;
  };
  for (const MirrorJob& each : out.file.jobs) CHECK(each.targets.empty());
  CHECK(job("registry.example.com/busybox").tags.names.empty());
  CHECK_FALSE(job("registry.example.com/busybox").tags.choice);
  CHECK(job("registry.example.com/redis").tags.names ==
        Texts{"1.0", "2.0", "sha256:0000000000000000000000000000000011111111111111111111111111111111"});
  CHECK(job("quay.io/coreos/etcd").tags.names == Texts{"latest"});
  CHECK(job("registry.example.com/alpine").tags.choice->semver == ">=3.12.0");
  CHECK(job("registry.example.com/alpine").tags.choice->partial_versions);
  const Texts nginx = job("registry.example.com/nginx").tags.choice->include;
  CHECK(takes(nginx, "1.13.1-alpine-perl"));
  CHECK_FALSE(takes(nginx, "1.13.1-alpine-perl-2"));
  const auto& registry = out.registries.at("registry.example.com");
  CHECK(registry.credential->username == "john");
  CHECK(registry.credential->password.reveal() == "this is a secret");
  CHECK(registry.options.certificate_directory == "/home/john/certs");
  CHECK(registry.options.verify_tls);
  CHECK_FALSE(out.registries.at("quay.io").options.verify_tls);
  CHECK(has_note(out, "sync.yaml:18:17: tls-verify: "));
  CHECK(has_note(out, "sync.yaml:1:1: all platforms of an index are copied"));
  CHECK(out.file.notes.size() == 2);
}

TEST_CASE("skopeo: patterns are looked for anywhere in a tag") {
  const Texts patterns =
      read("r.example: {images-by-tag-regex: {a: '1\\.2|edge'}}").file.jobs.front().tags.choice->include;
  CHECK(takes(patterns, "v1.2.3"));
  CHECK(takes(patterns, "my-edge-x"));
  CHECK_FALSE(takes(patterns, "v1-2"));
  CHECK(holds(refusal("r.example: {images-by-tag-regex: {a: '('}}"), "sync.yaml:1:38: "));
  CHECK(holds(refusal("r.example: {images-by-tag-regex: {a: 'x)|(y'}}"), "no pattern"));
}

TEST_CASE("skopeo: names are completed as references are") {
  CHECK(read("docker.io: {images: {busybox: }}").file.jobs.front().sources ==
        Texts{"docker.io/library/busybox"});
  CHECK(read("r.example/team: {images: {a: [1.0]}}").file.jobs.front().sources == Texts{"r.example/team/a"});
}

TEST_CASE("skopeo: what is wrong is refused with its place") {
  CHECK(holds(refusal("r.example: {images: {a: [b c]}}"),
              "sync.yaml:1:26: r.example.images.a \"b c\" is neither"));
  CHECK(holds(refusal("r.example: {images: {'a:1': []}}"), "no repository"));
  CHECK(holds(refusal("r.example: {images: {A: []}}"), "no repository"));
  CHECK(holds(refusal("r.example: {images: {a: b}}"), "list"));
  CHECK(holds(refusal("r.example: {images: [a]}"), "mapping"));
  CHECK(holds(refusal("r.example: {images: {a: []}, tls_verify: no}"), "did you mean tls-verify?"));
  CHECK(holds(refusal("r.example: {images: {a: []}}\n'joe:s3cr3t@x': {}"), "no registry"));
  CHECK(holds(refusal("r.example: {images: {}}"), "names no images"));
  CHECK(holds(refusal("r.example: {images-by-semver: {a: '!= 1.2'}}"), "!= is not supported"));
  CHECK(refusal("r.example: {images: {a: []}, credentials: {pasword: s3cr3t}}").find("s3cr3t") ==
        std::string::npos);
  const MirrorSettings empty = read("r.example: {images: {a: []}}\nq.example: {images: {}}");
  CHECK(has_note(empty, "no images of q.example"));
}

TEST_CASE("skopeo: version ranges mean what skopeo's library means by them") {
  CHECK(config::npm_range(">= 3.12.0").value() == ">=3.12.0");
  CHECK(config::npm_range(">=1.2, <2").value() == ">=1.2  <2");
  CHECK(config::npm_range("=> 1, =< 2 || ~> 3.1").value() == ">=1  <=2 || ~3.1");
  CHECK(config::npm_range("1.2 - 1.4").value() == "1.2 - 1.4");
  CHECK_FALSE(config::npm_range("!= 1"));
  CHECK_FALSE(config::npm_range(">=1.2.3-0"));
  CHECK_FALSE(config::npm_range("newest"));
}
