#!/usr/bin/env python3
"""The command against an emulated ECR (`davit serve --ecr`): push, repositories, logins, the credential helper."""
import base64
import contextlib
import json
import os
import re
import subprocess
import tempfile
import time

import support
from support import DAVIT, SystemTest, require


def exports(text):
    """The variables of an --env-file: lines of `export NAME='VALUE'` or NAME=VALUE."""
    found = {}
    for line in text.splitlines():
        match = re.match(r"(?:export )?(\w+)=(.*)$", line)
        if match:
            found[match.group(1)] = match.group(2).strip("'\"")
    return found


@contextlib.contextmanager
def ecr(folder, *flags):
    """A running emulator, as the environment that leads to it."""
    env_file = os.path.join(folder, "env")
    with contextlib.suppress(FileNotFoundError):
        os.remove(env_file)
    server = subprocess.Popen([DAVIT, "serve", "--ecr", "--listen", "127.0.0.1:0", "--env-file", env_file, *flags],
                              stdout=subprocess.PIPE, text=True,
                              env=support.clean_environment(folder))
    try:
        server.stdout.readline()  # it is ready
        with open(env_file, encoding="utf-8") as file:
            yield exports(file.read())
    finally:
        server.terminate()
        server.wait(10)
        server.stdout.close()


