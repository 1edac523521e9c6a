"""Row 20: secrets are never shown."""

import base64
import urllib.parse

from support import *

SECRET = "S3cret/+marker%mark"
SHAPES = [SECRET, urllib.parse.quote(SECRET, safe=""), base64.b64encode(f"user:{SECRET}".encode()).decode(),
          base64.b64encode(SECRET.encode()).decode()]


class Secrets(Case):
    def assert_hidden(self, text):
        for shape in SHAPES:
            self.assertNotIn(shape, text)

    def test_row_20_a_password_in_the_arguments_is_not_in_the_process_list(self):
        image = write_image("large", os.urandom(8 << 20))
        spellings = (["--creds", f"user:{SECRET}"], [f"--creds=user:{SECRET}"], ["--registry-token", SECRET],
                     [f"--dest-registry-token={SECRET}"])
        for number, arguments in enumerate(spellings):
            with self.subTest(arguments=arguments):
                process = start_upload("--limit-rate", "400K", *arguments, image, repository=f"secret-{number}")
                with open(f"/proc/{process.pid}/cmdline") as cmdline:
                    shown = cmdline.read()
                process.terminate()
                out, err = process.communicate(timeout=20)
                self.assertIn("push", shown)
                self.assert_hidden(shown)
                self.assert_hidden(out + err)

    def test_row_20_refused_credentials_appear_in_no_output(self):
        with answering(401, b"{}", {"WWW-Authenticate": 'Basic realm="x"'}) as registry:
            for arguments in (["--creds", f"user:{SECRET}"], ["--registry-token", SECRET]):
                result = davit("push", "-vvv", *arguments, SIMPLE, f"{registry}/a:1")
                self.assert_code(result, 3)
                self.assert_hidden(result.stdout + result.stderr)
            result = davit("login", "-u", "user", "--password-stdin", registry, given=SECRET)
            self.assert_code(result, 3)
            self.assert_hidden(result.stdout + result.stderr)

    def test_row_20_a_server_that_repeats_the_secret_is_not_quoted(self):
        def status(sent):
            return 403 if sent else 401

        def repeat(sent):
            return json.dumps({"errors": [{"code": "DENIED", "message": f"who is {sent}"}]}).encode()

        with answering(status, repeat, {"WWW-Authenticate": 'Basic realm="x"'}) as registry:
            result = davit("push", "-vvv", "--creds", f"user:{SECRET}", SIMPLE, f"{registry}/a:1")
            self.assert_code(result, 3)
            self.assertIn("who is", result.stderr)
            self.assert_hidden(result.stdout + result.stderr)

    def test_row_20_the_password_can_come_from_standard_input(self):
        result = davit("push", "--creds", "user", "--password-stdin", SIMPLE, f"{REGISTRY}/stdin:1", given=SECRET + "\n")
        self.assert_line(result, "stdin:1")
