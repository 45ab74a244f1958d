#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Real clients of NBD against room nbd, over a disk of memory: those of libnbd, qemu and fio, with
and without TLS, and one of our own for what these cannot ask.

usage: nbd_test.py NBD_RAM
"""
import contextlib
import filecmp
import json
import os
import random
import shutil
import socket
import struct
import subprocess
import sys
import time

import programs
from nbd_keys import make_keys

NBD_RAM = sys.argv[1] if len(sys.argv) > 1 else "nbd_ram"
MIB = 1 << 20
SIZE = 32 * MIB


def tool(*words, code=0, **options):
    if not shutil.which(words[0]):
        raise programs.Skip(f"{words[0]} is not installed")
    done = subprocess.run(words, capture_output=True, text=True, errors="replace", check=False,
                          **options)
    assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr


def nbdsh(*words, code=0):
    """The shell of libnbd, in the Python that Debian's module is for."""
    return tool("/usr/bin/python3", "-m", "nbd", *words, code=code)


@contextlib.contextmanager
def serving(place, *options, name="nbd"):
    """The server's socket."""
    path = place.path(name)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)  # of a server before: it would look as if this one listened
    with subprocess.Popen([NBD_RAM, path, str(SIZE), *options]) as server:
        end = time.monotonic() + programs.PATIENCE
        while not os.path.exists(path) and time.monotonic() < end:
            time.sleep(0.01)
        try:
            yield path
            assert server.poll() is None, "the server is gone"
        finally:
            server.terminate()


def plain(path, export=""):
    return f"nbd+unix:///{export}?socket={path}"


