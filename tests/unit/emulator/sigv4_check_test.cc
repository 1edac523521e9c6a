#include "emulator/sigv4_check.h"

#include "support/catch.h"

using namespace davit::emulator;
using namespace std::chrono_literals;

namespace {

constexpr const char* kTime = "20260115T120000Z";
constexpr const char* kKeyId = "AKIDEXAMPLE";
constexpr const char* kSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
constexpr const char* kToken =
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTf"
    "lfKD8YUuwthAx7mSEI/qkPpKPi/kMcGd";

/// Signed requests whose canonical hash and signature others have computed.
struct Vector {
  const char* name;
  SignedRequest request;
  std::string region;
  std::string service;
  std::vector<std::string> signed_headers;
  std::string canonical_hash;
  std::string signature;
};

SignedRequest api_call(const std::string& host, const std::string& target, const std::string& token = "") {
  SignedRequest request{"POST",
                        "/",
                        {{"X-Amz-Target", target},
                         {"Host", host},
                         {"Content-Type", "application/x-amz-json-1.1"},
                         {"X-Amz-Date", kTime}},
                        "{}"};
  if (!token.empty()) request.headers.push_back({"X-Amz-Security-Token", token});
  return request;
}

SignedRequest assume_role(const std::string& token = "") {
  SignedRequest request{
      "POST",
      "/",
      {{"content-type", "application/x-www-form-urlencoded; charset=utf-8"},
       {"host", "sts.eu-west-1.amazonaws.com"},
       {"x-amz-date", kTime}},
      "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%"
      "2Fecr-push&RoleSessionName=ci-session&ExternalId=ext-42&DurationSeconds=3600"};
  if (!token.empty()) request.headers.push_back({"x-amz-security-token", token});
  return request;
}

std::vector<Vector> vectors() {
  const std::string ecr = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken";
  const std::string api = "api.ecr.us-east-1.amazonaws.com";
  const std::vector<std::string> plain{"content-type", "host", "x-amz-date", "x-amz-target"};
  const std::vector<std::string> with_token{"content-type", "host", "x-amz-date", "x-amz-security-token",
                                            "x-amz-target"};
  return {
      {"V1", api_call(api, ecr), "us-east-1", "ecr", plain,
       "d78098ceeb3d5f19e7de6136d74db32a4a5f6516a05f84157a7105f1b7b43be9",
       "45c19cb957fe4be46a70fd6cf7379ea85f1b28cc4ec92d6e028c292a05816493"},
      {"V2", api_call(api, ecr, kToken), "us-east-1", "ecr", with_token,
       "a45f2cc9f9e0a6b34b9160db9010d8b915bffe8f4821240beecd2314311f0bcb",
       "62df328af64c72b4a89c3c3531db92768775632d47bdfd0a3d5bbd5015b22007"},
      {"V3",
       assume_role(),
       "eu-west-1",
       "sts",
       {"content-type", "host", "x-amz-date"},
       "09f0b81f0152df8384ab43d5331fd93f48945a2538282f44fbc70d3701649c30",
       "b1a66156dd5c49e1ae06f83d864238f7f2398d3748efb943787b81e570f0e96a"},
      {"V4",
       assume_role(kToken),
       "eu-west-1",
       "sts",
       {"content-type", "host", "x-amz-date", "x-amz-security-token"},
       "e4bafda1495765f9adbb69573c971703857502cd00b02153ab920d3b7853ee72",
       "7de5725898c9cdf4e04fcc9671af5f42e6d3ce47335962a4d47774b11ee77719"},
      {"V5",
       api_call("api.ecr-public.us-east-1.amazonaws.com", "SpencerFrontendService.GetAuthorizationToken"),
       "us-east-1", "ecr-public", plain, "462cec10fcce1f19330a89f6ff56193dbe713074def7785783fad5c27ccfd881",
       "5cd406f73633878a240f77afcc80113f17d4113f7ee678093466e65022622222"},
      {"V6", api_call("127.0.0.1:4566", ecr), "us-east-1", "ecr", plain,
       "6922fbb82e698512c574afdb4484383f02ce5a14e85e6a777301b169a2aedd18",
       "87e302333acf909881d8ad529f8f9058a85d2a2c02453cc54568797132e7e107"},
      {"V7",
       {"GET",
        "/?Version=2011-06-15&Action=GetCallerIdentity",
        {{"Host", "sts.us-east-1.amazonaws.com"}, {"X-Amz-Date", kTime}},
        ""},
       "us-east-1",
       "sts",
       {"host", "x-amz-date"},
       "f449de30a4fa446d68c2419412add568747d137753cbef645ae7679d2717404a",
       "4d58caf515ca1a3f053f6816009f90780043fe773b932bb4e26c4d989ac2bf0a"},
  };
}

std::string canonical(const std::string& target, const Headers& headers = {{"Host", "h"}},
                      const std::vector<std::string>& names = {"host"},
                      PathRule rule = PathRule::encoded_twice) {
  return canonical_request({"GET", target, headers, ""}, names, "HASH", rule).value_or("none");
}

}  // namespace

