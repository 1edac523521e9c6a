#include "config/mirror_file.h"

#include "support/catch.h"

using namespace davit;
using config::MirrorSettings;

namespace {

using Texts = std::vector<std::string>;

Result<MirrorSettings> parse(const std::string& text) {
  return config::parse_mirror_file(
      text, "mirror.yaml",
      {.variables = [](const std::string& name) -> std::optional<std::string> {
         if (name == "TARGET") return "t.example";
         if (name == "SECRET") return "s3cr3t";
         if (name == "COUNT") return "7";
         if (name == "YAML") return "a: [b";
         return {};
       },
       .small_file = [](const std::string&) -> Result<std::string> { return Error{}; }});
}

MirrorSettings read(const std::string& text) {
  auto out = parse(text);
  INFO((out ? "" : out.error().message));
  REQUIRE(out);
  return *std::move(out);
}

/// One job with a source, a target and more lines.
MirrorJob job(const std::string& lines, const std::string& before = {}) {
  const MirrorSettings out = read(before + "jobs:\n- source: s.example/a\n  target: t.example/b\n" + lines);
  REQUIRE(out.file.jobs.size() == 1);
  CHECK(out.file.notes.empty());
  return out.file.jobs.front();
}

std::string refusal(const std::string& text) {
  const auto out = parse(text);
  if (out) return "taken";
  CHECK(out.error().code == Errc::invalid_argument);
  return out.error().message + " (" + out.error().hint + ")";
}

std::string job_refusal(const std::string& lines) {
  return refusal("jobs:\n- source: s.example/a\n  target: t.example/b\n" + lines);
}

bool holds(const std::string& whole, const std::string& part) {
  INFO(whole);
  CHECK(whole.find(part) != std::string::npos);
  return whole.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a job without settings copies everything, with referrers, and deletes nothing") {
  const MirrorJob one = job("");
  CHECK(one.sources == Texts{"s.example/a"});
  CHECK(one.targets == Texts{"t.example/b"});
  CHECK(one.name.empty());
  CHECK(one.tags.names.empty());
  CHECK_FALSE(one.tags.choice);
  CHECK(one.platforms.empty());
  CHECK(one.referrers);
  CHECK(one.digest_tags);
  CHECK(one.replace_tags);
  CHECK_FALSE(one.prune.enabled);
  CHECK_FALSE(one.create_repositories);
}

TEST_CASE("every setting of a job is read") {
  const MirrorSettings out = read(R"(
jobs:
- name: all
  sources: [s.example/team/**, "localhost:5000", s.example/x, ecr:app]
  targets: ["t.example/{repo}", "u.example:5000/m/{registry}/{name}"]
  repositories: {include: team/.*, exclude: [a, b]}
  tags:
    names: [stable, sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]
    include: ["v1$"]
    exclude: .*-rc
    semver: ">=1"
    latest: 3
    max_age: 1d12h
    min_tags: 2
    immutable: ["v[0-9.]+"]
  platforms: [linux/amd64, arm64]
  referrers: false
  digest_tags: false
  require_referrers: [signature, application/vnd\.x.*]
  replace_tags: false
  prune: {protect: keep, max_deletes: 0}
  create_repositories:
    immutable: true
    mutable_tags: latest*
    scan: true
    kms_key: default
    resource_tags: {team: blue, cost: 7}
    lifecycle_policy: '{"rules": []}'
)");
  REQUIRE(out.file.jobs.size() == 1);
  const MirrorJob& all = out.file.jobs.front();
  CHECK(all.name == "all");
  CHECK(all.sources == Texts{"s.example/team/**", "localhost:5000", "s.example/x", "ecr:app"});
  CHECK(all.targets == Texts{"t.example/{repo}", "u.example:5000/m/{registry}/{name}"});
  CHECK(all.include_repositories == Texts{"team/.*"});
  CHECK(all.exclude_repositories == Texts{"a", "b"});
  CHECK(all.tags.names.size() == 2);
  REQUIRE(all.tags.choice);
  CHECK(all.tags.choice->include == Texts{"v1$"});
  CHECK(all.tags.choice->exclude == Texts{".*-rc"});
  CHECK(all.tags.choice->semver == ">=1");
  CHECK(all.tags.choice->latest == 3u);
  CHECK(all.tags.max_age == std::chrono::hours(36));
  CHECK(all.tags.min_tags == 2);
  CHECK(all.tags.immutable == Texts{"v[0-9.]+"});
  REQUIRE(all.platforms.size() == 2);
  CHECK(all.platforms[1].to_string() == "linux/arm64");
  CHECK_FALSE(all.referrers);
  CHECK_FALSE(all.digest_tags);
  CHECK(all.require_referrers == Texts{"signature", "application/vnd\\.x.*"});
  CHECK_FALSE(all.replace_tags);
  CHECK(all.prune.enabled);
  CHECK(all.prune.protect == Texts{"keep"});
  CHECK(all.prune.max_deletes == 0);
  REQUIRE(all.create_repositories);
  CHECK(all.create_repositories->immutable);
  CHECK(all.create_repositories->mutable_tags == Texts{"latest*"});
  CHECK(all.create_repositories->scan);
  CHECK(all.create_repositories->kms_key == "default");
  CHECK(all.create_repositories->resource_tags.at("cost") == "7");
  CHECK(all.create_repositories->lifecycle_policy == R"({"rules": []})");
}

TEST_CASE("registries are read as in the configuration file") {
  const auto out = read(
      "registries:\n  t.example: {creds_env: CREDS, ca_file: \"/etc/${TARGET}.pem\"}\n"
      "jobs: [{source: s.example/a, target: t.example/b}]\n");
  CHECK(out.registries.at("t.example").credentials_variable == "CREDS");
  CHECK(out.registries.at("t.example").options.ca_file == "/etc/t.example.pem");
  const auto limited = read(
      "registries:\n  t.example: {limits: {requests: \"${RATE:-300/m}\", concurrency: \"${COUNT}\"}}\n"
      "jobs: [{source: s.example/a, target: t.example/b}]\n");
  CHECK(limited.registries.at("t.example").options.limits.requests == 5);
  CHECK(limited.registries.at("t.example").options.limits.concurrency == 7);
}

TEST_CASE("a list of tags is one of names, and numbers are texts") {
  CHECK(job("  tags: [1.10, latest]\n").tags.names == Texts{"1.10", "latest"});
  CHECK_FALSE(job("  tags: [latest]\n").tags.choice);
}

TEST_CASE("a job's keys replace those of the defaults, also when these come last") {
  const std::string defaults =
      "defaults:\n  tags: {semver: '>=1', min_tags: 3}\n  referrers: false\n  platforms: [amd64]\n"
      "  prune: {protect: [keep.*], max_deletes: 5}\n  create_repositories: {scan: true}\n";
  const MirrorJob same = job("", defaults);
  CHECK(same.tags.choice->semver == ">=1");
  CHECK_FALSE(same.referrers);
  CHECK(same.prune.enabled);
  CHECK(same.create_repositories->scan);
  const MirrorJob other = job("  tags: [latest]\n  platforms: []\n", defaults);
  CHECK(other.tags.names == Texts{"latest"});
  CHECK_FALSE(other.tags.choice);
  CHECK(other.tags.min_tags == 0);
  CHECK(other.platforms.empty());
  const auto last = read("jobs: [{source: s.example/a, target: t.example/b}]\n" + defaults);
  CHECK_FALSE(last.file.jobs.front().referrers);
}

TEST_CASE("turning pruning off and on keeps what is protected") {
  const std::string defaults = "defaults: {prune: {protect: [keep.*], max_deletes: 5}}\n";
  CHECK_FALSE(job("  prune: false\n", defaults).prune.enabled);
  const MirrorJob on = job("  prune: true\n", defaults);
  CHECK(on.prune.enabled);
  CHECK(on.prune.protect == Texts{"keep.*"});
  CHECK(on.prune.max_deletes == 5);
  const MirrorJob fewer = job("  prune: {max_deletes: 1}\n", defaults);
  CHECK(fewer.prune.protect == Texts{"keep.*"});
  CHECK(fewer.prune.max_deletes == 1);
}

TEST_CASE("pruning and making repositories are turned on by nothing that is empty") {
  CHECK(holds(job_refusal("  prune:\n"), "mirror.yaml:4:3: jobs[1].prune is true, false or a mapping"));
  CHECK(holds(job_refusal("  prune: ~\n"), "mirror.yaml:4:3: jobs[1].prune is true, false or a mapping"));
  CHECK(holds(job_refusal("  prune: []\n"), "is true, false or a mapping"));
  CHECK(holds(job_refusal("  create_repositories:\n"), "jobs[1].create_repositories is true, false or"));
  CHECK(holds(refusal("defaults:\n  prune:\njobs: []\n"), "defaults.prune is true, false or a mapping"));
}

TEST_CASE("truths are written as YAML 1.2 has them") {
  CHECK_FALSE(job("  referrers: False\n").referrers);
  CHECK_FALSE(job("  referrers: FALSE\n").referrers);
  CHECK(job("  prune: TRUE\n").prune.enabled);
  CHECK(job("  create_repositories: True\n").create_repositories);
  CHECK(holds(job_refusal("  referrers: tRUE\n"), "true or false"));
}

TEST_CASE("all stands for every platform") {
  CHECK(job("  platforms: [all]\n").platforms.empty());
  CHECK(job("  platforms: all\n", "defaults: {platforms: [amd64]}\n").platforms.empty());
}

TEST_CASE("making repositories is turned off and on by a word") {
  const std::string defaults = "defaults: {create_repositories: {scan: true}}\n";
  CHECK_FALSE(job("  create_repositories: false\n", defaults).create_repositories);
  CHECK(job("  create_repositories: true\n", defaults).create_repositories->scan);
  CHECK_FALSE(job("  create_repositories: true\n").create_repositories->scan);
  const MirrorJob more = job("  create_repositories: {immutable: true}\n", defaults);
  CHECK(more.create_repositories->scan);
  CHECK(more.create_repositories->immutable);
}

TEST_CASE("a lifecycle policy may be a mapping, whose scalars are what JSON takes them for") {
  const MirrorJob one =
      job("  create_repositories:\n    lifecycle_policy:\n      rules:\n      - {rulePriority: 1, "
          "description: '1', on: true, none: ~}\n      - countNumber: ${COUNT}\n");
  CHECK(one.create_repositories->lifecycle_policy ==
        R"({"rules":[{"description":"1","none":null,"on":true,"rulePriority":1},{"countNumber":7}]})");
}

TEST_CASE("a lifecycle policy that is no JSON, or too long, is refused") {
  const auto with = [](const std::string& policy) {
    return job_refusal("  create_repositories: {lifecycle_policy: " + policy + "}\n");
  };
  CHECK(holds(with("'{\"rules\": ['"), "no JSON"));
  CHECK(holds(with("'[]'"), "no JSON object"));
  CHECK(holds(with("''"), "wants JSON"));
  CHECK(holds(with("'{\"x\": \"" + std::string(30'720, 'x') + "\"}'"), "30720"));
  CHECK(with("'{\"x\": \"" + std::string(30'711, 'x') + "\"}'") == "taken");
}

TEST_CASE("variables are filled in after parsing, in values only") {
  const MirrorSettings out = read(
      "jobs:\n- name: ${YAML}\n  source: s.example/a\n  target: ${TARGET}/${NAME:-b}\n  tags: {latest: "
      "'${COUNT}', include: 'v1$'}\n  referrers: ${REFERRERS:-false}\n");
  const MirrorJob& one = out.file.jobs.front();
  CHECK(one.name == "a: [b");
  CHECK(one.targets == Texts{"t.example/b"});
  CHECK(one.tags.choice->latest == 7u);
  CHECK_FALSE(one.referrers);
  CHECK(holds(job_refusal("  ${TARGET}: x\n"), "does not know \"${TARGET}\""));
  CHECK(holds(job_refusal("  name: ${ABSENT}\n"),
              "mirror.yaml:4:9: jobs[1].name needs the variable ABSENT, which is not set"));
  CHECK(holds(job_refusal("  name: ${ABSENT:?who is it}\n"), "who is it"));
  CHECK(holds(job_refusal("  name: ${ABSENT:-}\n"), "empty"));
}

TEST_CASE("what was filled in is in no message") {
  for (const char* lines :
       {"  tags: ['${SECRET} x']\n", "  tags: {include: '(${SECRET}'}\n", "  platforms: ['${SECRET} x']\n",
        "  tags: {semver: '${SECRET}'}\n", "  tags: {max_age: '${SECRET}'}\n",
        "  tags: {latest: '${SECRET}'}\n", "  prune: ${SECRET}\n",
        "  create_repositories: {lifecycle_policy: '${SECRET}'}\n"}) {
    const std::string message = job_refusal(lines);
    INFO(lines << message);
    CHECK(message != "taken");
    CHECK(message.find("s3cr3t") == std::string::npos);
  }
  for (const char* text : {"jobs: [{source: 's.example/${SECRET} x', target: t.example/b}]",
                           "jobs: [{source: 'joe:${SECRET}@s.example/a', target: t.example/b}]",
                           "jobs: [{source: 'https://joe:s3cr3t@s.example/a', target: t.example/b}]",
                           "jobs: [{source: s.example/a, target: 't.example/${SECRET} x'}]",
                           "jobs: [{source: s.example/a, target: 'joe:s3cr3t@t.example/b'}]",
                           "registries: {a.example: {plain_http: '${SECRET}'}}\njobs: []"}) {
    const std::string message = refusal(text);
    INFO(text << message);
    CHECK(message != "taken");
    CHECK(message.find("s3cr3t") == std::string::npos);
  }
}

TEST_CASE("a slip of the pen is named with line, column and what may be meant") {
  CHECK(holds(job_refusal("  platfroms: []\n"),
              "mirror.yaml:4:3: jobs[1] does not know \"platfroms\"; did you mean platforms?"));
  CHECK(holds(job_refusal("  createRepositories: true\n"), "did you mean create_repositories?"));
  CHECK(holds(job_refusal("  tags: {includes: x}\n"), "mirror.yaml:4:10: jobs[1].tags does not"));
  CHECK(holds(refusal("job: []\nregistries: {}\n"),
              "mirror.yaml:1:1: does not know \"job\"; did you mean jobs?"));
  CHECK(holds(refusal("registries: {a.example: {profil: x}}\njobs: []"), "did you mean profile?"));
  CHECK(holds(job_refusal("  zzzzzzzz: 1\n"), "it knows create_repositories, digest_tags"));
}

TEST_CASE("values that cannot be are refused where they stand") {
  CHECK(holds(job_refusal("  tags: [a, 'b c']\n"), "mirror.yaml:4:13: jobs[1].tags \"b c\" is neither"));
  CHECK(holds(job_refusal("  tags: []\n"), "is empty"));
  CHECK(holds(job_refusal("  tags: {names: []}\n"), "mirror.yaml:4:17: jobs[1].tags.names is empty"));
  CHECK(holds(job_refusal("  tags: {include: []}\n"), "jobs[1].tags.include is empty"));
  CHECK(holds(job_refusal("  tags: {include: ['a', '(']}\n"), "\"(\" is no pattern: missing )"));
  CHECK(holds(job_refusal("  tags: {include: 'a)(b'}\n"), "no pattern"));
  CHECK(holds(job_refusal("  tags: {semver: newest}\n"), "no version range"));
  for (const char* age : {"soon", "30", "d", "0d", "1y", "-1d", "1.5h", "99999999999999999999d", "4000000w"})
    CHECK(holds(job_refusal(std::string("  tags: {max_age: '") + age + "'}\n"), "is no age"));
  CHECK(holds(job_refusal("  tags: {latest: 0}\n"), "from 1 to"));
  CHECK(holds(job_refusal("  tags: {latest: ten}\n"), "number"));
  CHECK(holds(job_refusal("  tags: {names: [a], exclude: [b]}\n"), "only names"));
  CHECK(holds(job_refusal("  platforms: [linux/a b]\n"), "no platform"));
  CHECK(holds(job_refusal("  referrers: yes\n"), "true or false"));
  CHECK(holds(job_refusal("  create_repositories: {mutable_tags: [x]}\n"), "not immutable"));
  CHECK(
      holds(job_refusal("  repositories: {include: x}\n"), "mirror.yaml:4:17: jobs[1].repositories chooses"));
  CHECK(holds(job_refusal("  source: s.example/b\n"), "twice"));
  CHECK(holds(job_refusal("  sources: s.example/b\n"), "beside source"));
}

TEST_CASE("sources and targets have their form") {
  const auto with = [](const std::string& source, const std::string& target) {
    return refusal("jobs:\n- source: '" + source + "'\n  target: '" + target + "'\n");
  };
  for (const char* source :
       {"alpine", "s.example/a", "s.example/a@sha256:aa", "S.EXAMPLE/A", "s.example/a:b c"}) {
    const bool good = std::string(source) == "alpine" || std::string(source) == "s.example/a";
    INFO(source);
    CHECK((with(source, "t.example/b") == "taken") == good);
  }
  CHECK(with("s.example/*", "t.example/{repo}") == "taken");
  CHECK(with("s.example", "t.example/x/{repo}") == "taken");
  CHECK(with("s.example/", "ecr:x/{name}") == "taken");
  CHECK(holds(with("s.example/A*", "t.example/{repo}"), "no source"));
  CHECK(holds(with("*/a", "t.example/{repo}"), "no source"));
  CHECK(holds(with("s.example/*", "t.example/b"), "several repositories"));
  CHECK(holds(with("s.example/a", "t.example/{rep}"), "only {repo}, {name} and {registry}"));
  CHECK(holds(with("s.example/a", "t.example/b:1"), "keeps the tags"));
  CHECK(holds(with("s.example/a", "b"), "begins with no registry"));
  CHECK(holds(with("s.example/a", "t.example/B"), "no target"));
  CHECK(holds(refusal("jobs: [{source: s.example/a}]"), "mirror.yaml:1:8: jobs[1] has no targets"));
  CHECK(holds(with("s.example/a", "s.example/a"), "mirror.yaml:2:3: jobs[1] has a target that is its own"));
  CHECK(holds(with("s.example/a", "s.example/{repo}"), "its own source"));
  CHECK(holds(refusal("jobs:\n- {source: 's.example/a:1', target: t.example/b, tags: [x]}\n"),
              "mirror.yaml:2:3: jobs[1] has a source that is one image, and tags besides"));
  CHECK(with("s.example/a:1", "t.example/b") == "taken");
  CHECK(holds(refusal("jobs: [{target: t.example/a}]"), "has no source"));
  CHECK(holds(refusal("jobs: [{sources: [s.example/a, s.example/a], target: 't.example/{name}'}]"), "twice"));
  CHECK(holds(refusal("jobs: [{sources: [s.example/a, s.example/b], target: 't.example/c'}]"), "several"));
}

TEST_CASE("a file without jobs, or with one name for two, is refused") {
  for (const char* text :
       {"", "{}", "[]", "x", "jobs:", "jobs: []", "jobs: x", "registries: {}", "defaults: {}"}) {
    INFO(text);
    CHECK(refusal(text) != "taken");
  }
  CHECK(holds(
      refusal("jobs: [{name: a, source: s.example/a, target: t.example/a}, {name: a, source: s.example/b, "
              "target: t.example/b}]"),
      "earlier job"));
}

TEST_CASE("anchors, aliases and merges are understood") {
  const MirrorJob one = job("  <<: *more\n  tags: *chosen\n",
                            "x-any: {tags: &chosen [a], more: &more {referrers: false, tags: [b]}}\n");
  CHECK(one.tags.names == Texts{"a"});
  CHECK_FALSE(one.referrers);
  CHECK(holds(job_refusal("  <<: x\n"), "merges"));
}

TEST_CASE("a second document is refused where it begins") {
  CHECK(holds(refusal("jobs: [{source: s.example/a, target: t.example/a}]\n---\njobs: []\n"),
              "mirror.yaml:2:1: more than one YAML document"));
}

TEST_CASE("more jobs than anybody has are refused") {
  std::string many = "jobs:\n- &a {source: s.example/a, target: t.example/a}\n";
  for (int i = 0; i < 10'000; ++i) many += "- *a\n";
  CHECK(holds(refusal(many), "more than 10000 jobs"));
}
