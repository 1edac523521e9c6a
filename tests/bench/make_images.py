#!/usr/bin/env python3
"""Makes the images that the benchmarks push, from the files of this machine's own packages.

    make_images.py big  OUT.tar     docker-archive: six plain layers, about 1 GB
    make_images.py more OUT.tar     the same with one further layer of about 20 MB
    make_images.py many OUT.tar     docker-archive: 60 plain layers of about 4 MB
    make_images.py one OUT          OCI layout: one gzip layer of about 1 GB
    make_images.py manygz OUT       OCI layout: 60 gzip layers

With --small before the kind, layers are a fortieth of that: to try what uses them.
"""

import argparse
import gzip
import hashlib
import io
import json
import os
import tarfile

MB = 1 << 20
ROOTS = ["/usr/lib", "/usr/share", "/usr/bin", "/usr/include", "/usr/libexec", "/usr/src"]
BIG = [480, 200, 130, 100, 60, 30]
SIZES = {"big": BIG, "more": [*BIG, 20], "many": [4] * 60, "one": [1000], "manygz": [4] * 60}  # MB


def files():
    for root in ROOTS:
        for folder, folders, names in os.walk(root):
            folders.sort()
            for name in sorted(names):
                path = os.path.join(folder, name)
                if os.path.isfile(path) and not os.path.islink(path):
                    yield path


def layer(supply, size):
    """The bytes of a layer of about `size` MB."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        while out.tell() < size * MB:
            path = next(supply)
            if os.path.getsize(path) > max(size * MB // 8, MB // 2):
                continue  # one large file would be a layer of its own
            info = tarfile.TarInfo(path.lstrip("/"))
            info.size = os.path.getsize(path)
            info.mode = 0o644
            with open(path, "rb") as file:
                tar.addfile(info, file)
    return out.getvalue()


def add(tar, name, data):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


def endless():
    while True:
        yield from files()


def layout(path, sizes, level):
    """An OCI layout with gzip layers; level 0 makes large ones from little work."""
    blobs = os.path.join(path, "blobs", "sha256")
    os.makedirs(blobs)

    def store(media_type, data):
        digest = hashlib.sha256(data).hexdigest()
        with open(os.path.join(blobs, digest), "wb") as file:
            file.write(data)
        return {"mediaType": media_type, "digest": "sha256:" + digest, "size": len(data)}

    supply = endless()
    diff_ids, layers = [], []
    for size in sizes:
        data = layer(supply, size)
        diff_ids.append("sha256:" + hashlib.sha256(data).hexdigest())
        layers.append(store("application/vnd.oci.image.layer.v1.tar+gzip", gzip.compress(data, level, mtime=0)))
    config = store("application/vnd.oci.image.config.v1+json",
                   json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": diff_ids}}).encode())
    manifest = store("application/vnd.oci.image.manifest.v1+json",
                     json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config, "layers": layers}).encode())
    manifest["annotations"] = {"org.opencontainers.image.ref.name": "1"}
    with open(os.path.join(path, "index.json"), "w") as file:
        json.dump({"schemaVersion": 2, "manifests": [manifest]}, file)
    with open(os.path.join(path, "oci-layout"), "w") as file:
        json.dump({"imageLayoutVersion": "1.0.0"}, file)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("kind", choices=SIZES)
    parser.add_argument("path")
    options = parser.parse_args()
    kind, path = options.kind, options.path
    sizes = [max(1, size // 40) if options.small else size for size in SIZES[kind]]
    if kind in ("one", "manygz"):
        layout(path, sizes, 0 if kind == "one" else 1)
        return
    supply = endless()
    diff_ids, names = [], []
    with tarfile.open(path, "w") as tar:
        for size in sizes:
            data = layer(supply, size)
            digest = hashlib.sha256(data).hexdigest()
            diff_ids.append("sha256:" + digest)
            names.append(digest + "/layer.tar")
            add(tar, names[-1], data)
        config = json.dumps({"architecture": "amd64", "os": "linux", "config": {},
                             "rootfs": {"type": "layers", "diff_ids": diff_ids}}).encode()
        config_name = hashlib.sha256(config).hexdigest() + ".json"
        add(tar, config_name, config)
        add(tar, "manifest.json", json.dumps([{"Config": config_name, "RepoTags": [f"bench/{kind}:1"], "Layers": names}]).encode())


if __name__ == "__main__":
    main()
