"""Help, version, and what is said to people who typed something else."""

import signal
import stat

from words import *


COMMANDS = ("push", "pull", "copy", "index", "inspect", "manifest", "config", "digest", "blob", "tree", "validate", "cat", "diff", "export", "ls", "tag", "delete",
            "attach", "discover", "login", "logout", "auth", "ecr", "doctor", "serve", "version")


class Usage(Case):
    def test_help_goes_to_stdout_and_names_every_command(self):
        for arguments in (["--help"], ["-h"]):
            result = davit(*arguments)
            self.assert_code(result, 0)
            self.assertEqual(result.stderr, "")
            for command in COMMANDS:
                self.assertIn(f"\n  {command} ", result.stdout)

    def test_every_command_has_help(self):
        for command in COMMANDS:
            result = davit(command, "--help")
            self.assert_code(result, 0)
            self.assertIn("Usage:", result.stdout)

    def test_help_names_every_long_option_that_the_manual_has(self):
        with open(os.path.join(os.environ["DAVIT_SOURCE"], "docs/man/davit.1")) as manual:
            text = manual.read().replace("\\-", "-")
        named = set(re.findall(r"--[a-z]+[a-z-]*", text))
        self.assertIn("--digest-file", named)
        named.discard("--delay-directory-restore")  # GNU tar's
        shown = "".join(command.text for command in commands().values())
        self.assertEqual([option for option in sorted(named) if option not in shown], [])

    def test_version(self):
        for arguments in (["version"], ["--version"]):
            result = davit(*arguments)
            self.assert_code(result, 0)
            self.assertRegex(result.stdout, r"\Adavit [0-9]+\.[0-9]+\.[0-9]+")

    def test_without_a_command_the_exit_code_is_64(self):
        self.assert_code(davit(), 64)

    def test_wrong_words_exit_64_and_say_where_help_is(self):
        for arguments in (["puhs"], ["push"], ["push", SIMPLE], ["push", "--no-such-option", SIMPLE, f"{REGISTRY}/a:1"],
                          ["push", SIMPLE, f"{REGISTRY}/a:1", "--jobs", "many"], ["push", SIMPLE, f"{REGISTRY}/a:1", "--jobs", "0"],
                          ["push", SIMPLE, f"{REGISTRY}/a:1", "--compress", "lzma"],
                          ["push", SIMPLE, f"{REGISTRY}/a:1", "--compress", "zstd:20"],
                          ["push", SIMPLE, f"{REGISTRY}/a:1", "--recompress", "--compress", "keep"],
                          ["push", SIMPLE, f"{REGISTRY}/a:1", "--recompress", "--preserve-digests"],
                          ["push", SIMPLE, f"{REGISTRY}/a:1", "--compress", "gzip", "--dest-compress-format", "zstd"],
                          ["push", SIMPLE, f"{REGISTRY}/a:1", "--timeout", "soon"],
                          ["push", SIMPLE, f"{REGISTRY}/a:1", "--limit-rate", "fast"],
                          ["push", SIMPLE, f"{REGISTRY}/a:1", "--oci", "--docker"]):
            with self.subTest(arguments=arguments):
                result = davit(*arguments)
                self.assert_code(result, 64)
                self.assertEqual(result.stdout, "")
                self.assertTrue(result.stderr.startswith("davit: "), result.stderr)

    def test_a_digest_that_is_missing_behind_its_at_sign_is_said_to_be(self):
        name = f"{REGISTRY}/app@"
        for arguments in (["inspect", name], ["delete", name], ["index", "create", name, SIMPLE], ["push", SIMPLE, name], ["attach", name, "--type", "a/b", SIMPLE]):
            with self.subTest(arguments=arguments):
                result = davit(*arguments)
                self.assert_code(result, 64)
                self.assertIn("the digest behind it is missing", result.stderr)
                self.assertNotIn("credentials", result.stderr)

    def test_a_command_that_does_not_exist_is_named_with_the_one_that_was_meant(self):
        for arguments, said in ((["plush"], "no command 'plush'; did you mean 'push'?"), (["puhs", SIMPLE], "no command 'puhs'; did you mean 'push'?"),
                                (["docter"], "no command 'docter'; did you mean 'doctor'?"), (["frobnicate", "a", "b"], "no command 'frobnicate'\n"),
                                (["ecr", "craete", "ecr:a"], "ecr: no command 'craete'; did you mean 'create'?"),
                                (["auth", "tokne"], "auth: no command 'tokne'; did you mean 'token'?")):
            with self.subTest(arguments=arguments):
                result = davit(*arguments)
                self.assert_code(result, 64)
                self.assertTrue(result.stderr.startswith("davit: " + said), result.stderr)
                self.assertIn("--help", result.stderr)

    def test_a_flag_that_is_neither_true_nor_false_is_named(self):
        image = f"{REGISTRY}/flags:1"
        large = "9" * 20
        for flag in ("--resume=maybe", "--no-resume=maybe", f"--no-resume={large}", "--tls-verify=maybe", "--src-tls-verify=maybe", "--all=maybe",
                     "--recompress=maybe", f"--verbose={large}", "--password-stdin=MARKED"):
            with self.subTest(flag):
                result = davit("copy", SIMPLE, image, flag)
                self.assert_code(result, 64)
                self.assertTrue(result.stderr.startswith(f"davit: {flag.split('=')[0]}: wants true"), result.stderr)
                self.assertNotIn("MARKED", result.stderr)
        for name, value in (("TLS_VERIFY", "maybe"), ("VERBOSE", large), ("RESUME", "maybe"), ("NO_RESUME", large), ("NO_SYNC", "maybe")):
            with self.subTest(name):
                result = davit("copy", SIMPLE, image, environment={"DAVIT_" + name: value})
                self.assert_code(result, 64)
                self.assertRegex(result.stderr, f"--{name.lower().replace('_', '-')}: wants true.*DAVIT_{name}")
        for name in ("SCAN", "NO_SCAN", "MUTABLE"):
            result = davit("ecr", "create", "ecr:a", environment={"DAVIT_" + name: "maybe"})
            self.assertIn(f"DAVIT_{name} is set", result.stderr)
        self.assert_line(davit("copy", SIMPLE, image, "--recompress=off", "-vv", "--oci=0", environment={"DAVIT_VERBOSE": "2"}), "flags:1")

    def test_a_run_that_may_not_be_resumed_leaves_nothing_whichever_way_it_is_said(self):
        self.assert_code(davit("push", "-q", write_image("slow", os.urandom(4 << 20)), f"{REGISTRY}/slow:1"), 0)
        for number, (flags, environment, kept) in enumerate((
                ([], {}, True), ([], {"DAVIT_NO_RESUME": "1"}, False), ([], {"DAVIT_RESUME": "false"}, False), (["--no-resume"], {}, False),
                (["--resume"], {"DAVIT_NO_RESUME": "1"}, True), (["--no-resume", "--resume"], {}, True), (["--resume", "--no-resume"], {}, False),
                ([], {"DAVIT_NO_RESUME": "0"}, True))):
            with self.subTest(flags=flags, environment=environment):
                folder = os.path.join(SCRATCH, f"slow-{number}")
                os.mkdir(folder)
                process = start("pull", "-q", "--limit-rate", "256K", *flags, f"{REGISTRY}/slow:1", "slow.tar", cwd=folder, environment=environment)
                written = lambda: sum(os.stat(os.path.join(at, name)).st_blocks for at, _, names in os.walk(folder) for name in names)
                wait_until(lambda: written() > 256 or process.poll() is not None)
                process.send_signal(signal.SIGINT)
                process.communicate(timeout=20)
                self.assertEqual(process.returncode, -signal.SIGINT)
                self.assertEqual(os.listdir(folder), ["slow.tar.davit-partial"] if kept else [])

    def test_platforms_in_the_words_of_skopeo(self):
        self.assert_code(davit("push", "-q", SIMPLE, f"{REGISTRY}/platform:1"), 0)
        for flags, wanted in ((["--override-arch", "s390x"], "linux/s390x"), (["--override-os", "windows"], "windows/"),
                              (["--override-os", "windows", "--override-arch", "arm64"], "windows/arm64"),
                              (["--override-arch", "arm", "--override-variant", "v6", "--multi-arch", "system"], "linux/arm/v6")):
            for command in (["push", SIMPLE, f"{REGISTRY}/other:1"], ["copy", SIMPLE, f"{REGISTRY}/other:1"],
                            ["pull", f"{REGISTRY}/platform:1", os.path.join(SCRATCH, "other.tar")]):
                with self.subTest(command=command[0], flags=flags):
                    result = davit(*command, *flags)
                    self.assert_code(result, 2)
                    self.assertIn("not for " + wanted, result.stderr)
        for flags in (["--multi-arch", "all"], ["--all-platforms"], ["--override-os", "linux", "--override-arch", "amd64"]):
            self.assert_line(davit("push", SIMPLE, f"{REGISTRY}/platform:2", *flags), "platform:2")
        for flags, said in ((["--multi-arch", "index-only"], "--multi-arch index-only"), (["--multi-arch", "some"], "--multi-arch some"),
                            (["--override-os", "linux", "-p", "linux/amd64"], "--platform"), (["--override-os", "a/b"], "--override-os"),
                            (["--override-os", "linux", "--multi-arch", "all"], "--multi-arch all")):
            with self.subTest(flags=flags):
                result = davit("push", SIMPLE, f"{REGISTRY}/platform:3", *flags)
                self.assert_code(result, 64)
                self.assertIn(said, result.stderr)
        self.assertNotIn("override", davit("push", "--help").stdout)

    def test_wrong_values_are_named_with_their_option(self):
        for flags, said in ((["--compress", "zstd:99"], "--compress zstd:99: "), (["--compress", "zstd:chunked"], "--compress zstd:chunked: "),
                            (["--dest-compress-level", "99"], "--dest-compress-level 99: "), (["--format", "v2s1"], "--format v2s1: "),
                            (["--exit-code"], "--exit-code ")):
            with self.subTest(flags=flags):
                result = davit("push", SIMPLE, f"{REGISTRY}/wrong:1", *flags)
                self.assert_code(result, 64)
                self.assertTrue(result.stderr.startswith("davit: " + said), result.stderr)
                self.assertIsNone(digest_of("wrong:1"))
        self.assertIn("zstd 1 to 19", davit("push", SIMPLE, f"{REGISTRY}/wrong:1", "--compress", "zstd:99").stderr)

    def test_a_digest_file_that_cannot_be_written_is_said_before_the_work(self):
        for path in (os.path.join(SCRATCH, "not-there/digest"), SCRATCH):
            result = davit("push", SIMPLE, f"{REGISTRY}/unsaid:1", "--digest-file", path)
            self.assert_code(result, 8)
            self.assertIn("--digest-file", result.stderr)
            self.assertIsNone(digest_of("unsaid:1"))
        self.assert_line(davit("push", SIMPLE, f"{REGISTRY}/unsaid:1", "--digest-file", "/dev/null"), "unsaid:1")
        self.assert_code(davit("push", SIMPLE, f"{REGISTRY}/unsaid:1", "--digest-file", "digest", cwd=SCRATCH), 0)

    def test_a_registry_without_tls_is_told_apart_with_the_flag_that_helps(self):
        result = davit("push", SIMPLE, f"{REGISTRY}/tls:1", "--tls-verify=true", "--retries", "1")
        self.assert_code(result, 6)
        self.assertIn("--plain-http", result.stderr)

    def test_an_option_that_does_not_exist_is_named_with_the_one_that_was_meant(self):
        image = f"{REGISTRY}/a:1"
        for arguments, said in ((["pull", image, "--platfrom", "linux/amd64"], "pull: no option '--platfrom'; did you mean '--platform'?"),
                                (["push", SIMPLE, image, "--frobnicate=yes"], "push: no option '--frobnicate'\n"),
                                (["--config", "x", "pull", image], "pull: '--config' stands before the command, and belongs behind it\nhint: write davit pull --config\n"),
                                (["ecr", "create", image, "--regoin", "x"], "ecr create: no option '--regoin'; did you mean '--region'?"),
                                (["pull", image, "-o", "a.tar"], "pull: no option '-o'\nhint: the file is the second argument: davit pull REFERENCE FILE.tar"),
                                (["pull", image, "--output=a.tar"], "pull: no option '--output'\nhint: the file is the second"),
                                (["index", "create", "--nope"], "index create: no option '--nope'\n"),
                                (["inspect", "--nope"], "inspect: no option '--nope'\n"),
                                (["inspect", "-q"], "REF is required\n"),
                                (["pull", image, "a.tar", "b.tar"], "pull: more arguments than it takes\n")):
            with self.subTest(arguments=arguments):
                result = davit(*arguments)
                self.assert_code(result, 64)
                self.assertTrue(result.stderr.startswith("davit: " + said), result.stderr)

    def test_words_of_docker_have_their_counterparts(self):
        for word, line in (("save", "davit pull REFERENCE FILE.tar"), ("load", "davit push FILE.tar REFERENCE")):
            result = davit(word, "app:1")
            self.assert_code(result, 64)
            self.assertIn(line, result.stderr)

    def test_latest_that_was_not_written_is_named_where_it_is_missing(self):
        for command, destination in (("pull", "a.tar"), ("copy", f"{REGISTRY}/b:1")):
            result = davit(command, f"{REGISTRY}/nothing-there", destination, cwd=SCRATCH)
            self.assert_code(result, 2)
            self.assertIn("no tag was written, so latest was looked for", result.stderr)
            result = davit(command, f"{REGISTRY}/nothing-there:latest", destination, cwd=SCRATCH)
            self.assert_code(result, 2)
            self.assertNotIn("no tag was written", result.stderr)

    def test_a_device_is_not_replaced_by_a_file(self):
        self.assert_code(davit("push", "-q", SIMPLE, f"{REGISTRY}/device:1"), 0)
        pipe = os.path.join(SCRATCH, "pipe")
        os.mkfifo(pipe)
        for output in (pipe, "docker-archive:" + pipe, "oci-archive:" + pipe):
            result = davit("pull", f"{REGISTRY}/device:1", output)
            self.assert_code(result, 64)
            self.assertRegex(result.stderr, f"davit pull {REGISTRY}/device:1 (oci-archive:)?- > {pipe}\n")
        self.assertTrue(stat.S_ISFIFO(os.stat(pipe).st_mode))

    def test_row_20_a_password_in_a_reference_or_behind_a_mistyped_flag_is_not_repeated(self):
        for arguments in ([SIMPLE, f"joe:MARKED@{REGISTRY}/a:1"], [SIMPLE, f"http://joe:MARKED@{REGISTRY}/a:1"],
                          [f"joe:MARKED@{REGISTRY}/a:1", f"{REGISTRY}/a:2"], [SIMPLE, f"{REGISTRY}/a:1", "--registry-tokn=MARKED"],
                          [f"{REGISTRY}/a:1", f"joe:MARKED@{REGISTRY}/a.tar"]):
            result = davit("push", *arguments)
            self.assert_code(result, 64)
            self.assertNotIn("MARKED", result.stdout + result.stderr)
        for arguments in (["login", f"joe:MARKED@{REGISTRY}"], ["login", f"joe:pa/MARKED@{REGISTRY}"], ["logout", f"joe:pa/MARKED@{REGISTRY}"]):
            result = davit(*arguments, *(["-u", "joe", "--password-stdin"] if arguments[0] == "login" else []), given="x\n")
            self.assert_code(result, 64)
            self.assertNotIn("MARKED", result.stdout + result.stderr)
        for registry in (f"joe:MARKED@{REGISTRY}", f"MARKED@{REGISTRY}", f"https://joe:pa/MARKED@{REGISTRY}"):
            for command in (["auth", "token"], ["ecr", "create"], ["ecr", "check"], ["doctor"]):
                with self.subTest(command=command, registry=registry):
                    result = davit(*command, registry)
                    self.assertNotEqual(result.returncode, 0)
                    self.assertNotIn("MARKED", result.stdout + result.stderr)
        for arguments in ([f"{REGISTRY}/a:1", f"joe:MARKED@{REGISTRY}/a"], [f"{REGISTRY}/a:1", f"docker://joe:MARKED@{REGISTRY}/a"],
                          [f"{REGISTRY}/a:1", f"joe:MARKED@{REGISTRY}/a/"], [f"joe:MARKED@{REGISTRY}/a.tar", "a.tar"],
                          [f"{REGISTRY}/a:1", "a.tar", "--src-cred", "joe:MARKED"]):
            for command in ("pull", "copy"):
                with self.subTest(command=command, arguments=arguments):
                    result = davit(command, *arguments, cwd=SCRATCH)
                    self.assert_code(result, 64)
                    self.assertNotIn("MARKED", result.stdout + result.stderr)

    def test_options_that_may_be_repeated(self):
        result = davit("push", SIMPLE, f"{REGISTRY}/repeated:1", "-t", "2", "--tag", "3", "--reuse-from", "a", "--reuse-from", "b",
                       "--allow-realm", "a.example", "--allow-realm", "b.example")
        self.assert_line(result, "repeated:3")
        self.assertEqual(digest_of("repeated:2"), digest_of("repeated:1"))

    def test_a_closed_standard_input_is_an_error_and_no_wait(self):
        close = lambda: os.close(0)
        self.assert_code(davit("push", "-", f"{REGISTRY}/a:1", stdin=None, preexec_fn=close), 8)
        self.assert_code(davit("login", REGISTRY, "-u", "joe", "--password-stdin", stdin=None, preexec_fn=close), 8)

    def test_an_ambiguous_flag_names_both_spellings(self):
        result = davit("push", "--insecure", SIMPLE, f"{REGISTRY}/a:1")
        self.assert_code(result, 64)
        self.assertIn("--plain-http", result.stderr)
        self.assertIn("--tls-verify=false", result.stderr)

    def test_an_ambiguous_flag_names_both_spellings_in_every_command_that_talks_to_registries(self):
        image = f"{REGISTRY}/a:1"
        for words in (("pull", image), ("copy", image, f"{REGISTRY}/b:1"), ("index", "create", image, SIMPLE), ("index", "ls", image), ("inspect", image),
                      ("manifest", image), ("config", image), ("digest", image), ("blob", image, "sha256:" + 64 * "0"), ("tree", image), ("validate", image),
                      ("cat", image, "etc/passwd"), ("export", image), ("diff", image, image), ("ls", image), ("tag", image, "2"), ("delete", image),
                      ("attach", image, SIMPLE, "--type", "x/y"), ("discover", image), ("append", image, "-f", SIMPLE), ("mutate", image, "--user", "joe"),
                      ("rebase", image), ("flatten", image), ("doctor", image), ("ecr", "whoami"),
                      ("login", REGISTRY, "-u", "joe", "--password-stdin")):
            with self.subTest(words=words):
                result = davit(*words, "--insecure", given="secret" if words[0] == "login" else None)
                self.assert_code(result, 64)
                self.assertIn("--plain-http", result.stderr)
                self.assertIn("--tls-verify=false", result.stderr)

    def test_an_empty_platform_is_none(self):
        for words in (("pull", f"{REGISTRY}/a:1"), ("inspect", SIMPLE), ("append", SIMPLE, "oci:out", "-f", SIMPLE)):
            result = davit(*words, "-p", "")
            self.assert_code(result, 64)
            self.assertIn("--platform", result.stderr)

    def test_one_configuration_is_not_that_of_two_platforms(self):
        result = davit("config", SIMPLE, "-p", "linux/amd64", "-p", "linux/arm64")
        self.assert_code(result, 64)
        self.assertIn("--platform linux/amd64", result.stderr)

    def test_standard_input_is_read_once(self):
        result = davit("diff", "-", "-", given="")
        self.assert_code(result, 64)
        self.assertIn("standard input", result.stderr)

    def test_a_misspelt_word_about_an_image_of_an_index_is_named(self):
        for word, right in (("platfrm=linux/amd64", "platform="), ("anotation=a=b", "annotation=")):
            for source in (SIMPLE + "," + word, SIMPLE + ",platform=linux/amd64," + word):
                result = davit("index", "create", f"{REGISTRY}/misspelt:1", source)
                self.assert_code(result, 64)
                self.assertIn(word.partition("=")[0], result.stderr.splitlines()[0])
                self.assertIn(right, result.stderr.splitlines()[1])

    def test_bad_references_exit_64(self):
        for reference in ("UPPER/a:1", f"{REGISTRY}/a:", f"{REGISTRY}/A:1", f"{REGISTRY}/a/../b:1", f"{REGISTRY}/a@sha256:12", f"{REGISTRY}/a:1\nX: y"):
            with self.subTest(reference=reference):
                self.assert_code(davit("push", SIMPLE, reference), 64)

    def test_reversed_arguments_exit_64_with_the_corrected_line(self):
        reference = f"{REGISTRY}/reversed:1"
        result = davit("push", reference, SIMPLE)
        self.assert_code(result, 64)
        self.assertIn(f"davit push {SIMPLE} {reference}", result.stderr)
        result = davit("push", reference, "not-there.tar")
        self.assert_code(result, 64)
        self.assertIn(f"davit pull {reference} not-there.tar", result.stderr)
        self.assertIsNone(digest_of("reversed:1"))

    def test_arguments_of_other_commands_look_reversed_too(self):
        image = f"{REGISTRY}/reversed:1"
        for words, line in ((("index", "create", SIMPLE, image), f"davit index create {image} {SIMPLE}"),
                            (("index", "create", SIMPLE, "other.tar", image), f"davit index create {image} {SIMPLE} other.tar"),
                            (("attach", SIMPLE, image, "--type", "x/y"), f"davit attach {image} --type x/y {SIMPLE}"),
                            (("attach", "sbom.json", image, "--type", "x/y"), f"davit attach {image} --type x/y sbom.json"),
                            (("export", SIMPLE, image), f"davit export {image} {SIMPLE}"),
                            (("cat", "/etc/os-release", image), f"davit cat {image} /etc/os-release"),
                            (("cat", "etc/os-release", image), f"davit cat {image} etc/os-release"),
                            (("append", SIMPLE, image), f"davit append {image} --layer {SIMPLE}"),
                            (("append", SIMPLE, "-f", image), f"davit append {image} --layer {SIMPLE}")):
            with self.subTest(words=words):
                result = davit(*words)
                self.assert_code(result, 64)
                self.assertIn("reversed", result.stderr)
                self.assertIn(line + "\n", result.stderr)
        self.assertIsNone(digest_of("reversed:1"))

    def test_append_wants_a_layer(self):
        result = davit("append", SIMPLE, "oci:out")
        self.assert_code(result, 64)
        self.assertIn("--layer", result.stderr)

    def test_a_destination_without_tag_and_an_archive_with_several_names_exit_64(self):
        result = davit("push", os.path.join(FIXTURES, "three_images.tar"), f"{REGISTRY}/three")
        self.assert_code(result, 64)

    def test_a_flag_can_be_set_in_the_environment_and_beats_it(self):
        result = davit("push", SIMPLE, f"{REGISTRY}/environment:1", environment={"DAVIT_TAG": "2"})
        self.assert_line(result, "environment:2")
        result = davit("push", SIMPLE, f"{REGISTRY}/environment:1", environment={"DAVIT_COMPRESS": "lzma"})
        self.assert_code(result, 64)
        result = davit("push", SIMPLE, f"{REGISTRY}/environment:1", "--compress", "gzip", environment={"DAVIT_COMPRESS": "lzma"})
        self.assert_line(result, "environment:1")

    def test_every_option_has_its_variable(self):
        # A further tag in a copy and a destination here; what the registry plays, not whom davit talks to; what is typed or handed over.
        others = {"--config", "--help", "--version", "append --tag", "mutate --tag", "rebase --tag", "flatten --tag", "serve --account",
                  "serve --region", "login --password", "login --password-stdin"}
        share = os.path.join(SCRATCH, "variables")
        self.assert_code(davit("generate", share, os.path.join(os.environ["DAVIT_SOURCE"], "docs/man/davit.1")), 0)
        missing = set()
        for path, command in commands().items():
            with open(os.path.join(share, "man/man1", command.page)) as page:
                text = re.sub(r"\\f[BIR]", "", page.read()).replace("\\-", "-").partition(".SH OPTIONS")[2]
            for option, body in re.findall(r"^\.TP\n(?:-\w, )?(--[a-z-]+)(.*(?:\n(?!\.TP).*)*)", text, re.M) if path else ():
                named = " ".join((*path, option))
                if "Environment: DAVIT_" + option[2:].replace("-", "_").upper() not in body and not {option, named} & others:
                    missing.add(named)
        self.assertEqual(missing, set())

    def test_what_a_variable_says_is_done(self):
        archive, layer = os.path.join(SCRATCH, "edited.tar"), os.path.join(SCRATCH, "variable.tar")
        with tarfile.open(layer, "w") as tar:
            tar.addfile(tarfile.TarInfo("new"))
        said = lambda: json.loads(davit("config", archive).stdout)
        variables = {"DAVIT_LABEL": "a=1", "DAVIT_ENV": "B=2", "DAVIT_CMD": "c,d", "DAVIT_ENTRYPOINT": '["e"]', "DAVIT_USER": "u", "DAVIT_WORKDIR": "/w",
                     "DAVIT_EXPOSED_PORTS": "80", "DAVIT_CREATED": "2024-05-01", "DAVIT_SET_PLATFORM": "linux/s390x"}
        self.assert_code(davit("mutate", SIMPLE, archive, environment=variables), 0)
        config = said()
        settings = config["config"]
        self.assertEqual((settings["Labels"]["a"], settings["Cmd"], settings["Entrypoint"], settings["User"], settings["WorkingDir"]),
                         ("1", ["c", "d"], ["e"], "u", "/w"))
        self.assertIn("B=2", settings["Env"])
        self.assertEqual((settings["ExposedPorts"], config["created"], config["architecture"]), ({"80/tcp": {}}, "2024-05-01T00:00:00Z", "s390x"))
        self.assert_code(davit("mutate", SIMPLE, archive, "--cmd", "typed", environment=variables), 0)
        self.assertEqual(said()["config"]["Cmd"], ["typed"])
        self.assert_code(davit("append", SIMPLE, archive, environment={"DAVIT_LAYER": layer}), 0)
        self.assertEqual(said()["history"][-1]["created_by"], "davit append")
        based = davit("rebase", archive, archive, environment={"DAVIT_OLD_BASE": "old.tar", "DAVIT_NEW_BASE": "new.tar"})
        self.assertIn("old base: open old.tar", based.stderr)
        blob = lambda *flags, **variables: davit("blob", archive, "sha256:" + hashlib.sha256(davit("config", archive).stdout.encode()).hexdigest(),
                                                 *flags, environment=variables).stdout
        whole = blob()
        self.assertEqual((blob(DAVIT_RANGE="1-3"), blob("--offset", "2", "--length", "2", DAVIT_RANGE="1-3")), (whole[1:4], whole[2:4]))
        self.assertEqual(blob("--range", "0-1", DAVIT_OFFSET="4"), whole[:2])

    def test_a_folder_is_not_called_a_file(self):
        os.makedirs(os.path.join(SCRATCH, "some.folder"), exist_ok=True)
        for name in ("oci:D:1", os.path.join(SCRATCH, "some.folder")):
            result = davit("attach", name, "--type", "a/b", SIMPLE)
            self.assert_code(result, 64)
            self.assertIn(f'"{name}": a folder, and this is about images in registries', result.stderr)
        self.assertIn(": a file, and", davit("attach", "docker-archive:x.tar", "--type", "a/b", SIMPLE).stderr)

    def test_a_flag_beats_what_the_environment_says_with_another_flag(self):
        for name, given, environment in (("env-gzip", ["--dest-compress-format", "gzip"], {"DAVIT_COMPRESS": "zstd"}),
                                         ("env-level", ["--dest-compress-format", "gzip", "--dest-compress-level", "12"], {"DAVIT_COMPRESS": "zstd:19"}),
                                         ("env-anew", ["--recompress"], {"DAVIT_COMPRESS": "keep"}),
                                         ("env-keep", ["--compress", "keep"], {"DAVIT_RECOMPRESS": "true"})):
            with self.subTest(name):
                self.assert_line(davit("push", SIMPLE, f"{REGISTRY}/{name}:1", *given, environment=environment), f"{name}:1")
        result = davit("push", SIMPLE, f"{REGISTRY}/a:1", environment={"DAVIT_COMPRESS": "keep", "DAVIT_RECOMPRESS": "true"})
        self.assert_code(result, 64)

    def test_credentials_for_a_push_are_used_though_a_folder_has_the_name(self):
        os.makedirs(os.path.join(SCRATCH, "here/team/app"))
        asked = []
        refuse = lambda authorization: asked.append(authorization) or 401
        with answering(refuse, headers={"WWW-Authenticate": 'Basic realm="here"'}) as proxy:
            for command in (["push", SIMPLE, "team/app"], ["doctor", "team/app"], ["doctor", "docker.io"]):
                with self.subTest(command):
                    asked.clear()
                    result = davit(*command, "--creds", "joe:x", "--plain-http", cwd=os.path.join(SCRATCH, "here"),
                                   environment={"HTTP_PROXY": f"http://{proxy}", "http_proxy": f"http://{proxy}"})
                    self.assert_code(result, 3)
                    self.assertIn("Basic am9lOng=", asked)

    def test_credentials_that_are_for_no_registry_are_not_dropped_in_silence(self):
        with open(os.path.join(SCRATCH, "word"), "wb") as out, open(SIMPLE, "rb") as image:
            out.write(image.read())
        for flags in (["--src-creds", "joe:x"], ["--src-registry-token", "x"]):
            result = davit("copy", "word", f"{REGISTRY}/word:1", *flags, cwd=SCRATCH)
            self.assert_code(result, 64)
            self.assertIn("no argument names a registry", result.stderr)
            self.assertIn("docker.io/team/app", result.stderr)
        result = davit("copy", "word", f"{REGISTRY}/word:1", cwd=SCRATCH, environment={"DAVIT_SRC_CREDS": "joe:x"})
        self.assert_line(result, "word:1")
        # What cannot be a name at all is said instead.
        result = davit("push", SIMPLE, f"{REGISTRY}/A:1", "--creds", "joe:x")
        self.assertIn("lower case", result.stderr)

    def test_a_name_that_ends_like_an_archive_and_is_no_file(self):
        result = davit("pull", "r.example.com/team/app.tar", cwd=SCRATCH)
        self.assert_code(result, 64)
        self.assertIn("docker://r.example.com/team/app.tar", result.stderr)
        self.assertNotIn("there is a file", result.stderr)
        self.assert_code(davit("push", "build.d/app.tar", f"{REGISTRY}/a:1", cwd=SCRATCH), 8)
