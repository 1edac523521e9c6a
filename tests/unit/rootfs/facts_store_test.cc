#include "rootfs/facts_store.h"

#include <string>

#include "rootfs/merge.h"
#include "support/catch.h"

using namespace davit;
using namespace davit::rootfs;

namespace {

tar::Entry entry(std::string name, char type = '0', std::string link = {}) {
  return {.name = std::move(name), .link = std::move(link), .type = type, .size = 0, .attributes = {}};
}

}  // namespace

TEST_CASE("facts of entries that were replaced are dropped, those in use are kept under their nodes") {
  Merge first;
  Merge second;
  Merge* const both[] = {&first, &second};
  FactsStore store(both);
  const auto put = [&](Merge& merge, const tar::Entry& what, std::uint64_t size) {
    const std::uint32_t facts = what.type == '1' ? kNone : store.add({.size = size});
    REQUIRE(merge.apply(0, what, facts));
  };
  const auto size_of = [&](const Merge& merge, std::string_view name) {
    return store.at(merge.tree().at(merge.tree().find(Tree::kRoot, name)).facts).size;
  };
  for (Merge* merge : both) REQUIRE(merge->next_layer());
  put(first, entry("waste"), 0);
  put(first, entry("waste"), 0);
  put(first, entry("again"), 1);
  put(first, entry("link", '1', "again"), 0);
  put(second, entry("other"), 2);
  std::size_t most = 0;
  for (std::uint64_t i = 0; i < 300'000; ++i) {
    put(i % 2 == 0 ? first : second, entry("again"), 10 + i);
    most = std::max(most, store.size());
  }
  CHECK(most < 100'000);
  CHECK(size_of(first, "again") == 10 + 299'998);
  CHECK(size_of(second, "again") == 10 + 299'999);
  CHECK(size_of(first, "link") == 1);  // means what the name meant then
  CHECK(size_of(second, "other") == 2);
}
