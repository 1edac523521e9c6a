"""What davit pulled, as other programs read it: skopeo, umoci, containerd, tar; and what is left when a pull cannot finish."""
import gzip
import io
import json
import os
import platform
import re
import resource
import signal
import subprocess
import tarfile
import unittest

from support import (DAVIT, OCI, SystemTest, blob_path, clean_environment, digest, docker_save, image_config, layer, main, read, real_layers, remove_tree,
                     require, wait_until, write)

HERE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
THERE = "s390x"


class PullTest(SystemTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.registry()
        cls.layers = real_layers([3 << 20, 1 << 20]) + [layer({"etc/motd": b"hello\n" * 1000})]
        archive = docker_save(cls.path("app.tar"), cls.layers, config=image_config(cls.layers, architecture=HERE))
        cls.pushed = cls.quick("push", "--oci", "--compress", "none", archive, cls.at("app:1"))
        other = docker_save(cls.path("other.tar"), cls.layers[2:], config=image_config(cls.layers[2:], architecture=THERE))
        cls.other = cls.quick("push", "--oci", other, cls.at("app:other"))
        entries = [{"mediaType": OCI + "manifest.v1+json", "digest": one, "size": len(cls.server.get("app/manifests/" + one)),
                    "platform": {"os": "linux", "architecture": architecture}} for one, architecture in ((cls.pushed, HERE), (cls.other, THERE))]
        cls.index = json.dumps({"schemaVersion": 2, "mediaType": OCI + "index.v1+json", "manifests": entries}).encode()
        cls.server.put_manifest("app", "all", cls.index, OCI + "index.v1+json")

    @classmethod
    def at(cls, name):
        return "%s/%s" % (cls.server.host, name)

    @classmethod
    def quick(cls, *args):
        """Before there is a test that could fail."""
        done = subprocess.run([DAVIT, *args], check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment(cls.home))
        return done.stdout.decode().strip().partition("@")[2]

    def setUp(self):
        self.work_folder()

    def expect_image(self, layout):
        """The only image of a layout that another program wrote has our layers, in their order."""
        entry, = json.loads(read(os.path.join(layout, "index.json")))["manifests"]
        manifest = json.loads(read(blob_path(layout, entry["digest"])))
        config = json.loads(read(blob_path(layout, manifest["config"]["digest"])))
        wanted = [digest(data) for data in self.layers]
        self.assertEqual((config["architecture"], config["rootfs"]["diff_ids"]), (HERE, wanted))
        found = []
        for one in manifest["layers"]:
            data = read(blob_path(layout, one["digest"]))
            found.append(digest(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data))
        self.assertEqual(found, wanted)


class Readers(PullTest):
    def test_skopeo_reads_the_docker_archive(self):
        self.davit("pull", self.at("app:1"), self.out("app.tar"))
        for number, source in enumerate((self.out("app.tar"), self.out("app.tar") + ":" + self.at("app:1"))):
            layout = self.out("skopeo%d" % number)
            self.skopeo("copy", "-q", "docker-archive:" + source, "oci:%s:1" % layout)
            self.expect_image(layout)

    def test_skopeo_reads_the_oci_archive_and_keeps_the_digest(self):
        done = self.davit("pull", self.at("app:1"), self.out("app.oci.tar"))
        self.assertEqual(done.out, "oci-archive:%s@%s\n" % (self.out("app.oci.tar"), self.pushed))
        self.skopeo("copy", "-q", "--preserve-digests", "oci-archive:%s:1" % self.out("app.oci.tar"), "dir:" + self.out("dir"))
        self.assertEqual(digest(read(self.out("dir/manifest.json"))), self.pushed)

    def test_skopeo_reads_standard_output(self):
        with open(self.out("piped.tar"), "wb") as out:
            self.davit("pull", "-q", self.at("app:1"), "-", stdout=out)
        self.skopeo("copy", "-q", "docker-archive:" + self.out("piped.tar"), "oci:%s:1" % self.out("piped"))
        self.expect_image(self.out("piped"))
        # skopeo itself does not read pipes.
        pipe = subprocess.Popen([DAVIT, "pull", "-q", self.at("app:1"), "-"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                env=clean_environment(self.home))
        self.assertEqual(self.davit("push", "--compress", "keep", "-", self.at("piped:1"), input=pipe.stdout).digest, self.pushed)
        pipe.stdout.close()
        self.assertEqual(pipe.wait(20), 0)

    def test_tar_reads_standard_output(self):
        for target in ("-", "docker-archive:-", "oci-archive:-"):
            done = subprocess.run([DAVIT, "pull", self.at("app:1"), target], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  env=clean_environment(self.home), timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr.decode())
            with tarfile.open(fileobj=io.BytesIO(done.stdout), mode="r|") as tar:
                names = [member.name for member in tar]
            self.assertIn("blobs/sha256/" + self.pushed[7:], names)
            self.assertEqual("manifest.json" in names, "oci" not in target)
            listed = subprocess.run(["tar", "-t"], input=done.stdout, stdout=subprocess.PIPE, check=True).stdout
            self.assertEqual(listed.decode().splitlines(), names)

    def test_umoci_unpacks_the_layout(self):
        require("umoci")
        done = self.davit("pull", self.at("app:1"), self.out("layout") + "/")
        self.assertRegex(done.out, r"\Aoci:%s/?@%s\n\Z" % (self.out("layout"), self.pushed))
        self.succeed("umoci", "unpack", "--rootless", "--image", self.out("layout") + ":1", self.out("bundle"))
        self.assertEqual(read(self.out("bundle/rootfs/etc/motd")), b"hello\n" * 1000)

    def test_containerd_imports_the_tars(self):
        ctr = self.containerd()
        for kind, name in (("docker", "app.tar"), ("oci", "app.oci.tar")):
            self.davit("pull", self.at("app:1"), self.out(name))
            self.succeed(*ctr, "images", "import", "--snapshotter", "native", self.out(name), timeout=100)
            listed = self.succeed(*ctr, "images", "ls").decode().splitlines()[1:]
            self.assertEqual([line.split()[2] for line in listed], [self.pushed], kind)
            self.succeed(*ctr, "images", "rm", "--sync", listed[0].split()[0])

    def test_it_goes_back_as_it_came(self):
        for name in ("app.tar", "app.oci.tar", "layout/"):
            self.davit("pull", self.at("app:1"), self.out(name))
            back = self.davit("push", "--compress", "keep", self.out(name), self.at("back/%s:1" % name.strip("/")))
            self.assertEqual(back.digest, self.pushed)

    def test_one_platform_and_all(self):
        self.davit("pull", self.at("app:all"), self.out("here.tar"))
        self.skopeo("copy", "-q", "docker-archive:" + self.out("here.tar"), "oci:%s:1" % self.out("here"))
        self.expect_image(self.out("here"))
        chosen = self.davit("pull", "-p", "linux/" + THERE, self.at("app:all"), self.out("there.tar"))
        self.assertEqual(chosen.digest, self.other)
        whole = self.davit("pull", self.at("app:all"), self.out("all/"))
        self.assertEqual(whole.digest, digest(self.index))
        self.assertEqual(self.skopeo("inspect", "--raw", "oci:%s:all" % self.out("all")), self.index)
        for one in (self.pushed, self.other):
            self.assertEqual(digest(read(blob_path(self.out("all"), one))), one)
        missing = self.davit("pull", "-p", "linux/riscv64", self.at("app:all"), self.out("missing.tar"), code=None)
        self.assertNotEqual(missing.code, 0)
        self.assertIn("linux/riscv64", missing.err)
        self.assertEqual([name for name in os.listdir(self.here) if "missing" in name], [])

    def test_without_a_target_it_is_named_after_the_repository(self):
        done = self.davit("pull", self.at("app:1"), cwd=self.here)
        self.assertEqual(done.out, "docker-archive:app.tar@%s\n" % self.pushed)
        self.assertEqual(os.listdir(self.here), ["app.tar"])

    def test_json(self):
        done = self.davit("pull", "--json", self.at("app:1"), self.out("layout") + "/")
        said, = [json.loads(line) for line in done.lines]
        self.assertEqual(said["digest"], self.pushed)
        noted = self.out("digest")
        self.davit("pull", "--digest-file", noted, self.at("app:1"), self.out("app.tar"))
        self.assertEqual(read(noted).decode().strip(), self.pushed)


class Outputs(PullTest):
    def test_an_archive_is_replaced_in_one_step(self):
        target = self.out("app.tar")
        self.davit("pull", self.at("app:other"), target)
        os.chmod(target, 0o640)
        before = read(target)
        with open(target, "rb") as reader:
            self.davit("pull", self.at("app:1"), target)
            self.assertEqual(reader.read(), before)  # who had it open goes on reading the old one
        self.assertNotEqual(read(target), before)
        self.assertEqual(os.stat(target).st_mode & 0o777, 0o640)
        self.skopeo("copy", "-q", "docker-archive:" + target, "oci:%s:1" % self.out("after"))
        self.expect_image(self.out("after"))

    def test_what_cannot_be_pulled_leaves_the_archive_alone(self):
        target = write(self.out("app.tar"), "mine")
        self.davit("pull", self.at("app:never"), target, code=2)
        self.assertEqual((read(target), os.listdir(self.here)), (b"mine", ["app.tar"]))

    def test_no_clobber(self):
        for name in ("app.tar", "app.oci.tar"):
            target = write(self.out(name), "mine")
            self.davit("pull", "-n", self.at("app:1"), target, code=4)
            self.assertEqual(read(target), b"mine")
        self.davit("pull", "-n", self.at("app:other"), "oci:%s:1" % self.out("layout"))
        index = read(self.out("layout/index.json"))
        self.davit("pull", "-n", self.at("app:1"), "oci:%s:1" % self.out("layout"), code=4)
        self.assertEqual(read(self.out("layout/index.json")), index)
        self.davit("pull", "-n", self.at("app:other"), "oci:%s:1" % self.out("layout"))  # it says so already

    def test_eight_at_once_into_one_layout(self):
        tags = [str(number) for number in range(8)]
        wanted = {}
        for tag in tags:
            stack = [self.layers[1], layer({"etc/version": tag.encode() * 50000})]
            wanted[tag] = self.davit("push", "-q", "--oci", docker_save(self.out("image.tar"), stack), self.at("eight:" + tag)).digest
        layout = self.out("layout")
        processes = [subprocess.Popen([DAVIT, "pull", self.at("eight:" + tag), layout + "/"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                      env=clean_environment(self.home)) for tag in tags]
        errors = [process.communicate(timeout=60)[1].decode() for process in processes]
        self.assertEqual([process.returncode for process in processes], [0] * 8, errors)
        entries = json.loads(read(os.path.join(layout, "index.json")))["manifests"]
        self.assertEqual({entry["annotations"]["org.opencontainers.image.ref.name"]: entry["digest"] for entry in entries}, wanted)
        self.assertEqual(len(entries), 8)
        self.assertEqual(sorted(os.listdir(layout)), ["blobs", "index.json", "oci-layout"])
        for name in os.listdir(os.path.join(layout, "blobs/sha256")):
            self.assertEqual(digest(read(blob_path(layout, "sha256:" + name))), "sha256:" + name)
        for tag in tags:
            self.skopeo("copy", "-q", "oci:%s:%s" % (layout, tag), "dir:" + self.out("dir" + tag))

    def test_what_a_killed_run_began_goes_when_another_has_brought_it(self):
        layout = self.out("layout")
        self.davit("pull", self.at("app:1"), layout + "/")
        there, *_ = os.listdir(os.path.join(layout, "blobs/sha256"))
        os.mkdir(os.path.join(layout, ".davit-partial"))
        write(os.path.join(layout, ".davit-partial/sha256-" + there), "half")
        missing = "sha256-" + "0" * 64
        write(os.path.join(layout, ".davit-partial", missing), "half")
        self.davit("pull", self.at("app:1"), layout + "/")
        self.assertEqual(os.listdir(os.path.join(layout, ".davit-partial")), [missing])  # somebody may want to go on with it

    def test_row_90_data_name_and_directory_are_synced_in_this_order(self):
        require("strace")
        layout = self.out("layout")
        self.davit("pull", self.at("app:1"), layout + "/",
                   prefix=["strace", "-ff", "-ttt", "-y", "-qq", "-e", "trace=fsync,renameat", "-o", self.out("trace")])
        moved = []
        for thread in [name for name in os.listdir(self.here) if name.startswith("trace.")]:
            synced, waiting = set(), None
            for line in read(self.out(thread)).decode().splitlines():
                sync = re.match(r"\S+ fsync\(\d+<(.*)>\) += 0", line)
                move = re.match(r'(\S+) renameat\(\d+<(.*?)>, "(.*?)", \d+<(.*?)>, "(.*?)"\) += 0', line)
                if sync and waiting == sync.group(1):
                    waiting = None  # the name is on the disk, too
                elif sync:
                    synced.add(sync.group(1))
                elif move:
                    when, here, name, there, final = move.groups()
                    self.assertIn(os.path.join(here, name), synced, "renamed before its data was synced")
                    self.assertIsNone(waiting, "renamed twice without a sync of the directory")
                    waiting = there
                    moved.append((float(when), final))
            self.assertIsNone(waiting, "renamed without a sync of the directory")
        order = [final for _, final in sorted(moved)]
        self.assertEqual(sorted(order[2:-1]), sorted(os.listdir(os.path.join(layout, "blobs/sha256"))))
        self.assertEqual(order[:2] + order[-1:], ["oci-layout", "index.json", "index.json"])

    def small_files(self):
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    def test_row_91_a_file_size_limit_leaves_nothing(self):
        self.check_full(lambda name: self.davit("pull", self.at("app:1"), name, limits=self.small_files, code=8))

    def test_row_91_a_full_disk_leaves_nothing(self):
        mounted = self.path("small-disk")
        os.makedirs(mounted, exist_ok=True)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", mounted], stderr=subprocess.DEVNULL).returncode != 0:
            raise unittest.SkipTest("no file system can be mounted here")
        self.addCleanup(subprocess.run, ["umount", mounted], check=True)
        self.here = mounted
        self.check_full(lambda name: self.davit("pull", self.at("app:1"), name, code=8))

    def check_full(self, pull):
        for name in ("app.tar", "app.oci.tar"):
            write(self.out(name), "mine")
            said = pull(self.out(name))
            self.assertIn(name, said.err)
            self.assertEqual((read(self.out(name)), os.listdir(self.here)), (b"mine", [name]))
            os.unlink(self.out(name))
        pull(self.out("layout") + "/")
        if os.path.exists(self.out("layout")):
            self.assertNotIn(".davit-partial", os.listdir(self.out("layout")))

    def of_one_layer(self):
        """So that nothing else can be complete while it is on its way."""
        archive = docker_save(self.out("one.tar"), self.layers[:1])
        self.davit("push", "-q", "--compress", "none", archive, self.at("app:one"))
        os.unlink(archive)
        return self.at("app:one")

    def test_an_interrupt_leaves_what_the_next_pull_goes_on_with(self):
        one = self.of_one_layer()
        for name, partial in (("app.tar", "app.tar.davit-partial"), ("app.oci.tar", "app.oci.tar.davit-partial"), ("layout/", "layout/.davit-partial")):
            # The shell says how davit ended, as people see it.
            process = subprocess.Popen(["bash", "-c", '"$@" & echo $!; wait $!; exit $?', "bash", DAVIT, "pull", "-q", "--limit-rate", "512K",
                                        one, self.out(name)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                       env=clean_environment(self.home))
            started = int(process.stdout.readline())
            wait_until(lambda: self.occupied(self.out(partial)) > 256 << 10, "some of it is there")
            os.kill(started, signal.SIGTERM)  # background jobs of a shell ignore SIGINT
            process.communicate(timeout=20)
            self.assertEqual(process.returncode, 128 + signal.SIGTERM)
            self.assertFalse(os.path.isfile(self.out(name)))
            self.assertGreater(self.occupied(self.out(partial)), 256 << 10)
            self.davit("pull", one, self.out(name))
            self.assertFalse(os.path.exists(self.out(partial)))

    def test_a_damaged_blob_leaves_nothing_and_is_named_with_its_place(self):
        one = self.of_one_layer()
        digest = json.loads(self.davit("manifest", one).out)["layers"][0]["digest"]
        stored = os.path.join(self.server.storage, "docker/registry/v2/blobs/sha256", digest[7:9], digest[7:], "data")
        good = read(stored)
        write(stored, good[:-9] + b"something")
        try:
            for name in ("app.tar", "app.oci.tar", "layout/"):
                said = self.davit("pull", "-q", one, self.out(name), code=5)
                self.assertIn(f"{one}: read {digest}: what came has the digest sha256:", said.err)
                self.assertIn("hint: it is damaged where it is kept", said.err)
                self.assertEqual([left for left in os.listdir(self.here) if "partial" in left], [])
                self.assertNotIn(".davit-partial", os.listdir(self.out("layout")) if name == "layout/" else [])
        finally:
            write(stored, good)
        self.davit("pull", "-q", one, self.out("app.tar"))

    def test_sigint_ends_it_as_sigint(self):
        one = self.of_one_layer()
        process = subprocess.Popen([DAVIT, "pull", "-q", "--limit-rate", "512K", one, self.out("app.tar")], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=clean_environment(self.home))
        partial = self.out("app.tar.davit-partial")
        wait_until(lambda: self.occupied(partial) > 256 << 10, "some of it is there")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, -signal.SIGINT)  # a shell says 130
        self.assertEqual(os.listdir(self.here), ["app.tar.davit-partial"])
        self.davit("pull", "--no-resume", one, self.out("app.tar"))
        self.assertEqual(os.listdir(self.here), ["app.tar"])

    @staticmethod
    def occupied(path):
        """Bytes that were written to a file, or into a folder."""
        try:
            paths = [os.path.join(path, name) for name in os.listdir(path)] if os.path.isdir(path) else [path]
            return sum(os.stat(one).st_blocks * 512 for one in paths)
        except OSError:
            return 0


if __name__ == "__main__":
    main("docker-registry", "skopeo")
