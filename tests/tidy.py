#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the rules of the house over the whole tree, in about a second.

usage: tests/tidy.py [--tap] [FOLDER]

Prints `file:line: rule: what is wrong; what to do instead` and exits with 1 when there is anything
to say. With --tap one TAP point for each rule. docs/TESTING.md tells how to add a rule; each has a
planted violation in tests/tidy_test.py.
"""
import os
import re
import subprocess
import sys

COLUMNS, FILE_LINES, HEADER_LINES, FUNCTION_LINES, PARAMETERS = 100, 1000, 400, 100, 6
SPDX = "SPDX-License-Identifier: Apache-2.0"
TEXT_SUFFIXES = (".c", ".h", ".md", ".py", ".sh", ".build", ".txt", ".yaml", ".yml", ".json",
                 ".js", ".mjs", ".jsx", ".css", ".html")
PAGE_SUFFIXES = (".js", ".mjs", ".jsx", ".css", ".html")
WRITTEN_BY_TOOLS = ("package-lock.json",)
TEXT_NAMES = ("GNUmakefile", "packages", "ROOMS", "run")

# Rooms whose job is the outside, and the one file of a program that wires it.
WORLD_ROOMS = ("os/linux",)
PROGRAM_ROOMS = ("ebbd", "ebb-vold", "ebb")
EXEMPT = ("src/base/test.c", "src/base/fuzz_replay.c", "src/base/scarce.c", "src/base/plant.c")

# Calls that reach around the world that was passed in: name -> what to do instead.
CALLS = {}
for advice, names in {
        "ask the struct clock that was passed in (os/clock.h)":
        "clock_gettime time gettimeofday clock ftime",
        "use base/rng.h for repeatable numbers, os/dice.h for secrets":
        "random rand rand_r srand srandom drand48 getrandom getentropy arc4random",
        "set a timer of the struct loop that was passed in (os/loop.h)":
        "sleep usleep nanosleep clock_nanosleep",
        "use the struct disk that was passed in (os/disk.h)":
        "open open64 openat openat2 creat fopen freopen opendir fdopendir",
        "use the struct net that was passed in (os/net.h)":
        "socket socketpair accept accept4 connect bind",
        "use the struct procs that was passed in (os/procs.h)":
        "fork vfork clone execl execle execlp execv execve execvp execvpe execveat fexecve "
        "posix_spawn posix_spawnp system popen",
        "give a struct task to the loop (os/loop.h)":
        "pthread_create thrd_create",
        "take the value as an argument; only main() reads the environment":
        "getenv secure_getenv setenv putenv",
        "return an error with a struct why; only programs print":
        "printf vprintf puts putchar perror fprintf vfprintf fputs dprintf warn warnx err errx "
        "syslog",
}.items():
    for call in names.split():
        CALLS[call] = advice
# A test may use real parts, but no hidden time and no luck that its seed does not name.
NOT_IN_TESTS = set("clock_gettime time gettimeofday ftime random rand rand_r srand srandom drand48 "
                   "getrandom getentropy arc4random sleep usleep nanosleep clock_nanosleep".split())
UNSAFE = {name: "use base/str.h, snprintf() or memcpy() with a length"
          for name in "strcpy stpcpy strcat sprintf vsprintf gets alloca strdupa strtok".split()}

# Split so that this file does not find itself.
UNFINISHED = re.compile(r"\b(" + "|".join(["TO" "DO", "FIX" "ME", "XX" "X", "HA" "CK"]) + r")\b")
VAGUE = re.compile(r"\b(for\s+now|placeholder|stub|not\s+yet\s+implemented)\b", re.I)

TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"]*)"', re.M)
NOT_CALLS = {"if", "while", "for", "switch", "return", "sizeof", "__attribute__", "_Alignas"}


def blank(text):
    return re.sub(r"[^\n]", " ", text)


class Source:
    """One C file: its text, and the same text without comments, and without strings too."""

    def __init__(self, tree, path):
        self.path = path
        self.text = tree.text[path]
        self.comments = []
        self.bare = TOKEN.sub(self.without_comment, self.text)
        self.code = TOKEN.sub(lambda m: '"' + blank(m[0])[2:] + '"' if m[0][0] == '"' else
                              blank(m[0]), self.text)
        # Preprocessor lines, continued ones too, are no statements.
        self.statements = re.sub(r"^[ \t]*#(?:.*\\\n)*.*", lambda m: blank(m[0]), self.code,
                                 flags=re.M)
        inside = path[4:] if path.startswith("src/") else ""
        self.room = next((r for r in sorted(tree.rooms, key=len, reverse=True)
                          if inside.startswith(r + "/")), None)
        self.is_test = bool(re.search(r"_(test|fuzz)\.[ch]$", path)) or \
            path.startswith(("bench/", "tests/"))
        self.is_main = self.room in PROGRAM_ROOMS and path.endswith("/main.c")

    def without_comment(self, match):
        if match[0][0] != "/":
            return match[0]
        self.comments.append((line_at(self.text, match.start()), match[0]))
        return blank(match[0])


def line_at(text, offset):
    return text.count("\n", 0, offset) + 1


class Tree:
    """All text files beneath a folder, read once."""

    def __init__(self, top):
        self.top = top
        self.found = []
        self.text = {}
        for path in self.list_files():
            name = os.path.basename(path)
            if (name.endswith(TEXT_SUFFIXES) or name in TEXT_NAMES) and \
                    name not in WRITTEN_BY_TOOLS:
                # Inputs as they came, and texts as programs print them.
                if not path.startswith(("tests/corpus/", "tests/golden/")):
                    with open(os.path.join(top, path), encoding="utf-8", newline="") as file:
                        self.text[path] = file.read()
        self.rooms, self.room_lines = self.read_rooms()
        self.sources = [Source(self, p) for p in sorted(self.text) if p.endswith((".c", ".h"))]

    def list_files(self):
        """What git knows or would add; without git everything."""
        if os.path.exists(os.path.join(self.top, ".git")):
            git = subprocess.run(["git", "-C", self.top, "ls-files", "-co", "--exclude-standard"],
                                 stdout=subprocess.PIPE, text=True, check=False)
            if git.returncode == 0:
                return [p for p in git.stdout.splitlines()
                        if os.path.isfile(os.path.join(self.top, p))]
        return [os.path.relpath(os.path.join(folder, name), self.top)
                for folder, _, names in os.walk(self.top) for name in names
                if not re.search(r"/(\.git|build[^/]*)(/|$)", folder)]

    def read_rooms(self):
        rooms, lines = {}, {}
        for number, line in enumerate(self.text.get("src/ROOMS", "").splitlines(), 1):
            match = re.match(r"([\w/-]+):\s*(.*)$", line)
            if line.startswith(" ") and rooms:  # what the line above had no room for
                rooms[list(rooms)[-1]] += line.split()
            if match:
                rooms[match[1]] = match[2].split()
                lines[match[1]] = number
        return rooms, lines

    def say(self, path, line, rule, text):
        self.found.append((path, line, rule, text))


def check_rooms(tree):
    """rooms: src/ROOMS names folders that are there, each below those that use it"""
    known = set()
    for room, allowed in tree.rooms.items():
        where = ("src/ROOMS", tree.room_lines[room], "rooms")
        for other in allowed:
            if other not in known:
                why = "stands below or in a circle" if other in tree.rooms else "is no room"
                tree.say(*where, f"{room} may include {other}, which {why}; "
                         "let rooms name only rooms that stand above them")
        known.add(room)
        if not any(p.startswith(f"src/{room}/") for p in tree.text):
            tree.say(*where, f"{room} has no folder src/{room}; remove the line or add the room")
    for path in tree.text:
        folder = os.path.dirname(path)[4:] if path.startswith("src/") else ""
        if folder and path.endswith(("meson.build", ".c", ".h")) and folder not in tree.rooms:
            tree.say(path, 1, "rooms", f"src/{folder} is no room; add a line to src/ROOMS")


def check_includes(tree):
    """include: what a file includes is allowed by src/ROOMS and spelled "room/file.h\""""
    for source in tree.sources:
        for match in INCLUDE.finditer(source.bare):
            check_include(tree, source, match[1], line_at(source.text, match.start()))


