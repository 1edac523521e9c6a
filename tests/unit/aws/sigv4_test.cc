#include "aws/sigv4.h"

#include "crypto/hmac.h"
#include "support/catch.h"

#include <davit/digest.h>

using namespace davit;
using aws::Keys;
using aws::Scope;

namespace {

constexpr const char* kToken =
    "AQoDYXdzEPT//////////"
    "wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8"
    "YUuwthAx7mSEI/qkPpKPi/kMcGd";
constexpr const char* kFormType = "application/x-www-form-urlencoded; charset=utf-8";
constexpr const char* kAssumeRole =
    "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fecr-push&"
    "RoleSessionName=ci-session&ExternalId=ext-42&DurationSeconds=3600";

Clock::Wall noon() {
  using namespace std::chrono;
  return sys_days(year(2026) / 1 / 15) + hours(12);
}

Keys keys(const char* token = "") {
  return {.id = "AKIDEXAMPLE",
          .secret = Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
          .session_token = Secret(token)};
}

net::Request request(const char* method, const char* url, std::vector<net::Header> headers,
                     const char* body) {
  net::Request out;
  out.method = method;
  out.url = *net::Url::parse(url);
  out.headers = std::move(headers);
  out.body = body;
  return out;
}

net::Request ecr(const char* url, const char* target) {
  return request("POST", url, {{"Content-Type", "application/x-amz-json-1.1"}, {"X-Amz-Target", target}},
                 "{}");
}

std::string header(const net::Request& request, std::string_view name) {
  std::string values;
  for (const auto& field : request.headers) {
    if (field.name == name) values += (values.empty() ? "" : ",") + field.value;
  }
  return values;
}

std::string signature(net::Request request, const Keys& keys, const Scope& scope) {
  aws::sign(request, keys, scope, noon());
  const std::string value = header(request, "Authorization");
  return value.substr(value.rfind('=') + 1);
}

std::string canonical_digest(net::Request request, const Keys& keys) {
  aws::sign(request, keys, {"us-east-1", "ecr"}, noon());
  return Digest::of(aws::canonical_request(request, Digest::of(request.body).hex())).hex();
}

constexpr const char* kEcrUrl = "https://api.ecr.us-east-1.amazonaws.com/";
constexpr const char* kTarget = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken";

}  // namespace

TEST_CASE("a signing key is derived from the secret, the day, the region and the service") {
  const struct {
    Scope scope;
    const char* expected;
  } rows[] = {
      {{"us-east-1", "ecr"}, "3511cf34128591b8fb9dc03cf6f55c7dfbb9b81169b422ed550d145ab95cf247"},
      {{"eu-west-1", "sts"}, "db60f07d39c6a55320fd0df17ffebd3fa5a5704e0a51008a75d3453dcb2160f0"},
      {{"us-east-1", "ecr-public"}, "0332170c97b209941223df5af02375e1a5ceebe4aa89d6dc9fe2afd3f7a36616"},
      {{"us-east-1", "s3"}, "752c0fbdc2c2d87910a21a6805cc5a7923650984c6c2c9489995de6c86f80530"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.scope.region, row.scope.service);
    CHECK(crypto::hex(aws::signing_key(keys().secret, "20260115", row.scope).reveal()) == row.expected);
  }
}

