#include <davit/digest.h>

#include <unordered_set>

#include "crypto/hasher.h"
#include "support/catch.h"

using davit::Digest;

TEST_CASE("knows the digests of FIPS 180-4's example") {
  CHECK(Digest::of("abc").to_string() ==
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(Digest::of("abc", Digest::Algorithm::sha512).to_string() ==
        "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

TEST_CASE("row 25: only a well-formed digest is a Digest") {
  const std::string hex(64, 'a');
  CHECK(Digest::parse("sha256:" + hex));
  CHECK(Digest::parse("sha512:" + hex + hex));
  for (const char* bad : {"sha256:../../../etc/passwd", "", "sha256:"}) CHECK_FALSE(Digest::parse(bad));
  CHECK_FALSE(Digest::parse("sha256:" + std::string(64, 'A')));
  CHECK_FALSE(Digest::parse("sha256:" + hex + "a"));
  CHECK_FALSE(Digest::parse("sha256:" + hex.substr(1)));
  CHECK_FALSE(Digest::parse("sha256-" + hex));
  CHECK_FALSE(Digest::parse("md5:" + hex));
  CHECK_FALSE(Digest::parse("sha256:" + hex + std::string(1, '\0')));
}

TEST_CASE("parsing and printing a digest are inverse") {
  const Digest digest = Digest::of("davit");
  CHECK(Digest::parse(digest.to_string()).value() == digest);
  CHECK(digest != Digest());
  CHECK(std::unordered_set<Digest>{digest, Digest::of("other"), digest}.size() == 2);
}

TEST_CASE("a running hash can be asked in between") {
  davit::crypto::Hasher hasher;
  hasher.update(std::as_bytes(std::span("ab", 2)));
  CHECK(hasher.digest() == Digest::of("ab"));
  hasher.update(std::as_bytes(std::span("c", 1)));
  CHECK(hasher.digest() == Digest::of("abc"));
}
