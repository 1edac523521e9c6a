"""What davit pushed, read back by skopeo byte for byte; archives of every dialect, and those that real programs make."""
import hashlib
import json
import os
import subprocess
import tarfile
import unittest

from support import FIXTURES, DOCKER, OCI, SystemTest, digest, main, read, require, blob_path, write

# Dialects of docker save without manifests of their own (row 100, 104 to 109, 113, 114, 128, 129) ...
AUTHORED = ["bazel.tar", "big.tar", "config_3mib.tar", "docker24.tar", "empty_layer.tar", "history_only.tar", "jib.tar", "kaniko.tar",
            "many_dialects.tar", "nix.tar", "no_end.tar", "no_layers.tar", "one_zero_block.tar", "plain.tar", "podman_docker.tar",
            "repeated_layers.tar", "trailing_garbage.tar", "wrapped.tar.gz", "wrapped.tar.zst", "wrapped_gzip.tar",
            "wrapped_two_members.tgz", "zstd_layers.tar"]
# ... and those that carry them (rows 102, 103, 117, 118, 120, 121, 124).
CARRIED = ["buildkit_docker.tar", "buildkit_oci.tar", "docker25.tar", "jib_oci.tar", "kaniko_oci.tar", "podman_oci.tar", "layout",
           "layout_nested", "layout_repeated", "layout_version_1_1", "rules_oci"]


