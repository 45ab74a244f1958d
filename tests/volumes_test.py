#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Volumes that ebb-vold serves, by real clients.

usage: tests/volumes_test.py EBB_VOLD EBB
"""
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from nbd_keys import make_keys  # noqa: E402
from programs import PATIENCE, Skip, ask, main  # noqa: E402

MIB = 1 << 20


def need(*tools):
    for tool in tools:
        if not shutil.which(tool):
            raise Skip(f"{tool} is not installed")


def libnbd():
    try:
        import nbd
    except ImportError:
        raise Skip("python3-libnbd is not installed") from None
    return nbd


class Served:
    """One ebb-vold with a volume "v"."""

    def __init__(self, place, vold, *options, size=64 * MIB):
        self.place, self.vold, self.options = place, vold, options
        self.start()
        assert self.ask("create", "v", str(size))["ok"]

    def start(self):
        self.program = self.place.start(
            [self.vold, "--state", self.place.path("state"), *self.options]).ready()

    def ask(self, *words):
        return ask(self.place.path("state", "vold.sock"), " ".join(words))

    def act(self, *words):
        """Begins what takes its time, and waits for it."""
        answer = self.ask(*words)
        if not answer["ok"]:
            return answer
        number = str(answer["number"])
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            answer = self.ask("act", number)
            if not answer["ok"] or answer["done"]:
                return answer
            time.sleep(0.01)
        raise AssertionError(f"{words} is not done")

    def uri(self, name="v"):
        return f"nbd+unix:///{name}?socket=" + self.place.path("state", "nbd.sock")

    def client(self, name="v"):
        handle = libnbd().NBD()
        handle.add_meta_context("base:allocation")
        handle.connect_uri(self.uri(name))
        return handle


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True, errors="replace",
                          timeout=2 * PATIENCE)
    assert done.returncode == 0, (words, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout


def test_volumes(place, vold, _ebb):
    """volumes are made, closed, opened and removed; names and sizes that cannot be are refused"""
    served = Served(place, vold)
    assert served.ask("create", "v", "512")["code"] == 5
    assert served.ask("create", "../v", "512")["code"] == 2
    assert served.ask("create", "w", "511")["code"] == 2
    assert served.ask("close", "none")["code"] == 4
    assert served.ask("show", "v")["volume"]["bytes"] == 64 * MIB
    client = served.client()
    assert served.ask("rm", "v")["code"] == 5  # it is in use
    client.shutdown()
    del client
    end = time.monotonic() + PATIENCE
    while not served.ask("close", "v")["ok"]:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert served.ask("show", "v")["volume"]["state"] == "closed"
    assert served.ask("open", "v")["ok"]
    assert served.act("resize", "v", str(96 * MIB))["ok"]
    client = served.client()
    client.pwrite(b"z" * 4096, 95 * MIB)
    client.shutdown()
    del client
    end = time.monotonic() + PATIENCE
    while served.ask("show", "v")["volume"]["clients"]:
        assert time.monotonic() < end
        time.sleep(0.01)
    answer = served.act("resize", "v", str(64 * MIB))
    assert answer["code"] == 5 and "beyond the new size" in answer["error"], answer
    assert served.act("resize", "v", str(64 * MIB), "force")["ok"]
    assert served.ask("show", "v")["volume"]["bytes"] == 64 * MIB
    assert served.ask("rm", "v")["ok"]
    assert served.ask("status")["volumes"] == []
    assert os.listdir(place.path("state", "volumes")) == []


def test_bytes(place, vold, _ebb):
    """what is written is read: any offsets and lengths, zeros, trims, and after a restart"""
    served = Served(place, vold)
    client, model = served.client(), bytearray(64 * MIB)
    dice = random.Random(os.environ.get("EBB_SEED", "7"))
    for _ in range(400):
        length = dice.choice([1, 512, 4096, 5000, 65536, 300000, 2 * MIB])
        at = dice.randrange(0, len(model) - length)
        if dice.random() < 0.5:
            at -= at % 4096
        what = dice.randrange(4)
        if what == 0:
            client.zero(length, at)
            model[at:at + length] = bytes(length)
        elif what < 3:
            data = dice.randbytes(length)
            client.pwrite(data, at)
            model[at:at + length] = data
        assert client.pread(length, at) == model[at:at + length]
    client.flush()
    client.shutdown()
    assert served.program.term() == 0
    served.start()
    client = served.client()
    for at in range(0, len(model), 8 * MIB):
        assert client.pread(8 * MIB, at) == model[at:at + 8 * MIB]
    client.shutdown()


def test_snapshots(place, vold, _ebb):
    """a snapshot stays as it was, is read-only, and is not dropped under a reader"""
    served = Served(place, vold)
    client = served.client()
    client.pwrite(b"a" * MIB, 0)
    assert served.act("cut", "v", "one")["ok"]
    assert served.act("cut", "v", "one")["code"] == 5
    client.pwrite(b"b" * 8192, 4096)
    old = served.client("v@one")
    assert old.is_read_only()
    assert old.pread(MIB, 0) == b"a" * MIB
    assert client.pread(16384, 0) == b"a" * 4096 + b"b" * 8192 + b"a" * 4096
    assert served.ask("drop", "v", "one")["code"] == 5
    old.shutdown()
    del old
    end = time.monotonic() + PATIENCE
    while served.ask("drop", "v", "one").get("code") == 5:
        assert time.monotonic() < end
        time.sleep(0.01)
    end = time.monotonic() + PATIENCE
    while served.ask("show", "v")["volume"]["snapshots"]:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert client.pread(16384, 0) == b"a" * 4096 + b"b" * 8192 + b"a" * 4096
    client.shutdown()


def test_allocation(place, vold, _ebb):
    """base:allocation tells holes from data"""
    served = Served(place, vold)
    client = served.client()
    client.pwrite(b"x" * 4096, MIB)
    told = []
    client.block_status(2 * MIB, 0, lambda _name, _at, entries, _error: told.extend(entries))
    assert told[:4] == [MIB, 3, 4096, 0], told
    client.shutdown()


def test_shrunk(place, vold, _ebb):
    """a snapshot keeps its size, bytes and allocation when its volume shrinks"""
    served = Served(place, vold)
    client = served.client()
    client.pwrite(b"a" * 4096, 48 * MIB)
    assert served.act("cut", "v", "one")["ok"]
    assert served.ask("resize", "v", str(16 * MIB))["code"] == 5  # a client is there
    assert served.act("resize", "v", str(16 * MIB), "force")["ok"]
    client.shutdown()
    del client
    old, told = served.client("v@one"), []
    assert old.get_size() == 64 * MIB
    assert old.pread(8192, 48 * MIB) == b"a" * 4096 + bytes(4096)
    old.block_status(16 * MIB, 48 * MIB, lambda _name, _at, runs, _error: told.extend(runs))
    assert told == [4096, 0, 16 * MIB - 4096, 3], told
    old.shutdown()


def told(uri, context):
    """What nbdinfo says of a context: (offset, length, flags)."""
    listed = json.loads(run("nbdinfo", "--json", "--map=" + context, uri))
    return [(at["offset"], at["length"], at["type"]) for at in listed]


def test_contexts(place, vold, _ebb):
    """qemu:dirty-bitmap: of snapshots and consumers, and x-ebb:era, as nbdinfo and qemu ask"""
    need("nbdinfo", "qemu-img")
    served = Served(place, vold, size=2 * MIB)
    assert served.act("passed", "v", "backup", "0")["ok"]
    client = served.client()
    client.pwrite(b"1" * MIB, 0)
    assert served.act("cut", "v", "one")["ok"]
    client.pwrite(b"2" * 8192, 8192)
    assert served.act("cut", "v", "two")["ok"]
    client.pwrite(b"3" * 4096, 12288)
    client.pwrite(b"3" * 4096, 2 * MIB - 4096)
    listed = run("nbdinfo", served.uri())
    for name in ("one", "two", "backup"):
        assert f"qemu:dirty-bitmap:{name}\n" in listed, listed
    assert "dirty-bitmap:two" not in run("nbdinfo", served.uri("v@two"))
    end = (2 * MIB - 4096, 4096)
    dirty = "qemu:dirty-bitmap:"
    assert told(served.uri(), dirty + "one") == [
        (0, 8192, 0), (8192, 8192, 1), (16384, end[0] - 16384, 0), (*end, 1)]
    assert told(served.uri(), dirty + "two") == [
        (0, 12288, 0), (12288, 4096, 1), (16384, end[0] - 16384, 0), (*end, 1)]
    assert told(served.uri("v@two"), dirty + "one") == [
        (0, 8192, 0), (8192, 8192, 1), (16384, 2 * MIB - 16384, 0)]
    assert told(served.uri(), dirty + "backup") == [
        (0, MIB, 1), (MIB, end[0] - MIB, 0), (*end, 1)]
    assert told(served.uri(), "x-ebb:era") == [
        (0, 8192, 1), (8192, 4096, 2), (12288, 4096, 3), (16384, MIB - 16384, 1),
        (MIB, end[0] - MIB, 0), (*end, 3)]
    # qemu tells of a dirty bitmap in the place of allocation: what is dirty has "data" false.
    path = place.path("state", "nbd.sock")
    shown = json.loads(run(
        "qemu-img", "map", "--output=json", "--image-opts",
        f"driver=nbd,export=v,server.type=unix,server.path={path},"
        f"x-dirty-bitmap={dirty}one"))
    assert [(at["start"], at["length"]) for at in shown if not at["data"]] == [
        (8192, 8192), end], shown
    # Dropped and merged: the consumer is told all the same, of the rest at least as much.
    assert served.act("passed", "v", "backup", "1")["ok"]
    for name in ("one", "two"):
        assert served.act("drop", "v", name)["ok"]
    deadline = time.monotonic() + PATIENCE
    while served.ask("show", "v")["volume"]["used"] > 2 * MIB:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert told(served.uri(), dirty + "backup") == [
        (0, 8192, 0), (8192, 8192, 1), (16384, end[0] - 16384, 0), (*end, 1)]
    client.shutdown()


def test_many_contexts(place, vold, _ebb):
    """with more snapshots than a client can be told of the newest are told, and consumers"""
    need("nbdinfo")
    served = Served(place, vold)
    assert served.act("passed", "v", "backup", "0")["ok"]
    for number in range(80):
        assert served.act("cut", "v", f"s{number}")["ok"]
    listed = run("nbdinfo", served.uri())
    assert "bitmap:backup\n" in listed and "bitmap:s79\n" in listed
    assert "bitmap:s19\n" in listed and "bitmap:s18\n" not in listed, listed


def test_single(place, vold, _ebb):
    """-s: one client on stdin and stdout; it ends with it, and what was flushed stays"""
    nbd = libnbd()
    served = Served(place, vold)
    assert served.program.term() == 0
    words = [vold, "--state", place.path("state"), "-s"]
    handle = nbd.NBD()
    handle.set_export_name("v")
    handle.connect_command(words)
    handle.pwrite(b"s" * 4096, MIB)
    handle.flush()
    handle.shutdown()
    del handle
    served.start()
    assert served.client().pread(4096, MIB) == b"s" * 4096
    done = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          timeout=PATIENCE)
    assert done.returncode == 11, done
    assert served.program.term() == 0
    done = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          timeout=PATIENCE)
    assert done.returncode == 1 and "stdin is to be a client's socket" in done.stderr, done
    done = subprocess.run([*words, "--nbd", "x"], capture_output=True, text=True,
                          timeout=PATIENCE)
    assert done.returncode == 2 and "--single listens nowhere" in done.stderr, done


def test_end_filling(place, vold, _ebb):
    """it ends in order while a volume fills from nobody, and goes on with that"""
    served = Served(place, vold)
    assert served.ask("fill", "f", str(8 * MIB), "unix:" + place.path("nobody"), "x")["ok"]
    for _ in range(2):
        assert served.program.term() == 0
        served.start()
    assert "fills" in served.ask("show", "f")["volume"]


def test_memory(place, vold, _ebb):
    """more asked for than there is memory for: all wait, none fails, and small requests go on"""
    nbd = libnbd()
    served = Served(place, vold)
    handles = [served.client() for _ in range(5)]
    small, buffer, left = served.client(), nbd.Buffer(32 * MIB), {}
    for handle in handles:
        for _ in range(5):
            handle.aio_pread(buffer, 0)
        left[handle] = 5
    small.pwrite(b"s" * 4096, 60 * MIB)
    assert small.pread(4096, 60 * MIB) == b"s" * 4096
    while left:
        for handle in list(left):
            handle.poll(0)
            while left[handle] and (cookie := handle.aio_peek_command_completed()):
                assert handle.aio_command_completed(cookie)
                left[handle] -= 1
            if not left[handle]:
                del left[handle]
    assert served.ask("stats")["volumes"][0]["errors"] == 0


def test_group(place, vold, ebb):
    """several volumes are cut at one point of their writes: what came later is in none"""
    nbd = libnbd()
    served = Served(place, vold)
    assert served.ask("create", "w", str(64 * MIB))["ok"]
    stop, errors = [], []

    def write(first, second):
        """Numbers, each first here and, when it was answered, there."""
        value = 0
        try:
            while not stop:
                value += 1
                for handle in (first, second):
                    handle.pwrite(value.to_bytes(8, "little") * 512, 0)
        except nbd.Error as error:
            errors.append(error)

    writer = threading.Thread(target=write, args=(served.client("v"), served.client("w")))
    writer.start()
    for number in range(10):
        assert served.act("group", f"g{number}", "v", "w")["ok"]
    stop.append(True)
    writer.join()
    assert not errors, errors
    for number in range(10):
        first, second = (int.from_bytes(served.client(f"{name}@g{number}").pread(8, 0), "little")
                         for name in ("v", "w"))
        assert first - 1 <= second <= first, (number, first, second)
    assert served.act("cut", "w", "taken")["ok"]
    assert served.act("group", "taken", "v", "w")["code"] == 5
    assert "taken" not in [at["name"] for at in served.ask("show", "v")["volume"]["snapshots"]]
    for words, code in (("group g v v", 2), ("group g v none", 4), ("group g", 2)):
        assert served.ask(*words.split())["code"] == code, words
    state = ("--state", place.path("state"))
    run(ebb, "volume", "cut", "v@both", "w@both", *state)
    done = subprocess.run([ebb, "volume", "cut", "v@a", "w@b", *state], text=True,
                          capture_output=True, timeout=PATIENCE)
    assert done.returncode == 2 and "snapshots of one name" in done.stderr, done
    assert served.program.term() == 0
    served.start()
    assert len(served.ask("show", "w")["volume"]["snapshots"]) == 12


def changed(served, since, upto=0):
    """The blocks of 4 KiB that the verb names."""
    blocks, at = set(), 0
    while at is not None:
        answer = served.ask("changed", "v", str(since), str(upto), str(at))
        assert answer["ok"], answer
        for first, length in answer["runs"]:
            assert first % 4096 == 0 and length > 0
            blocks |= set(range(first // 4096, (first + length + 4095) // 4096))
        at = answer.get("next")
    return blocks


def test_changed(place, vold, _ebb):
    """what changed since an era, as long as a consumer needs to know, after a restart too"""
    served = Served(place, vold, size=64 * MIB + 512)
    client, dice = served.client(), random.Random(os.environ.get("EBB_SEED", "7"))
    assert served.act("passed", "v", "backup", "0")["ok"]
    assert served.ask("show", "v")["volume"]["consumers"] == [{"name": "backup", "passed": 0}]
    eras = []
    for era in range(1, 5):
        written = {dice.randrange(16384) for _ in range(300)} | {16384, 63, 64, 65}
        for block in written:
            client.pwrite(b"x" * min(4096, 64 * MIB + 512 - block * 4096), block * 4096)
        eras.append(written)
        assert served.act("cut", "v", f"s{era}")["ok"]
    client.shutdown()
    del client
    last = served.ask("changed", "v", "3", "4")
    assert last["runs"][-1] == [64 * MIB, 512] and last["exact"], last
    assert served.act("passed", "v", "backup", "2")["ok"]
    for era in range(1, 4):
        assert served.act("drop", "v", f"s{era}")["ok"]
    assert served.program.term() == 0
    served.start()
    for since in (2, 3, 4):
        assert changed(served, since) == set().union(*eras[since:]), since
    assert changed(served, 2, 3) == eras[2]
    assert served.act("gone", "v", "backup")["ok"]
    assert served.act("gone", "v", "backup")["code"] == 4
    for words, code in (("changed v 6", 2), ("changed v", 2), ("changed v -1", 2),
                        ("changed w 1", 4), ("passed v backup 5", 2), ("passed v", 2),
                        ("gone v", 2), ("passed v %20" + 63 * "x" + " 1", 2)):
        answer = served.ask(*words.split())
        assert not answer["ok"] and answer["code"] == code, (words, answer)


def test_pace(place, vold, _ebb):
    """work in the background stops, goes on, and goes as fast as it is told to"""
    served = Served(place, vold)
    client = served.client()
    assert served.ask("pause", "v")["ok"]
    for name in ("one", "two", "three"):
        client.pwrite(bytes([1]) * 4 * MIB, 0)
        assert served.act("cut", "v", name)["ok"]
    used = served.ask("show", "v")["volume"]["used"]
    assert used == 12 * MIB
    for name in ("one", "two"):
        assert served.act("drop", "v", name)["ok"]
    time.sleep(0.1)
    assert served.ask("show", "v")["volume"]["used"] == used
    assert served.ask("pace", "v", "0")["code"] == 2
    assert served.ask("resume", "v")["ok"] and served.ask("pace", "v", "1000")["ok"]
    assert served.ask("show", "v")["volume"]["pace"] == 1000
    end = time.monotonic() + PATIENCE
    while served.ask("show", "v")["volume"]["used"] > 4 * MIB:
        assert time.monotonic() < end
        time.sleep(0.01)
    client.shutdown()


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def refused(uri):
    done = subprocess.run(["nbdinfo", uri], capture_output=True, text=True, errors="replace",
                          timeout=PATIENCE)
    assert done.returncode == 1, done.stdout


def test_certificates(place, vold, _ebb):
    """clients by TCP must come by TLS, and show a certificate where that is asked for"""
    need("nbdinfo", "nbdcopy", "openssl")
    keys, port = make_keys(place), free_port()
    served = Served(place, vold, "--tcp", f"tcp:127.0.0.1:{port}", "--tls-certificates",
                    f"{keys}/server-cert.pem", "--tls-key", f"{keys}/server-key.pem",
                    "--tls-clients", f"{keys}/ca-cert.pem")
    uri = f"nbds://localhost:{port}/v?tls-certificates={keys}/"
    assert "with TLS" in run("nbdinfo", uri + "known")
    image, back = place.path("image"), place.path("back")
    with open(image, "wb") as out:
        out.write(os.urandom(16 * MIB))
    run("nbdcopy", image, uri + "known")
    run("nbdcopy", uri + "known", back)
    assert subprocess.run(["cmp", "-n", str(16 * MIB), image, back]).returncode == 0
    refused(uri + "unknown")
    refused(uri + "without")
    refused(f"nbd://127.0.0.1:{port}/v")
    assert "without TLS" in run("nbdinfo", served.uri())
    assert served.program.term() == 0


def test_shared_keys(place, vold, _ebb):
    """shared keys: for clients by TCP, who may do without where that is said, and of the socket"""
    need("nbdinfo", "openssl")
    keys, port = make_keys(place), free_port()
    psk = ("--tls-psk", f"{keys}/keys.psk", "--tcp", f"tcp:127.0.0.1:{port}")
    uri = f"nbds://alice@127.0.0.1:{port}/v?tls-psk-file={keys}/"
    plain = f"nbd://127.0.0.1:{port}/v"
    served = Served(place, vold, *psk, "--tls-unix")
    assert "with TLS" in run("nbdinfo", uri + "keys.psk")
    refused(uri + "wrong.psk")
    refused(plain)
    refused(served.uri())
    assert "with TLS" in run("nbdinfo", served.uri().replace("nbd+unix://", "nbds+unix://alice@") +
                             f"&tls-psk-file={keys}/keys.psk")
    assert served.program.term() == 0
    served.options = (*psk, "--tls-optional")
    served.start()
    assert "with TLS" in run("nbdinfo", uri + "keys.psk")
    assert "without TLS" in run("nbdinfo", plain)


def test_network(place, vold, _ebb):
    """what would serve a network in the clear is refused: options, a socket handed over"""
    def wrong(*options):
        done = subprocess.run([vold, "--state", place.path("state"), *options], text=True,
                              capture_output=True, timeout=PATIENCE)
        assert done.returncode == 2, (options, done)
        return done.stderr
    for address in ("tcp:0.0.0.0:0", "tcp:[::]:0", "tcp:192.0.2.1:10809",
                    "tcp:[::ffff:127.0.0.1]:0"):
        assert wrong("--tcp", address) == (
            f"ebb-vold: --tcp {address} would serve volumes to a network in the clear: give "
            "--tls-certificates and --tls-key, or --tls-psk, or listen on 127.0.0.1 or [::1]; "
            "see ebb-vold --help\n")
    assert "is on a network" in wrong("--tcp", "tcp:[::]:0", "--tls-psk", "x", "--tls-optional")
    assert "go together" in wrong("--tls-certificates", "x")
    assert "wants --tls-cert" in wrong("--tls-psk", "x", "--tls-clients", "y")
    assert "--tls-unix wants" in wrong("--tls-unix")
    assert "write tcp:" in wrong("--tcp", "unix:/x")
    assert not os.path.exists(place.path("state"))
    missing = place.start([vold, "--state", place.path("state"), "--tls-psk", place.path("none")])
    assert missing.ended() == 1 and "none" in missing.log()
    with socket.create_server(("127.0.0.1", 0)) as handed:
        script = (f'exec 3<&{handed.fileno()}; LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=nbd '
                  'exec "$0" "$@"')
        program = place.start(["/bin/sh", "-c", script, vold, "--state", place.path("state")],
                              descriptors=(handed.fileno(),))
        assert program.ended() == 1 and "is no Unix socket" in program.log()


# Asks for much by four connections, says so, and never looks at an answer.
DEAF = """
import nbd, sys, time
handles = [nbd.NBD() for _ in range(4)]
for handle in handles:
    handle.connect_uri(sys.argv[1])
    for _ in range(10 if sys.argv[2] == "read" else 100):
        if sys.argv[2] == "zero":
            handle.aio_zero(64 << 20, 0, flags=nbd.CMD_FLAG_NO_HOLE)
        elif sys.argv[2] == "write":
            handle.aio_pwrite(bytes(1000), 500, flags=nbd.CMD_FLAG_FUA)
        else:
            handle.aio_pread(nbd.Buffer(4 << 20), 0)
