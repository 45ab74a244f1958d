#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests tests/tidy.py: a tiny clean tree passes, and each violation planted in it is found.

A case is a name, the file that is written anew (or removed, when there is no text), and the one
line that tidy must say; everything else in the tree stays clean. What must not be found has an
empty line.
"""
import os
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tidy  # noqa: E402

C_HEAD = "/* SPDX-License-Identifier: Apache-2.0 */\n"
HEAD = C_HEAD + "/* What it is for. */\n"  # two lines: a body begins on line 3
SH_HEAD = "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n"


def header(guard, body="", include=""):
    return f"{HEAD}#ifndef {guard}\n#define {guard}\n{include}{body}#endif\n"


CLEAN = {
    "GNUmakefile": "# SPDX-License-Identifier: Apache-2.0\ncheck:\n\ttests/x.sh\n",
    "src/ROOMS": "# rooms\nbase:\nos:   base\nos/linux:  base os\nsim: base os\nebb:  base os\n",
    "src/meson.build": "# SPDX-License-Identifier: Apache-2.0\nfiles('base/a.c', 'os/o.c', "
                       "'os/linux/l.c',\n'ebb/main.c', 'ebb/show.c', 'base/a_test.c')\n"
                       "files('base/test.c', 'sim/s.c')\n",
    "src/base/a.h": header("EBB_BASE_A_H", "int a(int x);\n"),
    "src/base/a.c": HEAD + '#include "base/a.h"\n\nint a(int x)\n{\n\treturn x;\n}\n',
    "src/base/test.h": header("EBB_BASE_TEST_H"),
    "src/base/test.c": HEAD + '#include "base/test.h"\n#include <stdio.h>\nstatic int state;\n'
                              'int t(void)\n{\n\treturn printf("x") + state;\n}\n',
    "src/base/a_test.c": HEAD + '#include "base/a.h"\n#include "base/test.h"\n'
                                '#include "sim/s.h"\nstatic int count;\nint f(void)\n{\n'
                                '\treturn fork() + count + open("x", 0);\n}\n',
    "src/base/README.md": "`a.h` and `test.h`\n",
    "src/os/o.h": header("EBB_OS_O_H"),
    "src/os/o.c": HEAD + '#include "os/o.h"\n#include "base/a.h"\n',
    "src/os/README.md": "`o.c`, `o.h`\n",
    "src/os/linux/l.c": HEAD + '#include "os/o.h"\nint l(void)\n{\n\treturn open("x", 0);\n}\n',
    "src/os/linux/README.md": "`l.c`\n",
    "src/sim/s.h": header("EBB_SIM_S_H"),
    "src/sim/s.c": HEAD + '#include "sim/s.h"\n',
    "src/sim/README.md": "`s.h`\n",
    "src/ebb/main.c": HEAD + 'static int state;\nint main(void)\n{\n\treturn !getenv("X") + state;'
                             "\n}\n",
    "src/ebb/show.c": HEAD + 'int show(void)\n{\n\treturn printf("x");\n}\n',
    "src/ebb/README.md": "`main.c` `show.c`\n",
    "tests/x.sh": SH_HEAD + "# Does x.\ntrue\n",
}

FUNCTION = "int a(int x)\n{\n%s}\n"
LONG = "\tx++;\n"


def body(text):
    """src/base/a.c with this text; it begins on line 4."""
    return HEAD + '#include "base/a.h"\n' + text


CASES = [
    # include
    ("a room that ROOMS does not allow", "src/base/a.c", body('#include "os/o.h"\n'),
     "src/base/a.c:4: include: base may not include os (src/ROOMS)"),
    ("a room beneath a room is another", "src/os/o.c", HEAD + '#include "os/o.h"\n'
     '#include "os/linux/l.h"\n', 'src/os/o.c:4: include: "os/linux/l.h" is not there'),
    ("sim in code that is no test", "src/os/o.c", HEAD + '#include "os/o.h"\n#include "sim/s.h"\n',
     "src/os/o.c:4: include: os may not include sim"),
    ("an include without its room", "src/base/a.c", HEAD + '#include "a.h"\n',
     'src/base/a.c:3: include: "a.h" names no room'),
    ("base/test.h in code that is no test", "src/os/o.c", HEAD + '#include "os/o.h"\n#include '
     '"base/test.h"\n', "src/os/o.c:4: include: base/test.h is for tests"),
    ("an include in a comment is none", "src/base/a.c", body('/*\n#include "os/o.h"\n*/\n'), ""),
    # rooms
    ("a circle of rooms", "src/ROOMS", "base: os\nos: base\nos/linux: base os\nsim: base os\n"
     "ebb: base os\n",
     "src/ROOMS:1: rooms: base may include os, which stands below or in a circle"),
    ("a room of no folder", "src/ROOMS", CLEAN["src/ROOMS"] + "moon:\n",
     "src/ROOMS:7: rooms: moon has no folder"),
    ("a name that is no room", "src/ROOMS", CLEAN["src/ROOMS"].replace("ebb:  base", "ebb: bse"),
     "src/ROOMS:6: rooms: ebb may include bse, which is no room"),
    ("a folder of no room", "src/moon/meson.build", "# SPDX-License-Identifier: Apache-2.0\n",
     "src/moon/meson.build:1: rooms: src/moon is no room"),
    # call
    ("a clock", "src/base/a.c", body(FUNCTION % "\treturn clock_gettime(x);\n"),
     "src/base/a.c:6: call: clock_gettime() is not called here; ask the struct clock"),
    ("a file", "src/os/o.c", HEAD + '#include "os/o.h"\n' + FUNCTION % '\treturn open ("x", 0);\n',
     "src/os/o.c:6: call: open() is not called here; use the struct disk"),
    ("the environment", "src/ebb/show.c", HEAD + FUNCTION % '\treturn !getenv("X");\n',
     "src/ebb/show.c:5: call: getenv() is not called here; take the value as an argument"),
    ("printing in a library", "src/base/a.c", body(FUNCTION % '\treturn printf("x");\n'),
     "src/base/a.c:6: call: printf() is not called here; return an error"),
    ("a thread", "src/base/a.c", body(FUNCTION % "\treturn pthread_create(x);\n"),
     "src/base/a.c:6: call: pthread_create() is not called here; give a struct task"),
    ("a program", "src/base/a.c", body(FUNCTION % "\treturn execvp(x, x) + system(x);\n"),
     "src/base/a.c:6: call: execvp() is not called here; use the struct procs"),
    ("sleeping in a test", "src/base/a_test.c",
     CLEAN["src/base/a_test.c"].replace("fork", "usleep"),
     "src/base/a_test.c:9: call: usleep() is not called here; set a timer"),
    ("a call through a table is the world's", "src/base/a.c",
     body(FUNCTION % "\treturn x->ops->open(x) + x.time(x);\n"), ""),
    ("a call in a string or comment is none", "src/base/a.c",
     body(FUNCTION %
          '\t/* time(NULL) */\n\treturn sizeof("a \\" random() \\\\") + \'"\' + x;\n'), ""),
    ("names that only hold such a name", "src/base/a.c",
     body(FUNCTION % "\treturn uptime(x) + time_of(x) + x_open(x);\n"), ""),
    # unsafe
    ("a copy without a length", "src/os/linux/l.c",
     HEAD + '#include "os/o.h"\n' + FUNCTION % "\tstrcpy(x, x);\n",
     "src/os/linux/l.c:6: unsafe: strcpy() is used nowhere; use base/str.h"),
    ("a stack of unknown size", "src/base/a_test.c",
     CLEAN["src/base/a_test.c"].replace("fork", "alloca"),
     "src/base/a_test.c:9: unsafe: alloca() is used nowhere"),
    # mmap
    ("writing through shared memory", "src/base/a.c",
     body(FUNCTION % "\treturn mmap(0, 1, PROT_READ | PROT_WRITE,\n\t\tMAP_SHARED, x, 0);\n"),
     "src/base/a.c:6: mmap: a file is written through shared memory"),
    ("reading through shared memory", "src/base/a.c",
     body(FUNCTION % "\treturn mmap(0, 1, PROT_READ, MAP_SHARED, x, 0);\n"), ""),
    # size
    ("a long line", "src/base/a.c", body("int " + "x" * 95 + "(void);\n" + FUNCTION % "\t;\n"),
     "src/base/a.c:4: size: 106 columns are more than 100"),
    ("tabs are eight columns", "src/base/a.c", body(FUNCTION % ("\t" * 12 + "x += 1;\n")),
     "src/base/a.c:6: size: 103 columns are more than 100"),
    ("a long file", "src/base/a.c", body("/* . */\n" * 998),
     "src/base/a.c:1001: size: 1001 lines are more than 1000"),
    ("a long header", "src/base/a.h", header("EBB_BASE_A_H", "int a(int x);\n" * 396),
     "src/base/a.h:401: size: 401 lines are more than 400"),
    ("a long function", "src/base/a.c", body(FUNCTION % (LONG * 99)),
     "src/base/a.c:5: size: 101 lines of function are more than 100"),
    ("a function of just the limit", "src/base/a.c", body(FUNCTION % (LONG * 98)), ""),
    ("many parameters", "src/base/a.h",
     header("EBB_BASE_A_H", "int a(int a, int b, int c,\n\tint d, int e, int f, int g);\n"),
     "src/base/a.h:5: size: a() has 7 parameters, more than 6"),
    ("many parameters in a table", "src/base/a.h",
     header("EBB_BASE_A_H", "struct t {\n\tint (*a)(int a, int b, int c, int d, int e, int f, "
            "int g);\n};\n"),
     "src/base/a.h:6: size: a() has 7 parameters, more than 6"),
    ("a parameter that is a function", "src/base/a.h",
     header("EBB_BASE_A_H", "int a(int a, int (*b)(int, int), int c, int d, int e, int f);\n"), ""),
    # head
    ("no licence", "src/base/a.c", "/* What it is for. */\n",
     "src/base/a.c:1: head: the licence is missing; begin with /* SPDX"),
    ("no purpose", "src/base/a.c", C_HEAD + '#include "base/a.h"\n',
     "src/base/a.c:2: head: no comment says what the file is for"),
    ("an empty purpose", "src/base/a.c", C_HEAD + '/* */\n#include "base/a.h"\n',
     "src/base/a.c:2: head: no comment says what the file is for"),
    ("a script without licence", "tests/x.sh", "#!/bin/sh\n# Does x.\n",
     "tests/x.sh:1: head: the licence is missing; begin with # SPDX"),
    ("a script without purpose", "tests/x.sh", SH_HEAD + "true\n",
     "tests/x.sh:3: head: no comment says what the file is for"),
    ("a guard of another name", "src/base/a.h", header("EBB_A_H"),
     "src/base/a.h:1: head: the include guard is not EBB_BASE_A_H"),
    # readme
    ("a room without README", "src/os/README.md", None,
     "src/os:1: readme: the room has no README.md"),
    ("a file that its README leaves out", "src/base/README.md", "`test.h` and aa.h\n",
     "src/base/README.md:1: readme: a.c is not named"),
    ("a README that names what is gone", "src/base/README.md", "`a.h` `test.h`\n\n`gone.c`\n",
     "src/base/README.md:3: readme: gone.c is not there"),
    # dead
    ("a source that nothing builds", "src/base/b.c", HEAD, "src/base/b.c:1: dead: no meson.build"),
    ("a test that nothing builds", "src/base/b_test.c", HEAD,
     "src/base/b_test.c:1: dead: no meson.build names this file"),
    ("a header that nobody includes", "src/base/b.h", header("EBB_BASE_B_H"),
     "src/base/b.h:1: dead: nobody includes this header"),
    ("a script that nothing starts", "tests/y.sh", SH_HEAD + "# Does y.\n",
     "tests/y.sh:1: dead: nothing starts this script"),
    # state
    ("a variable", "src/base/a.c", body("static int count;\n"),
     "src/base/a.c:4: state: this variable is state of the module"),
    ("a variable that others see", "src/base/a.c", body("\nstruct a a = {.x = {1}};\n"),
     "src/base/a.c:5: state: this variable"),
    ("a pointer to what is const", "src/base/a.c", body('static const char *name = "x";\n'),
     "src/base/a.c:4: state: this variable"),
    ("an array of such", "src/base/a.c", body('static const char *names[] = {"x"};\n'),
     "src/base/a.c:4: state: this variable"),
    ("a pointer to a function", "src/base/a.c", body("static int (*fn)(int x);\n"),
     "src/base/a.c:4: state: this variable"),
    ("a struct of no name", "src/base/a.c", body("static struct {\n\tint x;\n} all;\n"),
     "src/base/a.c:4: state: this variable"),
    ("one for each thread", "src/base/a.c", body("static _Thread_local int mine;\n"),
     "src/base/a.c:4: state: this variable"),
    ("one in a function", "src/base/a.c", body(FUNCTION % "\tstatic int calls;\n\tcalls++;\n"),
     "src/base/a.c:6: state: this variable"),
    ("one with an attribute", "src/base/a.c", body("static int x __attribute__((unused));\n"),
     "src/base/a.c:4: state: this variable"),
    ("constants", "src/base/a.c", body(
        'static const int one = 1;\nstatic const char *const names[] = {"x"};\nenum { TWO = 2 };\n'
        "static const struct {\n\tint x;\n} all[] = {{1}};\nconst struct a a = {.f = a};\n"
        "static int (*const fn)(int) = a;\n"), ""),
    ("declarations and types", "src/base/a.c", body(
        "struct x;\nstruct y {\n\tint y;\n};\ntypedef int fn(int);\nextern const int z;\n"
        "int g(int (*fn)(int));\nint h(void) __attribute__((cold));\nunion u {\n\tint i;\n};\n"
        'static struct y *k(struct y *y)\n{\n\treturn y;\n}\n_Static_assert(1 == 1, "x");\n'), ""),
    # globals
    ("a function of two rooms", "src/sim/s.c",
     HEAD + '#include "sim/s.h"\n\nint l(void)\n{\n\treturn 0;\n}\n',
     "src/sim/s.c:5: globals: l() is one of os/linux, too"),
    ("static ones of two rooms", "src/sim/s.c",
     HEAD + '#include "sim/s.h"\n\nstatic int l(void)\n{\n\treturn 0;\n}\n', ""),
    # words
    ("a mark of unfinished work", "src/base/a.c", body("/* TO" "DO: more */\n"),
     "src/base/a.c:4: words: TO" "DO marks unfinished work"),
    ("the same in a script", "tests/x.sh", SH_HEAD + "# Does x.\n# FIX" "ME\n",
     "tests/x.sh:4: words: FIX" "ME marks unfinished work"),
    ("a vague comment", "src/base/a.c", body("/*\n * good enough for\n * now\n */\n"),
     'src/base/a.c:5: words: "for now" says that something is unfinished'),
    ("a merge conflict", "src/base/README.md", "`a.h` `test.h`\n<<<<<<< one\n",
     "src/base/README.md:2: words: a merge conflict was left"),
    # space
    ("blanks at the end", "src/base/README.md", "`a.h` \n`test.h`\n",
     "src/base/README.md:1: space: blanks end the line"),
    ("carriage returns", "tests/x.sh", SH_HEAD + "# Does x.\r\ntrue\n",
     "tests/x.sh:3: space: blanks end the line"),
    ("no newline at the end", "src/base/README.md", "`a.h`\n`test.h`",
     "src/base/README.md:2: space: the last line does not end"),
    ("empty lines at the end", "src/base/README.md", "`a.h` `test.h`\n\n",
     "src/base/README.md:2: space: empty lines end the file"),
]


def findings(files):
    with tempfile.TemporaryDirectory() as top:
        for path, text in files.items():
            os.makedirs(os.path.dirname(os.path.join(top, path)), exist_ok=True)
            with open(os.path.join(top, path), "w", encoding="utf-8", newline="") as file:
                file.write(text)
        tree = tidy.Tree(top)
        for rule in tidy.RULES:
            rule(tree)
        return [f"{path}:{line}: {rule}: {text}" for path, line, rule, text in tree.found]


def judge(said, expected):
    """What is wrong with what was found, or nothing."""
    if not expected:
        return "" if not said else "found " + said[0]
    if not any(line.startswith(expected) for line in said):
        return f"did not find {expected!r} but {said}"
    return ""


def main():
    untested = {rule.__doc__.split(":")[0] for rule in tidy.RULES}
    untested -= {case[3].split(": ")[1] for case in CASES if case[3]}
    print(f"TAP version 13\n1..{len(CASES) + 2}")
    results = [("the clean tree passes", judge(findings(CLEAN), "")),
               ("each rule has a case", f"none for {untested}" if untested else "")]
    for name, path, text, expected in CASES:
        files = {**CLEAN, path: text}
        if text is None:
            del files[path]
        results.append((name, judge(findings(files), expected)))
    for number, (name, wrong) in enumerate(results, 1):
        if wrong:
            print(f"# {wrong}")
        print(f"{'not ok' if wrong else 'ok'} {number} - {name}")
    return 1 if any(wrong for _, wrong in results) else 0


if __name__ == "__main__":
    sys.exit(main())
