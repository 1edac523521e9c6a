#include "compose/index.h"

#include <nlohmann/json.hpp>

#include <davit/manifest.h>

#include "model/write_manifest.h"
#include "support/catch.h"

using namespace davit;
using compose::Candidate;

namespace {

Descriptor entry(const std::string& what, const std::string& platform) {
  Descriptor out;
  out.media_type = std::string(model::kOciManifest);
  out.digest = Digest::of(what);
  out.size = what.size();
  if (!platform.empty()) out.platform = Platform::parse(platform).value();
  return out;
}

Descriptor attestation_of(const Descriptor& image) {
  Descriptor out = entry("about " + image.digest.to_string(), "");
  out.platform = Platform{.os = "unknown", .architecture = "unknown"};
  out.annotations = {{"vnd.docker.reference.digest", image.digest.to_string()},
                     {"vnd.docker.reference.type", "attestation-manifest"}};
  return out;
}

std::vector<Candidate> candidates(const std::vector<Descriptor>& entries) {
  std::vector<Candidate> out;
  for (const Descriptor& each : entries) out.push_back({each, "source " + std::to_string(out.size())});
  return out;
}

Platform platform(const std::string& text) {
  return Platform::parse(text).value();
}

const Descriptor kAmd = entry("amd", "linux/amd64");
const Descriptor kArm = entry("arm", "linux/arm64");
const Descriptor kArm7 = entry("arm7", "linux/arm/v7");

Manifest index_of(const std::vector<Descriptor>& entries) {
  return compose::new_index(model::Format::oci, entries, {}).value();
}

}  // namespace

TEST_CASE("what comes twice is listed once, in the order it came") {
  const auto chosen = compose::choose_entries(candidates({kArm, kAmd, kArm}), {});
  REQUIRE(chosen);
  CHECK((*chosen == std::vector{kArm, kAmd}));
}

TEST_CASE("two images for one platform are refused, with both named") {
  const auto chosen = compose::choose_entries(candidates({kAmd, entry("other", "linux/amd64")}), {});
  REQUIRE_FALSE(chosen);
  CHECK(chosen.error().code == Errc::invalid_argument);
  CHECK(chosen.error().message.find("source 0") != std::string::npos);
  CHECK(chosen.error().message.find("source 1") != std::string::npos);
  CHECK(chosen.error().message.find("linux/amd64") != std::string::npos);
}

TEST_CASE("versions of windows are platforms of their own") {
  const auto chosen = compose::choose_entries(
      candidates({entry("a", "windows/amd64:10.0.17763.1"), entry("b", "windows/amd64:10.0.20348.1")}), {});
  REQUIRE(chosen);
  CHECK(chosen->size() == 2);
}

TEST_CASE("an image that says no platform is refused, with the cure") {
  const auto chosen = compose::choose_entries(candidates({entry("what", "")}), {});
  REQUIRE_FALSE(chosen);
  CHECK(chosen.error().code == Errc::invalid_argument);
  CHECK(chosen.error().hint.find("platform=") != std::string::npos);
}

TEST_CASE("chosen platforms bring their attestations and no others") {
  const Descriptor about_amd = attestation_of(kAmd);
  const Descriptor about_arm = attestation_of(kArm);
  const Platform wanted[] = {platform("linux/arm64")};
  const auto chosen = compose::choose_entries(candidates({kAmd, kArm, about_amd, about_arm}), wanted);
  REQUIRE(chosen);
  CHECK((*chosen == std::vector{kArm, about_arm}));
}

TEST_CASE("a platform that nobody brings is not found") {
  const Platform wanted[] = {platform("linux/amd64"), platform("linux/s390x")};
  const auto chosen = compose::choose_entries(candidates({kAmd}), wanted);
  REQUIRE_FALSE(chosen);
  CHECK(chosen.error().code == Errc::not_found);
  CHECK(chosen.error().message.find("linux/s390x") != std::string::npos);
}

