#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The commands on a repository as a whole program: no daemon, no configuration, only a folder and a
key. Speaks TAP.

usage: tests/keep_cli_test.py EBB
"""
import concurrent.futures
import json
import os
import random
import shutil
import subprocess
import sys
import tarfile

import programs
from keep_bench import PROGRAM, Bench, check

# As an ebb made it whose indexes told no lengths: three points of a tree, and its key.
OLD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden", "repository-1.tar.xz")

TESTS = []


def test(function):
    TESTS.append(function)
    return function


@test
def saved_restored_and_proved(_place, _program):
    """saved restored and proved"""
    with Bench() as b:
        b.ebb("repo init")
        first = b.json("backup source")
        check(first["kind"] == "full" and first["entries"] == 4, first)
        second = b.json("backup source")
        check(second["kind"] == "incremental" and second["read_bytes"] == 0, second)
        listed = b.json("snap ls")
        check([p["id"] for p in listed["points"]] == [first["id"], second["id"]], listed)
        check(b.json("restore latest out")["failed"] == 0, "some failed")
        b.same("source", "out")
        b.ebb(f"restore {first['id'][:6]} part --path sub/large")
        check(sorted(os.listdir(b.path("part"))) == ["sub"], os.listdir(b.path("part")))
        check(b.json("verify")["damaged"] == 0, "damaged")


@test
def a_new_machine_needs_only_program_place_and_key(_place, _program):
    """a new machine needs only program place and key"""
    with Bench() as b, Bench() as other:
        b.ebb("repo init")
        b.ebb("backup source")
        shutil.copytree(b.path("store"), other.path("store"))
        shutil.copy(b.path("key"), other.path("key"))
        other.ebb("restore latest out")
        shutil.move(b.path("source"), other.path("want"))
        other.same("want", "out")


@test
def a_recovery_sheet_is_enough(_place, _program):
    """a new machine needs only program place and recovery sheet"""
    with Bench() as b, Bench() as other:
        b.ebb("repo init")
        b.ebb("backup source")
        sheet = b.ebb("repo key add --recovery --label safe").stdout
        shutil.copytree(b.path("store"), other.path("store"))
        with open(other.path("sheet.txt"), "w", encoding="utf-8") as file:
            file.write(sheet)
        other.ebb("restore latest out --key-file sheet.txt", env={"EBB_KEY_FILE": ""})
        # Typed by hand: the two lines of the key alone, in small letters.
        lines = [line for line in sheet.splitlines() if line.startswith("    ")]
        with open(other.path("typed"), "w", encoding="utf-8") as file:
            file.write("\n".join(lines).lower())
        generation = next(line.split()[1] for line in sheet.splitlines()
                          if line.startswith("generation")).rstrip(",")
        other.ebb(f"snap ls --key-file typed --generation {generation}")
        shutil.move(b.path("source"), other.path("want"))
        other.same("want", "out")


@test
def keys_come_go_and_rotate(_place, _program):
    """keys come go and rotate"""
    with Bench() as b:
        with open(b.path("word"), "w", encoding="utf-8") as file:
            file.write("a pass phrase\n")
        word = {"EBB_KEY_FILE": "", "EBB_PASSWORD_FILE": "word"}
        b.ebb("repo init", env=word)
        b.ebb("backup source", env=word)
        added = b.ebb("repo key add --new-key-file second --label two --json", env=word)
        second = json.loads(added.stdout)["id"]
        check(os.stat(b.path("second")).st_mode & 0o777 == 0o600, "others may read the key")
        b.ebb("snap ls --key-file second")
        b.ebb("repo key add --secret --recovery --new-key-file x", 2, env=word)
        b.ebb("repo key add", 2, env=word)
        b.ebb("repo key add --new-key-file second", 5, env=word)
        listed = json.loads(b.ebb("repo key ls --json", env=word).stdout)
        check([k["key"] for k in listed["keys"]] == ["passphrase", "secret"], listed)
        first = listed["keys"][0]["id"]
        b.ebb(f"repo key rm {second}", 5, env=word)
        b.ebb(f"repo key rm -y {first}", 5, env=word)
        b.ebb("repo key rm -y 00000000", 4, env=word)
        b.ebb("repo key rotate", env=word)
        b.ebb("backup source --full", env=word)
        b.ebb("snap ls --key-file second --password-command x", 2)
        b.ebb(f"repo key rm -y {second[:8]}", env=word)
        b.ebb("snap ls --key-file second", 12)
        said = subprocess.run([PROGRAM, "restore", "latest", "out", "--password-command",
                               "cat word"], cwd=b.folder, capture_output=True, text=True,
                              check=False, env={"PATH": os.environ["PATH"], "EBB_REPO": "store"})
        check(said.returncode == 0, said)
        b.same("source", "out")
        check(not json.loads(b.ebb("repo upgrade --json", env=word).stdout)["raised"], "old")


def files(folder):
    found = {}
    for path, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(path, name), "rb") as file:
                found[os.path.join(path, name)] = file.read()
    return found


@test
def an_old_repository_is_upgraded_when_asked(_place, _program):
    """an old repository is upgraded when asked"""
    with Bench() as b:
        with tarfile.open(OLD) as archive:
            archive.extractall(b.folder)
        b.ebb("snap ls")
        b.ebb("repo check")
        check(b.json("repo check --listed")["packs_unopened"] == 0, "lengths that nobody knows")
        before = files(b.path("store"))
        said = b.json("repo upgrade -n")
        check(said["raised"] and said["old"] == 3 and said["renewed"] == 0, said)
        check("refuses the repository from then on" in b.ebb("repo upgrade -n").stdout, "words")
        check(files(b.path("store")) == before, "a dry run wrote")
        # No other command does it by the way.
        b.ebb("backup source")
        b.ebb("repo gc")
        said = b.json("repo upgrade")
        check(said["raised"] and said["old"] == said["renewed"] == 4, said)
        check("nothing to upgrade" in b.ebb("repo upgrade").stdout, "twice")
        b.ebb("backup source --full")
        b.ebb("repo gc --soak 0s")
        b.ebb("verify")
        seen = b.json("repo check --listed")
        check(seen["packs_unopened"] == seen["packs"] > 6 and not seen["troubles"], seen)
        b.ebb("restore tree@latest out")
        with open(b.path("out", "numbers"), encoding="utf-8") as file:
            check(file.read() == "".join(f"{n}\n" for n in range(1, 3001)), "numbers")
        pack = b.packs()[0]
        os.truncate(pack, os.path.getsize(pack) - 1)
        said = b.ebb("repo check --listed", 13).stderr
        check("bytes, and was written with" in said, said)
        b.ebb("repo check", 13)


@test
def a_write_only_key_adds_and_reads_nothing(_place, _program):
    """a write-only key adds and reads nothing"""
    with Bench() as b:
        state = {"XDG_STATE_HOME": b.path("state")}
        client = {**state, "EBB_KEY_FILE": "client"}
        b.ebb("repo init")
        b.ebb("repo key add --write-only --new-key-file client --label laptop")
        first = json.loads(b.ebb("backup source --json", env=client).stdout)
        check(first["state"] == "written, not proved", first)
        second = json.loads(b.ebb("backup source --json", env=client).stdout)
        check(second["kind"] == "incremental" and second["new_bytes"] == 0, second)
        for words in ("snap ls", "restore latest out", "verify", "repo key ls", "repo adopt",
                      "repo gc", "repo upgrade"):
            b.ebb(words, 12, env=client)
        check(not b.json("snap ls")["points"], "points before they were adopted")
        check(b.json("repo adopt")["adopted"] == 2, "not adopted")
        b.ebb("verify")
        b.ebb("restore latest out")
        b.same("source", "out")
        with open(b.path("source", "more"), "w", encoding="utf-8") as file:
            file.write("more")
        b.ebb("backup source", env=client)
        key = next(k["id"] for k in b.json("repo key ls")["keys"] if k["key"] == "write-only")
        b.ebb(f"repo key rm -y {key}")
        said = b.ebb("repo adopt", 3).stderr
        check("its key is none of this repository, or was taken away" in said, said)
        b.ebb("backup source", 12, env=client)


@test
def runs_of_one_write_only_key_wait_for_each_other(_place, _program):
    """runs of one write-only key wait for each other, and no word of theirs is overtaken"""
    with Bench() as b:
        client = {"XDG_STATE_HOME": b.path("state"), "EBB_KEY_FILE": "client"}
        names = [f"source-{i}" for i in range(3)]
        for name in names:
            shutil.copytree(b.path("source"), b.path(name), symlinks=True)
        b.ebb("repo init")
        b.ebb("repo key add --write-only --new-key-file client")
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(lambda name: b.ebb(f"backup {name}", env=client), names))
        for name in names:
            told = json.loads(b.ebb(f"backup {name} --json", env=client).stdout)
            check(told["kind"] == "incremental" and told["read_bytes"] == 0, told)
        adopted = b.json("repo adopt")
        check(adopted["adopted"] == 6 and adopted["refused"] == 0, adopted)


@test
def damage_is_found_mended_and_never_restored(_place, _program):
    """damage is found mended and never restored"""
    with Bench() as b:
        b.ebb("repo init")
        b.ebb("backup source")
        with open(b.packs()[0], "r+b") as pack:
            pack.seek(50_000)
            byte = pack.read(1)
            pack.seek(50_000)
            pack.write(bytes([byte[0] ^ 1]))
        found = b.json("verify", 13)
        check(found["mendable"] == 1 and found["damaged"] == 0, found)
        b.ebb("restore latest out")
        b.same("source", "out")
        check(b.json("verify --repair")["mended"] == 1, "not mended")
        check(b.json("verify")["mendable"] == 0, "not for good")
        os.remove(b.packs()[0])
        done = b.ebb("restore latest again", 3)
        check("sub/large" in done.stderr, done.stderr)
        check(not os.path.exists(b.path("again", "sub", "large")), "a wrong file")
        b.ebb("verify", 13)


@test
def each_failure_has_its_code_and_sentence(_place, _program):
    """each failure has its code and sentence"""
    with Bench() as b:
        for words, code, sentence in (
                ("snap ls", 12, "key: No such file or directory"),
                ("backup source --repo=", 2, None),
                ("repo init", 0, None),
                ("snap ls --repo none", 10, "none: there is no repository: No such file"),
                ("repo init", 5, "key: this file is there already; a new key wants a new file"),
                ("repo init --key-file key2", 5, "store: there is a repository already"),
                ("restore latest out", 4, "store: there is no point yet"),
                ("backup nothing", 1, "no point was made"),
                ("backup source", 0, None),
                ("restore 0 out", 4, "'0': give at least 4 digits of a point, or latest"),
                ("restore latest", 2, "restore wants a point and a folder"),
                ("restore latest out --path no/such", 4, "no/such: no such path in this point"),
                ("snap ls --generation 3", 13, "is at generation 2, but was at 3 before"),
                ("snap ls --generation x", 2, "--generation: 'x' is not a number")):
            done = b.ebb(words, code)
            check(sentence is None or sentence in done.stderr, f"{words}: {done.stderr!r}")
        b.ebb("repo init --repo other --key-file key3")
        done = b.ebb("snap ls --key-file key3", 12)
        check("this key opens none of the 1 key slots" in done.stderr, done.stderr)
        with open(b.path("key"), "r+", encoding="ascii") as key:
            key.seek(10)
            key.write("U")
        done = b.ebb("snap ls", 12)
        check("the secret key is wrong in group" in done.stderr, done.stderr)


@test
def retention_says_what_goes_and_gives_the_room_back(_place, _program):
    """retention says what goes and gives the room back"""
    with Bench() as b:
        b.ebb("repo init")
        chance = random.Random(2)
        for turn in range(4):
            with open(b.path("source", "large"), "wb") as file:
                file.write(chance.randbytes(5_000_000))
            b.ebb("backup source")
        ids = [p["id"] for p in b.json("snap ls")["points"]]
        b.ebb(f"snap hold {ids[0]}")
        plan = b.json("repo gc -n --keep-last 2")
        check([p["goes"] for p in plan["points"]] == [False, True, False, False], plan)
        check(plan["points"][0]["kept_by"] == ["held"], plan)
        check(plan["points"][3]["kept_by"] == ["last", "newest"], plan)
        check(5_000_000 < plan["free_bytes"] < 6_000_000, plan)
        check(len(b.json("snap ls")["points"]) == 4, "a dry run removed a point")
        done = b.ebb("repo gc --keep-last 2", 5)
        check("goes   " + ids[1][:8] in done.stderr, done.stderr)
        check("this removes 1 point for ever; nobody can be asked here" in done.stderr, done.stderr)
        packs = len(b.packs())
        done = b.ebb("repo gc --keep-last 2 -y")
        check("removed 1 point" in done.stdout and "have soaked for 1d" in done.stdout, done.stdout)
        check(len(b.packs()) == packs, "it has not soaked")
        check(b.json("repo gc --soak 0s")["result"]["removed_bytes"] > 5_000_000, "nothing removed")
        check(len(b.packs()) == packs - 1, b.packs())
        check([p["id"] for p in b.json("snap ls")["points"]] == [ids[0], ids[2], ids[3]], "points")
        b.json("verify")
        b.ebb("restore latest out")
        b.same("source", "out")
        for words, code, sentence in (
                ("repo gc --keep-last x", 2, "--keep-last: 'x' is no number of points"),
                ("repo gc --keep-within 30", 2, "--keep-within: "),
                ("repo gc --resource source", 2, "--resource: of its points which shall stay?")):
            check(sentence in b.ebb(words, code).stderr, words)


@test
def a_jump_is_told_and_holds_retention(_place, _program):
    """a jump is told and holds retention"""
    with Bench() as b:
        b.ebb("repo init")
        for turn in range(7):
            with open(b.path("source", "small"), "w", encoding="ascii") as file:
                file.write(f"{turn}\n" * 2000)
            check("suspicious" not in b.ebb("backup source").stderr, f"backup {turn}")
        with open(b.path("source", "sub", "large"), "wb") as file:
            file.write(random.Random(3).randbytes(3_000_000))
        done = b.ebb("backup source")
        check("suspicious: far more than usual is new" in done.stderr, done.stderr)
        check(b.json("repo gc -n --keep-last 1")["going"] == 0, "points go")
        check(b.json("snap ls")["points"][-1]["suspicious"], "not marked")
        b.ebb("snap accept latest")
        check(b.json("repo gc -n --keep-last 1")["going"] == 7, "points stay")


def fill(folder):
    """Not a byte is left."""
    with open(os.path.join(folder, "filler"), "wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                pass


@test
def a_full_place_is_told_and_collected(_place, _program):
    """a full place is told and collected"""
    if os.geteuid():
        raise programs.Skip("only root can mount a small file system")
    with Bench() as b:
        os.mkdir(b.path("tiny"))
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", b.path("tiny")],
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise programs.Skip(f"no small file system can be mounted: {done.stderr.strip()}")
        try:
            chance = random.Random(4)
            where = {"EBB_REPO": "tiny/store"}
            b.ebb("repo init", env=where)
            for _ in range(2):
                with open(b.path("source", "sub", "large"), "wb") as file:
                    file.write(chance.randbytes(8_000_000))
                b.ebb("backup source", env=where)
            os.mkdir(b.path("much"))
            with open(b.path("much", "file"), "wb") as file:
                file.write(chance.randbytes(80_000_000))
            done = b.ebb("backup much", 1, env=where)
            check("no point was made" in done.stderr and "No space left" in done.stderr,
                  done.stderr)
            b.ebb("verify", env=where)
            fill(b.path("tiny"))
            check(os.statvfs(b.path("tiny")).f_bavail == 0, "there is room left")
            done = b.ebb("repo gc --keep-last 1 -y --soak 0s --json", env=where)
            result = json.loads(done.stdout)["result"]
            check(result["removed_bytes"] > 8_000_000, done.stdout)
            check(os.path.exists(b.path("tiny", "store", "reserve")), "no new reserve")
            b.ebb("verify", env=where)
            b.ebb("restore latest out", env=where)
            b.same("source", "out")
            b.ebb("backup source", env=where)
        finally:
            subprocess.run(["umount", b.path("tiny")], check=True)


@test
def a_killed_backup_leaves_a_repository_that_goes_on(_place, _program):
    """a killed backup leaves a repository that goes on"""
    with Bench() as b:
        b.ebb("repo init")
        b.ebb("backup source")
        chance = programs.seed()
        environment = b.environment()
        for turn in range(12):
            with open(b.path("source", f"more{turn}"), "wb") as file:
                file.write(chance.randbytes(4_000_000))
            with subprocess.Popen([PROGRAM, "backup", "source"], cwd=b.folder, env=environment,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
                try:
                    running.wait(chance.uniform(0.001, 0.15))
                except subprocess.TimeoutExpired:
                    running.kill()
            check(b.json("verify")["damaged"] == 0, "damaged")
        b.ebb("backup source")
        b.ebb("restore latest out")
        b.same("source", "out")


sys.exit(programs.main(TESTS, sys.argv[1:]))
