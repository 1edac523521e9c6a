"""Wrong, cut and hostile input: the right exit code, a sentence that names the trouble, no tag, little memory, no path of this machine."""
import gzip
import json
import os
import re
import time

from support import FIXTURES, SystemTest, digest, docker_save, main, read, real_layers, require, write

# What each bad fixture must say, by exit code (5: damaged or no image; 3: refused; 2: not there; 1: known and not supported; 64: say which).
REFUSED = {
    # row 30: entries that name something else than a file of the archive
    "absolute.tar": (5, "/abs"), "up.tar": (5, "../../x"), "inside_up.tar": (5, "a/../x"), "device.tar": (5, "not a regular file"),
    "fifo.tar": (5, "not a regular file"), "folder_as_layer.tar": (5, "not a regular file"), "link_outside.tar": (5, "/etc/passwd"),
    "link_up.tar": (5, "outside the archive"), "link_dangling.tar": (5, "gone"),
    # row 31
    "link_self.tar": (5, "circles"), "link_cycle.tar": (5, "circles"), "link_chain_17.tar": (5, "circles"),
    # rows 32 and 33
    "pax_malformed.tar": (5, "PAX"), "pax_negative_size.tar": (5, "PAX"), "pax_global_path.tar": (5, "PAX"), "pax_last.tar": (5, "extension header"),
    "pax_2gib.tar": (5, "1 MiB"), "long_name_10mib.tar": (5, "1 MiB"), "sparse_pax.tar": (1, "sparse"), "sparse_old.tar": (1, "sparse"),
    "twice_different.tar": (5, "twice"), "directory_with_size.tar": (5, "content"), "negative_size.tar": (5, "size"), "bad_octal.tar": (5, "size"),
    "bad_checksum.tar": (5, "checksum"),
    # row 34
    **{"json_%s.tar" % name: (5, "manifest.json") for name in ("not_json", "object", "number", "no_config", "deep", "not_utf8", "nul", "duplicate", "huge_number", "case")},
    # rows 101, 106, 110, 111, 113, 123, 129
    "legacy_v1.tar": (1, "1.10"), "wrapped.tar.xz": (1, "xz"), "wrapped.tar.bz2": (1, "bzip2"), "wrapped_twice.tar.gz": (5, "gzip file around"),
    "wrapped_cut.tar.gz": (5, "ends too early"), "cut_1.tar": (5, ""), "cut_50.tar": (5, "truncated"), "cut_header.tar": (5, "truncated"),
    "cut_padding.tar": (5, "truncated"), "missing_layer.tar": (5, "missing"), "missing_config.tar": (5, "config.json is missing"),
    "one_layer_more.tar": (5, "2 layers"), "one_layer_fewer.tar": (5, "2 diff_ids"), "no_diff_ids.tar": (5, "0 diff_ids"),
    "wrong_config_digest.tar": (5, "sha256"), "config_9mib.tar": (5, "8388608"), "docker29_none.tar": (5, "missing"), "three_images.tar": (64, "name one"),
    "rootfs.tar": (5, "not an image archive"), "html.tar": (5, "HTML"), "zip.tar": (5, "zip"), "empty.tar": (5, "empty"), "zeros.tar": (5, "not an image"),
    "manifest_document.tar": (5, "JSON"), "squashfs.tar": (5, "squashfs"), "text.tar": (5, "looks like"),
    # rows 24, 25, 29, 35, 118, 119, 122, 125
    "layout_size_2_62": (5, "4611686018427387904"), "layout_size_minus_1": (5, "size"), "layout_size_0": (5, "bytes"), "layout_size_plus_1": (5, "bytes"),
    "layout_size_text": (5, "size"), **{"layout_digest_" + name: (5, "digest") for name in ("path", "upper", "short", "md5", "empty")},
    "layout_link_blob": (3, "not a regular file"), "layout_link_index": (3, "not a regular file"), "layout_link_folder": (3, "not a plain directory"),
    "layout_deep": (5, "deeper than 8"), "layout_no_marker": (5, "oci-layout"), "layout_no_index": (5, "index.json"), "layout_version_2": (1, "2.0.0"),
    "layout_version_none": (5, "imageLayoutVersion"), "layout_version_number": (5, "imageLayoutVersion"), "layout_same_name": (64, "name one"),
    "layout_several": (64, "name one"), "layout_empty": (2, "no image"), "layout_short_blob": (5, "583 bytes"), "layout_long_blob": (5, "585 bytes"),
    "layout_flipped_blob": (5, "digest"), "layout_flipped_manifest": (5, "manifest"), "layout_missing_blob": (5, "missing"),
    "layout_missing_config": (5, "missing"), "layout_missing_manifest": (5, "missing"), "layout_schema1": (1, "schema 1"),
    "layout_schema1_sniffed": (1, "schema 1"),
}
# Their neighbours, which look odd and are right.
TAKEN = ["link_inside.tar", "link_hard.tar", "link_chain_16.tar", "hardlink_with_size.tar", "pax_size_0.tar", "pax_size_512.tar", "pax_size_4096.tar",
         "pax_smuggle.tar", "pax_global_comment.tar", "sparse_unused.tar", "twice_same.tar", "empty_tags.tar", "empty_config_oci.tar"]


