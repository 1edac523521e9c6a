"""What the benchmarks do: each scenario, for davit and for its peer."""

import hashlib
import io
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tarfile
import urllib.request
from typing import Callable, NamedTuple, Optional

import one_by_one
from measure import measure
from mirrors import Mirrors

HERE = pathlib.Path(__file__).resolve().parent
OUTPUTS = {"oci": "oci:{}/image:1", "docker-archive": "docker-archive:{}/image.tar:bench/image:1"}


class Bench:
    """Images, repositories and the commands that move one to the other. `fronts` stand before the registries, one each."""

    def __init__(self, davit, folder, registries, fronts, small):
        self.davit, self.folder, self.registries, self.fronts, self.small = davit, folder, registries, fronts, small
        self.count, self.sources = 0, {}
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.skopeo_data = folder / "skopeo"
        # skopeo keeps its cache in XDG_DATA_HOME unless it is root, or believes that it is.
        self.environment = {"TMPDIR": str(self.temporary), "XDG_DATA_HOME": str(self.skopeo_data),
                            "_CONTAINERS_ROOTLESS_UID": str(os.geteuid() or 1)}

    def measure(self, command, registries=None):
        return measure(command, self.environment, registries or self.registries)

    def image(self, kind):
        path = self.folder / (kind + ".tar" if kind in ("big", "more", "many") else kind)
        if not path.exists():
            small = ["--small"] if self.small else []
            subprocess.run([sys.executable, str(HERE / "make_images.py"), *small, kind, str(path)], check=True)
        return path

    def host(self, number, slow=False):
        return self.fronts[number] if slow else self.registries[number].host

    def repository(self, number=0, slow=False):
        self.count += 1
        return f"{self.host(number, slow)}/bench{self.count}"

    def source(self, kind, slow=False):
        """An image in the first registry, to be fetched; pushed once."""
        if kind not in self.sources:
            self.sources[kind] = f"source-{kind}:1"
            self.push(kind, repository=f"{self.host(0)}/source-{kind}")
        return f"{self.host(0, slow)}/{self.sources[kind]}"

    def push(self, kind, *flags, repository=None, tag="1"):
        return self.measure([self.davit, "push", "-q", *flags, str(self.image(kind)), f"{repository or self.repository()}:{tag}"])

    def skopeo(self, source, destination, keep_cache=False):
        if not keep_cache:
            shutil.rmtree(self.skopeo_data, ignore_errors=True)
        return self.measure(["skopeo", "copy", "-q", "--src-tls-verify=false", "--dest-tls-verify=false", source, destination])

    def skopeo_push(self, kind, repository=None, tag="1", keep_cache=False):
        path = self.image(kind)
        source = f"oci:{path}:1" if path.is_dir() else f"docker-archive:{path}"
        return self.skopeo(source, f"docker://{repository or self.repository()}:{tag}", keep_cache)

    def upload(self, repository):
        """Where curl may put a blob, but for its digest."""
        base = f"http://{repository.replace('/', '/v2/', 1)}"
        request = urllib.request.Request(f"{base}/blobs/uploads/", method="POST")
        with urllib.request.urlopen(request) as answer:
            return answer.headers["Location"]

    def curl_push(self, kind):
        """What the largest blob of a layout takes with curl alone."""
        blob = max((self.image(kind) / "blobs" / "sha256").iterdir(), key=lambda file: file.stat().st_size)
        return self.measure(["curl", "-sf", "-T", str(blob), f"{self.upload(self.repository())}&digest=sha256:{blob.name}"])

    def pipes(self, source, blobs, onward):
        """What the blobs take in pipes, all at once; `onward(digest)` is the command behind the one that fetches."""
        base = f"http://{source.rsplit(':', 1)[0].replace('/', '/v2/', 1)}"
        script = "set -o pipefail; pids=();"
        for digest in blobs:
            script += f" curl -sf {shlex.quote(f'{base}/blobs/{digest}')} | {onward(digest)} & pids+=($!);"
        return self.measure(["bash", "-c", script + ' for pid in "${pids[@]}"; do wait "$pid" || exit; done'])

    def curl_pull(self, source, blobs, folder):
        """Blobs into files, each hashed on the way: what nobody who verifies can do without."""
        return self.pipes(source, blobs, lambda digest: f"tee {shlex.quote(str(folder / digest))} | openssl dgst -sha256")

    def curl_copy(self, source, blobs, hashed=False):
        """From one registry to the other."""
        repository, hashing = self.repository(1), "tee >(openssl dgst -sha256 >/dev/null) | " if hashed else ""
        return self.pipes(source, blobs, lambda digest: hashing + "curl -sf -T - " + shlex.quote(f"{self.upload(repository)}&digest={digest}"))

    def into_new_folder(self, act):
        """What `act(folder)` gives; the folder, which is memory, is there only meanwhile."""
        self.count += 1
        output = self.folder / f"output{self.count}"
        output.mkdir()
        try:
            return act(output)
        finally:
            shutil.rmtree(output)

    # Each scenario prepares what it needs and returns a function that gives a pair of costs: davit's and the peer's.

    def first(self, kind, *flags):
        return lambda: (self.push(kind, *flags), self.skopeo_push(kind))

    def again(self):
        repository, peer = self.repository(), self.repository()
        self.push("big", repository=repository)
        self.skopeo_push("big", repository=peer)
        return lambda: (self.push("big", repository=repository), self.skopeo_push("big", repository=peer, keep_cache=True))

    def changed(self):
        def once():
            repository = self.repository()
            self.push("big", repository=repository)
            return self.push("more", repository=repository, tag="2"), self.skopeo_push("more")
        return once

    def against_curl(self):
        return lambda: (self.push("one"), self.curl_push("one"))

    def pull(self, kind, slow, form="oci"):
        source = self.source(kind, slow)

        def davit(folder):
            return self.measure([self.davit, "pull", "-q", source, OUTPUTS[form].format(folder)])

        def skopeo(folder):
            return self.skopeo(f"docker://{source}", OUTPUTS[form].format(folder))

        return lambda: (self.into_new_folder(davit), self.into_new_folder(skopeo))

    def pull_against_curl(self, kind):
        source = self.source(kind)
        blobs = self.blobs(source)
        return lambda: (self.into_new_folder(lambda folder: self.measure([self.davit, "pull", "-q", source, OUTPUTS["oci"].format(folder)])),
                        self.into_new_folder(lambda folder: self.curl_pull(source, blobs, folder)))

    def davit_copy(self, source, destination):
        return self.measure([self.davit, "copy", "-q", source, f"{destination}:1"])

    def copy(self, kind, slow, to):
        """Into new repositories of registry number `to`; the source is in number 0."""
        source = self.source(kind, slow)
        return lambda: (self.davit_copy(source, self.repository(to, slow)),
                        self.skopeo(f"docker://{source}", f"docker://{self.repository(to, slow)}:1"))

    def copy_again(self, kind, slow):
        source, repository, peer = self.source(kind, slow), self.repository(1, slow), self.repository(1, slow)
        self.davit_copy(source, repository)
        self.skopeo(f"docker://{source}", f"docker://{peer}:1")
        return lambda: (self.davit_copy(source, repository), self.skopeo(f"docker://{source}", f"docker://{peer}:1", keep_cache=True))

    def copy_against_curl(self, kind, hashed):
        source = self.source(kind)
        blobs = self.blobs(source)
        return lambda: (self.davit_copy(source, self.repository(1)), self.curl_copy(source, blobs, hashed))

    def platforms(self, slow):
        """Tags of four small images for four platforms, in one repository of the first registry; pushed once."""
        if "four" not in self.sources:
            self.sources["four"] = "four"
            for architecture in ("amd64", "arm64", "ppc64le", "s390x"):
                archive = self.folder / f"{architecture}.tar"
                platform_archive(archive, architecture)
                self.measure([self.davit, "push", "-q", str(archive), f"{self.host(0)}/four:{architecture}"])
        return [f"{self.host(0, slow)}/four:{architecture}" for architecture in ("amd64", "arm64", "ppc64le", "s390x")]

    def index(self):
        """Docker's client, without a daemon, reads the images one after the other."""
        images = self.platforms(False)

        def docker():
            self.count += 1
            name = f"{self.host(0)}/four:index{self.count}"
            create = shlex.join(["docker", "--config", str(self.folder / "docker"), "manifest", "create", "--insecure", name, *images])
            push = shlex.join(["docker", "--config", str(self.folder / "docker"), "manifest", "push", "--insecure", "--purge", name])
            return self.measure(["sh", "-c", f"{create} && {push}"])

        return lambda: (self.measure([self.davit, "index", "create", "-q", f"{self.host(0)}/four:all", *images]), docker())

    def index_against(self, requests):
        """Behind the slow front; `requests` is what the peer asks for, of one_by_one."""
        sources = self.platforms(True)
        images = one_by_one.Images(f"{self.host(0)}/four", [source.rsplit(":", 1)[1] for source in sources])
        index = self.folder / "index.json"
        index.write_bytes(images.index())
        repository = f"{self.host(0, True)}/four"

        def peer():
            self.count += 1
            return self.measure(one_by_one.curl(requests(images), repository, f"index{self.count}", index))

        return lambda: (self.measure([self.davit, "index", "create", "-q", f"{repository}:all", *sources]), peer())

    def inspect(self, slow):
        image = self.platforms(slow)[0]
        return lambda: (self.measure([self.davit, "inspect", "-q", image]),
                        self.measure(["skopeo", "inspect", "--no-tags", "--tls-verify=false", f"docker://{image}"]))

    def start(self):
        """What a process and one HEAD take. curl has the same libcurl, and nothing else to do."""
        name = self.platforms(False)[0].rsplit("/", 1)[1].replace(":", "/manifests/")
        accept = "Accept: application/vnd.docker.distribution.manifest.v2+json"
        return lambda: (self.measure([self.davit, "digest", "-q", self.platforms(False)[0]]),
                        self.measure(["curl", "-sfI", "-H", accept, f"http://{self.host(0)}/v2/{name}"]))

    def blobs(self, reference):
        """The digests of an image's config and layers, as skopeo reads them."""
        text = subprocess.run(["skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{reference}"], check=True, capture_output=True).stdout
        manifest = json.loads(text)
        return [part["digest"] for part in [*manifest["layers"], manifest["config"]]]


