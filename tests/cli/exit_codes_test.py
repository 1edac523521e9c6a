"""The exit codes that the manual promises, as far as a push can end with them."""

from support import *


def refusal(code):
    return json.dumps({"errors": [{"code": code, "message": "no"}]}).encode()


class ExitCodes(Case):
    def assert_failure(self, code, *arguments, **settings):
        result = davit("push", "--retries", "1", *arguments, **settings)
        self.assert_code(result, code)
        self.assertEqual(result.stdout, "")
        self.assertTrue(result.stderr.splitlines()[-1].startswith(("davit: ", "hint: ")), result.stderr)
        return result

    def test_1_formats_that_are_recognised_and_not_supported(self):
        for name in ("legacy_v1.tar", "wrapped.tar.xz", "wrapped.tar.bz2"):
            with self.subTest(name=name):
                result = self.assert_failure(1, os.path.join(FIXTURES, name), f"{REGISTRY}/a:1")
                self.assertIn("hint: ", result.stderr)

    def test_2_the_source_image_is_not_there(self):
        self.assert_failure(2, f"docker-archive:{SIMPLE}:no/such:image", f"{REGISTRY}/a:1")
        self.assert_failure(2, f"{REGISTRY}/no-such-repository:1", f"{REGISTRY}/a:1")

    def test_2_the_registry_does_not_know_the_repository(self):
        with answering(404, refusal("NAME_UNKNOWN"), {"Content-Type": "application/json"}) as registry:
            self.assert_failure(2, SIMPLE, f"{registry}/a:1")

    def test_3_no_credentials(self):
        with answering(401, refusal("UNAUTHORIZED"), {"WWW-Authenticate": 'Basic realm="x"', "Content-Type": "application/json"}) as registry:
            result = self.assert_failure(3, SIMPLE, f"{registry}/a:1")
            self.assertIn("davit login", result.stderr)

    def test_3_wrong_credentials(self):
        with answering(401, refusal("UNAUTHORIZED"), {"WWW-Authenticate": 'Basic realm="x"'}) as registry:
            self.assert_failure(3, "--creds", "user:wrong", SIMPLE, f"{registry}/a:1")

    def test_3_not_permitted(self):
        with answering(403, refusal("DENIED")) as registry:
            self.assert_failure(3, SIMPLE, f"{registry}/a:1")

    def test_4_no_clobber_and_another_image_under_the_tag(self):
        davit("push", SIMPLE, f"{REGISTRY}/clobber:1")
        other = write_image("other", b"other")
        before = digest_of("clobber:1")
        self.assert_failure(4, "--no-clobber", other, f"{REGISTRY}/clobber:1")
        self.assertEqual(digest_of("clobber:1"), before)
        self.assert_line(davit("push", "--no-clobber", SIMPLE, f"{REGISTRY}/clobber:1"), "clobber:1")

    def test_5_files_that_are_no_images(self):
        for name in ("html.tar", "empty.tar", "text.tar", "zip.tar", "squashfs.tar", "cut_50.tar", "missing_layer.tar"):
            with self.subTest(name=name):
                repository = "broken-" + name.replace(".", "-").replace("_", "-")
                result = self.assert_failure(5, os.path.join(FIXTURES, name), f"{REGISTRY}/{repository}:1")
                self.assertIn(name, result.stderr)
                self.assertIsNone(digest_of(repository + ":1"))

    def test_5_a_layer_that_is_not_what_the_configuration_says(self):
        self.assert_failure(5, os.path.join(FIXTURES, "wrong_diff_id.tar"), f"{REGISTRY}/wrong-diff-id:1")
        self.assertIsNone(digest_of("wrong-diff-id:1"))

    def test_5_not_a_registry(self):
        with answering(200, b"<html>Please log in</html>", {"Content-Type": "text/html"}) as registry:
            self.assert_failure(5, SIMPLE, f"{registry}/a:1")

    def test_6_nobody_listens(self):
        self.assert_failure(6, SIMPLE, f"{NOWHERE}/a:1")

    def test_6_the_registry_is_broken(self):
        for status in (500, 503, 429):
            with self.subTest(status=status), answering(status) as registry:
                self.assert_failure(6, SIMPLE, f"{registry}/a:1")

    def test_6_the_time_is_over(self):
        image = write_image("slow", os.urandom(4 << 20))
        self.assert_failure(6, "--limit-rate", "64K", "--timeout", "1s", image, f"{REGISTRY}/slow:1")
        self.assertIsNone(digest_of("slow:1"))
        left = {os.path.basename(session) for session in open_uploads("slow")}
        self.assertEqual(left - deleted_uploads(), set())

    def test_7_one_of_two_destinations(self):
        result = davit("push", "--retries", "1", SIMPLE, f"{NOWHERE}/a:1", f"{REGISTRY}/partial:1")
        self.assert_code(result, 7)
        self.assertEqual(result.stdout, f"{REGISTRY}/partial@{digest_of('partial:1')}\n")

    def test_none_of_two_destinations_is_the_first_ones_code(self):
        with answering(403, refusal("DENIED")) as registry:
            self.assert_failure(3, SIMPLE, f"{registry}/a:1", f"{NOWHERE}/a:1")
            self.assert_failure(6, SIMPLE, f"{NOWHERE}/a:1", f"{registry}/a:1")

    def test_8_a_missing_file(self):
        for source in ("no-such-file.tar", "./no-such-folder/x.tar", "docker-archive:no-such-file.tar:a:1", "oci:no-such-folder"):
            with self.subTest(source=source):
                self.assertIn("no-such-f", self.assert_failure(8, source, f"{REGISTRY}/a:1").stderr)

    def test_8_no_place_for_temporary_files(self):
        with subprocess.Popen(["cat", SIMPLE], stdout=subprocess.PIPE) as cat:
            self.assert_failure(8, "--tmpdir", os.path.join(SCRATCH, "nowhere"), "-", f"{REGISTRY}/a:1", given=cat.stdout)
            cat.stdout.close()
