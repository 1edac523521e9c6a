#!/usr/bin/env python3
"""Fills a registry with what the mirror benchmarks copy, over HTTP, and prints what that is.

    fill_registry.py [--small] HOST:PORT PREFIX

Makes PREFIX/app0 and so on, each with as many tags, and every tag with an image of five layers: two that all images have, two that
all of its repository have, and one of its own, as releases of the services of one team look. Layers are gzip around a tar
of bytes that do not shrink. The answer, as JSON, is what they are called, and the least that somebody who wants everything has to ask for,
each blob and each manifest once: {"repositories": [...], "tags": [...], "requests": N, "bytes": N}.

A program of its own, and not a part of the one that measures: what that has in memory its children seem to have too.
"""

import argparse
import concurrent.futures
import gzip
import hashlib
import http.client
import io
import json
import random
import tarfile
from typing import NamedTuple

REPOSITORIES = 10
TAGS = 100  # in each
SMALL_TAGS = 3
KB = 1 << 10
SHARED_BY_ALL = [1024 * KB, 512 * KB]
SHARED_IN_REPOSITORY = [256 * KB, 64 * KB]
OWN = 20 * KB

LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class Blob(NamedTuple):
    data: bytes
    descriptor: dict
    diff_id: str = ""


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def blob(media_type, data, diff_id=""):
    return Blob(data, {"mediaType": media_type, "digest": digest(data), "size": len(data)}, diff_id)


def layer(name, size):
    """The same for the same name, every time."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as out:
        entry = tarfile.TarInfo(f"srv/{name}")
        entry.size = size
        out.addfile(entry, io.BytesIO(random.Random(name).randbytes(size)))
    return blob(LAYER, gzip.compress(tar.getvalue(), 1, mtime=0), digest(tar.getvalue()))


class Repository:
    """Where one connection puts blobs and manifests; keeps count of what is there."""

    def __init__(self, host, name):
        self.connection = http.client.HTTPConnection(host)
        self.base = f"/v2/{name}"
        self.blobs = {}  # digest to size
        self.manifests = []  # sizes

    def ask(self, method, path, body, media_type, expected):
        self.connection.request(method, path, body, {"Content-Type": media_type})
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status != expected:
            raise RuntimeError(f"{method} {path}: {answer.status} {text.decode(errors='replace')}")
        return answer

    def put_blob(self, blob):
        name = blob.descriptor["digest"]
        started = self.ask("POST", f"{self.base}/blobs/uploads/", b"", "application/octet-stream", 202)
        place = started.getheader("Location")  # has a query already
        self.ask("PUT", f"{place}&digest={name}", blob.data, "application/octet-stream", 201)
        self.blobs[name] = len(blob.data)

    def put_image(self, tag, layers):
        config = blob(CONFIG, json.dumps({
            "architecture": "amd64", "os": "linux", "config": {"Labels": {"version": tag}},
            "rootfs": {"type": "layers", "diff_ids": [each.diff_id for each in layers]}}).encode())
        self.put_blob(config)
        manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": config.descriptor,
                               "layers": [each.descriptor for each in layers]}).encode()
        self.ask("PUT", f"{self.base}/manifests/{tag}", manifest, MANIFEST, 201)
        self.manifests.append(len(manifest))


def fill(host, name, base, tags):
    repository = Repository(host, name)
    shared = base + [layer(f"{name}-{number}", size) for number, size in enumerate(SHARED_IN_REPOSITORY)]
    for each in shared:
        repository.put_blob(each)
    for tag in tags:
        own = layer(f"{name}-{tag}", OWN)
        repository.put_blob(own)
        repository.put_image(tag, [*shared, own])
    return repository


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("host")
    parser.add_argument("prefix")
    options = parser.parse_args()
    base = [layer(f"base-{number}", size) for number, size in enumerate(SHARED_BY_ALL)]
    tags = [f"1.{number}.0" for number in range(SMALL_TAGS if options.small else TAGS)]
    names = [f"{options.prefix}/app{number}" for number in range(REPOSITORIES)]
    with concurrent.futures.ThreadPoolExecutor(4) as workers:
        filled = list(workers.map(lambda name: fill(options.host, name, base, tags), names))
    blobs = {name: size for repository in filled for name, size in repository.blobs.items()}
    manifests = [size for repository in filled for size in repository.manifests]
    print(json.dumps({"repositories": names, "tags": tags, "requests": len(blobs) + len(manifests),
                      "bytes": sum(blobs.values()) + sum(manifests)}))


if __name__ == "__main__":
    main()
