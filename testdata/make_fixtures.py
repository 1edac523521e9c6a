#!/usr/bin/env python3
"""Writes image archives and layouts as every producer makes them, and as an attacker would.

Usage: make_fixtures.py DIRECTORY

Tar headers are written by hand, because no tar library writes broken ones.
"""
import bz2
import gzip
import hashlib
import json
import lzma
import os
import struct
import sys

OCI = "application/vnd.oci.image."
DOCKER = "application/vnd.docker."
MANIFEST, INDEX, CONFIG = OCI + "manifest.v1+json", OCI + "index.v1+json", OCI + "config.v1+json"
PLAIN, GZIP, ZSTD = OCI + "layer.v1.tar", OCI + "layer.v1.tar+gzip", OCI + "layer.v1.tar+zstd"
DOCKER_MANIFEST = DOCKER + "distribution.manifest.v2+json"
DOCKER_CONFIG = DOCKER + "container.image.v1+json"
DOCKER_PLAIN, DOCKER_GZIP = DOCKER + "image.rootfs.diff.tar", DOCKER + "image.rootfs.diff.tar.gzip"
FOREIGN = DOCKER + "image.rootfs.foreign.diff.tar.gzip"


# --- tar -------------------------------------------------------------------------------------------------------------

def header(name, size=0, kind=b"0", link=b"", magic=b"ustar\x0000", prefix=b"", size_field=None, mode=0o644):
    name, link = as_bytes(name), as_bytes(link)
    block = bytearray(512)
    block[0:len(name[:100])] = name[:100]
    block[100:108] = b"%07o\0" % mode
    block[108:116] = block[116:124] = b"0000000\0"
    block[124:136] = size_field if size_field is not None else b"%011o\0" % size
    block[136:148] = b"00000000000\0"
    block[156:157] = kind
    block[157:157 + len(link[:100])] = link[:100]
    block[257:265] = magic
    block[345:345 + len(prefix)] = prefix
    return checksummed(block)


def checksummed(block):
    block = bytearray(block)
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def padded(data):
    return data + bytes(-len(data) % 512)


def as_bytes(text):
    return text if isinstance(text, bytes) else text.encode()


def file(name, data, **fields):
    data = as_bytes(data)
    return header(name, len(data), **fields) + padded(data)


def folder(name):
    return header(name, kind=b"5", mode=0o755)


def symlink(name, target):
    return header(name, kind=b"2", link=target)


def hardlink(name, target):
    return header(name, kind=b"1", link=target)


def pax(fields, kind=b"x"):
    records = b""
    for key, value in fields.items():
        body = b" " + as_bytes(key) + b"=" + as_bytes(value) + b"\n"
        length = len(body) + 1
        while len(str(length)) + len(body) != length:
            length = len(str(length)) + len(body)
        records += str(length).encode() + body
    return file("PaxHeaders/0", records, kind=kind)


def gnu_long(name, kind=b"L"):
    return file("././@LongLink", as_bytes(name) + b"\0", kind=kind, magic=b"ustar  \0")


END = bytes(1024)


def tar(*entries):
    return b"".join(entries) + END


# --- images ----------------------------------------------------------------------------------------------------------

def sha256(data):
    return hashlib.sha256(data).hexdigest()


def digest(data):
    return "sha256:" + sha256(data)


def compact(value):
    return json.dumps(value, separators=(",", ":")).encode()


def gz(data):
    return gzip.compress(data, 6, mtime=0)


def zst(data):
    """A zstd frame of raw blocks: valid, and needs no library."""
    out = struct.pack("<IB", 0xFD2FB528, 0b10100000) + struct.pack("<I", len(data))
    pieces = [data[i:i + 65536] for i in range(0, len(data), 65536)] or [b""]
    for i, piece in enumerate(pieces):
        last = 1 if i == len(pieces) - 1 else 0
        out += struct.pack("<I", len(piece) << 3 | last)[:3] + piece
    return out


def layer(number):
    text = "".join("line %d of layer %d\n" % (i, number) for i in range(200 * number))
    return tar(folder("data/"), file("data/layer%d.txt" % number, text))


A, B, C = layer(1), layer(2), layer(3)


