"""What the system tests share: running the davit under test, real registries, certificates, images of real files.

Each test module is a program of its own. The environment names the parts that the build made:
  DAVIT           the command under test (a release build)
  DAVIT_FIXTURES  the directory that testdata/make_fixtures.py filled
"""
import base64
import contextlib
import hashlib
import http.server
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import unittest
import urllib.request

DAVIT = os.environ.get("DAVIT", "")
FIXTURES = os.environ.get("DAVIT_FIXTURES", "")
SKIPPED = 77

# Runs a command from a small process of its own, whose only child it is, and writes down the child's peak memory.
# (Measured from here, the peak would include the memory of this program between fork and exec.)
MEASURE = """
import os, sys
pid = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(pid, 0)
open(sys.argv[1], "w").write(str(usage.ru_maxrss))
code = os.waitstatus_to_exitcode(status)
sys.exit(code if code >= 0 else 128 - code)
"""


def require(*names):
    """Skips the test (or the class) that needs a program which is not installed."""
    for name in names:
        if shutil.which(name) is None:
            raise unittest.SkipTest(name + " is not installed")


def main(*names):
    """Runs the module's tests; without the named programs none of them can run."""
    missing = [name for name in names if shutil.which(name) is None]
    if missing:
        print("skipped: not installed: " + ", ".join(missing))
        sys.exit(SKIPPED)
    if not os.access(DAVIT, os.X_OK):
        sys.exit("DAVIT must name the command under test")
    unittest.main(verbosity=2)


class Outcome:
    def __init__(self, code, out, err, peak_kib=None):
        self.code, self.out, self.err, self.peak_kib = code, out, err, peak_kib

    @property
    def lines(self):
        return self.out.splitlines()

    @property
    def digest(self):
        return self.lines[0].partition("@")[2]


def clean_environment(home, **more):
    """What davit and its neighbours see of this machine: programs, and a home directory that is the test's own."""
    env = {"PATH": os.environ["PATH"], "HOME": home, "LANG": "C.UTF-8", "TMPDIR": home}
    env.update({key: str(value) for key, value in more.items()})
    return env


