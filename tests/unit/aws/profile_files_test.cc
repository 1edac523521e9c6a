#include "aws/profile_files.h"

#include "aws/shell_words.h"
#include "support/catch.h"

using namespace davit;
using aws::ProfileFiles;

TEST_CASE("both files of a profile, and what else the config file holds") {
  const auto files = ProfileFiles::parse(
      "\xef\xbb\xbf# comment\r\n[default]\r\nRegion=eu-west-1 \r\n\r\n"
      "[profile \"with space\"]\nregion = r # kept\n  ; a comment\n"
      "[profile plain]\nrole_arn : arn:aws:iam::1:role/x\ns3 =\n  max = 1\n\tendpoint_url=https://s3\noutput "
      "= json\n"
      "[sso-session corp]\nsso_region = eu-west-1\n[services own]\necr = \n  endpoint_url = https://ecr\n"
      "[plugins]\nx = y\n[unprefixed]\nregion = z\n",
      "[plain]\nrole_arn = other\naws_secret_access_key = a=b#c\n[only]\nregion = o\n[plain]\nregion = "
      "again\n");
  REQUIRE(files);
  CHECK(files->profile("default")->text("region") == "eu-west-1");
  CHECK(files->profile("with space")->text("region") == "r # kept");
  CHECK(files->profile("plain")->text("role_arn") == "other");
  CHECK(files->profile("plain")->text("aws_secret_access_key") == "a=b#c");
  CHECK(files->profile("plain")->text("s3.max") == "1");
  CHECK(files->profile("plain")->text("s3.endpoint_url") == "https://s3");
  CHECK(files->profile("plain")->text("output") == "json");
  CHECK(files->profile("plain")->text("region") == "again");
  CHECK(files->in_config("plain")->text("role_arn") == "arn:aws:iam::1:role/x");
  CHECK(files->in_credentials("default") == nullptr);
  CHECK(files->profile("only")->text("region") == "o");
  CHECK(files->profile("unprefixed") == nullptr);
  CHECK(files->sso_session("corp")->text("sso_region") == "eu-west-1");
  CHECK(files->services("own")->text("ecr.endpoint_url") == "https://ecr");
}

TEST_CASE("a file that is indented as a whole, and values of several lines") {
  const auto sections = aws::parse_ini(
      "  [default]\n  region = eu-west-1\n\n  output = json\n  ecr =\n    endpoint_url = https://ecr\n"
      "    other = x\n  after = 1\n\t[next]\nlong = one\n two\n [not a header]\nlast = 2\n");
  REQUIRE(sections);
  const aws::Settings& first = sections->at("default");
  CHECK(first.text("region") == "eu-west-1");
  CHECK(first.text("output") == "json");
  CHECK(first.text("ecr.endpoint_url") == "https://ecr");
  CHECK(first.text("ecr.other") == "x");
  CHECK(first.text("after") == "1");
  CHECK(sections->at("next").text("long") == "one\ntwo\n[not a header]");
  CHECK(sections->at("next").text("last") == "2");
}

TEST_CASE("a line that is no INI is an error with its number and without its text") {
  const struct {
    std::string text;
    const char* where;
  } rows[] = {
      {"[a]\nmarker\n", "line 2"},       {"marker = 1\n", "line 1"},     {"[a\nmarker=1\n", "line 1"},
      {"[]\nmarker=1\n", "line 1"},      {"[a]\n = marker\n", "line 2"}, {"[a]\nx =\n  marker\n", "line 3"},
      {std::string("[a]\0", 4), "text"}, {"[a]\nx = \xff\n", "text"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const auto parsed = aws::parse_ini(row.text);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == Errc::corrupt);
    CHECK(parsed.error().message.find(row.where) != std::string::npos);
    CHECK(parsed.error().message.find("marker") == std::string::npos);
  }
  CHECK_FALSE(aws::parse_ini(std::string((1 << 20) + 1, '\n')));
  CHECK(aws::parse_ini(std::string(1 << 20, '\n')));
}

TEST_CASE("words as a shell would split them") {
  using Words = std::vector<std::string>;
  const struct {
    const char* line;
    Words words;
  } rows[] = {
      {"", {}},
      {"  a  b\tc ", {"a", "b", "c"}},
      {R"(a "b c" 'd e')", {"a", "b c", "d e"}},
      {R"(a\ b "c\"d" "e\f" 'g\h')", {"a b", "c\"d", "e\\f", "g\\h"}},
      {R"("" '')", {"", ""}},
      {R"(x"y"'z')", {"xyz"}},
      {"$HOME;ls|cat `x`", {"$HOME;ls|cat", "`x`"}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.line);
    CHECK(aws::split_words(row.line).value() == row.words);
  }
  for (const char* line : {"'a", "\"a", "a\\"}) CHECK_FALSE(aws::split_words(line));
}
