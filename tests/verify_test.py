#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Verify and repair as a whole program: what is damaged is named, made whole where it can be, and
stored again by the next backup where it cannot. Speaks TAP.

usage: tests/verify_test.py EBB
"""
import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

import programs
from keep_bench import PROGRAM, Bench, check

TESTS = []


def test(function):
    TESTS.append(function)
    return function


def spoil(path):
    """Damage beyond any parity: the middle third is zeros."""
    size = os.path.getsize(path)
    with open(path, "r+b") as file:
        file.seek(size // 3)
        file.write(bytes(size // 3))


def prepared():
    """A repository with files in more than one pack, and the files of each."""
    b = Bench()
    chance = random.Random(5)
    for i in range(12):
        b.write(f"f{i}", chance.randbytes(3_000_000))
    b.ebb("repo init")
    b.ebb("backup source")
    return b


def affected(told):
    return {one["path"] for one in told["affected"]}


def restored_exactly(b, but):
    """Whether a restore gives all files but these, and never a wrong byte."""
    shutil.rmtree(b.path("out"), ignore_errors=True)
    b.ebb("restore latest out", 3 if but else 0)
    for name in [f"f{i}" for i in range(12)] + ["small", "empty", "sub/large"]:
        there = os.path.exists(b.path("out", name))
        check(there == (name not in but), f"{name}: {'there' if there else 'absent'}")
        if there:
            with open(b.path("out", name), "rb") as one, open(b.path("source", name), "rb") as two:
                check(one.read() == two.read(), f"{name}: wrong bytes")


@test
def only_what_is_new_is_read(_place, _ebb):
    """with --new only what no run has proved is read"""
    with prepared() as b:
        all_of_it = b.json("verify --new")["objects"]
        check(all_of_it > 3, f"{all_of_it} objects are new at first")
        check(b.json("verify --new")["objects"] == 0, "nothing is new the second time")
        b.write("one", random.Random(6).randbytes(1_000_000))
        b.ebb("backup source")
        added = b.json("verify --new")
        check(0 < added["objects"] < all_of_it, f"after a small backup: {added}")
        b.ebb("verify --new --limit none")


@test
def lost_files_are_named_exactly(_place, _program):
    """what is lost is named exactly by file and point"""
    with prepared() as b:
        b.ebb("backup source")
        spoil(max(b.packs(), key=os.path.getsize))
        told = b.json("verify", 13)
        check(told["damaged"] == 1 and told["lost"] > 0 and told["broken"] == 2, told)
        names = affected(told)
        check(0 < len(names) < 14 and len(told["affected"]) == 2 * len(names), told)
        restored_exactly(b, names)
        text = b.ebb("verify", 13)
        for one in told["affected"]:
            line = f"ebb: point {one['point'][:8]}: {one['path']}: content of it is lost"
            check(line in text.stderr, text.stderr)
        check(f"{len(told['affected'])} files or folders are not as before, in 2 of 2 points" in
              text.stdout,
              text.stdout)


@test
def one_point(_place, _program):
    """one point is proved by what bringing it back takes, and damage elsewhere is not its own"""
    with prepared() as b:
        first = b.json("snap ls")["points"][0]["id"]
        before = set(b.packs())
        os.mkdir(b.path("other"))
        with open(b.path("other", "big"), "wb") as file:
            file.write(random.Random(6).randbytes(20_000_000))
        b.ebb("backup other")
        others = set(b.packs()) - before
        every, told = b.json("verify"), b.json(["verify", first])
        check(told["point"] == first and told["points"] == 1, told)
        check(told["objects"] < every["objects"] and told["bytes"] < every["bytes"] * 0.7, told)
        check("the point is as it was written" in b.ebb(["verify", first]).stdout, "text")
        for pack in others:
            spoil(pack)
        check(b.json(["verify", first])["damaged"] == 0, "damage of another point")
        told = b.json("verify other@latest", 13)
        check(told["damaged"] and affected(told) == {"big"} and told["broken"] == 1, told)
        for pack in before:
            spoil(pack)
        told = b.json(["verify", first], 13)
        check(told["damaged"] and told["affected"], told)
        b.ebb("verify 00000000", 4)
        # Jobs of each kind are remembered.
        b.ebb("repo gc", None)
        with contextlib.closing(sqlite3.connect(b.path("state", "ebb", "catalog.db"))) as catalog:
            jobs = catalog.execute("SELECT kind, resource FROM job").fetchall()
        check(any(kind == 3 and resource.endswith("/other") for kind, resource in jobs), jobs)
        check(any(kind == 4 for kind, _ in jobs), jobs)


@test
def a_repair_saves_what_is_left_and_a_backup_the_rest(_place, _program):
    """a repair saves what is left and the next backup stores the rest again"""
    with prepared() as b:
        pack = max(b.packs(), key=os.path.getsize)
        spoil(pack)
        before = set(b.packs() + b.packs("meta") + b.packs("point") + b.packs("head"))
        told = b.json("verify --repair", 13)
        names = affected(told)
        check(told["renewed"] == 1 and told["missing"] > 0 and names, told)
        after = set(b.packs() + b.packs("meta") + b.packs("point") + b.packs("head"))
        check(before <= after, f"it deleted {before - after}")
        check(b.json("snap ls")["points"][0]["broken"], "not marked")
        again = b.json("verify", 13)
        check(again["damaged"] == 0 and affected(again) == names, again)
        restored_exactly(b, names)
        second = b.json("backup source")
        check(second["kind"] == "incremental" and second["read_bytes"] > 0, second)
        check(second["read_bytes"] == sum(os.path.getsize(b.path("source", n)) for n in names),
              f"it read more than what was lost: {second}")
        told = b.json("verify --repair")
        check(not told["affected"] and told["broken"] == 0, told)
        check([p["broken"] for p in b.json("snap ls")["points"]] == [False, False], "still marked")
        restored_exactly(b, set())


@test
def a_pack_that_is_gone_is_like_one_that_is_damaged(_place, _program):
    """packs that are gone, of data and of trees, heal with the next backup"""
    for kind in ("data", "meta"):
        with prepared() as b:
            for pack in b.packs(kind):
                os.remove(pack)
            told = b.json("verify", 13)
            check(told["damaged"] >= 1 and told["affected"], told)
            b.ebb("verify --repair", 13)
            b.ebb("backup source")
            check(b.json("verify")["missing"] == 0, "not healed")
            restored_exactly(b, set())


@test
def a_mirror_gives_back_what_parity_cannot(_place, _program):
    """a mirror of the objects gives back whatever parity cannot, of every kind"""
    with prepared() as b:
        shutil.copytree(b.path("store"), b.path("mirror"))
        for kind in ("data", "meta", "point", "key"):
            for path in b.packs(kind):
                if kind != "key":
                    os.truncate(path, os.path.getsize(path) // 2)
        os.remove(b.packs("point")[0])
        told = b.json("verify --repair --from mirror")
        check(told["copied"] >= 4 and told["damaged"] == 0, told)
        check(b.json("verify")["mendable"] == 0, "not for good")
        restored_exactly(b, set())
        done = b.ebb("verify --from nowhere", 10)
        check("nowhere" in done.stderr, done.stderr)


@test
def a_twin_gives_back_chunks(_place, _program):
    """a twin gives back the chunks of damaged packs, also after a repair that lost them"""
    with prepared() as b:
        b.ebb("repo init --repo twin --like store --key-file key")
        b.write("more", os.urandom(3_000_000))
        b.ebb("backup source --also twin")
        b.ebb("repo sync --also twin --all")
        first, second = sorted(b.packs(), key=os.path.getsize)[-2:]
        spoil(first)
        told = b.json("verify --repair --from twin")
        check(told["renewed"] == 1 and told["fetched"] > 0 and not told["affected"], told)
        restored_exactly(b, set())
        spoil(second)
        b.ebb("verify --repair", 13)
        told = b.json("verify --repair --from twin")
        check(told["fetched"] > 0 and not told["affected"], told)
        restored_exactly(b, set())
        check([p["broken"] for p in b.json("snap ls")["points"]] == [False, False], "marked")


@test
def sampled_runs_go_round(_place, _program):
    """sampled runs take what was proved least recently, until all was"""
    with prepared() as b:
        total = b.json("verify --sample 1%")["of_objects"]
        reads, seen = 0, 0
        while seen < total:
            told = b.json("verify --sample 30%")
            check(told["partial"] and told["objects"] < total, told)
            seen += told["objects"]
            reads += 1
            check(reads < 20, "it never comes round")
        spoil(max(b.packs(), key=os.path.getsize))
        found = [b.json(["verify", "--sample", "40%"], None)["damaged"] for _ in range(4)]
        check(1 in found, f"four times 40 % never met it: {found}")
        told = b.json("verify --for 1ns", None)
        check(told["partial"] and told["objects"] <= 1 and total > 1, told)
        b.ebb("verify --sample 5", 2)
        b.ebb("verify --for 5", 2)


@test
def without_a_catalog_it_goes_by_chance(_place, _program):
    """without a catalog it goes by chance and warns once"""
    with prepared() as b:
        done = b.ebb("verify --sample 10%", env={"XDG_STATE_HOME": "/proc/none"})
        check(done.stderr.count("without the catalog") == 1, done.stderr)


@test
def every_object_is_missed(_place, _program):
    """every object is missed when it is cut short, and a mirror heals it"""
    with Bench() as b:
        b.ebb("repo init")
        b.ebb("backup source")
        shutil.copytree(b.path("store"), b.path("mirror"))
        for kind in ("data", "meta", "point", "index", "head", "key"):
            for path in b.packs(kind):
                size = os.path.getsize(path)
                os.truncate(path, size // 4)
                done = b.ebb("verify", None)
                check(done.returncode in (12, 13), f"{kind}: {done.returncode} {done.stderr}")
                shutil.copy(path.replace("/store/", "/mirror/"), path)
        check(b.json("verify")["damaged"] == 0, "not as before")


@test
def a_killed_repair_leaves_what_can_be_repaired(_place, _program):
    """a killed repair leaves a repository that the next one repairs"""
    with prepared() as b:
        spoil(max(b.packs(), key=os.path.getsize))
        chance = programs.seed()
        for _ in range(6):
            with subprocess.Popen([PROGRAM, "verify", "--repair"], cwd=b.folder,
                                  env=b.environment(), stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL) as running:
                time.sleep(chance.uniform(0.01, 0.3))
                running.send_signal(signal.SIGKILL)
        names = affected(b.json("verify --repair", 13))
        restored_exactly(b, names)
        b.ebb("backup source")
        b.ebb("verify --repair")
        restored_exactly(b, set())


sys.exit(programs.main(TESTS, sys.argv[1:]))