class ReadBack(SystemTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Foreign layers may be described, as in registries that mirror Windows images.
        cls.server = cls.registry(extra="validation: {manifests: {urls: {allow: ['.*']}}}")

    def reference(self, name, tag="t"):
        return "%s/%s:%s" % (self.server.host, name.lower().replace(".", "-").replace("_", "-"), tag)

    def raw(self, reference):
        return self.skopeo("inspect", "--raw", "--tls-verify=false", "docker://" + reference)

    def copy(self, repository, wanted):
        """What skopeo copies is the image that was pushed."""
        folder = self.path("copied-" + wanted[7:19])
        self.skopeo("copy", "-q", "--all", "--preserve-digests", "--src-tls-verify=false", "docker://%s@%s" % (repository, wanted), "dir:" + folder)
        self.assertEqual(digest(read(os.path.join(folder, "manifest.json"))), wanted)

    def check(self, source, reference, *flags):
        """Pushes, and compares what skopeo reads with what davit said and what the manifests claim."""
        done = self.davit("push", source, reference, *flags)
        raw = self.raw(reference)
        self.assertEqual(digest(raw), done.digest)
        repository = reference.rpartition(":")[0]
        self.assertEqual(self.raw(repository + "@" + done.digest), raw)
        # skopeo cannot copy an index inside an index, nor a layer that is only described.
        if b'"urls"' not in raw and not (b'"manifests"' in raw and OCI.encode() + b"index" in raw.partition(b'"manifests"')[2]):
            self.copy(repository, done.digest)
        for leaf in self.leaves(repository, raw):
            self.check_blobs(repository.partition("/")[2], leaf)
        return raw

    def leaves(self, repository, raw):
        document = json.loads(raw)
        if "manifests" not in document:
            return [document]
        found = []
        for child in document["manifests"]:
            below = self.raw(repository + "@" + child["digest"])
            self.assertEqual((digest(below), len(below)), (child["digest"], child["size"]))
            found += self.leaves(repository, below)
        return found

    def check_blobs(self, repository, manifest):
        config = self.server.get("%s/blobs/%s" % (repository, manifest["config"]["digest"]))
        self.assertEqual(digest(config), manifest["config"]["digest"])
        diff_ids = json.loads(config).get("rootfs", {}).get("diff_ids", [])
        for layer, diff_id in zip(manifest["layers"], diff_ids, strict=True):
            if "urls" in layer:
                continue
            data = self.server.get("%s/blobs/%s" % (repository, layer["digest"]))
            self.assertEqual((digest(data), len(data)), (layer["digest"], layer["size"]))
            self.assertEqual(digest(self.expanded(layer["mediaType"], data)), diff_id)

    def expanded(self, media_type, data):
        if media_type.endswith("gzip"):
            return self.piped("gzip", "-dc", data)
        if media_type.endswith("zstd"):
            require("zstd")
            return self.piped("zstd", "-dc", data)
        return data

    def piped(self, program, flag, data):
        with open(write(self.path("blob"), data), "rb") as f:
            return subprocess.run([program, flag], stdin=f, stdout=subprocess.PIPE, check=True).stdout

    # --- fixtures

    def test_rows_100_to_129_archives_without_manifests(self):
        for name in AUTHORED:
            with self.subTest(name):
                manifest = json.loads(self.check(os.path.join(FIXTURES, name), self.reference(name)))
                zstd = any(layer["mediaType"].endswith("zstd") for layer in manifest["layers"])
                self.assertEqual(manifest["mediaType"], OCI + "manifest.v1+json" if zstd else DOCKER + "distribution.manifest.v2+json")

    def test_row_115_every_compression(self):
        for flags in (["--compress", "zstd"], ["--compress", "none"], ["--compress", "gzip:1"], ["--compress", "zstd:19"], ["--oci"], ["--compress", "keep"]):
            with self.subTest(flags):
                name = "compress" + "".join(flags)
                self.check(os.path.join(FIXTURES, "plain.tar"), self.reference(name.replace(":", "-").replace("--", "-")), *flags)

    def test_rows_102_117_124_original_manifests_travel_unchanged(self):
        for name in CARRIED:
            with self.subTest(name):
                source = os.path.join(FIXTURES, name)
                flags = ["--preserve-digests", "--compress", "keep"] if name == "docker25.tar" else ["--preserve-digests"]
                self.assertEqual(digest(self.check(source, self.reference(name), *flags)), original_digest(source))

    def test_row_102_docker_25_gets_gzip_layers_unless_kept(self):
        manifest = json.loads(self.check(os.path.join(FIXTURES, "docker25.tar"), self.reference("docker25-gzip")))
        self.assertTrue(all(layer["mediaType"].endswith("gzip") for layer in manifest["layers"]), manifest)

    def test_row_103_platforms_that_are_absent(self):
        one = self.reference("docker29-one")
        done = self.davit("push", os.path.join(FIXTURES, "docker29.tar"), one)
        self.assertIn("absent: linux/arm64, linux/s390x", done.err)
        manifest = json.loads(self.raw(one))
        self.assertIn("layers", manifest)
        self.check_blobs("docker29-one", manifest)

        two = self.reference("docker29-two")
        self.davit("push", os.path.join(FIXTURES, "docker29_two.tar"), two)
        architectures = [m["platform"]["architecture"] for m in json.loads(self.raw(two))["manifests"]]
        self.assertEqual(architectures, ["amd64", "arm64"])
        # The manifests that were there keep their bytes.
        self.assertIn(digest(json.dumps(manifest, separators=(",", ":")).encode()), [m["digest"] for m in json.loads(self.raw(two))["manifests"]])
        self.davit("push", os.path.join(FIXTURES, "docker29_two.tar"), self.reference("never"), "--preserve-digests", code=None)
        self.assertEqual(self.server.tags("never"), [])

    def test_row_116_foreign_layers_stay_described(self):
        raw = self.check(os.path.join(FIXTURES, "docker25_foreign.tar"), self.reference("foreign"), "--compress", "keep")
        self.assertIn("https://example.com/layer", raw.decode())

    def test_row_116_a_registry_without_foreign_layers_refuses(self):
        strict = self.registry()
        done = self.davit("push", os.path.join(FIXTURES, "layout_foreign"), strict.host + "/foreign:1", "--retries", "1", code=6)
        self.assertNotIn("sending everything", done.err)
        self.assertEqual(strict.tags("foreign"), [])

    def test_row_121_sha512(self):
        source = os.path.join(FIXTURES, "layout_sha512")
        done = self.davit("push", source, self.reference("sha512"))
        self.davit("manifest", done.lines[0])  # by what the registry calls it
        self.assertIn("does not name the image by its own digest, sha512:", done.err)
        done = self.davit("push", source, self.reference("sha512"), "--preserve-digests", code=1)
        self.assertEqual(done.out, "")
        manifest = json.loads(self.raw(self.reference("sha512")))
        for blob in [manifest["config"], *manifest["layers"]]:
            data = self.server.get("sha512/blobs/" + blob["digest"])
            self.assertEqual("sha512:" + hashlib.sha512(data).hexdigest(), blob["digest"])

    def test_row_130_artifacts(self):
        source = os.path.join(FIXTURES, "layout_artifact")
        self.davit("push", source, self.reference("artifact"))
        self.assertEqual(digest(self.raw(self.reference("artifact"))), original_digest(source))

    # --- real producers

    def made_by_umoci(self):
        require("umoci")
        layout = self.path("umoci")
        if not os.path.exists(layout):
            root = self.path("rootfs")
            os.makedirs(os.path.join(root, "usr"))
            write(os.path.join(root, "usr/motd"), "hello\n" * 1000)
            self.succeed("umoci", "init", "--layout", layout)
            self.succeed("umoci", "new", "--image", layout + ":v1")
            self.succeed("umoci", "insert", "--rootless", "--image", layout + ":v1", root, "/")
            self.succeed("umoci", "insert", "--rootless", "--image", layout + ":v1", os.path.join(root, "usr/motd"), "/etc/motd")
        return layout

    def test_row_124_umoci_layout(self):
        layout = self.made_by_umoci()
        self.assertEqual(digest(self.check("oci:%s:v1" % layout, self.reference("umoci"))), original_digest(layout))

    def test_row_124_skopeo_archives(self):
        layout = self.made_by_umoci()
        self.skopeo("copy", "-q", "oci:%s:v1" % layout, "docker-archive:%s:example.com/app:v1" % self.path("docker.tar"))
        manifest = json.loads(self.check(self.path("docker.tar"), self.reference("skopeo-docker")))
        original = json.loads(read(blob_path(layout, original_digest(layout))))
        self.assertEqual(len(manifest["layers"]), len(original["layers"]))
        self.skopeo("copy", "-q", "oci:%s:v1" % layout, "oci-archive:%s:v1" % self.path("oci.tar"))
        self.assertEqual(digest(self.check(self.path("oci.tar"), self.reference("skopeo-oci"))), original_digest(layout))
        self.skopeo("copy", "-q", "--dest-compress", "--dest-compress-format", "zstd", "oci:%s:v1" % layout, "oci:%s:v1" % self.path("zstd"))
        self.assertEqual(digest(self.check("oci:%s:v1" % self.path("zstd"), self.reference("skopeo-zstd"))), original_digest(self.path("zstd")))

    def test_row_124_buildah_archives(self):
        require("buildah")
        root = self.path("buildah-root")
        os.makedirs(root)
        write(os.path.join(root, "motd"), "hello\n" * 1000)
        buildah = ["buildah", "--root", self.path("storage"), "--runroot", self.path("runroot"), "--storage-driver", "vfs"]
        write(self.path("policy.json"), '{"default":[{"type":"insecureAcceptAnything"}]}')
        try:
            container = self.succeed(*buildah, "from", "--isolation", "chroot", "scratch").decode().strip()
        except AssertionError as error:
            raise unittest.SkipTest("buildah does not run here: " + str(error).splitlines()[-1])
        self.succeed(*buildah, "config", "--cmd", "/bin/sh", container)
        self.succeed(*buildah, "add", "-q", container, root, "/")
        commit = [*buildah, "commit", "-q", "--signature-policy", self.path("policy.json"), container]
        self.succeed(*commit, "docker-archive:%s:app:v1" % self.path("buildah.tar"))
        self.check(self.path("buildah.tar"), self.reference("buildah-docker"))
        self.succeed(*commit, "oci-archive:%s:app:v1" % self.path("buildah_oci.tar"))
        self.assertEqual(digest(self.check(self.path("buildah_oci.tar"), self.reference("buildah-oci"))), original_digest(self.path("buildah_oci.tar")))


def original_digest(source):
    """Of the only image in a layout, or in a tar that holds one."""
    if os.path.isdir(source):
        index = json.loads(read(os.path.join(source, "index.json")))
    else:
        with tarfile.open(source) as tar:
            index = json.load(tar.extractfile("index.json"))
    return index["manifests"][0]["digest"]


if __name__ == "__main__":
    main("docker-registry", "skopeo")
