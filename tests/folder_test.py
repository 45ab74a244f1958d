#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Folders as people have them: all that a Linux file can be, brought back and compared, and folders
that change while they are read. Speaks TAP.

usage: tests/folder_test.py EBB [slow]
"""
import contextlib
import json
import os
import random
import shutil
import socket
import stat
import struct
import subprocess
import sys

import programs
from keeping import check, ebb, ebb_json, same, with_program

TESTS, SLOW = [], []
NOBODY = 65534


def test(function):
    TESTS.append(function)
    return function


def slow(function):
    SLOW.append(function)
    return function


def write(path, content, mode=0o644):
    with open(path, "wb") as file:
        file.write(content)
    os.chmod(path, mode)


def acl(*entries):
    """A POSIX ACL as the kernel keeps it: version 2, then (tag, permissions, id)."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *e) for e in entries)


NONE = 0xFFFFFFFF
ACL = acl((1, 6, NONE), (2, 4, 1234), (4, 4, NONE), (16, 6, NONE), (32, 0, NONE))
FOLDER_ACL = acl((1, 7, NONE), (2, 5, 4321), (4, 5, NONE), (16, 7, NONE), (32, 0, NONE))
# VFS_CAP_REVISION_2 with the effective bit, CAP_NET_BIND_SERVICE.
CAPABILITY = struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0)


def plain_part(top):
    """What everybody may make."""
    chance = random.Random(7)
    os.makedirs(top)
    write(f"{top}/empty", b"")
    write(f"{top}/small", b"hello\n", 0o640)
    write(f"{top}/large", chance.randbytes(5_000_000), 0o444)
    write(f"{top}/setuid", b"#!/bin/sh\n", 0o4755)
    write(f"{top}/setgid", b"#!/bin/sh\n", 0o2755)
    write(f"{top}/nothing", b"secret", 0o600)
    for name in (b"\xff\xfe raw", b"new\nline", b"tab\t\x1b[31mred", b" ", b"-rf", b"\\", b"*",
                 "Ünïcödé".encode(), b"a" * 255):
        write(os.fsencode(top) + b"/" + name, name)
    os.makedirs(f"{top}/folder/inner/empty", 0o755)
    os.mkdir(f"{top}/sticky")
    os.chmod(f"{top}/sticky", 0o3777)
    os.mkdir(f"{top}/closed")
    write(f"{top}/closed/in", b"x")
    os.symlink("small", f"{top}/link")
    os.symlink("/nowhere/\xff".encode("latin1"), os.fsencode(top) + b"/dangling")
    os.symlink("x" * 4000, f"{top}/long link")
    os.mkfifo(f"{top}/fifo", 0o620)
    with socket.socket(socket.AF_UNIX) as server:
        here = os.getcwd()
        os.chdir(top)
        server.bind("socket")
        os.chdir(here)
    os.link(f"{top}/small", f"{top}/folder/hard")
    os.link(f"{top}/large", f"{top}/folder/inner/hard too")
    os.link(f"{top}/fifo", f"{top}/folder/same fifo")
    os.link(f"{top}/link", f"{top}/folder/same link", follow_symlinks=False)
    holes(top)
    for name, value in (("user.empty", b""), ("user.bytes", bytes(range(256))),
                        ("user.large", b"v" * 3000)):
        os.setxattr(f"{top}/small", name, value)
    os.setxattr(f"{top}/folder", "user.folder", b"yes")
    os.chmod(f"{top}/closed", 0o500)


def holes(top):
    with open(f"{top}/sparse", "wb") as file:
        file.write(b"begin")
        file.seek(10 << 20)
        file.write(b"middle")
        file.truncate(20 << 20)
    with open(f"{top}/all hole", "wb") as file:
        file.truncate(3 << 20)
    with open(f"{top}/end hole", "wb") as file:
        file.write(b"d" * 70000)
        file.truncate(1 << 20)
    with open(f"{top}/fragments", "wb") as file:
        for i in range(3000):
            file.seek(i * 8192)
            file.write(b"f" * 4096)


