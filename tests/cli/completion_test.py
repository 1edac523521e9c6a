"""What a shell offers when Tab is pressed. The shells that are not here are passed over."""

import shlex
import shutil

from words import *

SHELLS = ("bash", "fish", "zsh")
FOLDER = os.path.join(SCRATCH, "completion")

# Fills in what bash does before it calls a completion function. The last word is what the cursor stands behind.
BASH = r"""
. "$SCRIPT"
compopt() { :; }
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_davit davit "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\n' "${COMPREPLY[@]}"
"""

# A zsh on a terminal of its own, in which somebody types and then asks for the list.
ZSH = r"""
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'PS1=">"; autoload -Uz compinit; compinit -D -u; . $SCRIPT; bindkey "^I" list-choices; LISTMAX=9999; stty cols 200 row""s 999; echo RE""ADY'
zpty -r shell seen '*READY*>*'
zpty -w -n shell "$1"$'\t'
zpty -w -n shell $'\x15echo DO""NE\n'
zpty -r shell seen '*DONE*'
print -r -- $seen
"""


def need(shell):
    if not shutil.which(shell):
        raise unittest.SkipTest(f"{shell} is not here")


def script(shell):
    os.makedirs(os.path.join(FOLDER, "folder"), exist_ok=True)
    open(os.path.join(FOLDER, "file name.tar"), "w").close()
    path = os.path.join(SCRATCH, "davit." + shell)
    with open(path, "w") as out:
        out.write(davit("completion", shell).stdout)
    return path


def run(*line, **environment):
    return subprocess.run(line, capture_output=True, text=True, cwd=FOLDER, timeout=60, stdin=subprocess.DEVNULL,
                          env={**ENVIRONMENT, "TERM": "dumb", **environment})


def bash(line):
    """The line as bash cuts it: at spaces, and at = and : too."""
    words = shlex.split(line.rstrip()) + ([""] if line.endswith(" ") else [])
    parts = [part for word in words for part in (re.findall(r"[=:]|[^=:]+", word) or [""])]
    result = run("bash", "--norc", "--noprofile", "-c", BASH, "bash", *parts, SCRIPT=script("bash"))
    assert result.stderr == "", result.stderr
    return [answer for answer in result.stdout.split("\n") if answer]


def fish(line):
    result = run("fish", "--no-config", "-c", f"source $SCRIPT; complete -C {shlex.quote(line)}", SCRIPT=script("fish"))
    assert result.stderr == "", result.stderr
    return [answer.split("\t")[0] for answer in result.stdout.split("\n") if answer]


def zsh(line):
    result = run("zsh", "-f", "-c", ZSH, "zsh", line, SCRIPT=script("zsh"), PATH=os.path.dirname(DAVIT) + ":" + ENVIRONMENT["PATH"], TERM="xterm")
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", result.stdout)


class Completion(Case):
    def test_every_command_and_option_of_the_help_is_in_all_three(self):
        for shell in SHELLS:
            text = davit("completion", shell).stdout
            for path, command in commands().items():
                if path:
                    self.assertIn(path[-1], text)
                for option in command.options:
                    self.assertRegex(text, rf"-l {option[2:]}\b|-s {option[1:]}\b" if shell == "fish" else rf"{option}\b", shell)

    def test_the_scripts_have_no_errors(self):
        for shell in SHELLS:
            with self.subTest(shell):
                need(shell)
                result = run(shell, "-n", script(shell))
                self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_what_is_installed_is_what_the_command_prints(self):
        share = os.path.join(SCRATCH, "installed")
        self.assert_code(davit("generate", share), 0)
        for shell, path in (("bash", "bash-completion/completions/davit"), ("zsh", "zsh/site-functions/_davit"), ("fish", "fish/vendor_completions.d/davit.fish")):
            with open(os.path.join(share, path)) as installed:
                self.assertEqual(installed.read(), davit("completion", shell).stdout)

    def test_a_shell_that_is_not_known_is_refused(self):
        result = davit("completion", "tcsh")
        self.assert_code(result, 64)
        self.assertEqual(result.stdout, "")

    def test_bash(self):
        need("bash")
        self.assertEqual(bash("davit ind"), ["index"])
        self.assertEqual(set(bash("davit index ")), set(commands()[("index",)].words))
        self.assertEqual(set(bash("davit ")), set(commands()[()].words))
        self.assertEqual(bash("davit push --comp"), ["--compress"])
        for line in ("davit push --reuse ", "davit push --reuse="):
            self.assertEqual(bash(line), ["off", "tag", "repo", "verified"])
        self.assertEqual(bash("davit cp a b --reuse ver"), ["verified"])
        self.assertEqual(bash("davit push --tls-verify=f"), ["false"])
        self.assertEqual(bash("davit push --tls-verify f"), ["file name.tar", "folder"])
        self.assertEqual(bash("davit push --creds f"), [])
        self.assertEqual(bash("davit push f"), ["file name.tar", "folder"])
        self.assertEqual(bash("davit push oci:fo"), ["folder"])
        self.assertEqual(bash("davit serve f"), ["folder"])
        self.assertEqual(bash("davit login f"), [])
        self.assertEqual(bash("davit login --authfile fi"), ["file name.tar"])
        self.assertEqual(bash("davit login -p f"), [])
        self.assertEqual(bash("davit push -p linux/arm6"), ["linux/arm64"])
        self.assertEqual(bash("davit index remove --se"), [])
        self.assertEqual(bash("davit index annotate --se"), ["--set-platform"])
        self.assertEqual(bash("davit completion "), ["bash", "zsh", "fish"])
        self.assertEqual(bash("davit help dig"), [word for word in commands()[()].words if word.startswith("dig")])

    def test_every_option_is_offered_where_the_help_has_it(self):
        need("bash")
        for path, command in commands().items():
            with self.subTest(path):
                self.assertEqual(set(bash(" ".join(("davit",) + path) + " -")), command.options)

    def test_fish(self):
        need("fish")
        self.assertEqual(fish("davit ind"), ["index"])
        self.assertEqual(set(fish("davit index ")), set(commands()[("index",)].words))
        self.assertEqual(fish("davit push --comp"), ["--compress"])
        self.assertEqual(set(fish("davit cp --reuse ")), {"off", "tag", "repo", "verified"})
        self.assertEqual(fish("davit push --tls-verify="), ["--tls-verify=false", "--tls-verify=true"])
        self.assertEqual(fish("davit push f"), ["file name.tar", "folder/"])
        self.assertEqual(fish("davit serve f"), ["folder/"])
        self.assertEqual(fish("davit login f"), [])
        self.assertEqual(fish("davit index annotate --set"), ["--set-platform"])
        self.assertEqual(fish("davit index rm --set"), [])

    def test_zsh(self):
        need("zsh")
        for line, offered in (("davit ind", "index  --"), ("davit index ", "annotate  --"), ("davit push --comp", "--compress  --"), ("davit cp --reuse=", "verified"),
                              ("davit completion ", "fish"), ("davit index annotate --set", "--set-platform  --"), ("davit push ", "folder"),
                              ("davit index remove --to", "--to  --")):
            with self.subTest(line):
                self.assertIn(offered, zsh(line))
        self.assertNotIn("file name", zsh("davit login "))