def check_include(tree, source, name, line):
    where = (source.path, line, "include")
    # The parts of one big benchmark or test share headers that are no room's.
    top = name.split("/")[0]
    if top in ("bench", "tests") and source.path.startswith(top + "/") and name in tree.text:
        return
    room = next((r for r in sorted(tree.rooms, key=len, reverse=True)
                 if os.path.dirname(name) == r), None)
    if room is None:
        tree.say(*where, f'"{name}" names no room; write "room/file.h", or <file.h> for a library')
    elif f"src/{name}" not in tree.text:
        tree.say(*where, f'"{name}" is not there; correct the name')
    elif name == "base/test.h":
        if not source.is_test and source.path != "src/base/test.c":
            tree.say(*where, "base/test.h is for tests; move what is needed out of it")
    elif source.room and room != source.room and room not in tree.rooms[source.room]:
        if not (source.is_test and room == "sim"):
            tree.say(*where, f"{source.room} may not include {room} (src/ROOMS); "
                     "pass the thing in, or move the code to a room that may")


def check_calls(tree):
    """call: no call that reaches around the world that was passed in"""
    pattern = re.compile(r"(?<![\w.>])(" + "|".join(CALLS) + r")\s*\(")
    for source in tree.sources:
        if source.room in WORLD_ROOMS or source.is_main or source.path in EXEMPT:
            continue
        if source.path.startswith("bench/"):
            continue
        for match in pattern.finditer(source.code):
            name = match[1]
            if source.is_test and name not in NOT_IN_TESTS:
                continue
            if CALLS[name].endswith("only programs print") and (
                    source.room == "ebb" or source.path == "src/base/must.c"):
                continue
            tree.say(source.path, line_at(source.code, match.start()), "call",
                     f"{name}() is not called here; {CALLS[name]}")


