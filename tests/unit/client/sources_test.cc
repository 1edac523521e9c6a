// What is said about an image that could not be read.
#include "client/sources.h"

#include "support/catch.h"

using namespace davit;
using client::with_reading;

namespace {

std::string hint(Errc code, const char* own, std::string_view written) {
  return with_reading(Error{.code = code, .message = "no", .hint = own}, written,
                      Reference::parse(written).value())
      .hint;
}

}  // namespace

TEST_CASE(
    "a bare name that is no image on Docker Hub is said to be no file either, beside the error's own hint") {
  const std::string no_file =
      "there is no file of that name here, so team/app:1 was taken for an image on Docker Hub";
  CHECK(hint(Errc::not_found, "", "team/app:1") == no_file);
  CHECK(hint(Errc::denied, "davit login", "team/app:1") == no_file + "; davit login");
  CHECK(hint(Errc::unauthenticated, "davit login", "team/app:1") == no_file + "; davit login");
}

TEST_CASE("an error that has nothing to do with the name keeps its hint alone") {
  for (const Errc code : {Errc::unavailable, Errc::rate_limited, Errc::timeout, Errc::protocol})
    CHECK(hint(code, "wait", "team/app") == "wait");
  CHECK(hint(Errc::denied, "davit login", "r.example.com/app") == "davit login");
  CHECK(hint(Errc::not_found, "", "docker://app:1").empty());
}

TEST_CASE("latest is named where it was looked for without having been written") {
  CHECK(hint(Errc::not_found, "", "r.example.com/app") == "no tag was written, so latest was looked for");
  CHECK(hint(Errc::not_found, "look", "r.example.com/app") ==
        "look; no tag was written, so latest was looked for");
  CHECK(hint(Errc::not_found, "", "r.example.com/app:latest").empty());
}
