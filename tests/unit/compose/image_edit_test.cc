#include "compose/image_edit.h"

#include <nlohmann/json.hpp>

#include "support/catch.h"

using namespace davit;
using nlohmann::json;

namespace {

Digest diff_id(const std::string& word) {
  return Digest::of("plain " + word);
}

json descriptor(const std::string& type, const std::string& bytes) {
  return {{"mediaType", type}, {"digest", Digest::of(bytes).to_string()}, {"size", bytes.size()}};
}

json history_of(const std::string& word) {
  return {{"created_by", word}};
}

/// An OCI image of gzip layers, one for each word, with one entry of history each and `extra` over the
/// configuration.
compose::ImageDocuments image(const std::vector<std::string>& words, const json& extra = json::object()) {
  json config{{"architecture", "amd64"}, {"os", "linux"}, {"x-own", {{"b", 1}, {"a", nullptr}}}};
  config["rootfs"] = {{"type", "layers"}, {"diff_ids", json::array()}};
  config["history"] = json::array();
  json layers = json::array();
  for (const std::string& word : words) {
    config["rootfs"]["diff_ids"].push_back(diff_id(word).to_string());
    config["history"].push_back(history_of(word));
    layers.push_back(descriptor("application/vnd.oci.image.layer.v1.tar+gzip", word));
  }
  config.update(extra);
  const std::string bytes = config.dump();
  const json manifest{{"schemaVersion", 2},
                      {"config", descriptor("application/vnd.oci.image.config.v1+json", bytes)},
                      {"layers", layers},
                      {"x-manifest", "kept"}};
  return {.manifest = Manifest::parse(manifest.dump(1), "application/vnd.oci.image.manifest.v1+json").value(),
          .config = bytes};
}

Layer layer(const std::string& word, const std::string& ending = "+gzip") {
  Layer out;
  out.blob = {.media_type = "application/vnd.oci.image.layer.v1.tar" + ending,
              .digest = Digest::of(word),
              .size = word.size()};
  out.diff_id = diff_id(word);
  out.created_by = "put " + word;
  return out;
}

/// What the image specification demands of every image.
void check_sound(const compose::ImageDocuments& documents) {
  const json config = json::parse(documents.config);
  std::size_t made = 0;
  for (const json& entry : config["history"]) made += entry.value("empty_layer", false) ? 0 : 1;
  CHECK(config["rootfs"]["diff_ids"].size() == documents.manifest.layers().size());
  CHECK(made == documents.manifest.layers().size());
  CHECK(documents.manifest.config()->digest == Digest::of(documents.config));
  CHECK(documents.manifest.config()->size == documents.config.size());
}

std::vector<std::string> created_by(const compose::ImageDocuments& documents) {
  std::vector<std::string> out;
  const json config = json::parse(documents.config);
  for (const json& entry : config["history"]) out.push_back(entry.value("created_by", "?"));
  return out;
}

}  // namespace

TEST_CASE("an edit that changes nothing gives back the bytes that came") {
  const auto before = image({"a", "b"});
  const auto after = compose::change(before, {.labels = {{"absent", std::nullopt}}}, std::nullopt);
  REQUIRE(after);
  CHECK(after->manifest.bytes() == before.manifest.bytes());
  const json config = json::parse(after->config);
  CHECK(config == json::parse(before.config));
}

TEST_CASE("members that nobody names survive an edit in their place") {
  const auto before = image({"a"}, {{"config", {{"Env", {"A=1"}}, {"OnBuild", {"x"}}}}});
  const auto after = compose::change(before, {.environment = {{"B", "2"}}}, std::nullopt);
  REQUIRE(after);
  json wanted = json::parse(before.config);
  wanted["config"]["Env"].push_back("B=2");
  CHECK(json::parse(after->config) == wanted);
  CHECK(json::parse(after->manifest.bytes())["x-manifest"] == "kept");
  check_sound(*after);
}

TEST_CASE("a variable is set where it stood, once, and removed without a value") {
  const auto before = image({"a"}, {{"config", {{"Env", {"A=1", "AB=3", "A=2", "C"}}}}});
  const auto set = compose::change(before, {.environment = {{"A", "x=y"}, {"C", ""}}}, std::nullopt);
  REQUIRE(set);
  CHECK(json::parse(set->config)["config"]["Env"] == json{"A=x=y", "AB=3", "C="});
  const auto removed = compose::change(before, {.environment = {{"A", std::nullopt}}}, std::nullopt);
  REQUIRE(removed);
  CHECK(json::parse(removed->config)["config"]["Env"] == json{"AB=3", "C"});
}

