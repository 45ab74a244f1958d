#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Several places of the same data, as whole programs: one run writes to all, one that is away stops
no other and catches up, and each is a witness of the others. Speaks TAP.

usage: tests/twins_test.py EBB
"""
import os
import shutil
import sys

import programs
from keep_bench import PROGRAM, Bench, check

PLACES = ("store", "second", "third")
ALSO = ["--also", "second", "--also", "third"]


def begin():
    b = Bench()
    b.ebb("repo init")
    for twin in PLACES[1:]:
        b.ebb(f"repo init --repo {twin} --like store")
    return b


def points(b, place):
    return [p["id"] for p in b.json(f"snap ls --repo {place}")["points"]]


def all_whole(b):
    for place in PLACES:
        check(b.json(f"verify --repo {place}")["missing"] == 0, place)
        b.ebb(f"restore latest out-{place} --repo {place}")
        b.same("source", f"out-{place}")
        shutil.rmtree(b.path(f"out-{place}"))


def read_once_write_many(_place, _program):
    """one run makes the same point at every place, and each is whole by itself"""
    with begin() as b:
        b.ebb("backup source")  # what the twins lack is brought along
        b.write("more", os.urandom(500_000))
        made = b.json(["backup", "source", *ALSO])
        check([p["point"] for p in made["places"]] == [True] * 3, made)
        check(made["read_bytes"] == 500_000, made)
        check(len(points(b, "store")) == 2, "points of the first")
        for twin in PLACES[1:]:
            check(points(b, twin) == [made["id"]], twin)
        all_whole(b)


def away(_place, _program):
    """a place that is away is told and stops no other, be it the first; later it catches up"""
    with begin() as b:
        b.ebb(["backup", "source", *ALSO])
        for gone in PLACES:
            os.rename(b.path(gone), b.path("gone"))
            b.write(f"while-{gone}", os.urandom(100_000))
            said = b.ebb(["backup", "source", *ALSO], code=3).stderr
            check(f"{gone}: there is no repository" in said, said)
            os.rename(b.path("gone"), b.path(gone))
            left = [p for p in PLACES if p != gone]
            check(len({tuple(points(b, p))[-1] for p in left}) == 1, "the others differ")
        b.ebb("repo sync --all --repo second --also store --also third")
        b.ebb("repo sync --all --repo store --also second")
        check(len(points(b, "store")) == 4, points(b, "store"))
        check(set(points(b, "store")) == set(points(b, "second")) == set(points(b, "third")),
              "they still differ")
        all_whole(b)


def damaged(_place, _program):
    """a point that is damaged keeps no other back from the other places"""
    with begin() as b:
        b.ebb("backup source")
        for pack in b.packs():
            os.remove(pack)
        os.mkdir(b.path("other"))
        b.write("../other/file", os.urandom(300_000))
        other = b.json("backup other")["id"]
        said = b.ebb("repo sync --also second", code=3)
        check("was not brought" in said.stderr and "brought 1 point " in said.stdout, said)
        check(points(b, "second") == [other], "not the one that is whole")
        b.ebb("verify --repo second")


def own_rules(_place, _program):
    """each place has rules of its own, and what they removed is not brought back"""
    with begin() as b:
        for number in range(4):
            b.write("more", os.urandom(10_000 + number))
            b.ebb(["backup", "source", *ALSO])
        b.ebb("repo gc --keep-last 1 --soak 0s --repo second --yes")
        check(len(points(b, "second")) == 1 and len(points(b, "store")) == 4, "the rule")
        synced = b.json(["repo", "sync", *ALSO])
        check(synced["points"] == 0 and synced["failed"] == 0, synced)
        b.ebb(["backup", "source", *ALSO])
        check(len(points(b, "second")) == 2, "after one more")
        all_whole(b)


def witnesses(_place, _program):
    """who holds the key and a second place notices that the first was rolled back"""
    with begin() as b:
        b.ebb(["backup", "source", *ALSO])
        shutil.copytree(b.path("store"), b.path("old"))
        b.write("more", b"more")
        b.ebb(["backup", "source", *ALSO])
        shutil.rmtree(b.path("store"))
        os.rename(b.path("old"), b.path("store"))
        fresh = {"XDG_STATE_HOME": b.path("fresh")}
        b.ebb("snap ls", env=fresh)
        said = b.ebb("snap ls --also second", code=13, env=fresh).stderr
        check("its twins have seen it at generation 3: it was rolled back" in said, said)
        b.write("again", b"again")
        b.ebb(["backup", "source", *ALSO], code=13, env=fresh)


def strangers(_place, _program):
    """only a twin may stand beside another"""
    with begin() as b:
        b.ebb("repo init --repo other --key-file other-key")
        said = b.ebb("backup source --also other", code=3).stderr
        check("other: this key opens none of the key slots" in said or
              "other: this key opens none" in said, said)
        said = b.ebb("backup source --also store", code=3).stderr
        check("store: it is the same repository once more" in said, said)


if __name__ == "__main__":
    sys.exit(programs.main([read_once_write_many, away, damaged, own_rules, witnesses, strangers],
                           [PROGRAM]))
