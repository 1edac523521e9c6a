#!/usr/bin/env python3
"""Checks that every file stays in its room: `layers.py SOURCE_DIR` prints what is wrong and fails if anything is.

The tables below are the whole list of what is allowed. A new arrow is a line here, with its reason, in the commit that
needs it, together with docs/architecture.md.
"""
import os
import re
import sys

# Room: the rooms it may include, besides itself, base and the public headers.
ARROWS = {
    "base": "",
    "crypto": "",
    "model": "",
    "io": "crypto",
    "tar": "io",
    "codec": "io crypto model tar",  # digests of what is compressed; the names of compressions; what a tar begins with
    "content": "io model",
    "net": "io crypto",  # the trust store
    "auth": "net model crypto",  # base64 of Basic credentials
    "aws": "auth net crypto registry content model",
    "config": "model",
    "registry": "content auth net model io",
    "layout": "content model io",
    "archive": "content model io codec tar",
    "rootfs": "content model io codec tar crypto",  # hashes of files
    "compose": "content io model",  # documents that were edited, as contents
    "transfer": "content io codec model crypto",  # diff_ids of reused layers
    "mirror": "codec content crypto model registry transfer",  # base64 of what was deleted
    "client": "archive auth aws base codec compose config content crypto io layout look mirror model net registry tar transfer",
    "look": "content io codec model crypto tar",  # what layers unpack to
    "emulator": "model content layout io crypto",
}

# Third-party headers (as the beginning of what stands between the brackets): where they may be included.
OWNERS = {
    "curl/": "lib/net/",
    "openssl/": "lib/crypto/ lib/emulator/",
    "zlib.h": "lib/codec/",
    "zstd": "lib/codec/",
    "libdeflate.h": "lib/codec/",
    "libpsl.h": "lib/auth/",
    "yaml": "lib/config/",
    "CLI/": "tools/",
    "nlohmann/": "lib/ tools/",
}

EMULATOR = "davit/emulator.h"  # the header of a library of its own

LONGEST = 800
LONG_REASON = "over %d lines because" % LONGEST  # in the first lines of a file that needs more
BANNED_NAMES = re.compile(r"(^|_)(utils?|misc|common|manager)(_|$)")
STRAY = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b(?!\(#\d+\))")
TEST_NAME = re.compile(r'TEST_CASE\("[^"]*[;\[\]]')
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')
NAMESPACE = re.compile(r"^\s*namespace\s+davit::(\w+)")
STANDARD = re.compile(r"^[a-z_]+$")
CODE = (".cc", ".h", ".in")
TEXT = CODE + (".py", ".sh", ".cmake", ".txt")


def files(root, folders, endings):
    for folder in folders:
        for where, names, found in os.walk(os.path.join(root, folder)):
            names.sort()
            for name in sorted(found):
                if name.endswith(endings):
                    yield os.path.relpath(os.path.join(where, name), root)


def lines_of(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read().splitlines()


def room_of(path):
    """'net' for lib/net/x.cc, 'include' for a public header, 'tools' for the command."""
    parts = path.split("/")
    if path.startswith("lib/emulator/include/"):
        return "include"
    return parts[1] if parts[0] == "lib" and len(parts) > 2 else parts[0]


def check_include(path, bracket, target):
    room = room_of(path)
    if target == EMULATOR and not path.startswith(("lib/emulator/", "tools/")):
        return "nothing in the library includes the emulator"
    if room == "include":
        if not (bracket == "<" and (STANDARD.match(target) or target.startswith("davit/"))):
            return "a public header includes more than std and davit"
        return None
    if target == "nlohmann/json.hpp" and not path.endswith(".cc"):
        return "the JSON library belongs into .cc files"
    for prefix, owners in OWNERS.items():
        if bracket == "<" and target.startswith(prefix) and not path.startswith(tuple(owners.split())):
            return "this library is not used here"
    if target.startswith("davit/") and bracket != "<":
        return "public headers are included with angle brackets"
    if room == "tools":
        if bracket == '"' and target.split("/")[0] in ARROWS and "/" in target:
            return "tools use public headers only"
        return None
    if bracket == '"':
        target_room = target.split("/")[0]
        if "/" not in target or target_room not in ARROWS:
            return "no such room"
        if target_room not in (room, "base") and target_room not in ARROWS[room].split():
            return "%s must not include %s" % (room, target_room)
    return None


def declares_only(following, other, room):
    """Whether the namespace that was just opened holds forward declarations of a room that may be included."""
    allowed = other in ARROWS.get(room, "").split()
    for line in following:
        if line.startswith("}"):
            return allowed
        if not re.match(r"(class|struct) \w+;$", line):
            return False
    return False


def is_run(root, path, stem):
    try:
        text = "\n".join(lines_of(root, os.path.join(os.path.dirname(path), "CMakeLists.txt")))
    except FileNotFoundError:
        return False
    return re.search(r"\b%s\b" % stem, text) or re.search(r"\b%s\b" % stem.rpartition("_")[0], text)


def check(root):
    problems = []

    def complain(path, number, text):
        problems.append("%s:%d: %s" % (path, number, text))

    for path in files(root, ["lib", "tools"], CODE):
        room = room_of(path)
        if room not in ARROWS and room not in ("include", "tools"):
            complain(path, 1, "a room that the table does not know")
            continue
        lines = lines_of(root, path)
        for number, line in enumerate(lines, 1):
            include = INCLUDE.match(line)
            problem = check_include(path, *include.groups()) if include else None
            if problem:
                complain(path, number, "%s: %s" % (problem, line.strip()))
            namespace = NAMESPACE.match(line)
            expected = {"tools": "tool"}.get(room, room)
            if namespace and namespace.group(1) != expected and not declares_only(lines[number:], namespace.group(1), room):
                complain(path, number, "namespaces follow folders: %s" % line.strip())

    for path in files(root, ["lib", "tools", "tests", "cmake", "testdata"], TEXT):
        lines = lines_of(root, path)
        if len(lines) > LONGEST and not any(LONG_REASON in line for line in lines[:10]):
            complain(path, 1, "%d lines, and no reason at the top" % len(lines))
        stem = os.path.splitext(os.path.basename(path))[0]
        if path.startswith("tests/") and stem.endswith(("_test", "_fuzz")) and not is_run(root, path, stem):
            complain(path, 1, "a test that nobody runs: the CMakeLists.txt beside it does not name it")
        if BANNED_NAMES.search(stem):
            complain(path, 1, "a name that says nothing")
        for number, line in enumerate(lines, 1):
            if path.startswith("tests/") and TEST_NAME.match(line):
                complain(path, number, "CTest would take this name for two, and run neither: %s" % line.strip())
            if STRAY.search(line):
                complain(path, number, "unfinished, without an issue number: %s" % line.strip())
    return problems


def main():
    found = check(sys.argv[1])
    for problem in found:
        print(problem)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