def config(layers, architecture="amd64", **more):
    return compact({"architecture": architecture, "os": "linux", "config": {"Cmd": ["/bin/sh"]},
                    "rootfs": {"type": "layers", "diff_ids": [digest(l) for l in layers]}, **more})


def descriptor(media_type, data, **more):
    return {"mediaType": media_type, "digest": digest(data), "size": len(data), **more}


def manifest(cfg, layers, layer_type=GZIP, media_type=MANIFEST, config_type=CONFIG, **more):
    return compact({"schemaVersion": 2, "mediaType": media_type, "config": descriptor(config_type, cfg),
                    "layers": [descriptor(layer_type, l) for l in layers], **more})


def index(*children, media_type=INDEX):
    return compact({"schemaVersion": 2, "mediaType": media_type, "manifests": list(children)})


def platform(architecture, **more):
    return {"architecture": architecture, "os": "linux", **more}


MARKER = compact({"imageLayoutVersion": "1.0.0"})


def blob_files(*blobs):
    return [("blobs/sha256/" + sha256(b), b) for b in dict.fromkeys(blobs)]


def layout_files(index_json, *blobs):
    return [("oci-layout", MARKER), ("index.json", index_json)] + blob_files(*blobs)


def files(pairs):
    return [file(name, data) for name, data in pairs]


def docker_json(*images):
    return compact([{"Config": c, "RepoTags": t, "Layers": l} for c, t, l in images])


def named(media_type, data, ref=None, image=None, **more):
    annotations = {}
    if image:
        annotations["io.containerd.image.name"] = image
    if ref:
        annotations["org.opencontainers.image.ref.name"] = ref
    return descriptor(media_type, data, **({"annotations": annotations} if annotations else {}), **more)


def docker24(layers, tags=("app:1",), edit_config=None, skip=(), extra=(), manifest_layers=None):
    """docker save up to 24: a folder per layer, later copies of a layer are links to the first."""
    cfg = edit_config if edit_config is not None else config(layers)
    entries, names, first = [], [], {}
    for i, data in enumerate(layers):
        ident = sha256(b"%d" % i + data)
        name = ident + "/layer.tar"
        names.append(name)
        entries += [folder(ident + "/"), file(ident + "/VERSION", "1.0"), file(ident + "/json", "{}")]
        if i in skip:
            continue
        if sha256(data) in first:
            entries.append(symlink(name, "../" + first[sha256(data)]))
        else:
            first[sha256(data)] = name
            entries.append(file(name, data))
    entries.append(file(sha256(cfg) + ".json", cfg))
    entries += list(extra)
    entries.append(file("manifest.json", docker_json((sha256(cfg) + ".json", list(tags), manifest_layers or names))))
    entries.append(file("repositories", compact({"app": {"1": "0"}})))
    return tar(*entries)


def simple(names=None, cfg=None, layers=None, extra=()):
    """A small docker-archive with layers named at will: [(entry, bytes or None for absent)]."""
    layers = layers if layers is not None else [("a.tar", A)]
    cfg = cfg if cfg is not None else config([d for _, d in layers])
    return tar(*[file(n, d) for n, d in layers], *extra, file("config.json", cfg),
               file("manifest.json", docker_json(("config.json", names or ["app:1"], [n for n, _ in layers]))))


class Out:
    def __init__(self, root):
        self.root = root

    def put(self, name, data):
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data)

    def tree(self, name, pairs):
        for path, data in pairs:
            self.put(os.path.join(name, path), data)


# --- the fixtures ----------------------------------------------------------------------------------------------------