TEST_CASE("signatures that others computed are the ones expected here") {
  for (const auto& vector : vectors()) {
    INFO(vector.name);
    const auto canonical = canonical_request(vector.request, vector.signed_headers,
                                             sha256_hex(vector.request.body), PathRule::encoded_twice);
    REQUIRE(canonical);
    CHECK(sha256_hex(*canonical) == vector.canonical_hash);
    std::string names;
    for (const auto& name : vector.signed_headers) names += (names.empty() ? "" : ";") + name;
    const auto claim = parse_authorization(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260115/" + vector.region + "/" + vector.service +
        "/aws4_request, SignedHeaders=" + names + ", Signature=" + vector.signature);
    REQUIRE(claim);
    CHECK(claim->key_id == kKeyId);
    CHECK(claim->signed_headers == vector.signed_headers);
    CHECK(signature_of(kSecret, *claim, string_to_sign(*claim, kTime, *canonical)) == claim->signature);
  }
}

TEST_CASE("a presigned URL is the one that S3 would give") {
  const std::string host = "prod-us-east-1-starport-layer-bucket.s3.us-east-1.amazonaws.com";
  const std::string path =
      "/e501-123456789012-9cb60dc0-7284-5643-3987-da6dac0465f0/04620aac-66a5-4167-8232-55ee7ef6d565";
  const auto query = presigned_query(kKeyId, kSecret, "us-east-1", host, path, kTime, 3600s);
  CHECK(query ==
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20260115%2Fus-east-1%2Fs3%2Faws4_"
        "request&X-Amz-Date=20260115T120000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature="
        "7fe335d8dc95fa5110a36b924a06d30780377c8f06e8eecc370a0e65e46328c6");

  const auto claim = parse_presigned(query);
  REQUIRE(claim);
  const auto again = canonical_request({"GET", path + "?" + query, {{"Host", host}}, ""},
                                       claim->signed_headers, "UNSIGNED-PAYLOAD", PathRule::as_sent);
  REQUIRE(again);
  CHECK(sha256_hex(*again) == "1a6624f27b24866f3eb21b3a84fba6133f4abe75c8e0e1eaf4db776a48135083");
  CHECK(signature_of(kSecret, *claim, string_to_sign(*claim, kTime, *again)) == claim->signature);
  const auto with_head = canonical_request({"HEAD", path + "?" + query, {{"Host", host}}, ""},
                                           claim->signed_headers, "UNSIGNED-PAYLOAD", PathRule::as_sent);
  CHECK(signature_of(kSecret, *claim, string_to_sign(*claim, kTime, *with_head)) != claim->signature);
}

TEST_CASE("paths, queries and headers are made canonical") {
  CHECK(canonical("/a//b/./c/../d").starts_with("GET\n/a/b/d\n\n"));
  CHECK(canonical("/a%20b").starts_with("GET\n/a%2520b\n\n"));
  CHECK(canonical("/a%20b//c", {{"Host", "h"}}, {"host"}, PathRule::as_sent).starts_with("GET\n/a%20b//c\n"));
  CHECK(canonical("/").starts_with("GET\n/\n\n"));
  CHECK(canonical("/?b=2&a=x%20y&b=1&k").starts_with("GET\n/\na=x%20y&b=1&b=2&k=\n"));
  CHECK(canonical("/?a=1&X-Amz-Signature=z").starts_with("GET\n/\na=1\n"));
  CHECK(canonical("/", {{"Host", "h"}, {"X-Amz-Meta", "  a \t b  "}, {"x-amz-meta", "c"}},
                  {"host", "x-amz-meta"}) == "GET\n/\n\nhost:h\nx-amz-meta:a b,c\n\nhost;x-amz-meta\nHASH");
  CHECK(canonical("/", {{"Host", "h"}}, {"host", "x-amz-date"}) == "none");
}

TEST_CASE("an incomplete Authorization is none") {
  const std::string scope = "Credential=AKID/20260115/us-east-1/ecr/aws4_request";
  const std::string signature = "Signature=" + std::string(64, 'a');
  CHECK(parse_authorization("AWS4-HMAC-SHA256 " + scope + ",SignedHeaders=host," + signature));
  for (const std::string& bad :
       {std::string("Basic abc"), "AWS4-HMAC-SHA256 " + scope + ", SignedHeaders=host",
        "AWS4-HMAC-SHA256 " + scope + ", " + signature, "AWS4-HMAC-SHA256 SignedHeaders=host, " + signature,
        "AWS4-HMAC-SHA256 Credential=AKID/20260115/us-east-1/aws4_request, SignedHeaders=host, " + signature,
        "AWS4-HMAC-SHA256 " + scope + ", SignedHeaders=host, Signature=short", std::string()}) {
    INFO(bad);
    CHECK_FALSE(parse_authorization(bad));
  }
  CHECK_FALSE(parse_presigned("X-Amz-Signature=a"));
}

TEST_CASE("times are read and written as AWS does") {
  const auto time = parse_amz_date(kTime);
  REQUIRE(time);
  CHECK(time->time_since_epoch() == std::chrono::seconds(1768478400));
  CHECK(amz_date(*time) == kTime);
  CHECK_FALSE(parse_amz_date("2026-01-15T12:00:00Z"));
  CHECK_FALSE(parse_amz_date("20260115T120000"));
  for (const char* year : {"0026", "1969", "2201", "9999"}) {
    CHECK_FALSE(parse_amz_date(std::string(year) + "0115T120000Z"));
  }
}

TEST_CASE("secrets are compared in whole") {
  CHECK(same_secret("abc", "abc"));
  CHECK_FALSE(same_secret("abc", "abd"));
  CHECK_FALSE(same_secret("abc", "ab"));
}
