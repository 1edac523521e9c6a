// Mirrors through the front door, between registries in this process.

#include <davit/davit.h>

#include <algorithm>
#include <map>
#include <set>

#include "emulator/registry.h"
#include "push_fixture.h"
#include "support/catch.h"

using namespace davit;
using davit::test::quick;
using emulator::Access;
using Registry = emulator::Registry;
using What = MirrorEntry::What;

namespace {

/// An image of a shared layer and one of its own, under a tag; its digest.
Digest put_tag(Registry& registry, const std::string& repository, const std::string& tag,
               const std::string& own) {
  test::Pusher pusher(registry.authority());
  const auto sink = pusher.repository(repository);
  const std::string layers[] = {test::sample(40'000), own};
  const std::string config =
      R"({"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[")" +
      Digest::of(layers[0]).to_string() + R"(",")" + Digest::of(own).to_string() + R"("]}})";
  for (const std::string& bytes : {config, layers[0], layers[1]}) {
    const auto content = test::blob_of(bytes);
    REQUIRE(sink->put_blob(content, {}));
  }
  const Manifest image = test::image_of(config, {layers[0], layers[1]});
  const std::string names[] = {tag};
  REQUIRE(sink->put_manifest(image, names, {}));
  return image.descriptor().digest;
}

/// A registry with some repositories, and what each of their tags is.
struct Origin {
  Origin() {
    for (const std::string repository : {"team/a", "team/b", "team/c"}) {
      for (const std::string tag : {"1.0.0", "1.1.0", "2.0.0", "edge"})
        images[repository + ":" + tag] = put_tag(registry, repository, tag, repository + tag);
    }
    registry.clear_log();
  }
  [[nodiscard]] std::string all() const { return registry.authority() + "/team/*"; }

  Registry registry;
  std::map<std::string, Digest> images;
};

struct Told {
  std::vector<MirrorEntry> entries;
  MirrorTotals totals;

  [[nodiscard]] std::size_t count(What what) const {
    return static_cast<std::size_t>(std::ranges::count(entries, what, &MirrorEntry::what));
  }
};

Told mirror(Client& client, const MirrorJob& job, MirrorOptions options = {}) {
  Told out;
  options.each = [&](const MirrorEntry& entry) { out.entries.push_back(entry); };
  const auto totals = client.mirror({&job, 1}, options);
  INFO((totals ? "" : totals.error().to_string()));
  REQUIRE(totals);
  out.totals = *totals;
  return out;
}

std::vector<std::string> blobs_asked(Registry& registry, const std::string& method) {
  std::vector<std::string> out;
  for (const Access& line : registry.log(method)) {
    const auto at = line.target.find("/blobs/sha256:");
    if (at != std::string::npos) out.push_back(line.target.substr(at));
  }
  return out;
}

}  // namespace

TEST_CASE("every image reaches every target, and each blob is read once", "[mirror]") {
  Origin origin;
  Registry first, second;
  Client client(quick());
  const MirrorJob job{.sources = {origin.all()},
                      .targets = {first.authority() + "/copy/{repo}", second.authority() + "/{name}"}};
  const Told told = mirror(client, job);
  CHECK(told.count(What::copied) == 2 * origin.images.size());
  CHECK(told.totals.failed == 0);
  CHECK(told.totals.repositories == 3);
  for (const auto& [name, digest] : origin.images) {
    const auto colon = name.find(':');
    const std::string repository = name.substr(0, colon), tag = name.substr(colon + 1);
    CHECK(first.storage().tag("copy/" + repository, tag) == digest);
    CHECK(second.storage().tag(repository.substr(repository.find('/') + 1), tag) == digest);
  }
  const auto read = blobs_asked(origin.registry, "GET");
  CHECK(std::set(read.begin(), read.end()).size() == read.size());
  CHECK(told.totals.blobs_mounted == 4);  // the shared layer, into two further repositories of each
  origin.registry.clear_log();
  const Told again = mirror(client, job);
  CHECK(again.count(What::unchanged) == 2 * origin.images.size());
  CHECK(blobs_asked(origin.registry, "GET").empty());
  CHECK(again.totals.bytes_read == 0);
}