def root_part(top):
    os.chown(f"{top}/setuid", 1234, 4321)
    os.chmod(f"{top}/setuid", 0o6755)
    os.chown(f"{top}/link", 77, 78, follow_symlinks=False)
    os.chown(f"{top}/folder/inner", 5, 6)
    write(f"{top}/capable", b"\x7fELF", 0o755)
    os.setxattr(f"{top}/capable", "security.capability", CAPABILITY)
    os.setxattr(f"{top}/capable", "trusted.note", b"t")
    os.mknod(f"{top}/null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.mknod(f"{top}/disk", stat.S_IFBLK | 0o660, os.makedev(259, 70000))


def acl_part(top):
    os.setxattr(f"{top}/nothing", "system.posix_acl_access", ACL)
    os.setxattr(f"{top}/folder", "system.posix_acl_access", FOLDER_ACL)
    os.setxattr(f"{top}/folder", "system.posix_acl_default", FOLDER_ACL)


def set_times(top):
    """Times that need all their nanoseconds, before 1970 and far ahead."""
    moments = (1, -1_500_000_000_000_000_001, 1_234_567_890_123_456_789, 4_000_000_000_999_999_999)
    for at, folders, names in os.walk(os.fsencode(top), topdown=False):
        for number, name in enumerate(sorted(names + folders)):
            os.utime(os.path.join(at, name), ns=(0, moments[number % 4]), follow_symlinks=False)
    os.utime(top, ns=(0, 987_654_321_123_456_789))


@test
def all_that_a_file_can_be(place):
    """all that a file can be comes back the same"""
    plain_part(place.path("source"))
    acl_part(place.path("source"))
    if os.getuid() == 0:
        root_part(place.path("source"))
    set_times(place.path("source"))
    os.chmod(place.path("source"), 0o751)
    ebb(place, "repo init")
    told = ebb_json(place, "backup source")
    check(told["unreadable"] == 0 and not told["partial"], told)
    done = ebb_json(place, "restore latest out")
    check(done["failed"] == 0, done)
    same(place, "source", "out")
    again = ebb_json(place, "backup source")
    check(again["read_bytes"] == 0 and again["entries"] == told["entries"], again)
    ebb_json(place, "restore latest again")
    same(place, "source", "again")
    if os.getuid() != 0:
        print("# not as root: no devices, other owners or capabilities")


@test
def as_a_plain_user(place):
    """a plain user gets back what is his, and is told what is not"""
    if os.getuid() != 0:
        raise programs.Skip("the test above did this, not being root")
    os.chmod(place.folder, 0o755)
    os.mkdir(place.path("his"))
    os.chown(place.path("his"), NOBODY, NOBODY)
    pid = os.fork()
    if not pid:  # as nobody, all files are nobody's
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        plain_part(place.path("his", "source"))
        acl_part(place.path("his", "source"))
        set_times(place.path("his", "source"))
        os._exit(0)
    check(os.waitpid(pid, 0)[1] == 0, "no source")
    his = programs.Place.__new__(programs.Place)
    his.folder, his.ebb, his.limits = place.path("his"), place.ebb, {}
    user = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    ebb(his, "repo init", **user)
    told = ebb_json(his, "backup source", **user)
    check(told["unreadable"] == 0, told)
    done = ebb_json(his, "restore latest out", **user)
    check(done["failed"] == 0, done)
    same(his, "source", "out")
    # Something of root's among it: told and counted, and the rest goes on.
    write(place.path("his", "source", "roots"), b"x" * 100, 0o600)
    os.mkdir(place.path("his", "source", "roots folder"), 0o700)
    write(place.path("his", "source", "readable"), b"y" * 100, 0o644)
    done = ebb(his, "backup source", 3, **user)
    for name in (b"roots: opening: Permission denied",
                 b"roots folder: opening: Permission denied"):
        check(name in done.stderr, done.stderr)
    check(b"2 entries could not be read: the point is partial" in done.stdout, done.stdout)
    # Another owner's file is restored all the same, without its owner, and that is told.
    done = ebb(his, "restore latest theirs", 3, **user)
    check(b"readable: restored without its owner, mode and times" in done.stderr, done.stderr)
    with open(place.path("his", "theirs", "readable"), "rb") as file:
        check(file.read() == b"y" * 100, "content")
    check(not os.path.exists(place.path("his", "theirs", "roots")), "made up content")
    done = ebb_json(his, "restore latest mine --no-owner", 3, **user)
    check(done["failed"] == 1, done)  # roots; of the folder that was closed its being there


@slow
def a_very_deep_tree(place):
    """a very deep tree comes back, and one too deep costs only what is too deep"""
    os.mkdir(place.path("source"))
    write(place.path("source", "z after"), b"after")
    here = os.getcwd()
    os.chdir(place.path("source"))
    for _ in range(1900):
        os.mkdir("deeper")
        os.chdir("deeper")
    write("bottom", b"bottom")
    bottom = os.open(".", os.O_RDONLY)
    os.chdir(here)
    ebb(place, "repo init")
    told = ebb_json(place, "backup source")
    check(told["entries"] == 1902 and told["unreadable"] == 0, told)
    ebb_json(place, "restore latest out")
    same(place, "source", "out")
    os.fchdir(bottom)
    for _ in range(300):
        os.mkdir("deeper")
        os.chdir("deeper")
    os.chdir(here)
    os.close(bottom)
    done = ebb(place, "backup source", 3)
    check(b"folders deep" in done.stderr and b"1 entry could not be read" in done.stdout,
          done.stdout)
    ebb(place, "restore latest deep")
    check(os.path.exists(place.path("deep", "z after")), "what came behind it is missing")


@slow
def a_hundred_thousand_entries(place):
    """a hundred thousand entries in one folder"""
    os.mkdir(place.path("source"))
    for number in range(100_000):
        os.close(os.open(place.path("source", f"{number * 7919 % 100_000:x}"),
                         os.O_CREAT | os.O_WRONLY))
    ebb(place, "repo init")
    told = ebb_json(place, "backup source")
    check(told["entries"] == 100_000, told)
    os.remove(place.path("source", "77"))
    again = ebb_json(place, "backup source")
    check(again["entries"] == 99_999 and again["read_bytes"] == 0, again)
    check(again["written_bytes"] * 5 < told["written_bytes"],
          f"one name less wrote {again['written_bytes']} of {told['written_bytes']} bytes")
    with contextlib.suppress(programs.Skip):  # where making each durable costs no disk
        place.mount("out", "300m")
    ebb_json(place, "restore latest out")
    check(sorted(os.listdir(place.path("out"))) == sorted(os.listdir(place.path("source"))),
          "names")


def tree_of(place, top):
    return sorted(os.path.relpath(os.path.join(at, n), place.path(top))
                  for at, folders, names in os.walk(place.path(top)) for n in folders + names)


@test
def excludes(place):
    """excludes by pattern and by file"""
    for name in ("a.o", "keep.o", "src/b.o", "src/b.c", "src/tmp/x", "tmp/y", "cache/c",
                 "deep/m/z"):
        os.makedirs(os.path.dirname(place.path("source", name)), exist_ok=True)
        write(place.path("source", name), b"x")
    place.write("patterns", "# objects\n*.o\n\n/tmp/\n")
    ebb(place, "repo init")
    ebb(place, ["backup", "source", "--exclude-file", "patterns", "--exclude", "!keep.o",
                "--exclude", place.path("source", "cache"), "--exclude=deep/**/z"])
    ebb(place, "restore latest out")
    check(tree_of(place, "out") == ["deep", "deep/m", "keep.o", "src", "src/b.c", "src/tmp",
                                    "src/tmp/x"], tree_of(place, "out"))
    done = ebb(place, ["backup", "source", "--exclude", "/"], 2)
    check(b"the pattern '/' names nothing" in done.stderr, done.stderr)


@test
def caches(place):
    """a CACHEDIR.TAG counts when asked for, and only a real one"""
    for name, tag in (("real", b"Signature: 8a477f597d28d172789f06886806bc55\n# by a test"),
                      ("fake", b"Signature: nothing"), ("none", None)):
        os.makedirs(place.path("source", name))
        write(place.path("source", name, "file"), b"x")
        if tag:
            write(place.path("source", name, "CACHEDIR.TAG"), tag)
    ebb(place, "repo init")
    ebb(place, "backup source")
    ebb(place, "restore latest all")
    check("real/file" in tree_of(place, "all"), "left out without being asked")
    ebb(place, "backup source --exclude-caches")
    ebb(place, "restore latest out")
    check(tree_of(place, "out") == ["fake", "fake/CACHEDIR.TAG", "fake/file", "none", "none/file",
                                    "real", "real/CACHEDIR.TAG"], tree_of(place, "out"))


@test
def one_file_system(place):
    """another file system's mount point is saved empty with --one-file-system"""
    os.makedirs(place.path("source", "sub"))
    place.mount("source/mounted", "1m")
    write(place.path("source", "mounted", "there"), b"x")
    write(place.path("source", "sub", "here"), b"x")
    ebb(place, "repo init")
    ebb(place, "backup source --one-file-system")
    ebb(place, "restore latest out")
    check(tree_of(place, "out") == ["mounted", "sub", "sub/here"], tree_of(place, "out"))
    ebb(place, "backup source")
    ebb(place, "restore latest all")
    check("mounted/there" in tree_of(place, "all"), tree_of(place, "all"))


@test
def immutable_files(place):
    """immutable files are read like others"""
    os.mkdir(place.path("source"))
    write(place.path("source", "fixed"), b"x" * 1000)
    done = subprocess.run(["chattr", "+i", place.path("source", "fixed")], check=False,
                          capture_output=True)
    if done.returncode != 0:
        raise programs.Skip("chattr +i is refused here")
    try:
        ebb(place, "repo init")
        ebb(place, "backup source")
        ebb(place, "restore latest out")
        same(place, "source", "out")
        write(place.path("out", "fixed"), b"the flag is not restored")
    finally:
        subprocess.run(["chattr", "-i", place.path("source", "fixed")], check=True)


WRITER = r"""
import os, random, sys, time
top, chance = sys.argv[1], random.Random(int(sys.argv[2]))
def attempt(function, *args):
    try:
        return function(*args)
    except OSError:
        return None
print("on", flush=True)
turn = 0
while True:
    turn += 1
    name = f"{top}/{chance.randrange(40):02}"
    what = chance.randrange(6)
    if what == 0:  # grow
        fd = attempt(os.open, name, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        if fd is not None:
            attempt(os.write, fd, bytes([65 + turn % 26]) * chance.randrange(1, 300_000))
            os.close(fd)
    elif what == 1:  # shrink
        attempt(os.truncate, name, chance.randrange(0, 100_000))
    elif what == 2:  # replaced in one step
        with open(name + ".new", "wb") as file:
            file.write(b"%08d" % turn * chance.randrange(1, 60_000))
        attempt(os.rename, name + ".new", name)
    elif what == 3:  # vanishes
        attempt(os.unlink, name)
    elif what == 4:  # a folder instead of a file, and away again
        attempt(os.mkdir, name + ".folder")
        attempt(os.rename, name, name + ".folder/in")
        attempt(os.unlink, name + ".folder/in")
        attempt(os.rmdir, name + ".folder")
    else:  # written over in place
        fd = attempt(os.open, name, os.O_WRONLY)
        if fd is not None:
            attempt(os.write, fd, b"%08d" % turn * 20_000)
            os.close(fd)
"""


def start_writer(place, top, seed):
    writer = subprocess.Popen([sys.executable, "-c", WRITER, place.path(top), str(seed)],
                              stdout=subprocess.PIPE)
    check(writer.stdout.readline() == b"on\n", "no writer")
    return writer


@slow
def many_holes(place):
    """a file of very many holes, and one that shrinks while it is read"""
    os.mkdir(place.path("source"))
    with open(place.path("source", "holes"), "wb") as file:
        for i in range(10_000):
            file.seek(i * 12288)
            file.write(b"%04096d" % i)
    # Attributes and holes of one entry together.
    for number in range(4):
        with contextlib.suppress(OSError):
            os.setxattr(place.path("source", "holes"), f"user.{number}", b"a" * 900)
    ebb(place, "repo init")
    check(ebb_json(place, "backup source")["unreadable"] == 0, "unreadable")
    ebb(place, "restore latest out")
    same(place, "source", "out", ("extents",))
    used = [os.stat(place.path(top, "holes")).st_blocks * 512 for top in ("source", "out")]
    print(f"# {used[0] >> 20} MiB on disk come back as {used[1] >> 20}")
    # Truncated again and again between its two runs of data while it is read.
    script = (f"import os\nwhile True:\n f=open({place.path('source', 'sparse')!r},'wb')\n"
              " f.write(b'b'*3000000)\n f.seek(50000000)\n f.write(b'e'*3000000)\n"
              " f.truncate(60000000)\n f.truncate(5000000)\n f.close()\n")
    with subprocess.Popen([sys.executable, "-c", script]) as writer:
        try:
            for turn in range(4):
                ebb(place, "backup source")
                ebb(place, f"restore latest live{turn}")
                subprocess.run(["rm", "-r", place.path(f"live{turn}")], check=True)
        finally:
            writer.kill()


@slow
def live_data(place):
    """a folder that a program hammers is told as it was read"""
    os.mkdir(place.path("source"))
    chance = random.Random(3)
    steady = chance.randbytes(300_000)
    for number in range(40):
        write(place.path("source", f"{number:02}"), chance.randbytes(400_000))
        write(place.path("source", f"{number:02} steady"), steady)
    ebb(place, "repo init")
    writer = start_writer(place, "source", 11)
    changed = 0
    try:
        for turn in range(12):
            words = ["backup", "source", "--json"] + (["--full"] if turn % 3 == 0 else [])
            environment = {"PATH": os.environ["PATH"], "EBB_REPO": "store", "EBB_KEY_FILE": "key"}
            done = subprocess.run([place.ebb, *words], cwd=place.folder, env=environment,
                                  capture_output=True, check=False)
            check(done.returncode in (0, 3), done.stderr)
            told = json.loads(done.stdout)
            check((done.returncode == 3) == told["partial"] == (told["unreadable"] > 0), told)
            lines = done.stderr.decode().splitlines()
            check(sum("while it was read" in line for line in lines) == told["changed"],
                  f"{told} {lines}")
            changed += told["changed"]
            back = ebb_json(place, f"restore {told['id']} out{turn}",
                            3 if told["unreadable"] else 0)
            check(back["failed"] <= told["unreadable"], back)
            for number in range(40):
                with open(place.path(f"out{turn}", f"{number:02} steady"), "rb") as file:
                    check(file.read() == steady, "a steady file is not what it was")
            shutil.rmtree(place.path(f"out{turn}"))
    finally:
        writer.kill()
        writer.wait()
    check(changed > 0, "the writer never came in between: no test")
    print(f"# {changed} files changed while they were read")
    # When all is quiet again the next point is whole, whatever the live ones had.
    told = ebb_json(place, "backup source")
    check(told["unreadable"] == 0 and told["changed"] == 0, told)
    ebb(place, "restore latest quiet")
    same(place, "source", "quiet")
    check(ebb_json(place, "verify")["damaged"] == 0, "damaged")


@test
def young_files(place):
    """a change within the same tick as the backup's reading is not missed"""
    os.mkdir(place.path("source"))
    ebb(place, "repo init")
    name = place.path("source", "file")
    for turn in range(20):
        write(name, b"%08d" % turn)
        ebb(place, "backup source")
        write(name, b"%08d" % (turn + 1_000_000))
        ebb(place, "backup source")
        ebb(place, f"restore latest out{turn}")
        with open(place.path(f"out{turn}", "file"), "rb") as file:
            check(file.read() == b"%08d" % (turn + 1_000_000), f"old content in turn {turn}")


PROGRAM = os.path.abspath(sys.argv[1])
CHOSEN = SLOW if sys.argv[2:] == ["slow"] else TESTS
sys.exit(programs.main([with_program(t, PROGRAM) for t in CHOSEN], []))