class SystemTest(unittest.TestCase):
    """A directory of its own per class, and davit at hand."""

    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="davit-system-")
        cls.addClassCleanup(remove_tree, cls.dir)
        cls.home = os.path.join(cls.dir, "home")
        os.mkdir(cls.home)

    @classmethod
    def path(cls, *parts):
        return os.path.join(cls.dir, *parts)

    def work_folder(self):
        """An empty folder for each test, whose files out() names. For setUp()."""
        self.here = self.path("work")
        os.mkdir(self.here)
        self.addCleanup(remove_tree, self.here)

    def out(self, name):
        return os.path.join(self.here, name)

    @classmethod
    def registry(cls, **options):
        registry = Registry(tempfile.mkdtemp(prefix="registry-", dir=cls.dir), **options)
        cls.addClassCleanup(registry.stop)
        return registry

    @classmethod
    def emulator(cls, *args, **how):
        emulator = Emulator(tempfile.mkdtemp(prefix="emulator-", dir=cls.dir), *args, **how)
        cls.addClassCleanup(emulator.stop)
        return emulator

    def fresh_home(self):
        return tempfile.mkdtemp(prefix="home-", dir=self.dir)

    def davit(self, *args, code=0, input=None, home=None, env=None, prefix=(), measure=False, timeout=120, limits=None, stdout=None,
              cwd=None):
        """Runs davit and checks its exit code; None accepts any."""
        home = home or self.home
        command = [*prefix, DAVIT, *args]
        note = os.path.join(self.dir, "peak")
        if measure:
            command = [sys.executable, "-I", "-S", "-c", MEASURE, note, *command]
        stdin = None if input is None or hasattr(input, "fileno") else input
        feed = {"stdin": input} if hasattr(input, "fileno") else {"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}
        done = subprocess.run(command, stdout=stdout or subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment(home, **(env or {})),
                              timeout=timeout, preexec_fn=limits, cwd=cwd, **feed)
        outcome = Outcome(done.returncode, (done.stdout or b"").decode(), done.stderr.decode())
        if measure:
            with open(note) as f:
                outcome.peak_kib = int(f.read())
        if code is not None:
            self.assertEqual(outcome.code, code, "davit %s\n%s%s" % (" ".join(args).encode(errors="replace").decode(), outcome.out, outcome.err))
        return outcome

    def succeed(self, *command, home=None, **options):
        """Runs another program, which must succeed, and returns its standard output."""
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                              env=clean_environment(home or self.home), **options)
        self.assertEqual(done.returncode, 0, "%s\n%s" % (" ".join(command), done.stderr.decode(errors="replace")))
        return done.stdout

    def skopeo(self, *args, **options):
        policy = self.path("policy.json")
        if not os.path.exists(policy):
            write(policy, '{"default":[{"type":"insecureAcceptAnything"}]}')
        return self.succeed("skopeo", "--policy", policy, "--tmpdir", self.dir, *args, **options)

    def containerd(self):
        """A containerd of the test's own, as the beginning of a ctr command."""
        require("containerd", "ctr")
        if os.geteuid() != 0:
            raise unittest.SkipTest("containerd needs root")
        folder = self.path("containerd")
        os.makedirs(folder)
        socket = os.path.join(folder, "sock")
        config = write(os.path.join(folder, "config.toml"),
                       'version = 2\nroot = "%s/root"\nstate = "%s/state"\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
                       '[grpc]\n  address = "%s"\n[ttrpc]\n  address = "%s.ttrpc"\n' % (folder, folder, socket, socket))
        log = open(os.path.join(folder, "log"), "wb")
        self.addCleanup(log.close)
        process = start(["containerd", "--config", config], stdout=log, stderr=log, env=clean_environment(self.home))
        self.addCleanup(stop, process)
        wait_until(lambda: os.path.exists(socket) or process.poll() is not None, "containerd listens")
        if process.poll() is not None:
            raise unittest.SkipTest("containerd does not run here: " + read(log.name).decode()[-300:])
        return ["ctr", "--address", socket]


def remove_tree(path):
    """Also what umoci and buildah made unreadable."""
    for folder, names, _ in os.walk(path):
        for name in names:
            with contextlib.suppress(OSError):
                os.chmod(os.path.join(folder, name), 0o700)
    shutil.rmtree(path, ignore_errors=True)


def write(path, data, mode=None):
    with open(path, "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())
    if mode is not None:
        os.chmod(path, mode)
    return path


def read(path):
    with open(path, "rb") as f:
        return f.read()


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def blob_path(layout, name):
    return os.path.join(layout, "blobs", *name.split(":"))


def wait_until(condition, what, seconds=20):
    limit = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > limit:
            raise AssertionError("waited in vain until " + what)
        time.sleep(0.01)


# --- processes and servers -------------------------------------------------------------------------------------------

def start(command, **options):
    """A process that the kernel ends when this one ends, however that comes about."""
    return subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command], **options)


