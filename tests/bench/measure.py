"""What a command costs: time, CPU, memory, and requests as the registries' access logs show them."""

import collections
import os
import subprocess
import sys
import time
from typing import NamedTuple


class Traffic(NamedTuple):
    """What a registry was asked."""
    requests: collections.Counter  # by method
    read: int  # bytes of the answers to GET

    def since(self, before):
        return Traffic(self.requests - before.requests, self.read - before.read)


class Cost(NamedTuple):
    seconds: float
    cpu: float
    peak: float  # MiB; of the largest process
    traffic: list  # of each registry

    @property
    def requests(self):
        return sum((each.requests for each in self.traffic), collections.Counter())


def measure(command, environment, registries):
    """The cost of a command that must succeed."""
    before = traffic(registries)
    begun = time.monotonic()
    process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - begun
    process.returncode = status
    if status != 0:
        sys.exit(f"{' '.join(command)}\n{errors.decode(errors='replace')}")
    after = [each.since(earlier) for each, earlier in zip(traffic(registries), before)]
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, after)


def traffic(registries):
    """Everything so far. A registry logs a request after its answer: it is taken when the logs stand still."""
    sizes = None
    while True:
        before, sizes = sizes, [registry.access_log.stat().st_size for registry in registries]
        if sizes == before:
            return [logged(registry.access_log) for registry in registries]
        time.sleep(0.02)


def logged(path):
    """What a log says: ADDRESS - - [TIME] "METHOD PATH HTTP/1.1" STATUS BYTES "REFERER" "AGENT". Line by line, since what this
    process has in memory its children seem to have too."""
    requests, read = collections.Counter(), 0
    with open(path) as log:
        for line in log:
            parts = line.split('"')
            if len(parts) < 3:
                continue  # not a request
            method = parts[1].split()[0]
            requests[method] += 1
            read += int(parts[2].split()[1]) if method == "GET" else 0
    return Traffic(requests, read)
