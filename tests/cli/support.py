"""What the command-line tests share. They run beside a registry: tests/support/with_registry.sh sets REGISTRY."""

import contextlib
import hashlib
import http.server
import io
import json
import os
import re
import subprocess
import tarfile
import threading
import time
import unittest
import urllib.error
import urllib.request

DAVIT = os.environ["DAVIT"]
FIXTURES = os.environ["DAVIT_FIXTURES"]
REGISTRY = os.environ["REGISTRY"]
REGISTRY_DATA = os.environ["REGISTRY_DATA"]
SCRATCH = os.environ["SCRATCH"]
SIMPLE = os.path.join(FIXTURES, "docker24.tar")
NOWHERE = "127.0.0.1:1"  # nothing listens there

# Nothing of the machine that runs the tests: no proxies, no credentials, no DAVIT_ settings.
ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": SCRATCH, "LC_ALL": "C.UTF-8"}


def start(*arguments, environment=None, **settings):
    """The command in the background, with its output in pipes."""
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([DAVIT, *arguments], text=True, env={**ENVIRONMENT, **(environment or {})}, **{**pipes, **settings})


def davit(*arguments, given=None, **settings):
    """Runs the command to its end. `given` is what it reads on standard input, text or an open file."""
    if isinstance(given, str):
        settings["stdin"] = subprocess.PIPE
    elif given is not None:
        settings["stdin"] = given
    process = start(*arguments, **settings)
    out, err = process.communicate(given if isinstance(given, str) else None, timeout=60)
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)


def digest_of(name):
    """The digest that the registry has under `repository:tag`, or None."""
    repository, tag = name.split(":")
    accept = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json"
    request = urllib.request.Request(f"http://{REGISTRY}/v2/{repository}/manifests/{tag}", headers={"Accept": accept})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return "sha256:" + hashlib.sha256(answer.read()).hexdigest()
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        raise


def open_uploads(repository):
    """The upload sessions that the registry keeps for the repository."""
    folder = os.path.join(REGISTRY_DATA, "docker/registry/v2/repositories", repository, "_uploads")
    return [os.path.join(folder, name) for name in os.listdir(folder)] if os.path.isdir(folder) else []


def deleted_uploads():
    """The upload sessions that somebody asked the registry to delete."""
    with open(os.environ["REGISTRY_LOG"]) as log:
        return set(re.findall(r'"DELETE /v2/\S*/blobs/uploads/([0-9a-f-]*)', log.read()))


def start_upload(*arguments, repository, **settings):
    """Starts a push, and returns it in the middle of its largest layer. Ask for a low --limit-rate."""
    process = start("push", *arguments, f"{REGISTRY}/{repository}:1", **settings)
    wait_until(lambda: most_bytes(repository) > 300_000 or process.poll() is not None)
    return process


def most_bytes(repository):
    """How much has reached the registry of the largest upload under way."""
    sizes = [0]
    for session in open_uploads(repository):
        with contextlib.suppress(FileNotFoundError):
            sizes.append(os.path.getsize(os.path.join(session, "data")))
    return max(sizes)


def wait_until(condition):
    """Until something that is about to happen has happened."""
    end = time.monotonic() + 30
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("it did not happen")
        time.sleep(0.01)


def write_image(name, layer):
    """An archive with one layer, which holds the bytes `layer`. Returns its path."""
    def tar(entries):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as archive:
            for path, data in entries:
                info = tarfile.TarInfo(path)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
        return out.getvalue()

    layer_tar = tar([("data", layer)])
    diff_id = "sha256:" + hashlib.sha256(layer_tar).hexdigest()
    config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [diff_id]}}).encode()
    manifest = json.dumps([{"Config": "config.json", "RepoTags": [name + ":1"], "Layers": ["layer.tar"]}]).encode()
    path = os.path.join(SCRATCH, name + ".tar")
    with open(path, "wb") as out:
        out.write(tar([("layer.tar", layer_tar), ("config.json", config), ("manifest.json", manifest)]))
    return path


@contextlib.contextmanager
def answering(status, body=b"", headers=None):
    """A server on loopback that gives every request the same answer. Yields its host:port. A `status` or
    `body` that is a function is called with the Authorization header, or None."""
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            length = int(self.headers.get("Content-Length") or 0)
            self.rfile.read(length)
            authorization = self.headers.get("Authorization")
            content = body(authorization) if callable(body) else body
            self.send_response(status(authorization) if callable(status) else status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = answer

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Case(unittest.TestCase):
    maxDiff = None

    def assert_code(self, result, code):
        self.assertEqual(result.returncode, code, f"{result.args}\nstdout: {result.stdout}\nstderr: {result.stderr}")

    def assert_line(self, result, name):
        """Success, and exactly one line on stdout: the name with the digest that the registry has."""
        self.assert_code(result, 0)
        repository = name.split(":")[0]
        self.assertEqual(result.stdout, f"{REGISTRY}/{repository}@{digest_of(name)}\n")
