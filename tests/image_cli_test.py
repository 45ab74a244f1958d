#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Images through the command line: as an operator saves, restores and serves them.

usage: image_cli_test.py EBB
"""
import filecmp
import json
import os
import random
import resource
import shutil
import subprocess
import sys

import programs

EBB = sys.argv[1] if len(sys.argv) > 1 else "ebb"
MIB = 1 << 20


def ebb(place, *words, code=0):
    env = dict(os.environ, EBB_REPO=place.path("repo"), EBB_KEY_FILE=place.path("key"),
               XDG_STATE_HOME=place.path("state"))
    done = subprocess.run([EBB, *words], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
    return done


def make_image(place, mib=8, name="disk.img"):
    path = place.path(name)
    with open(path, "wb") as file:
        file.truncate(mib * MIB + 1000)
        rng = random.Random(1)
        for at in range(0, mib, 2):
            file.seek(at * MIB + 8192)
            file.write(rng.randbytes(MIB // 2))
    return path


def change(path, blocks):
    with open(path, "r+b") as file:
        for block in blocks:
            file.seek(block * 4096)
            file.write(os.urandom(4096))


def ready(place):
    ebb(place, "repo", "init")
    return make_image(place)


def test_round_trip(place):
    """an image comes back with its holes"""
    image = ready(place)
    assert "1 entry" in ebb(place, "backup", image).stdout
    ebb(place, "restore", "latest", place.path("back.img"))
    assert filecmp.cmp(image, place.path("back.img"), shallow=False)
    assert os.stat(place.path("back.img")).st_blocks <= os.stat(image).st_blocks + 8
    assert "is there" in ebb(place, "restore", "latest", place.path("back.img"), code=5).stderr
    ebb(place, "verify")


def test_map_of_changes(place):
    """with a map of changes only that is read, and a wrong map is told"""
    image = ready(place)
    ebb(place, "backup", image)
    change(image, [3, 700, 1500])
    changes = place.write("changes", "# blocks\n12288,4096\n2867200,4096\n6144000,4096\n")
    assert "read 12.0 KiB" in ebb(place, "backup", image, "--changed", changes).stdout
    ebb(place, "restore", "latest", place.path("back.img"))
    assert filecmp.cmp(image, place.path("back.img"), shallow=False)
    change(image, [9])
    wrong = place.write("wrong", "0,4096\n")
    told = ebb(place, "backup", image, "--changed", wrong, "--check-changed", code=1).stderr
    assert "changed at byte 36864, which the map of changes misses" in told, told
    bad = place.write("bad", "0,4096\n100\n")
    told = ebb(place, "backup", image, "--changed", bad, code=2).stderr
    assert "line 2: it is not OFFSET,LENGTH in decimal bytes" in told, told
    other = place.write("other", "since " + "0" * 32 + "\n0,4096\n")
    assert "not about the newest" in ebb(place, "backup", image, "--changed", other, code=5).stderr


def test_in_place(place):
    """in place only what differs is written; a killed restore is gone on with"""
    image = ready(place)
    ebb(place, "backup", image)
    point = ebb(place, "snap", "ls", "--json").stdout
    first = point.split('"id":"')[1][:32]
    old = open(image, "rb").read()
    change(image, [1, 600])
    done = ebb(place, "restore", first, image, "--in-place", "--json").stdout
    assert '"written_bytes":8192' in done, done
    assert open(image, "rb").read() == old
    # What an earlier, killed restore left under the temporary name.
    with open(place.path(".new.img.ebb-" + first), "wb") as file:
        file.write(old[:4 * MIB])
    done = ebb(place, "restore", first, place.path("new.img"), "--json").stdout
    written = int(done.split('"written_bytes":')[1].split(",")[0].rstrip("}\n"))
    assert 0 < written < 3 * MIB, done
    assert open(place.path("new.img"), "rb").read() == old


def test_device(place):
    """a block device behind a link is saved, and restored in place unless it is in use"""
    if os.geteuid() or not shutil.which("losetup"):
        raise programs.Skip("needs root and losetup")
    image = make_image(place)
    made = subprocess.run(["losetup", "-f", "--show", image], capture_output=True, text=True,
                          check=False)
    if made.returncode:
        raise programs.Skip("no loop devices here")
    device = made.stdout.strip()
    try:
        ebb(place, "repo", "init")
        os.symlink(device, place.path("volume"))
        ebb(place, "backup", place.path("volume"))
        before = open(device, "rb").read()
        change(device, [5, 6])
        ebb(place, "restore", "latest", place.path("volume"), code=5)
        ebb(place, "restore", "latest", place.path("volume"), "--in-place")
        assert open(device, "rb").read() == before
        descriptor = os.open(device, os.O_RDONLY | os.O_EXCL)
        told = ebb(place, "restore", "latest", device, "--in-place", code=5).stderr
        os.close(descriptor)
        assert "it is mounted, or otherwise in use" in told, told
    finally:
        subprocess.run(["losetup", "-d", device], check=False)


def test_diff(place):
    """the ranges that differ between two points of an image are told, and can be gone by"""
    image = ready(place)
    ebb(place, "backup", image)
    first = json.loads(ebb(place, "snap", "ls", "--json").stdout)["points"][0]["id"]
    # A change within a block, three blocks at once, zeros, a hole, and growth.
    with open(image, "r+b") as file:
        for at, what in ((5_000_000, b"x"), (64 << 10, os.urandom(3 * 4096)),
                         (2 * MIB + 12288, bytes(8192))):
            file.seek(at)
            file.write(what)
        file.truncate(20 * MIB + 1)
        file.seek(19 * MIB)
        file.write(b"more")
    ebb(place, "backup", image)
    told = ebb(place, "snap", "diff", first, "latest").stdout
    want = [(64 << 10, 12288), (2 * MIB + 12288, 8192), (5_000_000 // 4096 * 4096, 4096),
            (19 * MIB, 4096)]
    assert told.splitlines()[:-1] == [f"{at},{length}" for at, length in want], told
    assert "# 28672 bytes differ in 4 ranges, of 20.0 MiB (before, 8.0 MiB)" in told, told
    assert "8.0 KiB of them are zeros now" in told, told
    lines = [json.loads(line) for line in
             ebb(place, "snap", "diff", "latest", first, "--json").stdout.splitlines()]
    assert [(line["offset"], line["length"]) for line in lines[:-1]] == want, lines
    assert lines[-1]["bytes"] == 28672 and lines[-1]["size_after"] == 8 * MIB + 1000, lines
    assert lines[-1]["zero_bytes"] == 8192, "what was a hole, and behind the end"
    assert "0 bytes differ" in ebb(place, "snap", "diff", first, first).stdout
    # What was told leads from the one to the other.
    ebb(place, "restore", first, place.path("old.img"))
    with open(image, "rb") as now, open(place.path("old.img"), "r+b") as then:
        then.truncate(20 * MIB + 1)
        for at, length in want:
            now.seek(at)
            then.seek(at)
            then.write(now.read(length))
    assert filecmp.cmp(image, place.path("old.img"), shallow=False)
    ebb(place, "backup", place.path("key"))
    ebb(place, "backup", place.folder + "/state")
    ebb(place, "snap", "diff", first, "latest", code=2)
    ebb(place, "snap", "diff", first, first, "path", code=2)


def test_diff_costs_what_differs(place):
    """a diff of images reads what differs and not what there is"""
    path = place.path("disk.img")
    rng = random.Random(4)
    with open(path, "wb") as file:
        file.truncate(1 << 40)
        for at in range(0, 1 << 40, 1 << 35):
            file.seek(at)
            file.write(rng.randbytes(4096))
    ebb(place, "repo", "init")
    ebb(place, "backup", path)
    with open(path, "r+b") as file:
        file.seek((1 << 39) + 8192)
        file.write(b"changed")
    ebb(place, "backup", path)
    points = json.loads(ebb(place, "snap", "ls", "--json").stdout)["points"]
    began = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = ebb(place, "snap", "diff", points[0]["id"], "latest").stdout
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert told.splitlines()[0] == f"{(1 << 39) + 8192},4096", told
    assert ended.ru_utime - began.ru_utime < 2, "it looked at a TiB"


NBD_CLIENT = """
import random, sys, nbd
socket, path, structured = sys.argv[1], sys.argv[2], sys.argv[3] == "1"
h = nbd.NBD()
if structured:
    h.add_meta_context("base:allocation")