def check_unsafe(tree):
    """unsafe: no call that writes without knowing how far it may"""
    pattern = re.compile(r"(?<![\w.>])(" + "|".join(UNSAFE) + r")\s*\(")
    for source in tree.sources:
        for match in pattern.finditer(source.code):
            tree.say(source.path, line_at(source.code, match.start()), "unsafe",
                     f"{match[1]}() is used nowhere; {UNSAFE[match[1]]}")


def check_mmap(tree):
    """mmap: files are written by writes, whose errors are seen, not through shared memory"""
    for source in tree.sources:
        if source.room in WORLD_ROOMS:
            continue
        for match in re.finditer(r"\bmmap\s*\(([^;]*);", source.code):
            if "MAP_SHARED" in match[1] and "PROT_WRITE" in match[1]:
                tree.say(source.path, line_at(source.code, match.start()), "mmap",
                         "a file is written through shared memory, where no error is seen; "
                         "use file_write_full() and file_sync()")


def parameters(text):
    """How many parameters stand in the text between a declaration's parentheses."""
    depth = 0
    count = 1
    for char in text:
        depth += (char in "([{") - (char in ")]}")
        count += char == "," and depth == 0
    return count


def check_sizes(tree):
    """size: files, headers, functions, lines and parameter lists that still fit a head"""
    for path, text in tree.text.items():
        limit = HEADER_LINES if path.endswith(".h") else FILE_LINES
        lines = text.splitlines()
        if len(lines) > limit:
            tree.say(path, limit + 1, "size", f"{len(lines)} lines are more than {limit}; "
                     "split it by what its parts are about")
        if path.endswith(".md"):
            continue
        for number, line in enumerate(lines, 1):
            width = len(line.expandtabs(8))
            if width > COLUMNS:
                tree.say(path, number, "size", f"{width} columns are more than {COLUMNS}; "
                         "break the line")
    for source in tree.sources:
        check_function_sizes(tree, source)


