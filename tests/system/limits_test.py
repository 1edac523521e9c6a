"""Bounds: memory, descriptors, file sizes, the masks and pipes that a process inherits."""
import hashlib
import json
import os
import resource
import signal
import socket
import stat
import subprocess
import tarfile
import threading

from support import DAVIT, SystemTest, add, clean_environment, docker_save, image_config, main, oci_layout, real_files, real_layers


def limit(what, value):
    return lambda: resource.setrlimit(what, (value, value))


class Memory(SystemTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.registry()

    def test_64_mib_while_compressing(self):
        """300 MB of real files in four layers, written without holding them here."""
        names, diff_ids = [], []
        files = real_files(300_000_000)
        archive = self.path("large.tar")
        with tarfile.open(archive, "w", format=tarfile.GNU_FORMAT) as out:
            for size in (150, 80, 40, 30):
                part = self.path("layer%d.tar" % size)
                taken = 0
                with tarfile.open(part, "w", format=tarfile.GNU_FORMAT) as tar:
                    while taken < size * 1_000_000:
                        name, data = next(files, (None, None))
                        if name is None:
                            break
                        add(tar, name, data)
                        taken += len(data)
                with open(part, "rb") as f:
                    diff_ids.append("sha256:" + hashlib.file_digest(f, "sha256").hexdigest())
                out.add(part, os.path.basename(part))
                names.append(os.path.basename(part))
                os.unlink(part)
            config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": diff_ids}}).encode()
            add(out, "config.json", config)
            add(out, "manifest.json", json.dumps([{"Config": "config.json", "RepoTags": ["large:1"], "Layers": names}]).encode())
        for flags in (["--compress", "gzip"], ["--compress", "zstd"]):
            done = self.davit("push", archive, "%s/large:%s" % (self.server.host, flags[1]), *flags, measure=True)
            self.assertLess(done.peak_kib, 64 << 10, flags)
            self.assertGreater(done.peak_kib, 4 << 10)  # the measurement measures
        # From a pipe: spooled, not held.
        with open(archive, "rb") as f:
            cat = subprocess.Popen(["cat"], stdin=f, stdout=subprocess.PIPE)
            done = self.davit("push", "-", self.server.host + "/large:pipe", input=cat.stdout, measure=True)
            cat.stdout.close()
            cat.wait()
        self.assertLess(done.peak_kib, 64 << 10)

    def test_32_mib_without_compressing(self):
        def check(name, blobs):
            layout = self.path(name)
            wanted = oci_layout(layout, blobs, image_config([], note=name))
            done = self.davit("push", layout, "%s/%s:1" % (self.server.host, name), measure=True)
            self.assertEqual(done.digest, wanted)
            self.assertLess(done.peak_kib, 32 << 10, name)
        block = os.urandom(1 << 20)
        # davit does not look inside: any bytes do.
        check("one-large-layer", [b"".join(block[i:] + block[:i] for i in range(500))])
        check("sixty-layers", [block[i:] + block[:i] for i in range(60)])


class Process(SystemTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.registry()
        cls.layers = real_layers([500_000] * 30)
        cls.archive = docker_save(cls.path("app.tar"), cls.layers)

    def where(self, name):
        return "%s/%s:1" % (self.server.host, name)

    def test_few_descriptors(self):
        for number in (64, 32):
            self.davit("push", self.archive, self.where("descriptors%d" % number), "-j", "16", limits=limit(resource.RLIMIT_NOFILE, number))

    def test_too_few_descriptors_is_an_error_and_not_a_hang(self):
        done = self.davit("push", self.archive, self.where("none"), limits=limit(resource.RLIMIT_NOFILE, 5), timeout=60, code=None)
        self.assertNotIn(done.code, (0, -signal.SIGSEGV, -signal.SIGABRT))
        self.assertEqual(self.server.tags("none"), [])

    def test_row_91_file_size_limit_on_the_spool(self):
        with open(self.archive, "rb") as f:
            data = f.read()
        def small_files():
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        done = self.davit("push", "-", self.where("spool"), input=data, limits=small_files, code=8)
        self.assertIn("davit: ", done.err)
        # The same from a file needs no spool.
        self.davit("push", self.archive, self.where("no-spool"), limits=small_files)

    def test_little_address_space(self):
        self.davit("push", self.archive, self.where("address-space"), limits=limit(resource.RLIMIT_AS, 700 << 20))

    def test_digest_file_follows_the_umask(self):
        for mask, mode in ((0o000, 0o666), (0o077, 0o600), (0o022, 0o644)):
            out = self.path("digest-%o" % mask)
            self.davit("push", self.archive, self.where("umask"), "--digest-file", out, limits=lambda mask=mask: os.umask(mask) and None)
            self.assertEqual(stat.S_IMODE(os.stat(out).st_mode), mode, oct(mask))
            with open(out) as f:
                self.assertRegex(f.read(), r"\Asha256:[0-9a-f]{64}\n?\Z")

    def test_row_91_digest_file_that_cannot_be_written(self):
        done = self.davit("push", self.archive, self.where("digest-file"), "--digest-file", self.path("absent/digest"), code=8)
        self.assertIn("absent/digest", done.err)

    def test_row_96_standard_output_full_or_closed(self):
        with open("/dev/full", "wb") as full:
            self.davit("push", self.archive, self.where("full"), stdout=full, code=8)
            self.davit("push", self.archive, self.where("full"), "--json", stdout=full, code=8)
            self.davit("push", self.archive, self.where("full"), "--dry-run", stdout=full, code=8)
            self.davit("version", stdout=full, code=8)
        self.davit("push", self.archive, self.where("closed"), limits=lambda: os.close(1), code=8)

    def test_row_96_standard_error_closed_changes_nothing(self):
        done = subprocess.run(["sh", "-c", 'exec "$0" "$@" 2>&-', DAVIT, "push", self.archive, self.where("silent")], stdout=subprocess.PIPE,
                              env=clean_environment(self.home), timeout=60)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(len(done.stdout.splitlines()), 1)

    def test_row_94_reader_that_goes_away(self):
        reading, writing = os.pipe()
        os.close(reading)
        with os.fdopen(writing, "wb") as broken:
            done = self.davit("push", self.archive, self.where("sigpipe"), stdout=broken, code=None)
        self.assertIn(done.code, (8, -signal.SIGPIPE))

    def test_row_94_server_that_goes_away(self):
        """SIGPIPE with its default disposition: writing to a closed socket must not end the program."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)

        def reset():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                connection.recv(100)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                connection.close()
        threading.Thread(target=reset, daemon=True).start()
        self.davit("push", self.archive, "127.0.0.1:%d/app:1" % listener.getsockname()[1], "--retries", "2", code=6,
                   limits=lambda: signal.signal(signal.SIGPIPE, signal.SIG_DFL) and None)

    def test_ignored_child_signal(self):
        self.davit("push", self.archive, self.where("sigchld"), limits=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN) and None)


if __name__ == "__main__":
    main("docker-registry")