h.set_request_structured_replies(structured)
h.connect_uri("nbd+unix:///?socket=" + socket)
data = open(path, "rb").read()
assert h.get_size() == len(data) and h.is_read_only() and h.can_multi_conn()
rng = random.Random(3)
for _ in range(200):
    at = rng.randrange(len(data))
    n = min(rng.choice([1, 513, 4096, 70000, 1 << 20]), len(data) - at)
    assert h.pread(n, at) == data[at:at + n], (at, n)
h.set_strict_mode(0)
for call, want in ((lambda: h.pwrite(b"x" * 512, 0), "EPERM"), (lambda: h.zero(512, 0), "EPERM"),
                   (lambda: h.trim(512, 0), "EPERM"), (lambda: h.pread(512, len(data)), "EINVAL")):
    try:
        call()
        raise AssertionError("not refused")
    except nbd.Error as error:
        assert error.errno == want, (error.errno, want)
h.flush()
h.cache(1 << 20, 0)
if structured:
    assert h.pread(65536, 5, nbd.CMD_FLAG_DF) == data[5:65541]
    holes = []
    h.block_status(len(data), 0, lambda name, at, e, err: holes.extend(zip(e[::2], e[1::2])))
    assert (1310720, 3) in holes, holes
h.shutdown()
"""


# nbdinfo quotes what `file` found in the image, and that may be any byte.
def tool(*words):
    done = subprocess.run(words, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout


def check_served(place, server, path, image):
    uri = "nbd+unix:///?socket=" + path
    assert "read-only, until Ctrl-C" in server.stdout.readline()
    assert "base:allocation" in tool("nbdinfo", uri)
    assert "hole,zero" in tool("nbdinfo", "--map", uri)
    tool("nbdcopy", uri, place.path("copy"))
    assert filecmp.cmp(image, place.path("copy"), shallow=False)
    # Whole sectors are what qemu compares: the image's length is none.
    tool("qemu-img", "convert", "-f", "raw", "-O", "qcow2", uri, place.path("copy.qcow2"))
    tool("qemu-img", "compare", "-f", "qcow2", "-F", "raw", place.path("copy.qcow2"), image)
    for structured in "10":
        tool("/usr/bin/python3", "-c", NBD_CLIENT, path, image, structured)
    for words in (b"garbage", b"\0\0\0\3" + b"x" * 5000, b"\0\0\0\3IHAVEOPT\0\0\0\7"):
        with programs.connect(path) as stream:
            stream.sendall(words)
    assert "base:allocation" in tool("nbdinfo", uri)


def test_nbd(place):
    """the image of a point is a block device for nbdinfo, nbdcopy, qemu-img and libnbd"""
    for name in ("nbdinfo", "nbdcopy", "qemu-img"):
        if not shutil.which(name):
            raise programs.Skip(f"{name} is not installed")
    image = ready(place)
    ebb(place, "backup", image)
    change(image, [2, 3, 300])
    ebb(place, "backup", image)
    env = dict(os.environ, EBB_REPO=place.path("repo"), EBB_KEY_FILE=place.path("key"),
               XDG_STATE_HOME=place.path("state"))
    path = place.path("nbd")
    with subprocess.Popen([EBB, "snap", "mount", "latest", "--nbd", "unix:" + path], env=env,
                          stdout=subprocess.PIPE, text=True) as server:
        try:
            check_served(place, server, path, image)
        finally:
            server.terminate()
        assert server.wait(programs.PATIENCE) == 0


TESTS = [test_diff, test_diff_costs_what_differs,
         test_round_trip, test_map_of_changes, test_in_place, test_device, test_nbd]
sys.exit(programs.main(TESTS, sys.argv[2:]))
