"""What davit says about images: inspect, config, digest, blob, tree and validate, beside skopeo, umoci and plain sums."""
import gzip
import json
import os
import platform
import shutil
import subprocess

from support import (DAVIT, OCI, SystemTest, blob_path, clean_environment, digest, docker_save, image_config, layer, main, read, require, write)

HERE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
THERE = "s390x"


class LookTest(SystemTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.registry()
        cls.layers = [layer({"etc/motd": b"hello\n" * 1000}), layer({"bin/app": os.urandom(3000)})]
        cls.config = image_config(cls.layers, architecture=HERE, created="2026-01-02T03:04:05Z", author="somebody",
                                  config={"Env": ["PATH=/bin", "EVIL=\x1b[31mred"], "Labels": {"who": "me"}, "Cmd": ["/bin/sh", "-c", "a b"]},
                                  history=[{"created_by": "ADD motd"}, {"created_by": "CMD sh", "empty_layer": True}, {"created_by": "COPY app"}])
        cls.archive = docker_save(cls.path("app.tar"), cls.layers, config=cls.config)
        cls.pushed = cls.quick("push", "--oci", cls.archive, cls.at("app:1"))
        other = docker_save(cls.path("other.tar"), cls.layers[:1], config=image_config(cls.layers[:1], architecture=THERE))
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
        self.server.requests()

    def requests(self):
        """Without the registry's version check, which davit does not need anyway."""
        return [(method, path) for method, path, _ in self.server.requests()]

    def raw(self, *args, code=0):
        """Standard output as bytes."""
        done = subprocess.run([DAVIT, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                              env=clean_environment(self.home))
        self.assertEqual(done.returncode, code, done.stderr.decode())
        return done.stdout

    def manifest(self, name=None):
        return self.server.manifest("app", name or self.pushed)


class Inspect(LookTest):
    def test_an_image_takes_two_requests_and_an_index_three(self):
        self.davit("inspect", self.at("app:1"))
        self.assertEqual([method for method, _ in self.requests()], ["GET", "GET"])
        self.davit("inspect", self.at("app:all"))
        self.assertEqual(len(self.requests()), 3)
        self.davit("inspect", "-p", "linux/" + THERE, self.at("app:all"))
        self.assertEqual(len(self.requests()), 3)

    def test_people_see_name_digest_layers_with_history_and_labels(self):
        out = self.davit("inspect", self.at("app:1")).out
        manifest = self.manifest()
        for part in (self.at("app:1"), self.pushed, "linux/" + HERE, "2026-01-02T03:04:05Z", "somebody", "who=me", "PATH=/bin",
                     '["/bin/sh","-c","a b"]', "in 2 layers"):
            self.assertIn(part, out)
        lines = out[out.index("Layers:"):].splitlines()[1:]
        self.assertEqual([line.split()[-1] for line in lines], ["motd", "sh", "app"])
        self.assertIn(manifest["layers"][0]["digest"], lines[0])
        self.assertNotIn("sha256", lines[1])
        self.assertIn(manifest["layers"][1]["digest"], lines[2])

    def test_what_an_image_says_cannot_speak_to_the_terminal(self):
        for flags in ([], ["--json"]):
            out = self.davit("inspect", self.at("app:1"), *flags).out
            self.assertNotIn("\x1b", out)
            self.assertIn("[31mred", out)

    def test_an_index_lists_its_platforms(self):
        out = self.davit("inspect", self.at("app:all")).out
        self.assertIn(digest(self.index), out)
        for architecture, child in ((HERE, self.pushed), (THERE, self.other)):
            self.assertRegex(out, r"linux/%s +%s" % (architecture, child))
        self.assertIn("who=me", out)  # the image of this machine's platform
        sizes = json.loads(self.davit("inspect", "--json", "--sizes", self.at("app:all")).out)["Platforms"]
        for entry, child in zip(sizes, (self.pushed, self.other), strict=True):
            manifest = self.manifest(child)
            self.assertEqual(entry["Size"], sum(blob["size"] for blob in [manifest["config"], *manifest["layers"]]))

    def test_json_says_what_skopeo_says(self):
        require("skopeo")
        for name in ("app:1", "app:all"):
            theirs = json.loads(self.skopeo("inspect", "--tls-verify=false", "--no-tags", "docker://" + self.at(name)))
            ours = json.loads(self.davit("inspect", "--json", "--no-tags", "docker://" + self.at(name)).out)
            for key, value in theirs.items():
                self.assertEqual(ours[key], value, key)
            self.assertNotIn("RepoTags", json.loads(self.davit("inspect", "--json", self.at(name)).out))  # not looked for, so not said

    def test_raw_and_config_are_the_very_bytes(self):
        require("skopeo")
        name = "docker://" + self.at("app:all")
        self.assertEqual(self.raw("inspect", "--raw", name), self.skopeo("inspect", "--tls-verify=false", "--raw", name))
        self.assertEqual(self.raw("inspect", "--config", name), self.config)
        self.assertEqual(self.raw("config", self.at("app:1")), self.config)
        self.assertEqual(json.loads(self.raw("config", "-p", "linux/" + THERE, self.at("app:all")))["architecture"], THERE)

    def test_an_archive_and_a_layout_are_looked_at_as_they_are(self):
        self.davit("pull", self.at("app:all"), self.out("layout") + "/")
        out = self.davit("inspect", self.out("layout")).out
        self.assertIn(digest(self.index), out)
        archive = self.davit("inspect", self.archive).out
        self.assertIn("before compression", archive)
        self.assertEqual(sum("davit digest says what a push gives" in line for line in archive.splitlines()), 1)
        self.assertIn("davit digest says what a push gives", self.davit("manifest", self.archive).err)
        self.assertIn("davit digest says what a push gives", self.davit("inspect", "--json", self.archive).err)
        self.assertEqual(self.davit("manifest", self.at("app:1")).err, "")
        self.assertIn("who=me", archive)
        self.assertEqual(self.raw("config", self.archive), self.config)

    def test_the_name_that_was_asked_for_is_shown_and_digests_have_names_to_type(self):
        for file in ("oci:" + self.out("layout"), "oci-archive:" + self.out("oci.tar")):
            if file.startswith("oci:"):
                self.davit("copy", self.at("app:1"), file + ":a")
                self.davit("tag", file + ":a", "a2")
            else:
                self.davit("copy", "oci:" + self.out("layout") + ":a", file + ":a2")
            path = file.partition(":")[2]
            for verb in ("inspect", "tree"):
                self.assertIn("%s (a2)" % path, self.davit(verb, file + ":a2").lines[0])
            pinned = "%s@%s" % (file, self.pushed)
            self.assertTrue(self.davit("validate", file + ":a2").out.startswith(pinned + ": all right"))
            self.assertEqual(self.davit("discover", file + ":a2").lines, [pinned])
            reference = json.loads(self.davit("discover", "--json", file + ":a2").out)["reference"]
            self.assertEqual(self.davit("digest", reference).out, self.pushed + "\n")
        self.assertIn("(a)", self.davit("inspect", "oci:" + self.out("layout") + ":a").lines[0])
        self.assertTrue(self.davit("validate", self.archive).out.startswith(self.archive + " (app:1): all right"))  # it has no digest

    def test_an_index_without_this_platform(self):
        entry = json.loads(self.index)["manifests"][1]
        index = json.dumps({"schemaVersion": 2, "mediaType": OCI + "index.v1+json", "manifests": [entry]}).encode()
        self.server.put_manifest("app", "elsewhere", index, OCI + "index.v1+json")
        self.assertIn("linux/" + THERE, self.davit("inspect", self.at("app:elsewhere")).out)
        failed = self.davit("config", self.at("app:elsewhere"), code=2)
        self.assertIn("linux/" + THERE, failed.err)
        self.assertEqual(failed.out, "")

    def test_what_is_not_there_is_2(self):
        for verb in ("inspect", "config", "digest", "tree", "validate"):
            self.assertEqual(self.davit(verb, self.at("app:none"), code=2).out, "")


class DigestVerb(LookTest):
    def test_a_reference_takes_one_head(self):
        self.assertEqual(self.davit("digest", self.at("app:1")).out, self.pushed + "\n")
        self.assertEqual(self.requests(), [("HEAD", "/v2/app/manifests/1")])
        self.assertEqual(self.davit("digest", "--full-ref", self.at("app:1")).out, "%s@%s\n" % (self.at("app"), self.pushed))
        self.davit("digest", "--full-ref", self.archive, code=64)
        self.assertEqual(self.davit("digest", "-p", "linux/" + THERE, self.at("app:all")).out, self.other + "\n")
        self.davit("digest", self.at("app:1@" + self.other), code=4)

    def test_it_says_what_a_push_gives(self):
        for i, flags in enumerate(([], ["--oci"], ["--docker"], ["--compress", "zstd"], ["--compress", "none", "--oci"], ["--compress", "gzip:9"])):
            said = self.davit("digest", self.archive, *flags).out.strip()
            pushed = self.davit("push", "--reuse", "off", *flags, self.archive, self.at("said:%d" % i)).digest
            self.assertEqual(said, pushed, flags)
        self.assertEqual(self.davit("digest", "--tarball", self.archive).out, self.davit("digest", self.archive).out)

    def test_it_sends_nothing(self):
        self.davit("digest", self.archive)
        self.assertEqual(self.requests(), [])

    def test_recompressed_and_converted_images(self):
        self.davit("pull", self.at("app:all"), self.out("layout") + "/")
        self.assertEqual(self.davit("digest", self.out("layout")).out.strip(), digest(self.index))
        for i, flags in enumerate((["--recompress", "--compress", "zstd"], ["--docker"])):
            said = self.davit("digest", self.out("layout"), *flags).out.strip()
            pushed = self.davit("push", "--reuse", "off", *flags, self.out("layout"), self.at("converted:%d" % i)).digest
            self.assertEqual(said, pushed)
        self.assertEqual(self.davit("digest", "--recompress", "--compress", "zstd", self.at("app:all")).out.strip(),
                         self.davit("digest", "--recompress", "--compress", "zstd", self.out("layout")).out.strip())

    def test_json_and_usage(self):
        found = json.loads(self.davit("digest", "--json", self.at("app:1")).out)
        self.assertEqual(found, {"digest": self.pushed, "mediaType": OCI + "manifest.v1+json", "size": len(self.server.get("app/manifests/1"))})
        self.davit("digest", code=64)
        self.davit("digest", "--oci", "--docker", self.archive, code=64)


class Blob(LookTest):
    def setUp(self):
        super().setUp()
        self.blob = self.manifest()["layers"][1]["digest"]
        self.data = self.server.get("app/blobs/" + self.blob)

    def test_whole_to_stdout_and_to_a_file(self):
        self.assertEqual(self.raw("blob", self.at("app@" + self.blob)), self.data)
        self.assertEqual(self.raw("blob", self.at("app:1"), self.blob), self.data)
        self.davit("blob", self.at("app"), self.blob, "-o", self.out("blob"))
        self.assertEqual(read(self.out("blob")), self.data)

    def test_ranges(self):
        for flags, wanted in ((["--range", "0-9"], self.data[:10]), (["--range", "100-"], self.data[100:]), (["--offset", "7"], self.data[7:]),
                              (["--offset", "7", "--length", "5"], self.data[7:12]), (["--length", "1"], self.data[:1]),
                              (["--range", "10-99999999"], self.data[10:])):
            self.assertEqual(self.raw("blob", self.at("app@" + self.blob), *flags), wanted, flags)
        for flags in (["--range", "9-3"], ["--range", "x"], ["--offset", "-1"], ["--range", "0-1", "--offset", "1"],
                      ["--offset", str(len(self.data))]):
            self.davit("blob", self.at("app@" + self.blob), *flags, code=64)

    def test_files_hold_blobs_too(self):
        self.davit("pull", self.at("app:1"), self.out("layout") + "/")
        self.davit("pull", self.at("app:1"), self.out("app.oci.tar"))
        for source in (self.out("layout"), self.out("app.oci.tar")):
            self.assertEqual(self.raw("blob", source + "@" + self.blob), self.data)
            self.assertEqual(self.raw("blob", source, self.blob, "--range", "5-9"), self.data[5:10])
            self.davit("blob", source, digest(b"none"), code=2)
        plain = digest(self.layers[0])
        self.assertEqual(self.raw("blob", self.archive, plain), self.layers[0])

    def test_damage_is_5_and_leaves_no_file(self):
        self.davit("pull", self.at("app:1"), self.out("layout") + "/")
        path = blob_path(self.out("layout"), self.blob)
        write(path, read(path)[:-1] + b"x")
        failed = self.davit("blob", self.out("layout"), self.blob, "-o", self.out("blob"), code=5)
        self.assertIn(self.blob, failed.err)
        self.assertFalse(os.path.exists(self.out("blob")))
        self.assertEqual([name for name in os.listdir(self.here) if "partial" in name], [])

    def test_usage(self):
        self.assertNotIn("latest", self.davit("blob", self.at("app@" + digest(b"none")), code=2).err)
        self.davit("blob", self.at("app:1"), code=64)
        self.davit("blob", self.at("app:1"), "sha256:12", code=64)
        self.davit("blob", self.at("app"), digest(b"none"), code=2)


class Tree(LookTest):
    def test_everything_below_an_index(self):
        root = json.loads(self.davit("tree", "--json", self.at("app:all")).out)
        self.assertEqual((root["kind"], root["digest"], root["size"]), ("index", digest(self.index), len(self.index)))
        blobs = {}
        for child, name in zip(root["children"], (self.pushed, self.other), strict=True):
            manifest = self.manifest(name)
            self.assertEqual(child["digest"], name)
            self.assertEqual([(one["kind"], one["digest"], one["size"]) for one in child["children"]],
                             [("config" if i == 0 else "layer", one["digest"], one["size"])
                              for i, one in enumerate([manifest["config"], *manifest["layers"]])])
            blobs[name] = child["size"]
            blobs.update((one["digest"], one["size"]) for one in child["children"])
        self.assertEqual(root["total"], len(self.index) + sum(blobs.values()))  # the shared layer counts once
        text = self.davit("tree", self.at("app:all")).lines
        self.assertEqual(len(text), 1 + 2 + len(root["children"][0]["children"]) + len(root["children"][1]["children"]))
        self.assertIn(self.at("app:all") + "  index", text[0])

    def test_referrers_by_tag_and_by_the_api(self):
        emulator = self.emulator()
        self.davit("copy", self.at("app:1"), emulator.host + "/app:1")
        subject = {"mediaType": OCI + "manifest.v1+json", "digest": self.pushed, "size": len(self.server.get("app/manifests/1"))}
        sbom = self.artifact_layout(self.out("sbom"), subject)
        for host in (self.server.host, emulator.host):
            self.davit("copy", self.out("sbom"), host + "/app:sbom")
            root = json.loads(self.davit("tree", "--json", host + "/app:1").out)
            self.assertEqual([(one["digest"], one["kind"], one["artifactType"]) for one in root["referrers"]],
                             [(sbom, "artifact", "application/spdx+json")])
            self.assertIn("referrer application/spdx+json", self.davit("tree", host + "/app:1").out)
            self.assertNotIn("referrers", json.loads(self.davit("tree", "--json", "--no-referrers", host + "/app:1").out))

    def artifact_layout(self, path, subject):
        os.makedirs(os.path.join(path, "blobs/sha256"))

        def put(data, media_type):
            write(blob_path(path, digest(data)), data)
            return {"mediaType": media_type, "digest": digest(data), "size": len(data)}

        manifest = json.dumps({"schemaVersion": 2, "mediaType": OCI + "manifest.v1+json", "artifactType": "application/spdx+json",
                               "config": put(b"{}", OCI[:-6] + "empty.v1+json"), "layers": [put(b"an sbom", "application/spdx+json")],
                               "subject": subject}).encode()
        write(os.path.join(path, "index.json"), json.dumps({"schemaVersion": 2, "manifests": [put(manifest, OCI + "manifest.v1+json")]}))
        write(os.path.join(path, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}')
        return digest(manifest)


class Validate(LookTest):
    def test_sound_images_of_every_kind(self):
        self.davit("pull", self.at("app:all"), self.out("layout") + "/")
        self.davit("pull", self.at("app:all"), self.out("app.oci.tar"))
        self.davit("pull", self.at("app:1"), self.out("app.tar"))
        for arguments in ([self.at("app:all")], ["--remote", self.at("app:all")], [self.out("layout")], [self.out("app.oci.tar")],
                          [self.out("app.tar")], [self.archive], ["--tarball", self.archive], ["--fast", self.at("app:all")]):
            found = self.davit("validate", *arguments)
            self.assertIn("all right", found.out)
            self.assertEqual(found.err, "")
        found = json.loads(self.davit("validate", "--json", self.out("layout")).out)
        self.assertEqual((found["valid"], found["manifests"], found["blobs"], found["problems"]), (True, 3, 4, []))

    def test_images_that_other_programs_made(self):
        require("skopeo", "umoci")
        self.skopeo("copy", "--all", "--src-tls-verify=false", "docker://" + self.at("app:all"), "oci:" + self.out("theirs") + ":all")
        self.davit("validate", self.out("theirs"))
        self.succeed("umoci", "init", "--layout", self.out("umoci"))
        self.succeed("umoci", "new", "--image", self.out("umoci") + ":new")
        self.davit("validate", self.out("umoci"))

    def test_every_damage_of_a_layout_is_reported(self):
        self.davit("pull", self.at("app:all"), self.out("layout") + "/")
        first, second = (blob_path(self.out("layout"), one["digest"]) for one in self.manifest()["layers"])
        write(first, read(first)[:-1])
        data = bytearray(read(second))
        data[len(data) // 2] ^= 1
        write(second, bytes(data))
        config = blob_path(self.out("layout"), self.manifest(self.other)["config"]["digest"])
        os.remove(config)
        found = self.davit("validate", self.out("layout"), code=5)
        self.assertEqual(len(found.lines), 4)
        for name in (first, second, config):
            self.assertIn(os.path.basename(name), found.out)
        self.assertIn("3 problems", found.err)
        problems = json.loads(self.davit("validate", "--json", self.out("layout"), code=5).out)["problems"]
        self.assertEqual({one["code"] for one in problems}, {"corrupt"})
        # Without the layers' bytes, a byte that flipped is not seen.
        self.assertEqual(len(self.davit("validate", "--fast", self.out("layout"), code=5).lines), 3)
        os.remove(blob_path(self.out("layout"), self.other))
        self.assertIn(self.other, self.davit("validate", self.out("layout"), code=5).out)

    def test_a_damaged_registry(self):
        registry = self.registry()
        self.davit("copy", self.at("app:1"), registry.host + "/app:1")
        hexes = [one["digest"][7:] for one in self.manifest()["layers"]]
        blobs = os.path.join(registry.storage, "docker/registry/v2/blobs/sha256")
        data = os.path.join(blobs, hexes[0][:2], hexes[0], "data")
        write(data, read(data)[:-1] + b"x")
        shutil.rmtree(os.path.join(blobs, hexes[1][:2], hexes[1]))
        found = self.davit("validate", registry.host + "/app:1", code=5)
        for one in hexes:
            self.assertIn(one, found.out)
        self.assertIn(hexes[1], self.davit("validate", "--fast", registry.host + "/app:1", code=5).out)

    def test_a_blob_of_another_size_in_a_registry(self):
        registry = self.registry()
        self.davit("copy", self.at("app:1"), registry.host + "/app:1")
        name = self.manifest()["layers"][1]["digest"]
        path = os.path.join(registry.storage, "docker/registry/v2/blobs/sha256", name[7:9], name[7:], "data")
        whole = read(path)
        for data in (whole + b"abc", whole[:300], b""):
            write(path, data)
            registry.requests()
            for flags in ([], ["--fast"]):
                found = self.davit("validate", *flags, registry.host + "/app:1", code=5)
                self.assertIn(name, found.out)
                self.assertIn("has %d bytes where its descriptor says %d" % (len(data), len(whole)), found.out)
                self.assertNotIn("\\n", found.out + found.err)
            for words in (["copy", registry.host + "/app:1", self.out("copy.tar")], ["pull", registry.host + "/app:1", self.out("pull.tar")],
                          ["pull", registry.host + "/app:1", self.out("pull") + "/"], ["cat", registry.host + "/app:1", "bin/app"],
                          ["export", registry.host + "/app:1", self.out("root.tar")], ["flatten", registry.host + "/app:1", self.out("flat.tar")],
                          ["blob", registry.host + "/app@" + name, "-o", self.out("blob")]):
                with self.subTest(words=words[0], size=len(data)):
                    failed = self.davit(*words, code=5)
                    self.assertIn(name[7:19], failed.err)
                    self.assertNotIn("attempts", failed.err)

    def test_the_size_of_an_image_in_the_list_of_a_layout(self):
        from support import FIXTURES
        for name in ("layout_size_plus_1", "layout_size_0", "layout_size_2_62"):
            for flags in ([], ["--fast"]):
                self.assertIn("bytes where its descriptor says", self.davit("validate", *flags, os.path.join(FIXTURES, name), code=5).err)

    def test_a_history_of_other_layers(self):
        from support import oci_layout
        steps = [{"created_by": "one"}, {"created_by": "two", "empty_layer": True}]
        for history, code in ((steps, 0), (steps + steps, 5)):
            name = self.out("layout-%d" % len(history))
            oci_layout(name, [gzip.compress(self.layers[0])], image_config(self.layers[:1], architecture=HERE, history=history))
            found = self.davit("validate", "--fast", name, code=code)
        self.assertIn("a history of 2 layers, and the manifest has 1", found.out)

    def test_a_layer_that_unpacks_to_something_else(self):
        from support import oci_layout
        blob = gzip.compress(self.layers[0])
        oci_layout(self.out("layout"), [blob], image_config([self.layers[1]], architecture=HERE))
        found = self.davit("validate", self.out("layout"), code=5)
        self.assertIn("unpacks to " + digest(self.layers[0]), found.out)
        self.davit("validate", "--fast", self.out("layout"))

    def test_a_layer_that_is_no_tar(self):
        from support import oci_layout
        for number, plain in enumerate((b"not a tar at all", self.layers[0][:700])):
            oci_layout(self.out(str(number)), [gzip.compress(plain)], image_config([plain], architecture=HERE))
            self.assertIn("no tar that can be unpacked", self.davit("validate", self.out(str(number)), code=5).out)
            self.davit("export", self.out(str(number)), self.out("root.tar"), code=5)
            self.davit("validate", "--fast", self.out(str(number)))

    def test_usage(self):
        self.davit("validate", code=64)
        self.davit("validate", self.archive, "--remote", self.at("app:1"), code=64)

    def test_memory_stays_small(self):
        big = docker_save(self.out("big.tar"), [layer({"%d" % i: os.urandom(24 << 20)}) for i in range(4)])
        self.assertLess(self.davit("validate", big, measure=True).peak_kib, 32 << 10)


if __name__ == "__main__":
    main("docker-registry")
