"""davit serve as other people's unchanged clients see it: Debian's aws CLI, skopeo and curl."""
import base64
import json
import os
import re
import signal
import socket
import stat
import subprocess
import urllib.error
import urllib.request

from support import DAVIT, SystemTest, clean_environment, digest, docker_save, layer, main, oci_layout, read, write

# Debian's, where there are several.
AWS = "/usr/bin/aws" if os.access("/usr/bin/aws", os.X_OK) else "aws"


class EcrTest(SystemTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ecr = cls.emulator("--ecr", "--region", "eu-west-1", "--account", "111122223333")
        cls.archive = docker_save(cls.path("app.tar"), [layer({"a": b"a" * 5000}), layer({"b": b"b" * 70000})])

    def aws(self, *args, code=0, emulator=None, **more):
        """The answer of the aws CLI, as JSON where it is such; with `code` 254 or 255 what it complains of."""
        emulator = emulator or self.ecr
        env = clean_environment(self.home, **{"AWS_MAX_ATTEMPTS": 1, "AWS_EC2_METADATA_DISABLED": "true", "AWS_PAGER": "", **emulator.env, **more})
        done = subprocess.run([AWS, "--endpoint-url", emulator.env["DAVIT_ECR_ENDPOINT"], "--output", "json", *args], env=env, timeout=60,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, code, "aws %s\n%s%s" % (" ".join(args), done.stdout.decode(), done.stderr.decode()))
        if code:
            return done.stderr.decode()
        text = done.stdout.decode()
        return json.loads(text) if text.startswith("{") else text.strip()

    def ask_ecr(self, *args, **more):
        return self.aws("ecr", *args, **more)

    def login(self, emulator=None):
        """An auth file for skopeo, filled by a login with a token of the aws CLI."""
        emulator = emulator or self.ecr
        path = self.path("auth.json")
        password = self.ask_ecr("get-login-password", emulator=emulator)
        self.assertGreater(len(password), 1500)
        subprocess.run(["skopeo", "login", "--authfile", path, "--tls-verify=false", "--username", "AWS", "--password-stdin", emulator.host],
                       input=password.encode(), check=True, stdout=subprocess.DEVNULL, env=clean_environment(self.home))
        return path


class AwsCli(EcrTest):
    def test_repositories(self):
        made = self.ask_ecr("create-repository", "--repository-name", "team/app", "--image-tag-mutability", "IMMUTABLE",
                            "--image-scanning-configuration", "scanOnPush=true", "--tags", "Key=team,Value=build")["repository"]
        self.assertEqual(made["repositoryArn"], "arn:aws:ecr:eu-west-1:111122223333:repository/team/app")
        self.assertEqual(made["repositoryUri"], self.ecr.host + "/team/app")
        self.assertEqual(made["encryptionConfiguration"], {"encryptionType": "AES256"})
        listed = self.ask_ecr("describe-repositories", "--repository-names", "team/app")["repositories"]
        self.assertEqual(listed, [made])
        self.assertIn("RepositoryAlreadyExistsException", self.ask_ecr("create-repository", "--repository-name", "team/app", code=254))
        self.assertEqual(self.ask_ecr("list-tags-for-resource", "--resource-arn", made["repositoryArn"])["tags"],
                         [{"Key": "team", "Value": "build"}])
        self.ask_ecr("put-image-tag-mutability", "--repository-name", "team/app", "--image-tag-mutability", "MUTABLE")
        self.ask_ecr("put-image-scanning-configuration", "--repository-name", "team/app", "--image-scanning-configuration", "scanOnPush=false")
        changed = self.ask_ecr("describe-repositories", "--repository-names", "team/app")["repositories"][0]
        self.assertEqual((changed["imageTagMutability"], changed["imageScanningConfiguration"]), ("MUTABLE", {"scanOnPush": False}))
        policy = json.dumps({"rules": [{"rulePriority": 1, "selection": {"tagStatus": "any", "countType": "imageCountMoreThan",
                                                                        "countNumber": 10}, "action": {"type": "expire"}}]})
        self.ask_ecr("put-lifecycle-policy", "--repository-name", "team/app", "--lifecycle-policy-text", policy)
        self.assertEqual(self.ask_ecr("get-lifecycle-policy", "--repository-name", "team/app")["lifecyclePolicyText"], policy)
        self.ask_ecr("set-repository-policy", "--repository-name", "team/app", "--policy-text", '{"Version":"2012-10-17"}')
        self.assertEqual(self.ask_ecr("get-repository-policy", "--repository-name", "team/app")["policyText"], '{"Version":"2012-10-17"}')
        self.ask_ecr("delete-repository-policy", "--repository-name", "team/app")
        self.ask_ecr("delete-repository", "--repository-name", "team/app")
        self.assertIn("RepositoryNotFoundException", self.ask_ecr("describe-repositories", "--repository-names", "team/app", code=254))

    def test_pages_are_followed(self):
        names = ["pages/%d" % n for n in range(5)]
        for name in names:
            self.ask_ecr("create-repository", "--repository-name", name)
        listed = self.ask_ecr("describe-repositories", "--page-size", "2")["repositories"]
        self.assertEqual([one["repositoryName"] for one in listed if one["repositoryName"].startswith("pages/")], names)

    def test_an_image_by_the_api_alone(self):
        self.ask_ecr("create-repository", "--repository-name", "api")
        blob, config = b"a layer, as far as a registry cares", b"{}"
        for number, data in enumerate((blob, config)):
            part = write(self.path("part%d" % number), data)
            upload = self.ask_ecr("initiate-layer-upload", "--repository-name", "api")
            self.assertEqual(upload["partSize"], 10485760)
            sent = self.ask_ecr("upload-layer-part", "--repository-name", "api", "--upload-id", upload["uploadId"], "--part-first-byte", "0",
                                "--part-last-byte", str(len(data) - 1), "--layer-part-blob", "fileb://" + part)
            self.assertEqual(sent["lastByteReceived"], len(data) - 1)
            self.ask_ecr("complete-layer-upload", "--repository-name", "api", "--upload-id", upload["uploadId"], "--layer-digests", digest(data))
        manifest = json.dumps({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest(config), "size": len(config)},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest(blob), "size": len(blob)}]})
        put = self.ask_ecr("put-image", "--repository-name", "api", "--image-tag", "1", "--image-manifest", manifest)["image"]
        self.assertEqual(put["imageId"], {"imageDigest": digest(manifest.encode()), "imageTag": "1"})
        self.assertIn("ImageAlreadyExistsException",
                      self.ask_ecr("put-image", "--repository-name", "api", "--image-tag", "1", "--image-manifest", manifest, code=254))
        got = self.ask_ecr("batch-get-image", "--repository-name", "api", "--image-ids", "imageTag=1", "imageTag=none")
        self.assertEqual(got["images"][0]["imageManifest"], manifest)
        self.assertEqual(got["failures"][0]["failureCode"], "ImageNotFound")
        described = self.ask_ecr("describe-images", "--repository-name", "api")["imageDetails"]
        self.assertEqual((described[0]["imageTags"], described[0]["imageSizeInBytes"]), (["1"], len(blob) + len(config)))
        layers = self.ask_ecr("batch-check-layer-availability", "--repository-name", "api", "--layer-digests", digest(blob), digest(b"no"))["layers"]
        self.assertEqual([one["layerAvailability"] for one in layers], ["AVAILABLE", "UNAVAILABLE"])
        self.assertEqual(layers[0]["layerSize"], len(blob))
        url = self.ask_ecr("get-download-url-for-layer", "--repository-name", "api", "--layer-digest", digest(blob))["downloadUrl"]
        with urllib.request.urlopen(url) as answer:
            self.assertEqual(answer.read(), blob)
        self.assertEqual(self.ask_ecr("list-images", "--repository-name", "api")["imageIds"], [put["imageId"]])
        gone = self.ask_ecr("batch-delete-image", "--repository-name", "api", "--image-ids", "imageTag=1")
        self.assertEqual(gone, {"imageIds": [put["imageId"]], "failures": []})
        self.assertEqual(self.ask_ecr("list-images", "--repository-name", "api")["imageIds"], [])

    def test_identities(self):
        me = self.aws("sts", "get-caller-identity")
        self.assertEqual((me["Account"], me["Arn"]), ("111122223333", "arn:aws:iam::111122223333:user/emulator"))
        session = self.aws("sts", "assume-role", "--role-arn", "arn:aws:iam::111122223333:role/ci/push", "--role-session-name", "test")
        self.assertEqual(session["AssumedRoleUser"]["Arn"], "arn:aws:sts::111122223333:assumed-role/push/test")
        keys = session["Credentials"]
        as_role = {"AWS_ACCESS_KEY_ID": keys["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
                   "AWS_SESSION_TOKEN": keys["SessionToken"]}
        self.assertEqual(self.aws("sts", "get-caller-identity", **as_role)["Arn"], session["AssumedRoleUser"]["Arn"])
        token = self.ask_ecr("get-authorization-token", **as_role)["authorizationData"][0]
        self.assertTrue(base64.b64decode(token["authorizationToken"]).startswith(b"AWS:"))
        self.assertEqual(token["proxyEndpoint"], "http://" + self.ecr.host)
        self.assertIn("UnrecognizedClientException", self.ask_ecr("describe-registry", code=254, **{**as_role, "AWS_SESSION_TOKEN": "other"}))
        self.assertIn("InvalidSignatureException", self.ask_ecr("describe-registry", code=254, AWS_SECRET_ACCESS_KEY="wrong"))
        web = write(self.path("web-identity"), "a.token.that-nobody-reads")
        role = {"AWS_ROLE_ARN": "arn:aws:iam::111122223333:role/web", "AWS_WEB_IDENTITY_TOKEN_FILE": web, "AWS_ROLE_SESSION_NAME": "pod",
                "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
        assumed = self.aws("sts", "assume-role-with-web-identity", "--role-arn", role["AWS_ROLE_ARN"], "--role-session-name", "pod",
                           "--web-identity-token", "a.token.that-nobody-reads")
        self.assertTrue(assumed["AssumedRoleUser"]["Arn"].endswith(":assumed-role/web/pod"))

    def test_credentials_of_instances_and_containers(self):
        nobody = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
        endpoint = self.ecr.env["DAVIT_ECR_ENDPOINT"]
        here = self.aws("sts", "get-caller-identity", AWS_CONTAINER_CREDENTIALS_FULL_URI=endpoint + "/v2/credentials/task", **nobody)
        self.assertEqual(here["Arn"], "arn:aws:sts::111122223333:assumed-role/emulator-role/container")
        here = self.aws("sts", "get-caller-identity", AWS_EC2_METADATA_DISABLED="false", AWS_EC2_METADATA_SERVICE_ENDPOINT=endpoint + "/", **nobody)
        self.assertEqual(here["Arn"], "arn:aws:sts::111122223333:assumed-role/emulator-role/i-00000000000000000")

    def test_the_public_api(self):
        data = self.aws("ecr-public", "get-authorization-token", AWS_DEFAULT_REGION="us-east-1", AWS_REGION="us-east-1")["authorizationData"]
        self.assertIn("authorizationToken", data)

    def test_every_form_of_a_time_is_understood(self):
        for form in ("exponent", "iso"):
            with self.subTest(form):
                emulator = self.emulator("--ecr", "--mode", "timestamps=" + form)
                self.assertIn("expiresAt", self.ask_ecr("get-authorization-token", emulator=emulator)["authorizationData"][0])


class Skopeo(EcrTest):
    def test_images_go_in_and_come_out(self):
        self.ask_ecr("create-repository", "--repository-name", "app")
        auth = self.login()
        target = "docker://%s/app:1" % self.ecr.host
        self.skopeo("copy", "--authfile", auth, "--dest-tls-verify=false", "docker-archive:" + self.archive, target)
        out = self.path("out")
        self.skopeo("copy", "--authfile", auth, "--src-tls-verify=false", target, "dir:" + out)
        manifest = json.loads(read(os.path.join(out, "manifest.json")))
        for one in [manifest["config"], *manifest["layers"]]:
            self.assertEqual(digest(read(os.path.join(out, one["digest"][7:]))), one["digest"])
        self.assertEqual(json.loads(self.skopeo("list-tags", "--authfile", auth, "--tls-verify=false", "docker://%s/app" % self.ecr.host))["Tags"],
                         ["1"])
        self.assertIn("store", {line["listener"] for line in self.ecr.lines()})
        described = self.ask_ecr("describe-images", "--repository-name", "app")["imageDetails"]
        self.assertEqual([one["imageTags"] for one in described], [["1"]])
        self.skopeo("delete", "--authfile", auth, "--tls-verify=false", target)
        self.assertEqual(self.ask_ecr("list-images", "--repository-name", "app")["imageIds"], [])

    def test_an_oci_image_goes_in_and_a_missing_repository_is_named(self):
        auth = self.login()
        data = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00"
        oci_layout(self.path("oci"), [data], b'{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["%s"]}}' % digest(b"").encode())
        env = clean_environment(self.home)
        done = subprocess.run(["skopeo", "--insecure-policy", "copy", "--authfile", auth, "--dest-tls-verify=false", "oci:%s:1" % self.path("oci"),
                               "docker://%s/not-there:1" % self.ecr.host], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(b"The repository with name 'not-there' does not exist", done.stderr)
        self.ask_ecr("create-repository", "--repository-name", "oci")
        self.skopeo("copy", "--authfile", auth, "--dest-tls-verify=false", "oci:%s:1" % self.path("oci"), "docker://%s/oci:1" % self.ecr.host)
        self.assertEqual(len(self.ask_ecr("list-images", "--repository-name", "oci")["imageIds"]), 1)


class Serve(SystemTest):
    def test_a_plain_registry_keeps_its_images_in_a_layout(self):
        archive = docker_save(self.path("plain.tar"), [layer({"a": b"a" * 5000})])
        folder = self.path("images")
        emulator = self.emulator(folder)
        self.assertEqual(set(emulator.env), {"DAVIT_REGISTRY"})
        pushed = self.davit("push", archive, emulator.host + "/app:1", "--oci")
        self.assertEqual(emulator.stop(), -signal.SIGTERM)
        again = self.emulator(folder)
        there = self.skopeo("inspect", "--tls-verify=false", "--format", "{{.Digest}}", "docker://%s/app:1" % again.host).decode().strip()
        self.assertEqual(there, pushed.digest)
        self.assertEqual(json.loads(self.skopeo("inspect", "--raw", "oci:%s:app:1" % folder))["schemaVersion"], 2)

    def test_the_files_it_writes(self):
        emulator = self.emulator("--ecr")
        exports = os.path.join(emulator.folder, "env")
        self.assertEqual(stat.S_IMODE(os.stat(exports).st_mode), 0o600)
        self.assertEqual(sorted(os.listdir(emulator.folder)), ["access.log", "env"])
        shell = subprocess.run(["sh", "-c", '. "$1"; env', "sh", exports], env={"PATH": os.environ["PATH"]}, check=True, stdout=subprocess.PIPE)
        said = dict(line.split("=", 1) for line in shell.stdout.decode().splitlines())
        for name, value in emulator.env.items():
            self.assertEqual(said[name], value)
        self.assertEqual(emulator.env["DAVIT_ECR_REGISTRIES"],
                         "%s=123456789012.us-east-1,%s" % (emulator.host, emulator.env["DAVIT_ECR_ENDPOINT"]))
        self.assertEqual(emulator.ready, "listening on %s as ECR 123456789012.us-east-1, API %s\n" %
                         (emulator.host, emulator.env["DAVIT_ECR_ENDPOINT"]))
        with self.assertRaises(urllib.error.HTTPError) as stranger:
            urllib.request.urlopen("http://%s/v2/?secret=1" % emulator.host)
        stranger.exception.close()
        emulator.stop()
        line, = emulator.lines()
        self.assertGreaterEqual(line.pop("milliseconds"), 0)
        self.assertEqual(line, {"listener": "registry", "method": "GET", "path": "/v2/", "status": 401, "bytes_in": 0, "bytes_out": 15})

    def test_tls_with_a_certificate_that_clients_can_trust(self):
        archive = docker_save(self.path("tls.tar"), [layer({"a": b"a" * 5000})])
        emulator = self.emulator("--tls")
        self.davit("push", archive, emulator.host + "/app:1", "--tls-verify", "--retries", "1", code=6)
        self.davit("push", archive, emulator.host + "/app:1", env={"DAVIT_CA_FILE": emulator.env["DAVIT_CA_FILE"]})

    def test_the_certificate_is_written_where_somebody_said(self):
        wanted = self.path("trusted.pem")
        emulator = self.emulator("--tls", "--certificate", wanted)
        self.assertEqual(emulator.env["DAVIT_CA_FILE"], wanted)
        self.assertIn(b"BEGIN CERTIFICATE", read(wanted))
        self.assertEqual(emulator.ready, "listening on %s, certificate %s\n" % (emulator.host, wanted))
        alone = subprocess.Popen([DAVIT, "serve", "--listen", "127.0.0.1:0", "--tls"], stdout=subprocess.PIPE, text=True,
                                 env=clean_environment(self.home))
        self.assertIn("--certificate FILE", alone.stdout.readline())
        alone.terminate()
        alone.communicate(timeout=20)
        self.davit("serve", "--certificate", wanted, code=64)

    def test_ipv6(self):
        with socket.socket(socket.AF_INET6) as probe:
            try:
                probe.bind(("::1", 0))
            except OSError:
                self.skipTest("this machine has no IPv6")
        archive = docker_save(self.path("six.tar"), [layer({"a": b"a" * 5000})])
        plain = self.emulator(listen="[::1]:0")
        self.assertRegex(plain.host, r"^\[::1\]:\d+$")
        self.davit("push", archive, plain.host + "/app:1")
        ecr = self.emulator("--ecr", listen="[::1]:0")
        self.davit("push", archive, ecr.host + "/app:1", "--create-repo", env=ecr.env)
        tls = self.emulator("--tls", listen="[::1]:0")
        self.davit("push", archive, tls.host + "/app:1", env={"DAVIT_CA_FILE": tls.env["DAVIT_CA_FILE"]})

    def test_an_address_without_a_port_means_port_5000(self):
        with socket.socket(socket.AF_INET6) as taken:
            try:
                taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                taken.bind(("::1", 5000))
                taken.listen()
            except OSError:
                pass  # then somebody else has it
            refused = self.davit("serve", "--listen", "[::1]", code=8)
        self.assertIn("[::1]:5000", refused.err)

    def test_one_server_per_folder(self):
        folder = self.path("shared")
        first = self.emulator(folder)
        second = self.davit("serve", folder, "--listen", "127.0.0.1:0", code=8)
        self.assertIn("%s is in use by another server" % folder, second.err)
        first.stop()
        self.emulator(folder).stop()

    def test_unfinished_uploads_leave_nothing_behind(self):
        folder = self.path("uploads")
        for number in (signal.SIGTERM, signal.SIGKILL):
            emulator = self.emulator(folder)
            urllib.request.urlopen(urllib.request.Request("http://%s/v2/app/blobs/uploads/" % emulator.host, method="POST")).close()
            self.assertEqual([name for name in os.listdir(folder) if name.startswith("upload-")], ["upload-1"])
            emulator.stop(number)
            if number == signal.SIGKILL:
                self.emulator(folder)
            self.assertEqual([name for name in os.listdir(folder) if name.startswith("upload-")], [])

    def test_signals_end_it_at_once_in_the_middle_of_connections(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            emulator = self.emulator("--ecr")
            host, port = emulator.host.split(":")
            with socket.create_connection((host, int(port))) as half:
                half.sendall(b"GET /v2/ HTTP/1.1\r\nHost: x\r\n")  # and nothing more
                self.assertEqual(emulator.stop(number), -number)

    def test_what_makes_no_sense_is_refused(self):
        self.davit("serve", "--listen", "0.0.0.0:0", code=64)
        self.davit("serve", "--listen", "5000", code=64)
        self.davit("serve", "--listen", "[2001:db8::1]:0", code=64)
        self.davit("serve", "--region", "eu-west-1", code=64)
        self.davit("serve", "--ecr", "--account", "12", code=64)
        unknown = self.davit("serve", "--ecr", "--mode", "no-such=1", code=64)
        self.assertIn("missing-repository", unknown.err)
        for mode in ("mount=perhaps", "throttle=PutImage", "throttle=PutImage:0"):
            self.davit("serve", "--ecr", "--mode", mode, code=64)
        for mode in ("part-bytes", "referrers-page", "token-life", "session-life", "store-life", "max-images", "max-layers", "clock-skew"):
            nothing = self.davit("serve", "--ecr", "--mode", mode + "=0", code=64)
            self.assertIn("emulator mode %s cannot be 0" % mode, nothing.err)
        taken = self.emulator()
        self.davit("serve", "--listen", taken.host, code=8)
        self.davit("serve", "--listen", "127.0.0.1:0", "--env-file", self.path("no", "such", "folder"), code=8)

    def test_the_manual_has_the_modes_that_help_lists(self):
        listed = re.findall(r"^(\S+)=(\S+) \[(.*)\]$", self.davit("serve", "--mode", "help").out, re.M)
        manual = read(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/emulator.md")).decode()
        written = re.findall(r"^\| `([a-z0-9-]+)` \| (.*?) \| (.*?) \|", manual, re.M)
        self.assertGreater(len(listed), 30)
        self.assertEqual([(name, values.replace("|", ", "), initial or "(empty)") for name, values, initial in listed], written)

    def test_the_modes_are_listed(self):
        listed = self.davit("serve", "--mode", "help")
        for mode in ("registry=private|public [private]", "mount=off|on [off]", "throttle=off|aws|RATES [off]"):
            self.assertIn("\n%s\n" % mode, listed.out)


if __name__ == "__main__":
    main("skopeo", AWS)
