#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Recovery points mounted for real, in a mount namespace of this test's own: what a test leaves
behind is gone with it. Needs root and /dev/fuse. Speaks TAP.

usage: tests/mount_test.py EBB
"""
import contextlib
import ctypes
import errno
import os
import random
import signal
import subprocess
import sys
import time

import programs
from keep_bench import PROGRAM, Bench, check

TESTS = []
CLONE_NEWNS = 0x20000


def test(function):
    TESTS.append(function)
    return function


def enter_namespace():
    """Mounts from here on are ours alone."""
    if os.geteuid() != 0:
        raise programs.Skip("only root may make a mount namespace")
    if not os.path.exists("/dev/fuse"):
        raise programs.Skip("there is no /dev/fuse")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0:
        raise programs.Skip(f"no mount namespace: {os.strerror(ctypes.get_errno())}")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)


class Mounted:
    """Points mounted at `m` while the block lasts."""

    def __init__(self, bench, *words):
        self.bench, self.words, self.said = bench, words, ""
        self.point = bench.path("m")

    def __enter__(self):
        os.makedirs(self.point, exist_ok=True)
        with open(self.bench.path("log"), "wb") as log:
            self.process = subprocess.Popen([PROGRAM, "snap", "mount", *self.words, "m"],
                                            cwd=self.bench.folder, stderr=log,
                                            env=self.bench.environment())
        end = time.monotonic() + programs.PATIENCE
        while not os.path.ismount(self.point):
            check(self.process.poll() is None and time.monotonic() < end, self.log())
            time.sleep(0.01)
        return self

    def log(self):
        with open(self.bench.path("log"), encoding="utf-8") as log:
            return log.read()

    def path(self, *names):
        return os.path.join(self.point, *names)

    def end(self, number):
        """Its exit code after a signal."""
        self.process.send_signal(number)
        return self.process.wait(programs.PATIENCE)

    def __exit__(self, *_):
        if self.process.poll() is None:
            check(self.end(signal.SIGTERM) == 0, self.log())
        check(not os.path.ismount(self.point), "it stays mounted")


def make_source(b):
    chance = programs.seed()
    os.makedirs(b.path("source", "many"))
    for i in range(500):
        b.write(f"many/file{i}", chance.randbytes(chance.randrange(100)))
    b.write("large", chance.randbytes(9_000_000))
    os.link(b.path("source", "large"), b.path("source", "many", "hard"))
    os.symlink("../large", b.path("source", "many", "link"))
    os.mkfifo(b.path("source", "fifo"))
    os.setxattr(b.path("source", "large"), "user.note", b"\0a note\xff")
    os.chmod(b.path("source", "many", "file7"), 0o4711)
    os.chown(b.path("source", "many", "file8"), 1234, 5678)
    with open(b.path("source", "sparse"), "wb") as file:
        for at in (5_000_000, 5_004_096, 20_000_001):
            file.seek(at)
            file.write(chance.randbytes(chance.randrange(1, 300_000)))
        file.truncate(30_000_000)
    return chance


def runs(path):
    """Data of a file, run after run, as the file system tells."""
    found, at = [], 0
    with open(path, "rb") as file, contextlib.suppress(OSError):
        while True:
            at = os.lseek(file.fileno(), at, os.SEEK_DATA)
            end = os.lseek(file.fileno(), at, os.SEEK_HOLE)
            found.append((at, end))
            at = end
    return found


@test
def an_image_is_a_file(_place, _program):
    """the image of a point is a file, read-only, with its holes; streams are there, too"""
    enter_namespace()
    with Bench() as b:
        chance = programs.seed()
        image = b.path("disk.img")
        with open(image, "wb") as file:
            file.truncate((40 << 20) + 77)
            for at in (0, 9 << 20, (39 << 20) + 4096):
                file.seek(at)
                file.write(chance.randbytes(300_000))
        b.ebb("repo init")
        b.ebb(["backup", image])
        with open(image, "r+b") as file:
            file.seek(9 << 20)
            file.write(b"changed")
        b.ebb(["backup", image])
        b.ebb("backup --stdin-name note --command -- echo said")
        with Mounted(b) as m:
            folder = m.path("image", *image.split("/"))
            old, new = sorted(os.listdir(folder))[:2]
            with open(os.path.join(folder, new), "rb") as have, open(image, "rb") as want:
                check(have.read() == want.read(), "content")
                size = os.fstat(want.fileno()).st_size
                for _ in range(200):
                    at, count = chance.randrange(size), chance.randrange(1, 400_000)
                    check(os.pread(have.fileno(), count, at) ==
                          os.pread(want.fileno(), count, at), f"at {at}")
            with open(os.path.join(folder, old), "rb") as have:
                check(have.read()[9 << 20:(9 << 20) + 7] != b"changed", "the older one")
            check(sum(to - at for at, to in runs(os.path.join(folder, new))) < 4 << 20, "holes")
            subprocess.run(["cp", os.path.join(folder, new), b.path("copy")], check=True)
            subprocess.run(["cmp", b.path("copy"), image], check=True)
            check(os.stat(b.path("copy")).st_blocks * 512 < 4 << 20, "a copy lost its holes")
            with contextlib.suppress(OSError):
                os.open(os.path.join(folder, new), os.O_RDWR)
                raise AssertionError("it can be opened for writing")
            note = m.path("stream", "note")
            with open(os.path.join(note, os.listdir(note)[0], "note"), "rb") as file:
                check(file.read() == b"said\n", "the stream")
        with Mounted(b, "disk.img@latest") as m:
            check(os.listdir(m.point) == ["disk.img"], os.listdir(m.point))
            subprocess.run(["cmp", m.path("disk.img"), image], check=True)


@test
def seeking_finds_each_run(_place, _program):
    """SEEK_DATA and SEEK_HOLE tell of a file with holes what its own file system tells"""
    enter_namespace()
    with Bench() as b:
        make_source(b)
        b.ebb("repo init")
        b.ebb("backup source")
        with Mounted(b, "latest") as m:
            for name in ("sparse", "large", "many/file1"):
                want = runs(b.path("source", *name.split("/")))
                check(runs(m.path(*name.split("/"))) == want, f"{name}: {want}")


@test
def a_mounted_point_is_the_source(_place, _program):
    """a mounted point is the source: rsync by checksum finds nothing to do"""
    enter_namespace()
    with Bench() as b:
        chance = make_source(b)
        b.ebb("repo init")
        b.ebb("backup source")
        with Mounted(b, "latest") as m:
            done = subprocess.run(["rsync", "-aHAXnci", "--delete", b.path("source") + "/",
                                   m.point + "/"], capture_output=True, text=True, check=False)
            check(done.returncode == 0 and not done.stdout, f"{done.stdout}{done.stderr}")
            for name in ("large", "sparse"):
                with open(b.path("source", name), "rb") as want, open(m.path(name), "rb") as have:
                    size = os.fstat(want.fileno()).st_size
                    for _ in range(300):
                        at, count = chance.randrange(size), chance.randrange(1, 400_000)
                        got = os.pread(have.fileno(), count, at)
                        check(got == os.pread(want.fileno(), count, at), f"{name} at {at}")
            check(os.stat(m.path("sparse")).st_blocks * 512 < 1_000_000, "holes have blocks")
            check(os.stat(m.path("large")).st_ino == os.stat(m.path("many", "hard")).st_ino,
                  "names of one file have two numbers")
            check(sorted(os.listdir(m.path("many"))) ==
                  sorted(os.listdir(b.path("source", "many"))), "names")
            with contextlib.suppress(OSError):
                os.open(m.path("large"), os.O_RDWR)
                raise AssertionError("it can be opened for writing")
            inodes = {name: os.stat(m.path("many", name)).st_ino for name in ("file1", "file2")}
        with Mounted(b, "latest") as m:
            for name, inode in inodes.items():
                check(os.stat(m.path("many", name)).st_ino == inode, "another inode number")


@test
def without_a_point_all_are_there(_place, _program):
    """without a point all are there by resource and moment"""
    enter_namespace()
    with Bench() as b:
        b.ebb("repo init")
        b.ebb("backup source")
        b.write("later", b"1")
        b.ebb("backup source")
        os.makedirs(b.path("source2", "x"))
        b.ebb("backup source2")
        with Mounted(b) as m:
            where = m.path("dir", *b.path("source").split("/")[1:])
            check(len(os.listdir(where)) == 2, os.listdir(where))
            names = sorted(len(os.listdir(os.path.join(where, name)))
                           for name in os.listdir(where))
            check(names == [3, 4], names)
            point = os.path.join(where, min(os.listdir(where)))
            check(os.listdir(os.path.join(os.path.dirname(where), "source2",
                                          os.listdir(where + "2")[0])) == ["x"], "source2")
            check(not os.path.exists(os.path.join(point, "nothing")), "a name of its own")


def save_random(b, count, size):
    """A point of files f0, f1 ... that do not compress."""
    chance = random.Random(count)
    for i in range(count):
        b.write(f"f{i}", chance.randbytes(size))
    b.ebb("repo init")
    b.ebb("backup source")


@test
def damaged_chunks_answer_errors_and_never_wrong_bytes(_place, _program):
    """damaged chunks answer errors with a line and never wrong bytes"""
    enter_namespace()
    with Bench() as b:
        save_random(b, 8, 2_000_000)
        pack = max(b.packs(), key=os.path.getsize)
        with open(pack, "r+b") as file:
            file.seek(os.path.getsize(pack) // 4)
            file.write(bytes(os.path.getsize(pack) // 4))
        with Mounted(b, "latest") as m:
            broken = 0
            for i in range(8):
                with open(b.path("source", f"f{i}"), "rb") as want:
                    content = want.read()
                try:
                    with open(m.path(f"f{i}"), "rb", buffering=0) as have:
                        got = b""
                        while piece := have.read(65536):
                            got += piece
                    check(got == content, f"f{i}: wrong bytes")
                except OSError as error:
                    check(error.errno == errno.EIO, error)
                    check(f"ebb: /f{i}: " in m.log(), m.log())
                    broken += 1
            check(0 < broken < 8, f"{broken} of 8 are broken")


@test
def ends_in_order_and_by_force(_place, _program):
    """a signal or umount ends it in order, and kill -9 leaves nothing that umount cannot end"""
    enter_namespace()
    with Bench() as b:
        b.ebb("repo init")
        b.ebb("backup source")
        for number in (signal.SIGTERM, signal.SIGINT):
            with Mounted(b, "latest") as m:
                check(m.end(number) == 0, m.log())
        with Mounted(b, "latest") as m:
            subprocess.run(["umount", m.point], check=True)
            check(m.process.wait(programs.PATIENCE) == 0, m.log())
        with Mounted(b, "latest") as m:
            m.end(signal.SIGKILL)
            subprocess.run(["umount", m.point], check=True)
        with Mounted(b, "latest") as m:
            check(os.path.exists(m.path("small")), "not again")
        b.ebb("snap mount nothing", 10, {"EBB_REPO": b.path("none")})
        done = b.ebb("snap mount latest source/small", 1)
        check("source/small: Not a directory" in done.stderr, done.stderr)


@test
def memory_does_not_grow_with_what_is_read(_place, _program):
    """memory does not grow with what is read"""
    enter_namespace()
    with Bench() as b:
        save_random(b, 20, 8_000_000)
        with Mounted(b, "latest") as m:
            for i in range(20):
                with open(m.path(f"f{i}"), "rb") as file:
                    while file.read(1 << 20):
                        pass
            with open(f"/proc/{m.process.pid}/status", encoding="ascii") as status:
                peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
            print(f"# peak {peak // 1024} MiB after 160 MB")
            check(peak < 128 << 10 or "SAN" in " ".join(os.environ), f"{peak} KiB")


sys.exit(programs.main(TESTS, sys.argv[1:]))
