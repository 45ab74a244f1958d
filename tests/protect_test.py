#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Volumes of ebb-vold into a repository and back, by the programs as an operator runs them.

usage: tests/protect_test.py EBB EBB_VOLD
"""
import json
import os
import signal
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from programs import PATIENCE, Skip, ask, main, seed  # noqa: E402

MIB, BLOCK = 1 << 20, 4096


def libnbd():
    try:
        import nbd
    except ImportError:
        raise Skip("python3-libnbd is not installed") from None
    return nbd


class Rig:
    """One ebb-vold with a volume "v", and a repository."""

    def __init__(self, place, ebb, vold, size=32 * MIB):
        self.place, self.ebb, self.vold = place, ebb, vold
        self.nbd = libnbd()
        self.start()
        self.size = size
        assert self.ask("create", "v", str(size))["ok"]
        self.run("repo", "init")
        self.model = bytearray(size)
        self.client = self.connect()

    def start(self):
        self.program = self.place.start([self.vold, "--state", self.place.path("state")]).ready()

    def ask(self, *words):
        return ask(self.place.path("state", "vold.sock"), " ".join(words))

    def connect(self, name="v"):
        handle = self.nbd.NBD()
        handle.connect_uri(f"nbd+unix:///{name}?socket=" + self.place.path("state", "nbd.sock"))
        return handle

    def environment(self, repo):
        return dict(os.environ, EBB_REPO=self.place.path(repo), EBB_KEY_FILE=self.place.path(
            repo + ".key"), XDG_STATE_HOME=self.place.path("home"))

    def begin(self, *words, repo="repo"):
        return subprocess.Popen([self.ebb, *words], env=self.environment(repo), text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, *words, code=0, repo="repo"):
        process = self.begin(*words, repo=repo)
        out, err = process.communicate(timeout=4 * PATIENCE)
        assert process.returncode == code, (words, process.returncode, out, err)
        return out, err

    def protect(self, *words, code=0, repo="repo", name="v"):
        return self.run("protect", "vol/" + name, "--state", self.place.path("state"), *words,
                        code=code, repo=repo)

    def protected(self, *words, **how):
        """What the run told as JSON, and on standard error."""
        out, err = self.protect("--json", *words, **how)
        return json.loads(out), err

    def write(self, dice, count):
        """So many different blocks."""
        blocks = dice.sample(range(self.size // BLOCK), count)
        for block in blocks:
            data = dice.randbytes(BLOCK)
            self.client.pwrite(data, block * BLOCK)
            self.model[block * BLOCK:(block + 1) * BLOCK] = data

    def snapshots(self):
        return [s["name"] for s in self.ask("show", "v")["volume"]["snapshots"]]

    def check_newest(self, repo="repo"):
        """The newest point is what was written."""
        image = self.place.path("back.img")
        self.run("restore", "vol/v@latest", image, repo=repo)
        with open(image, "rb") as file:
            assert file.read() == self.model
        os.unlink(image)


def test_exactly_what_changed(place, ebb, vold):
    """the blocks that changed are read and stored, and no others"""
    rig, dice = Rig(place, ebb, vold), seed()
    rig.write(dice, 2000)
    first, err = rig.protected()
    assert first["kind"] == "full" and err == "" and rig.snapshots() == []
    rig.check_newest()
    for count in (1, 37, 0, 600):
        rig.write(dice, count)
        rig.client.zero(MIB, 3 * MIB)
        rig.model[3 * MIB:4 * MIB] = bytes(MIB)
        point, err = rig.protected()
        # Chunks that many blocks lie over are read whole.
        room = count * BLOCK if count < 40 else rig.size
        assert point["kind"] == "incremental" and err == "", err
        assert point["read_bytes"] <= room, point
        rig.check_newest()
        assert rig.snapshots() == []
    consumers = rig.ask("show", "v")["volume"]["consumers"]
    assert len(consumers) == 1 and consumers[0]["name"].startswith("ebb-"), consumers
    rig.write(dice, 5)
    point, err = rig.protected("--check-changed")
    assert point["read_bytes"] > 5 * BLOCK and err == ""
    rig.client.shutdown()


def test_what_is_not_known(place, ebb, vold):
    """where it is not known what changed all blocks are compared, and that is said"""
    rig, dice = Rig(place, ebb, vold), seed()
    rig.write(dice, 300)
    rig.protected()
    # Another repository is told apart, and disturbs nobody.
    rig.run("repo", "init", repo="other")
    rig.write(dice, 3)
    assert rig.protected(repo="other")[1] == ""
    point, err = rig.protected()
    assert err == "" and point["read_bytes"] == 3 * BLOCK, (point, err)
    assert len(rig.ask("show", "v")["volume"]["consumers"]) == 2
    # A point that this volume did not make: the newest is removed.
    rig.write(dice, 4)
    newest, _ = rig.protected()
    rig.run("snap", "rm", "-y", newest["id"])
    rig.write(dice, 5)
    point, err = rig.protected()
    assert "does not know of the newest point" in err and "compared" in err, err
    assert point["kind"] == "incremental" and point["new_bytes"] < 40 * BLOCK, point
    rig.check_newest()
    rig.write(dice, 2)
    point, err = rig.protected()
    assert err == "" and point["read_bytes"] == 2 * BLOCK, (point, err)
    # Another volume of the name.
    rig.client.shutdown()
    del rig.client
    end = time.monotonic() + PATIENCE
    while not rig.ask("rm", "v")["ok"]:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert rig.ask("create", "v", str(rig.size))["ok"]
    rig.client, rig.model = rig.connect(), bytearray(rig.size)
    rig.write(dice, 50)
    point, err = rig.protected()
    assert "of another volume of this name" in err, err
    rig.check_newest()
    assert "is neither vol/NAME nor a resource" in rig.run("protect", "v", code=4)[1]
    assert "there is no volume w" in rig.protect(code=4, name="w")[1]
    rig.client.shutdown()


def test_estimate(place, ebb, vold):
    """--dry-run cuts nothing and stores nothing"""
    rig, dice = Rig(place, ebb, vold), seed()
    rig.write(dice, 300)
    rig.protected()
    rig.write(dice, 64)
    era = rig.ask("show", "v")["volume"]["era"]
    told, _ = rig.protected("-n")
    assert told["bytes_to_read"] == 64 * BLOCK, told
    assert rig.ask("show", "v")["volume"]["era"] == era
    rig.client.shutdown()


def test_beside_a_writer(place, ebb, vold):
    """clients write on meanwhile, and nothing of what they write is missed"""
    rig, dice, stop = Rig(place, ebb, vold), seed(), threading.Event()
    rig.write(dice, 500)
    problems = []

    def write_on():
        client, random = rig.connect(), __import__("random").Random(dice.random())
        try:
            while not stop.is_set():
                client.pwrite(random.randbytes(BLOCK), random.randrange(rig.size // BLOCK) * BLOCK)
        except Exception as problem:  # any is one too many
            problems.append(problem)
        client.shutdown()

    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        for _ in range(5):
            _, err = rig.protected("--check-changed")
            assert err == "", err
    finally:
        stop.set()
        writer.join()
    assert not problems, problems
    rig.protected()
    rig.model = rig.client.pread(rig.size, 0)
    rig.check_newest()
    rig.client.shutdown()


def test_killed(place, ebb, vold):
    """a run that is killed at any moment leaves one snapshot at most, and the next one is right"""
    rig, dice = Rig(place, ebb, vold), seed()
    rig.write(dice, 2000)
    began = time.monotonic()
    rig.protected()
    whole = time.monotonic() - began
    for _ in range(12):
        rig.write(dice, 20)
        process = rig.begin("protect", "vol/v", "--state", place.path("state"))
        time.sleep(dice.random() * whole)
        process.kill()
        process.communicate()
        assert len(rig.snapshots()) <= 1, rig.snapshots()
    _, err = rig.protected("--check-changed")
    assert "misses" not in err, err
    assert rig.snapshots() == []
    rig.check_newest()
    assert len(rig.ask("show", "v")["volume"]["consumers"]) == 1
    rig.client.shutdown()


def test_vold_killed(place, ebb, vold):
    """ebb-vold is killed under a run: the run fails and says why, the next one is right"""
    rig, dice = Rig(place, ebb, vold), seed()
    for _ in range(2):
        rig.write(dice, 1500)
        rig.client.flush()
        process = rig.begin("protect", "vol/v", "--state", place.path("state"), "--limit", "4MiB")
        end = time.monotonic() + PATIENCE
        while not rig.snapshots():
            assert time.monotonic() < end and process.poll() is None
            time.sleep(0.005)
        time.sleep(dice.random() * 0.1)
        rig.program.signal(signal.SIGKILL)
        rig.program.ended()
        out, err = process.communicate(timeout=PATIENCE)
        # Killed before the run had looked at its snapshot: there is nobody to ask.
        said = {1: "no point was made", 14: "does not listen"}.get(process.returncode)
        assert said and said in err, (process.returncode, out, err)
        rig.start()
        rig.client = rig.connect()
        assert len(rig.snapshots()) <= 1
        rig.protected()
        assert rig.snapshots() == []
        rig.check_newest()
    rig.client.shutdown()


def bring_back(rig, *words, code=0):
    return rig.run("restore", "vol/v@latest", "--state", rig.place.path("state"), "--to",
                   *words, code=code)


def test_back_into_a_volume(place, ebb, vold):
    """a point becomes a new volume, which has its name when it was read back"""
    rig, dice = Rig(place, ebb, vold), seed()
    rig.write(dice, 900)
    rig.protected()
    assert "was read back" in bring_back(rig, "vol/w")[0]
    back = rig.connect("w")
    assert back.pread(rig.size, 0) == rig.model
    back.shutdown()
    assert "there is a volume w" in bring_back(rig, "vol/w", code=5)[1]
    assert "not vol/NAME" in bring_back(rig, "w", code=2)[1]
    # Ended, and again: it goes on, and there is no volume of the name before.
    process = rig.begin("restore", "vol/v@latest", "--state", place.path("state"), "--to", "vol/x",
                        "--limit", "2MiB")
    end = time.monotonic() + PATIENCE
    while len(rig.ask("status")["volumes"]) < 3:
        assert time.monotonic() < end
        time.sleep(0.01)
    process.kill()
    process.communicate()
    assert [v["name"] for v in rig.ask("status")["volumes"]][2].startswith("x.restore-")
    bring_back(rig, "vol/x")
    assert [v["name"] for v in rig.ask("status")["volumes"]] == ["v", "w", "x"]
    back = rig.connect("x")
    assert back.pread(rig.size, 0) == rig.model
    back.shutdown()
    rig.client.shutdown()


class Filling:
    """The volume "w", served while it fills from the newest point of "v"."""

    def __init__(self, rig, limit="8MiB"):
        self.rig = rig
        self.limit = limit
        self.begin()
        end = time.monotonic() + PATIENCE
        while not rig.ask("show", "w")["ok"]:
            assert time.monotonic() < end and self.process.poll() is None, \
                self.process.communicate()
            time.sleep(0.01)

    def begin(self):
        self.process = self.rig.begin(
            "restore", "vol/v@latest", "--state", self.rig.place.path("state"), "--to", "vol/w",
            "--serve", "--limit", self.limit)

    def kill(self):
        self.process.kill()
        self.process.communicate()

    def fills(self):
        return "fills" in self.rig.ask("show", "w")["volume"]

    def ended(self):
        out, err = self.process.communicate(timeout=2 * PATIENCE)
        assert self.process.returncode == 0, (out, err)
        assert not self.fills()


class Worker:
    """Random requests to "w", and what must be read of it. What is not durable may be lost."""

    def __init__(self, rig, dice):
        self.rig, self.dice = rig, dice
        self.now = bytearray(rig.model)
        self.loose = {}  # block: what it may have been since the last flush, too
        self.touched = set()
        self.client = rig.connect("w")

    def note(self, at, data):
        for block in range(at // BLOCK, (at + len(data) + BLOCK - 1) // BLOCK):
            old = bytes(self.now[block * BLOCK:(block + 1) * BLOCK])
            self.loose.setdefault(block, []).append(old)
            self.touched.add(block)
        self.now[at:at + len(data)] = data

    def work(self, count):
        dice, size = self.dice, self.rig.size
        for _ in range(count):
            length = dice.choice([1, 512, BLOCK, 3 * BLOCK, 70000])
            at = dice.randrange(0, size - length)
            if dice.random() < 0.6:
                at -= at % BLOCK
            what = dice.randrange(10)
            if what < 4:
                data = dice.randbytes(length)
                self.client.pwrite(data, at)
                self.note(at, data)
            elif what < 5:
                self.client.zero(length, at)
                self.note(at, bytes(length))
            elif what < 6:
                self.client.flush()
                self.loose.clear()
            else:
                assert self.client.pread(length, at) == self.now[at:at + length], (at, length)

    def after_crash(self):
        """What is there must be what was durable, or what was written since."""
        self.client = self.rig.connect("w")
        for block in sorted(self.touched):
            has = self.client.pread(BLOCK, block * BLOCK)
            want = bytes(self.now[block * BLOCK:(block + 1) * BLOCK])
            if has != want:
                assert has in self.loose.get(block, []), f"block {block} is neither old nor new"
                self.now[block * BLOCK:(block + 1) * BLOCK] = has
        self.loose.clear()

    def check(self):
        assert self.client.pread(self.rig.size, 0) == self.now


def test_served_at_once(place, ebb, vold):
    """a volume is read and written while it fills, and is an ordinary one then"""
    rig, dice = Rig(place, ebb, vold), seed()
    rig.write(dice, 3000)
    rig.client.zero(5 * MIB, 11 * MIB)
    rig.model[11 * MIB:16 * MIB] = bytes(5 * MIB)
    rig.protected()
    filling = Filling(rig)
    worker = Worker(rig, dice)
    told = []
    handle = rig.nbd.NBD()
    handle.add_meta_context("base:allocation")
    handle.connect_uri("nbd+unix:///w?socket=" + place.path("state", "nbd.sock"))
    handle.block_status(rig.size, 0, lambda _n, _at, entries, _e: told.extend(entries))
    assert filling.fills() and told[1] == 0, told[:4]  # what is missing is no hole
    handle.shutdown()
    assert rig.ask("cut", "w", "one")["code"] == 5
    assert rig.ask("resize", "w", str(2 * rig.size))["code"] == 5
    while filling.fills():
        worker.work(10)
    filling.ended()
    worker.work(100)
    worker.check()
    worker.client.flush()
    worker.client.shutdown()
    del worker.client
    assert rig.ask("cut", "w", "one")["ok"]
    assert rig.program.term() == 0
    rig.start()
    worker.client = rig.connect("w")
    worker.check()
    worker.client.shutdown()


def test_flooded(place, ebb, vold):
    """many requests at once to what is on its way: none is overwritten by what was fetched"""
    rig, dice, piece = Rig(place, ebb, vold, size=8 * MIB), seed(), 16384
    rig.write(dice, rig.size // BLOCK)
    rig.protected()
    filling = Filling(rig, "3MiB")
    client, now = rig.connect("w"), bytearray(rig.model)
    rounds = 0
    while filling.fills() or rounds < 3:
        rounds += 1
        # Neighbours: what is read of an extent has it fetched while the rest is written.
        first = dice.randrange(rig.size // piece - 64)
        pieces = dice.sample(range(first, first + 64), 60)
        reads, waiting = [], []
        for number, at in enumerate(at * piece for at in pieces):
            if number % 6 == 0:
                buffer = rig.nbd.Buffer(piece)
                reads.append((at, buffer))
                waiting.append(client.aio_pread(buffer, at))
                continue
            data = dice.randbytes(piece)
            now[at:at + piece] = data
            waiting.append(client.aio_pwrite(rig.nbd.Buffer.from_bytearray(bytearray(data)), at))
        while waiting:
            client.poll(-1)
            waiting = [cookie for cookie in waiting if not client.aio_command_completed(cookie)]
        for at, buffer in reads:
            assert buffer.to_bytearray() == now[at:at + piece], at
    filling.ended()
    for at in range(0, rig.size, piece):
        assert client.pread(piece, at) == now[at:at + piece], at
    client.shutdown()
    rig.client.shutdown()


def test_filling_is_killed(place, ebb, vold):
    """kill -9 of either side: what was durable stays, what is missing is fetched again"""
    rig, dice = Rig(place, ebb, vold), seed()
    rig.write(dice, 4000)
    rig.protected()
    rig.client.flush()
    rig.client.shutdown()
    del rig.client
    filling = Filling(rig, "2MiB")
    worker = Worker(rig, dice)
    # Zeros over what was fetched, and over what was not: both stay.
    worker.client.pread(BLOCK, 0)
    for at in (0, 9 * MIB):
        worker.client.zero(MIB, at)
        worker.note(at, bytes(MIB))
    worker.client.flush()
    worker.loose.clear()
    for turn in range(6):
        worker.work(12)
        if turn % 2:
            filling.kill()
            filling.begin()
            continue
        if dice.random() < 0.5:
            worker.client.flush()
            worker.loose.clear()
        rig.program.signal(signal.SIGKILL)
        rig.program.ended()
        del worker.client
        rig.start()
        worker.after_crash()
    assert filling.fills()
    filling.kill()
    filling.limit = "64MiB"
    filling.begin()
    worker.work(20)
    filling.ended()
    worker.check()
    rig.program.signal(signal.SIGKILL)
    rig.program.ended()
    rig.start()
    worker.after_crash()
    assert not filling.fills()
    worker.client.shutdown()


if __name__ == "__main__":
    sys.exit(main([test_exactly_what_changed, test_what_is_not_known, test_estimate,
                   test_beside_a_writer, test_killed, test_vold_killed, test_back_into_a_volume,
                   test_served_at_once, test_flooded, test_filling_is_killed], sys.argv[1:]))