TEST_CASE("a choice of tags, and a tag that moves", "[mirror]") {
  Origin origin;
  Registry target;
  Client client(quick());
  MirrorJob job{.sources = {origin.registry.authority() + "/team/a"}, .targets = {target.authority() + "/a"}};
  job.tags.choice = TagChoice{.semver = ">=1.1"};
  CHECK(mirror(client, job).count(What::copied) == 2);
  CHECK_FALSE(target.storage().tag("a", "edge"));
  const Digest moved = put_tag(origin.registry, "team/a", "2.0.0", "another");
  SECTION("is moved") {
    const Told told = mirror(client, job);
    CHECK(told.count(What::copied) == 1);
    CHECK(told.count(What::unchanged) == 1);
    CHECK(target.storage().tag("a", "2.0.0") == moved);
    const auto copied = std::ranges::find(told.entries, What::copied, &MirrorEntry::what);
    CHECK(copied->replaced == origin.images.at("team/a:2.0.0"));
  }
  SECTION("is left alone where it must not be replaced") {
    job.replace_tags = false;
    const Told told = mirror(client, job);
    REQUIRE(told.count(What::failed) == 1);
    const auto failed = std::ranges::find(told.entries, What::failed, &MirrorEntry::what);
    CHECK(failed->error->code == Errc::conflict);
    CHECK(target.storage().tag("a", "2.0.0") == origin.images.at("team/a:2.0.0"));
  }
  SECTION("is not looked at where it is immutable") {
    job.tags.immutable = {"[0-9.]+"};
    origin.registry.clear_log();
    CHECK(mirror(client, job).count(What::unchanged) == 2);
    CHECK(origin.registry.log("HEAD").empty());
  }
}

TEST_CASE("too few tags are an error, and nothing is copied or deleted", "[mirror]") {
  Origin origin;
  Registry target;
  Client client(quick());
  put_tag(target, "a", "old", "old");
  MirrorJob job{.sources = {origin.registry.authority() + "/team/a"}, .targets = {target.authority() + "/a"}};
  job.tags.min_tags = 5;
  job.prune.enabled = true;
  const Told told = mirror(client, job, {.before_delete = [](const PruneRecord&) { return Result<>(); }});
  REQUIRE(told.entries.size() == 1);
  CHECK(told.entries.front().error->code == Errc::not_found);
  CHECK(target.storage().tag("a", "old"));
  CHECK_FALSE(target.storage().tag("a", "edge"));
}

TEST_CASE("what the source has no longer is deleted after it was written down, and can be put back",
          "[mirror]") {
  Origin origin;
  Registry target;
  Client client(quick());
  MirrorJob job{.sources = {origin.registry.authority() + "/team/a"}, .targets = {target.authority() + "/a"}};
  job.prune.enabled = true;
  job.prune.protect = {"kept"};
  std::vector<PruneRecord> records;
  const MirrorOptions options{.before_delete = [&](const PruneRecord& record) {
    CHECK(target.storage().tag("a", record.tag));
    records.push_back(record);
    return Result<>();
  }};
  mirror(client, job, options);
  CHECK(records.empty());
  put_tag(target, "a", "old", "old");
  put_tag(target, "a", "kept", "kept");
  const auto planned = client.plan_mirror({&job, 1});
  REQUIRE(planned);
  CHECK(planned->deleted == 1);
  CHECK(target.storage().tag("a", "old"));
  SECTION("within the limit") {
    CHECK(mirror(client, job, options).count(What::deleted) == 1);
    CHECK_FALSE(target.storage().tag("a", "old"));
    CHECK(target.storage().tag("a", "kept"));
    REQUIRE(records.size() == 1);
    const auto restored = client.restore(records);
    REQUIRE(restored);
    CHECK(restored->front().result);
    CHECK(target.storage().tag("a", "old") == records.front().digest);
    CHECK(client.restore(records)->front().result->unchanged);
  }
  SECTION("beyond it nothing is") {
    job.prune.max_deletes = 0;
    CHECK(mirror(client, job, options).count(What::failed) == 1);
    CHECK(target.storage().tag("a", "old"));
  }
  SECTION("a record that cannot be written keeps the tag") {
    const MirrorOptions full{.before_delete = [](const PruneRecord&) -> Result<> {
      return Error{.code = Errc::local_io, .message = "disk full"};
    }};
    CHECK(mirror(client, job, full).count(What::failed) == 1);
    CHECK(target.storage().tag("a", "old"));
  }
}

