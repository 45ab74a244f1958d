#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What every source of a backup has: a pace that may be changed meanwhile, progress, several
places, a key that may only write, an estimate. Here folders, images and streams; check_postgres.py
has servers. Speaks TAP.

usage: tests/sources_test.py EBB
"""
import json
import os
import random
import subprocess
import sys
import threading
import time

import programs
from keeping import check, ebb, ebb_json, with_program

TESTS = []
SIZE = 3_000_001
LONG = 12_000_001  # a change of a few bytes costs some chunks of 64 KiB to 1 MiB: less than half
NOTHING = {"input": b""}


def test(function):
    TESTS.append(function)
    return function


class Source:
    """One of each kind: how it is saved, and how it comes back."""

    def __init__(self, place, kind, size):
        self.place, self.kind = place, kind
        self.content = random.Random(3).randbytes(size)
        os.mkdir(place.path("source"))
        self.file = place.path("source", "disk.img")
        self.write()
        self.words = {"folder": ["source"], "image": ["source/disk.img"],
                      "stream": ["--stdin", "--stdin-name", "x"],
                      "program": ["--stdin-name", "x", "--command", "--", "cat",
                                  "source/disk.img"]}[kind]

    def write(self):
        with open(self.file, "wb") as file:
            file.write(self.content)

    def change(self):
        """4 KiB in the middle of it."""
        self.content = self.content[:1 << 20] + os.urandom(4096) + self.content[(1 << 20) + 4096:]
        self.write()

    def backup(self, *words, code=0):
        # Not ebb_json(): what stands behind `--` is the program's.
        return json.loads(self.run("--json", *words, code=code).stdout)

    def options(self):
        return {"input": self.content} if self.kind == "stream" else NOTHING

    def run(self, *words, code=0):
        return ebb(self.place, ["backup", *words, *self.words], code, **self.options())

    def check_back(self, repo="store"):
        out = self.place.path(f"out-{repo}-{time.monotonic_ns()}")
        ebb(self.place, ["restore", "latest", out, "--repo", repo])
        if os.path.isdir(out):
            out = os.path.join(out, os.listdir(out)[0])
        with open(out, "rb") as file:
            check(file.read() == self.content, f"{self.kind}: content from {repo}")


def each_source(place, kinds=("folder", "image", "stream", "program"), size=SIZE):
    for kind in kinds:
        inner = programs.Place()
        inner.ebb, inner.limits = place.ebb, place.limits
        try:
            ebb(inner, "repo init")
            yield Source(inner, kind, size)
        finally:
            inner.close()


def lines(done):
    return [json.loads(line) for line in done.stderr.decode().splitlines()
            if line.startswith("{")]


@test
def pace_and_progress(place):
    """each source goes no faster than it may, and tells how far it is"""
    for source in each_source(place):
        start = time.monotonic()
        done = source.run("--limit", "2MB/s", "--progress", "json")
        check(time.monotonic() - start > SIZE / 2e6 - 0.1, f"{source.kind}: too fast")
        told = lines(done)
        check(told and told[-1]["type"] == "progress", f"{source.kind}: {done.stderr}")
        check(0 < told[-1]["moved_bytes"] <= SIZE, told)
        check(1e6 < told[-1]["bytes_per_second"] < 3e6, told)
        source.check_back()
        # The size is known of an image at once, of others from the last run.
        check(("seconds_left" in told[-1]) == (source.kind == "image"), f"{source.kind}: {told}")
        done = source.run("--limit", "2MB/s", "--full", "--progress", "json")
        check(any("seconds_left" in line for line in lines(done)), f"{source.kind}: {done.stderr}")


@test
def a_pace_is_changed(place):
    """a pace in a file is changed while a backup runs; what is no rate is told and ignored"""
    for source in each_source(place):
        limit = source.place.write("limit", "100kB/s\n")
        with subprocess.Popen(
                [place.ebb, "backup", "--repo", "store", "--key-file", "key", "--limit-file",
                 "limit", *source.words], cwd=source.place.folder, stdin=subprocess.PIPE,
                env={"PATH": os.environ["PATH"], "XDG_STATE_HOME": source.place.path("state")},
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as run:
            feed = threading.Thread(target=lambda: run.stdin.write(source.content)
                                    if source.kind == "stream" else None)
            feed.start()
            time.sleep(1)
            # In one step, as who steers it does.
            os.rename(source.place.write("new", "fast\n"), limit)
            line = run.stderr.readline()
            check(b"limit: 'fast' is not a size" in line and b"stays as it is" in line, line)
            check(run.poll() is None, f"{source.kind}: 100 kB/s were passed")
            os.rename(source.place.write("new", "none\n"), limit)
            feed.join()
            run.stdin.close()
            check(run.wait(programs.PATIENCE) == 0, f"{source.kind}: {run.stderr.read()}")
        source.check_back()


@test
def limits_that_are_none(place):
    """a limit that is none is refused with a sentence"""
    ebb(place, "repo init")
    place.write("limit", "quick")
    for words, sentence in (
            ("--limit quick", b"--limit: 'quick' is not a size"),
            ("--limit 5", b"--limit: size '5' lacks a unit"),
            ("--limit-file limit", b"--limit-file: limit: 'quick' is not a size"),
            ("--limit-file gone", b"--limit-file: gone: No such file"),
            ("--limit 1MB/s --limit-file limit", b"not both")):
        said = ebb(place, f"backup {words} key", 2).stderr
        check(sentence in said, said)


@test
def several_places(place):
    """each source is read once and written to several places"""
    for source in each_source(place, size=LONG):
        for twin in ("second", "third"):
            ebb(source.place, f"repo init --repo {twin} --like store")
        also = ["--also", "second", "--also", "third"]
        first = source.backup(*also)
        check([p["point"] for p in first["places"]] == [True] * 3, first)
        check(first["read_bytes"] == LONG, f"{source.kind}: {first}")
        source.change()
        os.rename(source.place.path("second"), source.place.path("gone"))
        said = source.run(*also, code=3).stderr
        check(b"second: there is no repository" in said, said)
        os.rename(source.place.path("gone"), source.place.path("second"))
        source.change()
        third = source.backup(*also)
        check(third["written_bytes"] < LONG / 2, f"{source.kind}: {third}")
        for repo in ("store", "second", "third"):
            source.check_back(repo)
            check(ebb_json(source.place, f"verify --repo {repo}")["missing"] == 0, repo)


@test
def a_key_that_only_writes(place):
    """each source can be saved with a key that reads nothing, and a change costs what it is"""
    for source in each_source(place, size=LONG):
        ebb(source.place, "repo key add --write-only --new-key-file client")
        client = ["--key-file", "client"]
        first = source.backup(*client)
        check(first["state"] == "written, not proved", first)
        source.change()
        second = source.backup(*client)
        check(second["written_bytes"] < LONG / 2, f"{source.kind}: {second}")
        check(ebb_json(source.place, "snap ls")["points"] == [], "not proved and there")
        for words in ("snap ls", f"restore {first['id']} out", "verify"):
            ebb(source.place, [*words.split(), *client], 12)
        told = ebb_json(source.place, "repo adopt")
        check(told["adopted"] == 2 and not told["refused"], told)
        source.check_back()
        check(ebb_json(source.place, "verify")["damaged"] == 0, "verify")


@test
def estimates(place):
    """each source tells what it would come to and cost, and stores nothing"""
    for source in each_source(place, ("folder", "image"), size=LONG):
        told = source.backup("-n", "--price", "3/GB-month", "--price", "1/GB", "--price", "2/put")
        check(told["type"] == "estimate" and told["bytes_to_read"] == LONG, told)
        check(LONG * 0.95 < told["bytes_to_store"] < LONG * 1.05, told)
        check(abs(told["cost_month"] - 3e-9 * told["bytes_to_store"]) < 1e-9, told)
        check(abs(told["cost_once"] - 1e-9 * told["bytes_to_store"]
                  - 2 * told["objects_to_put"]) < 1e-9, told)
        check(told["seconds"] == -1, "nothing was saved yet")
        check(ebb_json(source.place, "snap ls")["points"] == [], "a point of an estimate")
        source.run()
        check(source.backup("-n")["bytes_to_store"] == 0 or source.kind == "image", "unchanged")
        source.change()
        told = source.backup("-n")
        check(told["bytes_to_read"] == LONG and told["seconds"] >= 0, told)
        # Of an image the blocks that are known are told from those that are not.
        check(told["bytes_to_store"] < LONG / 2 or source.kind == "folder", told)
        changes = source.place.write("changes", "1048576,4096\n")
        if source.kind == "image":
            told = source.backup("-n", "--changed", changes)
            check(told["bytes_to_read"] == 4096, told)


@test
def kinds_of_points(place):
    """full, incremental and differential points are full views; the kind says what was read"""
    for source in each_source(place, ("folder", "image")):
        check(source.backup("--differential")["kind"] == "full", "there was none to build on")
        first, parts = source.backup(), []
        check(first["kind"] == "incremental" and first["written_bytes"] == 0, first)
        for _ in range(2):
            source.change()
            parts.append(source.backup())
        check([part["kind"] for part in parts] == ["incremental"] * 2, parts)
        told = source.backup("--differential")
        check(told["kind"] == "differential", told)
        # All of it is known by now; a folder's file has changed since the full point and is read.
        check(told["new_bytes"] < SIZE / 8 and told["read_bytes"] == SIZE, told)
        source.check_back()
        check(source.backup("--full")["kind"] == "full", "not full")
        told = source.backup("--differential")
        check(told["kind"] == "differential" and told["new_bytes"] < 1000, told)
        source.check_back()
        check(ebb_json(source.place, "verify")["damaged"] == 0, "verify")


@test
def estimates_of_holes(place):
    """holes are not read, and no estimate says that they would be"""
    os.mkdir(place.path("source"))
    with open(place.path("source", "sparse"), "wb") as file:
        for at in (0, 40 << 20, 80 << 20):
            file.seek(at)
            file.write(os.urandom(1 << 20))
        file.truncate(100 << 20)
    ebb(place, "repo init")
    told = ebb_json(place, "backup source -n")
    check(told["bytes_to_read"] == 3 << 20 and told["bytes_to_store"] < 4 << 20, told)
    check(ebb_json(place, "backup source")["read_bytes"] == 3 << 20, "not what was estimated")


@test
def estimates_of_streams(place):
    """of a stream the last run is told, and nothing is read or started for it"""
    for source in each_source(place, ("stream", "program")):
        said = source.run("-n", code=1).stderr
        check(b"none of this name was saved here yet" in said, said)
        source.run()
        os.rename(source.file, source.file + "-gone")
        told = source.backup("-n")
        check(told["bytes_to_read"] == SIZE and told["seconds"] > 0, told)
        check(len(ebb_json(source.place, "snap ls")["points"]) == 1, "a point of an estimate")
    priced = place.write("priced.yaml", f"prices:\n  {place.path('store')}: 5/GB-month 1/GB\n")
    store = place.path("store")
    ebb(place, "repo init")
    told = ebb_json(place, ["backup", "-n", "--config", priced, "key", "--repo", store + "/"])
    check(abs(told["cost_month"] - 5e-9 * told["bytes_to_store"]) < 1e-9, told)
    told = ebb_json(place, ["backup", "-n", "--config", priced, "--price", "7/GB-month", "key"])
    check(abs(told["cost_month"] - 7e-9 * told["bytes_to_store"]) < 1e-9, told)
    check(told["cost_once"] == 0, told)
    place.write("priced.yaml", f"prices:\n  {store}: 5\n")
    told = ebb(place, ["backup", "-n", "--config", priced, "key"])
    check(b"'5' is no price" in told.stderr and b"costs" not in told.stdout, told)
    place.write("hook", "#!/bin/sh\ntouch ran\n")
    os.chmod(place.path("hook"), 0o755)
    ebb(place, ["backup", "-n", "--before", place.path("hook"), "key"])
    check(not os.path.exists(place.path("ran")), "a hook ran")
    for words in (["-n", "--price", "1"], ["--price", "1/GiB"]):
        check(b"--price" in ebb(place, ["backup", *words, "key"], 2).stderr, words)


PROGRAM = os.path.abspath(sys.argv[1])
sys.exit(programs.main([with_program(t, PROGRAM) for t in TESTS], []))