def producers(out):
    cfg = config([A, B])
    gA, gB = gz(A), gz(B)
    oci = manifest(cfg, [gA, gB])
    docker24_tar = docker24([A, B, A])
    out.put("docker24.tar", docker24_tar)

    # Docker 25 to 28: an OCI layout with plain layers, and manifest.json over the same blobs.
    plain = manifest(cfg, [A, B], PLAIN)
    blobs = blob_files(A, B, cfg, plain)
    paths = ["blobs/sha256/" + sha256(x) for x in (A, B)]
    sources = {digest(x): descriptor(PLAIN, x) for x in (A, B)}
    both = compact([{"Config": "blobs/sha256/" + sha256(cfg), "RepoTags": ["app:1"], "Layers": paths, "LayerSources": sources}])
    inside = index(named(MANIFEST, plain, "1", "docker.io/library/app:1"))
    out.put("docker25.tar", tar(folder("blobs/"), folder("blobs/sha256/"), *files(blobs), file("index.json", inside),
                                file("manifest.json", both), file("oci-layout", MARKER), file("repositories", "{}")))

    # The same with a foreign layer that nobody has: only the OCI manifest can describe it.
    fcfg = compact({"architecture": "amd64", "os": "windows",
                    "rootfs": {"type": "layers", "diff_ids": [digest(C), digest(B)]}})
    foreign = compact({"schemaVersion": 2, "mediaType": DOCKER_MANIFEST, "config": descriptor(DOCKER_CONFIG, fcfg), "layers": [
        descriptor(FOREIGN, gz(C), urls=["https://example.com/layer"]), descriptor(DOCKER_PLAIN, B)]})
    fsource = {digest(C): descriptor(FOREIGN, gz(C), urls=["https://example.com/layer"]), digest(B): descriptor(DOCKER_PLAIN, B)}
    fjson = compact([{"Config": "blobs/sha256/" + sha256(fcfg), "RepoTags": ["win:1"],
                      "Layers": ["blobs/sha256/" + sha256(gz(C)), "blobs/sha256/" + sha256(B)], "LayerSources": fsource}])
    out.put("docker25_foreign.tar", tar(*files(layout_files(index(named(DOCKER_MANIFEST, foreign, "1")), B, fcfg, foreign)),
                                        file("manifest.json", fjson)))

    # Docker 29, containerd's image store: gzip layers, an index of which only some platforms are there.
    def multi(*present):
        children, held = [], []
        for arch in ("amd64", "arm64", "s390x"):
            c = config([A, B], arch)
            m = manifest(c, [gA, gB])
            children.append(descriptor(MANIFEST, m, platform=platform(arch), annotations={"example": arch}))
            if arch in present:
                held += [c, m, gA, gB]
        attestation = manifest(b"{}", [b'{"statement":1}'], "application/vnd.in-toto+json")
        children.append(descriptor(MANIFEST, attestation, platform={"architecture": "unknown", "os": "unknown"},
                                   annotations={"vnd.docker.reference.type": "attestation-manifest",
                                                "vnd.docker.reference.digest": children[0]["digest"]}))
        top = index(*children)
        c = config([A, B], present[0]) if present else b"{}"
        listed = docker_json(("blobs/sha256/" + sha256(c), ["app:1"], ["blobs/sha256/" + sha256(x) for x in (gA, gB)]))
        names = index(named(INDEX, top, "1", "docker.io/library/app:1"))
        return tar(*files(layout_files(names, top, *held)), file("manifest.json", listed))

    out.put("docker29.tar", multi("amd64"))
    out.put("docker29_two.tar", multi("amd64", "arm64"))
    out.put("docker29_none.tar", multi())

    # podman save and skopeo: layers as <digest>.tar with the old folders linking to them.
    out.put("podman_docker.tar", tar(
        file(sha256(A) + ".tar", A), folder(sha256(b"0") + "/"), symlink(sha256(b"0") + "/layer.tar", "../" + sha256(A) + ".tar"),
        file(sha256(B) + ".tar", B), file(sha256(cfg) + ".json", cfg), file("repositories", "{}"),
        file("manifest.json", docker_json((sha256(cfg) + ".json", ["localhost/app:1"], [sha256(A) + ".tar", sha256(B) + ".tar"])))))
    out.put("podman_oci.tar", tar(folder("blobs/"), folder("blobs/sha256/"), *files(layout_files(
        index(named(MANIFEST, oci, "docker.io/library/app:1")), oci, cfg, gA, gB))))

    # kaniko and crane: gzip layers under their digest, the configuration under "sha256:...".
    listed = docker_json(("sha256:" + sha256(cfg), ["registry.example:5000/team/app:1"], [sha256(gA) + ".tar.gz", sha256(gB) + ".tar.gz"]))
    out.put("kaniko.tar", tar(file("sha256:" + sha256(cfg), cfg), file(sha256(gA) + ".tar.gz", gA), file(sha256(gB) + ".tar.gz", gB),
                              file("manifest.json", listed)))
    mixed = manifest(cfg, [gA, gB], DOCKER_GZIP)
    out.put("kaniko_oci.tar", tar(*files(layout_files(index(named(MANIFEST, mixed)), mixed, cfg, gA, gB))))

    # buildkit type=docker: both forms, layers compressed.
    listed = docker_json(("blobs/sha256/" + sha256(cfg), ["docker.io/library/app:1"], ["blobs/sha256/" + sha256(x) for x in (gA, gB)]))
    inside = index(named(MANIFEST, oci, "1", "docker.io/library/app:1"))
    out.put("buildkit_docker.tar", tar(folder("blobs/"), *files(layout_files(inside, oci, cfg, gA, gB)), file("manifest.json", listed)))
    out.put("buildkit_oci.tar", tar(folder("blobs/"), *files(layout_files(inside, oci, cfg, gA, gB))))

    # nix: everything under "./", repeated layers as hard links.
    ident = [sha256(b"nix%d" % i) for i in range(3)]
    nix_cfg = config([A, B, A])
    out.put("nix.tar", tar(
        folder("./"), file("./" + ident[0] + "/layer.tar", A), file("./" + ident[1] + "/layer.tar", B),
        hardlink("./" + ident[2] + "/layer.tar", "./" + ident[0] + "/layer.tar"), file("./" + sha256(nix_cfg) + ".json", nix_cfg),
        file("./manifest.json", docker_json((sha256(nix_cfg) + ".json", ["nix:1"], [i + "/layer.tar" for i in ident])))))
    out.put("bazel.tar", tar(file(sha256(cfg) + ".json", cfg), file(sha256(A) + "/layer.tar", A), file(sha256(B) + "/layer.tar", B),
                             file("manifest.json", docker_json((sha256(cfg) + ".json", ["bazel/app:image"],
                                                                [sha256(A) + "/layer.tar", sha256(B) + "/layer.tar"])))))
    out.put("jib.tar", tar(file("config.json", cfg), file(sha256(gA) + ".tar.gz", gA), file(sha256(gB) + ".tar.gz", gB),
                           file("manifest.json", docker_json(("config.json", ["jib:1"], [sha256(gA) + ".tar.gz", sha256(gB) + ".tar.gz"])))))
    out.put("jib_oci.tar", tar(*files(layout_files(index(named(MANIFEST, oci)), oci, cfg, gA, gB))))
    out.put("zstd_layers.tar", simple(layers=[("a.tar.zst", zst(A)), ("b.tar", B)], cfg=config([A, B])))

    # rules_oci: a layout whose index lists Docker manifests.
    dm = manifest(cfg, [gA, gB], DOCKER_GZIP, DOCKER_MANIFEST, DOCKER_CONFIG)
    out.tree("rules_oci", layout_files(index(named(DOCKER_MANIFEST, dm, platform=platform("amd64"))), dm, cfg, gA, gB))

    out.put("wrapped.tar.gz", gz(docker24_tar))
    out.put("wrapped_gzip.tar", gz(docker24_tar))
    out.put("wrapped_two_members.tgz", gz(docker24_tar[:5000]) + gz(docker24_tar[5000:]) + bytes(512))
    out.put("wrapped.tar.zst", zst(docker24_tar))
    out.put("wrapped.tar.xz", lzma.compress(docker24_tar))
    out.put("wrapped.tar.bz2", bz2.compress(docker24_tar))
    out.put("wrapped_twice.tar.gz", gz(gz(docker24_tar)))
    out.put("wrapped_cut.tar.gz", gz(docker24_tar)[:-20])