class BadInput(SystemTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.registry()
        cls.layers = real_layers([6 << 20, 4 << 20])
        cls.archive = docker_save(cls.path("app.tar"), cls.layers)

    def repository(self, name):
        return re.sub("[^a-z0-9]+", "-", name.lower())

    def refuse(self, source, name, code, said, *flags, **options):
        done = self.davit("push", source, "%s/%s:t" % (self.server.host, self.repository(name)), *flags, code=code, **options)
        self.assertEqual(len([line for line in done.err.splitlines() if line.startswith("davit: ")]), 1, done.err)
        self.assertIn(said, done.err)
        self.assertEqual(done.out, "")
        self.assertEqual(self.server.tags(self.repository(name)), [])
        return done

    def test_rows_24_to_35_and_101_to_129_hostile_fixtures(self):
        for name, (code, said) in REFUSED.items():
            with self.subTest(name):
                begun = time.monotonic()
                done = self.refuse(os.path.join(FIXTURES, name), name, code, said, measure=True)
                self.assertLess(time.monotonic() - begun, 30)
                self.assertLess(done.peak_kib, 32 << 10)
        self.assertEqual(self.server.unfinished_uploads()[0], set())

    def test_their_legitimate_neighbours(self):
        for name in TAKEN:
            with self.subTest(name):
                self.davit("push", os.path.join(FIXTURES, name), "%s/%s:t" % (self.server.host, self.repository(name)))

    def test_every_fixture_has_been_looked_at(self):
        from read_back_test import AUTHORED, CARRIED
        elsewhere = {"docker25_foreign.tar", "docker29.tar", "docker29_two.tar", "layout_sha512", "layout_artifact", "layout_foreign",
                     "layout_config_9mib", "cut_99.tar", "wrong_diff_id.tar"}
        self.assertEqual(set(os.listdir(FIXTURES)) - set(AUTHORED) - set(CARRIED) - set(REFUSED) - set(TAKEN) - elsewhere, set())

    def test_the_hint_for_one_image_of_several_works_as_typed(self):
        for name in ("three_images.tar", "layout_several", "layout_same_name"):
            with self.subTest(name):
                said = self.davit("inspect", os.path.join(FIXTURES, name), code=64).err
                spelling = re.search(r"as ((?:docker-archive|oci):\S+)", said)[1]
                self.davit("inspect", spelling)

    def test_row_30_no_entry_name_is_opened(self):
        require("strace")
        for name in ("absolute.tar", "up.tar", "link_outside.tar", "link_up.tar", "layout_link_blob", "docker24.tar"):
            with self.subTest(name):
                trace = self.path("trace")
                self.davit("push", os.path.join(FIXTURES, name), "%s/strace:t" % self.server.host, code=None,
                           prefix=["strace", "-f", "-qq", "-e", "trace=%file", "-o", trace])
                opened = re.findall(r'"((?:[^"\\]|\\.)*)"', read(trace).decode(errors="replace"))
                self.assertTrue([p for p in opened if p.endswith(name)], "strace saw nothing")
                for path in opened:
                    self.assertNotRegex(path, r"^/abs|\.\./x$|^/etc/passwd|/l2$|^l$|layer\.tar|VERSION$|^/etc/hostname", name)

    def test_row_30_device_and_fifo_are_not_waited_for(self):
        os.mkfifo(self.path("fifo"))
        done = self.davit("push", self.path("fifo"), self.server.host + "/fifo:t", "--timeout", "2s", code=None)
        self.assertNotEqual(done.code, 0)
        self.refuse("/dev/null", "null", 5, "empty")

    # --- damage to an archive of real files

    def test_row_110_cut_anywhere(self):
        whole = read(self.archive)
        for share in (0.01, 0.5, 0.9, 0.999):
            for wrapped in (False, True):
                with self.subTest(share=share, wrapped=wrapped):
                    data = gzip.compress(whole, 1) if wrapped else whole
                    cut = write(self.path("cut"), data[:int(len(data) * share)])
                    self.refuse(cut, "cut", 5, "")
                    self.refuse("-", "cut", 5, "", input=read(cut))

    def test_row_112_flipped_byte_leaves_the_tag_where_it_was(self):
        where = self.server.host + "/flipped:1"
        before = self.davit("push", self.archive, where).digest
        damaged = bytearray(read(self.archive))
        at = damaged.find(self.layers[1][:512]) + len(self.layers[1]) // 2
        damaged[at] ^= 1
        for compress in ("gzip", "zstd", "none"):
            done = self.davit("push", write(self.path("flipped.tar"), bytes(damaged)), where, "--reuse", "off", "--compress", compress, code=5)
            self.assertIn(digest(self.layers[1])[:19], done.err)
        self.assertEqual(digest(self.server.get("flipped/manifests/1")), before)
        self.assertEqual(self.server.unfinished_uploads()[0], set())

    def test_row_112_wrong_diff_id(self):
        self.refuse(os.path.join(FIXTURES, "wrong_diff_id.tar"), "diff-id", 5, "sha256")

    def test_row_28_bomb_in_a_layer(self):
        """A gzip layer of 1 GiB of zeros in 1 MiB: taken or refused, but in little memory."""
        # In pieces: gzip members of 64 MiB of zeros each.
        piece = gzip.compress(bytes(64 << 20), 9)
        bomb = piece * 16
        config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": ["sha256:" + "0" * 64]}}).encode()
        archive = docker_save(self.path("bomb.tar"), [bomb], config=config)
        done = self.refuse(archive, "bomb", 5, "", measure=True)
        self.assertLess(done.peak_kib, 64 << 10)
        # The same around the archive itself is bounded by the disk, and by the timeout.
        self.refuse(write(self.path("outer"), bomb), "outer", 5, "", "--tmpdir", self.path(), measure=True)

    def test_missing_source(self):
        self.refuse(self.path("absent.tar"), "absent", 8, "absent.tar")
        unreadable = write(self.path("unreadable.tar"), b"x", 0)
        if os.geteuid() != 0:
            self.refuse(unreadable, "absent", 8, "unreadable.tar")

    def test_row_11_bad_references(self):
        for reference in ("UPPER/app:1", "%s/Upper:1", "%s/app:" + "t" * 129, "%s/../x:1", "%s/app:.dot", "%s/a//b:1", "%s/app:a b", "%s/app:1\n", "%s/app?x:1",
                          "%s/app@sha256:zz", "%s/%%2e%%2e/x:1", "http://%s/app:1", "%s"):
            reference = reference % self.server.host if "%s" in reference else reference
            with self.subTest(reference):
                self.davit("push", self.archive, reference, code=64)
        self.davit("push", "%s/app:1" % self.server.host, self.archive, code=64)


if __name__ == "__main__":
    main("docker-registry")