TEST_CASE("an index says what it was given, and always in the same bytes") {
  Descriptor annotated = kArm7;
  annotated.annotations = {{"a", "b"}};
  const std::vector<Descriptor> entries = {kAmd, annotated};
  const auto index = compose::new_index(model::Format::oci, entries, {{"k", "v"}});
  REQUIRE(index);
  CHECK(index->descriptor().media_type == model::kOciIndex);
  CHECK((index->manifests() == entries));
  CHECK(index->annotations().at("k") == "v");
  CHECK(compose::new_index(model::Format::oci, entries, {{"k", "v"}})->bytes() == index->bytes());
}

TEST_CASE("Docker's manifest lists take no annotations") {
  const std::vector<Descriptor> entries = {kAmd};
  CHECK(compose::new_index(model::Format::docker, entries, {})->descriptor().media_type ==
        model::kDockerList);
  const auto annotated = compose::new_index(model::Format::docker, entries, {{"k", "v"}});
  REQUIRE_FALSE(annotated);
  CHECK(annotated.error().code == Errc::invalid_argument);
}

TEST_CASE("a change leaves unknown members and other entries as they were") {
  const std::string kept = R"({"x-unknown":[1,2.50],"mediaType":")" + std::string(model::kOciManifest) +
                           R"(","size":3,"digest":")" + kAmd.digest.to_string() +
                           R"(","platform":{"os":"linux","architecture":"amd64","x":"y"}})";
  const Manifest before =
      Manifest::parse(R"({"schemaVersion":2,"x-top":true,"mediaType":")" + std::string(model::kOciIndex) +
                          R"(","manifests":[)" + kept + "," + model::entry_json(kArm).dump() + "]}",
                      {})
          .value();
  const auto after = compose::changed_index(before, {.removed = {1}, .added = {kArm7}});
  REQUIRE(after);
  CHECK(after->bytes().find(R"("x-top":true)") != std::string::npos);
  CHECK(after->bytes().find(R"("x-unknown":[1,2.5])") != std::string::npos);
  CHECK(after->bytes().find(R"("x":"y")") != std::string::npos);
  REQUIRE(after->manifests().size() == 2);
  CHECK(after->manifests()[0].digest == kAmd.digest);
  CHECK((after->manifests()[1] == kArm7));
}

TEST_CASE("annotations and platforms of entries are set and taken away") {
  Descriptor annotated = kAmd;
  annotated.annotations = {{"old", "1"}};
  const Manifest before = index_of({annotated, kArm});
  const auto after = compose::changed_index(
      before, {.annotations = {{"top", "t"}},
               .entry_annotations = {{0, {{"old", std::nullopt}}}, {1, {{"new", "2"}}}},
               .entry_platforms = {{1, platform("linux/arm64/v9")}}});
  REQUIRE(after);
  CHECK(after->annotations().at("top") == "t");
  CHECK(after->manifests()[0].annotations.empty());
  CHECK(after->manifests()[1].annotations.at("new") == "2");
  CHECK(after->manifests()[1].platform->variant == "v9");
  CHECK(after->bytes().find(R"("annotations":{})") == std::string::npos);
}

TEST_CASE("entries are found by platform and by digest, with their attestations") {
  const Manifest index = index_of({kAmd, kArm, attestation_of(kArm)});
  CHECK((compose::find_entries(index, "linux/arm64").value() == std::set<std::size_t>{1, 2}));
  CHECK((compose::find_entries(index, kAmd.digest.to_string()).value() == std::set<std::size_t>{0}));
  const auto none = compose::find_entries(index, "linux/s390x");
  REQUIRE_FALSE(none);
  CHECK(none.error().code == Errc::not_found);
  CHECK(none.error().hint.find("linux/arm64") != std::string::npos);
  // Attestations are for "unknown/unknown" only in form.
  CHECK_FALSE(compose::find_entries(index, "unknown/unknown"));
}
