"""SIGINT, SIGTERM and SIGKILL at any moment of a push; the push is then run again."""
import os
import random
import signal
import subprocess
import time

from support import DAVIT, SystemTest, clean_environment, digest, docker_save, main, real_layers

ROUNDS = 20


class Interrupts(SystemTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.registry()
        cls.layers = real_layers([4 << 20, 4 << 20, 2 << 20, 1 << 20])
        cls.archive = docker_save(cls.path("app.tar"), cls.layers)
        cls.random = random.Random(2)
        cls.whole = subprocess.run([DAVIT, "push", cls.archive, cls.server.host + "/whole:1"], check=True, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, env=clean_environment(cls.home)).stdout.decode().strip().partition("@")[2]

    def begin(self, repository, *flags):
        # Slow enough that every stage takes its time: about 0.6 s in all.
        return subprocess.Popen([DAVIT, "push", self.archive, "%s/%s:1" % (self.server.host, repository), "--limit-rate", "8M", *flags],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment(self.home))

    def again(self, repository):
        done = self.davit("push", self.archive, "%s/%s:1" % (self.server.host, repository))
        self.assertEqual(done.digest, self.whole)
        self.check(repository)

    def check(self, repository):
        """The registry checks blobs when it takes them; here, that all are there."""
        for blob in self.server.manifest(repository, "1")["layers"]:
            data = self.server.get("%s/blobs/%s" % (repository, blob["digest"]))
            self.assertEqual((digest(data), len(data)), (blob["digest"], blob["size"]))

    def interrupted(self, which, name):
        ended_by_signal = 0
        self.server.requests()
        for number in range(ROUNDS):
            repository = "%s/%d" % (name, number)
            process = self.begin(repository)
            # Uniform over a whole push, and a few at its very beginning.
            time.sleep(self.random.uniform(0, 0.05 if number < 3 else 0.7))
            sent = time.monotonic()
            process.send_signal(which)
            out, err = process.communicate(timeout=20)
            took = time.monotonic() - sent
            if process.returncode == 0:
                self.assertIn(self.whole, out.decode())
            else:
                self.assertEqual(process.returncode, -which, err.decode())
                self.assertLess(took, 10)  # far from what davit promises, but no loaded machine is that slow
                if out:  # the signal came when all was done
                    self.assertIn(self.whole, out.decode())
                ended_by_signal += 1
            self.again(repository)
        self.assertGreater(ended_by_signal, 0)
        unfinished, begun = self.server.unfinished_uploads()
        self.assertGreater(begun, ROUNDS)
        self.assertEqual(unfinished, set())

    def test_rows_83_84_93_sigint(self):
        self.interrupted(signal.SIGINT, "int")

    def test_rows_83_84_93_sigterm(self):
        self.interrupted(signal.SIGTERM, "term")

    def test_row_84_while_standard_input_is_silent(self):
        process = subprocess.Popen([DAVIT, "push", "-", self.server.host + "/silent:1"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, env=clean_environment(self.home))
        self.addCleanup(process.stdin.close)
        time.sleep(0.3)
        sent = time.monotonic()
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(20), -signal.SIGINT)
        self.assertLess(time.monotonic() - sent, 10)

    def test_row_85_a_tag_that_exists_stays_until_the_end(self):
        other = docker_save(self.path("other.tar"), self.layers[:1])
        before = self.davit("push", other, self.server.host + "/moved:1").digest
        for number in range(5):
            process = self.begin("moved", "--reuse", "off")
            time.sleep(0.1 + 0.08 * number)
            process.kill()
            process.communicate()
            now = digest(self.server.get("moved/manifests/1"))
            self.assertIn(now, (before, self.whole))
        self.again("moved")

    def test_row_88_kill(self):
        killed = 0
        for number in range(ROUNDS):
            # Half of them in one repository, where each finds what those before it left.
            repository = "kill/%d" % (number if number % 2 else 0)
            process = self.begin(repository, "--reuse", "off")
            time.sleep(self.random.uniform(0, 0.7))
            process.kill()
            process.communicate()
            killed += process.returncode != 0
            self.again(repository)
        self.assertGreater(killed, ROUNDS // 2)
        self.assertEqual([name for name in os.listdir(self.home) if name.startswith(("davit", "."))], [])


if __name__ == "__main__":
    main("docker-registry")
