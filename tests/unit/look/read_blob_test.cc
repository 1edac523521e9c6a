#include <davit/blob.h>

#include "io/read_all.h"
#include "support/catch.h"
#include "support/memory_store.h"

using namespace davit;
using test::MemoryStore;

namespace {

Result<std::string> all_of(Result<std::unique_ptr<ByteSource>> opened) {
  if (!opened) return opened.error();
  return io::read_all(**opened, 1 << 20);
}

}  // namespace

TEST_CASE("a whole blob is verified, and its wrong end is not handed out") {
  MemoryStore store;
  const Descriptor blob = store.add_blob("0123456789", "text/plain");
  CHECK(all_of(read_blob(store, blob, {})).value() == "0123456789");
  for (const std::string damaged : {"0123456780", "012345678", "0123456789+"}) {
    store.blobs[blob.digest] = damaged;
    const auto read = all_of(read_blob(store, blob, {}));
    REQUIRE_FALSE(read);
    CHECK(read.error().code == Errc::corrupt);
  }
}

TEST_CASE("a stretch of a blob ends with the blob") {
  MemoryStore store;
  const Descriptor blob = store.add_blob("0123456789", "text/plain");
  CHECK(all_of(read_blob_range(store, blob, {.offset = 2, .length = 3}, {})).value() == "234");
  CHECK(all_of(read_blob_range(store, blob, {.offset = 8, .length = UINT64_MAX}, {})).value() == "89");
  const auto beyond = read_blob_range(store, blob, {.offset = 10, .length = 1}, {});
  REQUIRE_FALSE(beyond);
  CHECK(beyond.error().code == Errc::invalid_argument);
  store.blobs[blob.digest] = "0123";
  const auto cut = all_of(read_blob_range(store, blob, {.offset = 2, .length = 5}, {}));
  REQUIRE_FALSE(cut);
  CHECK(cut.error().code == Errc::corrupt);
}
