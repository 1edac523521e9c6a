"""Registries that answer wrongly or not at all: exit codes, sentences, bounded time and memory, no secrets."""
import base64
import socket
import subprocess
import threading

from support import DAVIT, SystemTest, clean_environment, docker_save, layer, main, serve


def raw_server(script):
    """Calls script(connection, request_head) for each request; what it leaves open is closed."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)

    def talk(connection):
        with connection:
            connection.settimeout(20)
            head = b""
            try:
                while True:
                    while b"\r\n\r\n" not in head:
                        data = connection.recv(65536)
                        if not data:
                            return
                        head += data
                    request, _, head = head.partition(b"\r\n\r\n")
                    if not script(connection, request.decode()):
                        return
            except OSError:
                return

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=[connection], daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener


ERROR = b'{"errors":[{"code":"%s","message":"the registry says no"}]}'


class Answers(SystemTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.archive = docker_save(cls.path("app.tar"), [layer({"a": b"a" * 5000})])

    def push_to(self, answer, code, *flags, **options):
        server = serve(answer)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return self.davit("push", self.archive, "127.0.0.1:%d/app:1" % server.server_port, *flags, code=code, **options)

    def push_raw(self, script, code, *flags):
        server = raw_server(script)
        self.addCleanup(server.close)
        return self.davit("push", self.archive, "127.0.0.1:%d/app:1" % server.getsockname()[1], *flags, code=code)

    def test_row_75_a_web_page(self):
        page = b"<!DOCTYPE html><html><body>Please sign in</body></html>"
        done = self.push_to(lambda r: (200, {"Content-Type": "text/html"}, page), 5)
        self.assertRegex(done.err, r"(?i)registry|web page")
        self.assertIn("127.0.0.1", done.err)

    def test_row_76_status_decides(self):
        for status, code in ((401, 3), (403, 3), (404, 2), (405, 1), (500, 6), (501, 1), (502, 6), (503, 6)):
            for body in (ERROR % b"WHATEVER", b"", b"<html>oops</html>", b'{"errors":null}', b'{"errors":"text"}', b"\xff\xfe\x00"):
                with self.subTest(status=status, body=body):
                    done = self.push_to(lambda r: (status, {}, body), code, "--retries", "1")
                    self.assertIn("davit: ", done.err)

    def test_the_registrys_own_words_are_shown(self):
        for status, code in ((403, 3), (404, 2), (503, 6)):
            done = self.push_to(lambda r: (status, {}, ERROR % b"WHATEVER"), code, "--retries", "1")
            self.assertIn("the registry says no", done.err)

    def test_row_51_throttling_is_waited_for(self):
        asked = []

        def answer(request):
            asked.append(request.command)
            return 429, {"Retry-After": "0"}, ERROR % b"TOOMANYREQUESTS"
        done = self.push_to(answer, 6, "--retries", "3")
        self.assertIn("the registry says no", done.err)
        self.assertEqual(len(asked), 3)

    def test_row_53_final_errors_are_not_repeated(self):
        asked = []

        def answer(request):
            asked.append((request.command, request.path))
            return 403, {}, ERROR % b"DENIED"
        self.push_to(answer, 3)
        uploads = [path for method, path in asked if method == "POST"]
        self.assertLessEqual(len(uploads), 2)  # the layer's and the configuration's
        self.assertEqual(len(asked), len(set(asked)) + len(uploads) - len(set(uploads)), asked)

    def test_row_21_control_characters_are_escaped(self):
        text = b'{"errors":[{"code":"DENIED","message":"\\u001b[2J\\u0007\\rcleared\\n\\u009b"}]}'
        done = self.push_to(lambda r: (403, {"Warning": '299 - "\x1b[31mred"'}, text), 3)
        self.assertIn("cleared", done.err)
        self.assertNotRegex(done.err, "[\x00-\x09\x0b-\x1f\x7f-\x9f]")

    def test_row_46_cut_lines(self):
        cut = [
            b"",
            b"HTTP/1.1 20",
            b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nContent-Type: application/vnd.oci.image.manifest.v1+json\r\n\r\n{",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
            b"garbage\r\n\r\n",
        ]
        for answer in cut:
            with self.subTest(answer):
                def script(connection, head):
                    connection.sendall(answer)
                    return False
                done = self.push_raw(script, None, "--retries", "2")
                self.assertIn(done.code, (5, 6), done.err)

    def test_row_63_no_location(self):
        def answer(request):
            if request.command in ("GET", "HEAD"):
                return 404, {}, ERROR % b"NAME_UNKNOWN"
            return 202, {}, b""
        done = self.push_to(answer, 5)
        self.assertIn("Location", done.err)

    def test_row_5_upload_elsewhere_in_clear(self):
        """An upload location on another host, without TLS, gets neither bytes nor credentials."""
        seen = []
        elsewhere = serve(lambda r: (seen.append(r.headers.get("Authorization")), (201, {}, b""))[1])
        self.addCleanup(elsewhere.shutdown)

        def answer(request):
            if request.command in ("GET", "HEAD"):
                return 404, {}, ERROR % b"NAME_UNKNOWN"
            return 202, {"Location": "http://localhost:%d/upload" % elsewhere.server_port}, b""
        self.push_to(answer, None, "--creds", "user:marked-secret", "--retries", "1")
        self.assertEqual([a for a in seen if a], [])

    def test_row_23_endless_bodies(self):
        def script(connection, head):
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: application/vnd.oci.image.manifest.v1+json\r\n\r\n")
            block = b"%x\r\n" % (1 << 20) + b" " * (1 << 20) + b"\r\n"
            while True:
                connection.sendall(block)
        server = raw_server(script)
        self.addCleanup(server.close)
        done = self.davit("push", self.archive, "127.0.0.1:%d/app:1" % server.getsockname()[1], "--retries", "1", code=None, measure=True)
        self.assertNotEqual(done.code, 0)
        self.assertLess(done.peak_kib, 64 << 10)

    def test_row_73_a_registry_that_says_nothing(self):
        release = threading.Event()
        self.addCleanup(release.set)

        def script(connection, head):
            release.wait(20)
            return False
        self.push_raw(script, 6, "--stall-timeout", "1s", "--retries", "1")
        self.push_raw(script, 6, "--timeout", "1s")

    def test_row_14_redirects_in_circles(self):
        done = self.push_to(lambda r: (307, {"Location": r.path}, b""), None, "--retries", "1")
        self.assertNotEqual(done.code, 0)
        self.assertIn("redirect", done.err)

    def test_row_72_names_that_do_not_exist(self):
        done = self.davit("push", self.archive, "registry.invalid/app:1", code=6)
        self.assertIn("registry.invalid", done.err)

    def test_nobody_listens(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        done = self.davit("push", self.archive, "127.0.0.1:%d/app:1" % port, "--retries", "2", code=6)
        self.assertIn("127.0.0.1:%d" % port, done.err)

    def test_row_20_secrets_do_not_surface(self):
        """A password, a token and a signed query, at the highest log level, through every kind of failure."""
        secret, token = "marked-p4ssword", "marked-t0ken"
        forms = [secret, token, base64.b64encode(("user:" + secret).encode()).decode(), base64.b64encode(secret.encode()).decode()]

        def failing(status):
            def answer(request):
                if "/token" in request.path:
                    return 200, {"Content-Type": "application/json"}, b'{"token":"%s"}' % token.encode()
                if "Authorization" not in request.headers:
                    return 401, {"WWW-Authenticate": 'Bearer realm="http://%s/token",service="s"' % request.headers["Host"]}, b""
                if request.command == "POST":
                    return 202, {"Location": request.path + "x?signature=marked-query"}, b""
                if request.command in ("PUT", "PATCH"):
                    return status, {}, ERROR % b"DENIED"
                return 404, {}, ERROR % b"NAME_UNKNOWN"
            return answer
        for status in (400, 401, 403, 500):
            for flags, given in ((["--creds", "user:" + secret], None), (["--creds", "user", "--password-stdin"], secret.encode()), (["--registry-token", token], None)):
                with self.subTest(status=status, flags=flags[0:1]):
                    done = self.push_to(failing(status), None, "-vvv", "--retries", "1", *flags, input=given)
                    self.assertNotEqual(done.code, 0)
                    self.assertIn("registry: answer", done.err)
                    for form in forms + ["marked-query"]:
                        self.assertNotIn(form, done.out + done.err)

    def test_row_20_argv_is_overwritten(self):
        asked, release = threading.Event(), threading.Event()
        self.addCleanup(release.set)

        def answer(request):
            asked.set()
            release.wait(20)
            return 403, {}, b""
        server = serve(answer)
        self.addCleanup(server.shutdown)
        for flags in (["--creds", "user:marked-p4ssword"], ["--creds=user:marked-p4ssword"], ["--registry-token", "marked-p4ssword"], ["--registry-token=marked-p4ssword"],
                      ["--dest-creds", "user:marked-p4ssword"]):
            with self.subTest(flags[0]):
                asked.clear()
                release.clear()
                process = subprocess.Popen([DAVIT, "push", self.archive, "127.0.0.1:%d/app:1" % server.server_port, *flags], env=clean_environment(self.home),
                                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                self.assertTrue(asked.wait(20))
                with open("/proc/%d/cmdline" % process.pid, "rb") as f:
                    command = f.read()
                release.set()
                process.wait(20)
                self.assertNotIn(b"marked", command)
                self.assertIn(b"push", command)


if __name__ == "__main__":
    main()
