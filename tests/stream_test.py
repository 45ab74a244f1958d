#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Streams into a repository and back: standard input, and what a program writes. Speaks TAP.

usage: tests/stream_test.py EBB
"""
import os
import random
import subprocess
import sys

import programs
from keeping import check, ebb, ebb_json, with_program

TESTS = []


def test(function):
    TESTS.append(function)
    return function


def points(place):
    return ebb_json(place, "snap ls")["points"]


@test
def standard_input(place):
    """standard input comes back the same, and its chunks are shared"""
    content = random.Random(5).randbytes(6_000_001)
    ebb(place, "repo init")
    first = ebb_json(place, "backup --stdin --stdin-name db/monday.sql", input=content)
    check(first["resource"] == "stream/db/monday.sql" and first["source_bytes"] == len(content),
          first)
    again = ebb_json(place, "backup --stdin --stdin-name db/tuesday.sql",
                     input=content[:3_000_000] + b"changed" + content[3_000_000:])
    check(again["new_bytes"] < 1_500_000, again)
    out = ebb(place, "restore stream/db/monday.sql@latest --stdout").stdout
    check(out == content, "content")
    ebb(place, f"restore {again['id']} out")
    with open(place.path("out", "tuesday.sql"), "rb") as file:
        check(file.read()[3_000_000:3_000_007] == b"changed", "content in a file")
    ebb(place, "backup --stdin --stdin-name empty", input=b"")
    check(ebb(place, "restore stream/empty@latest --stdout").stdout == b"", "nothing is something")


@test
def what_a_program_writes(place):
    """what a program writes is saved, whatever its arguments hold"""
    ebb(place, "repo init")
    ebb(place, ["backup", "--stdin-name", "said", "--command", "--", "printf", "%s|",
                "two words", "$HOME", "-x", "; false"])
    check(points(place)[0]["path"] == "printf", points(place))
    said = ebb(place, "restore latest --stdout").stdout
    check(said == b"two words|$HOME|-x|; false|", said)
    ebb(place, ["backup", "--stdin-name", "big", "--command", "--", "head", "-c", "30000000",
                "/dev/zero"])
    check(ebb(place, "restore latest --stdout").stdout == bytes(30_000_000), "zeros")


@test
def a_program_that_fails(place):
    """a program that fails leaves no point"""
    ebb(place, "repo init")
    for words, sentence in (
            (["sh", "-c", "head -c 5000000 /dev/urandom; exit 3"], b"sh ended with code 3"),
            (["sh", "-c", "echo half; kill -9 $$"], b"sh ended by signal 9"),
            (["false"], b"false ended with code 1"),
            (["no-such-program"], b"no-such-program: cannot be started: No such file")):
        done = ebb(place, ["backup", "--stdin-name", "x", "--command", "--", *words], 1)
        check(b"no point was made: " + sentence in done.stderr, done.stderr)
    check(points(place) == [], "a point of a failed program")
    check(ebb_json(place, "verify")["damaged"] == 0, "damaged")


@test
def a_repository_that_fails(place):
    """a program is not left running when the repository fails"""
    ebb(place, "repo init")
    os.rename(place.path("store", "data") if os.path.isdir(place.path("store", "data"))
              else place.path("store", "repo"), place.path("away"))
    place.write("store/data", "no folder")
    script = "echo $$ >pid; trap 'echo ended >ended; exit 0' TERM PIPE; while :; do " \
        "head -c 20000000 /dev/urandom || exit 0; done"
    done = ebb(place, ["backup", "--stdin-name", "x", "--command", "--", "sh", "-c", script], None)
    check(done.returncode not in (0, 3), done)
    if os.path.exists(place.path("pid")):
        with open(place.path("pid"), encoding="ascii") as file:
            check(not os.path.exists(f"/proc/{file.read().strip()}"), "still running")


@test
def misused(place):
    """what does not fit together is refused with a sentence"""
    ebb(place, "repo init")
    ebb(place, "backup --stdin --stdin-name a/..", 1, input=b"x")
    for words, sentence in (
            ("backup --stdin", b"give --stdin-name NAME"),
            ("backup --stdin-name x", b"give --stdin, or --command"),
            ("backup --stdin --command --stdin-name x -- cat", b"give --stdin, or --command"),
            ("backup --stdin --stdin-name x folder", b"saves standard input and no PATH"),
            ("backup --stdin-name x --command", b"--command needs a program"),
            ("backup a b", b"backup wants one PATH"),
            ("backup", b"backup wants one PATH"),
            ("restore latest out --stdout", b"a point and no TARGET")):
        check(sentence in ebb(place, words, 2, input=b"").stderr, words)


@test
def one_file_of_a_folder(place):
    """one file of a folder goes to standard output, its holes as zeros"""
    os.makedirs(place.path("source", "in"))
    with open(place.path("source", "in", "sparse"), "wb") as file:
        file.seek(5_000_000)
        file.write(b"x" * 100_000)
        file.truncate(9_000_000)
    with open(place.path("source", "in", "hole"), "wb") as file:
        file.truncate(100_000)
    place.write("source/plain", "plain")
    ebb(place, "repo init")
    ebb(place, "backup source")
    out = ebb(place, "restore latest --stdout --path in/sparse").stdout
    with open(place.path("source", "in", "sparse"), "rb") as file:
        check(out == file.read(), "content")
    check(ebb(place, "restore latest --stdout --path in/hole").stdout == bytes(100_000), "hole")
    for words, code, sentence in (
            ("restore latest --stdout", 4, b"more than one file"),
            ("restore latest --stdout --path in", 1, b"this is no file"),
            ("restore latest --stdout --path plain/x", 4, b"no such path"),
            ("restore latest --stdout --path no", 4, b"no such path")):
        check(sentence in ebb(place, words, code).stderr, words)
    with subprocess.Popen([place.ebb, "restore", "latest", "--stdout", "--path", "in/sparse"],
                          cwd=place.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env={"EBB_REPO": "store", "EBB_KEY_FILE": "key"}) as early:
        early.stdout.read(10)
        early.stdout.close()
        check(early.wait(60) != 0, "a reader that went away is no success")


@test
def damage_on_the_way_out(place):
    """damage ends the output, and what came before it was right"""
    content = random.Random(6).randbytes(8_000_000)
    ebb(place, "repo init")
    ebb(place, "backup --stdin --stdin-name x", input=content)
    packs = [os.path.join(at, name) for at, _, names in os.walk(place.path("store", "data"))
             for name in names]
    with open(packs[0], "r+b") as pack:
        pack.truncate(os.path.getsize(packs[0]) // 2)
    done = ebb(place, "restore latest --stdout", 13)
    check(len(done.stdout) < len(content) and content.startswith(done.stdout), "wrong bytes")


PROGRAM = os.path.abspath(sys.argv[1])
sys.exit(programs.main([with_program(t, PROGRAM) for t in TESTS], []))
