"""What a push prints, and where."""

import signal

from support import *


class Output(Case):
    def test_stdout_is_the_reference_and_nothing_else(self):
        self.assert_line(davit("push", SIMPLE, f"{REGISTRY}/plain:1"), "plain:1")

    def test_the_result_can_be_assigned_in_a_shell(self):
        script = f'IMG=$("{DAVIT}" push "{SIMPLE}" "{REGISTRY}/shell:1") && printf %s "$IMG"'
        result = subprocess.run(["sh", "-c", script], env=ENVIRONMENT, capture_output=True, text=True, timeout=60)
        self.assert_code(result, 0)
        self.assertEqual(result.stdout, f"{REGISTRY}/shell@{digest_of('shell:1')}")

    def test_several_destinations_come_in_the_order_of_the_arguments(self):
        result = davit("push", SIMPLE, f"{REGISTRY}/second:1", f"{REGISTRY}/first:1")
        self.assert_code(result, 0)
        digest = digest_of("first:1")
        self.assertEqual(result.stdout, f"{REGISTRY}/second@{digest}\n{REGISTRY}/first@{digest}\n")

    def test_the_same_again_says_that_there_was_nothing_to_do(self):
        first = davit("push", SIMPLE, f"{REGISTRY}/again:1")
        second = davit("push", SIMPLE, f"{REGISTRY}/again:1")
        self.assert_line(second, "again:1")
        self.assertEqual(first.stdout, second.stdout)
        self.assertIn("nothing to do", second.stderr)
        self.assertNotIn("nothing to do", first.stderr)

    def test_json_is_one_object_per_destination(self):
        result = davit("push", "--json", SIMPLE, f"{REGISTRY}/json-a:1", f"{REGISTRY}/json-b:1,2")
        self.assert_code(result, 0)
        first, second = map(json.loads, result.stdout.splitlines())
        self.assertEqual(first["reference"], f"{REGISTRY}/json-a@{digest_of('json-a:1')}")
        self.assertEqual(second["tags"], ["1", "2"])
        self.assertFalse(first["unchanged"])
        self.assertGreater(first["blobs"]["sent"], 0)
        again = json.loads(davit("push", "--json", SIMPLE, f"{REGISTRY}/json-a:1").stdout)
        self.assertTrue(again["unchanged"])
        self.assertEqual(again["blobs"]["sent"], 0)

    def test_json_holds_the_failure_of_a_destination(self):
        result = davit("push", "--json", "--retries", "1", SIMPLE, f"{NOWHERE}/a:1", f"{REGISTRY}/json-c:1")
        self.assert_code(result, 7)
        failed, done = map(json.loads, result.stdout.splitlines())
        self.assertEqual(failed["error"]["code"], "unavailable")
        self.assertEqual(done["digest"], digest_of("json-c:1"))

    def test_digest_file(self):
        path = os.path.join(SCRATCH, "digest")
        self.assert_code(davit("push", "--digest-file", path, SIMPLE, f"{REGISTRY}/digest-file:1"), 0)
        with open(path) as file:
            self.assertEqual(file.read().strip(), digest_of("digest-file:1"))
        result = davit("push", "--digest-file", os.path.join(SCRATCH, "no/such/folder"), SIMPLE, f"{REGISTRY}/digest-file:1")
        self.assert_code(result, 8)

    def test_quiet_says_nothing_on_stderr(self):
        result = davit("push", "-q", SIMPLE, f"{REGISTRY}/quiet:1")
        self.assert_line(result, "quiet:1")
        self.assertEqual(result.stderr, "")

    def test_quiet_still_says_what_went_wrong(self):
        result = davit("push", "-q", "no-such-file.tar", f"{REGISTRY}/quiet:2")
        self.assert_code(result, 8)
        self.assertIn("no-such-file.tar", result.stderr)

    def test_progress_plain_has_a_line_at_the_start_and_one_at_the_end(self):
        result = davit("push", "--progress", "plain", SIMPLE, f"{REGISTRY}/progress-plain:1")
        self.assert_code(result, 0)
        lines = result.stderr.splitlines()
        self.assertIn("to send", lines[0])
        self.assertIn("sent", lines[-1])
        self.assertNotIn("\x1b", result.stderr)

    def test_a_progress_that_was_asked_for_is_there_in_spite_of_quiet(self):
        result = davit("push", "-q", "--progress", "plain", SIMPLE, f"{REGISTRY}/quiet-progress:1")
        self.assert_code(result, 0)
        self.assertIn("to send", result.stderr)

    def test_files_are_fetched_and_written(self):
        self.assert_code(davit("push", "-q", SIMPLE, f"{REGISTRY}/fetched:1"), 0)
        layout = os.path.join(SCRATCH, "fetched")
        result = davit("pull", f"{REGISTRY}/fetched:1", layout + "/")
        self.assertEqual(result.stdout, f"oci:{layout}@{digest_of('fetched:1')}\n")
        self.assertRegex(result.stderr, r"(?m)^3 blobs; 0 present, 3 to fetch, ")
        self.assertIn(f"oci:{layout}: wrote 3 blobs, ", result.stderr)
        result = davit("copy", SIMPLE, f"oci:{layout}-2/")
        self.assertIn(" to write, ", result.stderr.splitlines()[0])
        plan = davit("pull", "--dry-run", f"{REGISTRY}/fetched:1", layout + "-3/")
        self.assertIn(" to write, ", plan.stdout)
        self.assertNotIn("send", plan.stdout)
        self.assertNotIn("requests", plan.stdout)

    def test_progress_json_has_one_event_per_line(self):
        result = davit("push", "--progress", "json", SIMPLE, f"{REGISTRY}/progress-json:1")
        self.assert_code(result, 0)
        events = [json.loads(line)["event"] for line in result.stderr.splitlines()]
        self.assertEqual(events[0], "planned")
        self.assertEqual(events[-1], "delivered")

    def test_progress_json_has_failures_as_events(self):
        result = davit("copy", "--progress", "json", f"{REGISTRY}/no-such:1", f"{REGISTRY}/there:1")
        self.assert_code(result, 2)
        (event,) = [json.loads(line) for line in result.stderr.splitlines()]
        self.assertEqual((event["event"], event["error"]["code"]), ("failed", "not_found"))
        self.assertIn("no-such", event["error"]["message"])
        result = davit("push", "--progress", "json", "-q", SIMPLE, f"{REGISTRY}/fine:1", "localhost:9/x:1", "--retries", "1")
        self.assert_code(result, 7)
        events = [json.loads(line) for line in result.stderr.splitlines()]
        (event,) = [each for each in events if each["event"] == "failed"]
        self.assertEqual(event["destination"], "localhost:9/x")

    def test_quiet_leaves_notes_out(self):
        self.assert_code(davit("push", SIMPLE, f"{REGISTRY}/notes:1"), 0)
        told = davit("copy", "--oci", f"{REGISTRY}/notes:1", f"{REGISTRY}/notes:2")
        self.assertIn("note: ", told.stderr)
        quiet = davit("copy", "-q", "--oci", f"{REGISTRY}/notes:1", f"{REGISTRY}/notes:3")
        self.assertEqual((quiet.returncode, quiet.stderr), (0, ""))

    def test_progress_none(self):
        result = davit("push", "--progress", "none", SIMPLE, f"{REGISTRY}/progress-none:1")
        self.assert_line(result, "progress-none:1")
        self.assertEqual(result.stderr, "")

    def test_an_archive_from_a_pipe(self):
        with subprocess.Popen(["cat", SIMPLE], stdout=subprocess.PIPE) as cat:
            result = davit("push", "-", f"{REGISTRY}/pipe:1", given=cat.stdout)
            cat.stdout.close()
        self.assert_line(result, "pipe:1")
        davit("push", SIMPLE, f"{REGISTRY}/file:1")
        self.assertEqual(digest_of("pipe:1"), digest_of("file:1"))

    def test_dry_run_writes_nothing_and_says_what_would_happen(self):
        result = davit("push", "--dry-run", SIMPLE, f"{REGISTRY}/dry:1")
        self.assert_code(result, 0)
        self.assertIn("send", result.stdout)
        self.assertIsNone(digest_of("dry:1"))
        self.assert_code(davit("push", "--dry-run", "--exit-code", SIMPLE, f"{REGISTRY}/dry:1"), 10)
        davit("push", SIMPLE, f"{REGISTRY}/dry:1")
        self.assert_code(davit("push", "--dry-run", "--exit-code", SIMPLE, f"{REGISTRY}/dry:1"), 0)
        plan = json.loads(davit("push", "--dry-run", "--json", SIMPLE, f"{REGISTRY}/dry:1").stdout)
        self.assertFalse(plan["changes"])

    def test_many_tags_of_one_destination(self):
        result = davit("push", "-t", "c", SIMPLE, f"{REGISTRY}/tags:a,b")
        self.assert_line(result, "tags:a")
        self.assertEqual({digest_of("tags:b"), digest_of("tags:c")}, {digest_of("tags:a")})

    def test_a_template_is_filled_from_every_image(self):
        result = davit("push", os.path.join(FIXTURES, "three_images.tar"), REGISTRY + "/all/{repo}:{tag}")
        # One of the three has no name, so the template cannot name it.
        self.assertIn(result.returncode, (0, 64), result.stderr)

    def test_row_96_a_stdout_that_cannot_be_written_is_exit_8(self):
        with open("/dev/full", "w") as full:
            result = davit("push", SIMPLE, f"{REGISTRY}/full:1", stdout=full)
        self.assert_code(result, 8)
        self.assertIn("stdout", result.stderr)
        self.assertIsNotNone(digest_of("full:1"))

    def test_row_96_a_closed_stdout_is_exit_8(self):
        result = davit("push", SIMPLE, f"{REGISTRY}/closed:1", stdout=None, preexec_fn=lambda: os.close(1))
        self.assert_code(result, 8)
        self.assertIsNotNone(digest_of("closed:1"))

    def test_row_96_a_reader_that_went_away_from_what_is_written_piece_by_piece_is_exit_8(self):
        davit("push", SIMPLE, f"{REGISTRY}/streamed:1")
        image = f"{REGISTRY}/streamed:1"
        config = json.loads(davit("manifest", image).stdout)["config"]["digest"]
        for words in (("pull", "-q", image, "-"), ("export", image, "-"), ("blob", image, config)):
            with self.subTest(words=words):
                read, write = os.pipe()
                os.close(read)
                with os.fdopen(write, "w") as pipe:
                    result = davit(*words, stdout=pipe)
                self.assert_code(result, 8)
                self.assertIn("standard output: whoever was reading it has stopped", result.stderr)

    def test_row_96_a_reader_that_went_away_ends_it_as_it_ends_any_command(self):
        read, write = os.pipe()
        os.close(read)
        with os.fdopen(write, "w") as pipe:
            result = davit("push", SIMPLE, f"{REGISTRY}/gone:1", stdout=pipe)
        self.assert_code(result, -signal.SIGPIPE)
        self.assertIsNotNone(digest_of("gone:1"))
