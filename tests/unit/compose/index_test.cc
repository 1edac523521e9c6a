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

std::vector<Descriptor> entries_of(const std::vector<Candidate>& chosen) {
  std::vector<Descriptor> out;
  for (const Candidate& each : chosen) out.push_back(each.entry);
  return out;
}

/// What an index lists that is flattened.
Candidate listed(const Descriptor& what, std::string text) {
  return {.entry = what, .from = "an index", .text = std::move(text)};
}

Platform platform(const std::string& text) {
  return Platform::parse(text).value();
}

const Descriptor kAmd = entry("amd", "linux/amd64");
const Descriptor kArm = entry("arm", "linux/arm64");
const Descriptor kArm7 = entry("arm7", "linux/arm/v7");

Manifest index_of(const std::vector<Descriptor>& entries) {
  return compose::new_index(model::Format::oci, candidates(entries), {}).value();
}

}  // namespace

TEST_CASE("what several indexes list is listed once, in the order it came") {
  const std::vector<Candidate> all = {listed(kArm, "{}"), listed(kAmd, "{}"), listed(kArm, "{}")};
  const auto chosen = compose::choose_entries(all, {});
  REQUIRE(chosen);
  CHECK((entries_of(*chosen) == std::vector{kArm, kAmd}));
}

TEST_CASE("an image that is named twice is refused, with both names") {
  const auto chosen = compose::choose_entries(candidates({kArm, kAmd, kArm}), {});
  REQUIRE_FALSE(chosen);
  CHECK(chosen.error().code == Errc::invalid_argument);
  CHECK(chosen.error().message.find("source 0 and source 2") != std::string::npos);
}

TEST_CASE("a platform is the same with and without the variant that goes without saying") {
  const auto chosen =
      compose::choose_entries(candidates({entry("a", "linux/arm64"), entry("b", "linux/arm64/v8")}), {});
  REQUIRE_FALSE(chosen);
  CHECK(chosen.error().message.find("two images for linux/arm64") != std::string::npos);
  const Platform wanted[] = {platform("linux/arm64")};
  CHECK(compose::choose_entries(candidates({entry("b", "linux/arm64/v8")}), wanted));
}

TEST_CASE("an entry of another index keeps its text, also when something is said about it") {
  const std::string text = R"({ "mediaType":")" + std::string(model::kOciManifest) + R"(","digest":")" +
                           kAmd.digest.to_string() +
                           R"(","size":3,"urls":["https:\/\/x"],"x":1.50,"annotations":{"k":"\u00e9"}})";
  const auto frame = [](const std::string& entries) {
    return R"({"schemaVersion":2,"mediaType":")" + std::string(model::kOciIndex) + R"(","manifests":[)" +
           entries + "]}";
  };
  Candidate candidate = listed(Manifest::parse(frame(text), {}).value().manifests().front(), text);
  const std::vector<Candidate> as_it_is = {candidate};
  CHECK(compose::new_index(model::Format::oci, as_it_is, {})->bytes() == frame(text));
  REQUIRE(compose::describe(candidate, {{"new", "1"}}, platform("linux/arm64/v8")));
  CHECK(candidate.entry.platform->variant == "v8");
  const std::vector<Candidate> described = {candidate};
  CHECK(compose::new_index(model::Format::oci, described, {})->bytes() ==
        frame(text.substr(0, text.size() - 2) +
              R"(,"new":"1"},"platform":{"architecture":"arm64","os":"linux","variant":"v8"}})"));
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
  CHECK((entries_of(*chosen) == std::vector{kArm, about_arm}));
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
  const auto index = compose::new_index(model::Format::oci, candidates(entries), {{"k", "v"}});
  REQUIRE(index);
  CHECK(index->descriptor().media_type == model::kOciIndex);
  CHECK((index->manifests() == entries));
  CHECK(index->annotations().at("k") == "v");
  CHECK(compose::new_index(model::Format::oci, candidates(entries), {{"k", "v"}})->bytes() == index->bytes());
}

TEST_CASE("Docker's manifest lists take no annotations") {
  const std::vector<Candidate> entries = candidates({kAmd});
  CHECK(compose::new_index(model::Format::docker, entries, {})->descriptor().media_type ==
        model::kDockerList);
  const auto annotated = compose::new_index(model::Format::docker, entries, {{"k", "v"}});
  REQUIRE_FALSE(annotated);
  CHECK(annotated.error().code == Errc::invalid_argument);
}

TEST_CASE("a change leaves the bytes of unknown members and other entries alone") {
  const std::string kept =
      R"({ "x-unknown":[1,2.50, 1e3],"e":"\u00e9\/","big":12345678901234567890123,"mediaType":")" +
      std::string(model::kOciManifest) + R"(","size":3,"digest":")" + kAmd.digest.to_string() +
      R"(","platform":{"os":"linux","architecture":"amd64","x":"y"}})";
  const Manifest before =
      Manifest::parse(R"({"schemaVersion":2,"x-top":1.50,"mediaType":")" + std::string(model::kOciIndex) +
                          R"(","manifests":[)" + kept + "," + model::entry_json(kArm).dump() + "]}",
                      {})
          .value();
  const auto after = compose::changed_index(before, {.removed = {1}, .added = candidates({kArm7})});
  REQUIRE(after);
  CHECK(after->bytes() == before.bytes().substr(0, before.bytes().find(kept)) + kept + "," +
                              model::entry_json(kArm7).dump() + "]}");
  const auto annotated = compose::changed_index(before, {.entry_annotations = {{1, {{"k", "v"}}}}});
  REQUIRE(annotated);
  CHECK(annotated->bytes().find(kept) != std::string::npos);
  CHECK(compose::changed_index(before, {.annotations = {{"none", std::nullopt}}})->bytes() == before.bytes());
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
