#include "auth/challenge.h"

#include "auth/token_answer.h"
#include "support/catch.h"

using davit::auth::Challenge;
using davit::auth::choose_challenge;
using davit::auth::parse_challenges;
using davit::auth::parse_token_answer;

namespace {

/// "bearer realm=[R] service=[S] scope=[C]", "basic realm=[R]" or "none": what would be answered.
std::string chosen(const std::vector<std::string>& values) {
  const auto challenge = choose_challenge(parse_challenges(values));
  if (!challenge) return "none";
  std::string out = challenge->scheme;
  for (const char* name : {"realm", "service", "scope", "error"}) {
    if (challenge->parameters.contains(name))
      out += std::string(" ") + name + "=[" + challenge->parameters.at(name) + "]";
  }
  return out;
}

struct Row {
  std::vector<std::string> values;
  std::string expected;
};

}  // namespace

TEST_CASE("row 37: challenges of every shape") {
  const std::string usual = "bearer realm=[https://a/token] service=[s]";
  const std::vector<Row> rows = {
      {{R"(Bearer realm="https://a/token",service="s")"}, usual},
      {{R"(bearer realm="https://a/token",service="s")"}, usual},
      {{R"(BEARER REALM="https://a/token",Service="s")"}, usual},
      {{R"(Bearer realm="https://a/token", service="s")"}, usual},
      {{"Bearer realm=\"https://a/token\"\t,\tservice=\"s\""}, usual},
      {{R"(Bearer   realm = "https://a/token" , service = "s")"}, usual},
      {{R"(Bearer realm="https://a/token",,,service="s",)"}, usual},
      {{R"(, ,Bearer realm="https://a/token",service="s")"}, usual},
      {{R"(Bearer service="s",realm="https://a/token")"}, usual},
      {{R"(Bearer realm=https://a/token,service=s)"}, usual},
      {{R"(Bearer realm="https://a/token",realm="https://evil/",service="s")"}, usual},
      {{R"(Bearer realm="https://a/token",service="s",scope="repository:x:pull,push")"},
       usual + " scope=[repository:x:pull,push]"},
      {{R"(Bearer realm="https://a/token",service="s",scope="repository:x:pull repository:y:pull")"},
       usual + " scope=[repository:x:pull repository:y:pull]"},
      {{R"(Bearer realm="https://a/token",service="s",error="invalid_token")"},
       usual + " error=[invalid_token]"},
      {{R"(Bearer realm="https://a/token",service="",scope="")"},
       "bearer realm=[https://a/token] service=[] scope=[]"},
      {{R"(Bearer realm="https://a/token")"}, "bearer realm=[https://a/token]"},
      {{R"(Bearer realm="https://a/to\"k\\en")"}, R"(bearer realm=[https://a/to"k\en])"},
      {{R"(Bearer realm="https://a/token?x=1,2",service="s")"},
       "bearer realm=[https://a/token?x=1,2] service=[s]"},
      {{R"(Bearer service="s")"}, "none"},
      {{R"(Bearer realm="")"}, "none"},
      {{R"(Bearer)"}, "none"},
      {{R"(Bearer realm="unterminated)"}, "none"},
      {{"Bearer realm=\"a\x01\""}, "none"},
      {{R"(Basic realm="r")"}, "basic realm=[r]"},
      {{R"(Basic realm=r)"}, "basic realm=[r]"},
      {{R"(Basic realm="")"}, "basic realm=[]"},
      {{R"(Basic)"}, "basic"},
      {{R"(basic realm="r", charset="UTF-8")"}, "basic realm=[r]"},
      {{R"(Basic realm="r", Bearer realm="https://a/token",service="s")"}, usual},
      {{R"(Bearer realm="https://a/token",service="s", Basic realm="r")"}, usual},
      {{R"(Basic realm="r")", R"(Bearer realm="https://a/token",service="s")"}, usual},
      {{R"(Bearer service="s", Basic realm="r")"}, "basic realm=[r]"},
      {{R"(Negotiate, Basic realm="r")"}, "basic realm=[r]"},
      {{R"(Negotiate YWJj==, Basic realm="r")"}, "basic realm=[r]"},
      {{R"(Negotiate YWJj, Bearer realm="https://a/token",service="s")"}, usual},
      {{R"(NTLM)", R"(Basic realm="r")"}, "basic realm=[r]"},
      {{R"(Digest realm="d", nonce="x,y", qop="auth", Basic realm="r")"}, "basic realm=[r]"},
      {{R"(Digest realm="d, Basic realm=x", Bearer realm="https://a/token",service="s")"}, usual},
      {{R"(Newauth realm="apps", type=1, title="Login to \"apps\"", Basic realm="simple")"},
       "basic realm=[simple]"},
      {{R"(AWS4-HMAC-SHA256)"}, "none"},
      {{"="}, "none"},
      {{"\"\"\"\", Basic realm=\"r\""}, "basic realm=[r]"},
      {{R"(;;;, Basic realm="r")"}, "basic realm=[r]"},
      {{""}, "none"},
      {{}, "none"},
      {{std::string(17 << 10, 'x'), R"(Basic realm="r")"}, "basic realm=[r]"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.values);
    CHECK(chosen(row.values) == row.expected);
  }
}

TEST_CASE("row 37: the number of challenges is bounded") {
  std::string many;
  for (int i = 0; i < 3000; ++i) many += "a,";
  CHECK(parse_challenges({many}).size() == 64);
  CHECK(parse_challenges({"Negotiate YWJj=="}).front().token68 == "YWJj==");
}

TEST_CASE("row 38: token answers") {
  const auto token = [](const char* body) {
    const auto answer = parse_token_answer(body);
    return answer ? answer->token.reveal() + " " + std::to_string(answer->lifetime.count())
                  : std::string("refused");
  };
  CHECK(token(R"({"token": "a"})") == "a 60");
  CHECK(token(R"({"access_token": "a"})") == "a 60");
  CHECK(token(R"({"token": "a", "access_token": "b"})") == "b 60");
  CHECK(token(R"({"token": "a", "access_token": ""})") == "a 60");
  CHECK(token(R"({"token": "a", "access_token": null})") == "a 60");
  CHECK(token(R"({"token": "a", "expires_in": 300})") == "a 300");
  CHECK(token(R"({"token": "a", "expires_in": "300"})") == "a 300");
  CHECK(token(R"({"token": "a", "expires_in": 300.5})") == "a 300");
  CHECK(token(R"({"token": "a", "expires_in": 3.5})") == "a 60");
  CHECK(token(R"({"token": "a", "expires_in": 0})") == "a 60");
  CHECK(token(R"({"token": "a", "expires_in": -1})") == "a 60");
  CHECK(token(R"({"token": "a", "expires_in": null})") == "a 60");
  CHECK(token(R"({"token": "a", "expires_in": "soon"})") == "a 60");
  CHECK(token(R"({"token": "a", "expires_in": [1]})") == "a 60");
  CHECK(token(R"({"token": "a", "expires_in": 1000000000000000000})") == "a 86400");
  CHECK(token(R"({"token": "a", "expires_in": 99999999999999999999999999})") == "a 86400");
  CHECK(token(R"({"token": "a", "issued_at": "garbage", "scope": 7})") == "a 60");
  CHECK(token(R"({"token": ""})") == "refused");
  CHECK(token(R"({"token": 5})") == "refused");
  CHECK(token(R"({"token": "a b"})") == "refused");
  CHECK(token(R"({"token": "a\r\nX: y"})") == "refused");
  CHECK(token(R"({"token": "\u00e4"})") == "refused");
  CHECK(token(R"({"token": "a", "token": "b"})") == "refused");
  CHECK(token(R"({})") == "refused");
  CHECK(token(R"([])") == "refused");
  CHECK(token("") == "refused");
  CHECK(token("<html>sign in</html>") == "refused");
  CHECK(token("\xff\xfe") == "refused");
  CHECK_FALSE(parse_token_answer("{\"token\": \"" + std::string(70'000, 'a') + "\"}"));
  CHECK(parse_token_answer("{\"token\": \"" + std::string(30'000, 'a') + "\"}"));
}

TEST_CASE("row 20: a refused token answer is not repeated") {
  for (const char* body :
       {R"({"token": "MARKED SECRET"})", R"({"MARKED": "x", "MARKED)", R"({"token": ["MARKED"]})"}) {
    const auto answer = parse_token_answer(body);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == davit::Errc::protocol);
    CHECK(answer.error().message.find("MARKED") == std::string::npos);
  }
}
