#include "client/certificates.h"

#include <filesystem>

#include "support/catch.h"
#include "support/temp_dir.h"

using namespace davit;
using client::certificates_for;
using test::TempDir;

namespace {

const std::string kHost = "registry.example.com:5000";

/// A folder like /etc/docker/certs.d with one for `host`.
std::string with_files(const TempDir& dir, const std::string& host, const std::vector<std::string>& names) {
  std::filesystem::create_directories(dir.path() / "certs.d" / host);
  for (const std::string& name : names) dir.write("certs.d/" + host + "/" + name, "x");
  return (dir.path() / "certs.d").string();
}

}  // namespace

TEST_CASE("the folder of a registry gives its authorities and its client certificate") {
  const TempDir dir;
  const std::string all = with_files(dir, kHost, {"b.crt", "a.crt", "me.cert", "me.key", "notes.txt"});
  const auto found = certificates_for(kHost, {}, {all}).value();
  CHECK(found.authorities == std::vector{all + "/" + kHost + "/a.crt", all + "/" + kHost + "/b.crt"});
  CHECK(found.certificate == all + "/" + kHost + "/me.cert");
  CHECK(found.key == all + "/" + kHost + "/me.key");
}

TEST_CASE("row 39, row 43: another host or port has a folder of its own") {
  const TempDir dir;
  const std::string all = with_files(dir, kHost, {"a.crt"});
  CHECK(certificates_for("registry.example.com", {}, {all})->authorities.empty());
  CHECK(certificates_for("registry.example.com:5001", {}, {all})->authorities.empty());
  with_files(dir, "[::1]:5000", {"six.crt"});
  CHECK(certificates_for("[::1]:5000", {}, {all})->authorities.size() == 1);
}

TEST_CASE("the first folder that has the registry counts, and absent ones are none") {
  const TempDir dir, other;
  const std::string second = with_files(dir, kHost, {"a.crt"});
  const std::string third = with_files(other, kHost, {"b.crt"});
  const auto found = certificates_for(kHost, {}, {"/nowhere/certs.d", second, third}).value();
  CHECK(found.authorities == std::vector{second + "/" + kHost + "/a.crt"});
}

TEST_CASE("a directory that was named is used instead, must be there, and adds to the other options") {
  const TempDir dir;
  dir.write("a.crt", "x");
  const std::string all = with_files(dir, kHost, {"b.crt"});
  const RegistryOptions options{.ca_file = "own.pem", .certificate_directory = dir.path().string()};
  const auto found = certificates_for(kHost, options, {all}).value();
  CHECK(found.authorities == std::vector<std::string>{"own.pem", (dir.path() / "a.crt").string()});
  CHECK(certificates_for(kHost, {.certificate_directory = "/nowhere"}, {all}).error().code == Errc::local_io);
}

TEST_CASE("half of a client certificate is an error that names the file") {
  const TempDir one, two;
  const auto no_key = certificates_for(kHost, {}, {with_files(one, kHost, {"me.cert"})});
  CHECK(no_key.error().message.find("me.cert") != std::string::npos);
  const auto no_certificate = certificates_for(kHost, {}, {with_files(two, kHost, {"me.key", "me.crt"})});
  CHECK(no_certificate.error().message.find("me.key") != std::string::npos);
}
