"""Pushing into Debian's docker-registry: plain, TLS, htpasswd, tokens; credentials from everywhere; login and logout."""
import base64
import json
import os
import shutil
import stat

from support import Authority, SystemTest, TokenService, docker_save, layer, main, read, write

USER, PASSWORD = "someone", "pass:word with spaces"


def auth_file(path, host, user=USER, password=PASSWORD, **more):
    token = base64.b64encode(("%s:%s" % (user, password)).encode()).decode()
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return write(path, json.dumps({"auths": {host: {"auth": token}}, **more}), 0o600)


class Plain(SystemTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.registry()
        cls.archive = docker_save(cls.path("app.tar"), [layer({"a": b"a" * 5000}), layer({"b": b"b" * 5000})])

    def test_push_prints_where_the_image_is_now(self):
        done = self.davit("push", self.archive, self.server.host + "/plain:1")
        self.assertRegex(done.out, r"\A%s/plain@sha256:[0-9a-f]{64}\n\Z" % self.server.host)
        self.assertEqual(self.server.manifest("plain", done.digest), self.server.manifest("plain", "1"))

    def test_localhost_is_plain_too_and_other_schemes_name_the_registry(self):
        port = self.server.host.rpartition(":")[2]
        self.davit("push", self.archive, "localhost:%s/plain:2" % port)
        self.davit("push", self.archive, "docker://%s/plain:3" % self.server.host)
        self.assertEqual(self.server.manifest("plain", "2"), self.server.manifest("plain", "3"))

    def test_row_16_tls_is_not_exchanged_for_plain_http(self):
        for flags in (["--tls-verify=false"], ["--tls-verify"], ["--ca-file", Authority(self.path(), "unused").certificate]):
            self.server.requests()
            self.davit("push", self.archive, self.server.host + "/never:1", *flags, "--retries", "1", code=6)
            self.assertEqual(self.server.tags("never"), [])
            self.assertEqual([r for r in self.server.requests() if "never" in r[1]], [])


class Tls(SystemTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.authority, cls.other = Authority(cls.path(), "ca"), Authority(cls.path(), "other-ca")
        cls.server = cls.registry(tls=cls.authority.issue("server"))
        cls.archive = docker_save(cls.path("app.tar"), [layer({"a": b"a" * 5000})])

    def test_with_the_authority(self):
        self.davit("push", self.archive, self.server.host + "/tls:1", "--ca-file", self.authority.certificate)
        self.assertEqual(self.server.tags("tls"), ["1"])

    def test_with_a_directory_of_certificates(self):
        named = self.path("named")
        found = os.path.join(self.home, ".config/containers/certs.d", self.server.host)
        for directory in (named, found):
            os.makedirs(directory)
            shutil.copy(self.authority.certificate, os.path.join(directory, "ca.crt"))
        self.addCleanup(shutil.rmtree, found)
        self.davit("push", self.archive, self.server.host + "/named:1", "--cert-dir", named)
        # On loopback plain HTTP is the rule, and a folder that lies about does not change it.
        self.davit("push", self.archive, self.server.host + "/found:1", "--tls-verify")
        self.assertEqual((self.server.tags("named"), self.server.tags("found")), (["1"], ["1"]))

    def test_row_16_wrong_authority_is_final_and_nothing_goes_out_in_clear(self):
        done = self.davit("push", self.archive, self.server.host + "/wrong:1", "--ca-file", self.other.certificate, code=6)
        self.assertRegex(done.err, r"(?i)certificate")
        self.assertEqual(self.server.tags("wrong"), [])
        # A plain request to this port would leave a line in the registry's log.
        self.assertNotIn(b"HTTP request to an HTTPS server", read(self.server.log))

    def test_row_16_wrong_host_name(self):
        server = self.registry(tls=self.authority.issue("elsewhere", "DNS:elsewhere.test"))
        self.davit("push", self.archive, server.host + "/name:1", "--ca-file", self.authority.certificate, code=6)
        self.davit("push", self.archive, server.host + "/name:1", "--tls-verify=false")
        self.assertEqual(server.tags("name"), ["1"])

    def test_row_43_trust_is_per_registry(self):
        """One authority does not vouch for the other's registry in a run with two destinations."""
        second = self.registry(tls=self.other.issue("second"))
        done = self.davit("push", self.archive, self.server.host + "/two:1", second.host + "/two:1", "--ca-file", self.authority.certificate, code=7)
        self.assertEqual(len(done.lines), 1)
        self.assertEqual((self.server.tags("two"), second.tags("two")), (["1"], []))

    def test_without_verification(self):
        self.davit("push", self.archive, self.server.host + "/unverified:1", "--tls-verify=false")
        self.assertEqual(self.server.tags("unverified"), ["1"])

    def test_plain_http_to_a_tls_port_says_so(self):
        done = self.davit("push", self.archive, self.server.host + "/clear:1", "--plain-http", code=1)
        self.assertIn("HTTPS", done.err)
        self.assertEqual(self.server.tags("clear"), [])


class CredentialCases:
    """Every way to hand credentials over, for a registry that wants them."""

    flags = ()

    def push(self, tag, *args, **options):
        return self.davit("push", self.archive, "%s/private:%s" % (self.server.host, tag), *self.flags, *args, **options)

    def test_none(self):
        done = self.push("none", home=self.fresh_home(), code=3)
        self.assertIn("hint: ", done.err)
        self.assertNotIn("none", self.server.tags("private"))

    def test_creds(self):
        self.push("stdin", "--creds", USER, "--password-stdin", input=(PASSWORD + "\n").encode())
        self.push("creds", "--creds", USER + ":" + PASSWORD)
        self.assertLessEqual({"stdin", "creds"}, set(self.server.tags("private")))

    def test_wrong_password(self):
        done = self.push("wrong", "--creds", USER, "--password-stdin", input=b"guess\n", code=3)
        self.assertIn("hint: ", done.err)
        self.assertNotIn("guess", done.err)
        self.assertNotIn("wrong", self.server.tags("private"))

    def test_row_19_docker_configuration(self):
        home = self.fresh_home()
        auth_file(home + "/.docker/config.json", self.server.host)
        self.push("home", home=home)
        other = auth_file(self.path("dockerconfig/config.json"), "http://%s/v2/" % self.server.host)
        self.push("docker-config", home=self.fresh_home(), env={"DOCKER_CONFIG": os.path.dirname(other)})

    def test_docker_auth_config(self):
        text = read(auth_file(self.path("variable.json"), self.server.host)).decode()
        self.push("variable", home=self.fresh_home(), env={"DOCKER_AUTH_CONFIG": text})

    def test_podman_auth_file(self):
        path = auth_file(self.path("podman.json"), self.server.host + "/private")
        self.push("podman", home=self.fresh_home(), env={"REGISTRY_AUTH_FILE": path})
        self.push("authfile", "--authfile", path, home=self.fresh_home())
        runtime = self.fresh_home()
        auth_file(runtime + "/containers/auth.json", self.server.host)
        self.push("runtime", home=self.fresh_home(), env={"XDG_RUNTIME_DIR": runtime})

    def test_row_17_credential_helper(self):
        home, bin_dir = self.fresh_home(), self.fresh_home()
        os.makedirs(home + "/.docker")
        asked = self.path("asked-" + self.id().rpartition(".")[0])
        write(bin_dir + "/docker-credential-system", '#!/bin/sh\ncat >"%s"\nprintf \'{"ServerURL":"x","Username":"%s","Secret":"%s"}\'\n'
              % (asked, USER, PASSWORD), 0o755)
        path = bin_dir + ":" + os.environ["PATH"]
        write(home + "/.docker/config.json", json.dumps({"credHelpers": {self.server.host: "system"}}))
        self.push("helper", home=home, env={"PATH": path})
        self.assertEqual(read(asked).decode().strip(), self.server.host)
        write(home + "/.docker/config.json", json.dumps({"credsStore": "system"}))
        self.push("store", home=home, env={"PATH": path})
        write(home + "/.docker/config.json", json.dumps({"credHelpers": {self.server.host: "../../system"}}))
        done = self.push("never", home=home, env={"PATH": path}, code=64)
        self.assertIn("../../system", done.err)

    def test_row_19_and_99_login_and_logout(self):
        home = self.fresh_home()
        config = home + "/.docker/config.json"
        login = ["login", self.server.host, "-u", USER, "--password-stdin", *self.flags]
        self.davit(*login, input=b"wrong\n", home=home, code=3)
        self.assertFalse(os.path.exists(config))

        before = os.umask(0)
        self.addCleanup(os.umask, before)
        self.davit(*login, input=PASSWORD.encode() + b"\n", home=home)
        os.umask(before)
        self.assertEqual(stat.S_IMODE(os.stat(config).st_mode), 0o600)
        self.push("login", home=home)

        stored = json.loads(read(config))
        stored.update({"HttpHeaders": {"X-Mine": "kept"}, "unknown": [1, {"a": None}]})
        stored["auths"]["other.example"] = {"auth": "b3RoZXI6c2VjcmV0"}
        write(config, json.dumps(stored), 0o644)
        self.davit(*login, input=PASSWORD.encode(), home=home)
        self.assertEqual(json.loads(read(config)), stored)
        self.assertEqual(stat.S_IMODE(os.stat(config).st_mode), 0o600)

        self.davit("logout", self.server.host, home=home)
        del stored["auths"][self.server.host]
        self.assertEqual(json.loads(read(config)), stored)
        self.push("logout", home=home, code=3)
        self.assertNotIn("logout", self.server.tags("private"))


class Htpasswd(CredentialCases, SystemTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.registry(users={USER: PASSWORD})
        cls.archive = docker_save(cls.path("app.tar"), [layer({"a": b"a" * 5000})])


class HtpasswdOverTls(CredentialCases, SystemTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        authority = Authority(cls.path(), "ca")
        cls.server = cls.registry(tls=authority.issue("server"), users={USER: PASSWORD})
        cls.flags = ("--ca-file", authority.certificate)
        cls.archive = docker_save(cls.path("app.tar"), [layer({"a": b"a" * 5000})])


class Tokens(CredentialCases, SystemTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tokens = TokenService(cls.path(), USER, PASSWORD)
        cls.server = cls.registry(tokens=cls.tokens)
        cls.flags = ("--allow-realm", cls.tokens.host)
        cls.archive = docker_save(cls.path("app.tar"), [layer({"a": b"a" * 5000}), layer({"b": b"b" * 5000})])

    def test_row_54_one_token_serves_a_push(self):
        before = self.tokens.issued
        self.push("one-token", "--creds", USER + ":" + PASSWORD)
        self.assertLessEqual(self.tokens.issued - before, 2)

    def test_row_2_credentials_do_not_go_to_a_realm_nobody_allowed(self):
        before = self.tokens.issued, self.tokens.refused
        done = self.davit("push", self.archive, self.server.host + "/private:realm", "--creds", USER + ":" + PASSWORD, code=3)
        self.assertIn("--allow-realm " + self.tokens.host, done.err)
        self.assertEqual((self.tokens.issued, self.tokens.refused), before)


if __name__ == "__main__":
    main("docker-registry", "htpasswd", "openssl")
