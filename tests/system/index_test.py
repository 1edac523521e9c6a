"""davit index: what it makes is what docker, skopeo, umoci and containerd take for an index."""
import json
import os
import subprocess
import tarfile

from support import (DAVIT, DOCKER, OCI, SystemTest, clean_environment, digest, docker_save, image_config, layer, main, oci_layout, read, require,
                     start, stop)

ARCHITECTURES = ("amd64", "arm64")


class Indexes(SystemTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.registry()
        cls.layers = {a: [layer({"base": b"shared\n" * 500}), layer({"bin/program": a.encode() * 3000})] for a in ARCHITECTURES}
        cls.tars = {a: docker_save(cls.path(a + ".tar"), cls.layers[a], config=image_config(cls.layers[a], architecture=a))
                    for a in ARCHITECTURES}

    def setUp(self):
        self.work_folder()

    def begin(self, *words, **options):
        """A davit that runs while the test goes on."""
        process = start([DAVIT, *words], env=clean_environment(self.home), bufsize=0, **options)
        self.addCleanup(stop, process)
        for pipe in filter(None, (process.stdin, process.stderr)):
            self.addCleanup(pipe.close)
        return process

    def name(self, rest):
        return "%s/%s" % (self.server.host, rest)

    def create(self, rest, *sources, **options):
        return self.davit("index", "create", "-q", self.name(rest), *sources, **options)

    def from_tars(self, rest, *flags):
        return self.create(rest, *self.tars.values(), *flags)

    def children(self, repository, reference):
        return {e["platform"]["architecture"]: e for e in self.server.manifest(repository, reference)["manifests"]}

    def test_two_tars_become_one_image_for_two_platforms(self):
        done = self.from_tars("tars:1")
        raw = self.server.get("tars/manifests/1")
        self.assertEqual(done.out, "%s@%s\n" % (self.name("tars"), digest(raw)))
        index = json.loads(raw)
        self.assertEqual(index["mediaType"], OCI + "index.v1+json")
        self.assertEqual(sorted(self.children("tars", "1")), sorted(ARCHITECTURES))
        for architecture, entry in self.children("tars", "1").items():
            manifest = self.server.get("tars/manifests/" + entry["digest"])
            self.assertEqual((digest(manifest), len(manifest)), (entry["digest"], entry["size"]))
            config = self.server.get("tars/blobs/" + json.loads(manifest)["config"]["digest"])
            self.assertEqual(config, image_config(self.layers[architecture], architecture=architecture))
        self.assertEqual(self.from_tars("tars:1").digest, done.digest)
        self.assertEqual(self.from_tars("elsewhere:1").digest, done.digest)

    def test_a_list_is_filtered_by_platform(self):
        self.from_tars("listed:1")
        for architecture, entry in self.children("listed", "1").items():
            lines = self.davit("index", "ls", "-p", "linux/" + architecture, self.name("listed:1")).lines
            self.assertEqual([line.split()[:2] for line in lines], [["linux/" + architecture, entry["digest"]]])
        both = self.davit("index", "ls", *(word for a in self.children("listed", "1") for word in ("-p", "linux/" + a)), self.name("listed:1"))
        self.assertEqual(len(both.lines), len(self.children("listed", "1")))
        self.davit("index", "ls", "-p", "linux/mips64", self.name("listed:1"), code=2)

    def test_a_mistyped_digest_is_no_image_of_docker_hub(self):
        self.from_tars("mistyped:1")
        for words in (("rm", self.name("mistyped:1"), "sha256:ffff"), ("filter", self.name("mistyped:1"), "sha256:ffff"),
                      ("annotate", self.name("mistyped:1"), "sha256:ffff", "-a", "x=1"), ("add", self.name("mistyped:1"), "sha256:ffff")):
            failed = self.davit("index", *words, code=64)
            self.assertIn("64 hexadecimal digits", failed.err)
            self.assertNotIn("docker.io", failed.err)

    def test_an_image_without_a_platform_comes_with_the_word_to_write(self):
        plain = json.loads(image_config(self.layers["amd64"]))
        for name in ("architecture", "os"):
            plain.pop(name)
        archive = docker_save(self.out("plain.tar"), self.layers["amd64"], config=json.dumps(plain).encode(), tag="plain:1")
        failed = self.create("plain:1", archive, code=64)
        self.assertIn("write it as %s,platform=OS/ARCH" % archive, failed.err)
        self.create("plain:1", archive + ",platform=linux/amd64")

    def test_where_no_index_goes_comes_with_where_one_does(self):
        tar = self.tars["amd64"]
        self.assertIn("write oci:/x", self.davit("index", "create", "dir:/x", tar, code=64).err)
        self.assertIn("write oci:FOLDER:TAG", self.davit("index", "create", "docker-daemon:x:1", tar, code=64).err)

    def test_skopeo_copies_every_platform(self):
        done = self.from_tars("skopeo:1")
        self.skopeo("copy", "-q", "--all", "--preserve-digests", "--src-tls-verify=false", "docker://" + self.name("skopeo:1"),
                    "dir:" + self.out("all"))
        self.assertEqual(digest(read(self.out("all/manifest.json"))), done.digest)
        seen = json.loads(self.skopeo("inspect", "--tls-verify=false", "--override-arch", "arm64", "docker://" + self.name("skopeo:1")))
        self.assertEqual(seen["Architecture"], "arm64")

    def test_docker_manifest_inspect(self):
        require("docker")
        for flags, kind in (((), OCI + "index.v1+json"), (("--docker",), DOCKER + "distribution.manifest.list.v2+json")):
            self.from_tars("docker:1", *flags)
            shown = json.loads(self.succeed("docker", "manifest", "inspect", "--insecure", self.name("docker:1")))
            self.assertEqual(shown["mediaType"], kind)
            self.assertEqual(sorted(e["platform"]["architecture"] for e in shown["manifests"]), sorted(ARCHITECTURES))

    def test_umoci_unpacks_what_went_into_a_layout(self):
        require("umoci")
        for architecture in ARCHITECTURES:
            self.davit("index", "create", "-q", "oci:%s:all" % self.out("layout"), *self.tars.values())
            self.davit("copy", "-q", "-p", "linux/" + architecture, "oci:%s:all" % self.out("layout"), "oci:%s:one" % self.out("layout"))
            bundle = self.out("bundle-" + architecture)
            self.succeed("umoci", "unpack", "--rootless", "--image", self.out("layout") + ":one", bundle)
            self.assertEqual(read(os.path.join(bundle, "rootfs/bin/program")), architecture.encode() * 3000)

    def test_containerd_pulls_every_platform(self):
        done = self.from_tars("containerd:1")
        ctr = self.containerd()
        self.succeed(*ctr, "images", "pull", "--plain-http", "--all-platforms", self.name("containerd:1"))
        self.assertIn(done.digest, self.succeed(*ctr, "images", "list").decode())

    def test_every_kind_of_source_in_one_index(self):
        blobs = [subprocess.run(["gzip", "-nc"], input=data, stdout=subprocess.PIPE, check=True).stdout for data in self.layers["amd64"]]
        for architecture in ("s390x", "ppc64le"):
            oci_layout(self.out(architecture), blobs, image_config(self.layers["amd64"], architecture=architecture))
        with tarfile.open(self.out("ppc64le.oci.tar"), "w") as tar:
            tar.add(self.out("ppc64le"), arcname=".")
        self.davit("push", "-q", self.tars["arm64"], self.name("parts:arm64"))
        self.davit("index", "create", "-q", self.name("parts:amd64-index"), self.tars["amd64"])
        by_digest = self.name("parts@") + digest(self.server.get("parts/manifests/arm64"))
        self.create("mixed:1", self.name("parts:amd64-index"), by_digest, self.out("s390x"), self.out("ppc64le.oci.tar"))
        self.assertEqual(sorted(self.children("mixed", "1")), ["amd64", "arm64", "ppc64le", "s390x"])
        self.skopeo("copy", "-q", "--all", "--src-tls-verify=false", "docker://" + self.name("mixed:1"), "dir:" + self.out("mixed"))

    def test_words_of_crane_and_docker(self):
        wanted = self.from_tars("words:1").digest
        sources = list(self.tars.values())
        crane = self.davit("index", "append", "-q", "-m", sources[0], "-m", sources[1], "-t", self.name("words:crane"))
        docker = self.davit("index", "create", "-q", "-t", self.name("words:docker"), *sources)
        self.assertEqual({crane.digest, docker.digest}, {wanted})
        self.assertEqual(self.server.get("words/manifests/crane"), self.server.get("words/manifests/docker"))

    def test_what_is_said_about_an_image_is_said_in_the_index(self):
        self.create("said:1", self.tars["amd64"], self.tars["arm64"] + ",platform=linux/arm64/v9,annotation=note=one, two",
                    "-a", "org.opencontainers.image.version=1.4")
        index = self.server.manifest("said", "1")
        self.assertEqual(index["annotations"], {"org.opencontainers.image.version": "1.4"})
        arm = self.children("said", "1")["arm64"]
        self.assertEqual((arm["platform"]["variant"], arm["annotations"]), ("v9", {"note": "one, two"}))

    def test_credentials_are_for_the_registry_of_an_entry_too(self):
        users = self.registry(users={"ann": "secret"})
        image = "%s/closed:amd64" % users.host
        index = "oci:%s:1" % self.out("layout")
        self.davit("index", "create", "-q", index, *self.tars.values())
        self.davit("copy", "-q", "-p", "linux/amd64", index, image, "--creds", "ann:secret")
        self.davit("index", "annotate", "-q", index, image, "-a", "note=seen", "--creds", "ann:secret")
        shown = json.loads(self.davit("manifest", index).out)
        self.assertEqual([e.get("annotations") for e in shown["manifests"]], [{"note": "seen"}, None])

    def test_an_edit_of_a_layout_does_not_undo_somebody_elses(self):
        index = "oci:%s:1" % self.out("layout")
        self.davit("index", "create", "-q", index, self.tars["amd64"])
        others = {a: docker_save(self.out(a + ".tar"), self.layers["amd64"], config=image_config(self.layers["amd64"], architecture=a))
                  for a in ("s390x", "riscv64", "ppc64le", "386")}
        large = [layer({"large": b"x" * 300000})]
        image = read(docker_save(self.out("large.tar"), large, config=image_config(large, architecture="arm64")))
        slow = self.begin("index", "add", "-q", index, "-", stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        slow.stdin.write(image[:200000])  # more than a pipe holds: it has read the index, and waits for the image
        self.davit("index", "add", "-q", index, others["s390x"])
        said = slow.communicate(image[200000:], 60)[1]
        for part in (b"was moved meanwhile", b"--retry-on-change"):
            self.assertIn(part, said)
        self.assertNotIn(b"index create", said)
        self.assertEqual(slow.returncode, 4)
        listed = json.loads(read(self.out("layout/index.json")))["manifests"]
        self.assertEqual([e["annotations"] for e in listed], [{"org.opencontainers.image.ref.name": "1"}])
        platforms = lambda: sorted(e["platform"]["architecture"] for e in json.loads(self.davit("manifest", index).out)["manifests"])
        self.assertEqual(platforms(), ["amd64", "s390x"])
        many = [self.begin("index", "add", "-q", index, others[a], "--retry-on-change", "20") for a in ("riscv64", "ppc64le", "386")]
        self.assertEqual([each.wait(60) for each in many], [0, 0, 0])
        self.assertEqual(platforms(), ["386", "amd64", "ppc64le", "riscv64", "s390x"])

    def test_edits_of_one_tag_at_the_same_time_are_all_kept_or_told(self):
        for retries in ("0", "30"):
            index = self.name("race%s:1" % retries)
            self.davit("index", "create", "-q", index, self.tars["amd64"])
            variants = ["linux/arm/v%d" % number for number in range(4)]
            runs = {each: self.begin("index", "add", "-q", index, "%s,platform=%s" % (self.tars["arm64"], each), "--retry-on-change", retries,
                                     stderr=subprocess.DEVNULL) for each in variants}
            codes = {each: run.wait(60) for each, run in runs.items()}
            listed = {"linux/arm/" + e["platform"]["variant"] for e in json.loads(self.davit("manifest", index).out)["manifests"]
                      if e["platform"]["architecture"] == "arm"}
            self.assertLessEqual({each for each, code in codes.items() if code == 0}, listed)
            self.assertLessEqual(set(codes.values()), {0} if retries != "0" else {0, 4})

    def test_a_docker_list_of_oci_images_is_remarked_upon(self):
        self.davit("index", "create", "-q", "oci:%s:1" % self.out("layout"), "--oci", *self.tars.values())
        for flags, said in ((("--docker",), True), ((), False)):
            done = self.davit("index", "create", self.name("oci-in-docker:1"), "oci:%s:1" % self.out("layout"), *flags)
            self.assertEqual("OCI images" in done.err, said)
        done = self.davit("index", "create", self.name("all-docker:1"), "--docker", *self.tars.values())
        self.assertNotIn("OCI images", done.err)

    def test_mistakes_are_named(self):
        for words, says in (((self.tars["amd64"], self.tars["amd64"] + ",platform=linux/arm64"), None),
                            (("-p", "linux/s390x", self.tars["amd64"]), "linux/s390x"),
                            (("--docker", "-a", "a=b", self.tars["amd64"]), "no annotations"),
                            (("app-{arch}.tar",), "--platform"),
                            ((self.tars["amd64"] + ",platform=",), "platform")):
            code = {None: 0, "linux/s390x": 2}.get(says, 64)
            done = self.create("mistakes:1", *words, code=code)
            self.assertIn(says or "", done.err)
        other = docker_save(self.out("other.tar"), [layer({"x": b"y"})])
        done = self.create("mistakes:1", self.tars["amd64"], other, code=64)
        self.assertIn("two images for linux/amd64", done.err)
        self.assertIn("other.tar", done.err)
        self.davit("index", "create", self.name("mistakes:2"), code=64)
        self.davit("index", "create", self.out("x.tar"), self.tars["amd64"], code=64)

    def test_edits(self):
        self.from_tars("edit:1")
        before = self.children("edit", "1")
        name = self.name("edit:1")
        self.davit("index", "rm", "-q", name, "linux/arm64")
        self.assertEqual(self.children("edit", "1"), {"amd64": before["amd64"]})
        self.davit("index", "add", "-q", name, self.name("edit@" + before["arm64"]["digest"]))
        self.assertEqual(self.children("edit", "1"), before)
        done = self.davit("index", "add", "-q", name, self.tars["arm64"] + ",platform=linux/amd64", code=4)
        self.assertIn("--replace", done.err)
        self.davit("index", "annotate", "-q", name, "linux/arm64", "-a", "k=v")
        self.davit("index", "annotate", "-q", name, "-a", "top=t")
        self.assertEqual(self.server.manifest("edit", "1")["annotations"], {"top": "t"})
        self.assertEqual(self.children("edit", "1")["arm64"]["annotations"], {"k": "v"})
        self.davit("index", "annotate", "-q", name, before["arm64"]["digest"], "--remove-annotation", "k")
        self.assertEqual(self.children("edit", "1")["arm64"], before["arm64"])
        self.davit("index", "filter", "-q", name, "-p", "linux/amd64", "--to", "oci:%s:kept" % self.out("kept"))
        self.assertEqual(sorted(self.children("edit", "1")), sorted(ARCHITECTURES))
        listed = [json.loads(line) for line in self.davit("index", "ls", "--json", "oci:%s:kept" % self.out("kept")).lines]
        self.assertEqual([entry["platform"] for entry in listed], ["linux/amd64"])
        self.davit("index", "rm", "-q", name, "linux/s390x", code=2)
        self.davit("index", "rm", "-q", name, "linux/amd64", "linux/arm64", code=64)
        self.davit("index", "annotate", "-q", name, "linux/arm64", "--set-platform", "linux/amd64", code=64)
        self.davit("index", "add", "-q", name, self.tars["amd64"] + ",platform=linux", code=64)
        # What changes nothing moves nothing, not even the form of the document.
        pretty = json.dumps(self.server.manifest("edit", "1"), indent=3).encode()
        self.server.put_manifest("edit", "pretty", pretty, OCI + "index.v1+json")
        done = self.davit("index", "add", "-q", self.name("edit:pretty"), self.name("edit@" + before["arm64"]["digest"]), "-t", "copy")
        self.assertEqual(done.digest, digest(pretty))
        self.assertEqual(self.server.get("edit/manifests/copy"), pretty)
        self.davit("index", "annotate", "-q", name, "-a", "k=\udcff", code=64)
        self.davit("index", "rm", "-q", name, "linux/arm64", "--retry-on-change", "2", "--to", self.name("edit:2"), code=64)
        self.davit("index", "rm", "-q", self.name("edit@" + before["amd64"]["digest"]), "linux/amd64", code=64)

    def foreign_index(self, repository):
        """An index with members and spellings that davit would not write; its entries as they stand there."""
        before = self.children(repository, "1")
        entries = ['{ "mediaType":"%s","digest":"%s","size":%d,"urls":["https:\\/\\/x"],"x": 1.50, "y": 1e3, "z": "\\u00e9\\/", '
                   '"big": 12345678901234567890123, "platform":{"os":"linux","architecture":"%s"}}' % (e["mediaType"], e["digest"], e["size"], a)
                   for a, e in sorted(before.items())]
        text = '{"schemaVersion":2, "mediaType":"%sindex.v1+json","top": 1.0,\n "manifests": [%s],"o":{}}' % (OCI, " ,".join(entries))
        self.server.put_manifest(repository, "foreign", text.encode(), OCI + "index.v1+json")
        return text, entries

    def test_edits_leave_the_bytes_of_other_entries_alone(self):
        self.from_tars("bytes:1")
        text, (amd64, arm64) = self.foreign_index("bytes")
        more = docker_save(self.out("s390x.tar"), self.layers["amd64"], config=image_config(self.layers["amd64"], architecture="s390x"))
        name, to = self.name("bytes:foreign"), lambda tag: ("--to", self.name("bytes:" + tag))
        after = lambda tag: self.server.get("bytes/manifests/" + tag).decode()
        self.davit("index", "rm", "-q", name, "linux/arm64", *to("rm"))
        self.assertEqual(after("rm"), text.replace(" ," + arm64, ""))
        self.davit("index", "filter", "-q", name, "linux/arm64", *to("filter"))
        self.assertEqual(after("filter"), text.replace(amd64 + " ,", ""))
        self.davit("index", "add", "-q", name, more, *to("add"))
        head, tail = text.split("]," + '"o"')
        self.assertTrue(after("add").startswith(head + " ,"), after("add"))
        self.assertTrue(after("add").endswith("]," + '"o"' + tail))
        self.davit("index", "annotate", "-q", name, "linux/arm64", "-a", "k=v", *to("annotate"))
        self.assertEqual(after("annotate"), text.replace(arm64, arm64[:-1] + ',"annotations":{"k":"v"}}'))
        self.davit("index", "annotate", "-q", name, "--remove-annotation", "none", *to("same"))
        self.assertEqual(after("same"), text)
        self.create("bytes:flattened", name)
        self.assertIn(amd64 + "," + arm64, after("flattened"))
        self.create("bytes:said", name, more + ",annotation=k=v")
        self.assertIn(amd64 + "," + arm64, after("said"))

    def test_a_variant_is_written_as_it_was_given(self):
        v8 = docker_save(self.out("v8.tar"), self.layers["arm64"],
                         config=json.dumps({**json.loads(image_config(self.layers["arm64"], architecture="arm64")), "variant": "v8"}).encode())
        written = lambda tag: [e["platform"] for e in self.server.manifest("variant", tag)["manifests"]]
        as_given = [{"architecture": "arm64", "os": "linux", "variant": "v8"}]
        self.create("variant:config", v8)
        self.create("variant:said", self.tars["arm64"] + ",platform=linux/arm64/v8")
        self.create("variant:plain", self.tars["arm64"])
        self.davit("index", "annotate", "-q", self.name("variant:plain"), "linux/arm64", "--set-platform", "linux/arm64/v8")
        self.assertEqual([written(tag) for tag in ("config", "said", "plain")], [as_given] * 3)
        self.create("variant:chosen", v8, self.tars["amd64"], "-p", "linux/arm64")
        self.assertEqual(written("chosen"), as_given)
        self.assertIn("two images for linux/arm64", self.create("variant:twice", v8, self.tars["arm64"], code=64).err)
        self.davit("index", "rm", "-q", self.name("variant:chosen"), "linux/arm64", code=64)  # found, and it was the last

    def test_an_image_that_is_named_twice_is_refused(self):
        copy = self.out("copy.tar")
        os.link(self.tars["amd64"], copy)
        self.assertIn("amd64.tar", self.create("twice:1", self.tars["amd64"], self.tars["amd64"], code=64).err)
        done = self.create("twice:1", self.tars["amd64"], copy, code=64)
        self.assertIn("amd64.tar", done.err)
        self.assertIn("copy.tar", done.err)
        self.from_tars("twice:all")
        self.create("twice:1", self.name("twice:all"), self.name("twice:all"))  # what indexes share is listed once
        self.assertEqual(sorted(self.children("twice", "1")), sorted(ARCHITECTURES))

    def test_images_without_a_manifest_are_not_called_by_a_digest(self):
        archives = [docker_save(self.out(each + ".tar"), [layer({each: b""})]) for each in "ab"]
        copy = self.out("copy.tar")
        os.link(archives[0], copy)
        for words, said in ((archives, "two images for linux/amd64: "), ([archives[0], copy], "are the same image\n")):
            failed = self.create("unnamed:1", *words, code=64)
            self.assertIn(said, failed.err)
            self.assertNotIn("sha256:", failed.err)
        self.create("unnamed:1", archives[0])
        self.assertIn("sha256:", self.create("unnamed:2", self.name("unnamed:1"), archives[1], code=64).err)

    def test_two_entries_do_not_become_one_platform(self):
        before = self.from_tars("given:1").digest
        name = self.name("given:1")
        failed = self.davit("index", "annotate", "-q", name, "linux/amd64", "linux/arm64", "--set-platform", "linux/riscv64", code=64)
        self.assertIn("two images for linux/riscv64", failed.err)
        self.assertEqual(digest(self.server.get("given/manifests/1")), before)
        self.davit("index", "annotate", "-q", name, "linux/amd64", "linux/amd64", "--set-platform", "linux/riscv64")
        self.assertEqual(sorted(self.children("given", "1")), ["arm64", "riscv64"])

    def test_a_docker_list_keeps_what_entries_say_and_takes_nothing_new(self):
        self.from_tars("said-before:1")
        self.davit("index", "annotate", "-q", self.name("said-before:1"), "linux/arm64", "-a", "k=v")
        self.create("said-before:docker", "--docker", self.name("said-before:1"))
        self.assertEqual({a: e.get("annotations") for a, e in self.children("said-before", "docker").items()}, {"amd64": None, "arm64": {"k": "v"}})
        failed = self.create("said-before:never", "--docker", self.tars["amd64"], self.tars["arm64"] + ",annotation=k=v", code=64)
        self.assertIn(self.tars["arm64"] + " is given an annotation", failed.err)
        self.create("said-before:list", "--docker", self.tars["amd64"])
        failed = self.davit("index", "add", self.name("said-before:list"), self.tars["arm64"] + ",annotation=k=v", code=64)
        self.assertIn(self.tars["arm64"] + " is given an annotation", failed.err)

    def test_what_only_an_index_within_has_is_not_found_with_what_helps(self):
        inner = self.from_tars("nested:inner").digest
        entry = {"mediaType": OCI + "index.v1+json", "digest": inner, "size": len(self.server.get("nested/manifests/inner"))}
        outer = {"schemaVersion": 2, "mediaType": OCI + "index.v1+json", "manifests": [entry]}
        self.server.put_manifest("nested", "outer", json.dumps(outer).encode(), OCI + "index.v1+json")
        for words in (("rm", self.name("nested:outer"), "linux/arm64"), ("filter", self.name("nested:outer"), "-p", "linux/arm64")):
            self.assertIn("davit index create DST INDEX", self.davit("index", *words, code=2).err)
        self.assertNotIn("index create", self.davit("index", "rm", self.name("nested:inner"), "linux/s390x", code=2).err)
        self.create("nested:flat", self.name("nested:outer"))
        self.davit("index", "rm", "-q", self.name("nested:flat"), "linux/arm64")

    def test_entries_are_named_by_archives(self):
        for flags in ((), ("--docker",), ("--oci", "--compress", "zstd")):
            all_of = self.from_tars("by-source:1", *flags)
            name, to = self.name("by-source:1"), self.name("by-source:2")
            self.davit("index", "rm", "-q", name, self.tars["arm64"], "--to", to)
            self.assertEqual(sorted(self.children("by-source", "2")), ["amd64"])
            self.davit("index", "filter", "-q", name, self.tars["arm64"], "--to", to)
            self.assertEqual(sorted(self.children("by-source", "2")), ["arm64"])
            self.assertEqual(self.davit("index", "add", "-q", name, self.tars["arm64"]).digest, all_of.digest)
        self.davit("index", "annotate", "-q", name, self.tars["arm64"], "-a", "k=v")
        self.assertEqual(self.children("by-source", "1")["arm64"]["annotations"], {"k": "v"})
        other = docker_save(self.out("other.tar"), [layer({"x": b"y"})], config=image_config([layer({"x": b"y"})], architecture="arm64"))
        self.davit("index", "rm", "-q", name, other, code=2)
        self.davit("index", "add", "-q", name, other, code=4)

    def test_a_dry_run_changes_nothing(self):
        done = self.davit("index", "create", "--dry-run", self.name("dry:1"), *self.tars.values())
        self.assertIn("dry", done.out)
        self.assertEqual(self.server.tags("dry"), [])

    def test_a_registry_that_behaves_as_ecr(self):
        server = self.emulator("--ecr")
        done = self.davit("index", "create", "-q", "--create-repo", server.host + "/team/app:1", *self.tars.values(), env=server.env)
        again = self.davit("index", "create", "-q", server.host + "/team/app:2", server.host + "/team/app:1", env=server.env)
        self.assertEqual(done.digest, again.digest)


if __name__ == "__main__":
    main("docker-registry", "skopeo")
