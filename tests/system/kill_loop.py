#!/usr/bin/env python3
"""SIGKILL at any moment of a pull, over and over: what has a name is whole, and the next run goes on where that one was.

    DAVIT=build/release/tools/davit/davit tests/system/kill_loop.py --rounds 500 --seed 7

Each round pulls into a layout, a docker-archive or an oci-archive in turn, and is killed. Then the output is read as somebody
would who came by at that moment. Every few rounds a pull may finish, from a registry of its own whose log says what was
fetched. A second pull into the same output runs beside the first now and then. A failure names its round and the seed.
"""
import argparse
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request

import support
from support import DAVIT, Emulator, blob_path, clean_environment, docker_save, layer, read, real_layers, remove_tree

MIB = 1 << 20
RATE = "48M"  # slow enough that a kill hits the middle
SLOWER = "24M"
ENOUGH = 17 * MIB  # of an image, for the next run to go on with
PAGE = 4096
FINISH_EVERY = 5  # rounds of one output


def expect(truth, what):
    if not truth:
        raise AssertionError(what)


def file_digest(path):
    with open(path, "rb") as f:
        return "sha256:" + hashlib.file_digest(f, "sha256").hexdigest()


def written_front(f, begin, end):
    """How many bytes from `begin` on are no hole, in whole pages: what a run that comes later can at least build on."""
    if os.fstat(f.fileno()).st_size <= begin:
        return 0
    try:
        hole = os.lseek(f.fileno(), begin, os.SEEK_HOLE)
    except OSError:
        return 0
    return max(0, (min(hole, end) - 1) // PAGE * PAGE - begin)


class Image:
    """One that both registries have, with the sizes of its blobs by digest."""

    def __init__(self, tag, digest, manifest):
        self.tag, self.digest, self.manifest = tag, digest, manifest
        described = json.loads(manifest)
        self.blobs = {one["digest"]: one["size"] for one in [described["config"], *described["layers"]]}
        self.whole = sum(self.blobs.values())


class Output:
    """A file or folder that is pulled into. `image` is what it was last completed with."""

    def __init__(self, folder, number):
        self.folder = os.path.join(folder, "out-%d" % number)
        self.start_over()

    def start_over(self):
        remove_tree(self.folder)
        os.mkdir(self.folder)
        self.image = None

    def target(self, tag):
        return self.kind + ":" + os.path.join(self.folder, self.name) + ":" + self.label(tag)

    @property
    def path(self):
        return os.path.join(self.folder, self.name)


class Layout(Output):
    kind, name = "oci", "layout"

    def label(self, tag):
        return tag

    def validate(self, images):
        """What a reader may rely on at any moment. Gives the tags that are there."""
        if not os.path.exists(os.path.join(self.path, "oci-layout")):
            expect(not os.path.exists(os.path.join(self.path, "index.json")), "index.json in what is no layout")
            return set()
        expect(json.loads(read(os.path.join(self.path, "oci-layout"))) == {"imageLayoutVersion": "1.0.0"}, "oci-layout")
        there = self.check_blobs()
        if not os.path.exists(os.path.join(self.path, "index.json")):
            return set()
        tags = set()
        for entry in json.loads(read(os.path.join(self.path, "index.json")))["manifests"]:
            tag = entry["annotations"]["org.opencontainers.image.ref.name"]
            expect(entry["digest"] == images[tag].digest, "tag %s leads to %s" % (tag, entry["digest"]))
            expect(read(blob_path(self.path, entry["digest"])) == images[tag].manifest, "manifest of " + tag)
            for name, size in images[tag].blobs.items():
                expect(there.get(name) == size, "index.json leads to %s, which is not there" % name)
            expect(tag not in tags, "two entries of one name")
            tags.add(tag)
        return tags

    def check_blobs(self):
        """Every file under blobs has the digest that its name says."""
        there = {}
        blobs = os.path.join(self.path, "blobs")
        for algorithm in os.listdir(blobs) if os.path.isdir(blobs) else []:
            for name in os.listdir(os.path.join(blobs, algorithm)):
                path = os.path.join(blobs, algorithm, name)
                actual = file_digest(path)
                expect(actual == algorithm + ":" + name, "%s has the digest %s" % (path, actual))
                there[actual] = os.path.getsize(path)
        return there

    def kept(self, image):
        """Bytes of the image that need not be fetched again."""
        total = 0
        for name, size in image.blobs.items():
            partial = os.path.join(self.path, ".davit-partial", name.replace(":", "-"))
            if os.path.exists(blob_path(self.path, name)):
                total += size
            elif os.path.exists(partial):
                with open(partial, "rb") as f:
                    total += written_front(f, 0, size)
        return total

    def leftovers(self):
        return [name for name in os.listdir(self.path) if name not in ("blobs", "index.json", "oci-layout")]


class Archive(Output):
    def validate(self, images):
        """Nothing, or an archive that has the very bytes of one that was written without a kill."""
        if not os.path.exists(self.path):
            expect(self.image is None, "the archive is gone")
            return set()
        actual = file_digest(self.path)
        found = {tag for tag, wanted in self.complete.items() if wanted == actual}
        expect(found, "%s is neither the old archive nor the new one" % self.path)
        return found

    def learn(self, images, pull):
        """Writes each image once, undisturbed, and looks whether all is in it."""
        self.complete = {}
        for tag, image in images.items():
            pull(self, tag)
            with tarfile.open(self.path) as tar:
                there = {}
                for member in tar:
                    if member.name.startswith("blobs/sha256/") and member.isfile():
                        there["sha256:" + member.name[13:]] = member.size
                        actual = "sha256:" + hashlib.sha256(tar.extractfile(member).read()).hexdigest()
                        expect(actual == "sha256:" + member.name[13:], "%s has the digest %s" % (member.name, actual))
                for name, size in [*image.blobs.items(), (image.digest, len(image.manifest))]:
                    expect(there.get(name) == size, "%s is not in the archive" % name)
            self.complete[tag] = file_digest(self.path)
            self.start_over()
        expect(len(set(self.complete.values())) == len(images), "two images, one archive")

    def kept(self, image):
        partial = self.path + ".davit-partial"
        if not os.path.exists(partial):
            return 0
        # The headers of the whole plan are written before the first byte of content.
        total = 0
        with open(partial, "rb") as f:
            try:
                with tarfile.open(fileobj=f, mode="r:") as tar:
                    members = [(member.name, member.offset_data, member.size) for member in tar]
            except tarfile.TarError:
                return 0
            for name, begin, size in members:
                if name.startswith("blobs/sha256/") and image.blobs.get("sha256:" + name[13:]) == size:
                    total += written_front(f, begin, begin + size)
        return total

    def leftovers(self):
        return [name for name in os.listdir(self.folder) if name != self.name]


class DockerArchive(Archive):
    kind, name = "docker-archive", "app.tar"

    def label(self, tag):
        return "app:" + tag


class OciArchive(Archive):
    kind, name = "oci-archive", "app.oci.tar"

    def label(self, tag):
        return tag


class Loop:
    def __init__(self, folder, seed):
        self.folder, self.random = folder, random.Random(seed)
        self.home = os.path.join(folder, "home")
        os.mkdir(self.home)
        self.store = os.path.join(folder, "store")
        self.kills = self.hits = self.finished = self.resumed = 0
        self.servers = []

    def serve(self, *args):
        server = Emulator(tempfile.mkdtemp(prefix="serve-", dir=self.folder), *args)
        self.servers.append(server)
        return server

    def close(self):
        for server in self.servers:
            server.stop()

    def prepare(self):
        # The first layer is large enough to be fetched in ranges. The second image has a top layer of its own.
        large, medium, small = real_layers([36 * MIB, 5 * MIB, 2 * MIB])
        stacks = {"1": [large, medium, small], "2": [large, medium, layer({"etc/version": b"2\n" * MIB})]}
        keeper = self.serve(self.store)
        self.server = self.serve()
        self.images = {}
        for tag, layers in stacks.items():
            archive = docker_save(os.path.join(self.folder, "image.tar"), layers)
            for server in (keeper, self.server):
                done = self.davit("push", "-q", "--compress", "none", archive, "%s/app:%s" % (server.host, tag))
            digest = done.strip().partition("@")[2]
            request = urllib.request.Request("http://%s/v2/app/manifests/%s" % (self.server.host, tag), headers={"Accept": ", ".join(support.MANIFEST_TYPES)})
            with urllib.request.urlopen(request) as answer:
                self.images[tag] = Image(tag, digest, answer.read())
            os.unlink(archive)
        keeper.stop()
        self.outputs = [Layout(self.folder, 0), DockerArchive(self.folder, 1), OciArchive(self.folder, 2)]
        for output in self.outputs[1:]:
            output.learn(self.images, lambda output, tag: self.davit("pull", "-q", "%s/app:%s" % (self.server.host, tag), output.target(tag)))
        for output in self.outputs:
            output.wanted = "1"
            output.rounds = 0
            output.least = 0
        # How long a pull takes at this rate, here and now: kills fall into its first half, so that several are needed.
        began = time.monotonic()
        self.davit(*self.slow_pull(self.outputs[0]))
        self.span = (time.monotonic() - began) / 2
        expect(206 in [line["status"] for line in self.server.lines()], "the large layer was not fetched in ranges")
        self.outputs[0].start_over()

    def davit(self, *args):
        done = subprocess.run([DAVIT, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env=clean_environment(self.home), timeout=120)
        expect(done.returncode == 0, "davit %s: %d\n%s" % (" ".join(args), done.returncode, done.stderr))
        return done.stdout

    def slow_pull(self, output, rate=RATE):
        return ["pull", "-q", "--limit-rate", rate, "%s/app:%s" % (self.server.host, output.wanted), output.target(output.wanted)]

    def round(self, number):
        output = self.outputs[number % len(self.outputs)]
        output.rounds += 1
        if output.rounds % FINISH_EVERY == 0:
            self.finish(output)
        elif output.rounds % FINISH_EVERY == FINISH_EVERY - 1:
            self.kill_with_enough(output)
        else:
            self.kill(output)

    def kill(self, output):
        flags = self.random.choice([[], ["--no-sync"]])
        moments = [self.random.uniform(0, self.span) for _ in range(2 if self.random.random() < 0.2 else 1)]
        processes = [subprocess.Popen([DAVIT, *self.slow_pull(output), *flags], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.PIPE, env=clean_environment(self.home)) for _ in moments]
        began = time.monotonic()
        for process, moment in zip(processes, sorted(moments)):
            time.sleep(max(0.0, began + moment - time.monotonic()))
            process.kill()
            error = process.communicate()[1].decode()
            expect(process.returncode in (0, -9), "exit code %d: %s" % (process.returncode, error))
            self.kills += 1
            self.hits += process.returncode != 0
        self.look(output)

    def kill_with_enough(self, output):
        """Not at any moment, but when so much is there that the next round can tell whether it was used."""
        if output.image == output.wanted:
            output.start_over()
            output.least = 0
        process = subprocess.Popen([DAVIT, *self.slow_pull(output, SLOWER)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, env=clean_environment(self.home))
        while process.poll() is None and output.kept(self.images[output.wanted]) < ENOUGH:
            time.sleep(0.01)
        process.kill()
        process.wait()
        self.look(output)

    def look(self, output):
        there = output.validate(self.images)
        if output.wanted not in there:
            image = self.images[output.wanted]
            kept = output.kept(image)
            # Of each blob the last block may not be believed.
            expect(kept + len(image.blobs) * PAGE >= output.least, "of %d bytes that were there, %d are left" % (output.least, kept))
            output.least = kept
        elif output.wanted in there:
            output.image = output.wanted

    def finish(self, output):
        image = self.images[output.wanted]
        before, complete = output.kept(image), output.image == output.wanted
        server = self.serve(self.store)
        alone = self.random.random() < 0.5
        said = self.davit("pull", "-q", "%s/app:%s" % (server.host, image.tag), output.target(image.tag), *(["-j", "1"] if alone else []))
        expect(said == "%s:%s@%s\n" % (output.kind, output.path, image.digest), "it says " + said)
        server.stop()
        self.servers.remove(server)
        fetched = sum(line["bytes_out"] for line in server.lines() if "/blobs/" in line["path"])
        shutil.rmtree(server.folder)
        expect(image.tag in output.validate(self.images), "the pull has finished, and the image is not there")
        expect(output.leftovers() == [], "left behind: " + ", ".join(output.leftovers()))
        output.image = image.tag
        self.finished += 1
        # On one connection, no more than what is missing is sent. When others join, what the first one had asked for and does
        # not take is counted as far as sockets hold it.
        spare = len(image.blobs) * PAGE if alone else 16 * MIB
        if before > spare and not complete:
            self.resumed += 1
            expect(fetched <= image.whole - before + spare, "%d of %d bytes were there, and %d were fetched" % (before, image.whole, fetched))
            expect(fetched < image.whole, "all was fetched once more")
        output.least = 0
        output.wanted = self.random.choice(list(self.images))
        if output.wanted == image.tag or self.random.random() < 0.5:
            output.start_over()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20, metavar="N")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32), metavar="S")
    arguments = parser.parse_args()
    if not os.access(DAVIT, os.X_OK):
        sys.exit("DAVIT must name the command under test")
    folder = tempfile.mkdtemp(prefix="davit-kill-")
    loop = Loop(folder, arguments.seed)
    number = 0
    try:
        loop.prepare()
        for number in range(1, arguments.rounds + 1):
            loop.round(number)
            if number % 50 == 0:
                print("%d rounds" % number, flush=True)
    except Exception as error:
        print("round %d, --seed %d: %s" % (number, arguments.seed, error), file=sys.stderr)
        raise
    finally:
        loop.close()
        remove_tree(folder)
    print("%d rounds: %d of %d pulls killed in the middle, %d finished, %d of them went on with what was there" %
          (arguments.rounds, loop.hits, loop.kills, loop.finished, loop.resumed))
    expect(loop.hits > 0, "no kill hit: the test says nothing")
    expect(loop.resumed > 0, "no pull went on with another's work: the test says nothing")


if __name__ == "__main__":
    main()
