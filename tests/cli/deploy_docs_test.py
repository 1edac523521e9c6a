"""docs/deploy says what the command understands and what ECR is asked for, no more and no less."""

import shlex
import shutil

from words import *

try:
    import yaml
except ImportError:
    yaml = None

SOURCE = os.environ["DAVIT_SOURCE"]
DEPLOY = os.path.join(SOURCE, "docs/deploy")
SOURCE_HOST = "111111111111.dkr.ecr.eu-west-1.amazonaws.com"
TARGET_HOST = "222222222222.dkr.ecr.us-east-1.amazonaws.com"
# ECR looks at these behind a request of another name.
BEHIND_OTHERS = {"ecr:UploadLayerPart", "ecr:TagResource", "ecr:GetDownloadUrlForLayer"}


def text_of(name):
    with open(os.path.join(SOURCE, name), encoding="utf-8") as file:
        return file.read()


def deployed(ending):
    """The files of the folder whose names end so, with what is in them."""
    found = {}
    for folder, _, names in os.walk(DEPLOY):
        for name in names:
            if name.endswith(ending):
                path = os.path.relpath(os.path.join(folder, name), SOURCE)
                found[os.path.basename(path)] = text_of(path)
    return found


def nodes(tree):
    """Every mapping in a document."""
    if isinstance(tree, dict):
        yield tree
    for each in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else []:
        yield from nodes(each)


def documents():
    """From the name of each YAML file to its documents."""
    return {name: list(yaml.safe_load_all(text)) for name, text in {**deployed(".yaml"), **deployed(".yml")}.items()}


def commands_in(text):
    """The words of each line that runs davit, in a shell script."""
    for line in text.replace("\\\n", " ").splitlines():
        line = re.sub(r"\$\{\{.*?\}\}", "0", line).strip()
        if re.match(r"davit [a-z]", line):
            yield shlex.split(line.partition(">")[0])[1:]