TEST_CASE("a request for an ECR token: canonical form, header and signature") {
  net::Request signed_request = ecr(kEcrUrl, kTarget);
  aws::sign(signed_request, keys(), {"us-east-1", "ecr"}, noon());
  CHECK(aws::canonical_request(signed_request, Digest::of("{}").hex()) ==
        "POST\n/\n\ncontent-type:application/x-amz-json-1.1\nhost:api.ecr.us-east-1.amazonaws.com\n"
        "x-amz-date:20260115T120000Z\n"
        "x-amz-target:AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken\n\n"
        "content-type;host;x-amz-date;x-amz-target\n"
        "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
  CHECK(header(signed_request, "X-Amz-Date") == "20260115T120000Z");
  CHECK(header(signed_request, "Authorization") ==
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260115/us-east-1/ecr/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date;x-amz-target, "
        "Signature=45c19cb957fe4be46a70fd6cf7379ea85f1b28cc4ec92d6e028c292a05816493");
}

TEST_CASE("a session token is part of what is signed") {
  const net::Request plain = ecr(kEcrUrl, kTarget);
  CHECK(canonical_digest(plain, keys(kToken)) ==
        "a45f2cc9f9e0a6b34b9160db9010d8b915bffe8f4821240beecd2314311f0bcb");
  CHECK(signature(plain, keys(kToken), {"us-east-1", "ecr"}) ==
        "62df328af64c72b4a89c3c3531db92768775632d47bdfd0a3d5bbd5015b22007");
}

TEST_CASE("a form body, with a header value that has a space in it") {
  const net::Request form =
      request("POST", "https://sts.eu-west-1.amazonaws.com/", {{"Content-Type", kFormType}}, kAssumeRole);
  CHECK(signature(form, keys(), {"eu-west-1", "sts"}) ==
        "b1a66156dd5c49e1ae06f83d864238f7f2398d3748efb943787b81e570f0e96a");
  CHECK(canonical_digest(form, keys(kToken)) ==
        "e4bafda1495765f9adbb69573c971703857502cd00b02153ab920d3b7853ee72");
  CHECK(signature(form, keys(kToken), {"eu-west-1", "sts"}) ==
        "7de5725898c9cdf4e04fcc9671af5f42e6d3ce47335962a4d47774b11ee77719");
}

TEST_CASE("another service, another port, and a query instead of a body") {
  CHECK(signature(ecr("https://api.ecr-public.us-east-1.amazonaws.com/",
                      "SpencerFrontendService.GetAuthorizationToken"),
                  keys(), {"us-east-1", "ecr-public"}) ==
        "5cd406f73633878a240f77afcc80113f17d4113f7ee678093466e65022622222");
  CHECK(signature(ecr("http://127.0.0.1:4566/", kTarget), keys(), {"us-east-1", "ecr"}) ==
        "87e302333acf909881d8ad529f8f9058a85d2a2c02453cc54568797132e7e107");
  const net::Request query = request(
      "GET", "https://sts.us-east-1.amazonaws.com/?Version=2011-06-15&Action=GetCallerIdentity", {}, "");
  CHECK(canonical_digest(query, keys()) ==
        "f449de30a4fa446d68c2419412add568747d137753cbef645ae7679d2717404a");
  CHECK(signature(query, keys(), {"us-east-1", "sts"}) ==
        "4d58caf515ca1a3f053f6816009f90780043fe773b932bb4e26c4d989ac2bf0a");
}

TEST_CASE("a request can be signed again, with other keys and at another time") {
  net::Request twice = ecr(kEcrUrl, kTarget);
  aws::sign(twice, {.id = "OTHER", .secret = Secret("other"), .session_token = Secret("old")},
            {"us-east-1", "ecr"}, noon() + std::chrono::hours(1));
  aws::sign(twice, keys(), {"us-east-1", "ecr"}, noon());
  CHECK(header(twice, "X-Amz-Security-Token").empty());
  CHECK(header(twice, "X-Amz-Date") == "20260115T120000Z");
  CHECK(header(twice, "Authorization")
            .ends_with("45c19cb957fe4be46a70fd6cf7379ea85f1b28cc4ec92d6e028c292a05816493"));
}

TEST_CASE("paths and header values are brought into one form") {
  const struct {
    const char* path;
    const char* expected;
  } rows[] = {{"/", "/"},
              {"//", "/"},
              {"/a//b", "/a/b"},
              {"/a/", "/a/"},
              {"/a/./b", "/a/b"},
              {"/a/../../b/", "/b/"},
              {"/a/..", "/"},
              {"/a%20b", "/a%2520b"},
              {"/a+b:c~d", "/a%2Bb%3Ac~d"}};
  for (const auto& row : rows) {
    CAPTURE(row.path);
    const auto text = aws::canonical_request(
        request("GET", (std::string("https://h.example.com") + row.path).c_str(), {}, ""), "x");
    CHECK(text == std::string("GET\n") + row.expected + "\n\nhost:h.example.com\n\nhost\nx");
  }
  const auto text = aws::canonical_request(
      request("GET", "https://h.example.com/?b&a=2&a=1&a=%2F",
              {{"X-B", "  one \t two  "}, {"x-b", "three"}, {"User-Agent", "davit"}, {"Expect", ""}}, ""),
      "x");
  CHECK(text == "GET\n/\na=%2F&a=1&a=2&b=\nhost:h.example.com\nx-b:one two,three\n\nhost;x-b\nx");
}