def check_function_sizes(tree, source):
    start = None
    for number, line in enumerate(source.statements.split("\n"), 1):
        if line.rstrip() == "{":
            start = number
        elif line.startswith("}") and start:
            if number - start + 1 > FUNCTION_LINES:
                tree.say(source.path, start, "size", f"{number - start + 1} lines of function are "
                         f"more than {FUNCTION_LINES}; split it by its steps")
            start = None
    head = re.compile(r"(?:^[\w][^;{}()=]*?\b(\w+)|\(\*(\w+)\))\s*\(((?:[^();{}]|\([^()]*\))*)\)"
                      r"\s*(?:[;{,]|__attribute__)", re.M)
    for match in head.finditer(source.statements):
        name = match[1] or match[2]
        count = parameters(match[3])
        dictated = "struct MHD_Connection" in match[3]  # by libmicrohttpd, which calls it
        if name not in NOT_CALLS and count > PARAMETERS and not dictated:
            tree.say(source.path, line_at(source.code, match.start(1 if match[1] else 2)), "size",
                     f"{name}() has {count} parameters, more than {PARAMETERS}; "
                     "pass a struct of options")


def check_heads(tree):
    """head: each file begins with its licence and says what it is for"""
    for path, text in tree.text.items():
        if path.endswith((".c", ".h")):
            if not text.startswith(f"/* {SPDX} */\n"):
                tree.say(path, 1, "head", f"the licence is missing; begin with /* {SPDX} */")
            elif not re.match(r".*\n/\*(?:[^*]|\*(?!/))*\w{2}", text):
                tree.say(path, 2, "head", "no comment says what the file is for; "
                         "write it below the licence")
            guard = "EBB_" + re.sub(r"\W", "_", path[4:]).upper()
            if path.startswith("src/") and path.endswith(".h") and \
                    f"#ifndef {guard}\n#define {guard}\n" not in text:
                tree.say(path, 1, "head", f"the include guard is not {guard}; call it so")
        elif path.endswith(PAGE_SUFFIXES):
            if SPDX not in "".join(text.splitlines(True)[:2]):
                tree.say(path, 1, "head", f"the licence is missing; begin with {SPDX}")
        elif path.endswith((".py", ".sh", "meson.build")) or path == "GNUmakefile":
            if SPDX not in "".join(text.splitlines(True)[:2]):
                tree.say(path, 1, "head", f"the licence is missing; begin with # {SPDX}")
            elif path.endswith((".py", ".sh")) and \
                    not re.search(r'^("""|# )[A-Z]', "\n".join(text.splitlines()[2:4]), re.M):
                tree.say(path, 3, "head", "no comment says what the file is for; "
                         "write it below the licence")


def check_readmes(tree):
    """readme: each room's README.md names its files, and only those that are there"""
    for room in tree.rooms:
        readme = f"src/{room}/README.md"
        sources = [s for s in tree.sources if s.room == room and not s.is_test]
        if not sources:
            continue
        if readme not in tree.text:
            tree.say(f"src/{room}", 1, "readme", "the room has no README.md; say what it is, what "
                     "it is not, its invariants, and its files in reading order")
            continue
        text = tree.text[readme]
        for source in sources:
            stem = os.path.basename(source.path)[:-2]
            if not re.search(rf"(?<![\w-]){re.escape(stem)}(\.[ch]\b|`)", text):
                tree.say(readme, 1, "readme", f"{stem}{source.path[-2:]} is not named; "
                         "add it in reading order")
    for path in tree.text:
        if path.endswith("README.md") and path.startswith("src/"):
            check_names_in(tree, path)


