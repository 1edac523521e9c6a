"""Many repositories from one registry to another: davit mirror beside skopeo sync, and beside the fewest questions."""

import json
import pathlib
import shutil
import subprocess
import sys
from typing import NamedTuple

import servers
from fill_registry import MANIFEST
from one_by_one import address

FILL = pathlib.Path(__file__).resolve().parent / "fill_registry.py"
PREFIX = "mirror"


class Least(NamedTuple):
    """What nobody can do without at the source, whatever they ask besides."""
    requests: int
    read: int  # bytes


class Mirrors:
    """The repositories below PREFIX in the first registry of a bench, and what brings all of them somewhere."""

    def __init__(self, bench):
        self.bench = bench
        if PREFIX not in bench.sources:
            small = ["--small"] if bench.small else []
            filled = subprocess.run([sys.executable, str(FILL), *small, bench.host(0), PREFIX], check=True, stdout=subprocess.PIPE)
            bench.sources[PREFIX] = json.loads(filled.stdout)
        self.filled = bench.sources[PREFIX]

    def davit(self, target, registries=None, one=None, slow=False):
        """Into repositories below `target`, as everything here; all of them, or `one`."""
        source = f"{self.bench.host(0, slow)}/{one or PREFIX + '/*'}"
        return self.bench.measure([self.bench.davit, "mirror", "-q", source, f"{target}/{{repo}}"], registries)

    def skopeo(self, target, registries=None, one=None, slow=False):
        """Several repositories by one process; a process for each takes as long."""
        images = "".join(f"    {name}: []\n" for name in ([one] if one else self.filled["repositories"]))
        file = self.bench.folder / "sync.yaml"
        file.write_text(f"{self.bench.host(0, slow)}:\n  tls-verify: false\n  images:\n{images}")
        return self.bench.measure(["skopeo", "sync", "--src", "yaml", "--dest", "docker", "--all", "--preserve-digests",
                                   "--dest-tls-verify=false", str(file), f"{target}/{PREFIX}"], registries)

    def heads(self, target):
        """A HEAD of each tag at both ends, 16 at a time, with nothing learned from it: how fast the registries answer."""
        urls = [f"{address(f'{place}/{name}')}/manifests/{tag}" for place in (self.bench.host(0), target)
                for name in self.filled["repositories"] for tag in self.filled["tags"]]
        file = self.bench.folder / "heads"
        file.write_text("".join(f"url = {url}\noutput = /dev/null\n" for url in urls))
        return self.bench.measure(["curl", "-sfI", "-Z", "--parallel-max", "16", "-H", f"Accept: {MANIFEST}", "-K", str(file)])

    def in_new_registry(self, act):
        """What `act` gives for a registry that has nothing; it is there only meanwhile."""
        self.bench.count += 1
        folder = self.bench.folder / f"registry{self.bench.count}"
        try:
            with servers.registry(folder) as registry:
                return act(registry.host, [self.bench.registries[0], registry])
        finally:
            shutil.rmtree(folder)

    def cold(self):
        def once():
            shutil.rmtree(self.bench.skopeo_data, ignore_errors=True)
            return self.in_new_registry(self.davit), self.in_new_registry(self.skopeo)
        return once

    def warm(self):
        target, peer = self.bench.repository(1), self.bench.repository(1)
        self.davit(target)
        self.skopeo(peer)  # with the cache that this leaves
        return lambda: (self.davit(target), self.skopeo(peer))

    def warm_slow(self):
        """One repository, since skopeo needs more than a second for ten tags. Filled without the front."""
        one = self.filled["repositories"][0]
        targets = [self.bench.repository(1), self.bench.repository(1)]
        self.davit(targets[0], one=one)
        self.skopeo(targets[1], one=one)
        target, peer = (each.replace(self.bench.host(1), self.bench.host(1, True)) for each in targets)
        return lambda: (self.davit(target, one=one, slow=True), self.skopeo(peer, one=one, slow=True))

    def warm_against_curl(self):
        target = self.bench.repository(1)
        self.davit(target)
        return lambda: (self.davit(target), self.heads(target))

    def everything(self):
        """Each blob and each manifest once."""
        return Least(self.filled["requests"], self.filled["bytes"])

    def heads_only(self, repositories=None):
        """To see that all tags are what they were: a HEAD of each."""
        return Least((repositories or len(self.filled["repositories"])) * len(self.filled["tags"]), 0)
