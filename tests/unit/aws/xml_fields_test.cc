#include "aws/xml_fields.h"

#include "support/catch.h"

using davit::aws::xml_field;

TEST_CASE("the text of an XML element") {
  const struct {
    const char* document;
    const char* expected;
  } rows[] = {
      {"<a><Code>x</Code></a>", "x"},
      {"<a><Code>x</Code><Code>y</Code></a>", "x"},
      {"<a><s:Code q='>'>x</s:Code></a>", "x"},
      {"<a><Code >x</Code ></a>", "x"},
      {"<?xml version=\"1.0\"?><!-- <Code>no</Code> --><Code>x</Code>", "x"},
      {"<a><![CDATA[<Code>no</Code>]]><Code>x</Code></a>", "x"},
      {"<Code>&lt;&gt;&amp;&quot;&apos;&#65;&#x20ac;</Code>", "<>&\"'A\xe2\x82\xac"},
      {"<Code>&nope; &#0; &#xd800; &#99999999999; & </Code>", "&nope; &#0; &#xd800; &#99999999999; & "},
      {"<Code/>", ""},
      {"<Code></Code>", ""},
      {"<Code>x<b/></Code>", ""},
      {"<Code>x", ""},
      {"<Code>x</Cod", ""},
      {"<Code>x<!-- y --></Code>", ""},
      {"<Codes>x</Codes>", ""},
      {"<!DOCTYPE a [<!ENTITY e \"x\">]><Code>&e;</Code>", ""},
      {"<!-- <Code>x</Code>", ""},
      {"", ""},
      {"<", ""},
      {"Code", ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.document);
    CHECK(xml_field(row.document, "Code") == row.expected);
  }
}