TEST_CASE("a new entrypoint takes the command with it unless there is a new one") {
  const auto before = image({"a"}, {{"config", {{"Entrypoint", {"old"}}, {"Cmd", {"args"}}}}});
  const auto alone = compose::change(before, {.entrypoint = {{"new"}}}, std::nullopt);
  REQUIRE(alone);
  CHECK(json::parse(alone->config)["config"] == json{{"Entrypoint", {"new"}}});
  const auto both = compose::change(before, {.entrypoint = {{"new"}}, .command = {{"more"}}}, std::nullopt);
  REQUIRE(both);
  CHECK(json::parse(both->config)["config"] == json{{"Entrypoint", {"new"}}, {"Cmd", {"more"}}});
}

TEST_CASE("ports that are none are refused") {
  const std::string port =
      GENERATE(as<std::string>(), "", "0", "65536", "80/http", "x", "8080/", "80-90", "+1", "1/tcp/2");
  CAPTURE(port);
  const auto after = compose::change(image({"a"}), {.exposed_ports = {{port}}}, std::nullopt);
  REQUIRE_FALSE(after);
  CHECK(after.error().code == Errc::invalid_argument);
}

TEST_CASE("layers are put on top with their history, at the image's own time or the one that is given") {
  const auto before = image({"a"}, {{"created", "2020-01-01T00:00:00Z"}});
  const Layer more[] = {layer("b"), layer("c")};
  const auto after = compose::put_on_top(before, more, std::nullopt);
  REQUIRE(after);
  check_sound(*after);
  CHECK(created_by(*after) == std::vector<std::string>{"a", "put b", "put c"});
  CHECK(json::parse(after->config)["history"][2]["created"] == "2020-01-01T00:00:00Z");
  CHECK(after->manifest.layers()[0] == before.manifest.layers()[0]);
  CHECK(after->manifest.layers()[2].digest == Digest::of("c"));
  const auto dated = compose::put_on_top(before, more, Timestamp(std::chrono::seconds(1'700'000'000)));
  REQUIRE(dated);
  CHECK(json::parse(dated->config)["created"] == "2023-11-14T22:13:20Z");
  CHECK(json::parse(dated->config)["history"][1]["created"] == "2023-11-14T22:13:20Z");
  CHECK(json::parse(dated->config)["history"][0] == history_of("a"));
}

TEST_CASE("an image whose history says too little or too much is sound after layers were added") {
  const json history =
      GENERATE(json(), json::array(), json::array({history_of("b")}),
               json::array({history_of("1"), history_of("2"), history_of("3")}),
               json::array({{{"created_by", "ENV"}, {"empty_layer", true}}, history_of("b")}));
  CAPTURE(history.dump());
  const Layer more[] = {layer("c")};
  const auto after = compose::put_on_top(image({"a", "b"}, {{"history", history}}), more, std::nullopt);
  REQUIRE(after);
  check_sound(*after);
  CHECK(created_by(*after).back() == "put c");
}

TEST_CASE("an image without rootfs and layers can be added to") {
  auto before = image({});
  json config = json::parse(before.config);
  config.erase("rootfs");
  before = image({}, config);
  const Layer more[] = {layer("c")};
  const auto after = compose::put_on_top(before, more, std::nullopt);
  REQUIRE(after);
  check_sound(*after);
}

TEST_CASE("a configuration with another number of layers is corrupt") {
  const auto before = image({"a", "b"}, {{"rootfs", {{"type", "layers"}, {"diff_ids", json::array()}}}});
  const Layer more[] = {layer("c")};
  const auto after = compose::put_on_top(before, more, std::nullopt);
  REQUIRE_FALSE(after);
  CHECK(after.error().code == Errc::corrupt);
}

TEST_CASE("documents of the wrong shape are corrupt") {
  const json extra =
      GENERATE(json{{"config", 1}}, json{{"config", {{"Env", "A=1"}}}},
               json{{"config", {{"Labels", {{"a", 1}}}}}}, json{{"config", {{"env", json::array()}}}},
               json{{"history", 1}}, json{{"history", {1}}}, json{{"History", json::array()}});
  CAPTURE(extra.dump());
  const auto after = compose::change(image({"a"}, extra), {.user = "me"}, std::nullopt);
  REQUIRE_FALSE(after);
  CHECK(after.error().code == Errc::corrupt);
}

TEST_CASE("a new base replaces the layers and the history of the old one") {
  const json env{{"created_by", "ENV"}, {"empty_layer", true}};
  const auto old_base = image({"o"}, {{"history", {history_of("o"), env}}});
  const auto app = image(
      {"o", "app"}, {{"history", {history_of("o"), env, history_of("app")}}, {"config", {{"Cmd", {"app"}}}}});
  const auto new_base = image({"n1", "n2"}, {{"config", {{"Cmd", {"base"}}}}});
  const auto after = compose::move_to_base(app, old_base, new_base,
                                           {.name = "host/base:2", .digest = Digest::of("x")}, std::nullopt);
  REQUIRE(after);
  check_sound(*after);
  CHECK(created_by(*after) == std::vector<std::string>{"n1", "n2", "app"});
  CHECK(json::parse(after->config)["config"] == json{{"Cmd", {"app"}}});
  CHECK(after->manifest.layers()[1].digest == Digest::of("n2"));
  CHECK(after->manifest.layers()[2].digest == Digest::of("app"));
  CHECK(after->manifest.annotations() ==
        std::map<std::string, std::string>{
            {"org.opencontainers.image.base.name", "host/base:2"},
            {"org.opencontainers.image.base.digest", Digest::of("x").to_string()}});
}

TEST_CASE("history is parted by layers where it does not begin with the old base's") {
  const auto old_base = image({"o"}, {{"history", {history_of("said otherwise")}}});
  const auto after = compose::move_to_base(image({"o", "app"}), old_base, image({"n"}), {}, std::nullopt);
  REQUIRE(after);
  check_sound(*after);
  CHECK(created_by(*after) == std::vector<std::string>{"n", "app"});
  CHECK(after->manifest.annotations().empty());
}

TEST_CASE("an image that does not stand on the old base is left alone") {
  const auto wrong = GENERATE(0, 1, 2);
  const auto base = wrong == 0 ? image({"x"}) : wrong == 1 ? image({"o", "app", "more"}) : image({"app"});
  const auto after = compose::move_to_base(image({"o", "app"}), base, image({"n"}), {}, std::nullopt);
  REQUIRE_FALSE(after);
  CHECK(after.error().code == Errc::conflict);
}

TEST_CASE("a new base for another platform is refused") {
  const auto other = image({"n"}, {{"architecture", "arm64"}});
  const auto after = compose::move_to_base(image({"o", "app"}), image({"o"}), other, {}, std::nullopt);
  REQUIRE_FALSE(after);
  CHECK(after.error().code == Errc::conflict);
}

TEST_CASE("one layer for the whole image") {
  const auto after = compose::replace_by(image({"a", "b"}), layer("all", "+zstd"), std::nullopt);
  REQUIRE(after);
  check_sound(*after);
  CHECK(created_by(*after) == std::vector<std::string>{"put all"});
  CHECK(after->manifest.layers()[0].media_type == "application/vnd.oci.image.layer.v1.tar+zstd");
  CHECK(json::parse(after->config)["x-own"] == json::parse(image({}).config)["x-own"]);
}

TEST_CASE("times are read as people and SOURCE_DATE_EPOCH write them") {
  const auto seconds = [](std::int64_t count) { return Timestamp(std::chrono::seconds(count)); };
  CHECK(parse_created("2023-11-14T22:13:20Z").value() == seconds(1'700'000'000));
  CHECK(parse_created("2023-11-15t00:13:20.999+02:00").value() == seconds(1'700'000'000));
  CHECK(parse_created("2023-11-14").value() == seconds(1'699'920'000));
  CHECK(parse_created("1700000000").value() == seconds(1'700'000'000));
  for (const char* text : {"", "now", "2023-13-01", "2023-02-30", "2023-11-14T22:13:20",
                           "2023-11-14T25:13:20Z", "2023-11-14T22:13:20.Z", "2023-11-14T22:13:20Z ", "-1"}) {
    CAPTURE(text);
    const auto parsed = parse_created(text);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == Errc::invalid_argument);
  }
  CHECK(parse_source_date_epoch("").value() == std::nullopt);
  CHECK(parse_source_date_epoch("0").value() == seconds(0));
  CHECK_FALSE(parse_source_date_epoch("1700000000.5"));
  CHECK_FALSE(parse_source_date_epoch("2023-11-14"));
}

TEST_CASE("settings have a name, and a value or none") {
  CHECK(Setting::parse("A=b=c").value().value == "b=c");
  CHECK(Setting::parse("A=").value().value == "");
  CHECK(Setting::parse("A").value().value == std::nullopt);
  CHECK_FALSE(Setting::parse("=b"));
  CHECK_FALSE(Setting::parse(""));
}