def check_names_in(tree, path):
    text = tree.text[path]
    for match in re.finditer(r"`([\w./-]+\.(?:c|h|py|sh|md|build))`", text):
        folder = os.path.dirname(path)
        name = match[1]
        if not any(os.path.exists(os.path.join(tree.top, base, name))
                   for base in (folder, "src", "")):
            tree.say(path, line_at(text, match.start()), "readme",
                     f"{name} is not there; remove or correct the name")


def check_dead(tree):
    """dead: each .c is named in a meson.build, each header is included, each script is started"""
    builds = "\n".join(t for p, t in tree.text.items() if p.endswith("meson.build"))
    starters = builds + "\n".join(
        t for p, t in tree.text.items()
        if p in ("GNUmakefile", ".ci/run") or p.startswith(("docs/", "tests/")))
    included = {m[1] for s in tree.sources for m in INCLUDE.finditer(s.bare)}
    for source in tree.sources:
        name = os.path.basename(source.path)
        if name.endswith(".h"):
            if source.path.removeprefix("src/") not in included:
                tree.say(source.path, 1, "dead", "nobody includes this header; "
                         "include it where it is used, or remove it")
            continue
        stem = re.escape(name[:-2])
        spelled = rf"'(?:[\w/.-]*/)?{stem}(?:\.c)?'"
        ending = re.search(r"_(test|fuzz)$", name[:-2])
        if ending:
            spelled += rf"|'{re.escape(name[:-2 - len(ending[0])])}'"
        if not re.search(spelled, builds):
            tree.say(source.path, 1, "dead", "no meson.build names this file; "
                     "add it to the room's, or remove it")
    for path in tree.text:
        if path.startswith("tests/") and path.endswith((".py", ".sh")):
            others = starters.replace(tree.text[path], "")
            if os.path.basename(path) not in others:
                tree.say(path, 1, "dead", "nothing starts this script; "
                         "name it in a meson.build or the GNUmakefile, or remove it")


def top_level(text):
    """Yields (offset, statement) for what stands outside all braces; functions are left out."""
    depth, start, head = 0, 0, ""
    for match in re.finditer(r"[{};]", text):
        before = text[start:match.start()]
        if match[0] == "{":
            if depth == 0:
                head, begin = before, start
            depth += 1
        elif match[0] == "}":
            depth -= 1
            start = match.end()
            if depth == 0 and "(" in head.split("=")[0]:
                head = ""
        elif depth == 0:
            yield (begin, f"{head}{{}} {before}") if head else (start, before)
            head, start = "", match.end()


def is_mutable(statement):
    """Whether this declaration defines a variable that can change; {} stands for any braces."""
    statement = re.sub(r"\b(__attribute__|_Alignas)\s*\((?:[^()]|\([^()]*\))*\)+", " ", statement)
    before = re.split(r"[=\[]", statement)[0]
    if re.match(r"\s*(typedef|extern|_Static_assert)\b", before):
        return False
    if "(" in before:
        pointer_to_function = re.match(r"[^(]*\(\s*\*(\s*const\b)?", before)
        return bool(pointer_to_function) and not pointer_to_function[1]
    if "{}" in before and not re.search(r"\w", before.split("{}")[1]):
        return False  # a type without a variable
    words = re.findall(r"\w+|\*", before)
    types = [word for word in words[:-1] if word not in ("static", "const", "*")]
    if not types or ("{}" not in before and types in (["struct"], ["union"], ["enum"])):
        return False  # no declaration, or one of a type
    last = words[len(words) - words[::-1].index("*"):] if "*" in words else words
    return "const" not in last


