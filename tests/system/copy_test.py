"""davit copy between registries, layouts and archives; between two accounts of Amazon ECR, each with its own identity."""
import base64
import http.client
import json
import os
import shutil

from support import (OCI, SystemTest, blob_path, digest, docker_save, image_config, layer, main, oci_layout, read, real_layers, remove_tree,
                     serve, write)


class Copies(SystemTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.first, cls.second = cls.registry(), cls.registry()
        cls.layers = real_layers([1 << 20]) + [layer({"etc/motd": b"hello\n" * 1000})]

    def setUp(self):
        self.work_folder()

    def push(self, reference, architecture="amd64", layers=None):
        layers = layers or self.layers
        archive = docker_save(self.out("image.tar"), layers, config=image_config(layers, architecture=architecture))
        done = self.davit("push", "-q", "--oci", archive, reference).digest
        os.unlink(archive)
        return done

    def index(self, repository):
        """An index of two platforms under the tag `all`; gives its bytes and its children."""
        children = {}
        for architecture in ("amd64", "arm64"):
            children[architecture] = self.push("%s/%s:%s" % (self.first.host, repository, architecture), architecture)
        entries = [{"mediaType": OCI + "manifest.v1+json", "digest": one, "size": len(self.first.get("%s/manifests/%s" % (repository, one))),
                    "platform": {"os": "linux", "architecture": architecture}} for architecture, one in children.items()]
        index = json.dumps({"schemaVersion": 2, "mediaType": OCI + "index.v1+json", "manifests": entries}).encode()
        self.first.put_manifest(repository, "all", index, OCI + "index.v1+json")
        return index, children

    def expect_equal(self, repository, wanted):
        """skopeo fetches every blob and compares digests."""
        self.skopeo("copy", "-q", "--all", "--preserve-digests", "--src-tls-verify=false",
                    "docker://%s/%s@%s" % (self.second.host, repository, wanted), "dir:" + self.out("fetched"))
        self.assertEqual(digest(read(self.out("fetched/manifest.json"))), wanted)
        remove_tree(self.out("fetched"))

    def test_all_platforms_of_an_index_or_one(self):
        index, children = self.index("index")
        source = self.first.host + "/index:all"
        done = self.davit("copy", source, self.second.host + "/copied/index")
        self.assertEqual(done.out, "%s/copied/index@%s\n" % (self.second.host, digest(index)))
        self.assertEqual(self.second.get("copied/index/manifests/all"), index)
        self.expect_equal("copied/index", digest(index))
        one = self.davit("copy", "-p", "linux/arm64", source, self.second.host + "/copied/one:arm")
        self.assertEqual(one.digest, children["arm64"])
        self.expect_equal("copied/one", children["arm64"])
        both = self.davit("copy", "-p", "linux/arm64", "-p", "linux/amd64", source, self.second.host + "/copied/both:1").digest
        listed = self.second.manifest("copied/both", "1")["manifests"]
        self.assertEqual({entry["platform"]["architecture"]: entry["digest"] for entry in listed}, children)
        self.expect_equal("copied/both", both)
        for platforms, behind in ((["-p", "linux/amd64"], True), (["-p", "linux/amd64", "-p", "linux/arm64"], False)):
            out = self.davit("copy", "--referrers", *platforms, source, self.second.host + "/copied/which:1")
            self.assertEqual("what refers to the whole index stays behind" in out.err, behind)
        absent = self.davit("copy", "-p", "linux/riscv64", source, self.second.host + "/copied/none:1", code=None)
        self.assertNotEqual(absent.code, 0)
        self.assertEqual(self.second.tags("copied/none"), [])

    def read_back(self, reference, layers, architecture, ending):
        """skopeo fetches the image, checks every digest and unpacks every layer; umoci unpacks what it got. As in the configuration,
        layer for layer."""
        layout = self.out("read-back")
        self.skopeo("copy", "-q", "--preserve-digests", "--src-tls-verify=false", "docker://" + reference, "oci:%s:1" % layout)
        manifest = json.loads(self.skopeo("inspect", "--raw", "oci:%s:1" % layout))
        self.assertEqual([one["mediaType"] for one in manifest["layers"]], [OCI + "layer.v1.tar" + ending] * len(layers))
        plain = self.out("plain")
        self.skopeo("copy", "-q", "--dest-decompress", "oci:%s:1" % layout, "dir:" + plain)
        unpacked = [one["digest"] for one in json.loads(read(os.path.join(plain, "manifest.json")))["layers"]]
        self.assertEqual(unpacked, [digest(one) for one in layers])
        config = json.loads(self.skopeo("inspect", "--config", "oci:%s:1" % layout))
        self.assertEqual((config["architecture"], config["rootfs"]["diff_ids"]), (architecture, unpacked))
        if shutil.which("umoci") and ending != "+zstd":  # older ones know no zstd
            self.succeed("umoci", "unpack", "--rootless", "--image", layout + ":1", self.out("bundle"))
            self.assertEqual(read(self.out("bundle/rootfs/etc/motd")), b"hello\n" * 1000)
            remove_tree(self.out("bundle"))
        for folder in (layout, plain):
            remove_tree(folder)

    def test_recompressed_images_are_what_they_were(self):
        index, children = self.index("anew")
        source = self.first.host + "/anew:all"
        for to, ending, flags in (("zstd", "+zstd", ["--recompress", "--compress", "zstd:3"]),
                                  ("skopeo", "+zstd", ["--dest-compress-format", "zstd", "--dest-compress-level", "3"]),
                                  ("none", "", ["--recompress", "--compress", "none"])):
            self.first.requests()
            done = self.davit("copy", *flags, source, "%s/anew/%s:1" % (self.second.host, to))
            self.assertIn(digest(index), done.err)
            fetched = [path for method, path, _ in self.first.requests() if method == "GET" and "/blobs/" in path]
            for one in self.first.manifest("anew", children["amd64"])["layers"]:  # which both have
                self.assertEqual(len([path for path in fetched if one["digest"] in path]), 1)
            listed = self.second.manifest("anew/" + to, "1")["manifests"]
            self.assertEqual([one["platform"]["architecture"] for one in listed], ["amd64", "arm64"])
            for one in listed:
                self.read_back("%s/anew/%s@%s" % (self.second.host, to, one["digest"]), self.layers, one["platform"]["architecture"], ending)
            again = self.davit("copy", *flags, source, "%s/anew/%s:1" % (self.second.host, to))
            self.assertEqual(again.out, done.out)
            self.assertEqual([path for method, path, _ in self.first.requests() if "/blobs/" in path and
                              any(one["digest"] in path for one in self.first.manifest("anew", children["amd64"])["layers"])], [])
        self.assertEqual(self.second.manifest("anew/zstd", "1"), self.second.manifest("anew/skopeo", "1"))
        # And back: gzip of davit's is the same gzip.
        self.davit("copy", "--recompress", "--reuse", "tag", self.second.host + "/anew/none:1", self.first.host + "/anew/back:1")
        for one in self.first.manifest("anew/back", "1")["manifests"]:
            came = self.first.manifest("anew", children[one["platform"]["architecture"]])
            self.assertEqual(self.first.manifest("anew/back", one["digest"])["layers"], came["layers"])
        refused = self.davit("copy", "--recompress", "--preserve-digests", source, self.second.host + "/anew/never:1", code=64)
        self.assertIn("--preserve-digests", refused.err)

    def test_several_destinations_one_of_them_broken(self):
        wanted = self.push(self.first.host + "/several:1")
        self.first.requests()
        layout = self.out("layout")
        closed = "127.0.0.1:1/nobody:1"
        done = self.davit("copy", "--json", "--retries", "1", self.first.host + "/several:1", self.second.host + "/several:1", closed, "oci:%s:1" % layout, code=7)
        said = {one["destination"]: one for one in map(json.loads, done.lines)}
        self.assertEqual([one.get("digest") for one in said.values()], [wanted, None, wanted])
        broken, = [one for one in said.values() if "error" in one]
        self.assertEqual((broken["destination"], broken["error"]["code"]), ("127.0.0.1:1/nobody", "unavailable"))
        self.expect_equal("several", wanted)
        self.assertEqual(digest(self.skopeo("inspect", "--raw", "oci:%s:1" % layout)), wanted)
        # Read once, whatever the number of those who got it.
        fetched = [path for method, path, status in self.first.requests() if method == "GET" and "/blobs/" in path]
        self.assertEqual(len(fetched), len(set(fetched)), fetched)
        self.assertEqual(len(fetched), 1 + len(self.layers))
        alone = self.davit("copy", "--retries", "1", self.first.host + "/several:1", closed, code=6)
        self.assertEqual(alone.out, "")

    def test_between_files(self):
        data = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00"
        config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [digest(b"")]}}).encode()
        wanted = oci_layout(self.out("from"), [data], config)
        self.davit("copy", self.out("from") + "/", self.out("a.oci.tar"))
        self.davit("copy", self.out("a.oci.tar"), self.out("b.tar"))
        self.davit("copy", self.out("b.tar"), "oci:%s:1" % self.out("to"))
        self.assertEqual(digest(self.skopeo("inspect", "--raw", "oci:%s:1" % self.out("to"))), wanted)
        for name in os.listdir(self.out("from/blobs/sha256")):
            self.assertEqual(read(blob_path(self.out("to"), "sha256:" + name)), read(blob_path(self.out("from"), "sha256:" + name)))

    def test_within_one_registry_nothing_is_fetched(self):
        wanted = self.push(self.second.host + "/here:1")
        self.second.requests()
        self.davit("copy", self.second.host + "/here:1", self.second.host + "/there:1")
        asked = self.second.requests()
        self.assertEqual([one for one in asked if one[0] == "GET" and "/blobs/" in one[1]], [])
        self.assertEqual([one for one in asked if one[0] in ("PUT", "PATCH") and "/blobs/" in one[1]], [])
        self.expect_equal("there", wanted)

    def test_what_is_there_costs_little(self):
        self.push(self.first.host + "/again:1")
        copy = ("copy", self.first.host + "/again:1", self.second.host + "/again:1")
        first = self.davit(*copy).out
        self.first.requests(), self.second.requests()
        again = self.davit(*copy)
        self.assertEqual(again.out, first)
        # The ping is allowed for each of them.
        asked = [one for one in self.first.requests() + self.second.requests() if one[1] != "/v2/"]
        self.assertLessEqual(len(asked), 3, asked)

    def guarded(self, users):
        """The first registry behind a door that wants a user of its own for each repository."""
        seen = []

        def answer(request):
            repository = request.path.split("/")[2]
            shown = request.headers.get("Authorization")
            if shown is not None:
                seen.append((repository, base64.b64decode(shown.partition(" ")[2]).decode()))
            if shown is None or seen[-1][1] != users.get(repository):
                return 401, {"WWW-Authenticate": 'Basic realm="door"'}, b"{}"
            behind = http.client.HTTPConnection(self.first.host, timeout=20)
            behind.request(request.command, request.path, request.body or None,
                           {name: ", ".join(request.headers.get_all(name)) for name in ("Accept", "Content-Type") if name in request.headers})
            given = behind.getresponse()
            body = given.read()
            behind.close()
            return given.status, {name: value for name, value in given.getheaders() if name in ("Content-Type", "Docker-Content-Digest")}, body

        server = serve(answer)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return "127.0.0.1:%d" % server.server_port, seen

    def test_each_side_of_one_registry_has_its_own_credentials(self):
        wanted = self.push(self.first.host + "/ours:1")
        self.push(self.first.host + "/theirs:other")  # the blobs are there
        users = {"ours": "joe:one", "theirs": "ann:two"}
        host, seen = self.guarded(users)
        done = self.davit("copy", "--src-creds", "joe:one", "--dest-creds", "ann:two", host + "/ours:1", host + "/theirs:1")
        self.assertEqual(done.digest, wanted)
        self.assertEqual(digest(self.first.get("theirs/manifests/1")), wanted)
        self.assertEqual(set(seen), set(users.items()))
        # What is given for one side is not for the other.
        del seen[:]
        self.davit("copy", "--src-creds", "joe:one", host + "/ours:1", host + "/theirs:2", code=3)
        self.assertEqual(set(seen), {("ours", "joe:one")})
        # A set without a side stands behind one for a side.
        self.davit("copy", "--creds", "joe:one", "--dest-creds", "ann:two", host + "/ours:1", host + "/theirs:2")

    def test_all_tags_of_what_names_one_image(self):
        for spelling in ("", "docker://"):
            refused = self.davit("copy", "-a", spelling + self.first.host + "/app:1", self.second.host + "/app", code=64)
            for line in ("davit copy -a %s/app takes all" % self.first.host, "davit copy %s/app:1 this one" % self.first.host):
                self.assertIn(line, refused.err)

    def test_all_tags_into_a_layout_as_the_hint_of_pull_says(self):
        wanted = self.push(self.first.host + "/tags:1")
        self.push(self.first.host + "/tags:2", layers=self.layers[1:])
        refused = self.davit("pull", "--all-tags", self.first.host + "/tags", self.out("layout") + "/", code=64)
        self.assertIn("davit copy -a REFERENCE oci:DIR", refused.err)
        done = self.davit("copy", "-a", self.first.host + "/tags", "oci:" + self.out("layout"))
        self.assertIn("oci:%s@%s" % (self.out("layout"), wanted), done.lines)
        listed = json.loads(read(self.out("layout/index.json")))["manifests"]
        self.assertEqual(sorted(entry["annotations"]["org.opencontainers.image.ref.name"] for entry in listed), ["1", "2"])

    def test_a_name_in_a_layout_or_its_archive_is_kept_whole(self):
        one, two = self.push(self.first.host + "/whole:1"), self.push(self.first.host + "/whole:2", layers=self.layers[1:])
        layout = "oci:" + self.out("layout")
        self.davit("copy", self.first.host + "/whole:1", layout + ":some/name:tag")
        self.davit("copy", self.first.host + "/whole:2", layout + ":other/name:tag")
        self.davit("copy", self.first.host + "/whole:2", layout + ":tag")
        names = {each["annotations"]["org.opencontainers.image.ref.name"]: each["digest"]
                 for each in json.loads(read(self.out("layout/index.json")))["manifests"]}
        self.assertEqual(names, {"some/name:tag": one, "other/name:tag": two, "tag": two})
        self.assertEqual(self.davit("digest", layout + ":some/name:tag").out, one + "\n")
        self.skopeo("inspect", "--raw", layout + ":other/name:tag")
        self.davit("delete", layout + ":some/name:tag")
        self.assertEqual(self.davit("digest", layout + ":tag").out, two + "\n")
        archive = "oci-archive:%s:some/name:tag" % self.out("x.oci.tar")
        self.davit("copy", self.first.host + "/whole:1", archive)
        self.assertEqual(self.davit("digest", archive).out, one + "\n")
        self.davit("digest", "oci-archive:%s:none/name:tag" % self.out("x.oci.tar"), code=2)

    def test_a_tag_of_a_layout_that_goes_to_another_image_is_told(self):
        one = self.push(self.first.host + "/moved-a:latest")
        self.push(self.first.host + "/moved-b:latest", layers=self.layers[1:])
        layout = self.out("layout") + "/"
        self.davit("pull", self.first.host + "/moved-a:latest", layout)
        self.assertNotIn("note:", self.davit("pull", self.first.host + "/moved-a:latest", layout).err)
        self.assertIn("the tag latest was at another image before, " + one, self.davit("pull", self.first.host + "/moved-b:latest", layout).err)
        self.assertNotIn("note:", self.davit("copy", self.first.host + "/moved-a:latest", "oci:%s:latest" % self.out("layout")).err)

    def test_what_fails_before_it_begins_is_an_object_for_each_destination(self):
        self.push(self.first.host + "/begun:1")
        goals = [self.out("none/x.oci.tar"), self.second.host + "/begun:1"]
        done = self.davit("copy", "--json", self.first.host + "/begun:1", *goals, code=8)
        told = [json.loads(line) for line in done.lines]
        self.assertEqual([each["destination"] for each in told], goals)
        self.assertTrue(all(each["error"]["code"] == "local_io" for each in told), told)
        self.assertEqual(self.second.tags("begun"), [])

    def test_what_a_docker_archive_cannot_hold_is_refused_before_it_is_written(self):
        self.index("held")
        source = self.first.host + "/held:all"
        for flags in ([], ["-p", "linux/amd64"]):
            self.davit("pull", source, self.out("x.tar"), "--preserve-digests", *flags, code=64)
        foreign = os.path.join(os.environ["DAVIT_FIXTURES"], "layout_foreign")
        done = self.davit("copy", foreign, self.out("x.tar"), code=1)
        self.assertIn("is foreign", done.err)
        self.davit("copy", foreign, self.out("x.oci.tar"))
        self.assertEqual(os.listdir(self.here), ["x.oci.tar"])

    def test_errors_say_what_works_instead(self):
        one = docker_save(self.out("one.tar"), self.layers[1:], tag="a:1")
        layout = self.out("two") + "/"
        self.davit("copy", one, "oci:" + self.out("two") + ":a:1")
        two = docker_save(self.out("other.tar"), self.layers, tag="b:1")
        self.davit("copy", two, "oci:" + self.out("two") + ":b:1")
        done = self.davit("copy", layout, self.out("three") + "/", code=64)
        self.assertIn("as oci:%s:NAME:TAG" % self.out("three"), done.err)
        done = self.davit("copy", "-a", layout, self.first.host + "/all", code=64)
        self.assertIn("REGISTRY/REPOSITORY:{tag}", done.err)
        done = self.davit("pull", one, self.first.host + "/x:1", code=64)
        self.assertIn("davit push %s %s/x:1" % (one, self.first.host), done.err)
        os.mkdir(self.out("y.tar.davit-partial"))
        for more in ([], ["--no-resume"]):
            done = self.davit("copy", one, self.out("y.tar"), *more, code=8)
            self.assertIn(self.out("y.tar.davit-partial") + " is not a file", done.err)

    def test_no_clobber(self):
        self.push(self.first.host + "/new:1")
        old = self.push(self.second.host + "/kept:1", layers=self.layers[1:])
        refused = self.davit("copy", "-n", self.first.host + "/new:1", self.second.host + "/kept:1", code=4)
        self.assertIn("kept", refused.err)
        self.assertEqual(digest(self.second.get("kept/manifests/1")), old)