def all_commands():
    """(file, words) for every davit command line."""
    for name, text in deployed(".md").items():
        for line in re.findall(r"`(davit [^`\n]+)`", text):
            yield name, shlex.split(line)[1:]
        for block in re.findall(r"^```\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            for words in commands_in(block):
                yield name, words
    for name, text in deployed(".json").items():
        for node in nodes(json.loads(text)):
            if "command" in node:
                yield name, node["command"]
    for name, found in documents().items() if yaml else []:
        for node in nodes(found):
            if "davit" in node.get("image", "") and "args" in node:
                yield name, node["args"]
            for words in commands_in(node["run"]) if isinstance(node.get("run"), str) else []:
                yield name, words


def mirror_files():
    """(where, text) of every mirror file."""
    yield "mirror.yaml", text_of("docs/deploy/mirror.yaml")
    for name, found in documents().items():
        for node in nodes(found):
            if node.get("kind") == "ConfigMap":
                yield name, node["data"]["mirror.yaml"]


def actions(name):
    """The ECR actions that a policy allows, by statement."""
    allowed = {}
    for statement in json.loads(text_of("docs/deploy/" + name))["Statement"]:
        listed = statement["Action"]
        allowed[statement["Sid"]] = {listed} if isinstance(listed, str) else set(listed)
    return allowed


class Ecr:
    """An emulated ECR of its own, and what it is asked."""

    def __init__(self, account, region):
        name = os.path.join(SCRATCH, "ecr-" + account)
        self.log = name + ".log"
        self.process = start("serve", "--ecr", "--account", account, "--region", region, "--mode", "mount=on", "--listen", "127.0.0.1:0",
                             "--env-file", name + ".env", "--access-log", self.log)
        self.process.stdout.readline()
        with open(name + ".env", encoding="utf-8") as file:
            self.env = dict(re.findall(r"^export (\w+)='?(.*?)'?$", file.read(), re.MULTILINE))
        self.host = self.env["DAVIT_REGISTRY"]
        self.seen = 0

    def asked(self):
        """The IAM actions since the last call."""
        with open(self.log, encoding="utf-8") as file:
            lines = file.readlines()
        new, self.seen = lines[self.seen:], len(lines)
        operations = {json.loads(line).get("operation", "") for line in new}
        return {"ecr:" + each for each in operations if each not in ("", "Download", "AssumeRole")}

    def stop(self):
        self.process.terminate()
        self.process.communicate(timeout=20)


class DeployDocs(Case):
    def need_yaml(self):
        if not yaml:
            self.skipTest("python3-yaml is not installed")

    def test_every_flag_of_every_command_line_is_one(self):
        self.need_yaml()
        seen = set()
        for name, words in all_commands():
            seen.add(name)
            path = tuple(words[:1])
            self.assertIn(path, commands(), f"{name}: davit {words[0]}")
            flags = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
            self.assertLessEqual(flags, commands()[path].options, name)
        self.assertLessEqual({"README.md", "job-definition.json", "kubernetes-cronjob.yaml", "kubernetes-indexed-job.yaml",
                              "github-actions.yml"}, seen)

    def test_flags_that_the_page_names_exist(self):
        known = set().union(*(command.options for command in commands().values()))
        foreign = {"--init", "--cluster-name", "--namespace", "--service-account", "--role-arn", "--name", "--value"}  # docker's and aws's
        self.assertLessEqual(set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", deployed(".md")["README.md"])) - foreign, known)

    def test_the_number_of_parts_is_the_same_everywhere_in_a_form(self):
        self.need_yaml()
        job = documents()["kubernetes-indexed-job.yaml"][0]["spec"]
        self.assertIn(f"--shard={job['completions']}", job["template"]["spec"]["containers"][0]["args"])
        self.assertEqual(job["completionMode"], "Indexed")
        command = json.loads(deployed(".json")["job-definition.json"])["containerProperties"]["command"]
        size = re.search(r"--array-properties size=(\d+)", deployed(".sh")["submit.sh"])[1]
        self.assertEqual(command[command.index("--shard") + 1], size)
        matrix = documents()["github-actions.yml"][0]["jobs"]["mirror"]
        count = len(matrix["strategy"]["matrix"]["shard"])
        self.assertEqual(matrix["strategy"]["matrix"]["shard"], list(range(count)))
        self.assertIn("--shard ${{ matrix.shard }}/%d " % count, matrix["steps"][1]["run"])

    def test_volumes_and_files_of_the_pods_fit(self):
        self.need_yaml()
        for name, found in documents().items():
            for pod in (node for node in nodes(found) if "containers" in node):
                with self.subTest(name):
                    volumes = {volume["name"] for volume in pod["volumes"]}
                    for container in pod["containers"] + pod.get("initContainers", []):
                        self.assertLessEqual({mount["name"] for mount in container["volumeMounts"]}, volumes)
                        self.assertTrue(container["securityContext"]["readOnlyRootFilesystem"])
                    writable = {mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"] if not mount.get("readOnly")}
                    written = [arg.partition("=")[2] for arg in pod["containers"][0]["args"] if re.match("--(metrics|undo-record)=", arg)]
                    self.assertLessEqual({os.path.dirname(path) for path in written}, writable)
                    self.assertGreaterEqual(pod["terminationGracePeriodSeconds"], 30)

    def test_only_a_form_with_a_record_prunes(self):
        self.need_yaml()
        for name, text in mirror_files():
            prunes = "prune:" in text
            recorded = any("--undo-record" in word for file, words in all_commands() if file == name for word in words)
            self.assertEqual(prunes, recorded, name)

    def test_the_policies_name_actions_that_ecr_has(self):
        folder = os.path.join(SOURCE, "lib/emulator/ecr")
        known = set()
        for name in os.listdir(folder):
            if name.startswith("api_") and name.endswith(".cc") and name != "api_gallery.cc":
                known |= set(re.findall(r'all\["(\w+)"\]', text_of("lib/emulator/ecr/" + name)))
        self.assertIn("PutImage", known)
        policies = [name for name in deployed(".json") if name.startswith("iam-")]
        self.assertEqual(len(policies), 6)
        for name in policies:
            for statement, listed in actions(name).items():
                for action in listed:
                    service, _, operation = action.partition(":")
                    self.assertIn(service, ("ecr", "sts"), f"{name}: {statement}")
                    if service == "ecr":
                        self.assertIn(operation, known, f"{name}: {statement}")
        shared = actions("iam-source-repository-policy.json")["MirrorReads"]
        self.assertEqual(shared, actions("iam-source.json")["Read"])

    def push(self, env, name, *own):
        pushed = davit("push", "-q", "--create-repo", write_image("deploy", own[0].encode()), name, environment=env)
        self.assert_code(pushed, 0)

    def test_a_run_asks_for_what_the_policies_allow_and_they_allow_nothing_else(self):
        self.need_yaml()
        source, target = Ecr("111111111111", "eu-west-1"), Ecr("222222222222", "us-east-1")
        self.addCleanup(source.stop)
        self.addCleanup(target.stop)
        env = {**{key: source.env[key] for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION")},
               "AWS_ENDPOINT_URL_STS": source.env["AWS_ENDPOINT_URL"],
               "DAVIT_ECR_REGISTRIES": source.env["DAVIT_ECR_REGISTRIES"] + " " + target.env["DAVIT_ECR_REGISTRIES"]}
        files = dict(mirror_files())
        self.assertEqual(set(files), {"mirror.yaml", "kubernetes-cronjob.yaml"})
        record = os.path.join(SCRATCH, "deploy-undo")
        asked = {"iam-source.json": set(), "iam-target.json": set()}

        def run(name, *expected):
            path = os.path.join(SCRATCH, "deploy.yaml")
            with open(path, "w", encoding="utf-8") as file:
                file.write(files[name].replace(SOURCE_HOST, source.host).replace(TARGET_HOST, target.host))
            done = davit("mirror", "-f", path, "--json", "--progress", "none", "--undo-record", record, environment=env)
            self.assert_code(done, 0)
            asked["iam-source.json"] |= source.asked()
            asked["iam-target.json"] |= target.asked()
            results = [json.loads(line) for line in done.stdout.splitlines()[:-1]]
            self.assertEqual(sorted({each["result"] for each in results}), sorted(expected), name)

        def push(*name_and_content):
            self.push(env, *name_and_content)
            source.asked(), target.asked()

        for repository in ("api", "web"):  # two with one layer: the second gets it by mounting
            push(f"{source.host}/team/{repository}:1", "shared")
        push(f"{source.host}/team/api:latest", "first")
        push(f"{source.host}/team/api:dev-1", "never copied")
        run("mirror.yaml", "copied")
        run("mirror.yaml", "unchanged")
        push(f"{source.host}/team/api:2", "a new image in a repository that is there")
        push(f"{source.host}/team/api:latest", "a tag that moves")
        run("mirror.yaml", "copied", "unchanged")
        push(f"{target.host}/mirror/team/api:old", "not at the source")
        run("kubernetes-cronjob.yaml", "deleted", "unchanged")
        undone = davit("mirror", "--undo", record, environment=env)
        self.assert_code(undone, 0)
        asked["iam-target.json"] |= target.asked()

        for policy, seen in asked.items():
            allowed = set().union(*actions(policy).values())
            self.assertLessEqual(seen, allowed, policy)
            left = allowed - seen - (BEHIND_OTHERS if policy == "iam-target.json" else set())
            self.assertEqual(left, set(), f"{policy} allows what nobody asked for")

    def test_the_image_has_what_the_program_is_linked_with(self):
        dockerfile = text_of("docs/deploy/Dockerfile").replace("\\\n", " ")
        building, running = (set(line.split()) for line in re.findall(r"--no-install-recommends (.*)", dockerfile))
        wanted = re.search(r'\[build\]="([^"]*)"', text_of("tools/dev/packages.sh"))[1]
        self.assertEqual(building, set(wanted.split()))
        if not (shutil.which("readelf") and shutil.which("dpkg-query") and shutil.which("ldd")):
            self.skipTest("no Debian")
        needed = set(re.findall(r"NEEDED.*\[(.*)\]", subprocess.run(["readelf", "-d", DAVIT], capture_output=True, text=True, check=True).stdout))
        paths = dict(re.findall(r"(\S+) => (\S+)", subprocess.run(["ldd", DAVIT], capture_output=True, text=True, check=True).stdout))
        base = {"libc6", "libgcc-s1"}  # of which every Debian image is made
        for library in needed & set(paths):
            # Debian's files are in /usr/lib or /lib, which are the same folder.
            path = os.path.realpath(paths[library]).removeprefix("/usr")
            owners = subprocess.run(["dpkg-query", "--search", path, "/usr" + path], capture_output=True, text=True, check=False).stdout
            owner = owners.partition(":")[0]
            self.assertIn(owner, running | base, library)