def check_state(tree):
    """state: no variable outlives the structs that were passed in"""
    for source in tree.sources:
        if source.is_test or source.is_main or source.path in EXEMPT or source.room is None:
            continue
        for offset, statement in top_level(source.statements):
            if is_mutable(statement):
                say_state(tree, source, offset + len(statement) - len(statement.lstrip()))
        for match in re.finditer(r"^[ \t]+static\s+(?!inline\b|_Noreturn\b)([^;{]*)",
                                 source.statements, re.M):
            if is_mutable(match[1]):
                say_state(tree, source, match.start(1))


def say_state(tree, source, offset):
    tree.say(source.path, line_at(source.code, offset), "state",
             "this variable is state of the module; put it into a struct that is passed in, "
             "or make it const")


# A function that other files see: its head begins a line, its brace has one of its own.
GLOBAL = re.compile(r"^(?!static\b|typedef\b|extern\b)[A-Za-z_][^;{}()=]*?\b(\w+)\s*"
                    r"\((?:[^(){};]|\([^()]*\))*\)\s*\n\{", re.M)


def check_globals(tree):
    """globals: no two rooms give the same name to a function that others see"""
    first = {}
    for source in tree.sources:
        if source.is_test or source.room is None or not source.path.endswith(".c"):
            continue
        for match in GLOBAL.finditer(source.statements):
            name, room = match[1], source.room
            other = first.setdefault(name, room)
            if name != "main" and other != room and not {room, other} <= set(PROGRAM_ROOMS):
                tree.say(source.path, line_at(source.code, match.start(1)), "globals",
                         f"{name}() is one of {other}, too: a program that links both takes "
                         "one of them; rename it")


def check_words(tree):
    """words: finished work only: no marks of things left undone, no merge conflicts"""
    for path, text in tree.text.items():
        for match in UNFINISHED.finditer(text):
            tree.say(path, line_at(text, match.start()), "words",
                     f"{match[1]} marks unfinished work; finish it, or open an issue")
        for match in re.finditer(r"^(<{7} |={7}$|>{7} )", text, re.M):
            tree.say(path, line_at(text, match.start()), "words",
                     "a merge conflict was left; resolve it")
    for source in tree.sources:
        for line, comment in source.comments:
            for match in VAGUE.finditer(re.sub(r"\n\s*\*", "\n  ", comment)):
                at = line + comment.count("\n", 0, match.start())
                words = " ".join(match[1].split())
                tree.say(source.path, at, "words",
                         f'"{words}" says that something is unfinished; say how it is')


def check_space(tree):
    """space: no blanks at the end of a line, no carriage return, a newline at the end"""
    for path, text in tree.text.items():
        for match in re.finditer(r"[ \t\r]+$", text, re.M):
            tree.say(path, line_at(text, match.start()), "space",
                     "blanks end the line; remove them")
        if text and not text.endswith("\n"):
            tree.say(path, text.count("\n") + 1, "space",
                     "the last line does not end; add a newline")
        if text.endswith("\n\n"):
            tree.say(path, text.count("\n"), "space", "empty lines end the file; remove them")


RULES = (check_rooms, check_includes, check_calls, check_unsafe, check_mmap, check_sizes,
         check_heads, check_readmes, check_dead, check_state, check_globals, check_words,
         check_space)


def main(arguments):
    tap = "--tap" in arguments
    folders = [a for a in arguments if not a.startswith("--")]
    tree = Tree(folders[0] if folders else os.path.join(os.path.dirname(__file__), ".."))
    if tap:
        print(f"TAP version 13\n1..{len(RULES)}")
    total = 0
    for number, rule in enumerate(RULES, 1):
        tree.found = []
        rule(tree)
        for path, line, name, text in sorted(set(tree.found)):
            print(f"{'# ' if tap else ''}{path}:{line}: {name}: {text}")
        if tap:
            print(f"{'not ok' if tree.found else 'ok'} {number} - {rule.__doc__}")
        total += len(tree.found)
    if not tap:
        print(f"{len(tree.text)} files, {total} to mend")
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
