#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Declaring what is to be protected, in one line. Speaks TAP.

usage: tests/protect_to_test.py EBB EBBD
"""
import json
import os
import random
import re
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import programs  # noqa: E402
from programs import PATIENCE  # noqa: E402


class Desk:
    """A folder to protect, a configuration, and what may come of them."""

    def __init__(self, place, ebb):
        self.place, self.program = place, ebb
        os.makedirs(place.path("etc"))
        self.config = place.write("etc/ebb.yaml", f"state: {place.path('state')}\n"
                                  "loop: {tick: 1s}\n")
        os.makedirs(place.path("My Documents"))
        with open(place.path("My Documents", "a"), "wb") as file:
            file.write(random.Random(1).randbytes(500_000))
        self.docs, self.to = place.path("My Documents"), place.path("backup")

    def run(self, *words, code=0):
        done = programs.run([self.program, *words], {
            "EBB_CONFIG": "", "EBB_REPO": "", "EBB_KEY_FILE": "",
            "XDG_STATE_HOME": self.place.path("home")})
        assert done[0] == code, (words, done)
        return done[1] if code == 0 else done[2]

    def protect(self, *words, code=0):
        return self.run("protect", *words, "--config", self.config, code=code)

    def files(self):
        return sorted(os.path.relpath(os.path.join(at, name), self.place.folder)
                      for at, _, names in os.walk(self.place.folder) for name in names)


def test_one_line(place, ebb, _):
    """one line makes repository, key and declaration, and prints the sheet once"""
    desk = Desk(place, ebb)
    out = desk.protect(desk.docs, "--to", desk.to)
    assert "ebb recovery sheet" in out and "My_Documents: " in out, out
    assert f"No ebbd goes by {desk.config}: `ebb run --config '{desk.config}'` begins." in out, out
    key = place.path("etc", "My_Documents.key")
    assert os.stat(key).st_mode & 0o777 == 0o600
    shown = json.loads(desk.run("config", "show", "--json", "--config", desk.config))
    entry = shown["protect"][0]
    assert (entry["name"], entry["path"], entry["to"], entry["key_file"], entry["rpo"]) == (
        "My_Documents", desk.docs, desk.to, key, 86400), entry
    # The sheet is all that a bare machine needs.
    lines = re.search(r"\n    (ebb1-\S+)\n        (\S+)\n", out)
    rescue = place.write("rescue.key", "".join(lines.groups()))
    desk.run("snap", "ls", "--repo", desk.to, "--key-file", rescue)
    # Once more: nothing happens, and nothing is printed that was secret.
    before = desk.files()
    again = desk.protect(desk.docs, "--to", desk.to)
    assert "is protected already" in again and "sheet" not in again, again
    assert desk.files() == before
    # Another folder to the same place needs no other key.
    os.mkdir(place.path("pictures"))
    told = json.loads(desk.protect(place.path("pictures"), "--to", desk.to, "--rpo", "12h",
                                   "--json"))
    assert (told["name"], told["key_file"], told["rpo"], told["repository_made"]) == (
        "pictures", key, 43200, False), told
    # A name that is taken gets a number.
    os.makedirs(place.path("old", "pictures"))
    told = json.loads(desk.protect(place.path("old", "pictures"), "--to", desk.to, "--json"))
    assert told["name"] == "pictures-2" and told["declared"], told


def test_dry_run(place, ebb, _):
    """--dry-run says what would be done, and does nothing"""
    desk = Desk(place, ebb)
    before = desk.files()
    out = desk.protect(desk.docs, "--to", desk.to, "-n")
    assert f"would make a repository at {desk.to}" in out, out
    assert f"would write {place.path('etc')}/conf.d/My_Documents.yaml:\n" in out, out
    assert f'path: "{desk.docs}"' in out or f"path: {desk.docs}" in out, out
    assert desk.files() == before
    desk.protect(desk.docs, "--to", desk.to)
    assert desk.protect(desk.docs, "--to", desk.to, "-n") == "My_Documents is protected already\n"
    estimate = json.loads(desk.protect("My_Documents", "-n", "--json"))
    assert estimate["type"] == "estimate", estimate


def test_errors(place, ebb, _):
    """what cannot be is told with what to do, and leaves nothing"""
    desk = Desk(place, ebb)
    before = desk.files()
    for words, code, said in (
            ([place.path("none"), "--to", desk.to], 4, "none: No such file or directory"),
            ([desk.docs, "--to", desk.docs + "/backup"], 5, "each point would hold the points"),
            ([desk.docs, "--to", desk.docs], 5, "each point would hold the points"),
            ([desk.docs, "--to", "ftp://host/x"], 2, "ftp"),
            ([desk.docs, "--to", desk.to, "--rpo", "900"], 2, "--rpo: "),
            ([desk.docs, "--to", desk.to, "--rpo", "1s"], 2, "protect.My_Documents.rpo: "),
            (["nothing"], 4, "'nothing' is neither vol/NAME nor a resource of "),
            (["vol/"], 2, "'vol/' is not vol/NAME")):
        err = desk.protect(*words, code=code)
        assert said in err, (words, err)
        assert desk.files() == before, (words, desk.files())
    # A repository whose key is elsewhere, and a key that is another's.
    desk.run("repo", "init", "--repo", place.path("other"), "--key-file", place.path("other.key"))
    err = desk.protect(desk.docs, "--to", place.path("other"), code=12)
    assert "name the key's file with --key-file" in err, err
    err = desk.protect(desk.docs, "--to", place.path("new"), "--key-file",
                       place.path("other.key"), code=5)
    assert "is the key of another repository" in err, err
    desk.protect(desk.docs, "--to", place.path("other"), "--key-file", place.path("other.key"))
    err = desk.protect(place.path("etc"), "--to", place.path("other"), "--name", "My_Documents",
                       code=5)
    assert "My_Documents is protected already, but another path" in err, err


def test_running(place, ebb, ebbd):
    """an ebbd that runs takes it up, whichever way it is named, and makes the point"""
    desk = Desk(place, ebb)
    place.start([ebbd, "--config", desk.config]).ready()
    state = ("--state", place.path("state"))
    out = desk.run("protect", desk.docs, "--to", desk.to, "--rpo", "10m", *state)
    assert "ebbd knows" in out, out
    end = time.monotonic() + PATIENCE
    while True:
        status = json.loads(desk.run("status", "--json", *state))["protected"]
        if status and status[0]["newest_point"]:
            break
        assert time.monotonic() < end, status
        time.sleep(0.2)
    assert status[0]["path"] == desk.docs, status
    out = desk.run("protect", "My_Documents", *state)
    assert out == "My_Documents: begins with the next tick\n", out


sys.exit(programs.main([value for name, value in list(globals().items())
                        if name.startswith("test_")],
                       [os.path.realpath(path) for path in sys.argv[1:3]]))