def stop(process):
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Registry:
    """Debian's docker-registry on a free loopback port. `extra` is added to its configuration."""

    def __init__(self, folder, tls=None, users=None, tokens=None, extra=""):
        self.folder, self.log, self.tls = folder, os.path.join(folder, "log"), tls
        self.storage = os.path.join(folder, "storage")
        config = ("version: 0.1\nlog: {level: info}\nstorage:\n  filesystem: {rootdirectory: %s}\n  delete: {enabled: true}\n"
                  "  maintenance: {uploadpurging: {enabled: false}}\n%s\nhttp:\n  addr: 127.0.0.1:0\n  secret: tests\n" % (self.storage, extra))
        if tls:
            config += "  tls: {certificate: %s, key: %s}\n" % tls
        if users:
            lines = b"".join(subprocess.run(["htpasswd", "-Bbn", "-C", "4", name, password], check=True, stdout=subprocess.PIPE).stdout
                             for name, password in users.items())
            config += "auth: {htpasswd: {realm: tests, path: %s}}\n" % write(os.path.join(folder, "htpasswd"), lines)
        if tokens:
            config += "auth:\n  token: {realm: '%s', service: %s, issuer: %s, rootcertbundle: %s}\n" % (
                tokens.realm, tokens.service, tokens.issuer, tokens.certificate)
        with open(self.log, "wb") as log:
            self.process = start(["docker-registry", "serve", write(os.path.join(folder, "config.yml"), config)], stdout=log, stderr=log,
                                 env=clean_environment(folder, OTEL_TRACES_EXPORTER="none"))
        self.host = None
        wait_until(self.listening, "docker-registry listens: " + read(self.log).decode())
        self.seen = 0

    def listening(self):
        found = re.search(rb"listening on (127\.0\.0\.1:[0-9]+)", read(self.log))
        if self.process.poll() is not None:
            raise AssertionError("docker-registry ended: " + read(self.log).decode())
        self.host = found and found[1].decode()
        return self.host

    def stop(self):
        stop(self.process)

    def requests(self):
        """(method, path, status) of what was asked since the last call. The registry writes the line before it answers."""
        text = read(self.log)
        new, self.seen = text[self.seen:].decode(), len(text)
        return [(m[1], m[2], int(m[3])) for m in re.finditer(r'"([A-Z]+) (\S+) HTTP/1\.[01]" ([0-9]+) ', new)]

    def get(self, path):
        """Raw bytes over plain HTTP."""
        request = urllib.request.Request("http://%s/v2/%s" % (self.host, path), headers={"Accept": ", ".join(MANIFEST_TYPES)})
        with urllib.request.urlopen(request) as answer:
            return answer.read()

    def manifest(self, repository, reference):
        return json.loads(self.get("%s/manifests/%s" % (repository, reference)))

    def put_blob(self, repository, data):
        start_upload = urllib.request.Request("http://%s/v2/%s/blobs/uploads/" % (self.host, repository), method="POST")
        with urllib.request.urlopen(start_upload) as answer:
            location = answer.headers["Location"]
        put = urllib.request.Request("%s&digest=%s" % (location, digest(data)), data=data, method="PUT",
                                     headers={"Content-Type": "application/octet-stream"})
        urllib.request.urlopen(put).close()
        return digest(data)

    def put_manifest(self, repository, reference, data, media_type):
        put = urllib.request.Request("http://%s/v2/%s/manifests/%s" % (self.host, repository, reference), data=data, method="PUT",
                                     headers={"Content-Type": media_type})
        urllib.request.urlopen(put).close()

    def unfinished_uploads(self):
        """Upload sessions, of the requests since the last call, that were neither finished nor given up; and how many were begun.
        (What the storage holds says less: distribution 2.8 keeps a session whose request was cut, because it wants a token with an
        offset that only the answer to that request would have brought.)"""
        begun, ended = set(), set()
        for method, path, status in self.requests():
            session = path.partition("/blobs/uploads/")[2].partition("?")[0]
            if not session:
                continue
            begun.add(session)
            if method == "DELETE" or (method == "PUT" and status == 201):
                ended.add(session)
        return begun - ended, len(begun)

    def tags(self, repository):
        folder = os.path.join(self.storage, "docker/registry/v2/repositories", repository, "_manifests/tags")
        return sorted(os.listdir(folder)) if os.path.isdir(folder) else []


