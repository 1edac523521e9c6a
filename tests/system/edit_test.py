"""davit append, mutate, rebase and flatten. What comes out is judged by skopeo and umoci, and against the OCI image specification: as many
diff_ids as layers and entries of history that made one, each diff_id the digest of its unpacked layer."""
import gzip
import io
import json
import os
import tarfile

from support import (DOCKER, OCI, SystemTest, digest, docker_save, image_config, layer, main, oci_layout, read, remove_tree, write)

EPOCH = {"SOURCE_DATE_EPOCH": "1700000000"}
THAT_DAY = "2023-11-14T22:13:20Z"


def whiteout_layer(*names):
    return layer({name: b"" for name in names})


class Edits(SystemTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.store = cls.registry()
        cls.base = [layer({"etc/os": b"one\n", "etc/old": b"old\n"})]
        cls.app = cls.base + [layer({"app/run": b"run\n", "etc/motd": b"hello\n"})]
        cls.more = layer({"etc/motd": b"changed\n", "opt/new": b"new\n"})

    def setUp(self):
        self.work_folder()

    def config(self, layers, architecture="amd64", **more):
        history = [{"created": "2020-01-01T00:00:00Z", "created_by": "layer %d" % i} for i in range(len(layers))]
        history.insert(1, {"created": "2020-01-01T00:00:00Z", "created_by": "ENV", "empty_layer": True})
        whole = json.loads(image_config(layers, architecture=architecture))
        whole.update({"created": "2020-01-01T00:00:00Z", "history": history, "x-own": {"kept": [1, 2.5, None]},
                      "config": {"Env": ["PATH=/bin", "A=1"], "Cmd": ["run"], "Labels": {"a": "1"}, "X-Own": True}}, **more)
        return json.dumps(whole).encode()

    def push(self, reference, layers, *flags, config=None, **more):
        archive = docker_save(self.out("image.tar"), layers, config=config or self.config(layers, **more))
        done = self.davit("push", "-q", *(flags or ("--oci",)), archive, reference).digest
        os.unlink(archive)
        return done

    def ref(self, name):
        return self.store.host + "/" + name

    def index(self, repository, **arm):
        """Two platforms, the first with an attestation, under the tag `all`; `arm` is what the second says otherwise."""
        entries = []
        for architecture in ("amd64", "arm64"):
            one = self.push("%s:%s" % (self.ref(repository), architecture), self.app,
                            config=self.config(self.app, architecture, **(arm if architecture == "arm64" else {})))
            entries.append({"mediaType": OCI + "manifest.v1+json", "digest": one, "size": len(self.store.get("%s/manifests/%s" % (repository, one))),
                            "platform": {"os": "linux", "architecture": architecture}, "x-own": 1})
        statement = b'{"_type":"https://in-toto.io/Statement/v0.1"}'
        config = json.dumps({"architecture": "unknown", "os": "unknown", "rootfs": {"type": "layers", "diff_ids": [digest(statement)]}}).encode()
        manifest = json.dumps({"schemaVersion": 2, "mediaType": OCI + "manifest.v1+json",
                               "config": {"mediaType": OCI + "config.v1+json", "digest": self.store.put_blob(repository, config), "size": len(config)},
                               "layers": [{"mediaType": "application/vnd.in-toto+json", "digest": self.store.put_blob(repository, statement),
                                           "size": len(statement)}]}).encode()
        self.store.put_manifest(repository, digest(manifest), manifest, OCI + "manifest.v1+json")
        entries.append({"mediaType": OCI + "manifest.v1+json", "digest": digest(manifest), "size": len(manifest),
                        "platform": {"os": "unknown", "architecture": "unknown"},
                        "annotations": {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": entries[0]["digest"]}})
        index = json.dumps({"schemaVersion": 2, "mediaType": OCI + "index.v1+json", "manifests": entries}).encode()
        self.store.put_manifest(repository, "all", index, OCI + "index.v1+json")
        return entries

    def sound(self, source):
        """skopeo fetches the image and checks every digest. Returns manifest, configuration and the unpacked layers."""
        folder = self.out("fetched")
        source = source if source.startswith("oci:") else "docker://" + source
        self.skopeo("copy", "-q", "--preserve-digests", "--src-tls-verify=false", source, "dir:" + folder)
        manifest = json.loads(read(os.path.join(folder, "manifest.json")))
        config = json.loads(read(os.path.join(folder, manifest["config"]["digest"].partition(":")[2])))
        layers = []
        for one in manifest["layers"]:
            data = read(os.path.join(folder, one["digest"].partition(":")[2]))
            self.assertEqual(len(data), one["size"])
            if one["mediaType"].endswith("zstd"):
                data = self.succeed("zstd", "-dc", os.path.join(folder, one["digest"].partition(":")[2]))
            elif one["mediaType"].endswith("gzip"):
                data = gzip.decompress(data)
            layers.append(data)
        self.assertEqual(config["rootfs"]["diff_ids"], [digest(one) for one in layers])
        self.assertEqual(len([1 for entry in config["history"] if not entry.get("empty_layer")]), len(layers))
        oci = manifest.get("mediaType", "").startswith(OCI)
        self.assertTrue(all(one["mediaType"].startswith(OCI if oci else DOCKER) for one in [manifest["config"], *manifest["layers"]]), manifest)
        remove_tree(folder)
        return manifest, config, layers

    def unpacked(self, reference):
        """{path: bytes} as umoci unpacks it."""
        layout, bundle = self.out("umoci"), self.out("bundle")
        self.skopeo("copy", "-q", "--src-tls-verify=false", "docker://" + reference, "oci:%s:1" % layout)
        self.succeed("umoci", "unpack", "--rootless", "--image", layout + ":1", bundle)
        root, files = os.path.join(bundle, "rootfs"), {}
        for folder, _, names in os.walk(root):
            for name in names:
                path = os.path.join(folder, name)
                files[os.path.relpath(path, root)] = os.readlink(path) if os.path.islink(path) else read(path)
        remove_tree(layout)
        remove_tree(bundle)
        return files

    # --- append

    def test_append_puts_tars_on_top_whatever_their_compression(self):
        self.push(self.ref("append:1"), self.app)
        before = self.sound(self.ref("append:1"))
        plain = write(self.out("more.tar"), self.more)
        packed = write(self.out("more.tgz"), gzip.compress(self.more, mtime=0))
        first = self.davit("append", self.ref("append:1"), self.ref("append:plain"), "-f", plain)
        self.assertEqual(first.out, "%s@%s\n" % (self.ref("append"), first.digest))
        manifest, config, layers = self.sound(self.ref("append:plain"))
        self.assertEqual(layers, self.app + [self.more])
        self.assertEqual(manifest["layers"][:2], before[0]["layers"])
        self.assertEqual({key: config[key] for key in ("created", "config", "x-own")}, {key: before[1][key] for key in ("created", "config", "x-own")})
        self.assertEqual(config["history"], before[1]["history"] + [{"created": before[1]["created"], "created_by": "davit append"}])
        files = self.unpacked(self.ref("append:plain"))
        self.assertEqual((files["etc/motd"], files["opt/new"], files["etc/os"]), (b"changed\n", b"new\n", b"one\n"))

        again = self.davit("append", self.ref("append:1"), "-t", self.ref("append:again"), "-f", "-", input=self.more)
        self.assertEqual(again.digest, first.digest)
        # What is compressed already stays byte for byte.
        self.davit("append", "-b", self.ref("append:1"), "-f", packed, "-t", self.ref("append:packed"))
        self.assertEqual(self.sound(self.ref("append:packed"))[0]["layers"][2]["digest"], digest(read(packed)))
        both = self.davit("append", self.ref("append:1"), self.ref("append:both"), "-f", plain, "-f", packed)
        self.assertEqual(self.sound(both.lines[0])[2], self.app + [self.more] * 2)
        dated = self.davit("append", self.ref("append:1"), self.ref("append:dated"), "-f", plain, env=EPOCH)
        config = self.sound(dated.lines[0])[1]
        self.assertEqual((config["created"], config["history"][-1]["created"]), (THAT_DAY, THAT_DAY))
        self.assertEqual(config["history"][:-1], before[1]["history"])

    def test_append_makes_a_layer_of_a_folder(self):
        self.push(self.ref("folder:1"), self.app)
        tree = self.out("tree")
        os.makedirs(tree + "/srv/deep" + "/n" * 60)
        write(tree + "/srv/b", b"b", 0o755)
        write(tree + "/srv/a", b"a")
        write(tree + "/srv/deep" + "/n" * 60 + "/last-" + "x" * 100, b"deep")
        os.link(tree + "/srv/a", tree + "/srv/twin")
        os.symlink("a", tree + "/srv/link")
        for folder, names, files in os.walk(tree):
            for name in names + files:
                os.utime(os.path.join(folder, name), (1.5e9, 1.5e9), follow_symlinks=False)
        done = self.davit("append", self.ref("folder:1"), self.ref("folder:2"), "-f", tree)
        made = self.sound(done.lines[0])[2][2]
        with tarfile.open(fileobj=io.BytesIO(made)) as tar:
            entries = tar.getmembers()
            self.assertEqual([one.name for one in entries if one.name.count("/") < 3 and "n" not in one.name.split("/")],
                             ["srv", "srv/a", "srv/b", "srv/deep", "srv/link", "srv/twin"])
            kinds = {one.name: one for one in entries}
            self.assertEqual({(one.uid, one.gid, one.uname, one.mtime) for one in entries}, {(0, 0, "", 1500000000)})
            self.assertTrue(kinds["srv/link"].issym() and kinds["srv/twin"].islnk() and kinds["srv/deep"].isdir())
            self.assertEqual((kinds["srv/b"].mode, kinds["srv/twin"].linkname), (0o755, "srv/a"))
        files = self.unpacked(self.ref("folder:2"))
        self.assertEqual((files["srv/a"], files["srv/twin"], files["srv/link"], files["srv/deep" + "/n" * 60 + "/last-" + "x" * 100]), (b"a", b"a", "a", b"deep"))

        dated = self.davit("append", self.ref("folder:1"), self.ref("folder:3"), "-f", tree, env=EPOCH).digest
        for folder, names, found in os.walk(tree):
            for name in names + found:
                os.utime(os.path.join(folder, name), (1.6e9, 1.6e9), follow_symlinks=False)
        again = self.davit("append", self.ref("folder:1"), self.ref("folder:4"), "-f", tree, env=EPOCH).digest
        self.assertEqual(again, dated)
        with tarfile.open(fileobj=io.BytesIO(self.sound(self.ref("folder:4"))[2][2])) as tar:
            self.assertEqual({one.mtime for one in tar}, {1700000000})

    def test_append_reaches_every_image_of_an_index(self):
        before = self.index("indexed")
        plain = write(self.out("more.tar"), self.more)
        done = self.davit("append", self.ref("indexed:all"), "-f", plain)  # the tag itself, by default
        index = self.store.manifest("indexed", "all")
        self.assertEqual(digest(self.store.get("indexed/manifests/all")), done.digest)
        for entry, old in zip(index["manifests"][:2], before):
            self.assertNotEqual(entry["digest"], old["digest"])
            self.assertEqual({key: entry[key] for key in ("platform", "x-own", "mediaType")}, {key: old[key] for key in ("platform", "x-own", "mediaType")})
            _, config, layers = self.sound(self.ref("indexed@" + entry["digest"]))
            self.assertEqual((config["architecture"], layers), (entry["platform"]["architecture"], self.app + [self.more]))
        self.assertEqual(len(index["manifests"]), 2)
        self.assertEqual(done.err.count("the attestation of linux/amd64 describes the image before the change, and is left out"), 1)
        one = self.davit("append", "-p", "linux/arm64", self.ref("indexed:all"), self.ref("indexed:arm"), "-f", plain)
        self.assertEqual(self.sound(one.lines[0])[2], self.app + [self.more] * 2)

    def test_layers_without_a_base_are_an_image(self):
        more = write(self.out("more.tar"), self.more)
        done = self.davit("append", "-f", more, "-t", self.ref("scratch:1"))
        manifest, config, layers = self.sound(done.lines[0])
        self.assertEqual((layers, config["os"], manifest["mediaType"]), ([self.more], "linux", DOCKER + "distribution.manifest.v2+json"))
        self.assertEqual(self.unpacked(self.ref("scratch:1"))["opt/new"], b"new\n")
        done = self.davit("append", "-f", more, "-t", self.ref("scratch:2"), "-p", "linux/arm/v7", "--oci", env=EPOCH)
        manifest, config, layers = self.sound(done.lines[0])
        self.assertEqual((config["architecture"], config["variant"], config["created"], manifest["mediaType"]),
                         ("arm", "v7", THAT_DAY, OCI + "manifest.v1+json"))
        self.davit("append", "-f", more, "-t", self.ref("scratch:3"), "-p", "linux/arm/v7,linux/amd64", code=64)
        self.assertEqual(sorted(self.store.tags("scratch")), ["1", "2"])

    def test_append_with_zstd_makes_an_oci_image_of_a_docker_one(self):
        self.push(self.ref("docker:1"), self.app, "--docker")
        plain = write(self.out("more.tar"), self.more)
        kept = self.davit("append", self.ref("docker:1"), self.ref("docker:2"), "-f", plain)
        self.assertEqual(self.sound(kept.lines[0])[0]["mediaType"], DOCKER + "distribution.manifest.v2+json")
        turned = self.davit("append", self.ref("docker:1"), self.ref("docker:3"), "-f", plain, "--compress", "zstd")
        manifest, _, layers = self.sound(turned.lines[0])
        self.assertEqual((manifest["mediaType"], layers), (OCI + "manifest.v1+json", self.app + [self.more]))
        self.assertEqual([one["mediaType"] for one in manifest["layers"]], [OCI + "layer.v1.tar" + kind for kind in ("+gzip", "+gzip", "+zstd")])

    def test_files_in_and_out(self):
        archive = docker_save(self.out("app.tar"), self.app, config=self.config(self.app))
        plain = write(self.out("more.tar"), self.more)
        done = self.davit("append", archive, self.ref("files:1"), "-f", plain)
        self.assertEqual(self.sound(done.lines[0])[2], self.app + [self.more])
        self.davit("append", archive, "oci:%s:1" % self.out("layout"), "-f", plain)
        self.assertEqual(self.sound("oci:%s:1" % self.out("layout"))[2], self.app + [self.more])
        self.davit("append", "oci:%s:1" % self.out("layout"), self.out("both.oci.tar"), "-f", plain)
        self.davit("mutate", self.out("both.oci.tar"), self.ref("files:2"), "-e", "B=2")
        manifest, config, layers = self.sound(self.ref("files:2"))
        self.assertEqual((layers, config["config"]["Env"]), (self.app + [self.more] * 2, ["PATH=/bin", "A=1", "B=2"]))
        self.davit("mutate", self.ref("files:2"), self.out("saved.tar"), "-l", "b=2")
        loaded = json.loads(self.skopeo("inspect", "--config", "docker-archive:" + self.out("saved.tar")))
        self.assertEqual(loaded["config"]["Labels"], {"a": "1", "b": "2"})
        self.davit("flatten", archive, self.ref("files:3"))
        self.assertEqual(len(self.sound(self.ref("files:3"))[2]), 1)

    def test_what_is_no_layer_is_refused(self):
        self.push(self.ref("bad:1"), self.app)
        for name, data, code in (("page", b"<!DOCTYPE html><html></html>" * 40, 5), ("cut.tgz", gzip.compress(self.more)[:-20], 5), ("cut.tar", self.more[:1000], 5),
                                 ("inner.gz", gzip.compress(b"no tar" * 100), 5)):
            self.davit("append", self.ref("bad:1"), self.ref("bad:2"), "-f", write(self.out(name), data), code=code)
        self.davit("append", self.ref("bad:1"), self.ref("bad:2"), "-f", self.out("nothing"), code=8)
        self.assertEqual(self.store.tags("bad"), ["1"])

    def test_an_image_archive_as_a_layer_is_remarked_upon(self):
        self.push(self.ref("whole:1"), self.app)
        oci_layout(self.out("layout"), [gzip.compress(self.more)], image_config([self.more]))
        with tarfile.open(self.out("oci.tar"), "w") as tar:
            tar.add(self.out("layout"), arcname=".")
        for archive in (docker_save(self.out("saved.tar"), self.app), self.out("oci.tar"), write(self.out("saved.tgz"), gzip.compress(read(self.out("saved.tar"))))):
            done = self.davit("append", self.ref("whole:1"), self.ref("whole:2"), "-f", archive)
            self.assertIn(archive + " is an image archive", done.err)
        self.assertNotIn("is an image archive", self.davit("append", self.ref("whole:1"), self.ref("whole:3"), "-f", write(self.out("more.tar"), self.more)).err)

    def test_diff_ids_that_do_not_fit_the_layers_are_refused(self):
        oci_layout(self.out("fewer"), [gzip.compress(each) for each in self.app], image_config(self.app[:-1]))
        oci_layout(self.out("other"), [gzip.compress(self.more)], image_config([self.more + b"x"]))
        for words in (("append", "-f", write(self.out("more.tar"), self.more)), ("mutate", "--user", "joe"), ("flatten",)):
            self.davit(words[0], self.out("fewer"), self.ref("unfit:1"), *words[1:], code=5)
        self.davit("flatten", self.out("other"), self.ref("unfit:1"), code=5)
        for name in ("fewer", "other"):
            self.davit("export", self.out(name), self.out("root.tar"), code=5)
            self.assertFalse(os.path.exists(self.out("root.tar")))

    # --- mutate

    def test_mutate_changes_what_was_named_and_nothing_else(self):
        self.push(self.ref("mutate:1"), self.app)
        manifest, config, layers = self.sound(self.ref("mutate:1"))
        done = self.davit("mutate", self.ref("mutate:1"), "-t", self.ref("mutate:2"), "-e", "A=2", "--env", "B=x=y,z", "-e", "PATH", "-l", "b=", "--label", "a",
                          "--entrypoint", "/bin/sh,-c", "-u", "1000:1000", "-w", "/srv", "--exposed-ports", "8080,53/udp",
                          "-a", "org.example=1", "--created", "2021-02-03T04:05:06+01:00", "--set-platform", "linux/arm64")
        after = self.sound(done.lines[0])
        self.assertEqual(after[2], layers)
        self.assertEqual(after[0]["layers"], manifest["layers"])
        self.assertEqual(after[0]["annotations"], {"org.example": "1"})
        wanted = dict(config, created="2021-02-03T03:05:06Z", architecture="arm64")
        wanted["config"] = {"Env": ["A=2", "B=x=y,z"], "Labels": {"b": ""}, "X-Own": True, "Entrypoint": ["/bin/sh", "-c"], "User": "1000:1000",
                            "WorkingDir": "/srv", "ExposedPorts": {"8080/tcp": {}, "53/udp": {}}}
        self.assertEqual(after[1], wanted)
        lists = self.davit("mutate", self.ref("mutate:2"), "--cmd", '["a,b","c"]', "--entrypoint", "", "--user", "", "--exposed-ports", "")
        self.assertEqual(lists.out, "%s@%s\n" % (self.ref("mutate"), lists.digest))
        config = self.sound(self.ref("mutate:2"))[1]["config"]
        self.assertEqual(config, {"Env": ["A=2", "B=x=y,z"], "Labels": {"b": ""}, "X-Own": True, "Cmd": ["a,b", "c"], "WorkingDir": "/srv"})
        same = self.davit("mutate", self.ref("mutate:2"), "-e", "A=2")
        self.assertEqual(same.digest, lists.digest)
        self.assertIn("nothing to do", same.err)

    def test_mutate_keeps_the_day_unless_it_is_told_another(self):
        self.push(self.ref("day:1"), self.app)
        kept = self.davit("mutate", self.ref("day:1"), self.ref("day:2"), "-e", "B=1")
        self.assertEqual(self.sound(kept.lines[0])[1]["created"], "2020-01-01T00:00:00Z")
        self.assertEqual(self.davit("mutate", self.ref("day:1"), self.ref("day:3"), "-e", "B=1").digest, kept.digest)
        dated = self.davit("mutate", self.ref("day:1"), self.ref("day:4"), "-e", "B=1", env=EPOCH)
        self.assertEqual(self.sound(dated.lines[0])[1]["created"], THAT_DAY)
        self.assertIn("SOURCE_DATE_EPOCH", self.davit("mutate", self.ref("day:1"), "-e", "B=1", env={"SOURCE_DATE_EPOCH": "now"}, code=64).err)

    def test_mutate_gives_annotations_to_docker_images_as_oci_ones(self):
        self.push(self.ref("noted:1"), self.app, "--docker")
        self.davit("mutate", self.ref("noted:1"), self.ref("noted:2"), "-l", "x=1")
        self.assertEqual(self.sound(self.ref("noted:2"))[0]["mediaType"], DOCKER + "distribution.manifest.v2+json")
        self.davit("mutate", self.ref("noted:1"), self.ref("noted:3"), "-a", "x=1")
        manifest = self.sound(self.ref("noted:3"))[0]
        self.assertEqual((manifest["mediaType"], manifest["annotations"]), (OCI + "manifest.v1+json", {"x": "1"}))

    def test_attestations_of_images_that_stay_as_they_are_stay(self):
        before = self.index("attested", config={"Labels": {"a": "2"}})
        done = self.davit("mutate", self.ref("attested:all"), self.ref("attested:new"), "-l", "a=1")
        after = self.store.manifest("attested", "new")["manifests"]
        self.assertEqual(after, [before[0], {**before[1], "digest": after[1]["digest"], "size": after[1]["size"]}, before[2]])
        self.assertNotEqual(after[1]["digest"], before[1]["digest"])
        self.assertNotIn("attestation", done.err)

    def test_mutate_of_an_index(self):
        self.index("many")
        self.davit("mutate", self.ref("many:all"), self.ref("many:new"), "-l", "x=1")
        index = self.store.manifest("many", "new")
        for entry in index["manifests"][:2]:
            self.assertEqual(self.sound(self.ref("many@" + entry["digest"]))[1]["config"]["Labels"], {"a": "1", "x": "1"})
        self.davit("mutate", self.ref("many:all"), self.ref("many:never"), "--set-platform", "linux/arm/v7", code=64)
        one = self.davit("mutate", "-p", "linux/amd64", self.ref("many:all"), self.ref("many:one"), "--set-platform", "linux/arm/v7")
        config = self.sound(one.lines[0])[1]
        self.assertEqual((config["architecture"], config["variant"]), ("arm", "v7"))
        one = self.davit("mutate", "-p", "linux/arm64", self.ref("many:all"), self.ref("many:v8"), "--set-platform", "linux/arm64/v8")
        self.assertEqual(self.sound(one.lines[0])[1]["variant"], "v8")

    # --- rebase

    def bases(self, repository):
        old, new = self.base, [layer({"etc/os": b"two\n"}), layer({"etc/second": b"2\n"})]
        self.push(self.ref(repository + ":old"), old)
        digest_of_new = self.push(self.ref(repository + ":new"), new)
        return new, digest_of_new

    def test_rebase_swaps_the_layers_and_history_below(self):
        new, base_digest = self.bases("base")
        self.push(self.ref("rebase:1"), self.app)
        before = self.sound(self.ref("rebase:1"))
        self.store.requests()
        done = self.davit("rebase", self.ref("rebase:1"), self.ref("rebase:2"), "--old_base", self.ref("base:old"), "--new_base", self.ref("base:new"))
        mounted = [path for method, path, status in self.store.requests() if method == "POST" and "from=base" in path and status == 201]
        self.assertEqual(len(mounted), len(new))
        manifest, config, layers = self.sound(done.lines[0])
        self.assertEqual(layers, new + self.app[1:])
        self.assertEqual({key: config[key] for key in ("created", "config", "x-own")}, {key: before[1][key] for key in ("created", "config", "x-own")})
        self.assertEqual([entry["created_by"] for entry in config["history"]], ["layer 0", "ENV", "layer 1", "layer 1"])
        self.assertEqual(manifest["annotations"], {"org.opencontainers.image.base.name": self.ref("base:new"),
                                                   "org.opencontainers.image.base.digest": base_digest})
        files = self.unpacked(self.ref("rebase:2"))
        self.assertEqual((files["etc/os"], files["app/run"], files["etc/second"]), (b"two\n", b"run\n", b"2\n"))
        self.assertNotIn("etc/old", files)
        # The annotations say what the bases are: nothing changed, then the tag moved.
        same = self.davit("rebase", self.ref("rebase:2"))
        self.assertEqual(same.digest, done.digest)
        third = [layer({"etc/os": b"three\n"})]
        self.push(self.ref("base:new"), third)
        self.davit("rebase", self.ref("rebase:2"))
        self.assertEqual(self.sound(self.ref("rebase:2"))[2], third + self.app[1:])

    def test_rebase_of_a_docker_archive_into_oci_names_the_base(self):
        _, base_digest = self.bases("named")
        archive = docker_save(self.out("app.tar"), self.app, config=self.config(self.app))
        for words in (["oci:%s:1" % self.out("one"), "--oci"], ["oci:%s:1" % self.out("two")], [self.ref("named:3"), "--oci"]):
            done = self.davit("rebase", archive, *words, "--old-base", self.ref("named:old"), "--new-base", self.ref("named:new"))
            manifest = json.loads(self.davit("manifest", words[0]).out)
            self.assertEqual(manifest["mediaType"], OCI + "manifest.v1+json")
            self.assertEqual(manifest["annotations"], {"org.opencontainers.image.base.name": self.ref("named:new"),
                                                       "org.opencontainers.image.base.digest": base_digest})
            self.assertNotIn("--oci converts", done.err)

    def test_an_edit_into_a_layout_is_oci_and_nothing_else_is_said(self):
        archive = docker_save(self.out("app.tar"), self.app, config=self.config(self.app))
        done = self.davit("append", archive, "-f", write(self.out("more.tar"), self.more), "oci:%s:1" % self.out("appended"))
        self.assertNotIn("--oci converts", done.err)
        self.assertEqual(json.loads(self.davit("manifest", "oci:%s:1" % self.out("appended")).out)["mediaType"], OCI + "manifest.v1+json")

    def test_a_daemon_as_destination_comes_with_what_to_write(self):
        archive = docker_save(self.out("app.tar"), self.app, config=self.config(self.app))
        self.assertIn("write - | docker load", self.davit("mutate", archive, "docker-daemon:x:1", "-e", "A=1", code=64).err)

    def test_rebase_refuses_another_base(self):
        self.bases("other")
        self.push(self.ref("refuse:1"), self.app)
        refused = self.davit("rebase", self.ref("refuse:1"), "--old-base", self.ref("other:new"), "--new-base", self.ref("other:old"), code=4)
        self.assertIn("not built on", refused.err)
        nothing = self.davit("rebase", self.ref("refuse:1"), code=64)
        self.assertIn("--old-base", nothing.err)
        for given, missing in (("--old-base", "new"), ("--new-base", "old")):
            half = self.davit("rebase", self.ref("refuse:1"), given, self.ref("other:old"), code=64)
            self.assertIn("no %s base is given" % missing, half.err)
            self.assertIn("hint: name the %s base with --%s-base\n" % (missing, missing), half.err)
        absent = self.davit("rebase", self.ref("refuse:1"), "--old-base", self.ref("other:old"), "--new-base", self.ref("other:gone"), code=2)
        self.assertIn("new base", absent.err)

    def test_rebase_of_an_index_takes_each_platform_from_the_base(self):
        self.index("app")
        entries = []
        layers = {}
        for architecture in ("arm64", "amd64"):
            layers[architecture] = [layer({"etc/os": architecture.encode()})]
            one = self.push(self.ref("platforms:" + architecture), layers[architecture], architecture=architecture)
            entries.append({"mediaType": OCI + "manifest.v1+json", "digest": one, "size": len(self.store.get("platforms/manifests/" + one)),
                            "platform": {"os": "linux", "architecture": architecture}})
        index = json.dumps({"schemaVersion": 2, "mediaType": OCI + "index.v1+json", "manifests": entries}).encode()
        self.store.put_manifest("platforms", "all", index, OCI + "index.v1+json")
        for architecture in ("amd64", "arm64"):
            self.push(self.ref("old:" + architecture), self.base, architecture=architecture)
        old = [{"mediaType": OCI + "manifest.v1+json", "digest": digest(self.store.get("old/manifests/" + each)), "size": len(self.store.get("old/manifests/" + each)),
                "platform": {"os": "linux", "architecture": each}} for each in ("amd64", "arm64")]
        self.store.put_manifest("old", "all", json.dumps({"schemaVersion": 2, "mediaType": OCI + "index.v1+json", "manifests": old}).encode(), OCI + "index.v1+json")
        done = self.davit("rebase", self.ref("app:all"), self.ref("app:new"), "--old-base", self.ref("old:all"), "--new-base", self.ref("platforms:all"))
        for entry in self.store.manifest("app", "new")["manifests"][:2]:
            architecture = entry["platform"]["architecture"]
            self.assertEqual(self.sound(self.ref("app@" + entry["digest"]))[2], layers[architecture] + self.app[1:])
        self.assertTrue(done.digest)

    # --- flatten

    def test_flatten_leaves_the_files_that_were_to_be_seen(self):
        layers = self.app + [self.more, whiteout_layer("etc/.wh.old", "app/.wh.run")]
        self.push(self.ref("flat:1"), layers)
        before = self.sound(self.ref("flat:1"))
        seen = self.unpacked(self.ref("flat:1"))
        done = self.davit("flatten", self.ref("flat:1"), self.ref("flat:2"))
        manifest, config, made = self.sound(done.lines[0])
        self.assertEqual(len(made), 1)
        self.assertEqual(self.unpacked(self.ref("flat:2")), seen)
        self.assertNotIn("etc/old", seen)
        self.assertEqual({key: config[key] for key in ("created", "config", "x-own")}, {key: before[1][key] for key in ("created", "config", "x-own")})
        self.assertEqual(self.davit("flatten", self.ref("flat:1"), self.ref("flat:3")).digest, done.digest)
        with tarfile.open(fileobj=io.BytesIO(made[0])) as tar:
            self.assertFalse([name for name in tar.getnames() if ".wh." in name])

    def test_flatten_of_an_index(self):
        self.index("flats")
        done = self.davit("flatten", self.ref("flats:all"))
        index = self.store.manifest("flats", "all")
        for entry in index["manifests"][:2]:
            self.assertEqual(len(self.sound(self.ref("flats@" + entry["digest"]))[2]), 1)
        self.assertEqual(len(index["manifests"]), 2)
        self.assertIn("the attestation of linux/amd64", done.err)

    def test_flatten_of_an_archive_and_of_what_it_was_pushed_as_is_the_same(self):
        archive = docker_save(self.out("app.tar"), self.app)
        self.davit("push", "-q", archive, self.ref("same:pushed"))
        done = self.davit("flatten", archive, self.ref("same:from-archive"))
        self.assertEqual(self.davit("flatten", self.ref("same:pushed"), self.ref("same:from-registry")).digest, done.digest)
        config = self.store.manifest("same", "pushed")["config"]["digest"]
        self.assertEqual([each["created_by"] for each in self.sound(done.lines[0])[1]["history"]], ["davit flatten " + config])

    def test_history_has_a_day_where_the_image_has_none(self):
        archive = docker_save(self.out("app.tar"), self.app)  # no history, no created
        dated = docker_save(self.out("dated.tar"), self.app, config=image_config(self.app, created="2020-01-01T00:00:00Z"))
        base = docker_save(self.out("base.tar"), self.base)
        other = docker_save(self.out("other.tar"), [layer({"etc/os": b"two\n"})])
        more = write(self.out("more.tar"), self.more)
        day, none = "2020-01-01T00:00:00Z", "1970-01-01T00:00:00Z"
        for tag, words, env, expected in (("append", ("append", archive), {}, [none] * 3), ("flatten", ("flatten", archive), {}, [none]),
                                          ("rebase", ("rebase", archive), {}, [none] * 2), ("own", ("append", dated), {}, [day] * 3),
                                          ("given", ("append", dated), EPOCH, [day] * 2 + [THAT_DAY])):
            layout = self.out(tag)
            flags = {"append": ("-f", more), "rebase": ("--old-base", base, "--new-base", other)}.get(words[0], ())
            self.davit(words[0], "-q", words[1], "oci:%s:1" % layout, *flags, env=env)
            said = json.loads(self.succeed("umoci", "stat", "--json", "--image", layout + ":1"))
            self.assertEqual([each["created"] for each in said["history"]], expected, tag)

    # --- arguments

    def test_an_image_of_a_layout_is_changed_in_place(self):
        name = "oci:%s:one" % self.out("layout")
        tags = lambda: {e["annotations"]["org.opencontainers.image.ref.name"]: e["digest"]
                        for e in json.loads(read(self.out("layout/index.json")))["manifests"]}
        self.push(self.ref("to-layout:1"), self.app)
        self.davit("copy", "-q", self.ref("to-layout:1"), name)
        first = tags()["one"]
        self.davit("tag", name, "two,three", "four")
        self.assertEqual(tags(), dict.fromkeys(("one", "two", "three", "four"), first))
        done = self.davit("mutate", "-q", name, "-e", "NEW=1")
        self.assertEqual((tags()["one"], tags()["two"]), (done.digest, first))
        self.assertNotEqual(done.digest, first)
        extra = self.out("extra.tar")
        write(extra, self.more)
        for verb in (("append", name, "--layer", extra), ("flatten", name)):
            done = self.davit(*verb, "-q")
            self.assertEqual(tags()["one"], done.digest)
        self.assertIn("nothing to do", self.davit("tag", name, "one").err)
        self.davit("tag", "--no-clobber", name, "two", code=4)
        self.davit("tag", name, "not/a/tag", code=64)
        self.assertEqual(self.davit("delete", "--dry-run", name).out, "would delete tag %s\n" % name)
        self.assertEqual(self.davit("delete", name).out, name + "\n")
        self.assertEqual(sorted(tags()), ["four", "three", "two"])
        self.davit("manifest", "oci:%s:two" % self.out("layout"))
        self.davit("delete", name, code=2)
        self.davit("delete", "oci:" + self.out("layout"), code=64)
        self.assertTrue(os.path.exists(self.out("layout/blobs/sha256/" + done.digest[7:])))
        archive = docker_save(self.out("archive.tar"), self.app, config=self.config(self.app))
        for verb in (("mutate", archive, "-e", "A=2"), ("tag", archive, "x"), ("delete", archive)):
            self.assertIn("written anew", self.davit(*verb, code=64).err)

    def test_where_the_new_image_goes_is_said_or_plain(self):
        wanted = self.push(self.ref("where:1"), self.app)
        archive = docker_save(self.out("app.tar"), self.app)
        for args, word in ((["mutate", self.ref("where@" + wanted), "-e", "A=1"], ":TAG"),
                           (["mutate", archive, "-e", "A=1"], "DST"),
                           (["mutate", self.ref("where:1"), "-e", "A=1", "-t", "new"], self.ref("where:new")),
                           (["mutate", self.ref("where:1"), "-e", "A=1", "--preserve-digests"], "--preserve-digests"),
                           (["mutate", self.ref("where:1")], "--help"),
                           (["mutate", self.ref("where:1"), "-e", "=1"], "NAME=VALUE"),
                           (["mutate", self.ref("where:1"), "--exposed-ports", "70000"], "not a port"),
                           (["mutate", self.ref("where:1"), "--created", "yesterday"], "--created"),
                           (["append", "-f", archive], "SRC")):
            self.assertIn(word, self.davit(*args, code=64).err)
        self.assertEqual(self.store.tags("where"), ["1"])
        self.assertEqual(digest(self.store.get("where/manifests/1")), wanted)
        kept = self.davit("mutate", "-n", self.ref("where:1"), "-e", "B=1", code=4)
        self.assertIn("where:1", kept.err)
        planned = self.davit("mutate", "--dry-run", "--exit-code", self.ref("where:1"), "-e", "B=1", code=10)
        self.assertIn("tag      1", planned.out)
        self.assertEqual(digest(self.store.get("where/manifests/1")), wanted)
        said = json.loads(self.davit("mutate", "--json", "--digest-file", self.out("digest"), self.ref("where:1"), "-e", "B=1").out)
        self.assertEqual((said["digest"], said["tags"]), (digest(self.store.get("where/manifests/1")), ["1"]))
        self.assertEqual(read(self.out("digest")).decode().strip(), said["digest"])


if __name__ == "__main__":
    main("docker-registry", "skopeo", "umoci")