class EcrTest(SystemTest):
    def setUp(self):
        self.home = tempfile.mkdtemp(prefix="davit-ecr-")
        self.addCleanup(lambda: subprocess.run(["rm", "-rf", self.home], check=False))
        self.image = os.path.join(support.FIXTURES, "docker24.tar")

    def run_davit(self, env, *words, program=DAVIT, stdin=""):
        return subprocess.run([program, *words], input=stdin, capture_output=True, text=True, timeout=120,
                              env=support.clean_environment(self.home, **env))

    def test_a_push_makes_the_repository_and_a_second_one_changes_nothing(self):
        with ecr(self.home) as env:
            registry = env["DAVIT_REGISTRY"]
            missing = self.run_davit(env, "push", self.image, registry + "/team/app:1")
            self.assertEqual(missing.returncode, 2, missing.stderr)
            self.assertIn("--create-repo", missing.stderr)
            pushed = self.run_davit(env, "push", self.image, registry + "/team/app:1",
                                    "--create-repo=immutable,scan")
            self.assertEqual(pushed.returncode, 0, pushed.stderr)
            self.assertRegex(pushed.stdout, "^" + re.escape(registry) + "/team/app@sha256:[0-9a-f]{64}\n$")
            again = self.run_davit(env, "push", self.image, "ecr:team/app:1")
            self.assertEqual((again.returncode, again.stdout), (0, pushed.stdout), again.stderr)
            shown = self.run_davit(env, "ecr", "check", "ecr:team/app")
            self.assertEqual(shown.returncode, 0, shown.stderr)
            self.assertIn("IMMUTABLE", shown.stdout)
            self.assertIn("scan on push on", shown.stdout)

    def test_a_push_to_the_public_gallery_makes_the_repository_below_the_own_alias(self):
        with ecr(self.home, "--mode", "registry=public", "--mode", "public-alias=blue", "--region", "eu-west-1") as env:
            registry = env["DAVIT_REGISTRY"]
            missing = self.run_davit(env, "push", self.image, registry + "/blue/app:1")
            self.assertEqual(missing.returncode, 2, missing.stderr)
            pushed = self.run_davit(env, "push", self.image, registry + "/blue/app:1", "--create-repo")
            self.assertEqual(pushed.returncode, 0, pushed.stderr)
            again = self.run_davit(env, "push", self.image, registry + "/blue/app:1", "--create-repo")
            self.assertEqual((again.returncode, again.stdout), (0, pushed.stdout), again.stderr)
            foreign = self.run_davit(env, "push", self.image, registry + "/green/app:1", "--create-repo")
            self.assertEqual(foreign.returncode, 3, foreign.stderr)
            self.assertIn("the caller's is blue", foreign.stderr)

    def test_a_folder_keeps_repositories_and_their_settings_from_server_to_server(self):
        folder = os.path.join(self.home, "kept")
        with ecr(self.home, folder) as env:
            pushed = self.run_davit(env, "push", self.image, env["DAVIT_REGISTRY"] + "/app:1", "--create-repo=immutable,scan")
            self.assertEqual(pushed.returncode, 0, pushed.stderr)
            made = self.run_davit(env, "ecr", "create", env["DAVIT_REGISTRY"] + "/empty", "--resource-tag", "team=blue")
            self.assertEqual(made.returncode, 0, made.stderr)
            seen = self.run_davit(env, "ecr", "check", env["DAVIT_REGISTRY"] + "/app").stdout
        with ecr(self.home, folder) as env:
            name = env["DAVIT_REGISTRY"] + "/app"
            shown = self.run_davit(env, "ecr", "check", name)
            self.assertEqual(shown.returncode, 0, shown.stderr)
            self.assertIn("IMMUTABLE", shown.stdout)
            self.assertIn("scan on push on", shown.stdout)
            self.assertEqual(seen.splitlines()[1:], shown.stdout.splitlines()[1:])
            again = self.run_davit(env, "push", self.image, name + ":1")
            self.assertEqual(again.stdout.partition("@")[2], pushed.stdout.partition("@")[2], again.stderr)
            self.assertEqual(self.run_davit(env, "ecr", "check", env["DAVIT_REGISTRY"] + "/empty", "--resource-tag",
                                            "team=blue", "--exit-code").returncode, 0)

    def test_a_push_makes_the_repository_by_a_template(self):
        require("aws")
        with ecr(self.home) as env:
            made = self.run_davit(env, "--endpoint-url", env["DAVIT_ECR_ENDPOINT"], "ecr", "create-repository-creation-template",
                                  "--prefix", "team", "--applied-for", "CREATE_ON_PUSH", "--image-tag-mutability", "IMMUTABLE",
                                  program="aws")
            if "CREATE_ON_PUSH" not in made.stdout and made.returncode != 0:
                self.skipTest("this aws CLI does not know templates")
            pushed = self.run_davit(env, "push", self.image, env["DAVIT_REGISTRY"] + "/team/app:1")
            self.assertEqual(pushed.returncode, 0, pushed.stderr)
            self.assertIn("IMMUTABLE", self.run_davit(env, "ecr", "check", env["DAVIT_REGISTRY"] + "/team/app").stdout)

    def test_repositories_are_made_compared_and_corrected(self):
        with ecr(self.home) as env:
            name = env["DAVIT_REGISTRY"] + "/app"
            made = self.run_davit(env, "ecr", "create", name, "--resource-tag", "team=blue")
            self.assertEqual((made.returncode, made.stdout), (0, name + "\n"), made.stderr)
            self.assertEqual(self.run_davit(env, "ecr", "create", name).returncode, 4)
            self.assertEqual(self.run_davit(env, "ecr", "create", name, "--if-missing").returncode, 0)
            differs = self.run_davit(env, "ecr", "check", name, "--immutable", "--mutable-tag", "latest*",
                                     "--exit-code")
            self.assertEqual(differs.returncode, 10, differs.stderr)
            self.assertIn("MUTABLE -> IMMUTABLE_WITH_EXCLUSION", differs.stdout)
            self.assertEqual(self.run_davit(env, "ecr", "check", name, "--immutable", "--mutable-tag", "latest*",
                                            "--apply").returncode, 0)
            same = self.run_davit(env, "ecr", "check", name, "--immutable", "--mutable-tag", "latest*",
                                  "--exit-code")
            self.assertEqual((same.returncode, same.stdout), (0, ""), same.stderr)
            missing = self.run_davit(env, "ecr", "check", env["DAVIT_REGISTRY"] + "/nothing")
            self.assertEqual(missing.returncode, 2, missing.stderr)
            for flags in (["--exit-code"], ["--apply"], []):
                other_key = self.run_davit(env, "ecr", "check", name, "--kms", "--scan", *flags)
                self.assertEqual(other_key.returncode, 4, other_key.stderr)
                self.assertIn("cannot be changed later", other_key.stderr)

    def test_a_name_that_is_no_repository_is_corrected(self):
        with ecr(self.home) as env:
            registry = env["DAVIT_REGISTRY"]
            digest = "sha256:" + 64 * "0"
            for command in ("create", "check"):
                for given, cure in ((registry + "/app:1", "write " + registry + "/app\n"), ("ecr:app:1", "write ecr:app\n"),
                                    (registry + "/app@" + digest, "write " + registry + "/app\n"),
                                    (registry + "/app:1@" + digest, "write " + registry + "/app\n"),
                                    (registry, "write " + registry + "/REPOSITORY\n"), ("app", "write ecr:app, or"),
                                    ("123456789012.dkr.ecr.eu-west-1.amazonaws.com", ".amazonaws.com/REPOSITORY\n")):
                    with self.subTest(command=command, given=given):
                        refused = self.run_davit(env, "ecr", command, given)
                        self.assertEqual((refused.returncode, refused.stdout), (64, ""), refused.stderr)
                        self.assertIn(cure, refused.stderr)
                        self.assertNotIn("docker.io", refused.stderr)
            self.assertEqual(self.run_davit(env, "ecr", "check", registry + "/app").returncode, 2)

    def test_doctor_ends_with_2_for_a_missing_image_wherever_it_is(self):
        plain = support.Emulator(tempfile.mkdtemp(dir=self.home))
        self.addCleanup(plain.stop)
        with ecr(self.home) as env:
            self.run_davit(env, "push", self.image, env["DAVIT_REGISTRY"] + "/app:1", "--create-repo")
            self.run_davit(env, "push", self.image, plain.host + "/app:1")
            for registry in (env["DAVIT_REGISTRY"], plain.host):
                for what, code in (("/app:1", 0), ("/app:2", 2), ("/app@sha256:" + 64 * "0", 2), ("/nothing:1", 2), ("/app", 0)):
                    with self.subTest(registry=registry, what=what):
                        done = self.run_davit(env, "doctor", registry + what)
                        self.assertEqual(done.returncode, code, done.stdout + done.stderr)

    def test_whoami_token_and_doctor(self):
        with ecr(self.home) as env:
            who = self.run_davit(env, "auth", "whoami", "--json")
            self.assertEqual(who.returncode, 0, who.stderr)
            self.assertRegex(json.loads(who.stdout)["account"], r"^\d{12}$")
            self.assertNotIn(env["AWS_SECRET_ACCESS_KEY"], who.stdout)
            self.assertEqual(self.run_davit(env, "ecr", "whoami").returncode, 0)
            token = self.run_davit(env, "auth", "token", env["DAVIT_REGISTRY"])
            self.assertEqual(token.returncode, 0, token.stderr)
            self.assertGreater(len(token.stdout), 1000)
            self.run_davit(env, "ecr", "create", env["DAVIT_REGISTRY"] + "/app")
            good = self.run_davit(env, "doctor", env["DAVIT_REGISTRY"] + "/app")
            self.assertEqual(good.returncode, 0, good.stdout + good.stderr)
            for check in ("dns", "connection", "aws credentials", "login", "repository", "may read"):
                self.assertRegex(good.stdout, "(?m)^ok +" + check)
            missing = self.run_davit(env, "doctor", env["DAVIT_REGISTRY"] + "/nothing")
            self.assertEqual(missing.returncode, 2, missing.stdout)
            self.assertRegex(missing.stdout, "(?m)^FAILED +repository")
            stranger = dict(env, AWS_SECRET_ACCESS_KEY="not-the-right-one")
            wrong = self.run_davit(stranger, "doctor", env["DAVIT_REGISTRY"] + "/app")
            self.assertEqual(wrong.returncode, 3, wrong.stdout)

    def test_a_clock_that_is_off_is_reported_and_does_not_stop_a_push(self):
        with ecr(self.home, "--mode", "clock-ahead=600", "--mode", "clock-skew=300") as env:
            name = env["DAVIT_REGISTRY"] + "/app"
            pushed = self.run_davit(env, "push", self.image, name + ":1", "--create-repo")
            self.assertEqual(pushed.returncode, 0, pushed.stderr)
            self.assertIn("clock", pushed.stderr)
            told = self.run_davit(env, "doctor", name)
            self.assertEqual(told.returncode, 3, told.stdout)
            self.assertRegex(told.stdout, r"(?m)^FAILED +clock +(599|600) s apart from the registry's")
            self.assertRegex(told.stdout, r"(?m)^ok +repository")
        with ecr(self.home) as env:
            self.assertRegex(self.run_davit(env, "doctor", env["DAVIT_REGISTRY"]).stdout, r"(?m)^ok +clock +[01] s apart")

    def test_a_job_of_github_actions_needs_no_keys(self):
        with ecr(self.home) as env:
            keys = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true"}
            job = {**env, **keys, "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/deploy"}
            who = self.run_davit(job, "auth", "whoami", "--json")
            self.assertEqual(who.returncode, 0, who.stderr)
            self.assertTrue(json.loads(who.stdout)["arn"].startswith("arn:aws:sts::123456789012:assumed-role/deploy/"), who.stdout)
            wrong = self.run_davit(dict(job, ACTIONS_ID_TOKEN_REQUEST_TOKEN="wrong"), "auth", "whoami")
            self.assertEqual(wrong.returncode, 3, wrong.stderr)

    def helper(self):
        """The helper's name on PATH, whatever the build has made."""
        link = os.path.join(self.home, "docker-credential-davit")
        if not os.path.lexists(link):
            os.symlink(DAVIT, link)
        return link

    def test_the_credential_helper_speaks_the_protocol(self):
        with ecr(self.home) as env:
            helper = self.helper()
            got = self.run_davit(env, "get", program=helper, stdin=env["DAVIT_REGISTRY"])
            self.assertEqual(got.returncode, 0, got.stderr)
            answer = json.loads(got.stdout)
            self.assertEqual(sorted(answer), ["Secret", "ServerURL", "Username"])
            self.assertEqual(answer["ServerURL"], env["DAVIT_REGISTRY"])
            self.assertEqual(answer["Username"], "AWS")
            url = self.run_davit(env, "get", program=helper, stdin="https://" + env["DAVIT_REGISTRY"] + "\n")
            self.assertEqual(json.loads(url.stdout)["Username"], "AWS")
            none = self.run_davit(env, "get", program=helper, stdin="registry.example.com")
            self.assertEqual((none.returncode, none.stdout), (1, "credentials not found in native keychain\n"))
            empty = self.run_davit(env, "get", program=helper)
            self.assertEqual((empty.returncode, empty.stdout), (1, "no credentials server URL\n"))
            self.assertEqual(self.run_davit(env, "list", program=helper).stdout, "{}\n")
            self.assertEqual(self.run_davit(env, "version", program=helper).returncode, 0)
            for word in ("store", "erase"):
                told = self.run_davit(env, word, program=helper, stdin="{}")
                self.assertEqual((told.returncode, told.stdout), (1, "not implemented\n"))

    def test_the_helper_never_asks_itself(self):
        with open(os.path.join(self.home, "config.json"), "w", encoding="utf-8") as file:
            json.dump({"credsStore": "davit"}, file)
        path = self.home + ":" + os.environ["PATH"]
        none = self.run_davit({"DOCKER_CONFIG": self.home, "PATH": path}, "get", program=self.helper(),
                              stdin="registry.example.com")
        self.assertEqual((none.returncode, none.stdout), (1, "credentials not found in native keychain\n"))

    def test_skopeo_reads_through_the_helper(self):
        require("skopeo")
        with ecr(self.home) as env:
            registry = env["DAVIT_REGISTRY"]
            pushed = self.run_davit(env, "push", self.image, registry + "/app:1", "--create-repo")
            self.assertEqual(pushed.returncode, 0, pushed.stderr)
            self.helper()
            auth = os.path.join(self.home, "auth.json")
            with open(auth, "w", encoding="utf-8") as file:
                json.dump({"credHelpers": {registry: "davit"}}, file)
            env = dict(env, PATH=self.home + ":" + os.environ["PATH"])
            seen = self.run_davit(env, "inspect", "--tls-verify=false", "--authfile", auth,
                                  "docker://" + registry + "/app:1", program="skopeo")
            self.assertEqual(seen.returncode, 0, seen.stderr)
            self.assertEqual(json.loads(seen.stdout)["Digest"], pushed.stdout.strip().partition("@")[2])
            copied = self.run_davit(env, "copy", "--src-tls-verify=false", "--authfile", auth, "--policy",
                                    self.policy(), "docker://" + registry + "/app:1",
                                    "oci:" + os.path.join(self.home, "out"), program="skopeo")
            self.assertEqual(copied.returncode, 0, copied.stderr)

    def policy(self):
        path = os.path.join(self.home, "policy.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"default": [{"type": "insecureAcceptAnything"}]}, file)
        return path

    def test_no_secret_is_said_even_at_the_highest_level(self):
        with ecr(self.home) as env:
            token = self.run_davit(env, "auth", "token", env["DAVIT_REGISTRY"]).stdout.strip()
            basic = base64.b64encode(b"AWS:" + token.encode()).decode()
            pushed = self.run_davit(env, "push", "-vvv", self.image, env["DAVIT_REGISTRY"] + "/app:1", "--create-repo")
            self.assertEqual(pushed.returncode, 0, pushed.stderr)
            said = pushed.stdout + pushed.stderr
            self.assertIn("status=201", said)
            secret = env["AWS_SECRET_ACCESS_KEY"]
            # Tokens differ from call to call, their beginnings need not.
            for needle in (secret, secret.replace("/", "%2F"), base64.b64encode(secret.encode()).decode()[:-4],
                           token, basic, "Signature=", "Basic "):
                self.assertNotIn(needle, said)
            # No two tokens are the same, but most of each is: whatever its place in a longer text, one of the three
            # ways in which base64 can cut it would show.
            other = self.run_davit(env, "auth", "token", env["DAVIT_REGISTRY"]).stdout.strip()
            common = os.path.commonprefix([token[::-1], other[::-1]])[::-1]
            self.assertGreater(len(common), 100)
            self.assertNotIn(common[:60], said)
            for shift in range(3):
                self.assertNotIn(base64.b64encode(common[shift:shift + 60].encode()).decode(), said)


if __name__ == "__main__":
    support.main()