class Emulator:
    """davit serve, with the environment that it writes for its clients."""

    def __init__(self, folder, *args, listen="127.0.0.1:0"):
        self.folder, self.log = folder, os.path.join(folder, "access.log")
        exports = os.path.join(folder, "env")
        self.process = subprocess.Popen([DAVIT, "serve", "--listen", listen, "--env-file", exports, "--access-log", self.log, *args],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment(folder), text=True)
        self.ready = self.process.stdout.readline()  # comes when it serves, or with the end of the process
        if not self.ready:
            raise AssertionError("davit serve ended: " + self.process.communicate()[1])
        self.env = dict(re.findall(r"^export (\w+)='(.*)'$", read(exports).decode(), re.M))
        self.host = self.env["DAVIT_REGISTRY"]

    def lines(self):
        return [json.loads(line) for line in read(self.log).decode().splitlines()]

    def operations(self):
        return [line["operation"] for line in self.lines() if "operation" in line]

    def stop(self, signal_number=signal.SIGTERM):
        """Ends it, and gives what the shell would see."""
        if self.process.poll() is None:
            self.process.send_signal(signal_number)
        self.process.communicate(timeout=20)
        return self.process.returncode


OCI, DOCKER = "application/vnd.oci.image.", "application/vnd.docker."
MANIFEST_TYPES = [OCI + "manifest.v1+json", OCI + "index.v1+json", DOCKER + "distribution.manifest.v2+json",
                  DOCKER + "distribution.manifest.list.v2+json"]


class Authority:
    """A certificate authority for tests."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.key, self.certificate = os.path.join(folder, name + ".key"), os.path.join(folder, name + ".pem")
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=" + name,
                     "-keyout", self.key, "-out", self.certificate)

    def openssl(self, *args):
        subprocess.run(["openssl", *args], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def issue(self, name, subject="IP:127.0.0.1,DNS:localhost"):
        """(certificate, key) of a server."""
        stem = os.path.join(self.folder, name)
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=" + name, "-keyout", stem + ".key",
                     "-out", stem + ".csr")
        extensions = write(stem + ".ext", "subjectAltName=%s\n" % subject)
        self.openssl("x509", "-req", "-in", stem + ".csr", "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial", "-days", "2",
                     "-extfile", extensions, "-out", stem + ".pem")
        return stem + ".pem", stem + ".key"


class TokenService:
    """Gives tokens that a registry trusts (ES256, the certificate inside) to whoever has the right password."""

    issuer, service = "davit-tests", "registry.test"

    def __init__(self, folder, user, password):
        self.authority = Authority(folder, "token-root")
        self.certificate = self.authority.certificate
        self.signer, self.key = self.authority.issue("tokens")
        self.user, self.password, self.issued, self.refused = user, password, 0, 0
        self.server = serve(self.answer)
        self.host = "127.0.0.1:%d" % self.server.server_port
        self.realm = "http://%s/token" % self.host

    def answer(self, request):
        given = request.headers.get("Authorization", "")
        right = "Basic " + base64.b64encode(("%s:%s" % (self.user, self.password)).encode()).decode()
        if given != right:
            self.refused += 1
            return 401, {}, b'{"errors":[{"code":"UNAUTHORIZED","message":"wrong user or password"}]}'
        self.issued += 1
        access = []
        for scope in re.findall(r"[?&]scope=([^&]*)", request.path):
            for one in urllib.request.unquote(scope.replace("+", " ")).split():
                kind, name, actions = one.split(":")
                access.append({"type": kind, "name": name, "actions": actions.split(",")})
        return 200, {"Content-Type": "application/json"}, json.dumps({"token": self.token(access), "expires_in": 300}).encode()

    def token(self, access):
        now = int(time.time())
        certificate = re.sub(r"-----.*?-----|\s", "", read(self.signer).decode())
        parts = [{"typ": "JWT", "alg": "ES256", "x5c": [certificate]},
                 {"iss": self.issuer, "sub": self.user, "aud": self.service, "exp": now + 300, "nbf": now - 10, "iat": now, "jti": str(self.issued),
                  "access": access}]
        text = b".".join(url_base64(json.dumps(part).encode()) for part in parts)
        der = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.key], input=text, check=True, stdout=subprocess.PIPE).stdout
        return (text + b"." + url_base64(raw_signature(der))).decode()


def url_base64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def raw_signature(der):
    """The two numbers of an ECDSA signature, 32 bytes each, out of their ASN.1 form."""
    numbers, at = [], 2
    for _ in range(2):
        size = der[at + 1]
        numbers.append(int.from_bytes(der[at + 2:at + 2 + size], "big").to_bytes(32, "big"))
        at += 2 + size
    return b"".join(numbers)


def serve(answer):
    """An HTTP server on loopback: answer(request) -> (status, headers, body)."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def reply(self):
            # The body is taken in first, so that the connection stays in step.
            length = int(self.headers.get("Content-Length") or 0)
            self.body = self.rfile.read(length)
            if self.headers.get("Transfer-Encoding", "") == "chunked":
                while (size := int(self.rfile.readline(), 16)) > 0:
                    self.rfile.read(size + 2)
                self.rfile.readline()
            status, headers, body = answer(self)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = reply

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
    return server


