#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lets ebb-vold and ebbd work for a while, and says whether they grow.

usage: tests/soak.py EBB_VOLD EBBD EBB [MINUTES]

Clients write, read, zero and flush all the time; others come and go, some in the middle of a
request; snapshots are cut, read and dropped, volumes made, resized and removed; ebb top looks on.
Resident memory and open descriptors of both programs are taken every five seconds. After a third
of the time for warming up a straight line is laid through each: its slope is what is reported. It
fails when a client met an error, or when the least of the last third is above that of the second by
more than it may be.
"""
import contextlib
import os
import random
import socket
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import nbd  # noqa: E402
from programs import Place, ask  # noqa: E402

MIB = 1 << 20
EVERY = 5
# What the last third of the time may have more than the second: allocators settle, series grow.
GROWTH = {"KiB": 4096, "fds": 0}


# A program of its own: libnbd never frees the memory of requests that a handle dies with.
HANG_UP = """
import nbd, os, random, sys
dice = random.Random(int(sys.argv[2]))
handle = nbd.NBD()
handle.connect_uri("nbd+unix:///v?socket=" + sys.argv[1])
for _ in range(20):
    handle.aio_pread(nbd.Buffer(256 << 10), dice.randrange(0, 128) << 20)
os._exit(0)
"""


class Worker(threading.Thread):
    """Does one thing again and again until all is over."""

    def __init__(self, soak, what):
        super().__init__(daemon=True)
        self.soak, self.what, self.error, self.turns = soak, what, None, 0
        self.start()

    def run(self):
        dice = random.Random(self.what.__name__)
        try:
            while not self.soak.over:
                self.what(dice)
                self.turns += 1
        except Exception as error:  # told at the end
            self.error = error


class Soak:
    def __init__(self, place, programs):
        vold, ebbd, self.ebb = programs
        self.place, self.state, self.over = place, place.path("state"), False
        with open(place.path("ebb.yaml"), "w", encoding="ascii") as out:
            out.write(f"state: {self.state}\nloop:\n  tick: 1s\n")
        self.programs = {"ebb-vold": place.start([vold, "--state", self.state]).ready(),
                         "ebbd": place.start([ebbd, "--config", place.path("ebb.yaml")]).ready()}
        self.samples = {(name, unit): [] for name in self.programs for unit in GROWTH}
        self.verb("create", "v", 256 * MIB)
        self.begun = time.monotonic()

    def verb(self, *words):
        answer = ask(f"{self.state}/vold.sock", " ".join(str(word) for word in words))
        assert answer["ok"], (words, answer)
        return answer

    def act(self, *words):
        number = self.verb(*words)["number"]
        while not self.verb("act", number)["done"]:
            time.sleep(0.01)

    def client(self, name="v"):
        handle = nbd.NBD()
        handle.connect_uri(f"nbd+unix:///{name}?socket={self.state}/nbd.sock")
        return handle

    def write_and_read(self, dice):
        handle = self.client()
        for _ in range(500):
            length = dice.choice([512, 4096, 4096, 4096, 65536, MIB])
            at = dice.randrange(0, 256 * MIB - length) // 512 * 512
            what = dice.random()
            if what < 0.45:
                handle.pwrite(dice.randbytes(length), at)
            elif what < 0.5:
                handle.zero(length, at)
            elif what < 0.95:
                handle.pread(length, at)
            else:
                handle.flush()
        handle.shutdown()

    def hang_up(self, dice):
        """In the middle of its requests, or of a word."""
        subprocess.run([sys.executable, "-c", HANG_UP, f"{self.state}/nbd.sock",
                        str(dice.randrange(1 << 30))], check=True)
        with socket.socket(socket.AF_UNIX) as stream:
            stream.connect(f"{self.state}/nbd.sock")
            stream.sendall(dice.randbytes(dice.randrange(1, 200)))
        time.sleep(0.05)

    def snapshot(self, dice):
        self.act("cut", "v", "s")
        handle = self.client("v@s")
        for _ in range(50):
            handle.pread(65536, dice.randrange(0, 255) * MIB)
        handle.shutdown()
        del handle
        while True:
            answer = ask(f"{self.state}/vold.sock", "drop v s")
            if answer["ok"]:
                break
            time.sleep(0.02)
        time.sleep(dice.uniform(0, 0.5))

    def volumes(self, dice):
        self.verb("create", "w", 8 * MIB)
        handle = self.client("w")
        handle.pwrite(b"w" * MIB, dice.randrange(0, 7) * MIB)
        handle.shutdown()
        del handle
        self.act("resize", "w", 16 * MIB)
        while not ask(f"{self.state}/vold.sock", "rm w")["ok"]:
            time.sleep(0.02)
        time.sleep(0.2)

    def look_on(self, _dice):
        subprocess.run([self.ebb, "top", "--state", self.state], check=True,
                       stdout=subprocess.DEVNULL)
        self.verb("changed", "v", 0)
        time.sleep(0.5)

    def sample(self):
        now = time.monotonic() - self.begun
        for name, program in self.programs.items():
            pid = program.process.pid
            with open(f"/proc/{pid}/status", encoding="ascii") as lines:
                told = dict(line.split(":", 1) for line in lines)
            # What is shared with readers is no growth of its own.
            self.samples[name, "KiB"].append((now, int(told["RssAnon"].split()[0])))
            self.samples[name, "fds"].append((now, len(os.listdir(f"/proc/{pid}/fd"))))


def slope(points):
    """Of the straight line through the last two thirds, an hour."""
    points = points[len(points) // 3:]
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return 3600 * sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0


def report(soak, workers):
    bad = 0
    for worker in workers:
        print(f"{worker.what.__name__:16} {worker.turns:8} times"
              + (f"  FAILED: {worker.error!r}" if worker.error else ""))
        bad += worker.error is not None
    for (name, unit), points in soak.samples.items():
        third = len(points) // 3
        # At any moment clients are in the middle of something; the least of a time says what stays.
        first = min(value for _, value in points[third:2 * third])
        last = min(value for _, value in points[2 * third:])
        fails = last - first > GROWTH[unit]
        bad += fails
        print(f"{name:9} {unit:4} least {first:7} -> {last:7}   slope {slope(points):+10.1f} an "
              "hour" + ("  GROWS" if fails else ""))
    return bad


def main(words):
    minutes = float(words[3]) if len(words) > 3 else 20
    with contextlib.closing(Place()) as place:
        soak = Soak(place, words[:3])
        workers = [Worker(soak, what) for what in (
            soak.write_and_read, soak.hang_up, soak.snapshot, soak.volumes, soak.look_on)]
        end = time.monotonic() + minutes * 60
        while time.monotonic() < end and not any(worker.error for worker in workers):
            time.sleep(EVERY)
            soak.sample()
        soak.over = True
        for worker in workers:
            worker.join(120)
        bad = report(soak, workers)
        for name, program in soak.programs.items():
            code = program.term()
            print(f"{name} ended with {code}")
            bad += code != 0
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
