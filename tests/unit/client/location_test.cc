#include "client/location.h"

#include <filesystem>
#include <fstream>

#include "support/catch.h"
#include "support/temp_dir.h"

using namespace davit::client;
using davit::Errc;
using davit::Reference;

namespace {

FileLocation file(std::string_view text) {
  return std::get<FileLocation>(parse_source(text).value());
}
Reference reference(std::string_view text) {
  return std::get<Reference>(parse_source(text).value());
}

}  // namespace

TEST_CASE("a source that looks like a path is one, whether it exists or not") {
  for (const char* text :
       {"-", "app.tar", "dir/app.tgz", "./x", "../x", "/x", "a.tar.gz", "a.tar.zst", "."}) {
    INFO(text);
    CHECK(file(text).path == text);
  }
}

TEST_CASE("a bare word is a file if there is one, and an image otherwise") {
  const davit::test::TempDir dir;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(dir.path());
  CHECK(reference("app").to_string() == "docker.io/library/app");
  std::ofstream("app") << "x";
  CHECK(file("app").path == "app");
  CHECK(reference("docker://app").to_string() == "docker.io/library/app");
  std::filesystem::current_path(before);
}

TEST_CASE("archives and layouts name an image by name, tag or position") {
  CHECK(file("docker-archive:x.tar:app:1").name == "app:1");
  CHECK(file("docker-archive:x.tar").name.empty());
  CHECK(file("docker-archive:x.tar:@2").position == 2);
  CHECK(file("oci-archive:x.tar:1.4").name == "1.4");
  CHECK(file("oci:dir:1.4").kind == FileLocation::Kind::layout);
  CHECK(file("ocidir://dir:1.4").name == "1.4");
  const std::string digest = "sha256:" + std::string(64, 'a');
  CHECK(file("oci:dir@" + digest).path == "dir");
  CHECK(file("oci:dir@" + digest).name == digest);
  CHECK(file("oci:user@host:1").path == "user@host");
  CHECK_FALSE(parse_source("docker-archive:x.tar:@two"));
  CHECK_FALSE(parse_source("docker-archive:"));
  CHECK_FALSE(parse_source(""));
}

TEST_CASE("an existing file with colons in its name is that file") {
  const davit::test::TempDir dir;
  const auto path = dir.write("a:b.tar", "x").string();
  CHECK(file("docker-archive:" + path).path == path);
}

TEST_CASE("transports that need a daemon are refused with the line to use instead") {
  for (const char* text : {"docker-daemon:app:1", "containers-storage:app", "dir:x"}) {
    const auto source = parse_source(text);
    REQUIRE_FALSE(source);
    CHECK(source.error().code == Errc::invalid_argument);
    CHECK(source.error().hint.find("davit push") != std::string::npos);
  }
}

TEST_CASE("several tags go behind one colon") {
  const auto pattern = parse_destination("r.example.com/app:v1,v1.2,latest").value();
  CHECK(pattern.repository == "r.example.com/app");
  CHECK(pattern.tags == std::vector<std::string>{"v1", "v1.2", "latest"});
  CHECK_FALSE(parse_destination("r.example.com/app:v1,,v2"));
  CHECK_FALSE(parse_destination("r.example.com/app:v1,-x"));
}

TEST_CASE("a port is not a tag") {
  const auto pattern = parse_destination("localhost:5000/app").value();
  CHECK(pattern.repository == "localhost:5000/app");
  CHECK(pattern.tags.empty());
}

TEST_CASE("a template is filled from the image's name") {
  const auto pattern = parse_destination("r.example.com/mirror/{repo}:{tag}").value();
  REQUIRE(pattern.is_template());
  CHECK(fill(pattern, "quay.io/team/app:1.4").value().to_string() == "r.example.com/mirror/team/app:1.4");
  CHECK(fill(pattern, "docker.io/library/alpine:3").value().to_string() == "r.example.com/mirror/alpine:3");
  CHECK(fill(pattern, "").error().code == Errc::invalid_argument);
  CHECK(fill(pattern, "app").error().message.find("{tag}") != std::string::npos);
  CHECK_FALSE(parse_destination("r.example.com/{name}:1"));
}

TEST_CASE("row 41: a name from an archive cannot leave the repository grammar") {
  const auto pattern = parse_destination("r.example.com/m/{repo}:{tag}").value();
  for (const char* name : {"../../x:1", "a/../b:1", "A:1", "a:..", "a b:1", "a?x=1:1"})
    CHECK_FALSE(fill(pattern, name));
}

TEST_CASE("the tag of a destination may end like a file name") {
  CHECK(parse_destination("r.example.com/app:v1.tar").value().tags == std::vector<std::string>{"v1.tar"});
  CHECK(parse_destination("localhost:5000/app:x.tgz").value().tags == std::vector<std::string>{"x.tgz"});
}

TEST_CASE("a registry without a repository is not taken for an image on Docker Hub") {
  for (const char* text : {"localhost:5000", "127.0.0.1:5000", "registry.example.com:443"}) {
    const auto pattern = parse_destination(text);
    REQUIRE_FALSE(pattern);
    CHECK(pattern.error().hint.find(std::string(text) + "/REPOSITORY:TAG") != std::string::npos);
    CHECK(parse_destination("docker.io/library/" + std::string(text)));
  }
  CHECK(parse_destination("redis:7"));
  CHECK(parse_destination("my.app:v1"));
}

TEST_CASE("row 41: a name from an archive has no say in the registry") {
  const auto pattern = parse_destination("{repo}:{tag}").value();
  CHECK(pattern.registry() == "docker.io");
  CHECK(fill(pattern, "r.example.com/team/app:1").value().to_string() == "docker.io/team/app:1");
  CHECK(fill(pattern, "r.example.com/evil.example/app:1").value().host == "docker.io");
  CHECK_FALSE(parse_destination("{repo}.example.com/app:1"));
  CHECK_FALSE(parse_destination("r.{tag}/app:1"));
}

TEST_CASE("an error quotes what was written, and no more") {
  const auto pattern = parse_destination("r.example.com/App");
  REQUIRE_FALSE(pattern);
  CHECK(pattern.error().message.find("\"r.example.com/App\"") != std::string::npos);
}

TEST_CASE("the ending of an archive is a path where no port or tag says that a registry is meant") {
  CHECK(file("build.d/app.tar").path == "build.d/app.tar");
  CHECK(file("app.TAR").path == "app.TAR");
  CHECK(reference("r.example.com/app:v1.tar").tag == "v1.tar");
  CHECK(reference("localhost:5000/app.tar").repository == "app.tar");
  for (const char* text :
       {"joe:MARKED@r.example.com/app.tar", "oci:joe:MARKED@r.example.com/x",
        "docker-archive:/tmp/x.tar:joe:MARKED@r.example.com/x:1", "joe:pa/MARKED@r.example.com/app:1",
        "https://joe:pa/MARKED@h/x", "AWS:eyJ/MARKED@host/app", "joe:pa/MARKED@h/app.tar",
        "docker-archive:joe:pa/MARKED@h/x", "oci:joe:pa/MARKED@h/x"}) {
    const auto secret = parse_source(text);
    REQUIRE_FALSE(secret);
    CHECK(secret.error().to_string().find("MARKED") == std::string::npos);
  }
}
