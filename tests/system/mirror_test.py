"""davit mirror: every image that is missing, each blob once, and nothing that is there already."""
import json
import os
import re
import signal
import stat
import subprocess
import time

from support import DAVIT, Emulator, SystemTest, clean_environment, docker_save, image_config, layer, main, read, wait_until, write


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

    def test_ages_are_written_as_in_a_file(self):
        self.fill("ages", ["app"], ["1"])
        layers = [self.base]
        tar = docker_save(self.out("old.tar"), layers, config=image_config(layers, created="2020-01-01T00:00:00Z"))
        self.davit("push", "-q", tar, self.source.host + "/ages/app:old")
        _, entries, _ = self.mirror(self.source.host + "/ages/app", self.emulator().host + "/x", "--max-age", "1w1d12h")
        self.assertNotIn("old", [entry["tag"] for entry in entries])

    def test_too_few_that_are_young_enough(self):
        layers = [self.base]
        tar = docker_save(self.out("old.tar"), layers, config=image_config(layers, created="2020-01-01T00:00:00Z"))
        self.davit("push", "-q", tar, self.source.host + "/young/app:1")
        target = self.emulator()
        done, entries, sums = self.mirror(self.source.host + "/young/app", target.host + "/x", "--max-age", "1d", "--min-tags", "1", code=2)
        self.assertIn("0 tags are meant, and there should be at least 1", done.err)
        self.assertEqual((sums["copied"], sums["failed"]), (0, 1))

    def test_what_is_required_is_required_of_what_is_there_too(self):
        self.fill("required", ["app"], ["1"])
        target = self.emulator()
        words = (self.source.host + "/required/app", target.host + "/x")
        self.mirror(*words)
        done, entries, _ = self.mirror(*words, "--require-referrers", "signature", code=2)
        self.assertIn('nothing of the kind "signature" refers to it', done.err)
        self.assertEqual([entry["result"] for entry in entries], ["failed"])

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

    def test_a_target_that_comes_back_is_tried_again(self):
        images = self.fill("back", ["app"])
        other = self.emulator()
        other.stop()
        target = self.emulator()
        slow = subprocess.Popen([DAVIT, "mirror", "-q", "--limit-rate", "100K", "--retries", "1", self.source.host + "/back/app",
                                 other.host + "/app", target.host + "/app"], env=clean_environment(self.home),
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        wait_until(lambda: any("/blobs/" in line["path"] for line in target.lines()), "the transfer")
        again = Emulator(self.out(""), listen=other.host)
        self.addCleanup(again.stop)
        out, err = slow.communicate(timeout=60)
        self.assertEqual(slow.returncode, 0, err)
        self.assertEqual(len(out.splitlines()), 2 * len(images))
        self.assertEqual(self.tags(again.host, "app"), self.tags(target.host, "app"))

    def test_a_run_that_was_killed_is_gone_on_with(self):
        images = self.fill("killed", ["a", "b"], ["1", "2", "3", "4", "5", "6"])
        target = self.emulator()
        words = [self.source.host + "/killed/*", target.host + "/{repo}"]
        first = subprocess.Popen([DAVIT, "mirror", "-q", "--limit-rate", "300K", *words], env=clean_environment(self.home),
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        done = lambda: [line["path"] for line in target.lines() if line["method"] == "PUT" and "/manifests/" in line["path"]]
        wait_until(lambda: len(done()) > 2, "some images")
        first.send_signal(signal.SIGKILL)
        first.wait()
        brought = set(done())
        before = len(target.lines())
        _, entries, _ = self.mirror(*words)
        self.assertEqual(len(entries), len(images))
        again = [line["path"] for line in target.lines()[before:] if line["method"] == "PUT" and "/manifests/" in line["path"]]
        self.assertEqual(brought & set(again), set(), "an image was brought twice")
        for name, digest in images.items():
            self.assertEqual(self.davit("digest", target.host + "/" + name.partition("/")[2]).out.strip(), digest)
        self.davit("validate", target.host + "/killed/a:6")

    def test_blobs_of_a_run_that_was_killed_before_its_first_image_count(self):
        self.fill("early", ["a"], [str(number) for number in range(24)])
        target = self.emulator()
        words = [self.source.host + "/early/a", target.host + "/a"]
        run = subprocess.Popen([DAVIT, "mirror", "-q", "--limit-rate", "200K", *words], env=clean_environment(self.home),
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        uploaded = lambda: [line["path"].rpartition("=")[2] for line in target.lines()
                            if line["method"] == "PUT" and "/blobs/uploads/" in line["path"] and line["status"] == 201]
        wait_until(lambda: len(uploaded()) > 12, "some blobs")
        run.send_signal(signal.SIGKILL)
        run.wait()
        self.mirror(*words)
        self.assertEqual(len(uploaded()), len(set(uploaded())), "a blob was uploaded twice")

    def test_images_are_complete_one_after_the_other(self):
        self.fill("turns", ["app"], [str(number) for number in range(12)])
        target = self.emulator()
        self.mirror("-j", "1", self.source.host + "/turns/app", target.host + "/app")
        puts = ["image" if "/manifests/" in line["path"] else "blob" for line in target.lines() if line["method"] == "PUT" and line["status"] == 201]
        self.assertEqual(puts, ["blob"] + ["blob", "blob", "image"] * 12)

    def begin(self, folder):
        """A mirror of twelve images, one blob at a time, that has begun to send."""
        self.fill(folder, ["app"], [str(number) for number in range(12)])
        target = self.emulator()
        run = subprocess.Popen([DAVIT, "mirror", "-q", "-j", "1", "--limit-rate", "200K", "%s/%s/app" % (self.source.host, folder),
                                target.host + "/app"], env=clean_environment(self.home), stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
        wait_until(lambda: any("/blobs/uploads" in line["path"] for line in target.lines()), "the transfer")
        return run, target

    def test_sigterm_completes_the_image_that_was_begun(self):
        run, target = self.begin("begun")
        run.terminate()
        run.communicate(timeout=30)
        self.assertEqual(len(self.tags(target.host, "app")), 1)

    def test_sigterm_lets_what_moves_arrive(self):
        run, target = self.begin("gently")
        begun = time.monotonic()
        run.terminate()
        run.communicate(timeout=30)
        self.assertEqual(run.returncode, -signal.SIGTERM)
        self.assertLess(time.monotonic() - begun, 20)
        for line in target.lines():
            self.assertNotEqual((line["method"], line["status"]), ("DELETE", 204), "an upload was given up")

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

    def test_what_a_chosen_index_lists_keeps_its_signature_in_every_part(self):
        name, target = self.source.host + "/shards/app", self.emulator()
        signatures = []
        for number in range(4):
            child = self.push("%s:child%d" % (name, number), "child%d" % number)
            self.davit("index", "create", "%s:%d" % (name, number), "%s:child%d" % (name, number))
            signatures.append(child.replace(":", "-") + ".sig")
            self.push("%s:%s" % (name, signatures[-1]), "signature%d" % number)
        for part in range(3):
            self.mirror(name, target.host + "/app", "--include", "[0-9]", "--shard", "%d/3" % part)
        self.assertEqual(sorted(signatures + ["0", "1", "2", "3"]), self.tags(target.host, "app"))

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

    def test_figures_leave_what_is_no_file_and_links_what_they_are(self):
        self.fill("places", ["app"], ["1"])
        target = self.emulator()
        words = (self.source.host + "/places/app", target.host + "/app", "--metrics")
        pipe = self.out("pipe")
        os.mkfifo(pipe)
        other_end = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
        self.addCleanup(os.close, other_end)
        self.mirror(*words, pipe)
        self.assertTrue(stat.S_ISFIFO(os.lstat(pipe).st_mode))
        self.assertIn(b"davit_mirror_success 1\n", os.read(other_end, 65536))
        os.mkdir(self.out("folder"))
        file, link, new = write(self.out("folder/file"), b"old", 0o640), self.out("link"), self.out("new")
        os.chmod(file, 0o640)
        os.symlink("folder/file", link)
        os.symlink("folder/none", new)
        for name, place in ((link, file), (new, self.out("folder/none")), (file, file)):
            self.mirror(*words, name)
            self.assertEqual(os.path.islink(name), name != place)
            self.assertIn(b"davit_mirror_success 1\n", read(place))
        self.assertEqual(os.stat(file).st_mode & 0o777, 0o640)
        self.assertEqual(sorted(os.listdir(self.out("folder"))), ["file", "none"])
        done = self.davit("mirror", *words, "-", code=64)
        self.assertIn("--metrics wants a file", done.err)

    def test_what_was_in_time_is_there(self):
        self.fill("late", ["app"], ["1"])
        target = self.emulator()
        words = (self.source.host + "/late/app", target.host + "/app")
        self.mirror(*words)
        layers = [layer({"much": os.urandom(100_000)})]
        self.davit("push", "-q", docker_save(self.out("big.tar"), layers), self.source.host + "/late/app:2")
        done, entries, sums = self.mirror(*words, "--limit-rate", "100", "--timeout", "3s", code=7)
        self.assertEqual([entry["result"] for entry in entries if entry["tag"] == "1"], ["unchanged"])
        self.assertEqual((sums["unchanged"], sums["copied"]), (1, 0))
        self.mirror(self.source.host + "/late/app:2", self.emulator().host + "/app", "--limit-rate", "100", "--timeout", "3s", code=6)

    def test_a_failure_of_the_source_is_one_at_each_target(self):
        self.fill("absent", ["app"], ["1", "2"])
        targets = [self.emulator().host + "/a", self.emulator().host + "/b"]
        done, entries, sums = self.mirror(self.source.host + "/absent/app", *targets, "-t", "nope", "-t", "1", "--metrics", self.out("metrics"), code=7)
        failed = [(entry["target"], entry["tag"]) for entry in entries if entry["result"] == "failed"]
        self.assertEqual(sorted(failed), sorted((target, "nope") for target in targets))
        self.assertEqual(sums["failed"], 2)
        self.assertEqual(done.err.count("MANIFEST_UNKNOWN"), 1, done.err)
        text = read(self.out("metrics")).decode()
        self.assertNotIn('target=""', text)
        for target in targets:
            self.assertIn('davit_mirror_tags{target="%s",result="failed"} 1\n' % target, text)

    def test_a_run_that_ends_early_counts_no_tags_that_may_not_exist(self):
        self.fill("early-end", ["app"], ["1", "2"])
        for _ in range(3):
            _, entries, sums = self.mirror(self.source.host + "/early-end/app", self.emulator().host + "/a", "-t", "nope", "-t", "1", "-t", "2",
                                           "--keep-going=false", code=None)
            self.assertLessEqual({entry["tag"] for entry in entries}, {"nope", "1", "2"})
            self.assertLessEqual(sums["failed"], 3)

    def test_several_platforms_are_a_filter(self):
        name = self.source.host + "/filter/app"
        for architecture in ("amd64", "arm64", "s390x"):
            layers = [self.base, layer({"own": architecture.encode()})]
            tar = docker_save(self.out(architecture + ".tar"), layers, config=image_config(layers, architecture=architecture))
            self.davit("push", "-q", tar, "%s:%s" % (name, architecture))
        for tag, parts in (("two", ("amd64", "s390x")), ("all", ("amd64", "arm64")), ("none", ("s390x",))):
            self.davit("index", "create", "%s:%s" % (name, tag), *["%s:%s" % (name, part) for part in parts])
        target = self.emulator()
        wanted = ("-p", "linux/amd64", "-p", "linux/arm64")
        done, entries, _ = self.mirror(name, target.host + "/app", *wanted, code=7)
        self.assertEqual({entry["tag"] for entry in entries if entry["result"] == "failed"}, {"none", "s390x"})
        self.assertIn("not for linux/amd64", done.err)
        digest_of = lambda image: self.davit("digest", image).out.strip()
        for tag in ("amd64", "arm64", "all"):
            self.assertEqual(digest_of("%s:%s" % (name, tag)), digest_of("%s/app:%s" % (target.host, tag)))
        listed = json.loads(self.davit("manifest", target.host + "/app:two").out)["manifests"]
        self.assertEqual([each["digest"] for each in listed], [digest_of(name + ":amd64")])
        file = write(self.out("all.yaml"), "jobs:\n- {source: %s, target: %s/every, platforms: [all]}\n" % (name, target.host))
        self.mirror("-f", file)
        self.assertEqual(digest_of(name + ":two"), digest_of(target.host + "/every:two"))
        self.davit("copy", name + ":amd64", target.host + "/strict:1", *wanted, code=2)

    def test_skopeos_file_and_a_choice_of_platforms(self):
        name = self.source.host + "/skopeo/app"
        image = self.push(name + ":image", "skopeo")
        self.davit("index", "create", name + ":index", name + ":image")
        file = write(self.out("sync.yaml"), "%s:\n  images:\n    skopeo/app: [index]\n" % self.source.host)
        target = self.emulator()
        self.mirror("-f", file, target.host + "/one", "-p", "linux/amd64")
        self.assertEqual(self.davit("digest", target.host + "/one/app:index").out.strip(), image)
        for number, words in enumerate(([], ["--all"])):
            self.mirror("-f", file, "%s/all%d" % (target.host, number), *words)
            self.assertEqual(self.davit("digest", "%s/all%d/app:index" % (target.host, number)).out, self.davit("digest", name + ":index").out)
        own = write(self.out("own.yaml"), "jobs:\n- {source: %s, target: %s/own}\n" % (name, target.host))
        for flag in (["-p", "linux/amd64"], ["--all"]):
            self.assertIn("each job says that for itself", self.davit("mirror", "-f", own, *flag, code=64).err)

    def test_words_that_cannot_be_meant(self):
        ends = ["localhost:5000/a", "localhost:5000/b"]
        for words, text in [(["localhost:5000/a"], "davit mirror SRC DST"),
                            (["localhost:5000/a", "localhost:5000/b:1"], "tags stay"),
                            (["localhost:5000/a", "localhost:5000/{tag}"], "placeholder"),
                            (["localhost:5000/a", "localhost:5000/a"], "the source itself"),
                            ([*ends, "--shard", "4/4"], "counted from 0"),
                            ([*ends, "--shard", "4"], "--shard 0/4"),
                            ([*ends, "--protect", "x"], "add --prune"),
                            ([*ends, "--prune", "-t", "1"], "leave out --prune"),
                            ([*ends, "--max-age", "soon"], "30d"),
                            ([*ends, "--max-age", "30"], "30d"),
                            ([*ends, "--max-age", "0d"], "30d"),
                            ([*ends, "--max-age", ""], "--max-age: is empty"),
                            ([*ends, "--semver", ""], "--semver: is empty"),
                            ([*ends, "--shard", ""], "--shard: is empty"),
                            ([*ends, "--limit-rate", ""], "--limit-rate: is empty"),
                            ([*ends, "--timeout", ""], "--timeout: is empty"),
                            ([*ends, "--metrics", ""], "--metrics: is empty"),
                            (["--undo", "x", "--metrics", "y"], "--metrics has no meaning with --undo"),
                            (["--undo", "x", "--shard", "0/2"], "--shard has no meaning with --undo"),
                            (["--undo", "x", "--include", "y"], "--include has no meaning with --undo"),
                            (["--undo", "x", "--prune"], "--prune has no meaning with --undo"),
                            (["--undo", "x", "--dry-run", "--exit-code"], "--exit-code has no meaning with --undo"),
                            (["--undo", "x", "-p", "linux/amd64"], "--platform has no meaning with --undo"),
                            (["localhost:5000/a:1", "localhost:5000/b", "-t", "2"], "leave out the tag of the source"),
                            (["localhost:5000/a:1", "localhost:5000/b", "--latest", "2"], "leave out the tag of the source"),
                            (["localhost:5000/a:1", "localhost:5000/b", "--prune"], "leave out the tag of the source")]:
            done = self.davit("mirror", *words, code=64)
            self.assertIn(text, done.err)


class EcrMirrors(SystemTest):
    """From one account to another one, in two regions."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.base = layer({"base": os.urandom(400_000)})
        cls.archives = [docker_save(cls.path("image%d.tar" % n), [cls.base, layer({"own": b"%d" % n * 2000})]) for n in range(6)]

    def ends(self, *modes, more=""):
        """A source and two targets, each with a profile of its own in the configuration, and what more it says about all."""
        places = [("build", "111111111111", "eu-west-1"), ("run", "222222222222", "us-east-1"), ("far", "222222222222", "ap-south-1")]
        config, profiles, emulators = "registries:\n", "", []
        home = self.fresh_home()
        for name, account, region in places:
            emulator = self.emulator("--ecr", "--account", account, "--region", region, *modes)
            config += '  "%s":\n    profile: %s\n    ecr: {account: "%s", region: %s, api_endpoint: "%s"}\n%s' % (
                emulator.host, name, account, region, emulator.env["DAVIT_ECR_ENDPOINT"], more)
            profiles += "[%s]\naws_access_key_id = %s\naws_secret_access_key = %s\n" % (
                name, emulator.env["AWS_ACCESS_KEY_ID"], emulator.env["AWS_SECRET_ACCESS_KEY"])
            emulators.append(emulator)
        os.mkdir(os.path.join(home, ".aws"))
        write(os.path.join(home, ".aws/credentials"), profiles, 0o600)
        self.config, self.account_home = write(os.path.join(home, "davit.yaml"), config), home
        return emulators

    def run_davit(self, *args, **options):
        return self.davit(args[0], "--config", self.config, *args[1:], home=self.account_home, **options)

    def mirror(self, *words, **options):
        done = self.run_davit("mirror", "--json", "--progress", "none", *words, **options)
        entries = [json.loads(line) for line in done.lines]
        return done, entries, entries.pop()["summary"]

    def test_a_thousand_unchanged_tags_take_few_requests(self):
        source, target, _ = self.ends(more="    limits: {put_manifest: 5000/s}\n")  # a thousand at ECR's pace take minutes
        for n in (0, 1):
            tags = ",".join("t%d-%d" % (n, tag) for tag in range(500))
            self.run_davit("push", "-q", self.archives[n], "%s/app:%s" % (source.host, tags), "--create-repo")
        words = (source.host + "/app", target.host + "/mirror/app", "--create-repo")
        _, _, sums = self.mirror(*words)
        self.assertEqual(sums["copied"], 1000)
        before = len(source.lines()), len(target.lines())
        _, _, sums = self.mirror(*words)
        self.assertEqual((sums["unchanged"], sums["copied"], sums["failed"]), (1000, 0, 0))
        asked = source.lines()[before[0]:] + target.lines()[before[1]:]
        self.assertLessEqual(len(asked), 25, [line["path"] for line in asked])
        self.assertLessEqual(sums["requests"], 25)

    def test_two_accounts_three_regions_and_tokens_that_end(self):
        source, *targets = self.ends("--mode", "token-life=2", "--mode", "mount=on")
        wanted = {}
        for n, archive in enumerate(self.archives):
            name = "team%d/app:v%d" % (n % 3, n)
            wanted[name] = self.run_davit("push", "-q", archive, source.host + "/" + name, "--create-repo").digest
        before = len(source.lines())
        _, entries, sums = self.mirror(source.host + "/**", *[t.host + "/mirror/{repo}" for t in targets],
                                       "--create-repo", "--limit-rate", "200K")
        self.assertEqual((sums["repositories"], sums["copied"], sums["failed"]), (3, 12, 0))
        read_blobs = [line["path"] for line in source.lines()[before:]
                      if line["method"] == "GET" and "/blobs/" in line["path"] and line["status"] == 307]
        self.assertEqual(len(read_blobs), len(set(path.rpartition("/")[2] for path in read_blobs)))
        self.assertGreater(source.operations().count("GetAuthorizationToken"), len(self.archives))
        # The shared layer was uploaded to each registry once; the two other repositories have it by mounting.
        self.assertEqual(sum(entry.get("blobs", {}).get("mounted", 0) for entry in entries), 4)
        for target in targets:
            for name, digest in wanted.items():
                self.assertEqual(self.run_davit("digest", "%s/mirror/%s" % (target.host, name)).out.strip(), digest)

    def test_where_nothing_is_mounted_nobody_waits_for_it(self):
        source, target, _ = self.ends("--mode", "mount=off")
        for n, archive in enumerate(self.archives):
            self.run_davit("push", "-q", archive, "%s/team%d/app:v%d" % (source.host, n, n), "--create-repo")
        _, entries, sums = self.mirror(source.host + "/**", target.host + "/mirror/{repo}", "--create-repo")
        self.assertEqual((sums["copied"], sums["failed"]), (len(self.archives), 0))
        # One image goes ahead to find out; then nobody asks again, or waits for it.
        asked = [line["path"] for line in target.lines() if "mount=" in line["path"]]
        self.assertLessEqual(len(asked), 2, asked)
        self.assertEqual(sum(entry.get("blobs", {}).get("mounted", 0) for entry in entries), 0)

    def test_quotas_are_kept(self):
        source, target, _ = self.ends("--mode", "throttle=aws")
        tags = ["t%d" % number for number in range(40)]
        self.run_davit("push", "-q", self.archives[0], "%s/app:%s" % (source.host, ",".join(tags)), "--create-repo")
        before = len(target.lines())
        _, _, sums = self.mirror(source.host + "/app", target.host + "/app", "--create-repo")
        self.assertEqual(sums["copied"], len(tags))
        self.assertEqual([line for line in target.lines()[before:] if line["status"] == 429], [])

    def test_signatures_on_ecr(self):
        source, target, _ = self.ends()
        image = self.run_davit("push", "-q", self.archives[0], source.host + "/app:1", "--create-repo").digest
        words = (source.host + "/app", target.host + "/app", "--create-repo")
        self.mirror(*words)
        file = write(os.path.join(self.account_home, "sbom"), b"{}")
        self.run_davit("attach", source.host + "/app@" + image, "--type", "application/spdx+json", file)
        _, entries, _ = self.mirror(*words)
        self.assertEqual(sorted(entry["result"] for entry in entries), ["copied", "unchanged"])
        self.assertIn("spdx", self.run_davit("discover", "--json", target.host + "/app@" + image).out)

    def test_signatures_below_an_unchanged_index_on_ecr(self):
        source, target, _ = self.ends()
        image = self.run_davit("push", "-q", self.archives[0], source.host + "/app:1", "--create-repo").digest
        self.davit("index", "create", "--config", self.config, source.host + "/app:multi", source.host + "/app:1", home=self.account_home)
        words = (source.host + "/app", target.host + "/app", "--create-repo", "--include", "multi")
        self.mirror(*words)
        file = write(os.path.join(self.account_home, "sbom"), b"{}")
        self.run_davit("attach", source.host + "/app@" + image, "--type", "application/spdx+json", file)
        _, entries, _ = self.mirror(*words)
        self.assertEqual(sorted(entry["result"] for entry in entries), ["copied", "unchanged"])
        self.assertIn("spdx", self.run_davit("discover", "--json", target.host + "/app@" + image).out)
        before = len(target.lines())
        self.mirror(*words)
        self.assertFalse([line for line in target.lines()[before:] if "/manifests/" in line["path"]], "the index was read again")

    def test_a_plan_says_what_repositories_are_missing(self):
        source, target, _ = self.ends()
        self.run_davit("push", "-q", self.archives[0], source.host + "/app:1", "--create-repo")
        for choice in ([], ["-t", "1"]):
            words = ("mirror", "--progress", "none", source.host + "/app", target.host + "/nope", "--dry-run", *choice)
            text = self.run_davit(*words).out
            self.assertIn("missing the repository %s/nope; --create-repo makes it\n" % target.host, text)
            self.assertIn("would create the repository %s/nope\n" % target.host, self.run_davit(*words, "--create-repo").out)
            _, entries, _ = self.mirror(*words[3:])
            self.assertEqual([(e["repository_missing"], e.get("repository_created")) for e in entries], [(True, None)])
            _, entries, _ = self.mirror(*words[3:], "--create-repo")
            self.assertEqual([(e["repository_missing"], e.get("repository_created")) for e in entries], [(True, True)])
        self.mirror(source.host + "/app", target.host + "/nope", "--create-repo")
        self.assertNotIn("repository /", self.run_davit("mirror", source.host + "/app", target.host + "/nope", "--dry-run").out)

    def test_immutable_targets(self):
        source, target, _ = self.ends()
        self.run_davit("push", "-q", self.archives[0], source.host + "/app:1,2", "--create-repo")
        words = (source.host + "/app", target.host + "/app", "--create-repo=immutable")
        self.mirror(*words)
        self.run_davit("push", "-q", self.archives[1], source.host + "/app:2,3")
        before = len(target.operations())
        done, entries, _ = self.mirror(*words, code=7)
        self.assertEqual({entry["tag"]: entry["result"] for entry in entries}, {"1": "unchanged", "2": "failed", "3": "copied"})
        self.assertIn("tag 2 cannot be moved", done.err)
        self.assertEqual([entry["error"]["code"] for entry in entries if entry["result"] == "failed"], ["conflict"])
        self.assertLessEqual(target.operations()[before:].count("PutImage"), 2)

    def test_pruning_on_ecr(self):
        source, target, _ = self.ends()
        self.run_davit("push", "-q", self.archives[0], source.host + "/app:1", "--create-repo")
        undo = os.path.join(self.account_home, "undo")
        words = (source.host + "/app", target.host + "/app", "--create-repo", "--prune", "--undo-record", undo)
        self.mirror(*words)
        self.run_davit("push", "-q", self.archives[1], target.host + "/app:old")
        self.run_davit("push", "-q", self.archives[0], target.host + "/app:alias")
        _, entries, _ = self.mirror(*words)
        self.assertEqual(sorted(entry["tag"] for entry in entries if entry["result"] == "deleted"), ["alias", "old"])
        self.assertEqual(self.run_davit("ls", target.host + "/app").lines, ["1"])
        self.assertEqual(len(read(undo).splitlines()), 2)


class RealRegistries(SystemTest):
    """Debian's docker-registry: no API for referrers, and no tag is deleted without its image."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source, cls.target = cls.registry(), cls.registry()

    def setUp(self):
        self.work_folder()

    def push(self, name, text):
        tar = docker_save(self.out("image.tar"), [layer({"base": b"shared\n" * 5000}), layer({"own": text.encode()})])
        return self.davit("push", "-q", tar, name).digest

    def mirror(self, *words, **options):
        done = self.davit("mirror", "--json", "--progress", "none", *words, **options)
        entries = [json.loads(line) for line in done.lines]
        return done, entries, entries.pop()["summary"]

    def test_a_registry_with_all_its_repositories(self):
        wanted = {"%s:%d" % (name, tag): self.push("%s/whole/%s:%d" % (self.source.host, name, tag), name + str(tag))
                  for name in ("a", "b") for tag in (1, 2)}
        file = write(self.out("sbom"), b"{}")
        self.davit("attach", self.source.host + "/whole/a:1", "--type", "application/spdx+json", file)
        _, entries, sums = self.mirror(self.source.host + "/whole/**", self.target.host + "/copies/{repo}")
        self.assertEqual((sums["copied"], sums["failed"], sums["blobsMounted"]), (4, 0, 1))
        for name, digest in wanted.items():
            self.skopeo("copy", "-q", "--src-tls-verify=false", "docker://%s/copies/whole/%s" % (self.target.host, name), "dir:" + self.out(name))
            self.assertIn(digest, self.skopeo("inspect", "--tls-verify=false", "--format", "{{.Digest}}",
                                              "docker://%s/copies/whole/%s" % (self.target.host, name)).decode())
        self.assertIn("spdx", self.davit("discover", "--json", self.target.host + "/copies/whole/a:1").out)
        self.source.requests()
        _, entries, sums = self.mirror(self.source.host + "/whole/**", self.target.host + "/copies/{repo}")
        self.assertEqual({entry["result"] for entry in entries}, {"unchanged"})
        fetched = [path for method, path, _ in self.source.requests() if method == "GET" and "/manifests/" in path]
        self.assertEqual([path for path in fetched if not path.split("/manifests/")[1].startswith("sha256-")], [])

    def test_blobs_of_a_run_that_was_killed_are_not_sent_again(self):
        """A repository without a tag holds blobs, too, and docker-registry knows no such repository until it has one."""
        tags = [str(number) for number in range(10)]
        for tag in tags:
            self.push("%s/kill/app:%s" % (self.source.host, tag), os.urandom(50_000).hex())
        for command in ("mirror", "copy"):
            with self.subTest(command):
                repository = self.target.host + "/kill-" + command
                words = [command, "-q", "--limit-rate", "400K", *(["-a"] if command == "copy" else []), self.source.host + "/kill/app", repository]
                links = os.path.join(self.target.storage, "docker/registry/v2/repositories/kill-%s/_layers/sha256" % command)
                uploaded = lambda: os.listdir(links) if os.path.isdir(links) else []
                run = subprocess.Popen([DAVIT, *words], env=clean_environment(self.home), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                wait_until(lambda: len(uploaded()) > 8, "some blobs")
                run.send_signal(signal.SIGKILL)
                run.wait()
                there = len(uploaded())
                done = self.davit(command, "--json", *words[1:])
                sent = sum(json.loads(line)["blobs"]["sent"] for line in done.lines if "blobs" in json.loads(line))
                self.assertLessEqual(sent, len(uploaded()) - there)  # the registry may complete one more by itself

    def test_what_an_unchanged_index_lists_may_be_signed_later(self):
        name, target = self.source.host + "/late/app", self.target.host + "/late"
        children = [self.push("%s:%s" % (name, each), each) for each in ("amd64", "arm64")]
        self.davit("index", "create", name + ":1", *["%s:%s,platform=linux/%s" % (name, each, each) for each in ("amd64", "arm64")])
        words = (name, target, "--include", "1")
        self.mirror(*words)
        file = write(self.out("sbom"), b"{}")
        self.davit("attach", "%s@%s" % (name, children[1]), "--type", "application/spdx+json", file)
        signature = children[0].replace(":", "-") + ".sig"
        self.push("%s:%s" % (name, signature), "a signature")
        _, entries, _ = self.mirror(*words)
        self.assertEqual(sorted(entry["result"] for entry in entries), ["copied", "copied", "unchanged"])
        self.assertIn("spdx", self.davit("discover", "--json", "%s@%s" % (target, children[1])).out)
        self.assertIn(signature, self.davit("ls", target).lines)
        _, entries, _ = self.mirror(*words)
        self.assertEqual({entry["result"] for entry in entries}, {"unchanged"})

    def test_pruning_deletes_images_where_tags_cannot_be(self):
        image = self.push(self.source.host + "/prune/app:1", "one")
        words = (self.source.host + "/prune/app", self.target.host + "/prune/app", "--prune", "--undo-record", self.out("undo"))
        self.mirror(*words)
        self.push(self.target.host + "/prune/app:old", "old")
        self.davit("copy", "-q", self.source.host + "/prune/app:1", self.target.host + "/prune/app:alias")
        done, entries, _ = self.mirror(*words, code=7)
        self.assertEqual([entry["tag"] for entry in entries if entry["result"] == "deleted"], ["old"])
        self.assertEqual([entry["tag"] for entry in entries if entry["result"] == "failed"], ["alias"])
        self.assertIn("need this image", done.err)
        self.assertEqual(self.davit("digest", self.target.host + "/prune/app:1").out.strip(), image)
        self.assertEqual(sorted(self.davit("ls", self.target.host + "/prune/app").lines), ["1", "alias"])


class MirrorFiles(SystemTest):
    def setUp(self):
        self.work_folder()

    def test_a_file_with_jobs(self):
        source, target = self.emulator(), self.emulator()
        tar = docker_save(self.out("image.tar"), [layer({"a": b"b" * 1000})])
        for name in ("app:1.0.0", "app:2.0.0", "web:latest"):
            self.davit("push", "-q", tar, "%s/%s" % (source.host, name))
        file = write(self.out("mirror.yaml"), """
defaults: {referrers: false}
jobs:
- name: versions
  source: %(source)s/app
  target: %(target)s/copy/{repo}
  tags: {semver: ">=2"}
- source: %(source)s/web
  targets: [%(target)s/web]
""" % {"source": source.host, "target": target.host})
        done = self.davit("mirror", "-f", file)
        self.assertEqual(sorted(line.partition("@")[0] for line in done.lines),
                         sorted([target.host + "/copy/app:2.0.0", target.host + "/web:latest"]))
        self.assertIn("write it into", self.davit("mirror", "-f", file, "--semver", "1", code=64).err)
        self.assertIn("leave out one", self.davit("mirror", "-f", file, target.host, code=64).err)
        piped = self.davit("mirror", "-f", "-", "--json", input=read(file))
        self.assertEqual(json.loads(piped.lines[-1])["summary"]["unchanged"], 2)
        pipe = self.out("pipe")
        os.mkfifo(pipe)
        writer = subprocess.Popen(["cp", file, pipe])
        self.assertEqual(json.loads(self.davit("mirror", "-f", pipe, "--json").lines[-1])["summary"]["unchanged"], 2)
        self.assertEqual(writer.wait(), 0)

    def test_files_of_others(self):
        source, target = self.emulator(), self.emulator()
        tar = docker_save(self.out("image.tar"), [layer({"a": b"b" * 1000})])
        for name in ("team/app:1.0.0", "team/app:edge", "web:latest"):
            self.davit("push", "-q", tar, "%s/%s" % (source.host, name))
        skopeo = write(self.out("skopeo.yaml"), "%s:\n  tls-verify: false\n  images:\n    web: [latest]\n"
                       "  images-by-tag-regex:\n    team/app: ^1\n" % source.host)
        refused = self.davit("mirror", "-f", skopeo, code=64)
        self.assertIn("does not say where", refused.err)
        done = self.davit("mirror", "-f", skopeo, "--plain-http", target.host + "/s")
        self.assertEqual(sorted(line.partition("@")[0] for line in done.lines),
                         sorted([target.host + "/s/app:1.0.0", target.host + "/s/web:latest"]))
        regsync = write(self.out("regsync.yaml"), """version: 1
sync:
- source: %(source)s/team/app
  target: %(target)s/r/app
  type: repository
  tags: {allow: ["1.*"]}
""" % {"source": source.host, "target": target.host})
        done = self.davit("mirror", "-f", regsync)
        self.assertEqual([line.partition("@")[0] for line in done.lines], [target.host + "/r/app:1.0.0"])

    def test_a_mistake_has_a_place(self):
        file = write(self.out("mirror.yaml"), "jobs:\n- source: localhost:1/a\n  target: localhost:1/b\n  tags: {semver: '>>1'}\n")
        self.assertIn("mirror.yaml:4:", self.davit("mirror", "-f", file, code=64).err)


if __name__ == "__main__":
    main("docker-registry", "skopeo")
