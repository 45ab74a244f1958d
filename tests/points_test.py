#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Recovery points as a whole program tells, compares, holds and removes them, and what the catalog
remembers of them. Speaks TAP.

usage: tests/points_test.py EBB
"""
import json
import os
import pty
import shutil
import subprocess
import sys
import time

import programs
from keep_bench import Bench, check

TESTS = []


def test(function):
    TESTS.append(function)
    return function


def changes(lines):
    return {line["path"]: line["change"] for line in lines if line["type"] == "change"}


@test
def a_diff_tells_what_was_added_removed_and_changed(_place, _program):
    """a diff tells what was added removed and changed"""
    with Bench() as b:
        b.ebb("repo init")
        os.makedirs(b.path("source", "same", "deep"))
        b.write("same/deep/file", b"x" * 1000)
        b.write("gone", b"1")
        b.write("mode", b"2")
        b.write("kind", b"3")
        time.sleep(0.05)  # what is younger is read again, and is then marked otherwise
        first = b.json("backup source")
        b.write("small", b"other")
        os.remove(b.path("source", "gone"))
        os.chmod(b.path("source", "mode"), 0o600)
        os.remove(b.path("source", "kind"))
        os.mkdir(b.path("source", "kind"))
        b.write("kind/inside", b"12345")
        b.write("sub/new", b"123")
        second = b.json("backup source")
        told = b.lines(["snap", "diff", first["id"][:8], "latest"])
        found = changes(told)
        found.pop("sub", None)  # its own time changed
        check(found == {"small": "content", "gone": "removed", "mode": "metadata", "kind": "type",
                        "kind/inside": "added", "sub/new": "added"}, found)
        end = told[-1]
        check(end["type"] == "diff" and end["added"] == 2 and end["removed"] == 1, end)
        check(end["folders_read"] == 5, f"it read more than what differs: {end}")
        sizes = {line["path"]: line for line in told[:-1]}
        check(sizes["small"]["size_before"] == 100 and sizes["small"]["size_after"] == 5, sizes)
        only = changes(b.lines(["snap", "diff", first["id"][:8], second["id"], "kind"]))
        check(only == {"kind": "type", "kind/inside": "added"}, only)
        text = b.ebb(["snap", "diff", first["id"][:8], "latest"]).stdout
        check("M             5  small\n" in text and "-             1  gone\n" in text, text)
        check(b.lines("snap diff latest latest")[-1]["folders_read"] == 0, "it read")
        b.ebb("snap diff latest", 2)
        b.ebb("snap diff latest ffffffff", 4)


@test
def a_diff_costs_what_differs(_place, _program):
    """a diff costs what differs and not what is there"""
    with Bench() as b:
        b.ebb("repo init")
        for i in range(200):
            os.makedirs(b.path("source", f"d{i}", "e"))
            b.write(f"d{i}/e/f", b"%d" % i)
        b.ebb("backup source")
        b.write("d7/e/f", b"other")
        b.ebb("backup source")
        points = b.json("snap ls")["points"]
        told = b.lines(["snap", "diff", points[0]["id"], points[1]["id"]])
        check(changes(told) == {"d7/e/f": "content"}, told)
        check(told[-1]["folders_read"] == 6, told[-1])


@test
def points_are_named_by_resource_and_moment(_place, _program):
    """points are named by resource and moment"""
    with Bench() as b:
        b.ebb("repo init")
        os.makedirs(b.path("other"))
        first = b.json("backup source")
        time.sleep(0.01)  # two points of one millisecond have one name
        second = b.json("backup source")
        other = b.json("backup other")

        def named(name):
            return b.json(["snap", "rm", "-n", name])["points"]
        check(named("source@latest") == [second["id"]], "latest of a resource")
        check(named(f"source@{first['end']}") == [first["id"]], "a moment")
        check(named(f"dir{b.path('source')}@{second['end'][:10]}") == [second["id"]], "a day")
        check(named("other@latest") == [other["id"]] == named("latest"), "another resource")
        done = b.ebb("snap rm -n source@2001-01-01", 4)
        check("there is no point 'source@2001-01-01'" in done.stderr, done.stderr)
        done = b.ebb("snap rm -n source@soon", 2)
        check("'soon' is not a moment" in done.stderr, done.stderr)
        b.ebb("restore source@latest out")
        b.same("source", "out")
        listed = b.json("snap ls --resource source")["points"]
        check([p["id"] for p in listed] == [first["id"], second["id"]], listed)
        check(b.json("snap ls --host nobody")["points"] == [], "of another host")
        check(len(b.json(["snap", "ls", "--since", second["end"]])["points"]) == 2, "since")
        check(len(b.json(["snap", "ls", "--until", first["end"]])["points"]) == 1, "until")
        b.ebb("snap ls --since soon", 2)


@test
def held_points_stay_until_released(_place, _program):
    """held points stay until they are released"""
    with Bench() as b:
        b.ebb("repo init")
        first, second = b.json("backup source"), b.json("backup source")
        check(b.json(["snap", "hold", first["id"]])["points"] == [first["id"]], "hold")
        listed = b.json("snap ls")["points"]
        check([p["held"] for p in listed] == [True, False], listed)
        done = b.ebb(["snap", "rm", "-y", first["id"], second["id"]], 5)
        check("held" in done.stderr, done.stderr)
        check(len(b.json("snap ls")["points"]) == 2, "removed one of two")
        b.ebb(["snap", "release", first["id"]])
        done = b.ebb(["snap", "rm", first["id"]], 5)
        check("-y says that it may" in done.stderr, done.stderr)
        done = b.ebb(["snap", "rm", "-n", first["id"]])
        check(done.stdout.startswith(f"would remove {first['id'][:8]}"), done.stdout)
        check(len(b.json("snap ls")["points"]) == 2, "a dry run removed")
        b.ebb(["snap", "rm", "-y", first["id"]])
        check([p["id"] for p in b.json("snap ls")["points"]] == [second["id"]], "not removed")
        b.ebb("verify")
        b.ebb("restore latest out")
        b.same("source", "out")


@test
def a_person_is_asked_before_points_go(_place, program):
    """a person at a terminal is asked before points go"""
    with Bench() as b:
        b.ebb("repo init")
        b.ebb("backup source")
        for answer, code, left in (("n", 5, 1), ("y", 0, 0)):
            ours, theirs = pty.openpty()
            with subprocess.Popen([os.path.abspath(program), "snap", "rm", "latest"], cwd=b.folder,
                                  env=b.environment(), stdin=theirs, stdout=subprocess.DEVNULL,
                                  stderr=theirs) as running:
                os.write(ours, answer.encode() + b"\n")
                check(running.wait(60) == code, f"{answer}: {running.returncode}")
            said = os.read(ours, 4096).decode()
            os.close(ours)
            os.close(theirs)
            check("removes 1 point for ever. Go on? [y/N]" in said, said)
            check(len(b.json("snap ls")["points"]) == left, answer)


@test
def hostile_names_move_no_terminal_and_stay_json(_place, _program):
    """hostile names move no terminal and stay JSON"""
    names = [b"esc\x1b[2Jx", b"line\nbreak", b"no\xfftext", "seiten\u202ekcalb".encode(),
             b"back\\x", "umlaut-\u00e4".encode()]
    with Bench() as b:
        b.ebb("repo init")
        b.ebb("backup source")
        for name in names:
            with open(os.path.join(os.fsencode(b.path("source")), name), "wb") as file:
                file.write(b"1")
        b.ebb("backup source")
        points = [p["id"] for p in b.json("snap ls")["points"]]
        text = b.ebb(["snap", "diff", *points]).stdout
        check(not any(c in text for c in "\x1b\u202e"), ascii(text))
        for shown in ("esc\\x1b[2Jx", "line\\x0abreak", "no\\xfftext", "back\\\\x",
                      "seiten\\xe2\\x80\\xaekcalb", "umlaut-\u00e4"):
            check(f"  {shown}\n" in text, ascii(text))
        told = b.lines(["snap", "diff", *points])
        raw = {bytes.fromhex(t["path_hex"]) if "path_hex" in t else t["path"].encode()
               for t in told if t["type"] == "change"}
        check(set(names) <= raw, raw)
        # A resource that is no UTF-8 is still a point that can be listed.
        where = os.path.join(os.fsencode(b.folder), b"re\xffsource")
        os.mkdir(where)
        b.ebb(["backup", where])
        last = b.json("snap ls")["points"][-1]
        check(last["path_hex"] == where.hex() and last["resource"].endswith("re\\xffsource"), last)
        check("re\\xffsource" in b.ebb("snap ls").stdout, "not told")


@test
def without_its_catalog_every_answer_is_the_same(_place, _program):
    """without its catalog every answer is the same"""
    with Bench() as b:
        catalog = b.path("state", "ebb", "catalog.db")
        b.ebb("repo init")
        b.ebb("backup source")
        b.ebb("backup source")
        check(os.path.exists(catalog), "no catalog")
        check(os.stat(catalog).st_mode & 0o077 == 0, "others may read it")
        with_it = b.json("snap ls")
        shutil.rmtree(b.path("state"))
        check(b.json("snap ls") == with_it, "gone: another answer")
        check(not os.path.exists(catalog), "a question made a catalog")
        b.ebb("backup source")
        with_it = b.json("snap ls")
        with open(catalog, "r+b") as file:
            file.write(b"not what SQLite wrote, at all")
        done = b.ebb("snap ls --json")
        check(json.loads(done.stdout) == with_it, "damaged: another answer")
        check(done.stderr.count("going on without the catalog") == 1, done.stderr)
        done = b.ebb("backup source")
        check(done.stderr.count("going on without the catalog") == 1, done.stderr)
        os.chmod(b.path("state"), 0o500)
        done = b.ebb("snap ls", env={"XDG_STATE_HOME": "/proc/none"})
        check("point" in done.stdout, done.stdout)
        done = b.ebb("backup source", env={"XDG_STATE_HOME": "/proc/none"})
        check(done.stderr.count("going on without the catalog") == 1, done.stderr)


@test
def a_repository_that_was_rolled_back_is_noticed(_place, _program):
    """a repository that was rolled back is noticed by who has seen it"""
    with Bench() as b:
        b.ebb("repo init")
        b.ebb("backup source")
        shutil.copytree(b.path("store"), b.path("old"))
        b.ebb("backup source")
        shutil.rmtree(b.path("store"))
        shutil.move(b.path("old"), b.path("store"))
        done = b.ebb("snap ls", 13)
        check("at generation 2, but was at 3 before: it was rolled back" in done.stderr,
              done.stderr)
        check("--generation with that of today takes it as it is" in done.stderr, done.stderr)
        b.ebb("backup source", 13)
        b.ebb("snap ls --generation 2")
        b.ebb("snap ls")


@test
def many_at_once_share_one_catalog(_place, program):
    """many at once share one catalog"""
    with Bench() as b:
        b.ebb("repo init")
        b.ebb("backup source")
        running = [subprocess.Popen([os.path.abspath(program), "backup", "source", "--json"],
                                    cwd=b.folder, env=b.environment(), stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE, text=True) for _ in range(6)]
        for one in running:
            out, err = one.communicate(timeout=120)
            check(one.returncode == 0 and "catalog" not in err, f"{one.returncode} {out} {err}")
        check(len(b.json("snap ls")["points"]) == 7, "points")


sys.exit(programs.main(TESTS, sys.argv[1:]))
