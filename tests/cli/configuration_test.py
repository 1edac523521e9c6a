"""The configuration file."""

import base64

from support import *

BASIC = {"WWW-Authenticate": 'Basic realm="x"'}


class Configuration(Case):
    def config(self, text):
        folder = os.path.join(SCRATCH, ".config/davit")
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, "config.yaml")
        with open(path, "w") as out:
            out.write(text)
        self.addCleanup(lambda: os.path.exists(path) and os.remove(path))
        return path

    def test_credentials_come_from_the_variable_that_it_names(self):
        shown = []

        def status(authorization):
            shown.append(authorization)
            return 401 if authorization is None else 403

        with answering(status, b"{}", BASIC) as registry:
            self.config(f"registries:\n  {registry}: {{creds_env: MINE}}\n")
            self.assert_code(davit("push", SIMPLE, f"{registry}/a:1", environment={"MINE": "joe:pass"}), 3)
            self.assertIn("Basic " + base64.b64encode(b"joe:pass").decode(), shown)
            unset = davit("push", SIMPLE, f"{registry}/a:1")
            self.assert_code(unset, 3)
            self.assertIn("MINE, which is not set", unset.stderr)
            # The other registries do not care.
            self.assert_code(davit("push", SIMPLE, f"{REGISTRY}/configured:1"), 0)
            # The command line comes first.
            self.assert_code(davit("push", "--creds", "ann:x", SIMPLE, f"{registry}/a:1"), 3)
            self.assertIn("Basic " + base64.b64encode(b"ann:x").decode(), shown)

    def test_settings_belong_to_one_registry_and_flags_beat_them(self):
        self.config(f"registries: {{\"{REGISTRY}\": {{plain_http: false}}}}")
        self.assert_code(davit("push", SIMPLE, f"{REGISTRY}/tls:1"), 6)
        self.assert_code(davit("push", "--plain-http", SIMPLE, f"{REGISTRY}/tls:1"), 0)
        self.config('registries: {"127.0.0.1:1": {plain_http: false}}')
        self.assert_code(davit("push", SIMPLE, f"{REGISTRY}/tls:1"), 0)

    def test_a_named_file_is_read_instead_and_has_to_be_there(self):
        self.config("registries: [this would be refused]")
        other = os.path.join(SCRATCH, "other.yaml")
        with open(other, "w") as out:
            out.write("registries: {}")
        for arguments, environment in ((["--config", other], {}), ([], {"DAVIT_CONFIG": other})):
            self.assert_code(davit("push", *arguments, SIMPLE, f"{REGISTRY}/named:1", environment=environment), 0)
        absent = davit("push", "--config", "/absent.yaml", SIMPLE, f"{REGISTRY}/named:1")
        self.assert_code(absent, 8)
        self.assertIn("/absent.yaml", absent.stderr)

    def test_what_is_wrong_is_named_with_file_line_and_column(self):
        path = self.config("registries:\n  r.example:\n    profil: x\n")
        result = davit("push", SIMPLE, f"{REGISTRY}/wrong:1")
        self.assert_code(result, 64)
        self.assertIn(f"{path}:3:5: registries.r.example does not know \"profil\"", result.stderr)
