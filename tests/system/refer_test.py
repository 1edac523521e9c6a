#!/usr/bin/env python3
"""Tags, lists, deletions and referrers: on Debian's docker-registry, a plain emulated registry, and an emulated ECR."""
import contextlib
import http.client
import json
import os
import subprocess

import support
from support import DAVIT, SystemTest, digest, docker_save, layer, main, require, serve, wait_until, write

EMPTY = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


def fallback_tag(subject):
    return subject.replace(":", "-")


class ReferTest(SystemTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.image = docker_save(cls.path("app.tar"), [layer({"etc/app": b"1"})])
        cls.other = docker_save(cls.path("other.tar"), [layer({"etc/app": b"2"})])
        cls.sbom = write(cls.path("sbom.json"), '{"spdxVersion":"SPDX-2.3"}')

    @contextlib.contextmanager
    def refusing(self, host, refused, part):
        """A registry in front of another one, which forbids requests with this method whose path has this part."""
        def answer(request):
            if request.command == refused and part in request.path:
                return 403, {"Content-Type": "application/json"}, b'{"errors":[{"code":"DENIED"}]}'
            connection = http.client.HTTPConnection(host)
            with contextlib.closing(connection):
                method = "GET" if request.command == "HEAD" else request.command  # the length is that of the body
                connection.putrequest(method, request.path, skip_host=True, skip_accept_encoding=True)
                for name, value in request.headers.items():  # Accept comes more than once
                    connection.putheader(name, value)
                connection.endheaders(request.body)
                there = connection.getresponse()
                headers = {key: value for key, value in there.getheaders() if key.lower() not in ("content-length", "transfer-encoding")}
                return there.status, headers, there.read()

        server = serve(answer)
        try:
            yield "127.0.0.1:%d" % server.server_port
        finally:
            server.shutdown()
            server.server_close()

    def push(self, host, name, image=None, **options):
        return self.davit("push", image or self.image, "%s/%s" % (host, name), **options).digest

    def check_late_referrers(self, host):
        """What refers to an image is brought to where the image is already, and said beforehand."""
        words = ("copy", host + "/late:1", host + "/late-copy:1", "--referrers")
        self.push(host, "late:1")
        self.davit("attach", host + "/late:1", "--type", "application/x-first", self.sbom)
        self.davit(*words)
        self.davit("attach", host + "/late:1", "--type", "application/x-second", self.sbom)
        self.assertIn("what refers to the image", self.davit(*words, "--dry-run", "--exit-code", code=10).out)
        self.assertFalse(json.loads(self.davit(*words, "--json").out)["unchanged"])
        found = self.davit("discover", "--json", host + "/late-copy:1").out
        for kind in ("application/x-first", "application/x-second"):
            self.assertIn(kind, found)
        self.davit(*words, "--dry-run", "--exit-code")
        again = json.loads(self.davit(*words, "--json").out)
        self.assertEqual((again["unchanged"], again["blobs"]["mounted"], again["blobs"]["sent"]), (True, 0, 0))


class DockerRegistryTest(ReferTest):
    """Distribution 2.8: no deletion of tags alone, no list of referrers."""

    @classmethod
    def setUpClass(cls):
        require("docker-registry")
        super().setUpClass()
        cls.server = cls.registry()
        cls.host = cls.server.host

    def test_tags_are_one_get_and_a_look_and_a_put_each_with_the_same_bytes(self):
        pushed = self.push(self.host, "tagged:1")
        before = self.server.get("tagged/manifests/1")
        self.server.requests()
        out = self.davit("tag", self.host + "/tagged:1", "v1", "v2,v3", "docker://%s/tagged:v4" % self.host)
        self.assertEqual(out.lines, ["%s/tagged@%s" % (self.host, pushed)])
        asked = [(method, path.rsplit("/", 1)[1]) for method, path, _ in self.server.requests() if "/manifests/" in path]
        self.assertEqual(asked, [("GET", "1")] + [(method, tag) for tag in ("v1", "v2", "v3", "v4") for method in ("GET", "PUT")])
        for tag in ("v1", "v2", "v3", "v4"):
            self.assertEqual(self.server.get("tagged/manifests/" + tag), before)
        again = self.davit("tag", self.host + "/tagged:1", "v1", "v5")
        self.assertEqual(again.err, "%s/tagged:v1: nothing to do, the image is there\n" % self.host)
        self.assertEqual([path.rsplit("/", 1)[1] for method, path, _ in self.server.requests() if method == "PUT"], ["v5"])

    def test_a_tag_that_must_not_move_does_not(self):
        self.push(self.host, "kept:1")
        other = self.push(self.host, "kept:2", self.other)
        out = self.davit("tag", "-n", self.host + "/kept:1", "new", "2", code=7)
        self.assertIn("points at " + other, out.err)
        self.assertEqual(self.server.tags("kept"), ["1", "2", "new"])
        self.davit("tag", "-n", self.host + "/kept:1", "2", code=4)
        again = json.loads(self.davit("tag", "-n", self.host + "/kept:1", "new", "--json").out)
        self.assertEqual((again["tags"], again["unchanged"]), (["new"], True))

    def test_a_tag_elsewhere_is_a_copy(self):
        out = self.davit("tag", self.host + "/kept:1", self.host + "/elsewhere:1", code=64)
        self.assertIn("davit copy", out.err)
        self.davit("tag", self.host + "/missing:1", "v1", code=2)

    def test_a_tag_is_not_deleted_where_its_image_would_go_with_it(self):
        pushed = self.push(self.host, "deleted:1")
        self.davit("tag", self.host + "/deleted:1", "2")
        out = self.davit("delete", self.host + "/deleted:1", code=1)
        self.assertIn("cannot delete a tag alone", out.err)
        self.assertEqual(out.out, "")
        self.assertEqual(self.server.tags("deleted"), ["1", "2"])
        out = self.davit("rm", "%s/deleted@%s" % (self.host, pushed))
        self.assertEqual(out.lines, ["%s/deleted@%s" % (self.host, pushed)])
        self.davit("manifest", self.host + "/deleted:2", code=2)

    def test_each_reference_has_its_own_result(self):
        pushed = self.push(self.host, "several:1")
        name = "%s/several@%s" % (self.host, pushed)
        would = self.davit("delete", "--dry-run", "--exit-code", name, code=10)
        self.assertEqual(would.lines, ["would delete manifest " + name + ", unless the registry refuses"])
        would = self.davit("delete", "--dry-run", self.host + "/several:1", "--json")
        self.assertEqual([each["mayBeRefused"] for each in json.loads(would.out)["deleted"]], [True])
        out = self.davit("delete", self.host + "/several:nope", name, "--json", code=7)
        first, second = [json.loads(line) for line in out.lines]
        self.assertEqual(first["error"]["code"], "not_found")
        self.assertEqual(second["deleted"], [{"kind": "manifest", "name": name, "digest": pushed}])

    def test_a_docker_archive_has_no_place_for_referrers(self):
        out = self.davit("discover", self.image, code=1)
        self.assertIn("a docker-archive has no place for what refers to an image", out.err)

    def test_a_repository_is_not_an_image(self):
        for words in (("delete", self.host + "/several"), ("delete", "app.tar"), ("delete", "oci:layout"), ("delete", "--with-referrers", "oci:layout:1")):
            self.davit(*words, code=64)

    def test_an_artifact_is_what_the_specification_says(self):
        subject = self.push(self.host, "attached:1")
        out = self.davit("attach", self.host + "/attached:1", "--artifact-type", "application/spdx+json", "-a", "team=blue",
                         "sbom.json:application/spdx+json", cwd=self.dir)
        made = self.server.manifest("attached", out.digest)
        self.assertEqual(made["artifactType"], "application/spdx+json")
        self.assertEqual(made["config"], {"mediaType": "application/vnd.oci.empty.v1+json", "digest": EMPTY, "size": 2})
        self.assertEqual(made["layers"], [{"mediaType": "application/spdx+json", "digest": digest(support.read(self.sbom)), "size": 26,
                                           "annotations": {"org.opencontainers.image.title": "sbom.json"}}])
        self.assertEqual(made["subject"]["digest"], subject)
        self.assertEqual(made["annotations"], {"team": "blue"})
        index = self.server.manifest("attached", fallback_tag(subject))
        self.assertEqual([(each["digest"], each["artifactType"], each["annotations"]) for each in index["manifests"]],
                         [(out.digest, "application/spdx+json", {"team": "blue"})])

    def test_the_same_files_are_the_same_artifact(self):
        self.push(self.host, "same:1")
        words = ("attach", self.host + "/same:1", "--type", "x/y", self.sbom)
        first, second = self.davit(*words), self.davit(*words)
        self.assertEqual(first.out, second.out)
        self.assertIn("nothing to do, the artifact is there", second.err)
        dated = self.davit(*words, env={"SOURCE_DATE_EPOCH": "1700000000"})
        self.assertEqual(self.server.manifest("same", dated.digest)["annotations"],
                         {"org.opencontainers.image.created": "2023-11-14T22:13:20Z"})
        # A path of this machine does not get into the artifact.
        self.assertEqual(self.server.manifest("same", first.digest)["layers"][0]["annotations"],
                         {"org.opencontainers.image.title": "sbom.json"})

    def test_what_cannot_be_attached_is_said_before_anything_is_sent(self):
        self.server.requests()
        reference = self.host + "/same:1"
        for code, words in ((64, ["--type", "sbom", self.sbom]), (64, ["--type", "a/b"]), (8, ["--type", "a/b", "missing.json"]),
                            (8, ["--type", "a/b", self.dir]), (64, ["--type", "a/b", self.sbom, "-a", "nothing"]), (64, [self.sbom])):
            self.davit("attach", reference, *words, code=code)
        self.assertEqual([each for each in self.server.requests() if each[0] != "GET"], [])

    def test_many_who_attach_at_once_all_stay_listed(self):
        subject = self.push(self.host, "race:1")
        running = [subprocess.Popen([DAVIT, "attach", self.host + "/race:1", "--type", "x/race", "-a", "n=%d" % n], stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE, env=support.clean_environment(self.fresh_home())) for n in range(8)]
        ends = [process.communicate(timeout=60) for process in running]
        self.assertEqual([process.returncode for process in running], [0] * 8, ends)
        made = {out.decode().strip().partition("@")[2] for out, _ in ends}
        self.assertEqual(len(made), 8)
        listed = {each["digest"] for each in self.server.manifest("race", fallback_tag(subject))["manifests"]}
        self.assertEqual(listed, made)

    def test_discover_shows_the_tree_and_filters_by_type(self):
        subject = self.push(self.host, "tree:1")
        name = self.host + "/tree"
        sbom = self.davit("attach", name + ":1", "--type", "x/sbom", self.sbom)
        signed = self.davit("attach", sbom.lines[0], "--type", "x/signature", "-a", "by=me")
        out = self.davit("discover", name + ":1")
        self.assertEqual(out.lines, ["%s@%s" % (name, subject), "└── x/sbom", "    └── " + sbom.digest, "        └── x/signature",
                                     "            └── " + signed.digest])
        tree = json.loads(self.davit("discover", "-o", "json", name + ":1").out)
        self.assertEqual(tree["reference"], "%s@%s" % (name, subject))
        self.assertEqual(tree["referrers"][0]["referrers"][0]["annotations"], {"by": "me"})
        self.assertEqual(json.loads(self.davit("discover", "--json", "--artifact-type", "x/other", name + ":1").out)["referrers"], [])

    def test_referrers_of_a_layout_are_shown_too(self):
        self.push(self.host, "kept-in-layout:1")
        sbom = self.davit("attach", self.host + "/kept-in-layout:1", "--type", "x/sbom", self.sbom)
        layout = self.path("kept-in-layout")
        self.davit("copy", "--referrers", self.host + "/kept-in-layout:1", "oci:%s:1" % layout)
        listed = json.loads(self.davit("discover", "--json", "oci:%s:1" % layout).out)["referrers"]
        self.assertEqual([(each["digest"], each["artifactType"]) for each in listed], [(sbom.digest, "x/sbom")])

    def test_an_image_goes_with_what_refers_to_it(self):
        subject = self.push(self.host, "gone:1")
        sbom = self.davit("attach", self.host + "/gone:1", "--type", "x/sbom", self.sbom)
        signed = self.davit("attach", sbom.lines[0], "--type", "x/signature", "-a", "by=me")
        self.davit("delete", "--with-referrers", self.host + "/gone:1", code=64)
        out = self.davit("delete", "--with-referrers", "%s/gone@%s" % (self.host, subject))
        gone = [line.partition("@")[2] for line in out.lines]
        self.assertEqual([each for each in gone if each in (signed.digest, sbom.digest, subject)], [subject, signed.digest, sbom.digest])
        self.assertEqual(self.davit("ls", self.host + "/gone").out, "")
        for each in (subject, sbom.digest, signed.digest):
            self.davit("manifest", "%s/gone@%s" % (self.host, each), code=2)

    def put_index(self, repository, tag, digests):
        entries = [{"mediaType": support.OCI + "manifest.v1+json", "digest": each, "size": len(self.server.get("%s/manifests/%s" % (repository, each))),
                    "platform": {"os": "linux", "architecture": "amd64"}} for each in digests]
        index = json.dumps({"schemaVersion": 2, "mediaType": support.OCI + "index.v1+json", "manifests": entries}).encode()
        self.server.put_manifest(repository, tag, index, support.OCI + "index.v1+json")
        return digest(index)

    def test_referrers_that_were_made_later_are_brought(self):
        self.check_late_referrers(self.server.host)

    def test_an_ordinary_index_under_the_tag_of_a_list_of_referrers_stays(self):
        subject = self.push(self.host, "ordinary:1")
        other = self.push(self.host, "ordinary:other", self.other)
        index = self.put_index("ordinary", fallback_tag(subject), [other])
        name = "%s/ordinary@" % self.host
        for more in (("--dry-run",), ()):
            out = self.davit("delete", "--with-referrers", name + subject, *more)
            self.assertEqual([line.rpartition("@")[2].partition(",")[0] for line in out.lines], [subject])
            self.assertIn(other + " stays", out.err)
            self.assertIn(index + " stays", out.err)
        self.davit("manifest", name + index)
        self.davit("manifest", name + other)
        self.davit("manifest", name + subject, code=2)

    def test_a_foreign_entry_keeps_the_list_and_the_referrers_go(self):
        subject = self.push(self.host, "mixed:1")
        other = self.push(self.host, "mixed:other", self.other)
        sbom = self.davit("attach", self.host + "/mixed:1", "--type", "x/sbom", self.sbom)
        self.put_index("mixed", fallback_tag(subject), [other, sbom.digest])
        out = self.davit("delete", "--with-referrers", "%s/mixed@%s" % (self.host, subject))
        self.assertEqual([line.partition("@")[2] for line in out.lines], [subject, sbom.digest])
        self.assertEqual([each["digest"] for each in self.server.manifest("mixed", fallback_tag(subject))["manifests"]], [other])

    def test_what_was_deleted_before_a_failure_is_printed(self):
        subject = self.push(self.host, "midway:1")
        sbom = self.davit("attach", self.host + "/midway:1", "--type", "x/sbom", self.sbom)
        name = "%s/midway@" % self.host
        with self.refusing(self.server.host, "DELETE", subject) as host:
            self.davit("delete", "--with-referrers", "%s/midway@%s" % (host, subject), code=3)
        for each in (subject, sbom.digest):  # signatures of an image that stays stay with it
            self.davit("manifest", name + each)
        with self.refusing(self.server.host, "DELETE", sbom.digest) as host:
            out = self.davit("delete", "--json", "--with-referrers", "%s/midway@%s" % (host, subject), code=7)
        told = json.loads(out.out)
        self.assertEqual([each["digest"] for each in told["deleted"]], [subject])
        self.assertEqual((told["error"]["code"], told["error"]["status"]), ("denied", 403))
        self.davit("manifest", name + sbom.digest)
        self.davit("delete", "--with-referrers", name + subject)  # goes on where the first run ended
        self.davit("manifest", name + sbom.digest, code=2)

    def listed(self, repository, subject):
        return sorted(each["digest"] for each in self.server.manifest(repository, fallback_tag(subject))["manifests"])

    def test_a_copy_adds_to_the_list_of_referrers_that_is_there_and_never_replaces_it(self):
        subject = self.push(self.host, "lists/from:1")
        brought = self.davit("attach", self.host + "/lists/from:1", "--type", "x/signature", self.sbom).digest
        source = self.host + "/lists/from"
        for name, flags in (("all", ["-a", source]), ("one", [source + ":1", "--digest-tags"]), ("both", ["-a", source, "--digest-tags"])):
            place = "lists/" + name
            self.push(self.host, place + ":1")
            own = self.davit("attach", "%s/%s:1" % (self.host, place), "--type", "x/sbom", self.sbom).digest
            out = self.davit("copy", *flags, "%s/%s" % (self.host, place))
            self.assertEqual(self.listed(place, subject), [own], flags)
            self.assertIn("%s/%s keeps its own list of referrers, %s" % (self.host, place, fallback_tag(subject)), out.err)
            self.davit("copy", *flags, "%s/%s" % (self.host, place), "--referrers")
            self.assertEqual(self.listed(place, subject), sorted([own, brought]), flags)
            out = self.davit("copy", *flags, "%s/%s/empty" % (self.host, place))  # where there is none, it comes along
            self.assertEqual(self.listed(place + "/empty", subject), [brought], flags)
            self.assertNotIn("keeps its own", out.err + self.davit("copy", *flags, "%s/%s/empty" % (self.host, place)).err)
        self.davit("copy", "%s:%s" % (source, fallback_tag(subject)), self.host + "/lists/all")  # the list itself was asked for
        self.assertEqual(self.listed("lists/all", subject), [brought])

    def test_what_comes_under_digest_tags_is_no_result_of_its_own(self):
        image = self.push(self.host, "signed/from:1")
        signature = self.push(self.host, "signed/from:%s.sig" % fallback_tag(image), self.other)
        target = self.host + "/signed/to:1"
        out = self.davit("copy", self.host + "/signed/from:1", target, "--digest-tags", "--digest-file", self.path("digests"))
        self.assertEqual(out.out, "%s/signed/to@%s\n" % (self.host, image))
        self.assertEqual(support.read(self.path("digests")).decode(), image + "\n")
        self.assertIn(fallback_tag(image) + ".sig", self.server.tags("signed/to"))
        out = self.davit("copy", self.host + "/signed/from:1", target, "--digest-tags", "-v", "-q")
        self.assertIn("%s/signed/to@%s" % (self.host, signature), out.err.split("\n"))
        self.assertEqual(out.out, "%s/signed/to@%s\n" % (self.host, image))
        out = self.davit("copy", self.host + "/signed/from:1", target, "--digest-tags", "--json")
        self.assertEqual([json.loads(line)["digest"] for line in out.lines], [image, signature])

    def test_a_layout_with_referrers_has_one_image(self):
        image = self.push(self.host, "alone:1")
        first = self.davit("attach", self.host + "/alone:1", "--type", "x/sbom", self.sbom)
        self.davit("attach", first.lines[0], "--type", "x/signature", "-a", "by=me")
        for place in (self.path("alone") + "/", self.path("alone.oci.tar")):
            self.davit("pull", self.host + "/alone:1", place, "--referrers")
            self.assertEqual(self.davit("digest", place).out, image + "\n")
            self.davit("validate", place)

    def test_an_artifact_that_is_deleted_leaves_the_list(self):
        self.push(self.host, "shorter:1")
        one = self.davit("attach", self.host + "/shorter:1", "--type", "x/one", self.sbom)
        two = self.davit("attach", self.host + "/shorter:1", "--type", "x/two", self.sbom)
        self.davit("delete", one.lines[0])
        listed = json.loads(self.davit("discover", "--json", self.host + "/shorter:1").out)["referrers"]
        self.assertEqual([each["digest"] for each in listed], [two.digest])

    def test_lists_of_repositories_tags_and_platforms(self):
        pushed = self.push(self.host, "listed/app:1.0.0")
        self.davit("tag", self.host + "/listed/app:1.0.0", "1.1.0", "2.0.0", "latest")
        self.assertIn("listed/app", self.davit("ls", self.host).lines)
        self.assertIn("listed/app", self.davit("catalog", self.host).lines)
        self.assertEqual(self.davit("ls", self.host, "--include", "listed/.*").lines, ["listed/app"])
        name = self.host + "/listed/app"
        tags = {"1.0.0", "1.1.0", "2.0.0", "latest"}
        for word in ("ls", "tags", "list-tags"):
            self.assertEqual(set(self.davit(word, "docker://" + name).lines), tags)
        listed = json.loads(self.davit("list-tags", name, "--json").out)
        self.assertEqual((listed["Repository"], set(listed["Tags"])), (name, tags))
        self.assertEqual(set(self.davit("ls", name, "--semver", "1.x", "--full-ref").lines), {name + ":1.0.0", name + ":1.1.0"})
        self.assertEqual(self.davit("ls", name, "--latest", "2", "--semver", ">=1").lines, ["1.1.0", "2.0.0"])
        for each in json.loads(self.davit("ls", "-l", "--json", name).out)["Images"]:
            self.assertEqual(each["Digest"], pushed)
            self.assertGreater(each["Size"], 0)
        self.assertEqual(self.davit("ls", name + ":latest").lines, ["linux/amd64         " + pushed])
        self.assertTrue(self.davit("ls", self.image).lines[0].startswith("linux/amd64"))
        listed = self.davit("ls", "-l", "--full-ref", name + ":latest").lines[0].split()
        self.assertEqual(listed[:2], ["linux/amd64", name + "@" + pushed])
        self.assertEqual(listed[-1], "application/vnd.docker.distribution.manifest.v2+json")
        for words in (["--include", "1.*"], ["--exclude", "1.*"], ["--semver", "1.x"], ["--latest", "1"], ["-O"]):
            self.assertIn(words[0], self.davit("ls", name + ":latest", *words, code=64).err)
        self.davit("ls", "--full-ref", self.image, code=64)
        self.davit("ls", self.host + "/missing", code=2)
        self.davit("catalog", name, code=64)

    def test_a_file_with_several_images_lists_their_names(self):
        multi = docker_save(self.path("multi.tar"), [([layer({"n": name.encode()})], tag) for name, tag in (("a", "x/a:1"), ("b", "x/b:2"), ("c", None))])
        layout = "oci:" + self.path("several")
        self.davit("copy", self.image, layout + ":a")
        self.davit("tag", layout + ":a", "a2")
        other = self.davit("copy", self.other, layout + ":b").digest
        names = {multi: ["x/a:1", "x/b:2", "@2"], layout: ["a", "a2", "b"]}
        for file, wanted in ((multi, names[multi]), ("docker-archive:" + multi, names[multi]), (layout, names[layout]), (layout[4:], names[layout])):
            for word in ("ls", "tags", "list-tags"):
                self.assertEqual(self.davit(word, file).lines, wanted)
            for reference in self.davit("ls", "--full-ref", file).lines:
                self.assertTrue(self.davit("ls", reference).lines[0].startswith("linux/amd64"), reference)
        odd = docker_save(self.path("odd.tar"), [([layer({"n": name.encode()})], tag) for name, tag in (("a", "x/a\x1b[31m:1"), ("b", "x/b:2"))])
        for more in ((), ("--full-ref",), ("-l",), ("--json",)):
            self.assertNotIn("\x1b", self.davit("ls", odd, *more).out)
        self.assertEqual(self.davit("ls", os.path.basename(layout), cwd=self.dir).lines, names[layout])
        self.assertEqual(json.loads(self.davit("list-tags", "--json", layout).out), {"File": layout, "Tags": names[layout]})
        self.assertEqual(json.loads(self.davit("ls", "-l", "--json", layout).out)["Images"][2]["Digest"], other)
        self.assertEqual(self.davit("ls", "--include", "a.*", "--exclude", "a2", layout).lines, ["a"])
        self.davit("ls", "--latest", "1", layout, code=64)
        self.davit("list-tags", layout + ":a", code=64)
        self.assertEqual(self.davit("list-tags", self.image).lines, ["app:1"])
        self.assertTrue(self.davit("ls", layout + ":a2").lines[0].startswith("linux/amd64"))

    def test_a_folder_is_not_asked_for_on_docker_hub(self):
        os.mkdir(self.path("folder"))
        for word in ("ls", "list-tags"):
            out = self.davit(word, "folder", code=None, cwd=self.dir, env={"HTTPS_PROXY": "http://127.0.0.1:1"})
            self.assertIn("layout", out.err)
            self.assertNotIn("docker.io", out.err)

    def test_skopeo_lists_the_same_names(self):
        require("skopeo")
        multi = "docker-archive:" + docker_save(self.path("two.tar"), [([layer({"n": name.encode()})], tag) for name, tag in (("a", "x/a:1"), ("b", "x/b:2"))])
        self.assertEqual(json.loads(self.skopeo("list-tags", multi))["Tags"], json.loads(self.davit("list-tags", "--json", multi).out)["Tags"])

    def test_skopeo_reads_the_tags_that_davit_made(self):
        require("skopeo")
        self.push(self.host, "judged:1")
        self.davit("tag", self.host + "/judged:1", "v1")
        name = "docker://%s/judged" % self.host
        listed = json.loads(self.skopeo("list-tags", "--tls-verify=false", name))
        self.assertEqual(sorted(listed["Tags"]), sorted(json.loads(self.davit("list-tags", name, "--json").out)["Tags"]))
        self.assertEqual(self.skopeo("inspect", "--raw", "--tls-verify=false", name + ":v1"), self.server.get("judged/manifests/1"))


class PlainEmulatorTest(ReferTest):
    """A registry with the whole of the specification: tags are deleted alone, referrers are listed."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.emulator()
        cls.host = cls.server.host

    def test_a_tag_is_deleted_and_the_image_stays(self):
        pushed = self.push(self.host, "deleted:1")
        out = self.davit("delete", self.host + "/deleted:1")
        self.assertEqual(out.lines, [self.host + "/deleted:1"])
        self.davit("manifest", self.host + "/deleted:1", code=2)
        self.davit("manifest", "%s/deleted@%s" % (self.host, pushed))

    def test_referrers_that_were_made_later_are_brought(self):
        self.check_late_referrers(self.server.host)

    def test_referrers_are_listed_by_the_registry_and_no_tag_is_made(self):
        self.push(self.host, "attached:1")
        sbom = self.davit("attach", self.host + "/attached:1", "--type", "x/sbom", self.sbom)
        self.davit("attach", self.host + "/attached:1", "--type", "x/signature", "-a", "by=me")
        self.assertEqual(self.davit("ls", self.host + "/attached").lines, ["1"])
        listed = json.loads(self.davit("discover", "--json", "--type", "x/sbom", self.host + "/attached:1").out)["referrers"]
        self.assertEqual([each["digest"] for each in listed], [sbom.digest])


class LongListTest(ReferTest):
    def test_a_long_list_passes_through_little_memory(self):
        pages, size = 200, 1000

        def answer(request):
            page = int(request.path.partition("last=")[2] or 0)
            tags = ["%d.%d.%d-%s" % (page // 100, page % 100, n, "x" * 80) for n in range(size)]
            headers = {"Content-Type": "application/json"}
            if page + 1 < pages:
                headers["Link"] = '</v2/app/tags/list?last=%d>; rel="next"' % (page + 1)
            return 200, headers, json.dumps({"name": "app", "tags": tags}).encode()

        server = serve(answer)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        name = "127.0.0.1:%d/app" % server.server_port
        out = self.davit("ls", name, measure=True)
        self.assertEqual(len(out.lines), pages * size)
        self.assertLess(out.peak_kib, 32 << 10)
        out = self.davit("list-tags", name, "--json", measure=True)
        self.assertEqual(len(json.loads(out.out)["Tags"]), pages * size)
        self.assertLess(out.peak_kib, 32 << 10)


class EcrTest(ReferTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.emulator("--ecr", "--mode", "referrers-page=2")
        cls.host, cls.env = cls.server.host, cls.server.env

    def davit(self, *args, env=None, **how):
        return super().davit(*args, env={**self.env, **(env or {})}, **how)

    def push(self, name, image=None, *more):
        return self.davit("push", image or self.image, "%s/%s" % (self.host, name), "--create-repo", *more).digest

    def test_the_last_tag_of_an_image_stays_and_another_goes(self):
        pushed = self.push("tags:1")
        self.davit("tag", self.host + "/tags:1", "2")
        out = self.davit("delete", "--dry-run", self.host + "/tags:1", self.host + "/tags:2", code=7)
        self.assertEqual(out.lines, ["would delete tag " + self.host + "/tags:1"])
        self.assertIn("last tag", out.err)
        self.assertEqual(self.davit("delete", self.host + "/tags:1").lines, [self.host + "/tags:1"])
        out = self.davit("delete", "--dry-run", self.host + "/tags:2", code=1)
        self.assertEqual((out.out, "last tag" in out.err), ("", True))
        out = self.davit("delete", self.host + "/tags:2", code=1)
        self.assertIn("last tag", out.err)
        self.assertEqual(self.davit("ls", self.host + "/tags").lines, ["2"])
        self.davit("delete", "%s/tags@%s" % (self.host, pushed))
        self.assertEqual(self.davit("ls", self.host + "/tags").out, "")
        wait_until(lambda: "BatchDeleteImage" in self.server.operations(), "the log has the deletion")

    def test_commands_that_make_no_repository_name_no_flag_for_it(self):
        for words in (("tag", self.host + "/nope:1", "x"), ("delete", self.host + "/nope:1")):
            self.assertNotIn("--create-repo", self.davit(*words, code=2).err)
        self.assertIn("--create-repo", self.davit("push", self.image, self.host + "/nope:1", code=2).err)

    def test_an_immutable_tag_with_the_same_image_is_fine(self):
        self.davit("ecr", "create", self.host + "/fixed", "--immutable")
        self.push("fixed:1")
        other = self.push("fixed:other", self.other)
        self.davit("tag", self.host + "/fixed:1", "1")
        out = self.davit("tag", self.host + "/fixed:1", "other", code=4)
        self.assertIn(other, out.err)

    def test_what_ecr_tells_comes_with_the_list(self):
        pushed = self.push("listed:1")
        self.davit("tag", self.host + "/listed:1", "2")
        before = len(self.server.operations())
        images = json.loads(self.davit("ls", "-l", "--json", self.host + "/listed").out)["Images"]
        self.assertEqual({each["Tag"] for each in images}, {"1", "2"})
        for each in images:
            self.assertEqual(each["Digest"], pushed)
            self.assertGreater(each["Size"], 0)
            self.assertRegex(each["Pushed"], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        # A line of the log comes a moment after the answer, so that of the tag's PUT may be among these.
        wait_until(lambda: "DescribeImages" in self.server.operations()[before:], "the log has the question")
        self.assertEqual([each for each in self.server.operations()[before:] if each != "PutImage"], ["DescribeImages"])
        self.assertIn("listed", self.davit("ls", self.host).lines)
        wait_until(lambda: "DescribeRepositories" in self.server.operations()[before:], "the log has the question")

    def test_who_may_not_ask_the_api_asks_the_registry(self):
        self.push("chosen:1")
        password = self.davit("auth", "token", self.host).out.strip()
        creds = ("--creds", "AWS:" + password)
        before = len(self.server.lines())
        self.assertIn("chosen", self.davit("ls", self.host, *creds).lines)
        self.assertEqual(self.davit("ls", "-l", self.host + "/chosen", *creds).lines[0].split()[0], "1")
        out = self.davit("delete", self.host + "/chosen:1", *creds, code=1)
        self.assertIn("only the API of AWS tells", out.err)
        asked = {line.get("operation") for line in self.server.lines()[before:] if line["listener"] == "api"}
        self.assertFalse(asked & {"DescribeRepositories", "DescribeImages", "BatchDeleteImage"}, asked)
        self.assertEqual(self.davit("ls", self.host + "/chosen").lines, ["1"])

    def test_referrers_come_in_pages_and_by_type(self):
        self.push("refer:1")
        made = [self.davit("attach", self.host + "/refer:1", "--type", "x/sbom", "-a", "n=%d" % n).digest for n in range(3)]
        signed = self.davit("attach", self.host + "/refer:1", "--type", "x/signature", "-a", "n=1")
        self.assertEqual(self.davit("ls", self.host + "/refer").lines, ["1"])
        tree = json.loads(self.davit("discover", "--json", self.host + "/refer:1").out)
        self.assertEqual({each["digest"] for each in tree["referrers"]}, {*made, signed.digest})
        some = json.loads(self.davit("discover", "--json", "--type", "x/signature", self.host + "/refer:1").out)
        self.assertEqual([each["digest"] for each in some["referrers"]], [signed.digest])


if __name__ == "__main__":
    main()
