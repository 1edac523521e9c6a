#!/usr/bin/env python3
"""docs/faults.md and the tests name the same faults: a test file it lists exists and mentions the number, and every
number that a test or a comment mentions is listed. The last test below looks at this tree, the others at small ones."""
import os
import re
import tempfile
import unittest

LIST = "docs/faults.md"
ITSELF = "tests/arch/faults_test.py"
FOLDERS = ["lib", "tests", "tools"]
ENDINGS = (".cc", ".h", ".py", ".sh")

# "row 5", "rows 3 and 4", "row 51, row 52", "rows 101 to 113", "test_row_19_and_99_login", "rows_102_117_124".
NEXT = r"(?:, and |, | and | to |_and_|_to_|_)(?:rows? )?"
MENTION = re.compile(r"(?<![A-Za-z])rows?[ _]\d+(?:%s\d+)*" % NEXT, re.IGNORECASE)


def numbers(text):
    """The numbers of all faults that a text mentions."""
    found = set()
    for mention in MENTION.finditer(text):
        last = None
        for word, number in re.findall(r"( to |_to_)?(?:rows? )?(\d+)", mention.group()):
            found.update(range(last, int(number)) if word else ())
            last = int(number)
            found.add(last)
    return found


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


def listed(text):
    """From each number to its test files (none for what is not built yet), and what is wrong with the list itself."""
    files, problems = {}, []
    for line in text.splitlines():
        row = re.match(r"\| (\d+) \|", line)
        if row:
            entries = {int(row.group(1)): re.findall(r"`([^`]+)`", line.rstrip(" |").rpartition("|")[2])}
            if not entries[int(row.group(1))]:
                problems.append("%s: fault %s has no test" % (LIST, row.group(1)))
        elif line.startswith("Not yet:"):
            entries = {int(number): [] for number in re.findall(r"\d+", line)}
        else:
            continue
        problems += ["%s: fault %d is there twice" % (LIST, number) for number in entries if number in files]
        files.update(entries)
    return files, problems


def check(root):
    files, problems = listed(read(root, LIST))
    mentioned = {}
    for folder in FOLDERS:
        for where, _, names in os.walk(os.path.join(root, folder)):
            for name in names:
                path = os.path.relpath(os.path.join(where, name), root)
                if name.endswith(ENDINGS) and path != ITSELF:
                    mentioned[path] = numbers(read(root, path))
    for number, tests in sorted(files.items()):
        for test in tests:
            if "tests/" + test not in mentioned:
                problems.append("%s: fault %d: there is no tests/%s" % (LIST, number, test))
            elif number not in mentioned["tests/" + test]:
                problems.append("%s: fault %d: tests/%s does not mention it" % (LIST, number, test))
    for path, found in sorted(mentioned.items()):
        problems += ["%s: fault %d is not in %s" % (path, number, LIST) for number in sorted(found - files.keys())]
    return problems


class FaultsTest(unittest.TestCase):
    def problems(self, text, **files):
        with tempfile.TemporaryDirectory() as root:
            for path, content in [(LIST, text), *(("tests/%s.cc" % name, content) for name, content in files.items())]:
                os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
                with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                    file.write(content)
            return check(root)

    def test_mentions(self):
        for text, expected in [
                ('TEST_CASE("row 5: it breaks 3 times")', {5}), ("row 51, row 52: x", {51, 52}), ("rows 3 and 4: x", {3, 4}),
                ("(row 100, 104 to 107, 113)", {100, 104, 105, 106, 107, 113}), ("rows 1, 2, and 3", {1, 2, 3}),
                ("test_row_19_and_99_login", {19, 99}), ("test_rows_102_117_124_original", {102, 117, 124}),
                ("test_rows_24_to_26_hostile", {24, 25, 26}), ("test_row_121_sha512", {121}), ("// Row 7 of the list", {7}),
                ("arrow 5, throws 6, rows[7], row: 8, row.x = 9", set())]:
            self.assertEqual(numbers(text), expected, text)

    def test_what_agrees_passes(self):
        text = "| 1 | fault | answer | `a.cc`, `b.cc` |\n| 2 | fault | answer | `b.cc` |\n\nNot yet: 3, 4 (later).\n"
        self.assertEqual(self.problems(text, a='"row 1: x"', b='"rows 1 and 2: x"', c="// row 4"), [])

    def test_what_disagrees_is_found(self):
        row = "| 1 | fault | answer | `a.cc` |\n"
        for text, files, reason in [
                (row, {}, "there is no tests/a.cc"), (row, {"a": "row 11"}, "tests/a.cc does not mention it"),
                (row, {"a": "row 1, row 2"}, "tests/a.cc: fault 2 is not in"), (row + row, {"a": "row 1"}, "twice"),
                (row + "Not yet: 1.\n", {"a": "row 1"}, "twice"), ("| 1 | fault | answer | none |\n", {}, "has no test")]:
            self.assertIn(reason, "\n".join(self.problems(text, **files)))

    def test_this_tree(self):
        root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        self.assertEqual(check(root), [])


if __name__ == "__main__":
    unittest.main()
