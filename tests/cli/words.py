"""What `--help` says there is, for tests that look whether everybody else says the same."""

import functools

from support import *


class Command:
    def __init__(self, path):
        self.path = path
        self.text = davit(*path, "--help").stdout
        heading, self.options, self.words, self.headings = "", set(), [], []
        for line in self.text.split("\n"):
            if re.match(r"\S.*:$", line):
                heading = line[:-1]
                self.headings.append(heading)
            option = re.match(r"  (?:(-\w), |    )(--[a-z][a-z-]*)", line)
            if option:
                self.options |= {name for name in option.groups() if name}
            elif re.match(r"  [a-z]", line) and not re.match(r"(Arguments|Usage|.*[Oo]ptions)$", heading):
                if path == () or heading == "Commands":
                    self.words.append(line.split()[0])

    @property
    def page(self):
        return "-".join(("davit",) + self.path) + ".1"


@functools.cache
def commands():
    """All of them by their paths, as ("index", "create"); davit itself is ()."""
    found, left = {}, [()]
    while left:
        path = left.pop()
        found[path] = Command(path)
        left += [path + (word,) for word in found[path].words]
    return found
