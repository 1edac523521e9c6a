#include "client/target.h"

#include <filesystem>
#include <fstream>

#include <sys/stat.h>

#include <davit/client.h>

#include "support/catch.h"
#include "support/temp_dir.h"

using namespace davit::client;
using davit::Errc;
using davit::Error;
using davit::Side;

namespace {

constexpr const char* kSource = "r.example.com/app:1";

FileTarget file(std::string_view text, Verb verb = Verb::pull) {
  return std::get<FileTarget>(parse_target(text, verb, kSource).value());
}
DestinationPattern registry(std::string_view text, Verb verb) {
  return std::get<DestinationPattern>(parse_target(text, verb, kSource).value());
}
Error refused(std::string_view text, Verb verb, std::string_view source = kSource) {
  const auto target = parse_target(text, verb, source);
  REQUIRE_FALSE(target);
  CHECK(target.error().code == Errc::invalid_argument);
  return target.error();
}

/// For the time of a test, where bare words are looked for.
class Inside {
 public:
  explicit Inside(const std::filesystem::path& path) { std::filesystem::current_path(path); }
  ~Inside() { std::filesystem::current_path(before_); }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;

 private:
  const std::filesystem::path before_ = std::filesystem::current_path();
};

}  // namespace

TEST_CASE("row 20: a destination with a password in it is not repeated") {
  for (const Verb verb : {Verb::push, Verb::pull, Verb::copy}) {
    for (const char* text :
         {"joe:MARKED@r.example.com/x", "joe:MARKED@r.example.com/x.tar", "joe:MARKED@r.example.com/x/",
          "docker://joe:MARKED@r.example.com/x", "https://joe:MARKED@r.example.com/x",
          "oci:joe:MARKED@r.example.com/x", "docker-archive:joe:MARKED@r.example.com/x",
          "docker-archive:/tmp/none.tar:joe:MARKED@r.example.com/x:1", "dir:joe:MARKED@r.example.com/x",
          "docker-daemon:joe:MARKED@r.example.com/x", "joe:pa/MARKED@r.example.com/app:1",
          "https://joe:pa/MARKED@h/x", "AWS:eyJ/MARKED@host/app", "joe:pa/MARKED@r.example.com/x.tar",
          "joe:pa/MARKED@r.example.com/x/", "oci:joe:pa/MARKED@r.example.com/x"}) {
      INFO(to_string(verb) << " " << text);
      const Error error = refused(text, verb);
      CHECK(error.to_string().find("MARKED") == std::string::npos);
      CHECK(error.hint.find("MARKED") == std::string::npos);
    }
  }
  CHECK(refused("oci:x", Verb::push, "oci:joe:MARKED@r.example.com/x").hint == "davit copy SOURCE oci:x");
  CHECK(command_line(Verb::push, "joe:pa/MARKED@h/x", "x") == "davit push SOURCE x");
  CHECK(refused("host:5000/app@sha256:abc", Verb::push).message ==
        "\"host:5000/app@sha256:abc\": digest \"sha256:abc\": wrong length");
}

TEST_CASE("a folder in results is written without the slash that marks it") {
  for (const char* text : {"dir/", "dir//", "oci:dir", "oci:dir/", "ocidir://dir/", "oci:dir/:1"}) {
    INFO(text);
    CHECK(file(text).text() == "oci:dir");
  }
  CHECK(file("/").path == "/");
}

TEST_CASE("a name in a layout or its archive is kept as it is written") {
  for (const char* text : {"oci:dir:some/name:1", "oci-archive:x.tar:some/name:1"}) {
    INFO(text);
    CHECK(file(text).names == std::vector<std::string>{"some/name:1"});
  }
  CHECK(file("oci:dir:1,2").names == std::vector<std::string>{"1", "2"});
  CHECK(file("oci:dir:host:5000/name:1").names == std::vector<std::string>{"host:5000/name:1"});
  CHECK(file("oci:dir:name:1,2").names == std::vector<std::string>{"name:1", "2"});
  CHECK(refused("oci:dir:some/name", Verb::copy).message.find("not a tag") != std::string::npos);
  CHECK(refused("oci:dir:NAME:1", Verb::copy).message.find("no name for an image") != std::string::npos);
}