print("asked", flush=True)
time.sleep(1000)
"""


def test_leaving(place, vold, _ebb):
    """clients that are gone, or take no answers, keep it from ending for a second at most"""
    libnbd()
    served = Served(place, vold)
    served.client().pwrite(b"a" * (8 * MIB), 0)
    for what, killed in (("zero", True), ("write", True), ("read", True), ("read", False)):
        with subprocess.Popen([sys.executable, "-c", DEAF, served.uri(), what],
                              stdout=subprocess.PIPE) as client:
            try:
                assert client.stdout.readline() == b"asked\n"
                if killed:
                    client.kill()
                    client.wait()
                begun = time.monotonic()
                assert served.program.term() == 0
                took = time.monotonic() - begun
                assert took < 2, (what, killed, took)
            finally:
                client.kill()
        served.start()
    assert served.client().pread(1, 0) == b"\0"


def test_killed(place, vold, _ebb):
    """kill -9 under load: nothing that was answered is lost, also when it was not flushed"""
    nbd = libnbd()
    served = Served(place, vold, size=8 * MIB)
    dice = random.Random(3)
    durable, value = {}, 0
    for turn in range(6):
        client, written = served.client(), {}
        served.act("cut", "v", f"s{turn}")
        assert served.ask("show", "v")["volume"]["survives_kill"] or not os.path.isdir("/dev/shm")
        # The program dies somewhere in the middle of this.
        pid = served.program.process.pid
        killer = subprocess.Popen(
            ["/bin/sh", "-c", f"sleep {dice.uniform(0.05, 0.4)}; kill -9 {pid}"])
        maybe = {}
        try:
            while True:
                for _ in range(20):
                    block, value = dice.randrange(0, 512), value + 1
                    maybe.setdefault(block, []).append(value)
                    client.pwrite(value.to_bytes(8, "little") * 512, block * 4096)
                    written[block] = value
                client.flush()
                durable.update(written)
                for block, told in written.items():
                    maybe[block] = [v for v in maybe[block] if v > told]
                written = {}
        except nbd.Error:
            pass
        killer.wait()
        served.program.ended()
        served.start()
        client = served.client()
        for block in set(durable) | set(maybe):
            data = client.pread(4096, block * 4096)
            found = int.from_bytes(data[:8], "little")
            assert data == data[:8] * 512 or maybe.get(block)
            assert found in [durable.get(block, 0)] + maybe.get(block, []), (block, found)
            assert found >= written.get(block, 0) or not os.path.isdir("/dev/shm"), block
            durable[block] = found
        client.flush()
        client.shutdown()
    assert len(durable) > 100


def test_fio(place, vold, _ebb):
    """fio's own verification, on two connections"""
    need("fio")
    served = Served(place, vold)
    run("fio", "--name=v", "--ioengine=nbd", "--uri=" + served.uri(), "--rw=randrw",
        "--bsrange=512-128k", "--size=24M", "--offset_increment=32M", "--numjobs=2",
        "--iodepth=16", "--verify=crc32c", "--verify_fatal=1", "--do_verify=1",
        "--verify_state_save=0", "--aux-path=" + place.folder)


