#!/usr/bin/env python3
"""Shows that layers.py finds what it is there to find, and lets pass what is right."""
import os
import tempfile
import unittest

import layers

UNFINISHED = "TO" + "DO"


class LayersTest(unittest.TestCase):
    def problems(self, path, text):
        with tempfile.TemporaryDirectory() as root:
            os.makedirs(os.path.join(root, os.path.dirname(path)))
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(text + "\n")
            return layers.check(root)

    def assert_refused(self, path, text, reason):
        found = self.problems(path, text)
        self.assertEqual(len(found), 1, found)
        self.assertIn(reason, found[0])

    def assert_passes(self, path, text):
        self.assertEqual(self.problems(path, text), [])

    def test_arrows(self):
        self.assert_passes("lib/net/a.cc", '#include "net/b.h"\n#include "base/try.h"\n#include "io/file.h"\n#include <davit/error.h>')
        self.assert_refused("lib/transfer/a.cc", '#include "registry/repository.h"', "must not include")
        self.assert_refused("lib/layout/a.cc", '  #  include "archive/archive.h"', "must not include")
        self.assert_refused("lib/base/a.h", '#include "model/media_type.h"', "must not include")
        self.assert_refused("lib/net/a.cc", '#include "strange/b.h"', "no such room")
        self.assert_refused("lib/net/a.cc", '#include "davit/error.h"', "angle")
        self.assert_refused("lib/strange/a.cc", "", "does not know")

    def test_nothing_includes_the_emulator(self):
        for room in layers.ARROWS:
            if room != "emulator":
                self.assert_refused("lib/%s/a.cc" % room, '#include "emulator/registry.h"', "must not include emulator")

        self.assert_refused("lib/client/a.cc", "#include <davit/emulator.h>", "nothing in the library")
        self.assert_refused("lib/include/davit/a.h", "#include <davit/emulator.h>", "nothing in the library")
        self.assert_passes("tools/davit/a.cc", "#include <davit/emulator.h>")
        self.assert_refused("lib/emulator/include/davit/emulator.h", '#include "emulator/registry.h"', "public header")

    def test_no_arrow_goes_in_a_circle(self):
        reached = {}

        def reach(room, trail):
            self.assertNotIn(room, trail, "a circle: %s" % " ".join(trail))
            if room not in reached:
                reached[room] = True
                for other in layers.ARROWS[room].split():
                    reach(other, trail + [room])

        for room in layers.ARROWS:
            reach(room, [])

    def test_third_party_headers_have_one_home(self):
        for header, home in [("curl/curl.h", "net"), ("openssl/evp.h", "crypto"), ("zlib.h", "codec"), ("zstd.h", "codec"),
                             ("libdeflate.h", "codec"), ("libpsl.h", "auth")]:
            self.assert_passes("lib/%s/a.cc" % home, "#include <%s>" % header)
            self.assert_refused("lib/registry/a.cc", "#include <%s>" % header, "not used here")
        self.assert_passes("tools/davit/main.cc", "#include <CLI/CLI.hpp>")
        self.assert_refused("lib/client/a.cc", "#include <CLI/CLI.hpp>", "not used here")

    def test_json_stays_in_source_files(self):
        self.assert_passes("lib/model/a.cc", "#include <nlohmann/json.hpp>")
        self.assert_passes("lib/model/a.h", "#include <nlohmann/json_fwd.hpp>")
        self.assert_refused("lib/model/a.h", "#include <nlohmann/json.hpp>", ".cc files")

    def test_public_headers(self):
        self.assert_passes("lib/include/davit/a.h", "#include <vector>\n#include <davit/error.h>")
        self.assert_refused("lib/include/davit/a.h", "#include <unistd.h>", "public header")
        self.assert_refused("lib/include/davit/a.h", '#include "base/clock.h"', "public header")

    def test_tools_use_public_headers_only(self):
        self.assert_passes("tools/davit/a.cc", '#include "ui/progress_line.h"\n#include <davit/client.h>')
        self.assert_refused("tools/davit/a.cc", '#include "base/try.h"', "public headers only")

    def test_namespaces_follow_folders(self):
        self.assert_passes("lib/net/a.cc", "namespace davit::net {\n}\nnamespace davit {\n}")
        self.assert_passes("tools/davit/a.cc", "namespace davit::tool {")
        self.assert_refused("lib/net/a.cc", "namespace davit::auth {", "follow folders")
        declaration = "namespace davit::%s {\nclass One;\nstruct Two;\n}  // namespace"
        self.assert_passes("lib/auth/a.h", declaration % "net")
        self.assert_refused("lib/net/a.h", declaration % "auth", "follow folders")
        self.assert_refused("lib/auth/a.h", "namespace davit::net {\nclass One {};\n}", "follow folders")

    def test_long_files_say_why(self):
        self.assert_passes("lib/net/a.cc", "\n" * 799)
        self.assert_refused("lib/net/a.cc", "\n" * 800, "801 lines")
        self.assert_passes("lib/net/a.cc", "// This is over 800 lines because it is a table." + "\n" * 900)

    def test_unfinished_work_has_an_issue_number(self):
        self.assert_passes("tests/unit/a.cc", "// %s(#12): more" % UNFINISHED)
        self.assert_refused("tests/unit/a.cc", "// %s: more" % UNFINISHED, "unfinished")
        self.assert_passes("lib/io/a.cc", 'auto name = "davit-XXXXXX";')

    def test_every_test_is_run(self):
        found = self.problems("tests/unit/some_test.cc", "")
        self.assertIn("nobody runs", found[0])

    def test_names_of_tests_survive_ctest(self):
        self.assert_passes("tests/unit/a.cc", 'TEST_CASE("one, and two: fine") {')
        self.assert_refused("tests/unit/a.cc", 'TEST_CASE("one; two") {', "CTest")

    def test_names_that_say_nothing(self):
        self.assert_refused("lib/net/string_utils.cc", "", "says nothing")
        self.assert_passes("lib/net/commonest.cc", "")


if __name__ == "__main__":
    unittest.main()