TEST_CASE("endings in upper case mean what they mean in lower case") {
  CHECK(file("x.TAR").kind == FileTarget::Kind::docker_archive);
  CHECK(file("x.OCI.tar").kind == FileTarget::Kind::oci_archive);
  CHECK(refused("x.TGZ", Verb::copy).hint == "write x.tar");
}

TEST_CASE("docker:// is a registry, whatever stands at the end") {
  CHECK(registry("docker://app", Verb::copy).registry() == "docker.io");
  CHECK(registry("docker://r.example.com/app:v1.tar", Verb::copy).registry() == "r.example.com");
  CHECK(refused("docker://r.example.com/app/", Verb::copy).message.find("not a repository name") !=
        std::string::npos);
  CHECK(refused("docker://r.example.com/app/", Verb::pull).message.find("this is a registry") !=
        std::string::npos);
}

TEST_CASE("transports of other tools are refused as destinations, with the line that writes the image") {
  for (const Verb verb : {Verb::push, Verb::pull, Verb::copy}) {
    const std::string line = std::string("davit ") + (verb == Verb::pull ? "pull " : "copy ") + kSource;
    CHECK(refused("docker-daemon:app:1", verb).hint == line + " - | docker load");
    CHECK(refused("containers-storage:app", verb).hint == line + " - | podman load");
    CHECK(refused("dir:x", verb).hint == line + " oci:x");
  }
}

TEST_CASE("where the source is no one word, the hint is what to write as the destination") {
  const auto hint = [](std::string_view text, Verb verb, std::string_view source) {
    return davit::client::parse_target(text, verb, source).error().hint;
  };
  CHECK(hint("dir:/x", Verb::index, "the index") == "write oci:/x");
  CHECK(hint("docker-daemon:x:1", Verb::index, "the index") ==
        "write oci:FOLDER:TAG, or REGISTRY/REPOSITORY:TAG");
  CHECK(hint("/dev/null", Verb::index, "the index") == "write oci-archive:- > /dev/null");
  CHECK(hint("docker-daemon:x:1", Verb::copy, "") == "write - | docker load");
}

TEST_CASE("what can be a folder or a repository is neither, and both spellings are named") {
  const davit::test::TempDir dir;
  const Inside inside(dir.path());
  CHECK(refused("layout", Verb::copy).hint == "write ./layout or docker://layout");
  CHECK(refused("r.example.com/app/", Verb::copy).hint ==
        "write ./r.example.com/app/ or docker://r.example.com/app");
  CHECK(file("r.example.com/app/", Verb::pull).path == "r.example.com/app");
  CHECK(file("app-1.4/", Verb::pull).path == "app-1.4");
  CHECK(refused("oci://r.example.com/app:1", Verb::copy).hint ==
        "write docker://r.example.com/app:1 or oci:/r.example.com/app:1");
  CHECK(registry("team/app", Verb::copy).registry() == "docker.io");
  CHECK(registry("app:1", Verb::copy).registry() == "docker.io");
  CHECK(file("layout/", Verb::copy).path == "layout");
  CHECK(refused("build.d/app.tar", Verb::pull).hint == "write ./build.d/app.tar if it is a file");
  CHECK(refused("r.example.com/app", Verb::pull).hint == "davit copy r.example.com/app:1 r.example.com/app");
}

TEST_CASE("a pipe or a device is not replaced by a file") {
  const davit::test::TempDir dir;
  const std::string pipe = (dir.path() / "pipe").string();
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  std::filesystem::create_symlink("/dev/null", dir.path() / "link");
  for (const std::string& path : {pipe, std::string("/dev/null"), (dir.path() / "link").string()}) {
    CHECK(refused(path, Verb::pull).hint == "davit pull r.example.com/app:1 - > " + path);
    CHECK(refused("docker-archive:" + path, Verb::copy).hint == "davit copy r.example.com/app:1 - > " + path);
    CHECK(refused("oci-archive:" + path, Verb::pull).hint ==
          "davit pull r.example.com/app:1 oci-archive:- > " + path);
  }
}

