"""What davit sees inside layers, beside what umoci unpacks and what tar reads: export, cat, diff."""
import gzip
import hashlib
import io
import json
import os
import subprocess
import tarfile

from support import SystemTest, blob_path, digest, docker_save, image_config, main, oci_layout, read, require, write


def entry(name, kind=tarfile.REGTYPE, data=b"", link="", mode=0o644, mtime=1700000000, **more):
    one = tarfile.TarInfo(name)
    one.type, one.linkname, one.mode, one.mtime, one.size = kind, link, mode, mtime, len(data)
    one.uid, one.gid = os.getuid(), os.getgid()
    for key, value in more.items():
        setattr(one, key, value)
    return one, data


def directory(name, **more):
    return entry(name, tarfile.DIRTYPE, **{"mode": 0o755, **more})


def tar_of(*entries, form=tarfile.PAX_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for one, data in entries:
            tar.addfile(one, io.BytesIO(data))
    return out.getvalue()


LONG = "d/" + "n" * 120 + "/" + "f" * 150
LAYERS = [
    tar_of(directory("./"), directory("d"), entry("d/f", data=b"old\n"), entry("d/gone", data=b"x"), directory("d/sub", mode=0o700),
           entry("d/sub/in", data=b"x"), directory("opaque"), entry("opaque/old", data=b"x"), directory("opaque/dir"),
           entry("opaque/dir/old", data=b"x"), directory("usr"), directory("usr/bin"), entry("usr/bin/tool", data=b"tool\n", mode=0o755),
           entry("bin", tarfile.SYMTYPE, link="usr/bin"), entry("link-a", data=b"linked\n"), entry("link-b", tarfile.LNKTYPE, link="link-a"),
           entry("link-c", tarfile.LNKTYPE, link="link-a"), entry("becomes-dir", data=b"x"), directory("becomes-file"),
           entry("becomes-file/in", data=b"x"), directory("d/" + "n" * 120), entry(LONG, data=b"long\n"), entry("big", data=b"big" * 1000000)),
    tar_of(directory("d"), entry("d/.wh.gone"), entry("d/.wh.sub"), entry("d/f", data=b"new\n", mode=0o600), directory("opaque"),
           entry("opaque/.wh..wh..opq"), entry("opaque/new", data=b"x"), entry(".wh.link-a"), directory("becomes-dir"),
           entry("becomes-dir/in", data=b"x"), entry("becomes-file", data=b"x"), form=tarfile.GNU_FORMAT),
    tar_of(directory("d", mode=0o711), directory("usr", mtime=1600000000), directory("usr/bin"), entry("usr/bin/more", data=b"more\n"),
           entry("fifo", tarfile.FIFOTYPE), entry("usr/again", tarfile.LNKTYPE, link="usr/bin/tool")),
]


def summary_of_folder(root):
    """{path: (kind, mode, size or target, time, hash)} of what lies on the disk."""
    out = {}
    inodes = {}
    for folder, names, files in os.walk(root):
        for name in names + files:
            path = os.path.join(folder, name)
            status = os.lstat(path)
            short = os.path.relpath(path, root)
            if os.path.islink(path):
                out[short] = ("link", os.readlink(path))
            elif os.path.isdir(path):
                out[short] = ("directory", status.st_mode & 0o7777, int(status.st_mtime))
            elif os.path.isfile(path):
                out[short] = ("file", status.st_mode & 0o7777, int(status.st_mtime), hashlib.sha256(read(path)).hexdigest())
                inodes.setdefault(status.st_ino, []).append(short)
            else:
                out[short] = ("other", status.st_mode)
    links = sorted(sorted(names) for names in inodes.values() if len(names) > 1)
    return out, links


class Rootfs(SystemTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        config = image_config(LAYERS)
        oci_layout(cls.path("layout"), [gzip.compress(layer, mtime=0) for layer in LAYERS], config, tag="1")
        docker_save(cls.path("saved.tar"), LAYERS, config=config)

    def setUp(self):
        self.work_folder()

    def export(self, source, name="out.tar"):
        self.davit("export", source, self.out(name))
        return self.out(name)

    def unpacked(self, tar, name):
        os.mkdir(self.out(name))
        # Without the option GNU tar sets a directory's time when it leaves it for the first time.
        subprocess.run(["tar", "-C", self.out(name), "--delay-directory-restore", "-xpf", tar], check=True)
        return self.out(name)

    def test_tar_lists_it_and_every_name_is_there_once(self):
        names = subprocess.run(["tar", "-tf", self.export(self.path("layout"))], check=True, stdout=subprocess.PIPE).stdout.decode().split("\n")
        self.assertEqual(len(names), len(set(names)))
        self.assertEqual([name for name in names if ".wh." in name], [])
        self.assertIn(LONG, names)

    def test_it_is_what_umoci_unpacks(self):
        require("umoci")
        if os.getuid() != 0:
            self.skipTest("umoci gives files their owners")
        self.succeed("umoci", "unpack", "--image", self.path("layout") + ":1", self.out("bundle"))
        wanted, wanted_links = summary_of_folder(self.out("bundle/rootfs"))
        found, found_links = summary_of_folder(self.unpacked(self.export(self.path("layout")), "unpacked"))
        self.maxDiff = None
        self.assertEqual(found, wanted)
        self.assertEqual(found_links, wanted_links)
        self.assertIn(["link-b", "link-c"], found_links)

    def test_the_same_layers_give_the_same_bytes_from_anywhere(self):
        server = self.registry()
        self.davit("push", self.path("saved.tar"), server.host + "/app:1")
        one = read(self.export(self.path("layout"), "a.tar"))
        self.assertEqual(read(self.export(self.path("saved.tar"), "b.tar")), one)
        self.assertEqual(read(self.export(server.host + "/app:1", "c.tar")), one)
        with open(self.out("d.tar"), "wb") as out:
            self.davit("export", self.path("layout"), "-", stdout=out)
        self.assertEqual(read(self.out("d.tar")), one)

    def test_a_file_is_printed(self):
        for path, wanted in (("d/f", "new\n"), ("/usr/bin/tool", "tool\n"), ("bin/tool", "tool\n"), ("link-b", "linked\n"), (LONG, "long\n"),
                             ("usr/again", "tool\n"), ("big", "big" * 1000000)):
            self.assertEqual(self.davit("cat", self.path("layout"), path).out, wanted)

    def test_one_platform_is_looked_into(self):
        two = ("-p", "linux/amd64", "-p", "linux/arm64")
        for words in (("cat", self.path("layout"), "d/f"), ("export", self.path("layout"), self.out("root.tar")),
                      ("diff", self.path("layout"), self.path("layout"))):
            self.assertIn("several platforms are given", self.davit(*words, *two, code=64).err)
            self.assertIn("--platform linux/amd64", self.davit(*words, "-p", "linux/amd64,linux/arm64", code=64).err)
            self.assertNotRegex(self.davit(words[0], "--help").out, r"as linux/arm64\s+\(may be repeated\)")

    def test_missing_files_end_with_2_and_directories_say_what_they_are(self):
        for path in ("nothing", "d/gone", "d/sub/in", "opaque/old", "link-a", "becomes-file/in"):
            done = self.davit("cat", self.path("layout"), path, code=2)
            self.assertIn(path, done.err)
            self.assertEqual(done.out, "")
        self.assertIn("directory", self.davit("cat", self.path("layout"), "usr", code=1).err)

    def test_a_damaged_layer_ends_with_5_and_leaves_no_file(self):
        subprocess.run(["cp", "-a", self.path("layout"), self.out("layout")], check=True)
        layer = gzip.compress(LAYERS[0], mtime=0)
        path = os.path.join(self.out("layout"), "blobs/sha256", digest(layer)[7:])
        with open(path, "r+b") as blob:
            blob.seek(-4, os.SEEK_END)
            blob.write(b"\0\0\0\1")
        self.davit("export", self.out("layout"), self.out("x.tar"), code=5)
        self.davit("cat", self.out("layout"), "big", code=5)
        self.assertEqual(sorted(os.listdir(self.here)), ["layout"])

    def test_an_existing_file_is_replaced_or_refused(self):
        self.export(self.path("layout"))
        self.davit("export", "-n", self.path("layout"), self.out("out.tar"), code=4)
        with open(self.out("out.tar"), "w") as out:
            out.write("something else")
        self.export(self.path("layout"))
        self.assertTrue(tarfile.is_tarfile(self.out("out.tar")))

    def test_diff_says_what_differs_by_its_exit_code_too(self):
        same = self.davit("diff", self.path("layout"), self.path("layout"))
        self.assertEqual(same.out, "")
        layers = LAYERS[:2] + [tar_of(entry("d/f", data=b"newer\n"))]
        oci_layout(self.out("other"), [gzip.compress(layer, mtime=0) for layer in layers], image_config(layers, author="me"), tag="1")
        done = self.davit("diff", "--files", self.path("layout"), self.out("other"), code=1)
        for line in ('config author: (none) -> "me"', "~ d/f  (content, mode)", "- fifo", "- usr/again"):
            self.assertIn(line, done.lines)
        self.assertEqual(len([line for line in done.lines if line.startswith("= sha256:")]), 2)
        odd = [tar_of(entry("a\x9b2Jb\x1b[31m"), form=tarfile.GNU_FORMAT)]
        oci_layout(self.out("odd"), [gzip.compress(layer, mtime=0) for layer in odd], image_config(odd), tag="1")
        self.assertIn("+ a\\x9b2Jb\\x1b[31m", self.davit("diff", "--files", self.path("layout"), self.out("odd"), code=1).lines)
        told = json.loads(self.davit("diff", "--files", "--json", self.path("layout"), self.out("other"), code=1).out)
        self.assertFalse(told["equal"])
        self.assertEqual([layer["in"] for layer in told["layers"]], ["both", "both", "a", "b"])
        self.assertEqual([file["path"] for file in told["files"] if file["change"] == "removed"], ["fifo", "usr/again", "usr/bin/more"])
        self.assertTrue(json.loads(self.davit("diff", "--json", self.path("layout"), self.path("layout")).out)["equal"])

    def test_diff_sees_the_same_layer_in_another_compression(self):
        saved = docker_save(self.out("saved.tar"), LAYERS, config=image_config(LAYERS))
        self.davit("copy", "-q", "--oci", saved, "oci:%s:1" % self.out("pushed"))
        self.davit("copy", "-q", "--oci", "--compress", "none", saved, "oci:%s:1" % self.out("plain"))
        done = self.davit("diff", self.out("plain"), self.out("pushed"), code=1)
        marked = [line for line in done.lines if line[:1] in "=+-"]
        self.assertEqual([line[:2] for line in marked], ["= "] * len(LAYERS))
        told = json.loads(self.davit("diff", "--json", self.out("plain"), self.out("pushed"), code=1).out)["layers"]
        self.assertEqual([layer["in"] for layer in told], ["both"] * len(LAYERS))
        for layer, plain in zip(told, LAYERS):
            self.assertEqual((layer["digest"], layer["size"]), (digest(plain), len(plain)))
            self.assertEqual(layer["b"]["size"], os.path.getsize(blob_path(self.out("pushed"), layer["b"]["digest"])))
        self.assertIn(told[0]["b"]["digest"], marked[0])

    def test_diff_takes_an_archive_and_what_it_was_pushed_as_for_the_same(self):
        saved = docker_save(self.out("saved.tar"), LAYERS, config=image_config(LAYERS))
        for form in ("--oci", "--docker"):
            self.davit("copy", "-q", form, saved, "oci:%s:1" % self.out(form))
            for words in ((saved, self.out(form)), (self.out(form), saved), ("--files", saved, self.out(form))):
                self.assertEqual(self.davit("diff", *words).out, "")
            told = json.loads(self.davit("diff", "--json", "--files", saved, self.out(form)).out)
            self.assertEqual((told["equal"], told["manifest"], told["config"], told["files"]), (True, [], [], []))
            self.assertEqual([layer["in"] for layer in told["layers"]], ["both"] * len(LAYERS))
        other = docker_save(self.out("other.tar"), LAYERS, config=image_config(LAYERS, author="me"))
        self.assertIn('config author: (none) -> "me"', self.davit("diff", self.out("--oci"), other, code=1).lines)
        fewer = docker_save(self.out("fewer.tar"), LAYERS[:2], config=image_config(LAYERS[:2]))
        self.assertIn("- ", self.davit("diff", self.out("--oci"), fewer, code=1).out)

    def test_diff_of_files_reads_what_is_only_claimed(self):
        saved = docker_save(self.out("saved.tar"), LAYERS, config=image_config(LAYERS))
        data = bytearray(read(saved))
        data[data.index(b"tool\n")] ^= 1
        bad = write(self.out("bad.tar"), bytes(data))
        self.davit("copy", "-q", "--compress", "none", saved, "oci:%s:1" % self.out("plain"))
        for words in ((saved, bad), (bad, saved), (self.out("plain"), bad), (bad, self.out("plain")), (bad, bad)):
            self.assertIn("layer 1", self.davit("diff", "--files", *words, code=5).err)
        self.davit("diff", "--files", saved, saved)

    def test_what_is_not_there_is_not_exported(self):
        self.davit("export", self.path("nowhere.tar"), self.out("x.tar"), code=8)
        self.davit("export", self.path("layout"), self.out("x.tar"), "-p", "linux/s390x", code=2)

    def test_memory_is_bounded_by_the_number_of_paths(self):
        count = 100_000
        big = tar_of(*[entry("usr/share/some/folder%03d/file-with-a-name-%06d" % (i % 300, i)) for i in range(count)], form=tarfile.USTAR_FORMAT)
        oci_layout(self.out("big"), [gzip.compress(big, 1, mtime=0)], image_config([big]), tag="1")
        small = self.davit("export", self.path("layout"), self.out("s.tar"), measure=True).peak_kib
        large = self.davit("export", self.out("big"), self.out("b.tar"), measure=True).peak_kib
        self.assertLess((large - small) * 1024 / count, 200)
        other = tar_of(entry("else"))
        oci_layout(self.out("else"), [gzip.compress(other, mtime=0)], image_config([other]), tag="1")
        compared = self.davit("diff", "--files", self.out("big"), self.out("else"), code=1, measure=True).peak_kib
        self.assertLess((compared - small) * 1024 / count, 200)


if __name__ == "__main__":
    main("tar")
