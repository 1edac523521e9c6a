#include <davit/mirror.h>

#include "support/catch.h"

using namespace davit;

namespace {

PruneRecord record() {
  const std::string manifest = "{\"schemaVersion\": 2}\n";
  return {.repository = "r.example/app",
          .tag = "1.0",
          .digest = Digest::of(manifest),
          .media_type = "application/vnd.oci.image.manifest.v1+json",
          .manifest = manifest};
}

}  // namespace

TEST_CASE("a record comes back as it was", "[mirror]") {
  const std::string line = to_json_line(record());
  CHECK(line.find('\n') == std::string::npos);
  const PruneRecord back = parse_prune_record(line).value();
  CHECK(back.repository == "r.example/app");
  CHECK(back.tag == "1.0");
  CHECK(back.digest == record().digest);
  CHECK(back.media_type == record().media_type);
  CHECK(back.manifest == record().manifest);
}

TEST_CASE("a record that was changed is refused", "[mirror]") {
  PruneRecord other = record();
  other.manifest += " ";
  PruneRecord nameless = record();
  nameless.tag.clear();
  for (const std::string& line : {to_json_line(other), to_json_line(nameless), std::string("{}"),
                                  std::string("[]"), std::string("x"), std::string()}) {
    const auto refused = parse_prune_record(line);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::corrupt);
  }
}
