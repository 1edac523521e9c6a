"""What can be pushed and where to: pipes, wrapped tars, one image of several, templates, several destinations, tags."""
import gzip
import json
import os
import subprocess

from support import FIXTURES, SystemTest, digest, docker_save, layer, main, read, serve, write


def fixture(name):
    return os.path.join(FIXTURES, name)


class Sources(SystemTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.registry()
        cls.a, cls.b = layer({"a": b"a" * 70000}), layer({"b": b"b" * 70000})
        cls.archive = docker_save(cls.path("app.tar"), [cls.a, cls.b], tag="team/app:1.2")
        cls.several = docker_save(cls.path("several.tar"), [([cls.a], "one:1"), ([cls.b], "team/two:2"), ([cls.a, cls.b], "example.com/three:3")])

    def at(self, repository):
        return "%s/%s" % (self.server.host, repository)

    def names(self, document):
        return [l["digest"] for l in document["layers"]]

    # --- pipes and wrapping

    def test_rows_106_and_107_every_dialect_from_a_pipe(self):
        for name in ("docker24.tar", "docker25.tar", "docker29.tar", "podman_docker.tar", "podman_oci.tar", "kaniko.tar", "nix.tar", "jib_oci.tar"):
            with self.subTest(name):
                repository = name.replace("_", "-").replace(".", "-")
                data = read(fixture(name))
                wanted = self.davit("push", fixture(name), self.at(repository) + ":file").digest
                forms = {"pipe": data, "gzip": gzip.compress(data)}
                forms["zstd"] = subprocess.run(["zstd", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout
                for form, piped in forms.items():
                    done = self.davit("push", "-", "%s:%s" % (self.at(repository), form), input=piped)
                    self.assertEqual(done.digest, wanted, form)

    def test_row_107_spool_leaves_nothing_behind(self):
        spool = self.path("spool")
        os.makedirs(spool)
        self.davit("push", "-", self.at("spool:1"), "--tmpdir", spool, input=read(self.archive))
        self.assertEqual(os.listdir(spool), [])
        missing = self.davit("push", "-", self.at("spool:2"), "--tmpdir", self.path("nowhere"), input=read(self.archive), code=8)
        self.assertIn("nowhere", missing.err)

    def test_standard_input_that_is_a_file(self):
        with open(self.archive, "rb") as f:
            self.davit("push", "-", self.at("stdin:1"), input=f)
        self.assertEqual(self.server.tags("stdin"), ["1"])

    def test_row_106_kind_is_found_by_content(self):
        for name in ("app.tgz", "app.zip", "app"):
            self.davit("push", write(self.path(name), gzip.compress(read(self.archive))), self.at("content:" + name))
        self.assertEqual(len(self.server.tags("content")), 3)

    # --- one of several

    def test_row_104_choosing_an_image(self):
        for choice, wanted in (("one:1", [self.a]), ("team/two:2", [self.b]), ("example.com/three:3", [self.a, self.b]), ("@0", [self.a]), ("@2", [self.a, self.b])):
            with self.subTest(choice):
                self.davit("push", "docker-archive:%s:%s" % (self.several, choice), self.at("chosen:1"))
                manifest = self.server.manifest("chosen", "1")
                config = json.loads(self.server.get("chosen/blobs/" + manifest["config"]["digest"]))
                self.assertEqual(config["rootfs"]["diff_ids"], [digest(l) for l in wanted])

    def test_row_104_not_choosing_is_refused_with_the_list(self):
        done = self.davit("push", self.several, self.at("unchosen:1"), code=64)
        for name in ("one:1", "team/two:2", "example.com/three:3"):
            self.assertIn(name, done.err)
        for choice in ("@3", "absent:1"):
            done = self.davit("push", "docker-archive:%s:%s" % (self.several, choice), self.at("unchosen:1"), code=None)
            self.assertIn(done.code, (2, 64), done.err)
        self.assertEqual(self.server.tags("unchosen"), [])

    def test_row_119_layouts_with_several_names(self):
        for choice in ("latest", "docker.io/library/x:latest", "again", "@3"):
            self.davit("push", "oci:%s:%s" % (fixture("layout_several"), choice), self.at("names:1"))
        self.davit("push", "oci:%s:absent" % fixture("layout_several"), self.at("names:2"), code=2)

    def test_templates_push_every_image(self):
        done = self.davit("push", self.several, self.at("all/{repo}:{tag}"))
        self.assertEqual(len(done.lines), 3, done.out)
        for repository, tag in (("all/one", "1"), ("all/team/two", "2"), ("all/three", "3")):
            self.assertEqual(self.server.tags(repository), [tag])

    # --- tags

    def test_tag_of_the_archive(self):
        self.davit("push", self.archive, self.at("own-tag"))
        self.assertEqual(self.server.tags("own-tag"), ["1.2"])

    def test_no_tag_anywhere(self):
        nameless = docker_save(self.path("nameless.tar"), [self.a], tag=None)
        done = self.davit("push", nameless, self.at("tagless"), code=64)
        self.assertIn("davit push %s %s:" % (nameless, self.at("tagless")), done.err)
        self.assertEqual(self.server.tags("tagless"), [])

    def test_several_tags(self):
        self.davit("push", self.archive, self.at("tags:a,b"), "-t", "c")
        self.assertEqual(self.server.tags("tags"), ["a", "b", "c"])

    def test_digest_in_the_destination_is_checked(self):
        wanted = self.davit("push", self.archive, self.at("expected:1")).digest
        self.davit("push", self.archive, self.at("expected:2@" + wanted))
        self.davit("push", self.archive, self.at("expected:3@sha256:" + "0" * 64), code=4)
        self.assertEqual(self.server.tags("expected"), ["1", "2"])

    # --- several destinations

    def test_row_85_one_destination_refuses(self):
        refusing = serve(lambda request: (403, {}, b'{"errors":[{"code":"DENIED","message":"not you"}]}'))
        self.addCleanup(refusing.shutdown)
        other = self.registry()
        bad = "127.0.0.1:%d/fan:1" % refusing.server_port
        done = self.davit("push", self.archive, self.at("fan:1"), bad, other.host + "/fan:1", code=7)
        self.assertEqual([line.partition("@")[0] for line in done.lines], [self.at("fan"), other.host + "/fan"])
        self.assertIn("not you", done.err)
        self.assertEqual(self.server.get("fan/manifests/1"), other.get("fan/manifests/1"))
        self.davit("push", self.archive, bad, code=3)

    def test_several_destinations_in_the_order_of_the_arguments(self):
        other = self.registry()
        destinations = [other.host + "/z:1", self.at("order/b:1"), self.at("order/a:1"), other.host + "/a:1"]
        done = self.davit("push", self.archive, *destinations)
        self.assertEqual([line.partition("@")[0] for line in done.lines], [d.rpartition(":")[0] for d in destinations])
        listed = self.davit("push", self.archive, *destinations, "--json")
        self.assertEqual(len([json.loads(line) for line in listed.lines]), 4)

    def test_who_may_write_need_not_look(self):
        """A registry that denies every question but takes what is sent."""
        taken = []

        def answer(request):
            if request.command in ("GET", "HEAD"):
                return 403, {}, b'{"errors":[{"code":"DENIED","message":"write only"}]}'
            taken.append((request.command, request.path))
            if request.command == "POST":
                return 202, {"Location": request.path + "session"}, b""
            return 202 if request.command == "PATCH" else 201, {"Location": request.path}, b""
        writable = serve(answer)
        self.addCleanup(writable.shutdown)
        self.davit("push", self.archive, "127.0.0.1:%d/blind:1" % writable.server_port)
        self.assertEqual(taken[-1], ("PUT", "/v2/blind/manifests/1"))

    def test_a_destination_that_dies_does_not_stop_the_other(self):
        def answer(request):
            if request.command == "PUT" or request.command == "PATCH":
                return 500, {}, b""
            if request.command == "POST":
                return 202, {"Location": request.path + "session"}, b""
            return 404, {}, b'{"errors":[{"code":"NAME_UNKNOWN","message":"none"}]}'
        dying = serve(answer)
        self.addCleanup(dying.shutdown)
        done = self.davit("push", self.archive, "127.0.0.1:%d/fan:1" % dying.server_port, self.at("alive:1"), "--retries", "2", code=7)
        self.assertEqual(len(done.lines), 1)
        self.assertEqual(self.server.tags("alive"), ["1"])


if __name__ == "__main__":
    main("docker-registry", "zstd")