def random_file(place, name, size=SIZE):
    path = place.path(name)
    with open(path, "wb") as file:
        file.write(random.Random(size).randbytes(size // 2))
        file.truncate(size)
    return path


# ---- others' clients ----

def test_libnbd(place):
    """nbdinfo, nbdcopy: what is served, what lies where, there and back by four connections"""
    image = random_file(place, "image")
    with serving(place, "shuffle=1") as path:
        told = tool("nbdinfo", "--list", plain(path))
        for word in ('export="disk"', 'export="read-only"', 'export="rotating"', "base:allocation",
                     "qemu:dirty-bitmap:all", "can_fast_zero: true", "is_rotational: true",
                     "is_read_only: true", "block_size_maximum: 33554432"):
            assert word in told, told
        tool("nbdcopy", "--connections=4", image, plain(path))
        tool("nbdcopy", "--connections=4", plain(path, "read-only"), place.path("copy"))
        assert filecmp.cmp(image, place.path("copy"), shallow=False)
        assert "hole,zero" in tool("nbdinfo", "--map", plain(path))
        assert "dirty" in tool("nbdinfo", "--map=qemu:dirty-bitmap:all", plain(path))


MODEL = """
import random, sys
rng, model, size = random.Random(5), bytearray(h.get_size()), h.get_size()
live = {}
def reap():
    h.poll(-1)
    for cookie in list(live):
        if not h.aio_command_completed(cookie):
            continue
        at, buffer = live.pop(cookie)
        assert buffer is None or bytes(buffer.to_bytearray()) == model[at:at + buffer.size()]
busy = lambda at, n: any(a < at + n and at < a + m for a, m in spans.values())
spans = {}
for i in range(3000):
    at, n = rng.randrange(size), rng.choice([1, 100, 512, 4096, 9000, 70000])
    n = min(n, size - at)
    while busy(at, n) or len(live) > 200:
        reap()
        spans = {c: spans[c] for c in live}
    if i % 3 == 0:
        buffer = nbd.Buffer(n)
        cookie = h.aio_pread(buffer, at)
        live[cookie] = (at, buffer)
    elif i % 3 == 1:
        data = rng.randbytes(n)
        model[at:at + n] = data
        cookie = h.aio_pwrite(nbd.Buffer.from_bytearray(bytearray(data)), at)
        live[cookie] = (at, None)
    else:
        model[at:at + n] = bytes(n)
        cookie = h.aio_zero(n, at, flags=rng.choice([0, nbd.CMD_FLAG_NO_HOLE]))
        live[cookie] = (at, None)
    spans[cookie] = (at, n)
while live:
    reap()
h.flush()
assert h.pread(1 << 20, 0) == model[:1 << 20]
h.set_strict_mode(0)
for call, want in (
        (lambda: h.pread(1, size), "EINVAL"), (lambda: h.pwrite(b"xy", size - 1), "ENOSPC"),
        (lambda: h.trim(2, size - 1), "EINVAL"), (lambda: h.zero(2, size - 1), "ENOSPC"),
        (lambda: h.zero(100, 7, nbd.CMD_FLAG_FAST_ZERO), "ENOTSUP"),
        (lambda: h.pread(512, 0, 64), "EINVAL"), (lambda: h.cache(1, size), "EINVAL"),
        (lambda: h.block_status(size, size, lambda *a: 0), "EINVAL")):
    try:
        call()
        raise SystemExit("not refused: " + want)
    except nbd.Error as error:
        assert error.errno == want, (error.errno, want)
h.pwrite(bytes(size), 0)
assert h.pread(512, 0, nbd.CMD_FLAG_DF if h.can_df() else 0) == bytes(512)
"""


def test_nbdsh(place):
    """libnbd: 200 requests in flight agree with a model; refusals; simple and structured replies"""
    for structured in (True, False):
        with serving(place, "shuffle=2") as path:
            asks = ["-c", f"h.set_request_structured_replies({structured})"]
            if structured:
                asks += ["-c", "h.add_meta_context('base:allocation')"]
            nbdsh(*asks, "-c", f"h.connect_uri('{plain(path)}')", "-c", MODEL)


def test_one_connection(place):
    """a single connection on standard input and output"""
    del place
    nbdsh("-c", f"h.connect_command(['{NBD_RAM}', '-s', '{SIZE}'])", "-c",
         "h.pwrite(b'x' * 5000, 77); assert h.pread(5000, 77) == b'x' * 5000; h.shutdown()")


def clean(path):
    """Whether the bitmap of what was written is empty: qemu shows what is dirty as no data."""
    told = tool("qemu-img", "map", "--output=json", "--image-opts",
                f"driver=nbd,server.type=unix,server.path={path},export=disk,"
                "x-dirty-bitmap=qemu:dirty-bitmap:all")
    return all(piece["data"] for piece in json.loads(told))


def test_qemu(place):
    """qemu-img converts, compares, maps and measures; qemu-io writes, zeroes and discards"""
    image = random_file(place, "image")
    with serving(place, "shuffle=3") as path:
        uri = plain(path)
        assert clean(path)
        tool("qemu-img", "convert", "-n", "-f", "raw", "-O", "raw", image, uri)
        tool("qemu-img", "compare", "-f", "raw", "-F", "raw", image, uri)
        assert '"data": false' in tool("qemu-img", "map", "--output=json", "-f", "raw", uri)
        assert not clean(path)
        for write in ([], ["-w"]):
            tool("qemu-img", "bench", "-f", "raw", "-c", "2000", "-d", "64", *write, uri)
        told = tool("qemu-io", "-f", "raw", "-c", "write -P 5 1000 300000", "-c",
                    "read -P 5 1000 300000", "-c", "write -z -u 1M 64k", "-c", "read -P 0 1M 64k",
                    "-c", "discard 2M 1M", "-c", "aio_write -P 7 4M 3M", "-c", "aio_flush", "-c",
                    "read -P 7 5M 1M", "-c", "write -f -P 9 8M 4k", "-c", "flush", uri)
        assert "fail" not in told, told


def test_fio(place):
    """fio reads back and verifies what it wrote, 4 connections with 32 requests each"""
    with serving(place, "shuffle=4") as path:
        tool("fio", "--name=verify", "--ioengine=nbd", "--uri=" + plain(path), "--rw=randrw",
             "--bs=512-128k", "--iodepth=32", "--numjobs=4", f"--size={SIZE // 4}",
             "--offset_increment=25%", "--io_size=16M", "--verify=crc32c", "--verify_fatal=1",
             cwd=place.path())


# ---- TLS ----

def there_and_back(place, uri):
    image = random_file(place, "image", 8 * MIB)
    tool("nbdcopy", image, uri)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(place.path("copy"))
    tool("qemu-img" if uri.startswith("nbd+") else "nbdcopy", *(
        ("convert", "-O", "raw") if uri.startswith("nbd+") else ()), uri, place.path("copy"))
    with open(image, "rb") as one, open(place.path("copy"), "rb") as two:
        assert one.read() == two.read(8 * MIB)


def refused(uri, word=""):
    told = tool("nbdinfo", uri, code=1)
    assert word in told, told


def test_certificates(place):
    """TLS by certificates, with and without asking clients for theirs; nobody else gets in"""
    folder = make_keys(place)
    ours = [f"cert={folder}/server-cert.pem", f"key={folder}/server-key.pem", "required=1"]

    def uri(path, name):
        return f"nbds+unix:///?socket={path}&tls-certificates={folder}/{name}"
    with serving(place, *ours) as path:
        assert "with TLS" in tool("nbdinfo", uri(path, "without"))
        there_and_back(place, uri(path, "without"))
        refused(plain(path))
    with serving(place, *ours, f"clients={folder}/ca-cert.pem", name="mutual") as path:
        there_and_back(place, uri(path, "known"))
        refused(uri(path, "without"))
        refused(uri(path, "unknown"))
        refused(plain(path))
        tool("qemu-img", "info", "--object",
             f"tls-creds-x509,id=t,dir={folder}/known,endpoint=client", "--image-opts",
             f"driver=nbd,server.type=unix,server.path={path},tls-creds=t,tls-hostname=localhost")
    with serving(place, *ours[:2], name="allowed") as path:
        there_and_back(place, uri(path, "without"))
        there_and_back(place, plain(path))


def test_shared_keys(place):
    """TLS by shared keys, 1.3 and 1.2, of libnbd and qemu; a wrong key and an unknown name fail"""
    folder = make_keys(place)

    def uri(path, name="alice", keys="keys.psk"):
        return f"nbds+unix://{name}@/?socket={path}&tls-psk-file={folder}/{keys}"
    with serving(place, f"psk={folder}/keys.psk", "required=1") as path:
        there_and_back(place, uri(path))
        refused(uri(path, keys="wrong.psk"))
        refused(plain(path))
        tool("qemu-img", "info", "--object",
             f"tls-creds-psk,id=t,dir={folder},endpoint=client,username=alice", "--image-opts",
             f"driver=nbd,server.type=unix,server.path={path},tls-creds=t")
        nbdsh("-c", "h.set_tls(nbd.TLS_REQUIRE); h.set_tls_username('nobody')",
             "-c", f"h.set_tls_psk_file('{folder}/wrong.psk')", "-c",
             f"h.connect_unix('{path}')", code=1)
        # What GnuTLS is told by its system file holds for libnbd as well: TLS 1.2 alone.
        with open(place.path("priorities"), "w", encoding="ascii") as file:
            file.write("[overrides]\ndisabled-version = tls1.3\n")
        tool("nbdcopy", uri(path), place.path("copy12"),
             env=dict(os.environ, GNUTLS_SYSTEM_PRIORITY_FILE=place.path("priorities")))
        # ... and neither 1.0 nor 1.1.
        with open(place.path("priorities"), "a", encoding="ascii") as file:
            file.write("disabled-version = tls1.2\n")
        tool("nbdinfo", uri(path), code=1,
             env=dict(os.environ, GNUTLS_SYSTEM_PRIORITY_FILE=place.path("priorities")))


# ---- a client of our own ----

EXTENDED = 0x21e41c71
REPLY = 0x6e8a278c


class Client:
    """Fixed newstyle, by hand."""

    def __init__(self, path):
        self.socket = programs.connect(path)
        self.socket.settimeout(programs.PATIENCE)
        assert self.get(18) == b"NBDMAGICIHAVEOPT\0\3"
        self.socket.sendall(b"\0\0\0\3")

    def get(self, length):
        data = b""
        while len(data) < length:
            more = self.socket.recv(length - len(data))
            assert more, "it hung up"
            data += more
        return data

    def option(self, number, data=b""):
        """Replies until one that ends it: (type, data) each."""
        self.socket.sendall(struct.pack(">8sII", b"IHAVEOPT", number, len(data)) + data)
        replies = []
        while not replies or replies[-1][0] in (2, 3, 4):
            magic, option, kind, length = struct.unpack(">QIII", self.get(20))
            assert (magic, option) == (0x3e889045565a9, number)
            replies.append((kind, self.get(length)))
        return replies

    def go(self, name=b""):
        return self.option(7, struct.pack(">I", len(name)) + name + b"\0\0")

    def contexts(self, *names):
        data = b"\0\0\0\0" + struct.pack(">I", len(names))
        data += b"".join(struct.pack(">I", len(name)) + name for name in names)
        told = self.option(10, data)
        return {data[4:]: struct.unpack(">I", data[:4])[0] for kind, data in told if kind == 4}

    def ask(self, kind, offset, length, flags=0, payload=b""):
        """An extended request and all its chunks: (type, data) each."""
        cookie = random.getrandbits(64)
        self.socket.sendall(struct.pack(">IHHQQQ", EXTENDED, flags, kind, cookie, offset, length)
                            + payload)
        chunks, done = [], False
        while not done:
            magic, flags, kind, ours, at, length = struct.unpack(">IHHQQQ", self.get(32))
            assert (magic, ours, at) == (REPLY, cookie, offset)
            chunks.append((kind, self.get(length)))
            done = flags & 1
        return chunks


def extents(data):
    count = struct.unpack(">I", data[4:8])[0]
    assert len(data) == 8 + 16 * count
    return [struct.unpack_from(">QQ", data, 8 + 16 * i) for i in range(count)]


def test_extended_headers(place):
    """extended headers: requests of 64 bits, chunks for all, status of chosen contexts only"""
    with serving(place) as path:
        client = Client(path)
        assert client.option(11) == [(1, b"")]
        ids = client.contexts(b"base:allocation", b"qemu:dirty-bitmap:all", b"x:unknown")
        assert set(ids) == {b"base:allocation", b"qemu:dirty-bitmap:all"}, ids
        info = client.go()
        assert info[-1] == (1, b"") and struct.unpack(">HQH", info[0][1])[2] & 1 << 12, info
        data = random.randbytes(10000)
        assert client.ask(1, 4096, len(data), 32, data) == [(0, b"")]
        assert client.ask(1, 4096, len(data)) == [(32769, struct.pack(">IH", 22, 0))]
        assert client.ask(0, 4096, len(data)) == [(1, struct.pack(">Q", 4096) + data)]
        assert client.ask(0, MIB, MIB) == [(2, struct.pack(">QI", MIB, MIB))]
        assert client.ask(6, 0, 1 << 40) == [(32769, struct.pack(">IH", 28, 0))]
        assert client.ask(4, 0, 1 << 40) == [(32769, struct.pack(">IH", 22, 0))]
        assert client.ask(3, 0, 0) == [(0, b"")]
        told = client.ask(7, 0, SIZE)
        assert [kind for kind, _ in told] == [6, 6], told
        assert extents(told[0][1]) == [(4096, 3), (12288, 0), (SIZE - 16384, 3)], told
        assert extents(told[1][1]) == [(4096, 0), (12288, 1), (SIZE - 16384, 0)], told
        dirty = ids[b"qemu:dirty-bitmap:all"]
        filtered = struct.pack(">QI", 8192, dirty)
        told = client.ask(7, 0, 12, 32, filtered)
        assert len(told) == 1 and told[0][1][:4] == struct.pack(">I", dirty), told
        for bad in (struct.pack(">QI", 8192, 99), struct.pack(">QII", 8192, dirty, dirty),
                    b"x" * 11, b"x" * 4000):
            assert client.ask(7, 0, len(bad), 32, bad) == [(32769, struct.pack(">IH", 22, 0))]
        assert client.ask(0, 0, 4, 32, b"abcd") == [(32769, struct.pack(">IH", 22, 0))]
        assert client.ask(3, 0, 0) == [(0, b"")]


def test_bad_clients(place):
    """clients that hang up, dribble, flood or lie harm only themselves"""
    rng = random.Random(7)
    go = struct.pack(">8sII", b"IHAVEOPT", 7, 6) + bytes(6)
    read = struct.pack(">IHHQQI", 0x25609513, 0, 0, 1, 0, 16 * MIB)
    write = struct.pack(">IHHQQI", 0x25609513, 0, 1, 1, 0, 16 * MIB)
    begun = b"\0\0\0\3" + go
    with serving(place) as path:
        for words in (b"", b"garbage", b"\0\0\0\3" + b"x" * 5000, b"\0\0\0\3" + go[:-1],
                      b"\0\0\0\3IHAVEOPT\0\0\0\3\xff\xff\xff\xff" + bytes(1 << 20),
                      begun + read * 500, begun + write + bytes(MIB), begun + rng.randbytes(5000),
                      b"\0\0\0\3" + b"IHAVEOPT\0\0\0\3\0\0\0\0" * 5000):
            with programs.connect(path) as stream, contextlib.suppress(OSError):
                stream.settimeout(1)
                stream.sendall(words)
            with programs.connect(path) as stream, contextlib.suppress(OSError):
                stream.settimeout(1)
                stream.sendall(words)
                stream.shutdown(socket.SHUT_WR)
                while stream.recv(rng.randrange(1, 1 << 20)):
                    if rng.random() < 0.1:
                        break
        with programs.connect(path) as stream:
            for byte in begun + read[:-4] + struct.pack(">I", 512):
                stream.sendall(bytes([byte]))
            data = b""
            while len(data) < 18 + 20 + 12 + 20 + 16 + 512:
                data += stream.recv(1 << 16)
        assert "base:allocation" in tool("nbdinfo", plain(path))


def test_early_bytes(place):
    """what is sent in the clear behind STARTTLS is not taken for what TLS protects"""
    folder = make_keys(place)
    with serving(place, f"psk={folder}/keys.psk", "required=1") as path:
        with programs.connect(path) as stream:
            stream.settimeout(programs.PATIENCE)
            stream.sendall(b"\0\0\0\3IHAVEOPT\0\0\0\5\0\0\0\0IHAVEOPT\0\0\0\7\0\0\0\6" + bytes(6))
            data = b""
            while more := stream.recv(1 << 16):
                data += more
            assert len(data) == 18 + 20, data
        client = Client(path)
        assert client.go() == [(1 << 31 | 5, b"")]
        assert client.option(3) == [(1 << 31 | 5, b"")]
        assert client.option(8) == [(1 << 31 | 5, b"")]


TESTS = [test_libnbd, test_nbdsh, test_one_connection, test_qemu, test_fio, test_certificates,
         test_shared_keys, test_extended_headers, test_bad_clients, test_early_bytes]
sys.exit(programs.main(TESTS, sys.argv[2:]))