def archives(out):
    whole = docker24([A, B])
    out.put("plain.tar", whole)
    out.put("legacy_v1.tar", tar(folder("abc/"), file("abc/json", "{}"), file("abc/layer.tar", A), file("repositories", "{}")))
    out.put("rootfs.tar", A)
    a, b, c = config([A]), config([B]), config([A, B])
    out.put("three_images.tar", tar(
        file("a.tar", A), file("b.tar", B), file("a.json", a), file("b.json", b), file("c.json", c),
        file("manifest.json", docker_json(("a.json", ["app:1", "registry.example:5000/app:1", "app:1"], ["a.tar"]),
                                          ("b.json", ["other:latest"], ["b.tar"]), ("c.json", None, ["a.tar", "b.tar"])))))
    out.put("empty_tags.tar", simple(names=[""]))
    out.put("many_dialects.tar", tar(
        gnu_long("x" * 300 + "/layer.tar"), file("short", A, magic=b"ustar  \0"), pax({"path": "y" * 300 + "/é.tar"}), file("short", B),
        file(".//./c.tar", C), file(b"\xff\xfe.bin", b"latin"), file("deep", A, prefix=b"prefix/of"), file("config.json", config([A, B, C, A])),
        file("./manifest.json", docker_json(("config.json", ["app:1"],
                                             ["x" * 300 + "/layer.tar", "y" * 300 + "/é.tar", "c.tar", "prefix/of/deep"])))))
    out.put("no_end.tar", whole[:-1024])
    out.put("one_zero_block.tar", whole[:-512])
    out.put("trailing_garbage.tar", whole + hashlib.sha512(b"x").digest() * 1000)
    for percent in (1, 50, 99):
        out.put("cut_%d.tar" % percent, whole[:len(whole) * percent // 100 // 512 * 512 + 100])
    out.put("cut_header.tar", whole[:512 * 2 + 200])
    out.put("cut_padding.tar", (file("manifest.json", "[]"))[:-100])
    out.put("missing_layer.tar", docker24([A, B], skip=(1,)))
    out.put("missing_config.tar", tar(file("a.tar", A), file("manifest.json", docker_json(("config.json", ["app:1"], ["a.tar"])))))
    out.put("wrong_diff_id.tar", simple(layers=[("a.tar", A[:600] + b"!" + A[601:])], cfg=config([A])))
    out.put("wrong_config_digest.tar", tar(file("a.tar", A), file(sha256(b"x") + ".json", config([A])),
                                           file("manifest.json", docker_json((sha256(b"x") + ".json", [], ["a.tar"])))))
    out.put("one_layer_more.tar", simple(layers=[("a.tar", A), ("b.tar", B)], cfg=config([A])))
    out.put("one_layer_fewer.tar", simple(cfg=config([A, B])))
    out.put("no_diff_ids.tar", simple(cfg=compact({"architecture": "amd64", "os": "linux"})))
    out.put("no_layers.tar", simple(layers=[]))
    out.put("history_only.tar", simple(layers=[], cfg=config([], history=[{"created_by": "ENV a=b", "empty_layer": True}])))
    out.put("empty_layer.tar", simple(layers=[("a.tar", END), ("b.tar", b"")]))
    out.put("repeated_layers.tar", tar(
        file("a.tar", A), file("b.tar", B), file("config.json", config([A, A, B, A])),
        file("manifest.json", docker_json(("config.json", ["app:1"], ["a.tar", "a.tar", "b.tar", "a.tar"])))))
    out.put("config_3mib.tar", simple(cfg=config([A], note="n" * (3 << 20))))
    out.put("config_9mib.tar", simple(cfg=config([A], note="n" * (9 << 20))))
    out.put("empty_config_oci.tar", tar(*files(layout_files(index(named(MANIFEST, manifest(b"{}", []))), b"{}", manifest(b"{}", [])))))


def hostile(out):
    def layer_at(name, *entries):
        return tar(*entries, file("config.json", config([A])),
                   file("manifest.json", docker_json(("config.json", ["app:1"], [name]))))

    out.put("up.tar", layer_at("../../x", file("../../x", A)))
    out.put("inside_up.tar", layer_at("a/../x", file("x", A)))
    out.put("absolute.tar", layer_at("/abs", file("/abs", A)))
    out.put("device.tar", layer_at("dev", header("dev", kind=b"3")))
    out.put("fifo.tar", layer_at("pipe", header("pipe", kind=b"6")))
    out.put("folder_as_layer.tar", layer_at("dir", folder("dir/")))
    out.put("link_outside.tar", layer_at("l", symlink("l", "/etc/passwd")))
    out.put("link_up.tar", layer_at("l", symlink("l", "../l2"), file("l2", A)))
    out.put("link_inside.tar", layer_at("d/l", symlink("d/l", "../x"), file("x", A)))
    out.put("link_hard.tar", layer_at("d/l", file("x", A), hardlink("d/l", "x")))
    out.put("link_dangling.tar", layer_at("l", symlink("l", "gone")))
    out.put("link_self.tar", layer_at("l", symlink("l", "l")))
    out.put("link_cycle.tar", tar(symlink("manifest.json", "a"), symlink("a", "b"), symlink("b", "manifest.json")))
    chain = [symlink("l%d" % i, "l%d" % (i + 1)) for i in range(20)]
    out.put("link_chain_16.tar", layer_at("l4", *chain, file("l20", A)))
    out.put("link_chain_17.tar", layer_at("l3", *chain, file("l20", A)))

    # PAX size over the ustar size: the bytes after the header belong to one file, whatever the other field says.
    hidden = file("manifest.json", docker_json(("evil.json", ["evil:1"], [])))
    for ustar in (0, 512, 4096):
        entry = pax({"size": str(len(A))}) + header("a.tar", ustar) + padded(A)
        out.put("pax_size_%d.tar" % ustar, layer_at("a.tar", entry))
    carrier = pax({"size": str(len(hidden))}) + header("carrier", 0) + hidden
    out.put("pax_smuggle.tar", layer_at("a.tar", carrier, file("a.tar", A)))
    out.put("pax_malformed.tar", layer_at("a.tar", file("p", b"99 path=x\n", kind=b"x"), file("a.tar", A)))
    out.put("pax_negative_size.tar", layer_at("a.tar", pax({"size": "-1"}), file("a.tar", A)))
    out.put("pax_global_path.tar", layer_at("a.tar", pax({"path": "z"}, kind=b"g"), file("a.tar", A)))
    out.put("pax_global_comment.tar", layer_at("a.tar", pax({"comment": "c0ffee"}, kind=b"g"), file("a.tar", A)))
    out.put("pax_last.tar", file("manifest.json", "[]") + pax({"path": "z"}))
    out.put("pax_2gib.tar", header("p", 2 << 30, kind=b"x") + b"9 path=x\n")
    out.put("long_name_10mib.tar", gnu_long("x" * (10 << 20)) + file("x", b""))
    sparse = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "a.tar", "GNU.sparse.realsize": "10"}
    out.put("sparse_pax.tar", layer_at("a.tar", pax(sparse), file("GNUSparseFile.0/a.tar", padded(b"1\n0\n10\n") + b"0123456789")))
    old = bytearray(header("a.tar", 512, kind=b"S", magic=b"ustar  \0"))
    old[482] = 1
    out.put("sparse_old.tar", layer_at("a.tar", checksummed(old), bytes(512), bytes(512)))
    unused = checksummed(bytearray(old).replace(b"a.tar", b"b.tar", 1))
    out.put("sparse_unused.tar", layer_at("a.tar", unused, bytes(512), bytes(512), file("a.tar", A)))
    out.put("twice_same.tar", layer_at("a.tar", file("a.tar", A), file("./a.tar", A)))
    out.put("twice_different.tar", layer_at("a.tar", file("a.tar", A), file("a.tar", B)))
    out.put("directory_with_size.tar", layer_at("a.tar", header("d/", 512, kind=b"5") + file("x", b"")[:512], file("a.tar", A)))
    out.put("hardlink_with_size.tar", layer_at("a.tar", file("x", A), header("a.tar", len(A), kind=b"1", link="x")))
    out.put("negative_size.tar", header("x", size_field=b"\xff" * 12) + END)
    out.put("bad_octal.tar", header("x", size_field=b"0000000009x\0") + END)
    out.put("bad_checksum.tar", file("manifest.json", "[]") + b"x" * 512 + END)

    # 9 GiB in base-256, sparse on disk.
    size = 9 << 30
    entry = header("big", size_field=b"\x80" + size.to_bytes(11, "big"))
    tail = tar(file("config.json", config([])), file("manifest.json", docker_json(("config.json", ["big:1"], []))))
    with open(os.path.join(out.root, "big.tar"), "wb") as f:
        f.write(entry)
        f.seek(size, os.SEEK_CUR)
        f.write(tail)

    for name, text in {"not_json": b"{", "object": b"{}", "number": b'[{"Config":1}]', "no_config": b'[{"Layers":[]}]',
                       "deep": b"[" * 100000 + b"]" * 100000, "not_utf8": b'[{"Config":"\xff"}]', "nul": b'[{"Con\\u0000fig":"x"}]',
                       "duplicate": b'[{"Config":"a","Config":"b"}]', "huge_number": b'[{"Config":"a","x":1e999}]',
                       "case": b'[{"config":"a","Config":"b"}]'}.items():
        out.put("json_%s.tar" % name, tar(file("a", b"{}"), file("manifest.json", text)))

    out.put("html.tar", b"<!DOCTYPE html><html><body>Sign in</body></html>" * 20)
    out.put("zip.tar", b"PK\x03\x04" + bytes(600))
    out.put("empty.tar", b"")
    out.put("zeros.tar", END)
    out.put("manifest_document.tar", manifest(b"{}", []))
    out.put("squashfs.tar", b"hsqs" + bytes(1000))
    out.put("text.tar", b"just some text\n" * 100)


def layouts(out):
    cfg = config([A, B])
    gA, gB = gz(A), gz(B)
    m = manifest(cfg, [gA, gB])
    good = layout_files(index(named(MANIFEST, m, "1")), m, cfg, gA, gB)
    out.tree("layout", good + [("ingest/tmp", b"x"), ("blobs/sha256/.DS_Store", b"x"), ("blobs/sha256/abc.tmp", b"x"), ("index.json~", b"x"),
                               ("blobs/sha256/" + sha256(b"extra"), b"extra")])

    def changed(name, edit):
        pairs = dict(good)
        edit(pairs)
        out.tree(name, list(pairs.items()))

    blob = "blobs/sha256/" + sha256(gA)
    changed("layout_no_marker", lambda p: p.pop("oci-layout"))
    changed("layout_no_index", lambda p: p.pop("index.json"))
    changed("layout_version_1_1", lambda p: p.update({"oci-layout": compact({"imageLayoutVersion": "1.1.0"})}))
    changed("layout_version_2", lambda p: p.update({"oci-layout": compact({"imageLayoutVersion": "2.0.0"})}))
    changed("layout_version_none", lambda p: p.update({"oci-layout": b"{}"}))
    changed("layout_version_number", lambda p: p.update({"oci-layout": compact({"imageLayoutVersion": 1})}))
    changed("layout_short_blob", lambda p: p.update({blob: gA[:-1]}))
    changed("layout_long_blob", lambda p: p.update({blob: gA + b"x"}))
    changed("layout_flipped_blob", lambda p: p.update({blob: gA[:-1] + bytes([gA[-1] ^ 1])}))
    changed("layout_flipped_manifest", lambda p: p.update({"blobs/sha256/" + sha256(m): m.replace(b"schemaVersion\":2", b"schemaVersion\": ")}))
    changed("layout_missing_blob", lambda p: p.pop(blob))
    changed("layout_missing_config", lambda p: p.pop("blobs/sha256/" + sha256(cfg)))
    changed("layout_missing_manifest", lambda p: p.pop("blobs/sha256/" + sha256(m)))

    for name, size in {"2_62": 2 ** 62, "minus_1": -1, "0": 0, "plus_1": len(m) + 1, "text": "12"}.items():
        entry = dict(named(MANIFEST, m, "1"), size=size)
        out.tree("layout_size_" + name, layout_files(index(entry), m, cfg, gA, gB))
    for name, text in {"path": "sha256:../../../etc/passwd", "upper": digest(m).replace("sha256:", "sha256:A")[:71], "short": digest(m)[:-1],
                       "md5": "md5:" + "0" * 32, "empty": ""}.items():
        entry = dict(named(MANIFEST, m, "1"), digest=text)
        out.tree("layout_digest_" + name, layout_files(index(entry), m, cfg, gA, gB))

    # Symbolic links where files should be.
    changed("layout_link_blob", lambda p: p.pop(blob))
    replace_by_link(out, "layout_link_blob/" + blob, "/etc/hostname")
    changed("layout_link_index", lambda p: p.pop("index.json"))
    replace_by_link(out, "layout_link_index/index.json", "../layout/index.json")
    out.tree("layout_link_folder", [("oci-layout", MARKER), ("index.json", dict(good)["index.json"])])
    replace_by_link(out, "layout_link_folder/blobs", "../layout/blobs")

    # Several images, with every form of name.
    images = {name: config([A], name) for name in ("a", "b", "c", "d")}
    ms = {name: manifest(c, [gA]) for name, c in images.items()}
    several = index(named(MANIFEST, ms["a"], "latest"), named(MANIFEST, ms["b"], "docker.io/library/x:latest"),
                    named(MANIFEST, ms["c"], "example.com/y:1"), named(MANIFEST, ms["d"]), named(MANIFEST, ms["a"], "again"))
    out.tree("layout_several", layout_files(several, gA, *images.values(), *ms.values()))
    same = index(named(MANIFEST, ms["a"], "1"), named(MANIFEST, ms["b"], "1"))
    out.tree("layout_same_name", layout_files(same, gA, *images.values(), *ms.values()))

    # An index of indexes, and a chain that is too deep.
    inner = index(descriptor(MANIFEST, m, platform=platform("amd64")))
    nested = index(descriptor(INDEX, inner))
    out.tree("layout_nested", layout_files(index(named(INDEX, nested, "1")), nested, inner, m, cfg, gA, gB))
    chain, top = [], m
    kind = MANIFEST
    for _ in range(20):
        top, kind = index(descriptor(kind, top)), INDEX
        chain.append(top)
    out.tree("layout_deep", layout_files(index(named(INDEX, top, "1")), *chain, m, cfg, gA, gB))

    # sha512 throughout.
    def d512(media_type, data, **more):
        return {"mediaType": media_type, "digest": "sha512:" + hashlib.sha512(data).hexdigest(), "size": len(data), **more}

    m512 = compact({"schemaVersion": 2, "mediaType": MANIFEST, "config": d512(CONFIG, cfg), "layers": [d512(GZIP, gA), d512(GZIP, gB)]})
    pairs = [("blobs/sha512/" + hashlib.sha512(b).hexdigest(), b) for b in (m512, cfg, gA, gB)]
    out.tree("layout_sha512", [("oci-layout", MARKER), ("index.json", index(d512(MANIFEST, m512)))] + pairs)

    # Artifacts, foreign layers, schema 1.
    artifact = compact({"schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "application/vnd.example", "config": descriptor(
        "application/vnd.oci.empty.v1+json", b"{}"), "layers": [descriptor("text/plain", b"hello")], "subject": descriptor(MANIFEST, m)})
    out.tree("layout_artifact", layout_files(index(named(MANIFEST, artifact, "sbom")), artifact, b"{}", b"hello"))
    foreign = manifest(cfg, [gA], FOREIGN, DOCKER_MANIFEST, DOCKER_CONFIG)
    out.tree("layout_foreign", layout_files(index(named(DOCKER_MANIFEST, foreign, "1")), foreign, cfg))
    schema1 = compact({"schemaVersion": 1, "name": "app", "tag": "1", "fsLayers": [], "history": [], "signatures": []})
    out.tree("layout_schema1", layout_files(index(named(DOCKER + "distribution.manifest.v1+prettyjws", schema1, "1")), schema1))
    out.tree("layout_schema1_sniffed", layout_files(index(named(MANIFEST, schema1, "1")), schema1))
    big = config([A], note="n" * (9 << 20))
    bm = manifest(big, [gA])
    out.tree("layout_config_9mib", layout_files(index(named(MANIFEST, bm, "1")), bm, big, gA))
    repeated_cfg = config([A, A, B, A])
    repeated = manifest(repeated_cfg, [gA, gA, gB, gA])
    out.tree("layout_repeated", layout_files(index(named(MANIFEST, repeated, "1")), repeated, repeated_cfg, gA, gB))
    out.tree("layout_empty", layout_files(index()))


def replace_by_link(out, name, target):
    path = os.path.join(out.root, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.lexists(path):
        os.unlink(path)
    os.symlink(target, path)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    out = Out(sys.argv[1])
    os.makedirs(out.root, exist_ok=True)
    for write in (producers, archives, hostile, layouts):
        write(out)


if __name__ == "__main__":
    main()
