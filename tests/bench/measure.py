"""What a command costs: time, CPU, memory, and requests as the registries' access logs show them."""

import collections
import os
import subprocess
import sys
import time
from typing import NamedTuple


class Cost(NamedTuple):
    seconds: float
    cpu: float
    peak: float  # MiB; of the largest process
    requests: collections.Counter  # by method


def measure(command, environment, registries):
    """The cost of a command that must succeed."""
    before = requests(registries)
    begun = time.monotonic()
    process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - begun
    process.returncode = status
    if status != 0:
        sys.exit(f"{' '.join(command)}\n{errors.decode(errors='replace')}")
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, requests(registries) - before)


def requests(registries):
    """Everything so far, by method. A registry logs a request after its answer: the count is taken when it stands still."""
    count = None
    while True:
        lines = [line for registry in registries for line in registry.access_log.read_text().splitlines()]
        if count is not None and count.total() == len(lines):
            return count
        count = collections.Counter(line.split('"')[1].split()[0] for line in lines if line.count('"') >= 2)
        if count.total() != len(lines):
            count = None  # the last line is being written
        time.sleep(0.02)
