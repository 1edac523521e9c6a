"""Row 20: secrets are never shown."""

import base64
import fcntl
import pty
import signal
import termios
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

    def test_row_2_credentials_for_the_destination_are_not_shown_to_the_source(self):
        shown = []

        def status(authorization):
            shown.append(authorization)
            return 401 if authorization is None else 404

        with answering(status, b"{}", {"WWW-Authenticate": 'Basic realm="x"'}) as source:
            for arguments in (["--creds", f"user:{SECRET}"], ["--registry-token", SECRET]):
                result = davit("push", *arguments, f"{source}/a:1", f"{REGISTRY}/from-source:1")
                self.assert_code(result, 3)
        self.assertGreater(len(shown), 0)
        self.assertEqual(set(shown), {None})

    def test_row_84_an_interrupt_at_the_password_prompt_ends_the_command_and_restores_the_terminal(self):
        terminal, side = pty.openpty()
        before = termios.tcgetattr(side)
        process = start("login", "-u", "user", REGISTRY, stdin=side, preexec_fn=lambda: (os.setsid(), fcntl.ioctl(side, termios.TIOCSCTTY, 0)))
        wait_until(lambda: not termios.tcgetattr(side)[3] & termios.ECHO)
        os.write(terminal, b"\x03")
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, -signal.SIGINT)
        self.assertEqual(termios.tcgetattr(side)[3] & termios.ECHO, before[3] & termios.ECHO)
        os.close(side)
        os.close(terminal)

    def test_row_20_the_password_can_come_from_standard_input(self):
        result = davit("push", "--creds", "user", "--password-stdin", SIMPLE, f"{REGISTRY}/stdin:1", given=SECRET + "\n")
        self.assert_line(result, "stdin:1")
