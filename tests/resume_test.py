#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs that are ended by kill -9 and started again: what was brought over already is not brought
over twice, and what lies under a name is whole. Speaks TAP.

usage: tests/resume_test.py EBB
"""
import os
import random
import shutil
import subprocess
import sys
import time

import programs
from keep_bench import PROGRAM, Bench, check

TESTS = []
PACK = 16 << 20


def test(function):
    TESTS.append(function)
    return function


def end(b, words, enough):
    """Starts the program and kills it as soon as enough() is true, if it is still there."""
    environment = {"PATH": os.environ["PATH"], "EBB_REPO": "store", "EBB_KEY_FILE": "key",
                   "XDG_STATE_HOME": b.path("state")}
    with subprocess.Popen([PROGRAM, *words.split()], cwd=b.folder, env=environment,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        while running.poll() is None and not enough():
            time.sleep(0.002)
        running.kill()


def fill(b, chance, count, size):
    for i in range(count):
        with open(b.path("source", f"f{i:03}"), "wb") as file:
            file.write(chance.randbytes(size))


def files_there(b):
    return len(os.listdir(b.path("out"))) if os.path.isdir(b.path("out")) else 0


def packs_there(b):
    return sum(os.path.getsize(os.path.join(at, name)) for kind in ("data", "meta")
               for at, _, names in os.walk(b.path("store", kind))
               for name in names if not name.endswith(".new"))


@test
def an_ended_backup_goes_on_where_it_was(_place, _program):
    """an ended backup goes on where it was"""
    # Every moment, and to the byte, is tests/faults/resend.c; here are real processes and threads.
    with Bench() as b:
        chance = programs.seed()
        fill(b, chance, 10, 6_000_000)
        b.ebb("repo init")
        whole = b.json("backup source")["written_bytes"]
        shutil.rmtree(b.path("store"))
        os.remove(b.path("key"))
        b.ebb("repo init")
        seen = 0
        for turn in range(3):
            until = chance.randrange(seen, seen + 2 * PACK) if turn else 0
            end(b, "backup source", lambda until=until: packs_there(b) > until)
            check(packs_there(b) >= seen, "packs went away")
            seen = packs_there(b)
        again = b.json("backup source")["written_bytes"]
        check(seen and seen + again < whole + PACK, f"{seen} and {again} for {whole}")
        check(b.json("verify")["damaged"] == 0, "damaged")
        b.ebb("restore latest out")
        b.same("source", "out")


@test
def an_ended_restore_goes_on_where_it_was(_place, _program):
    """an ended restore goes on where it was"""
    with Bench() as b:
        chance = programs.seed()
        fill(b, chance, 300, 400_000)
        b.ebb("repo init")
        b.ebb("backup source")
        for turn in range(3):
            until = chance.randrange(100 * turn, 100 * turn + 100)
            end(b, "restore latest out", lambda until=until: files_there(b) > until)
            there = os.listdir(b.path("out")) if os.path.isdir(b.path("out")) else []
            final = [name for name in there if name[0] == "f"]
            done = b.json("restore latest out")
            check(done["failed"] == 0 and done["kept"] >= len(final), (done, len(final)))
            check(done["bytes"] <= (300 - len(final)) * 400_000 + 3_000_100, done)
            b.same("source", "out")
            check(not [n for n in os.listdir(b.path("out")) if "ebb-restore" in n], "leftovers")
            shutil.rmtree(b.path("out"))


@test
def a_restore_in_place_changes_what_differs(_place, _program):
    """a restore in place changes what differs"""
    with Bench() as b:
        fill(b, random.Random(3), 1, 20_000_000)
        b.ebb("repo init")
        b.ebb("backup source")
        shutil.copytree(b.path("source"), b.path("want"), symlinks=True)
        with open(b.path("source", "f000"), "r+b") as file:
            file.seek(7_000_000)
            file.write(b"changed")
        os.truncate(b.path("source", "small"), 3)
        os.chmod(b.path("source", "sub", "large"), 0o600)
        os.makedirs(b.path("source", "new", "deep"))
        with open(b.path("source", "new", "deep", "file"), "wb"):
            pass
        before = os.stat(b.path("source", "sub", "large")).st_ino
        done = b.ebb("restore latest --in-place", 5)
        check("nobody can be asked here" in done.stderr, done.stderr)
        b.ebb("restore latest --in-place --path small --delete -y", 2)
        done = b.json("restore latest --in-place -y")
        check(done["failed"] == 0 and done["kept"] == 2 and done["deleted"] == 0, done)
        check(os.path.exists(b.path("source", "new", "deep", "file")), "removed unasked")
        check(os.stat(b.path("source", "sub", "large")).st_ino == before, "written anew")
        check(os.stat(b.path("source", "sub", "large")).st_mode & 0o777 != 0o600, "mode")
        done = b.json("restore latest --in-place --delete -y")
        check(done["bytes"] == 0 and done["deleted"] == 3, done)
        b.same("want", "source")


@test
def a_dry_run_tells_what_a_backup_would_come_to(_place, _program):
    """a dry run tells what a backup would come to"""
    with Bench() as b:
        fill(b, random.Random(5), 10, 1_000_000)
        b.write("text", b"the same words again and again\n" * 100_000)
        b.ebb("repo init")
        told = b.json("backup source -n")
        check(told["bytes_to_read"] == told["source_bytes"] and told["seconds"] < 0, told)
        check(not b.json("snap ls")["points"] and packs_there(b) == 0, "something was stored")
        new = b.json("backup source")["new_bytes"]
        check(new * 0.7 < told["bytes_to_store"] <= new, (told, new))
        b.ebb(["backup", "-n", "--stdin-name", "x"], 2)
        told = b.json("backup -n source/text")
        check(told["bytes_to_read"] == told["source_bytes"] == 3_100_000, told)
        b.write("small", b"other")
        told = b.json("backup source -n")
        check(told["files_to_read"] == 1 and told["seconds"] >= 0, told)


sys.exit(programs.main(TESTS, sys.argv[1:]))