def test_qemu(place, vold, _ebb):
    """qemu-img converts into it, compares and maps it; nbdcopy brings it back"""
    need("qemu-img", "qemu-io", "nbdcopy")
    served = Served(place, vold)
    image, back = place.path("image"), place.path("back")
    with open(image, "wb") as out:
        out.write(os.urandom(5 * MIB))
        out.seek(20 * MIB)
        out.write(os.urandom(MIB))
        out.truncate(64 * MIB)
    run("qemu-img", "convert", "-n", "-f", "raw", "-O", "raw", image, served.uri())
    assert "identical" in run("qemu-img", "compare", "-f", "raw", "-F", "raw", image, served.uri())
    assert '"zero": true' in run("qemu-img", "map", "-f", "raw", "--output=json", served.uri())
    run("qemu-img", "bench", "-f", "raw", "-t", "none", "-c", "2000", "-d", "16", "-s", "4096",
        served.uri())
    run("nbdcopy", served.uri(), back)
    assert subprocess.run(["cmp", image, back]).returncode == 0
    told = run("qemu-io", "-f", "raw", "-c", "write -P 5 1000 3000", "-c", "flush", "-c",
               "read -P 5 1000 3000", "-c", "discard 1M 1M", "-c", "write -z 2M 1M", "-c",
               "read -P 0 2M 1M", served.uri())
    assert "Pattern verification failed" not in told, told