class Accounts(SystemTest):
    """An image that is built in one account and run in another, in another region."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.layers = real_layers([2 << 20]) + [layer({"part%d" % number: os.urandom(300_000)}) for number in range(4)]
        cls.archive = docker_save(cls.path("app.tar"), cls.layers)

    def accounts(self, *modes):
        """Two registries, described in the configuration; a profile with the keys of either, and one whose secret is wrong."""
        build = self.emulator("--ecr", "--account", "111111111111", "--region", "eu-west-1", *modes)
        run = self.emulator("--ecr", "--account", "222222222222", "--region", "us-east-1", *modes)
        home = self.fresh_home()
        config, profiles = "registries:\n", ""
        for name, emulator, account, region in (("build", build, "111111111111", "eu-west-1"), ("run", run, "222222222222", "us-east-1")):
            config += '  "%s":\n    ecr: {account: "%s", region: %s, api_endpoint: "%s"}\n' % (
                emulator.host, account, region, emulator.env["DAVIT_ECR_ENDPOINT"])
            profiles += "[%s]\naws_access_key_id = %s\naws_secret_access_key = %s\n" % (
                name, emulator.env["AWS_ACCESS_KEY_ID"], emulator.env["AWS_SECRET_ACCESS_KEY"])
        profiles += "[wrong]\naws_access_key_id = %s\naws_secret_access_key = wrong\n" % build.env["AWS_ACCESS_KEY_ID"]
        os.mkdir(os.path.join(home, ".aws"))
        write(os.path.join(home, ".aws/credentials"), profiles, 0o600)
        self.config, self.account_home = write(os.path.join(home, "davit.yaml"), config), home
        return build, run

    def run_davit(self, *args, **options):
        return self.davit(args[0], "--config", self.config, *args[1:], home=self.account_home, **options)

    def between(self, build, run, *flags, source="build", destination="run", **options):
        return self.run_davit("copy", build.host + "/app:1", run.host + "/mirror/app:1", "--src-profile", source, "--dest-profile", destination, *flags, **options)

    def test_each_side_has_its_own_identity(self):
        build, run = self.accounts()
        wanted = self.run_davit("push", self.archive, build.host + "/app:1", "--profile", "build", "--create-repo").digest
        before = len(build.operations())
        missing = self.between(build, run, code=2)
        self.assertIn("--create-repo", missing.err)
        done = self.between(build, run, "--create-repo")
        self.assertEqual(done.out, "%s/mirror/app@%s\n" % (run.host, wanted))
        self.assertIn("CreateRepository", run.operations())
        self.assertNotIn("InitiateLayerUpload", build.operations()[before:])
        # A wrong secret on one side is that side's matter.
        for side, emulator in (("source", build), ("destination", run)):
            refused = self.between(build, run, **{side: "wrong"}, code=3)
            self.assertIn(emulator.host, refused.err)
        for side, flag in (("source", "--src-profile"), ("destination", "--dest-profile")):
            self.assertIn("no AWS profile absent, which %s names" % flag, self.between(build, run, **{side: "absent"}, code=64).err)

    def test_what_is_there_costs_few_requests(self):
        build, run = self.accounts()
        self.run_davit("push", self.archive, build.host + "/app:1", "--profile", "build", "--create-repo")
        first = self.between(build, run, "--create-repo").out
        before = len(build.lines()), len(run.lines())
        self.assertEqual(self.between(build, run).out, first)
        asked = build.lines()[before[0]:] + run.lines()[before[1]:]
        self.assertEqual([line for line in asked if "/blobs/" in line["path"]], [])
        self.assertLessEqual(len(asked), 6, asked)

    def test_tokens_that_end_in_the_middle(self):
        build, run = self.accounts("--mode", "token-life=2")
        wanted = self.run_davit("push", self.archive, build.host + "/app:1", "--profile", "build", "--create-repo").digest
        before = len(build.operations()), len(run.operations())
        # Every layer comes when the token of the one before has ended.
        done = self.between(build, run, "--create-repo", "--limit-rate", "512K", "-j", "1")
        self.assertEqual(done.digest, wanted)
        self.assertGreater(build.operations()[before[0]:].count("GetAuthorizationToken"), 1)
        self.assertGreater(run.operations()[before[1]:].count("GetAuthorizationToken"), 1)
        self.run_davit("pull", run.host + "/mirror/app:1", "--profile", "run", os.path.join(self.account_home, "layout") + "/")


if __name__ == "__main__":
    main("docker-registry", "skopeo")
