"""The manual pages that are installed beside the command, as the command writes them."""

import shutil

from words import *

SHARE = os.path.join(SCRATCH, "share")
PAGES = os.path.join(SHARE, "man/man1")
OWN = os.path.join(os.environ["DAVIT_SOURCE"], "docs/man/davit.1")


def plain(path):
    with open(os.path.join(PAGES, path)) as file:
        return re.sub(r"\\f[BIR]", "", file.read()).replace("\\-", "-")


class Manual(Case):
    @classmethod
    def setUpClass(cls):
        assert davit("generate", SHARE, OWN).returncode == 0

    def test_every_command_has_a_page_and_there_are_no_others(self):
        self.assertEqual(sorted(os.listdir(PAGES)), sorted(command.page for command in commands().values()))

    def test_every_option_of_the_help_is_in_the_page_with_its_variable(self):
        for path, command in commands().items():
            if path == ():
                continue
            tags = set(re.findall(r"^\.TP\n(.*)", plain(command.page), re.M))
            named = {name for tag in tags for name in re.findall(r"(?<!\S)--?[A-Za-z][a-z-]*", tag)}
            self.assertLessEqual(command.options, named, command.page)
        self.assertRegex(plain("davit-push.1"), r"\n\.TP\n-p, --platform OS/ARCH.*\n.*\nEnvironment: DAVIT_PLATFORM\.\n")
        self.assertIn("Also --image-parallel-copies, --concurrency.", plain("davit-push.1"))

    def test_commands_are_listed_with_their_pages(self):
        for path, command in commands().items():
            for word in command.words:
                self.assertIn(command.page[:-2] + f"-{word}(1)", plain(command.page))
        self.assertIn(".SS Move images\n.TP\ndavit-push(1)\n", plain("davit.1"))
        self.assertIn("davit(1),\ndavit-index(1),\ndavit-index-add(1)", plain("davit-index-create.1"))

    def test_words_that_an_option_takes_are_told(self):
        self.assertIn("--reuse off|tag|repo|verified", plain("davit-copy.1"))
        self.assertIn("auto, bar, plain, json or none", plain("davit-copy.1"))

    def test_the_formatter_has_nothing_to_complain_about(self):
        run = lambda *line: subprocess.run(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env={**ENVIRONMENT, "MANROFFSEQ": ""})
        looked = 0
        for page in [os.path.join(PAGES, name) for name in os.listdir(PAGES)] + [OWN]:
            for line in (("groff", "-ww", "-man", "-Tutf8", page), ("man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", page)):
                if not shutil.which(line[0]):
                    continue
                looked += 1
                result = run(*line)
                self.assertEqual((result.returncode, result.stderr), (0, ""), page)
        if not looked:
            self.skipTest("neither groff nor man is here")

    def test_a_page_without_a_place_for_the_commands_is_refused(self):
        empty = os.path.join(SCRATCH, "empty.1")
        open(empty, "w").close()
        result = davit("generate", os.path.join(SCRATCH, "other"), empty)
        self.assert_code(result, 8)
        self.assertIn("empty.1", result.stderr)

    def test_a_folder_that_cannot_be_written_is_an_error(self):
        self.assert_code(davit("generate", "/dev/null/share"), 8)