def test_commands(place, vold, ebb):
    """ebb volume and ebb top, as people type them"""
    served = Served(place, vold)

    def type_in(*words, code=0):
        done = subprocess.run([ebb, *words, "--state", place.path("state")], timeout=PATIENCE,
                              capture_output=True, text=True, stdin=subprocess.DEVNULL)
        assert done.returncode == code, (words, done.stdout, done.stderr)
        return done.stdout + done.stderr

    type_in("volume", "create", "db", "1GiB")
    type_in("volume", "create", "x", "1", code=2)
    type_in("volume", "cut", "db@one")
    assert "has a snapshot one" in type_in("volume", "cut", "db@one", code=5)
    assert "db@one" in type_in("volume", "ls", "db")
    lines = type_in("volume", "ls").splitlines()
    assert lines[1].split()[:4] == ["db", "open", "1", "GiB"], lines
    served.client("db").pwrite(b"x" * 4096, 0)
    shown = json.loads(type_in("top", "--json"))
    assert [at["name"] for at in shown["volumes"]] == ["db", "v"]
    type_in("volume", "drop", "db@one")
    assert "-y" in type_in("volume", "rm", "db", code=5)
    type_in("volume", "resize", "v", "128MiB")
    type_in("volume", "ls", "none", code=4)
    assert served.program.term() == 0
    assert "ebb-vold" in type_in("volume", "ls", code=14)


if __name__ == "__main__":
    sys.exit(main([test_commands, test_volumes, test_bytes, test_snapshots, test_allocation,
                   test_shrunk, test_certificates, test_shared_keys, test_network,
                   test_leaving, test_killed, test_fio, test_qemu, test_changed,
                   test_pace, test_contexts, test_many_contexts, test_single,
                   test_memory, test_group, test_end_filling], sys.argv[1:]))
