"""davit mirror --prune and --undo: what is still needed stays, whoever needs it, and what went comes back."""
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import urllib.request

from support import DAVIT, SystemTest, clean_environment, main, read, wait_until, write

IMAGE = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


def name_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def signature_of(image):
    return image["digest"].replace(":", "-") + ".sig"


class Prune(SystemTest):
    """Debian's docker-registry deletes images with all their tags; the emulator deletes single tags."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source, cls.target = cls.registry(), cls.registry()

    def setUp(self):
        self.work_folder()

    def ask(self, host, method, path, data=None, kind="application/octet-stream"):
        request = urllib.request.Request("http://%s%s" % (host, path), data=data, method=method, headers={"Content-Type": kind})
        with urllib.request.urlopen(request) as answer:
            return answer.headers

    def blob(self, host, repository, data):
        place = self.ask(host, "POST", "/v2/%s/blobs/uploads/" % repository, b"")["Location"]
        place = re.sub("^https?://[^/]+", "", place)
        self.ask(host, "PUT", place + ("&" if "?" in place else "?") + "digest=" + name_of(data), data)
        return name_of(data)

    def put(self, host, repository, tag, kind, manifest):
        data = json.dumps({"schemaVersion": 2, "mediaType": kind, **manifest}).encode()
        self.ask(host, "PUT", "/v2/%s/manifests/%s" % (repository, tag or name_of(data)), data, kind)
        return {"mediaType": kind, "digest": name_of(data), "size": len(data)}

    def image(self, server, repository, tag, own):
        layer = own.encode() * 100
        config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [name_of(layer)]}}).encode()
        describe = lambda kind, data: {"mediaType": kind, "digest": self.blob(server.host, repository, data), "size": len(data)}
        return self.put(server.host, repository, tag, IMAGE, {"config": describe("application/vnd.oci.image.config.v1+json", config),
                                                              "layers": [describe("application/vnd.oci.image.layer.v1.tar", layer)]})

    def index(self, server, repository, tag, *children):
        return self.put(server.host, repository, tag, INDEX, {"manifests": list(children)})

    def retag(self, server, repository, image, tag):
        path = "http://%s/v2/%s/manifests/" % (server.host, repository)
        wanted = urllib.request.Request(path + image["digest"], headers={"Accept": image["mediaType"]})
        with urllib.request.urlopen(wanted) as answer:
            self.ask(server.host, "PUT", "/v2/%s/manifests/%s" % (repository, tag), answer.read(), image["mediaType"])

    def forget_tag(self, server, repository, tag):
        shutil.rmtree("%s/docker/registry/v2/repositories/%s/_manifests/tags/%s" % (server.storage, repository, tag))

    def has(self, server, repository, image):
        return self.davit("manifest", "%s/%s@%s" % (server.host, repository, image["digest"]), code=None).code == 0

    def tags(self, server, repository):
        return sorted(self.davit("ls", "%s/%s" % (server.host, repository)).lines)

    def mirror(self, *words, **options):
        done = self.davit("mirror", "--json", "--progress", "none", *words, **options)
        entries = [json.loads(line) for line in done.lines]
        return done, entries, entries.pop()["summary"]

    def prune(self, source, target, repository, *more, **options):
        return self.mirror("%s/%s" % (source.host, repository), "%s/%s" % (target.host, repository), "--prune", "--undo-record",
                           self.out("undo"), *more, **options)

    def copy(self, source, target, repository):
        self.mirror("%s/%s" % (source.host, repository), "%s/%s" % (target.host, repository))

    def jobs(self, *jobs):
        lines = ["- {name: %s, source: %s/%s, target: %s/%s%s}\n" % (name, self.source.host, source, self.target.host, target, more)
                 for name, source, target, more in jobs]
        return write(self.out("mirror.yaml"), "jobs:\n" + "".join(lines))

    def results(self, entries, result):
        return sorted(entry["tag"] for entry in entries if entry["result"] == result)

    def test_an_image_that_got_another_tag_in_the_same_run_stays(self):
        image = self.image(self.source, "renamed", "old", "renamed")
        self.image(self.source, "renamed", "other", "other")
        self.copy(self.source, self.target, "renamed")
        self.retag(self.source, "renamed", image, "new")
        self.forget_tag(self.source, "renamed", "old")
        done, entries, _ = self.prune(self.source, self.target, "renamed", code=7)
        self.assertEqual(self.results(entries, "failed"), ["old"])
        self.assertIn("need this image", done.err)
        self.assertNotIn("--undo", done.err, "nothing was deleted")
        self.assertTrue(self.has(self.target, "renamed", image))
        self.assertIn("new", self.tags(self.target, "renamed"))

    def test_an_image_below_an_index_stays(self):
        for repository, depth in (("child", 1), ("nested", 3)):
            image = self.image(self.source, repository, "old", repository)
            self.image(self.source, repository, "other", "other")
            self.copy(self.source, self.target, repository)
            below = image
            for level in range(depth):
                below = self.index(self.source, repository, "multi" if level + 1 == depth else None, below)
            self.forget_tag(self.source, repository, "old")
            _, entries, _ = self.prune(self.source, self.target, repository, code=7)
            self.assertEqual(self.results(entries, "failed"), ["old"])
            self.assertTrue(self.has(self.target, repository, image), repository)

    def test_an_image_that_is_named_by_its_digest_stays(self):
        image = self.image(self.source, "named", "old", "named")
        self.image(self.source, "named", "other", "other")
        file = self.jobs(("one", "named", "named", ', tags: {names: ["%s"], include: [".*"]}, prune: true' % image["digest"]))
        self.mirror("-f", file)
        self.forget_tag(self.source, "named", "old")
        self.mirror("-f", file, "--undo-record", self.out("undo"), code=7)
        self.assertTrue(self.has(self.target, "named", image))

    def test_all_tags_of_an_image_that_goes_are_recorded(self):
        self.image(self.source, "twins", "keep", "keep")
        image = self.image(self.target, "twins", "a", "twins")
        self.retag(self.target, "twins", image, "b")
        _, entries, _ = self.prune(self.source, self.target, "twins")
        self.assertEqual(self.results(entries, "deleted"), ["a", "b"])
        self.assertEqual(self.tags(self.target, "twins"), ["keep"])
        self.davit("mirror", "--undo", self.out("undo"))
        self.assertEqual(self.tags(self.target, "twins"), ["a", "b", "keep"])

    def test_an_index_comes_back_after_what_it_lists(self):
        leaf = self.image(self.source, "order", "z-leaf", "leaf")
        self.index(self.source, "order", "a-index", leaf)
        self.image(self.source, "order", "keep", "keep")
        self.copy(self.source, self.target, "order")
        for tag in ("z-leaf", "a-index"):
            self.forget_tag(self.source, "order", tag)
        _, entries, _ = self.prune(self.source, self.target, "order")
        self.assertEqual(self.results(entries, "deleted"), ["a-index", "z-leaf"])
        self.davit("mirror", "--undo", self.out("undo"))
        self.assertEqual(self.tags(self.target, "order"), ["a-index", "keep", "z-leaf"])

    def test_what_another_job_means_stays(self):
        self.image(self.source, "job/a", "a1", "a")
        self.image(self.source, "job/b", "b1", "b")
        for more in (", prune: true", ""):
            file = self.jobs(("one", "job/a", "both" + str(len(more)), ", prune: true"), ("two", "job/b", "both" + str(len(more)), more))
            for _ in range(2):
                self.mirror("-f", file, "--undo-record", self.out("undo"))
                self.assertEqual(self.tags(self.target, "both" + str(len(more))), ["a1", "b1"])
        file = self.jobs(("one", "job/a", "both0", ", prune: true"), ("two", "job/none", "both0", ""))
        done, _, _ = self.mirror("-f", file, "--undo-record", self.out("undo"), code=7)
        self.assertIn("job/none has for it is not known", done.err)
        self.assertEqual(self.tags(self.target, "both0"), ["a1", "b1"])

    def test_one_tag_with_two_images_is_refused(self):
        first = self.image(self.source, "clash/a", "v1", "a")
        self.image(self.source, "clash/b", "v1", "b")
        exact = self.jobs(("one", "clash/a", "clash", ", tags: [v1]"), ("two", "clash/b", "clash", ", tags: [v1]"))
        self.assertIn("is meant for both", self.davit("mirror", "-f", exact, code=64).err)
        file = self.jobs(("one", "clash/a", "clash", ""), ("two", "clash/b", "clash", ""))
        for _ in range(2):
            done, entries, _ = self.mirror("-f", file, code=7)
            self.assertEqual(self.results(entries, "failed"), ["v1"])
            self.assertRegex(done.err, "clash/a.*clash/b")
            self.assertEqual(self.davit("digest", self.target.host + "/clash:v1").out.strip(), first["digest"])

    def test_a_tag_that_two_jobs_mean_counts_once(self):
        self.image(self.source, "twice", "v1", "v1")
        file = self.jobs(("one", "twice", "twice", ""), ("two", "twice", "twice", ", prune: true"))
        for result in ("copied", "unchanged"):
            _, entries, sums = self.mirror("-f", file)
            self.assertEqual([entry["result"] for entry in entries], [result])
            self.assertEqual(sums[result], 1)

    def test_signatures_stay_with_their_images(self):
        source, target = self.emulator(), self.emulator()
        staying = self.image(source, "sig", "v1", "one")
        self.retag(source, "sig", staying, "latest")
        below = self.image(source, "sig", "v2", "two")
        going = self.image(source, "sig", "v3", "three")
        self.copy(source, target, "sig")
        for image in (staying, below, going):
            self.image(target, "sig", signature_of(image), "made at the target")
        self.index(source, "sig", "multi", below)
        for tag in ("v1", "v2", "v3"):
            self.ask(source.host, "DELETE", "/v2/sig/manifests/" + tag)
        _, entries, _ = self.prune(source, target, "sig", "--dry-run", "--no-digest-tags")
        self.assertEqual(self.results(entries, "would-delete"), ["v1", "v2", "v3"])
        _, entries, _ = self.prune(source, target, "sig", "--dry-run", "--protect", r".*\.sig")
        self.assertEqual(self.results(entries, "would-delete"), ["v1", "v2", "v3"])
        _, entries, _ = self.prune(source, target, "sig", "--dry-run", "--include", "v1|multi|latest")
        self.assertEqual(self.results(entries, "would-delete"), ["v1"])
        _, entries, _ = self.prune(source, target, "sig")
        self.assertEqual(self.results(entries, "deleted"), sorted(["v1", "v2", "v3", signature_of(going)]))
        self.assertEqual(self.tags(target, "sig"), sorted(["latest", "multi", signature_of(staying), signature_of(below)]))

    def test_a_signature_stays_where_its_image_could_not_be_deleted(self):
        image = self.image(self.source, "refused", "v1", "one")
        self.retag(self.source, "refused", image, "latest")
        self.copy(self.source, self.target, "refused")
        self.image(self.target, "refused", signature_of(image), "made at the target")
        self.forget_tag(self.source, "refused", "v1")
        _, entries, _ = self.prune(self.source, self.target, "refused", code=7)
        self.assertEqual(self.results(entries, "deleted"), [])
        self.assertIn(signature_of(image), self.tags(self.target, "refused"))

    def test_a_dry_run_lists_more_than_may_be_deleted(self):
        self.image(self.source, "many", "keep", "keep")
        self.copy(self.source, self.target, "many")
        for number in range(3):
            self.image(self.target, "many", "gone%d" % number, str(number))
        done, entries, _ = self.prune(self.source, self.target, "many", "--max-deletes", "2", "--dry-run", code=7)
        self.assertEqual(self.results(entries, "would-delete"), ["gone0", "gone1", "gone2"])
        self.assertIn("3 tags would be deleted, and at most 2", done.err)
        done, entries, _ = self.prune(self.source, self.target, "many", "--max-deletes", "2", code=7)
        self.assertEqual(self.results(entries, "deleted"), [])
        self.assertFalse(os.path.exists(self.out("undo")))

    def test_a_record_whose_last_line_is_cut(self):
        self.image(self.source, "cut", "keep", "keep")
        for number in range(3):
            self.image(self.target, "cut", "gone%d" % number, str(number))
        self.prune(self.source, self.target, "cut")
        whole = read(self.out("undo"))
        write(self.out("undo"), whole[:-40])
        done = self.davit("mirror", "--undo", self.out("undo"))
        self.assertIn("undo:3: the last line was cut", done.err)
        self.assertEqual(self.tags(self.target, "cut"), ["gone0", "gone1", "keep"])
        _, entries, _ = self.prune(self.source, self.target, "cut")
        self.assertEqual(self.results(entries, "deleted"), ["gone0", "gone1"])
        lines = read(self.out("undo")).decode().splitlines()
        self.assertEqual([json.loads(line)["tag"] for line in lines], ["gone0", "gone1", "gone0", "gone1"])
        other = write(self.out("undo"), b"not ours")
        self.image(self.target, "cut", "gone", "gone")
        self.assertIn("no record", self.prune(self.source, self.target, "cut", code=7)[0].err)
        self.assertEqual(read(other), b"not ours")

    def test_a_record_whose_last_line_is_damaged(self):
        self.image(self.source, "damaged", "keep", "keep")
        for number in range(2):
            self.image(self.target, "damaged", "gone%d" % number, str(number))
        self.prune(self.source, self.target, "damaged")
        lines = read(self.out("undo")).splitlines()
        for line in (lines[1][:-40], lines[1].replace(b'"tag"', b'"gat"'), b"{}"):
            write(self.out("undo"), lines[0] + b"\n" + line + b"\n")
            done = self.davit("mirror", "--undo", self.out("undo"), code=5)
            self.assertIn("undo:2", done.err)
            self.assertEqual(self.tags(self.target, "damaged"), ["keep"])

    def test_what_would_be_put_back_is_asked_about(self):
        self.image(self.source, "would", "keep", "keep")
        for number in range(3):
            self.image(self.target, "would", "gone%d" % number, str(number))
        self.prune(self.source, self.target, "would")
        lines = read(self.out("undo"))
        write(self.out("one"), lines.splitlines()[0] + b"\n")
        self.davit("mirror", "--undo", self.out("one"))
        self.image(self.target, "would", "gone1", "another")
        before = self.tags(self.target, "would")
        done = self.davit("mirror", "--undo", self.out("undo"), "--dry-run", code=7)
        self.assertEqual([(line.split()[0], line.partition("@")[0][-5:]) for line in done.lines],
                         [("unchanged", "gone0"), ("would", "gone2")])
        self.assertIn("gone1 is there again", done.err)
        self.assertEqual(self.tags(self.target, "would"), before)

    def test_a_record_that_could_not_be_written_whole_is_taken_back(self):
        self.image(self.source, "full", "keep", "keep")
        for number in range(3):
            self.image(self.target, "full", "gone%d" % number, str(number))
        limit = ("bash", "-c", 'ulimit -f 1; trap "" XFSZ; exec "$@"', "bash")
        _, entries, _ = self.prune(self.source, self.target, "full", code=7, prefix=limit)
        self.assertNotEqual(self.results(entries, "failed"), [])
        text = read(self.out("undo"))
        self.assertTrue(not text or text.endswith(b"\n"))
        self.assertEqual([json.loads(line)["tag"] for line in text.splitlines()], self.results(entries, "deleted"))

    def test_sigterm_ends_the_deleting_too(self):
        source, target = self.emulator(), self.emulator()
        self.image(source, "term", "keep", "keep")
        tags = ["t%d" % number for number in range(300)]
        image = self.image(target, "term", "t", "gone")
        for tag in tags:
            self.retag(target, "term", image, tag)
        deleted = lambda: sum(line["method"] == "DELETE" for line in target.lines())
        run = subprocess.Popen([DAVIT, "mirror", "--json", "--progress", "none", source.host + "/term", target.host + "/term", "--prune",
                                "--max-deletes", "1000", "--undo-record", self.out("undo")], env=clean_environment(self.home),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        wait_until(deleted, "the deleting")
        run.terminate()
        out, _ = run.communicate(timeout=60)
        self.assertEqual(run.returncode, -signal.SIGTERM)
        self.assertLess(deleted(), len(tags))
        last = json.loads(out.splitlines()[-1])
        self.assertEqual(last["summary"]["deleted"], sum(json.loads(line).get("result") == "deleted" for line in out.splitlines()))


if __name__ == "__main__":
    main("docker-registry")