TEST_CASE("pull of what is a file says how the image of that name is written") {
  const davit::test::TempDir dir;
  const Inside inside(dir.path());
  std::ofstream("word") << "x";
  CHECK(not_to_pull("r.example.com/team/app.tar", "").hint ==
        "write docker://r.example.com/team/app.tar if it is an image");
  CHECK(not_to_pull("word", "r.example.com/app:1").hint ==
        "there is a file of that name here; docker://word is an image");
  CHECK(not_to_pull("word.tar", "r.example.com/app:1").hint == "davit push word.tar r.example.com/app:1");
  CHECK(not_to_pull("./word", "").hint == "davit copy moves images between files, too");
  CHECK(not_to_pull("oci:word", "").hint == "davit copy moves images between files, too");
  CHECK(not_to_pull("oci:joe:MARKED@r.example.com/x", "").to_string().find("MARKED") == std::string::npos);
}

TEST_CASE("push with a path behind a reference names the line that was meant") {
  const davit::test::TempDir dir;
  const std::string there = dir.write("there.tar", "x").string();
  CHECK(reversed_push(kSource, there).hint == "davit push " + there + " " + kSource);
  CHECK(reversed_push(kSource, "/none.tar").hint == std::string("davit pull ") + kSource + " /none.tar");
  CHECK(refused("app.tar", Verb::push).hint.find("davit push SOURCE") != std::string::npos);
  for (const char* text : {"./app:x.tgz", "dir/app.tgz"}) refused(text, Verb::push);
}

TEST_CASE("the name of a file is no template") {
  for (const std::string_view text :
       {"./all-{tag}.tar", "oci:{repo}", "docker-archive:{repo}.tar", "./{tag}/"}) {
    CAPTURE(text);
    const auto target = parse_target(text, Verb::copy, "registry.example.com/app");
    REQUIRE_FALSE(target);
    CHECK(target.error().code == Errc::invalid_argument);
    CHECK(target.error().hint.find("takes all images") != std::string::npos);
  }
}

TEST_CASE("the registry of an argument: what could be a file names none") {
  const davit::test::TempDir dir;
  const Inside inside(dir.path());
  std::ofstream("there") << "x";
  struct Case {
    const char* text;
    const char* source;
    const char* destination;
  };
  for (const Case& each : {Case{"R.example.com:5000/app:1", "r.example.com:5000", "r.example.com:5000"},
                           Case{"docker://r.example.com/app", "r.example.com", "r.example.com"},
                           Case{"r.example.com/app:v1.tar", "r.example.com", "r.example.com"},
                           Case{"127.0.0.1:5000/x.tar", "127.0.0.1:5000", "127.0.0.1:5000"},
                           Case{"team/app", "docker.io", "docker.io"},
                           Case{"index.docker.io/team/app", "docker.io", "docker.io"},
                           Case{"r.example.com/{repo}:{tag}", "", "r.example.com"},
                           Case{"r.example.com/app:1,2", "", "r.example.com"},
                           Case{"word", "docker.io", ""},
                           Case{"there", "", ""},
                           Case{"docker://there", "docker.io", "docker.io"},
                           Case{"build.d/app.tar", "", "build.d"},
                           Case{"./r.example.com/app", "", ""},
                           Case{"r.example.com/app/", "", ""},
                           Case{"app.tar", "", ""},
                           Case{"-", "", ""},
                           Case{"", "", ""},
                           Case{"oci:r.example.com/app", "", ""},
                           Case{"dir:r.example.com/app", "", ""},
                           Case{"ecr:eu-west-1/app:1", "", ""},
                           Case{"ecr:app", "", ""},
                           Case{"{repo}.example.com/app:1", "", ""},
                           Case{"joe:secret@r.example.com/app:1", "", ""}}) {
    INFO(each.text);
    CHECK(davit::registry_of(each.text, Side::source) == each.source);
    CHECK(davit::registry_of(each.text, Side::destination) == each.destination);
  }
}
