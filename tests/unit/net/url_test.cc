#include "net/url.h"

#include "support/catch.h"

using davit::net::Url;

TEST_CASE("a URL is taken apart and put together again byte for byte") {
  const auto url =
      Url::parse("HTTPS://Registry.Example.COM/v2/a/blobs/..%2f/x?X-Sig=a%2Fb&digest=sha256:00#frag");
  REQUIRE(url);
  CHECK(url->scheme() == "https");
  CHECK(url->host() == "registry.example.com");
  CHECK(url->port() == 443);
  CHECK(url->path() == "/v2/a/blobs/..%2f/x");
  CHECK(url->query() == "X-Sig=a%2Fb&digest=sha256:00");
  CHECK(url->text() == "https://registry.example.com/v2/a/blobs/..%2f/x?X-Sig=a%2Fb&digest=sha256:00");
  CHECK(Url::parse("http://h").value().text() == "http://h/");
  CHECK(Url::parse("http://[::1]:5000/x").value().host_port() == "[::1]:5000");
  CHECK(Url::parse("http://[::1]:5000/x").value().host() == "::1");
}

TEST_CASE("row 7: origins compare scheme, host and effective port") {
  const auto same = [](const char* a, const char* b) {
    return Url::parse(a).value().same_origin(Url::parse(b).value());
  };
  CHECK(same("https://h/a", "https://h:443/b"));
  CHECK(same("https://H.example/", "https://h.EXAMPLE/"));
  CHECK(same("http://h/", "http://h:80/"));
  CHECK_FALSE(same("https://h/", "http://h/"));
  CHECK_FALSE(same("https://h/", "https://h:444/"));
  CHECK_FALSE(same("https://h/", "https://h.evil/"));
  CHECK_FALSE(same("http://127.0.0.1:1/", "http://localhost:1/"));
}

TEST_CASE("row 4: only http and https, no user info, nothing but printable ASCII") {
  for (const char* text : {"ftp://h/",
                           "file:///etc/passwd",
                           "gopher://h/",
                           "DICT://h/",
                           "javascript:1",
                           "h/path",
                           "//h/p",
                           "",
                           "http://",
                           "https:///p",
                           "http://user@h/",
                           "http://user:pw@h/",
                           "http://h/a b",
                           "http://h/\r\nX: y",
                           "http://h:0/",
                           "http://h:99999/",
                           "http://h:x/",
                           "http://h/\xc3\xa9",
                           "http://[::1/",
                           "http:// h/",
                           "http://[fe80::1%25eth0]/"}) {
    INFO(text);
    const auto url = Url::parse(text);
    REQUIRE_FALSE(url);
    CHECK(url.error().code == davit::Errc::invalid_argument);
    CHECK(url.error().message.find("pw") == std::string::npos);
  }
  CHECK_FALSE(Url::parse("http://h/" + std::string(20'000, 'a')));
  CHECK(Url::parse("http://h/" + std::string(8'000, 'a')));
}

TEST_CASE("a host that would be decoded twice is refused") {
  for (const std::string text : {"https://a%25b/", "https://a%2525b/", "https://a%%b/", "https://a%7fb/"}) {
    INFO(text);
    CHECK_FALSE(Url::parse(text));
  }
  CHECK(Url::parse("https://%61bc/").value().host() == "abc");
}

TEST_CASE("row 62: every form of reference is resolved as RFC 3986 says") {
  const Url base = Url::parse("https://h:5000/v2/app/blobs/uploads/?a=1").value();
  struct Row {
    const char* reference;
    const char* meaning;
  };
  for (const Row& row :
       {Row{"/v2/x?y=z", "https://h:5000/v2/x?y=z"}, Row{"uuid", "https://h:5000/v2/app/blobs/uploads/uuid"},
        Row{"?_state=y", "https://h:5000/v2/app/blobs/uploads/?_state=y"},
        Row{"../x", "https://h:5000/v2/app/blobs/x"}, Row{"../../../../../x", "https://h:5000/x"},
        Row{"./x", "https://h:5000/v2/app/blobs/uploads/x"}, Row{"//other/p", "https://other/p"},
        Row{"http://other:1/p?q", "http://other:1/p?q"}, Row{"", "https://h:5000/v2/app/blobs/uploads/?a=1"},
        Row{"#f", "https://h:5000/v2/app/blobs/uploads/?a=1"},
        Row{"x/..", "https://h:5000/v2/app/blobs/uploads/"}, Row{"a:b/c", nullptr},
        Row{"./a:b", "https://h:5000/v2/app/blobs/uploads/a:b"}}) {
    INFO(row.reference);
    const auto resolved = base.resolve(row.reference);
    if (row.meaning == nullptr) {
      CHECK_FALSE(resolved);
    } else {
      REQUIRE(resolved);
      CHECK(resolved->text() == row.meaning);
    }
  }
}

TEST_CASE("row 20: a redacted URL keeps nothing that could be a secret") {
  const Url url =
      Url::parse("https://h/p?X-Amz-Signature=SECRET&digest=sha256:ab&token=SECRET&n=5&SECRETFLAG").value();
  CHECK(url.redacted().find("=SECRET") == std::string::npos);
  CHECK(url.redacted().find("digest=sha256:ab") != std::string::npos);
  CHECK(url.redacted().find("n=5") != std::string::npos);
  CHECK(url.redacted().starts_with("https://h/p?"));
  CHECK(Url::parse("https://h/p").value().redacted() == "https://h/p");
}

TEST_CASE("query values are added and percent-encoded") {
  const Url url = Url::parse("https://h/p").value();
  CHECK(url.with_query("a", "1").with_query("b", davit::net::percent_encode("x/y z")).text() ==
        "https://h/p?a=1&b=x%2Fy%20z");
  CHECK(url.with_query("a", "1").with_path("/q").text() == "https://h/q");
}
