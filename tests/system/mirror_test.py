"""davit mirror: every image that is missing, each blob once, and nothing that is there already."""
import json
import os
import re

from support import SystemTest, docker_save, layer, main, write


class Mirrors(SystemTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.emulator()
        cls.base = layer({"base": os.urandom(300_000)})

    def setUp(self):
        self.work_folder()

    def push(self, name, *own, **more):
        """An image over the shared layer."""
        tar = docker_save(self.out("image.tar"), [self.base, *[layer({"own": text.encode()}) for text in own]])
        return self.davit("push", "-q", tar, name, **more).digest

    def fill(self, folder, repositories=("app", "web"), tags=("1.0.0", "1.1.0", "2.0.0")):
        """Some repositories with a few tags each, all over one layer."""
        names = ["%s/%s/%s" % (self.source.host, folder, repository) for repository in repositories]
        return {"%s:%s" % (name, tag): self.push("%s:%s" % (name, tag), name + tag) for name in names for tag in tags}

    def mirror(self, *words, **options):
        done = self.davit("mirror", "--json", "--progress", "none", *words, **options)
        entries = [json.loads(line) for line in done.lines]
        sums = entries.pop()["summary"] if entries and "summary" in entries[-1] else None
        return done, entries, sums

    def tags(self, host, repository):
        return sorted(self.davit("ls", "%s/%s" % (host, repository)).lines)

    def test_every_blob_is_read_once_and_uploaded_once(self):
        images = self.fill("once")
        before = len(self.source.lines())
        targets = [self.emulator(), self.emulator()]
        _, entries, sums = self.mirror(self.source.host + "/once/*", *[t.host + "/copy/{repo}" for t in targets])
        self.assertEqual({e["result"] for e in entries}, {"copied"})
        self.assertEqual(len(entries), 2 * len(images))
        self.assertEqual((sums["repositories"], sums["copied"], sums["failed"]), (2, 12, 0))
        read = [line["path"] for line in self.source.lines()[before:] if line["method"] == "GET" and "/blobs/" in line["path"]]
        blobs = {path.rpartition("/")[2] for path in read}
        self.assertEqual(len(read), len(blobs), "a blob was read twice")
        for target in targets:
            puts = [line["path"] for line in target.lines() if line["method"] == "PUT" and "/blobs/uploads/" in line["path"]]
            self.assertEqual(len(puts), len(blobs), "a blob was uploaded twice")
            self.assertEqual(sum(e["blobs"]["mounted"] for e in entries if e["target"].startswith(target.host)), 1)
            for name, digest in images.items():
                self.assertEqual(self.davit("digest", target.host + "/copy/" + name.partition("/")[2]).out.strip(), digest)

    def test_what_is_there_costs_a_question(self):
        images = self.fill("again")
        target = self.emulator()
        words = (self.source.host + "/again/*", target.host + "/{repo}")
        self.mirror(*words)
        before = len(self.source.lines()), len(target.lines())
        _, entries, sums = self.mirror(*words)
        self.assertEqual({e["result"] for e in entries}, {"unchanged"})
        self.assertEqual(len(entries), len(images))
        asked = self.source.lines()[before[0]:]
        self.assertEqual([line for line in asked if line["method"] == "GET" and "/manifests/" in line["path"]], [])
        self.assertEqual([line for line in target.lines()[before[1]:] if line["method"] in ("PUT", "POST", "PATCH")], [])
        self.assertEqual(sums["bytesRead"], 0)

    def test_a_choice_of_tags(self):
        self.fill("choice", ["app"])
        target = self.emulator()
        source = self.source.host + "/choice/app"
        self.mirror(source, target.host + "/a", "--semver", ">=1.1")
        self.assertEqual(self.tags(target.host, "a"), ["1.1.0", "2.0.0"])
        self.mirror(source, target.host + "/b", "-t", "1.0.0")
        self.assertEqual(self.tags(target.host, "b"), ["1.0.0"])
        self.mirror(source, target.host + "/c", "--latest", "1")
        self.assertEqual(self.tags(target.host, "c"), ["2.0.0"])
        self.mirror(source + ":1.1.0", target.host + "/d")
        self.assertEqual(self.tags(target.host, "d"), ["1.1.0"])
        done, entries, _ = self.mirror(source, target.host + "/e", "--include", r"3\..*", "--min-tags", "1", code=2)
        self.assertEqual(entries[0]["result"], "failed")
        self.assertIn("at least 1", done.err)

    def test_exact_tags_take_no_list(self):
        self.fill("exact", ["app"])
        target = self.emulator()
        before = len(self.source.lines())
        self.mirror(self.source.host + "/exact/app", target.host + "/x", "-t", "1.0.0", "-t", "2.0.0")
        self.assertEqual([line["path"] for line in self.source.lines()[before:] + target.lines() if "tags/list" in line["path"]], [])

    def test_immutable_tags_are_not_asked_about(self):
        self.fill("fixed", ["app"])
        target = self.emulator()
        words = (self.source.host + "/fixed/app", target.host + "/x", "--immutable", r"[0-9.]+")
        self.mirror(*words)
        before = len(self.source.lines())
        self.push(self.source.host + "/fixed/app:1.0.0", "something else")
        before = len(self.source.lines())
        _, entries, _ = self.mirror(*words)
        self.assertEqual({e["result"] for e in entries}, {"unchanged"})
        self.assertEqual(self.count_since(before, "/manifests/[0-9]"), 0)

    def count_since(self, before, path):
        return sum(re.search(path, line["path"]) is not None for line in self.source.lines()[before:])

    def test_referrers_and_digest_tags_come_along_also_later(self):
        name = self.source.host + "/signed/app:1"
        image = self.push(name, "signed")
        target = self.emulator()
        words = (self.source.host + "/signed/app", target.host + "/signed")
        write(self.out("sbom.json"), b"{}")
        done, _, _ = self.mirror(*words, "--require-referrers", "sbom", code=2)
        self.assertIn("sbom", done.err)
        self.davit("attach", name, "--type", "application/spdx+json", self.out("sbom.json"))
        self.mirror(*words, "--require-referrers", "sbom")
        found = self.davit("discover", "--json", target.host + "/signed@" + image).out
        self.assertIn("application/spdx+json", found)
        write(self.out("sig"), b"signature")
        self.davit("attach", name, "--type", "application/vnd.cncf.notary.signature", self.out("sig"))
        tag = image.replace(":", "-") + ".sig"
        self.push(self.source.host + "/signed/app:" + tag, "a signature")
        _, entries, _ = self.mirror(*words, "-t", "1")
        self.assertEqual(sorted(e["result"] for e in entries), ["copied", "copied", "unchanged"])
        self.assertIn("notary", self.davit("discover", "--json", target.host + "/signed@" + image).out)
        self.assertIn(tag, self.tags(target.host, "signed"))

    def test_a_dry_run_writes_nothing_and_says_what_follows(self):
        images = self.fill("plan")
        target = self.emulator()
        words = (self.source.host + "/plan/*", target.host + "/{repo}")
        _, entries, planned = self.mirror("--dry-run", "--exit-code", *words, code=10)
        self.assertEqual({e["result"] for e in entries}, {"would-copy"})
        self.assertEqual(len(entries), len(images))
        self.assertEqual([line for line in target.lines() if line["method"] not in ("GET", "HEAD")], [])
        _, _, done = self.mirror(*words)
        for key in ("bytesRead", "bytesSent"):
            self.assertEqual(planned[key], done[key], key)

    def test_a_target_that_is_down_does_not_hold_the_others(self):
        images = self.fill("down")
        dead = self.emulator()
        dead.stop()
        target = self.emulator()
        done, entries, sums = self.mirror(self.source.host + "/down/*", dead.host + "/{repo}", target.host + "/{repo}",
                                          "--retries", "2", code=7)
        self.assertEqual(sums["copied"], len(images))
        self.assertEqual({e["target"].partition("/")[0] for e in entries if e["result"] == "failed"}, {dead.host})
        self.assertIn("refused", done.err)

    def test_pruning_is_recorded_and_can_be_undone(self):
        images = self.fill("prune", ["app"])
        target = self.emulator()
        words = (self.source.host + "/prune/app", target.host + "/app", "--prune", "--undo-record", self.out("undo"))
        self.mirror(*words)
        for tag in ("old", "keep-me"):
            self.push(target.host + "/app:" + tag, tag)
        _, entries, _ = self.mirror(*words, "--protect", "keep.*", "--dry-run")
        self.assertEqual([e["tag"] for e in entries if e["result"] == "would-delete"], ["old"])
        done, _, _ = self.mirror(*words, "--protect", "keep.*", "--max-deletes", "0", code=7)
        self.assertIn("at most 0", done.err)
        self.assertIn("old", self.tags(target.host, "app"))
        _, entries, _ = self.mirror(*words, "--protect", "keep.*")
        self.assertEqual([e["tag"] for e in entries if e["result"] == "deleted"], ["old"])
        self.assertEqual(self.tags(target.host, "app"), ["1.0.0", "1.1.0", "2.0.0", "keep-me"])
        self.davit("mirror", "--undo", self.out("undo"))
        self.assertIn("old", self.tags(target.host, "app"))
        self.assertEqual(len(images), 3)

    def test_nothing_is_deleted_when_something_failed(self):
        self.fill("careful", ["app"])
        target = self.emulator()
        words = (self.source.host + "/careful/app", target.host + "/app", "--prune", "--undo-record", self.out("undo"))
        self.mirror(*words)
        self.push(target.host + "/app:old", "old")
        done, entries, _ = self.mirror(*words, "-t", "1.0.0", "-t", "missing", "--include", "[0-9o].*", code=7)
        self.assertEqual([e["tag"] for e in entries if e["result"] == "failed"], ["missing"])
        self.assertIn("nothing is deleted", done.err)
        self.assertIn("old", self.tags(target.host, "app"))

    def test_parts_are_disjoint_and_complete(self):
        images = self.fill("parts", ["a", "b", "c"], ["1", "2", "3", "4"])
        target, whole = self.emulator(), self.emulator()
        seen = []
        for part in range(3):
            _, entries, _ = self.mirror(self.source.host + "/parts/*", target.host + "/{repo}", "--shard", "3",
                                        env={"JOB_COMPLETION_INDEX": part})
            seen += [e["target"].partition("/")[2] + ":" + e["tag"] for e in entries]
        self.assertEqual(sorted(seen), sorted(name.partition("/")[2] for name in images))
        self.mirror(self.source.host + "/parts/*", whole.host + "/{repo}")
        for name, digest in images.items():
            rest = name.partition("/")[2]
            for host in (target.host, whole.host):
                self.assertEqual(self.davit("digest", host + "/" + rest).out.strip(), digest)

    def test_figures_for_prometheus(self):
        images = self.fill("figures", ["app"])
        target = self.emulator()
        self.mirror(self.source.host + "/figures/app", target.host + "/app", "--metrics", self.out("metrics"))
        with open(self.out("metrics"), encoding="utf-8") as file:
            text = file.read()
        self.assertIn('davit_mirror_tags{target="%s/app",result="copied"} %d\n' % (target.host, len(images)), text)
        self.assertIn("davit_mirror_success 1\n", text)
        for line in text.splitlines():
            self.assertRegex(line, r'^(# (HELP|TYPE) \w+ .+|\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? -?[0-9.e+]+)$')

    def test_words_that_cannot_be_meant(self):
        for words, text in [(["localhost:5000/a"], "davit mirror SRC DST"),
                            (["localhost:5000/a", "localhost:5000/b:1"], "tags stay"),
                            (["localhost:5000/a", "localhost:5000/{tag}"], "placeholder"),
                            (["localhost:5000/a", "localhost:5000/a"], "the source itself"),
                            (["localhost:5000/a", "localhost:5000/b", "--shard", "4/4"], "counted from 0"),
                            (["localhost:5000/a", "localhost:5000/b", "--shard", "4"], "--shard 0/4"),
                            (["localhost:5000/a", "localhost:5000/b", "--protect", "x"], "add --prune"),
                            (["localhost:5000/a", "localhost:5000/b", "--prune", "-t", "1"], "leave out --prune"),
                            (["localhost:5000/a", "localhost:5000/b", "--max-age", "soon"], "30d")]:
            done = self.davit("mirror", *words, code=64)
            self.assertIn(text, done.err)


if __name__ == "__main__":
    main()
