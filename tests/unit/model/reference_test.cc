#include <davit/reference.h>

#include "support/catch.h"

using davit::Reference;

TEST_CASE("row 20: a reference with a password in it is refused and not repeated") {
  for (const char* text :
       {"user:MARKED@r.example/app:1", "http://user:MARKED@r.example/app:1",
        "docker://u:MARKED@r.example:5000/a", "u:MARKED@r.example", "docker://u:MARKED@r.example",
        "u:MARKED@localhost:5000", "joe:MARKED/ss@r.example.com/app:1", "joe:pa/MARKED@r.example.com/app:1",
        "https://joe:pa/MARKED@h/x", "https://MARKED@h", "AWS:eyJ/MARKED@host/app",
        "docker://joe:a/b@MARKED@r.example/app", "joe:pa://x/MARKED@h/x", "joe:@MARKED@h/x",
        "joe:MARKED@redis:7", "app:1@md5:MARKED"}) {
    INFO(text);
    const auto parsed = Reference::parse(text);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().to_string().find("MARKED") == std::string::npos);
    CHECK(parsed.error().message.find("credentials") != std::string::npos);
  }
  CHECK_FALSE(Reference::holds_credentials("r.example/app@sha256:" + std::string(64, 'a')));
  for (const char* text : {"app:1@sha256:1234", "app:1@sha512:12", "app@md5:abc", "app@sha256",
                           "host:5000/app@sha256:abc", "docker-archive:x.tar:@2", "docker-archive:a:b.tar:@2",
                           "docker-archive:x.tar:@two", "docker://r.example/app", "oci:/home/joe@work/x"})
    CHECK_FALSE(Reference::holds_credentials(text));
  CHECK(Reference::parse("host:5000/app@sha256:abc").error().message ==
        "reference \"host:5000/app@sha256:abc\": digest \"sha256:abc\": wrong length");
  CHECK(Reference::parse_registry("u:MARKED@r.example").error().message.find("MARKED") == std::string::npos);
}

TEST_CASE("an @ with nothing behind it lacks a digest, whatever is before it, which may be a password") {
  for (const char* text : {"r.example/app@", "app@", "r.example:5000/app@", "docker://localhost:5000/app@",
                           "r.example:5000/app:1@", "joe:MARKED@"}) {
    INFO(text);
    const auto parsed = Reference::parse(text);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().message.find("digest") != std::string::npos);
    CHECK(parsed.error().message.find("is missing") != std::string::npos);
    CHECK(parsed.error().to_string().find("MARKED") == std::string::npos);
  }
  CHECK(Reference::parse("joe:MARKED@r.example/app@").error().message.find("credentials") !=
        std::string::npos);
}

TEST_CASE("row 11: good references, and what they mean") {
  struct Row {
    std::string text, host, repository, tag;
  };
  const std::string digest = "sha256:" + std::string(64, 'a');
  const Row rows[] = {
      {"alpine", "docker.io", "library/alpine", ""},
      {"alpine:3.20", "docker.io", "library/alpine", "3.20"},
      {"user/app:v1", "docker.io", "user/app", "v1"},
      {"docker.io/user/app", "docker.io", "user/app", ""},
      {"index.docker.io/library/alpine", "docker.io", "library/alpine", ""},
      {"docker.io/alpine", "docker.io", "library/alpine", ""},
      {"docker://ghcr.io/a/b:c", "ghcr.io", "a/b", "c"},
      {"localhost/r", "localhost", "r", ""},
      {"localhost:5000/r:t", "localhost:5000", "r", "t"},
      {"[::1]:5000/r", "[::1]:5000", "r", ""},
      {"127.0.0.1:5000/a/b/c:x", "127.0.0.1:5000", "a/b/c", "x"},
      {"GHCR.io/a/b", "ghcr.io", "a/b", ""},
      {"r.example.com/a", "r.example.com", "a", ""},
      {"r.example.com/a--b", "r.example.com", "a--b", ""},
      {"r.example.com/a__b/c.d/e_f:X-._y", "r.example.com", "a__b/c.d/e_f", "X-._y"},
      {"r.example.com/a:" + std::string(128, 't'), "r.example.com", "a", std::string(128, 't')},
      {"r.example.com/a@" + digest, "r.example.com", "a", ""},
      {"r.example.com/a:t@" + digest, "r.example.com", "a", "t"},
      {"123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:1.4", "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
       "app", "1.4"},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    const auto parsed = Reference::parse(row.text);
    REQUIRE(parsed);
    CHECK(parsed->host == row.host);
    CHECK(parsed->repository == row.repository);
    CHECK(parsed->tag == row.tag);
    CHECK(parsed->digest.has_value() == (row.text.find('@') != std::string::npos));
    CHECK(Reference::parse(parsed->to_string()).value() == *parsed);
  }
}

