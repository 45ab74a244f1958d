#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The command `repo check`, and what it makes anew, as a whole program. Speaks TAP.

usage: tests/check_test.py EBB
"""
import json
import os
import shutil
import sys

import programs
from keep_bench import Bench, check

TESTS = []


def test(function):
    TESTS.append(function)
    return function


def cut(path):
    os.truncate(path, os.path.getsize(path) // 4)


def fingerprint(folder):
    """Of each file beneath it: when it last changed, and its bytes."""
    told = {}
    for base, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(base, name)
            with open(path, "rb") as file:
                told[path] = (os.stat(path).st_mtime_ns, file.read())
    return told


@test
def a_whole_repository_fits_together(_place, _program):
    """a whole repository fits together, and what nothing names is counted"""
    with Bench() as b:
        b.ebb("repo init")
        b.ebb("backup source")
        b.ebb("backup source")
        told = b.json("repo check")
        check(told["troubles"] == 0 and told["points"] == 2 and told["heads"] >= 2, told)
        check(told["packs"] == len(b.packs()) + len(b.packs("meta")), told)
        check("all of it fits together" in b.ebb("repo check").stdout, "said otherwise")
        check("nothing to unlock" in b.ebb("repo unlock").stdout, "unlock")
        shutil.copy(b.packs("point")[0], os.path.join(b.path("store", "point"), "0" * 32))
        told = b.json("repo check")
        check(told["orphans"] == 1 and told["orphan_bytes"] > 0, told)


@test
def what_does_not_fit_is_named(_place, _program):
    """what is gone or does not fit is named"""
    for kind in ("data", "meta", "point", "index", "head"):
        with Bench() as b:
            b.ebb("repo init")
            for _ in range(2):
                b.ebb("backup source")
            path = b.packs(kind)[0]
            os.remove(path)
            done = b.ebb("repo check", 13)
            name = os.path.relpath(path, b.path("store"))
            check(f"ebb: {name}: " in done.stderr, f"{kind}: {done.stderr}")


@test
def a_newer_repository_is_refused(_place, _program):
    """a repository of a newer format is refused by each command, and left as it is"""
    with Bench() as b:
        b.ebb("repo init")
        b.ebb("backup source")
        path = b.path("store", "repo")
        with open(path, "rb") as file:
            whole = bytearray(file.read())
        # Header and body are read also where there is no parity.
        length = int.from_bytes(whole[48:56], "little")
        whole[64], whole[78] = 2, ord("9")
        with open(path, "wb") as file:
            file.write(whole[:length])
        before = fingerprint(b.path("store"))
        for words in ("backup source", "restore latest out", "verify", "repo gc", "snap ls",
                      "repo check --rebuild", "verify --repair", "repo key rotate"):
            done = b.ebb(words, 5)
            check("this repository needs ebb 9.1 or newer (format 2, capabilities 0x0); "
                  "this ebb knows format 1" in done.stderr, f"{words}: {done.stderr}")
        check(fingerprint(b.path("store")) == before, "the store was changed")


@test
def another_past_is_noticed(_place, _program):
    """a head that is not the one the next followed is noticed"""
    with Bench() as b:
        b.ebb("repo init")
        shutil.copytree(b.path("store"), b.path("other"))
        b.ebb("backup source")
        b.ebb("backup source")
        b.ebb("backup source", env={"EBB_REPO": "other", "XDG_STATE_HOME": b.path("state2")})
        head = b.packs("head")[1]
        shutil.copy(head.replace("/store/", "/other/"), head)
        done = b.ebb("repo check", 13)
        check("it is not the one that the next head followed" in done.stderr, done.stderr)


@test
def damaged_indexes_are_made_anew(_place, _program):
    """damaged indexes are made anew from the packs"""
    for spoil in (cut, os.remove):
        with Bench() as b:
            b.ebb("repo init")
            b.ebb("backup source")
            b.write("more", os.urandom(2_000_000))
            b.ebb("backup source")
            for path in b.packs("index"):
                spoil(path)
            b.ebb("restore latest out", 13 if spoil is cut else None)
            b.ebb("repo check", 13)
            done = b.ebb("repo check --rebuild")
            check("2 indexes were made anew" in done.stdout, done.stdout)
            check(b.json("verify")["damaged"] == 0, "not whole")
            shutil.rmtree(b.path("out"), ignore_errors=True)
            b.ebb("restore latest out")
            b.same("source", "out")
            check(b.json("backup source")["new_bytes"] == 0, "it stored again what was there")


@test
def the_catalog_is_made_anew_with_the_same_answers(_place, _program):
    """the catalog is made anew with the same answers, and what is lost is said"""
    with Bench() as b:
        catalog = b.path("state", "ebb", "catalog.db")
        b.ebb("repo init")
        for _ in range(3):
            b.ebb("backup source")
        want = b.json("snap ls")
        for damage in ("garbage", "gone"):
            if damage == "gone":
                shutil.rmtree(b.path("state"))
            else:
                with open(catalog, "r+b") as file:
                    file.write(b"garbage " * 100)
                done = b.ebb("snap ls --json")
                check("`ebb repo check --rebuild` makes it anew" in done.stderr, done.stderr)
                check(json.loads(done.stdout) == want, "another answer")
            done = b.ebb("repo check --rebuild")
            check("the catalog was made anew with 3 points" in done.stdout, done.stdout)
            check("history of jobs" in done.stdout, done.stdout)
            done = b.ebb("snap ls --json")
            check(json.loads(done.stdout) == want and not done.stderr, done.stderr)
            check(os.path.exists(catalog), "it is not there")


sys.exit(programs.main(TESTS, sys.argv[1:]))
