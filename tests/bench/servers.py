"""The servers that the benchmarks talk to: Debian's docker-registry, and a front that makes it slow."""

import contextlib
import pathlib
import socket
import subprocess
import time
import urllib.request
from typing import NamedTuple

FAR = ["--rtt-ms", "30", "--rate", "40M"]


class Registry(NamedTuple):
    host: str
    access_log: pathlib.Path  # one line per request, as Apache writes it


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(command, output):
    process = subprocess.Popen(command, stdout=output, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def registry(folder):
    """A registry with its storage in the folder, which is made for it."""
    folder.mkdir()
    port = free_port()
    config = folder / "registry.yml"
    config.write_text(f"""version: 0.1
log: {{level: error}}
storage: {{filesystem: {{rootdirectory: {folder}/storage}}}}
http: {{addr: 127.0.0.1:{port}}}
""")
    access_log = folder / "access.log"
    with open(access_log, "wb") as output, running(["docker-registry", "serve", str(config)], output):
        for _ in range(100):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/").close()
                break
            except OSError:
                time.sleep(0.05)
        yield Registry(f"127.0.0.1:{port}", access_log)


@contextlib.contextmanager
def slow_front(program, upstream):
    """The address of a proxy through which the upstream is 30 ms away, at 40 MB/s for each connection."""
    command = [str(program), "--listen", "127.0.0.1:0", "--upstream", upstream, *FAR]
    with running(command, subprocess.PIPE) as process:
        yield f"127.0.0.1:{int(process.stdout.readline())}"
