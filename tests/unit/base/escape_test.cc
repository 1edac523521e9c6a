#include "base/escape.h"

#include "support/catch.h"

TEST_CASE("row 21: escapes what would move a terminal and keeps what people write") {
  CHECK(davit::escaped("plain") == "plain");
  CHECK(davit::escaped("caf\xc3\xa9") == "caf\xc3\xa9");
  CHECK(davit::escaped("\x1b[2J\a\r") == "\\x1b[2J\\x07\\x0d");
  CHECK(davit::escaped("a\nb") == "a\\nb");
  CHECK(davit::escaped("\xc2\x9b") == "\\xc2\\x9b");  // CSI as a C1 control
  CHECK(davit::escaped("\xff\xfe") == "\\xff\\xfe");
}

TEST_CASE("cuts long text and says so") {
  CHECK(davit::escaped(std::string(500, 'x'), 10) == "xxxxxxxxxx...");
  CHECK(davit::escaped(std::string(10, 'x'), 10) == "xxxxxxxxxx");
}

TEST_CASE("knows UTF-8 from what looks like it") {
  CHECK(davit::is_utf8("\xf0\x9f\x90\xb3"));
  CHECK_FALSE(davit::is_utf8("\xc0\xaf"));          // overlong
  CHECK_FALSE(davit::is_utf8("\xed\xa0\x80"));      // surrogate
  CHECK_FALSE(davit::is_utf8("\xf4\x90\x80\x80"));  // above U+10FFFF
  CHECK_FALSE(davit::is_utf8("\xe2\x82"));          // cut short
}