def platform_archive(path, architecture):
    """What docker save writes of a small image."""
    def add(tar, name, data):
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        tar.addfile(entry, io.BytesIO(data))

    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        add(tar, "program", architecture.encode() * 1000)
    config = json.dumps({"architecture": architecture, "os": "linux", "rootfs": {
        "type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer.getvalue()).hexdigest()]}}).encode()
    with tarfile.open(path, "w") as tar:
        add(tar, "layer.tar", layer.getvalue())
        add(tar, "config.json", config)
        add(tar, "manifest.json", json.dumps([{"Config": "config.json", "RepoTags": None, "Layers": ["layer.tar"]}]).encode())


class Scenario(NamedTuple):
    text: str
    peer: str
    prepare: Callable
    slow: bool = False  # needs the fronts
    least: Optional[Callable] = None  # of a prepared bench: what nobody can do without at the source


def near_and_far(name, text, prepare, peer="skopeo"):
    """A scenario, and the same through the slow front; `prepare(bench, slow)`."""
    return {name: Scenario(text, peer, lambda bench: prepare(bench, False)),
            name + "-slow": Scenario(text + ", slow front", peer, lambda bench: prepare(bench, True), True)}


SCENARIOS = {
    "push-big": Scenario("1 GB tarball, six plain layers, gzip", "skopeo", lambda b: b.first("big")),
    "push-zstd": Scenario("the same, davit with --compress zstd", "skopeo, gzip", lambda b: b.first("big", "--compress", "zstd")),
    "push-again": Scenario("the same again, nothing changed", "skopeo with its cache", lambda b: b.again()),
    "push-changed": Scenario("one changed layer of 20 MB on top", "skopeo, first push", lambda b: b.changed()),
    "push-many": Scenario("60 plain layers of 4 MB", "skopeo", lambda b: b.first("many")),
    "push-one": Scenario("layout, one gzip layer of 1 GB", "skopeo", lambda b: b.first("one")),
    "push-one-curl": Scenario("layout, one gzip layer of 1 GB", "curl -T", lambda b: b.against_curl()),
    "push-manygz": Scenario("layout, 60 gzip layers", "skopeo", lambda b: b.first("manygz")),
    **near_and_far("pull-one", "pull one layer of 1 GB to a layout", lambda b, slow: b.pull("one", slow)),
    **near_and_far("pull-big", "pull six layers to a layout", lambda b, slow: b.pull("big", slow)),
    "pull-big-tar": Scenario("pull six layers to a docker-archive", "skopeo", lambda b: b.pull("big", False, "docker-archive")),
    "pull-one-bound": Scenario("pull one layer of 1 GB to a layout", "curl \\| tee \\| openssl", lambda b: b.pull_against_curl("one")),
    "pull-big-bound": Scenario("pull six layers to a layout", "curl \\| tee \\| openssl, all at once", lambda b: b.pull_against_curl("big")),
    **near_and_far("pull-many", "pull 60 small layers to a layout", lambda b, slow: b.pull("manygz", slow)),
    "copy-big": Scenario("copy six layers to another registry", "skopeo", lambda b: b.copy("big", False, to=1)),
    "copy-big-curl": Scenario("copy six layers to another registry", "curl \\| curl", lambda b: b.copy_against_curl("big", False)),
    "copy-big-bound": Scenario("copy six layers to another registry", "curl \\| curl, hashed on the way", lambda b: b.copy_against_curl("big", True)),
    **near_and_far("copy-many", "copy 60 small layers to another registry", lambda b, slow: b.copy("manygz", slow, to=1)),
    **near_and_far("copy-mounted", "copy 60 small layers to another repository", lambda b, slow: b.copy("manygz", slow, to=0)),
    "index": Scenario("index over four images of the repository", "docker manifest", lambda b: b.index()),
    "index-slow": Scenario("index over four images, slow front", "curl, crane's 19 requests", lambda b: b.index_against(one_by_one.crane), True),
    "index-slow-docker": Scenario("index over four images, slow front", "curl, docker's 14 requests", lambda b: b.index_against(one_by_one.docker), True),
    **near_and_far("inspect", "inspect an image", lambda b, slow: b.inspect(slow)),
    "start": Scenario("process start and one HEAD", "curl -I", lambda b: b.start()),
    **near_and_far("copy-again", "copy of what is there already", lambda b, slow: b.copy_again("manygz", slow), "skopeo with its cache"),
    "mirror-cold": Scenario("mirror 1,000 tags of ten repositories", "skopeo sync", lambda b: Mirrors(b).cold(),
                            least=lambda b: Mirrors(b).everything()),
    "mirror-warm": Scenario("mirror again, nothing changed", "skopeo sync with its cache", lambda b: Mirrors(b).warm(),
                            least=lambda b: Mirrors(b).heads_only()),
    "mirror-warm-slow": Scenario("mirror 100 tags of one again, slow front", "skopeo sync with its cache", lambda b: Mirrors(b).warm_slow(), True,
                                 least=lambda b: Mirrors(b).heads_only(1)),
    "mirror-warm-curl": Scenario("mirror again, nothing changed", "curl, a HEAD per tag and end", lambda b: Mirrors(b).warm_against_curl(),
                                 least=lambda b: Mirrors(b).heads_only()),
}
