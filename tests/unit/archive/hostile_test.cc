#include "archive/archive.h"
#include "support/catch.h"
#include "support/image_summary.h"

using namespace davit;

namespace {

/// What comes out of the only image of a fixture, or the error.
Result<std::string> read(const std::string& name) {
  auto archive = archive::Archive::open(std::string(DAVIT_FIXTURES) + "/" + name, {}, {});
  if (!archive) return archive.error();
  auto image = (*archive)->image(0, {});
  if (!image) return image.error();
  return test::summarize(**archive, *image);
}

void check_accepted(std::initializer_list<const char*> names) {
  for (const char* name : names) {
    CAPTURE(name);
    const auto summary = read(name);
    REQUIRE(summary);
    CHECK(*summary == "raw linux/amd64 none");
  }
}

void check_refused(const char* name, const std::string& reason, Errc code = Errc::corrupt) {
  CAPTURE(name);
  const auto summary = read(name);
  REQUIRE_FALSE(summary);
  CAPTURE(summary.error().message);
  CHECK(summary.error().code == code);
  CHECK(summary.error().message.find(reason) != std::string::npos);
}

}  // namespace

TEST_CASE("row 30: names outside the archive, links out of it and special files are not content") {
  check_refused("up.tar", "is not a name inside the archive");
  check_refused("inside_up.tar", "is not a name inside the archive");
  check_refused("absolute.tar", "is not a name inside the archive");
  check_refused("device.tar", "is not a regular file");
  check_refused("fifo.tar", "is not a regular file");
  check_refused("folder_as_layer.tar", "is not a regular file");
  check_refused("link_outside.tar", "is a link to something outside the archive: \"/etc/passwd\"");
  check_refused("link_up.tar", "is a link to something outside the archive");
  check_refused("link_dangling.tar", "which is missing");
  check_accepted({"link_inside.tar", "link_hard.tar"});
}

TEST_CASE("row 31: links that go round in circles, or further than 16 times") {
  check_refused("link_self.tar", "goes round in circles");
  check_refused("link_cycle.tar", "goes round in circles");
  check_refused("link_chain_17.tar", "goes round in circles");
  check_accepted({"link_chain_16.tar"});
}

TEST_CASE("row 32: the PAX size counts, whatever the ustar field says") {
  check_accepted({"pax_size_0.tar", "pax_size_512.tar", "pax_size_4096.tar", "pax_smuggle.tar",
                  "pax_global_comment.tar"});
  check_refused("pax_negative_size.tar", "malformed number");
  check_refused("pax_global_path.tar", "global PAX header");
}

TEST_CASE("row 32: what tar programs read differently is refused") {
  check_refused("twice_different.tar", "is there twice, with different content");
  check_refused("directory_with_size.tar", "has content although its type has none");
  check_accepted({"twice_same.tar", "hardlink_with_size.tar"});
}

TEST_CASE("row 33: extension headers are limited, sparse files are not content") {
  check_refused("pax_2gib.tar", "more than 1 MiB");
  check_refused("long_name_10mib.tar", "more than 1 MiB");
  check_refused("sparse_pax.tar", "is a sparse file", Errc::unsupported);
  check_refused("sparse_old.tar", "is a sparse file", Errc::unsupported);
  check_accepted({"sparse_unused.tar"});
}

TEST_CASE("malformed headers") {
  check_refused("pax_malformed.tar", "malformed PAX header");
  check_refused("pax_last.tar", "ends behind an extension header");
  check_refused("negative_size.tar", "malformed size");
  check_refused("bad_octal.tar", "malformed size");
  check_refused("bad_checksum.tar", "wrong checksum");
}

TEST_CASE("row 34: JSON attacks in manifest.json") {
  check_refused("json_not_json.tar", "malformed JSON");
  check_refused("json_object.tar", "not a list of images");
  check_refused("json_number.tar", "Config is not a string");
  check_refused("json_no_config.tar", "without a Config");
  check_refused("json_deep.tar", "nested deeper");
  check_refused("json_not_utf8.tar", "not UTF-8");
  check_refused("json_nul.tar", "NUL");
  check_refused("json_duplicate.tar", "twice in one object");
  check_refused("json_huge_number.tar", "malformed JSON");
  check_refused("json_case.tar", "where \"Config\" is meant");
}
