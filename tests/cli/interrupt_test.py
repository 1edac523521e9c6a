"""Signals in the middle of an upload."""

import signal

from support import *


class Interrupt(Case):
    @classmethod
    def setUpClass(cls):
        # At this rate the upload takes minutes: whoever waits for its end runs into the time limit of the test.
        cls.image = write_image("large", os.urandom(16 << 20))

    def assert_nothing_left(self, repository):
        # docker-registry 2.8 refuses to delete a session whose last request was cut off, and cleans up after a week: what
        # counts is that it was told.
        left = {os.path.basename(session) for session in open_uploads(repository)}
        self.assertEqual(left - deleted_uploads(), set())

    def interrupted(self, number, repository):
        process = start_upload("--limit-rate", "400K", self.image, repository=repository)
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
        return process.returncode, out, err

    def test_row_93_it_ends_by_the_signal_and_leaves_no_upload_behind(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number=number):
                repository = f"interrupted-{number}"
                code, out, err = self.interrupted(number, repository)
                self.assertEqual(code, -number, err)
                self.assertEqual(out, "")
                self.assertIsNone(digest_of(repository + ":1"))
                self.assert_nothing_left(repository)

    def test_row_93_a_second_signal_kills_at_once(self):
        process = start_upload("--limit-rate", "400K", self.image, repository="killed")
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, -signal.SIGINT)
        self.assertIsNone(digest_of("killed:1"))

    def test_a_shell_sees_128_and_the_number(self):
        script = f'"{DAVIT}" push --limit-rate 100K "{self.image}" "{REGISTRY}/shell:1" & echo $!; wait $!; echo $?'
        shell = subprocess.Popen(["bash", "-c", script], env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        pid = int(shell.stdout.readline())
        wait_until(lambda: most_bytes("shell") > 0)
        os.kill(pid, signal.SIGTERM)
        self.assertEqual(shell.communicate(timeout=20)[0], f"{128 + signal.SIGTERM}\n")

    def test_after_an_interrupt_the_same_push_succeeds(self):
        self.interrupted(signal.SIGINT, "resumed")
        self.assert_line(davit("push", self.image, f"{REGISTRY}/resumed:1"), "resumed:1")

    def test_after_a_kill_the_same_push_succeeds(self):
        self.interrupted(signal.SIGKILL, "killed-hard")
        self.assert_line(davit("push", self.image, f"{REGISTRY}/killed-hard:1"), "killed-hard:1")

    def test_nohup_stays_in_force(self):
        ignore = lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)
        process = start_upload("--limit-rate", "8M", self.image, repository="nohup", preexec_fn=ignore)
        process.send_signal(signal.SIGHUP)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0)
