#include "mirror/entries.h"

#include "base/error.h"

#include "support/catch.h"

using namespace davit;
using mirror::Entries;
using mirror::Route;
using What = MirrorEntry::What;

namespace {

const MirrorJob kJob;

Route route() {
  return {.job = &kJob,
          .number = 0,
          .source = {.host = "s", .repository = "app", .tag = {}, .digest = {}},
          .targets = {{.host = "t", .repository = "app", .tag = {}, .digest = {}},
                      {.host = "u", .repository = "app", .tag = {}, .digest = {}}}};
}

MirrorEntry entry(What what, const std::string& target, const std::string& tag) {
  MirrorEntry out{.what = what, .source = "s/app", .target = target, .tag = tag};
  if (what == What::failed) out.error = make_error(Errc::unavailable, "t: no way");
  return out;
}

std::vector<MirrorEntry> all(Entries& entries) {
  entries.close();
  std::vector<MirrorEntry> out, some;
  while (entries.take(some, std::chrono::milliseconds(1))) out.insert(out.end(), some.begin(), some.end());
  return out;
}

}  // namespace

TEST_CASE("entries are told and counted", "[mirror]") {
  Entries entries(nullptr);
  entries.add(route(), entry(What::copied, "t/app", "1"));
  entries.add(route(), entry(What::failed, "t/app", "2"));
  CHECK(entries.failed(route()));
  CHECK(all(entries).size() == 2);
  CHECK(entries.totals().copied == 1);
  CHECK(entries.totals().failed == 1);
}

TEST_CASE("a failure of the source is one at each target", "[mirror]") {
  Entries entries(nullptr);
  entries.add(route(), entry(What::failed, "", "1"));
  entries.put_off(route(), entry(What::failed, "", "2"));
  const auto told = all(entries);
  REQUIRE(told.size() == 4);
  CHECK(told[0].target == "t/app");
  CHECK(told[1].target == "u/app");
  CHECK(told[3].target == "u/app");
  CHECK(told[3].tag == "2");
  CHECK(entries.totals().failed == 4);
}

TEST_CASE("what a plan would have to make is said with each entry", "[mirror]") {
  Entries entries(nullptr);
  entries.note_missing(route().targets[0], true);
  entries.note_missing(route().targets[1], false);
  entries.add(route(), entry(What::copied, "t/app", "1"));
  entries.add(route(), entry(What::copied, "u/app", "1"));
  const auto told = all(entries);
  REQUIRE(told.size() == 2);
  CHECK(told[0].repository == MirrorEntry::Repository::made);
  CHECK(told[1].repository == MirrorEntry::Repository::missing);
}

TEST_CASE("a second attempt replaces what was put off, and nothing else is told twice", "[mirror]") {
  Entries entries(nullptr);
  entries.add(route(), entry(What::copied, "t/app", "1"));
  entries.put_off(route(), entry(What::failed, "t/app", "2"));
  CHECK(entries.failed(route()));
  const auto again = entries.put_off_routes({route()});
  REQUIRE(again.size() == 1);
  REQUIRE(again.front().targets.size() == 1);
  CHECK(again.front().targets.front().host == "t");
  entries.begin_again();
  entries.add(route(), entry(What::unchanged, "t/app", "1"));
  entries.add(route(), entry(What::copied, "t/app", "2"));
  CHECK_FALSE(entries.failed(route()));
  CHECK(all(entries).size() == 2);
  CHECK(entries.totals().copied == 2);
  CHECK(entries.totals().failed == 0);
}

TEST_CASE("what was put off and not tried again has failed", "[mirror]") {
  Entries entries(nullptr);
  entries.put_off(route(), entry(What::failed, "t/app", ""));
  CHECK(all(entries).size() == 1);
  CHECK(entries.totals().failed == 1);
}

TEST_CASE("a target that was put off as a whole is told about tag by tag", "[mirror]") {
  Entries entries(nullptr);
  entries.put_off(route(), entry(What::failed, "t/app", ""));
  entries.begin_again();
  entries.add(route(), entry(What::copied, "t/app", "1"));
  entries.add(route(), entry(What::copied, "t/app", "2"));
  entries.add(route(), entry(What::copied, "u/app", "1"));
  CHECK(all(entries).size() == 2);
  CHECK(entries.totals().failed == 0);
}

TEST_CASE("the second failure stands", "[mirror]") {
  Entries entries(nullptr);
  entries.put_off(route(), entry(What::failed, "t/app", "1"));
  entries.begin_again();
  entries.put_off(route(), entry(What::failed, "t/app", ""));
  CHECK(all(entries).size() == 1);
  CHECK(entries.totals().failed == 1);
}

TEST_CASE("the first failure ends a run that does not keep going", "[mirror]") {
  std::stop_source ends;
  Entries entries(&ends);
  entries.put_off(route(), entry(What::failed, "t/app", "1"));
  CHECK(ends.stop_requested());
  CHECK(all(entries).size() == 1);
}
