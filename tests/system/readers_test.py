"""Layers that davit compressed - gzip of many members, zstd - are read by every other program that reads layers."""
import gzip
import os
import subprocess

from support import SystemTest, clean_environment, docker_save, layer, main, read, real_layers, require, write, digest


class Readers(SystemTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.registry()
        # Large enough for several members, and with a second layer over the first.
        cls.layers = real_layers([12 << 20]) + [layer({"etc/motd": b"hello\n" * 1000})]
        archive = docker_save(cls.path("app.tar"), cls.layers)
        pushed = {}
        for kind in ("gzip", "zstd"):
            done = subprocess.run([os.environ["DAVIT"], "push", archive, "%s/app:%s" % (cls.server.host, kind), "--compress", kind],
                                  check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment(cls.home))
            pushed[kind] = done.stdout.decode().partition("@")[2].strip()
        cls.blobs = {}
        for kind in pushed:
            first = cls.server.manifest("app", kind)["layers"][0]
            cls.blobs[kind] = write(cls.path("layer." + kind), cls.server.get("app/blobs/" + first["digest"]))

    def expect_layer(self, data):
        self.assertEqual(digest(data), digest(self.layers[0]))

    def run_on(self, kind, *command):
        with open(self.blobs[kind], "rb") as f:
            return subprocess.run(command, stdin=f, stdout=subprocess.PIPE, check=True).stdout

    def test_the_gzip_has_several_members(self):
        # Otherwise nothing below says anything.
        self.assertGreater(read(self.blobs["gzip"]).count(read(self.blobs["gzip"])[:10]), 3)

    def test_zcat(self):
        self.expect_layer(self.run_on("gzip", "zcat"))

    def test_busybox(self):
        require("busybox")
        self.expect_layer(self.run_on("gzip", "busybox", "gunzip", "-c"))

    def test_python(self):
        self.expect_layer(gzip.decompress(read(self.blobs["gzip"])))

    def test_tar(self):
        self.assertIn("\n", self.succeed("tar", "-tzf", self.blobs["gzip"]).decode())

    def test_zstd(self):
        require("zstd")
        self.expect_layer(self.run_on("zstd", "zstd", "-dc"))

    def layout(self, kind):
        require("skopeo")
        path = self.path("layout-" + kind)
        if not os.path.exists(path):
            self.skopeo("copy", "-q", "--src-tls-verify=false", "docker://%s/app:%s" % (self.server.host, kind), "oci:%s:v1" % path)
        return path

    def expect_root(self, root):
        self.assertEqual(read(os.path.join(root, "etc/motd")), b"hello\n" * 1000)

    def test_umoci_unpacks(self):
        require("umoci")
        bundle = self.path("bundle")
        self.succeed("umoci", "unpack", "--rootless", "--image", self.layout("gzip") + ":v1", bundle)
        self.expect_root(os.path.join(bundle, "rootfs"))

    def test_skopeo_reads_gzip_and_zstd(self):
        require("skopeo")
        for kind in ("gzip", "zstd"):
            out = self.path("plain-" + kind)
            self.skopeo("copy", "-q", "--src-tls-verify=false", "--dest-decompress", "docker://%s/app:%s" % (self.server.host, kind), "dir:" + out)
            for data in self.layers:
                self.assertEqual(digest(read(os.path.join(out, digest(data)[7:]))), digest(data))

    def test_containerd_pulls_and_unpacks(self):
        ctr = self.containerd()
        for kind in ("gzip", "zstd"):
            reference = "%s/app:%s" % (self.server.host, kind)
            # The native snapshotter copies files; unpacking checks every diff_id.
            out = self.succeed(*ctr, "images", "pull", "--plain-http", "--snapshotter", "native", reference, timeout=100)
            self.assertIn(b"done", out)
            self.assertIn(reference, self.succeed(*ctr, "images", "ls", "-q").decode())
        snapshots = self.succeed(*ctr, "snapshots", "--snapshotter", "native", "ls").decode()
        self.assertEqual(snapshots.count("Committed"), len(self.layers))


if __name__ == "__main__":
    main("docker-registry")
