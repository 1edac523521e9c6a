"""What somebody reads who does not know the command yet."""

from words import *


class Help(Case):
    def test_there_are_commands_and_options_to_look_at(self):
        self.assertLessEqual({(), ("push",), ("index", "create"), ("ecr", "check"), ("completion",)}, set(commands()))
        self.assertLessEqual({"-p", "--platform", "--compress", "--jobs", "-j", "-h", "--help"}, commands()[("push",)].options)

    def test_every_command_stands_in_the_list_with_one_line_and_below_a_heading(self):
        text = commands()[()].text
        self.assertNotIn("\nMore:\n", text)  # where a command is listed that tools/davit/words/headings.cc does not know
        for path, command in commands().items():
            if not command.words:
                continue
            listed = [line for line in command.text.split("\n") if re.match(r"  [a-z]+ ", line)]
            self.assertEqual([line.split()[0] for line in listed], command.words)
            for line in listed:
                self.assertRegex(line, r"^  [a-z]+ {2,}\S.*[^.]$")

    def test_a_command_of_its_own_comes_before_the_connection(self):
        headings = commands()[("push",)].headings
        self.assertLess(headings.index("Options"), headings.index("Output"))
        self.assertLess(headings.index("Output"), headings.index("Connection"))
        self.assertLess(headings.index("Connection"), headings.index("AWS"))

    def test_help_of_all_commands_is_whole_and_fits_into_eighty_columns(self):
        for path, command in commands().items():
            with self.subTest(path):
                name = " ".join(("davit",) + path)
                self.assertIn(f"\nUsage: {name} ", command.text)
                self.assertIn("--help", command.options)
                self.assertNotIn("TEXT", command.text)  # a value that nobody gave a name
                for line in command.text.split("\n"):
                    self.assertLessEqual(len(line), 80, line)

    def test_a_newcomer_sees_what_is_needed_and_what_may_be_left_out(self):
        self.assertIn("Usage: davit pull [options] REF [OUT]\n", commands()[("pull",)].text)
        self.assertIn("Usage: davit push [options] SRC DST...\n", commands()[("push",)].text)
        self.assertIn("Usage: davit index create [options] DST SRC...\n", commands()[("index", "create")].text)
        self.assertIn("Also:  davit cp\n", commands()[("copy",)].text)
        self.assertIn("(required)", commands()[("login",)].text)

    def test_help_command(self):
        self.assertEqual(davit("help").stdout, commands()[()].text)
        self.assertEqual(davit("help", "index", "rm").stdout, commands()[("index", "rm")].text)
        self.assertEqual(davit("help", "index", "remove").stdout, commands()[("index", "rm")].text)
        for words, said in ((["psuh"], "no command 'psuh'; did you mean 'push'?"), (["index", "crate"], "index: no command 'crate'; did you mean 'create'?"),
                            (["push", "index"], "davit push has no commands")):
            result = davit("help", *words)
            self.assert_code(result, 64)
            self.assertEqual(result.stdout, "")
            self.assertIn(said, result.stderr)

    def test_hidden_commands_and_spellings_of_other_tools_are_not_shown(self):
        everything = "".join(command.text for command in commands().values())
        for word in ("generate ", "docker-empty-base", "override-os", "--digestfile", "--retry-times"):
            self.assertNotIn(word, everything)
