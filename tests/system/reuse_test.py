"""Nothing is sent twice: what a second push asks and sends, and how far earlier images are believed."""
import gzip
import json
import os
import re
import threading

from support import DOCKER, SystemTest, digest, docker_save, image_config, layer, main, real_layers


def uploaded(requests):
    """Blobs whose bytes travelled, and requests that began an upload."""
    return [path for method, path, _ in requests if method == "POST" and path.endswith("/blobs/uploads/")]


def wrote_nothing(requests):
    return all(method in ("GET", "HEAD") for method, _, _ in requests)


class Reuse(SystemTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.registry()
        cls.layers = real_layers([3 << 20, 2 << 20, 1 << 20])
        cls.archive = docker_save(cls.path("app.tar"), cls.layers)

    def setUp(self):
        # A repository of its own for each test; the registry knows a blob per repository.
        self.repository = re.sub("[^a-z0-9]", "-", self.id().rpartition(".")[2])
        self.reference = "%s/%s:" % (self.server.host, self.repository)

    def push(self, archive, tag, *flags, **options):
        self.server.requests()
        done = self.davit("push", archive, self.reference + tag, *flags, **options)
        return done, self.server.requests()

    def test_row_85_the_tag_is_written_last_and_everything_once(self):
        _, requests = self.push(self.archive, "1")
        self.assertEqual(len(uploaded(requests)), 4)
        self.assertEqual(requests[-1][:2], ("PUT", "/v2/%s/manifests/1" % self.repository))
        self.assertNotIn("/v2/", [path for _, path, _ in requests])

    def test_the_same_again_is_one_request(self):
        first, _ = self.push(self.archive, "1")
        second, requests = self.push(self.archive, "1")
        self.assertEqual(second.digest, first.digest)
        self.assertEqual(len(requests), 1, requests)
        self.assertTrue(wrote_nothing(requests))
        self.assertEqual(second.err, self.reference[:-1] + ": nothing to do, the image is there\n")

    def test_the_same_under_another_tag_moves_no_blob(self):
        first, _ = self.push(self.archive, "1")
        second, requests = self.push(self.archive, "2")
        self.assertEqual(second.digest, first.digest)
        self.assertEqual([r[:2] for r in requests if r[0] not in ("GET", "HEAD")], [("PUT", "/v2/%s/manifests/2" % self.repository)])

    def test_one_changed_layer_is_what_travels(self):
        self.push(self.archive, "1.0")
        changed = docker_save(self.path("changed.tar"), self.layers[:-1] + [layer({"new": os.urandom(100000)})])
        for tag in ("1.1", "1.0"):  # a new tag beside the old one; the old one moved
            done, requests = self.push(changed, tag)
            manifest = self.server.manifest(self.repository, tag)
            old = self.server.manifest(self.repository, "1.0" if tag == "1.1" else "1.1")
            self.assertEqual([l["digest"] for l in manifest["layers"][:2]], [l["digest"] for l in old["layers"][:2]])
            # The layer and the configuration; the second time nothing.
            self.assertEqual(len(uploaded(requests)), 2 if tag == "1.1" else 0, requests)
        self.assertEqual(self.server.manifest(self.repository, "1.0"), self.server.manifest(self.repository, "1.1"))

    def test_reused_layers_are_not_read(self):
        """So their bytes may even be wrong: what an image of this repository states is believed; --reuse off checks."""
        self.push(self.archive, "1")
        new = layer({"new": b"n" * 1000})
        broken = bytes(len(self.layers[0]))
        lying = self.path("unread.tar")
        self.save(lying, [broken, self.layers[1], self.layers[2], new], image_config(self.layers + [new]))
        self.push(lying, "2")
        self.push(lying, "3", "--reuse", "off", code=5)
        self.assertEqual(self.server.tags(self.repository), ["1", "2"])

    def save(self, path, layers, config):
        docker_save(path, layers, config=config)

    def test_reuse_off(self):
        first, _ = self.push(self.archive, "1")
        second, requests = self.push(self.archive, "2", "--reuse", "off")
        self.assertEqual(second.digest, first.digest)
        # Compressed again, then found to be there by its digest.
        self.assertFalse([path for method, path, _ in requests if method == "GET" and "/blobs/" in path])

    def test_reuse_tag_asks_the_tag_alone(self):
        self.push(self.archive, "1")
        changed = docker_save(self.path("tag.tar"), self.layers[:-1] + [layer({"new": os.urandom(1000)})])
        _, requests = self.push(changed, "2", "--reuse", "tag")
        self.assertFalse([path for _, path, _ in requests if path.endswith("/tags/list") or path.endswith("/manifests/1")], requests)
        changed = docker_save(self.path("tag.tar"), self.layers[:-1] + [layer({"new": os.urandom(1000)})])
        _, requests = self.push(changed, "1", "--reuse", "tag")
        self.assertEqual(len(uploaded(requests)), 2, requests)

    def test_reuse_from_names_a_tag(self):
        # Too far away in version order to be asked of its own accord.
        self.push(self.archive, "1")
        other = docker_save(self.path("other.tar"), [layer({"x": b"x"})])
        for tag in ("8.1", "8.2", "8.3", "8.4"):
            self.push(other, tag)
        changed = docker_save(self.path("from.tar"), self.layers[:-1] + [layer({"new": os.urandom(1000)})])
        _, requests = self.push(changed, "8.5", "--reuse-from", "1")
        self.assertEqual(len(uploaded(requests)), 2, requests)

    def lie(self):
        """An image whose configuration claims the first layer's diff_id for a blob that holds something else."""
        other = gzip.compress(layer({"evil": b"e" * 1000}))
        config = image_config([self.layers[0]])
        manifest = {"schemaVersion": 2, "mediaType": DOCKER + "distribution.manifest.v2+json",
                    "config": {"mediaType": DOCKER + "container.image.v1+json", "digest": self.server.put_blob(self.repository, config), "size": len(config)},
                    "layers": [{"mediaType": DOCKER + "image.rootfs.diff.tar.gzip", "digest": self.server.put_blob(self.repository, other), "size": len(other)}]}
        self.server.put_manifest(self.repository, "1", json.dumps(manifest).encode(), manifest["mediaType"])
        return digest(other)

    def test_verified_does_not_believe_a_lie(self):
        evil = self.lie()
        self.push(self.archive, "2", "--reuse", "verified")
        layers = [l["digest"] for l in self.server.manifest(self.repository, "2")["layers"]]
        self.assertNotIn(evil, layers)
        self.assertEqual(len(layers), 3)

    def test_off_does_not_either(self):
        evil = self.lie()
        self.push(self.archive, "2", "--reuse", "off")
        self.assertNotIn(evil, [l["digest"] for l in self.server.manifest(self.repository, "2")["layers"]])

    def test_verified_takes_what_is_true(self):
        self.push(self.archive, "1")
        changed = docker_save(self.path("verified.tar"), self.layers[:-1] + [layer({"new": os.urandom(1000)})])
        _, requests = self.push(changed, "2", "--reuse", "verified")
        self.assertEqual(len(uploaded(requests)), 2, requests)
        self.assertTrue([path for method, path, _ in requests if method == "GET" and "/blobs/" in path])

    def test_dry_run_writes_nothing_and_says_what_would_be_done(self):
        done, requests = self.push(self.archive, "1", "--dry-run")
        self.assertTrue(wrote_nothing(requests), requests)
        done, _ = self.push(self.archive, "1", "--dry-run", "--exit-code", code=10)
        self.push(self.archive, "1")
        done, requests = self.push(self.archive, "1", "--dry-run", "--exit-code")
        self.assertTrue(wrote_nothing(requests))

    def test_row_68_no_clobber(self):
        first, _ = self.push(self.archive, "1")
        again, _ = self.push(self.archive, "1", "-n")
        self.assertEqual(again.digest, first.digest)
        changed = docker_save(self.path("clobber.tar"), [layer({"x": b"x"})])
        done, requests = self.push(changed, "1", "-n", code=4)
        self.assertIn(first.digest, done.err)
        self.assertEqual(digest(self.server.get(self.repository + "/manifests/1")), first.digest)

    def test_row_67_two_pushers_race(self):
        failures = []

        def pusher(number):
            for round_ in range(8):
                done = self.davit("push", self.archive, "%srace-%d" % (self.reference, round_), "--reuse", "off" if number else "repo", code=None)
                if done.code != 0:
                    failures.append(done.err)

        threads = [threading.Thread(target=pusher, args=[n]) for n in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertEqual(len({self.server.get("%s/manifests/race-%d" % (self.repository, n)) for n in range(8)}), 1)

    def test_same_digest_whatever_the_number_of_threads(self):
        digests = {self.push(self.archive, "j%s" % jobs, "-j", jobs, "--reuse", "off")[0].digest for jobs in ("1", "2", "16")}
        self.assertEqual(len(digests), 1)


if __name__ == "__main__":
    main("docker-registry")