# --- images ----------------------------------------------------------------------------------------------------------

def add(tar, name, data):
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    tar.addfile(entry, io.BytesIO(data))


def layer(files):
    """An uncompressed layer: {name: bytes}."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, data in files.items():
            add(tar, name, data)
    return out.getvalue()


def real_files(limit):
    """Bytes of programs and libraries of this machine, about `limit` of them, in pieces."""
    total = 0
    for root in ("/usr/lib", "/usr/bin", "/usr/share"):
        for folder, _, names in sorted(os.walk(root)):
            for name in sorted(names):
                path = os.path.join(folder, name)
                if not os.path.isfile(path) or os.path.islink(path) or not os.access(path, os.R_OK):
                    continue
                data = read(path)
                data = data[:limit - total]
                total += len(data)
                yield path.lstrip("/"), data
                if total >= limit:
                    return


def real_layers(sizes):
    """Layers of real files, each with other files than those before."""
    files = real_files(sum(sizes))
    layers = []
    for size in sizes:
        taken, total = {}, 0
        while total < size:
            try:
                name, data = next(files)
            except StopIteration:
                break
            taken[name] = data
            total += len(data)
        layers.append(layer(taken))
    return layers


def image_config(layers, **more):
    return json.dumps({"architecture": "amd64", "os": "linux", "config": {"Cmd": ["/bin/sh"]},
                       "rootfs": {"type": "layers", "diff_ids": [digest(l) for l in layers]}, **more}).encode()


def docker_save(path, layers, tag="app:1", config=None):
    """The image as `docker save` writes it; with several (layers, tag) pairs in `layers`, all of them."""
    images = layers if layers and isinstance(layers[0], tuple) else [(layers, tag)]
    listed, written = [], set()
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        for its_layers, its_tag in images:
            names = []
            for data in its_layers:
                name = digest(data)[7:] + "/layer.tar"
                if name not in written:
                    add(tar, name, data)
                    written.add(name)
                names.append(name)
            described = config or image_config(its_layers)
            config_name = digest(described)[7:] + ".json"
            if config_name not in written:
                add(tar, config_name, described)
                written.add(config_name)
            listed.append({"Config": config_name, "RepoTags": [its_tag] if its_tag else None, "Layers": names})
        add(tar, "manifest.json", json.dumps(listed).encode())
    return path


def oci_layout(path, blobs, config, tag="1"):
    """A layout whose layers are `blobs`, which are gzip data."""
    os.makedirs(os.path.join(path, "blobs/sha256"))

    def put(data, media_type):
        write(blob_path(path, digest(data)), data)
        return {"mediaType": media_type, "digest": digest(data), "size": len(data)}

    described = [put(blob, OCI + "layer.v1.tar+gzip") for blob in blobs]
    manifest = json.dumps({"schemaVersion": 2, "mediaType": OCI + "manifest.v1+json", "config": put(config, OCI + "config.v1+json"),
                           "layers": described}).encode()
    entry = dict(put(manifest, OCI + "manifest.v1+json"), annotations={"org.opencontainers.image.ref.name": tag})
    write(os.path.join(path, "index.json"), json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    write(os.path.join(path, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}')
    return digest(manifest)