TEST_CASE("an image that fails does not hold the others", "[mirror]") {
  Origin origin;
  Registry target;
  Client client(quick());
  MirrorJob job{
      .sources = {origin.registry.authority() + "/team/a", origin.registry.authority() + "/team/none"},
      .targets = {target.authority() + "/{repo}"}};
  job.tags.names = {"1.0.0", "missing"};
  const Told told = mirror(client, job);
  CHECK(told.count(What::copied) == 1);
  CHECK(told.count(What::failed) == 3);
  CHECK(target.storage().tag("team/a", "1.0.0"));
}

TEST_CASE("jobs that cannot be are refused before anybody is asked", "[mirror]") {
  Client client(quick());
  const auto refusal = [&](const MirrorJob& job, const MirrorOptions& options = {}) {
    const auto done = client.mirror({&job, 1}, options);
    REQUIRE_FALSE(done);
    CHECK(done.error().code == Errc::invalid_argument);
  };
  const MirrorJob good{.sources = {"localhost:1/a"}, .targets = {"localhost:2/a"}};
  refusal({.sources = {}, .targets = {"localhost:2/a"}});
  refusal({.sources = {"localhost:1/a"}, .targets = {}});
  refusal({.sources = {"localhost:1/a", "localhost:1/b"}, .targets = {"localhost:2/one"}});
  refusal({.sources = {"localhost:1/a"}, .targets = {"localhost:1/a"}});
  refusal({.sources = {"localhost:1/a"}, .targets = {"./folder"}});
  const MirrorJob twice[] = {
      {.sources = {"localhost:1/a"}, .targets = {"localhost:2/one"}, .tags = {.names = {"v1"}}},
      {.sources = {"localhost:1/b"}, .targets = {"localhost:2/one"}, .tags = {.names = {"v1"}}}};
  const auto refused = client.mirror(twice);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::invalid_argument);
  CHECK(refused.error().message.find("localhost:1/a and localhost:1/b") != std::string::npos);
  refusal(good, {.shard = {.index = 2, .count = 2}});
  MirrorJob job = good;
  job.prune.enabled = true;
  refusal(job);  // nothing would keep what is deleted
  job = good;
  job.tags.choice = TagChoice{.include = {"("}};
  refusal(job);
}

TEST_CASE("a mirror that is stopped ends soon and says so", "[mirror]") {
  Origin origin;
  Registry target;
  Client client(quick());
  const MirrorJob job{.sources = {origin.all()}, .targets = {target.authority() + "/{repo}"}};
  std::stop_source stop;
  MirrorOptions options;
  const bool gently = GENERATE(false, true);
  (gently ? options.drain : options.stop) = stop.get_token();
  std::size_t told = 0;
  options.each = [&](const MirrorEntry& entry) {
    told += entry.what == What::copied ? 1 : 0;
    stop.request_stop();
  };
  std::optional<MirrorTotals> sums;
  options.ended = [&](const MirrorTotals& totals) { sums = totals; };
  const auto done = client.mirror({&job, 1}, options);
  REQUIRE_FALSE(done);
  CHECK(done.error().code == Errc::cancelled);
  REQUIRE(sums);
  CHECK(sums->copied == told);
  CHECK(sums->repositories == 3);
}