TEST_CASE("row 11: text that could change a path or a header is refused") {
  const std::string rows[] = {"",
                              ":",
                              "a:",
                              ":t",
                              "@",
                              "a@",
                              "a@sha256:abc",
                              "a@md5:" + std::string(32, 'a'),
                              "../a",
                              "a/../b",
                              "r.example.com/a/../b",
                              "r.example.com//a",
                              "r.example.com/a/",
                              "r.example.com/",
                              "/a",
                              "a b",
                              "a%2e",
                              "r.example.com/a?x=1",
                              "r.example.com/a#f",
                              "r.example.com/a\r\nX: y",
                              "r.example.com/a:t\n",
                              std::string("r.example.com/a\0b", 17),
                              "r.example.com/\xc3\xa9",
                              "r.example.com/A",
                              "r.example.com/a:.t",
                              "r.example.com/a:-t",
                              "r.example.com/a:" + std::string(129, 't'),
                              "r.example.com/-a",
                              "r.example.com/a-",
                              "r.example.com/a..b",
                              "r.example.com/a___b",
                              "r.example.com/a._b",
                              "r.example.com:0/a",
                              "r.example.com:65536/a",
                              "r.example.com:x/a",
                              "r.example.com:/a",
                              "-r.example.com/a",
                              "r..example.com/a",
                              "[::1/a",
                              "[xyz]:5/a",
                              "user@r.example.com/a",
                              "user:pw@r.example.com/a",
                              "https://r.example.com/a",
                              "r.example.com/" + std::string(256, 'a'),
                              "--help",
                              "a:b:c",
                              "r.example.com/a:t@"};
  for (const std::string& text : rows) {
    INFO(text);
    const auto parsed = Reference::parse(text);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == davit::Errc::invalid_argument);
    CHECK(parsed.error().message.find('\n') == std::string::npos);
  }
}

TEST_CASE("a digest is no image of Docker Hub, be it whole or mistyped") {
  const std::string whole = "sha256:" + std::string(64, 'a');
  for (const std::string& text :
       {std::string("sha256:ffff"), "docker://" + whole, "sha512:" + std::string(64, 'a')}) {
    INFO(text);
    const auto parsed = Reference::parse(text);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == davit::Errc::invalid_argument);
  }
  CHECK(Reference::parse("sha256:ffff").error().hint == "sha256: and 64 hexadecimal digits");
  CHECK(Reference::parse("sha512:ffff").error().hint == "sha512: and 128 hexadecimal digits");
  CHECK(Reference::parse(whole).error().hint == "write REPOSITORY@" + whole);
  CHECK(Reference::parse("docker.io/library/sha256:1").value().tag == "1");
}

TEST_CASE("a repository of exactly 255 characters is one") {
  CHECK(Reference::parse("r.example.com/" + std::string(255, 'a')));
}

TEST_CASE("an upper-case repository comes with the lower-case spelling") {
  CHECK(Reference::parse("r.example.com/App").error().hint == "repository names are lower case: app");
}
