#include "mirror/ledger.h"

#include "support/catch.h"

using namespace davit;

namespace {

Reference place(const std::string& host, const std::string& repository) {
  return {.host = host, .repository = repository, .tag = {}, .digest = {}};
}

}  // namespace

TEST_CASE("a blob is where it was brought, and mounted from there", "[mirror]") {
  mirror::Ledger ledger;
  const Digest digest = Digest::of("blob");
  const auto x = place("r", "x"), y = place("r", "y"), elsewhere = place("s", "x");
  CHECK_FALSE(ledger.has(x, digest));
  CHECK(ledger.elsewhere(y, digest).empty());
  ledger.note(x, {{.media_type = {}, .digest = digest, .size = 4}});
  CHECK(ledger.has(x, digest));
  CHECK_FALSE(ledger.has(y, digest));
  CHECK(ledger.elsewhere(y, digest) == "x");
  CHECK(ledger.elsewhere(x, digest).empty());
  CHECK_FALSE(ledger.has(elsewhere, digest));
  CHECK(ledger.elsewhere(elsewhere, digest).empty());
  ledger.note(y, {{.media_type = {}, .digest = digest, .size = 4}});
  CHECK(ledger.elsewhere(x, digest) == "y");
}
