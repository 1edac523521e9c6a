// Lists in pages: repositories, and tags without all of them in memory.
#include "registry/name_list.h"

#include "support/catch.h"
#include "unit/registry/scripted.h"

using namespace davit;
using namespace davit::test;

namespace {

const CallContext kContext;

Result<std::vector<std::string>> repositories(Scene& scene) {
  std::vector<std::string> all;
  const auto read = registry::read_catalog(
      *scene.registry,
      [&](const std::vector<std::string>& page) -> Result<bool> {
        all.insert(all.end(), page.begin(), page.end());
        return true;
      },
      kContext);
  if (!read) return read.error();
  return all;
}

}  // namespace

TEST_CASE("the catalog is read page by page, along its links") {
  Scene scene([](const Sent& sent) -> Scripted {
    if (sent.path == "/v2/_catalog?n=1000")
      return {.headers = {{"Link", "</v2/_catalog?last=b&n=1000>; rel=\"next\""}},
              .body = R"({"repositories":["a","b"]})"};
    CHECK(sent.path == "/v2/_catalog?last=b&n=1000");
    return {.body = R"({"repositories":["c"]})"};
  });
  CHECK(repositories(scene).value() == std::vector<std::string>{"a", "b", "c"});
}

TEST_CASE("a registry without a catalog does not support the list") {
  for (const int status : {404, 405}) {
    Scene scene([&](const Sent&) -> Scripted { return {.status = status, .body = errors("UNSUPPORTED")}; });
    const auto listed = repositories(scene);
    REQUIRE_FALSE(listed);
    CHECK(listed.error().code == Errc::unsupported);
  }
}

TEST_CASE("a page that leads to itself or to another host ends the list with an error") {
  for (const char* link :
       {"</v2/_catalog?n=1000>; rel=\"next\"", "<https://other.example/v2/_catalog>; rel=\"next\""}) {
    Scene scene([&](const Sent&) -> Scripted {
      return {.headers = {{"Link", link}}, .body = R"({"repositories":["a"]})"};
    });
    CHECK_FALSE(repositories(scene));
    CHECK(scene.transport.sent.size() == 1);
  }
}

TEST_CASE("who has seen enough tags gets no further page") {
  Scene scene([](const Sent&) -> Scripted {
    return {.headers = {{"Link", "</v2/app/tags/list?last=b>; rel=\"next\""}},
            .body = R"({"tags":["a","b"]})"};
  });
  const auto read = scene.repository->read_tags(
      100, [](const std::vector<std::string>&) -> Result<bool> { return false; }, kContext);
  CHECK(read);
  REQUIRE(scene.transport.sent.size() == 1);
  CHECK(scene.transport.sent[0].path == "/v2/app/tags/list?n=100");
}

TEST_CASE("an error of whoever takes the pages is the result") {
  Scene scene([](const Sent&) -> Scripted { return {.body = R"({"tags":["a"]})"}; });
  const auto read = scene.repository->read_tags(
      100, [](const std::vector<std::string>&) -> Result<bool> { return make_error(Errc::local_io, "full"); },
      kContext);
  REQUIRE_FALSE(read);
  CHECK(read.error().code == Errc::local_io);
}

TEST_CASE("what is no list of names is refused") {
  for (const char* body : {"[]", R"({"tags":"a"})", R"({"tags":[1]})", "{}",
                           R"({"errors":[{"code":"UNAVAILABLE"}]})", "<html></html>", ""}) {
    INFO(body);
    Scene scene([&](const Sent&) -> Scripted { return {.body = body}; });
    CHECK(scene.repository->tags(10, kContext).error().code != Errc::internal);
    CHECK_FALSE(scene.repository->tags(10, kContext));
  }
}
