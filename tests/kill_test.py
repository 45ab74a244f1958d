#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills ebbd and ebb-vold by kill -9 under load: their clients go on.

usage: tests/kill_test.py EBB_VOLD EBBD EBB

KILLS says how often, 10 unless said. With 100 or more no answer may take longer than 100 ms while
ebbd is killed, or than twice the longest of as much time before, where the machine has much else to
do (make kills).
"""
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from programs import PATIENCE, Skip, ask, main  # noqa: E402

MIB = 1 << 20
BLOCK = 4096
KILLS = int(os.environ.get("KILLS", "10"))
STALL = 0.1 if KILLS >= 100 else 5  # seconds


def libnbd():
    try:
        import nbd
    except ImportError:
        raise Skip("python3-libnbd is not installed") from None
    return nbd


class Load(threading.Thread):
    """One client that writes and reads blocks of its own, and knows what they hold."""

    def __init__(self, uri, first, blocks, again=False):
        super().__init__()
        self.uri, self.first, self.blocks, self.again = uri, first, blocks, again
        self.holds, self.longest, self.errors, self.reconnects = {}, 0, [], 0
        self.done, self.operations = False, 0
        self.start()

    def connect(self):
        nbd = libnbd()
        end = time.monotonic() + PATIENCE
        while True:
            handle = nbd.NBD()
            try:
                handle.connect_uri(self.uri)
                return handle
            except nbd.Error:
                if time.monotonic() > end:
                    raise
                time.sleep(0.005)

    def one(self, handle, dice):
        """A write whose answer is not sure is sent again until it is: as the kernel does."""
        block, value = self.first + dice.randrange(self.blocks), dice.getrandbits(63) + 1
        data = value.to_bytes(8, "little") * (BLOCK // 8)
        nbd = libnbd()
        while True:
            try:
                handle.pwrite(data, block * BLOCK)
                self.holds[block] = value
                if dice.random() < 0.02:
                    handle.flush()
                return handle
            except nbd.Error:
                if not self.again:
                    raise
                self.reconnects += 1
                handle = self.connect()

    def run(self):
        dice, handle = random.Random(self.first), self.connect()
        try:
            while not self.done:
                begun = time.monotonic()
                handle = self.one(handle, dice)
                self.longest = max(self.longest, time.monotonic() - begun)
                self.operations += 1
            for block, value in self.holds.items():
                data = handle.pread(BLOCK, block * BLOCK)
                if data != value.to_bytes(8, "little") * (BLOCK // 8):
                    self.errors.append(block)
            handle.shutdown()
        except Exception as error:  # told by the test
            self.errors.append(error)

    def end(self):
        self.done = True
        self.join()
        assert not self.errors, (len(self.errors), self.errors[:5])
        return self


def test_ebbd(place, vold, ebbd, ebb):
    """kill -9 of ebbd: no client meets an error or a pause; what volumes did is kept as series"""
    state = place.path("state")
    place.start([vold, "--state", state]).ready()
    assert ask(f"{state}/vold.sock", f"create v {64 * MIB}")["ok"]
    uri = f"nbd+unix:///v?socket={state}/nbd.sock"
    with open(place.path("ebb.yaml"), "w", encoding="ascii") as out:
        out.write(f"state: {state}\nloop:\n  tick: 1s\n")
    words = [ebbd, "--config", place.path("ebb.yaml")]
    before = [Load(uri, first * 4096, 4096) for first in range(2)]
    time.sleep(KILLS * 0.06)
    control = max(load.end().longest for load in before)
    loads = [Load(uri, first * 4096, 4096) for first in range(2)]
    for _ in range(KILLS):
        place.start(words).ready().kill()
    place.start(words).ready()
    end = time.monotonic() + PATIENCE
    while True:
        told = subprocess.run([ebb, "status", "--prometheus", "--state", state], text=True,
                              capture_output=True, timeout=PATIENCE, check=False)
        if 'ebb_volume_p99_seconds{volume="vol/v"}' in told.stdout:
            break
        assert time.monotonic() < end, told
        time.sleep(0.2)
    longest = max(load.end().longest for load in loads)
    print(f"# {sum(load.operations for load in loads)} operations, the longest took "
          f"{longest * 1e3:.0f} ms, without kills {control * 1e3:.0f} ms")
    assert longest < max(STALL, 2 * control), longest


def start_on(place, vold, state, sockets):
    """As a service manager starts it, on sockets that outlive it."""
    numbers = [handed.fileno() for handed in sockets]
    script = (f"exec 8<&{numbers[0]} 9<&{numbers[1]}; exec 3<&8 4<&9 8<&- 9<&-; LISTEN_PID=$$ "
              'LISTEN_FDS=2 LISTEN_FDNAMES=vold:nbd exec "$0" "$@"')
    return place.start(["/bin/sh", "-c", script, vold, "--state", state],
                       descriptors=tuple(numbers))


def test_vold(place, vold, _ebbd, _ebb):
    """kill -9 of ebb-vold: clients that come again lose nothing of what they wrote over"""
    nbd = libnbd()
    state, sockets = place.path("state"), []
    for name in ("vold", "nbd"):
        handed = socket.socket(socket.AF_UNIX)
        handed.bind(place.path(name))
        handed.listen(64)
        sockets.append(handed)
    program = start_on(place, vold, state, sockets).ready()
    assert ask(place.path("vold"), f"create v {64 * MIB}")["ok"]
    uri = f"nbd+unix:///v?socket={place.path('nbd')}"
    # The first write to a block since a cut is in no map before a flush; all later ones are safe.
    fill = nbd.NBD()
    fill.connect_uri(uri)
    for at in range(0, 64, 4):
        fill.pwrite(bytes([1]) * 4 * MIB, at * MIB)
    fill.flush()
    fill.shutdown()
    loads, dice = [Load(uri, first * 4096, 4096, True) for first in range(4)], random.Random(1)
    for _ in range(KILLS):
        time.sleep(dice.uniform(0.05, 0.3))
        program.kill()
        program = start_on(place, vold, state, sockets).ready()
    time.sleep(0.2)
    reconnects = sum(load.end().reconnects for load in loads)
    print(f"# {sum(load.operations for load in loads)} operations, {reconnects} reconnects, the "
          f"longest {max(load.longest for load in loads) * 1e3:.0f} ms")
    assert reconnects >= KILLS
    for handed in sockets:
        handed.close()


def test_thousand(place, vold, _ebbd, ebb):
    """a thousand open volumes: one is served as when it is alone, and all are there again"""
    state = place.path("state")
    program = place.start([vold, "--state", state]).ready()
    with socket.socket(socket.AF_UNIX) as stream:
        stream.connect(f"{state}/vold.sock")
        replies = stream.makefile()
        for number in range(1000):
            stream.sendall(b"create v%d %d\n" % (number, 64 * MIB))
            assert json.loads(replies.readline())["ok"], number
    loads = [Load(f"nbd+unix:///v{number}?socket={state}/nbd.sock", 0, 1024)
             for number in (0, 500, 999)]
    time.sleep(1)
    for load in loads:
        load.end()
    with open(f"/proc/{program.process.pid}/status", encoding="ascii") as lines:
        resident = [line.split()[1] for line in lines if line.startswith("VmRSS")][0]
    print(f"# {sum(load.operations for load in loads)} operations; {resident} KiB resident")
    shown = subprocess.run([ebb, "top", "--json", "--state", state], capture_output=True,
                           timeout=PATIENCE, check=True)
    assert len(json.loads(shown.stdout)["volumes"]) == 1000
    assert program.term() == 0
    begun = time.monotonic()
    place.start([vold, "--state", state]).ready()
    print(f"# open again after {time.monotonic() - begun:.2f} s")
    assert len(ask(f"{state}/vold.sock", "status")["volumes"]) == 1000


if __name__ == "__main__":
    sys.exit(main([test_ebbd, test_vold, test_thousand], sys.argv[1:]))
