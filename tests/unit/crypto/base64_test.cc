#include "crypto/base64.h"

#include "support/catch.h"

using davit::crypto::base64_decode;
using davit::crypto::base64_encode;

TEST_CASE("encodes and decodes the vectors of RFC 4648") {
  const std::pair<const char*, const char*> vectors[] = {
      {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, text] : vectors) {
    CHECK(base64_encode(plain) == text);
    CHECK(base64_decode(text).value() == plain);
  }
}

TEST_CASE("reads missing padding and the URL alphabet, refuses the rest") {
  CHECK(base64_decode("Zm9vYg").value() == "foob");
  CHECK(base64_decode("-_-_").value() == base64_decode("+/+/").value());
  CHECK_FALSE(base64_decode("Zm9v!"));
  CHECK_FALSE(base64_decode("Z"));
}
