#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The data that every tool is given: the same bytes for the same seed, and the same changes.

Files: small ones of 64 B to 32 KiB (log-uniform), of the rest 45 % text like that of logs, 30 %
random, 20 % exact copies, 5 % copies with up to 100 bytes put in front. Image: extents of 256 KiB,
a part of them filled (half text, 35 % random, 15 % repeats), the rest holes.
"""
import hashlib
import json
import math
import os
import random
import shutil
import socket
import struct

MIB = 1 << 20
SYLLABLES = ("ba ce di fo gu ha in jo ka le mi no pe qua ri so tu ve xi yo za ter lan mor "
             "sta").split()
SEVERITIES = (b"INFO ", b"INFO ", b"INFO ", b"WARN ", b"ERROR ", b"DEBUG ")


def make_words():
    chance = random.Random(0xEBB)
    return ["".join(chance.choice(SYLLABLES) for _ in range(chance.randint(1, 4))).encode()
            for _ in range(4096)]


WORDS = make_words()


def text(chance, size):
    """Bytes that look like a log: a stamp that moves slowly, words of which few are frequent, a
    token in hex. zstd -3 brings it to a fifth or so."""
    out, have, stamp = [], 0, chance.randrange(1 << 30)
    pool = [b" ".join(WORDS[int(chance.random() ** 2 * 4096)]
                      for _ in range(chance.randint(3, 7))) for _ in range(1024)]
    while have < size:
        lines = []
        token = chance.randbytes(4 * 256).hex().encode()
        pick = chance.choices(pool, k=512)
        for i in range(256):
            stamp += 7
            lines.append(b"%d %s%s %s id=%s\n" % (
                1700000000 + stamp // 100, SEVERITIES[stamp % 6], pick[2 * i], pick[2 * i + 1],
                token[8 * i:8 * i + 8]))
        block = b"".join(lines)
        out.append(block)
        have += len(block)
    return b"".join(out)[:size]


def write_stream(path, chance, size, is_text, step=4 * MIB):
    with open(path, "wb") as file:
        while size > 0:
            n = min(step, size)
            file.write(text(chance, n) if is_text else chance.randbytes(n))
            size -= n


def log_uniform(chance, least, most):
    return int(math.exp(chance.uniform(math.log(least), math.log(most))))


def make_small(folder, chance, count):
    total = 0
    for i in range(count):
        where = os.path.join(folder, "small", "%02x" % (i % 37), "%02x" % (i // 37 % 29))
        os.makedirs(where, exist_ok=True)
        size = log_uniform(chance, 64, 32768)
        total += size
        body = text(chance, size) if chance.random() < 0.7 else chance.randbytes(size)
        with open(os.path.join(where, "f%06d.dat" % i), "wb") as file:
            file.write(body)
    return total


def copy_file(source, path, size, front):
    with open(source, "rb") as a, open(path, "wb") as b:
        b.write(front)
        while size:
            piece = a.read(min(size, 4 * MIB))
            b.write(piece)
            size -= len(piece)


def make_files(folder, mib, small, seed):
    chance = random.Random(seed)
    os.makedirs(folder)
    rest = max(0, mib * MIB - make_small(folder, chance, small))
    most = min(64 * MIB, max(2 * MIB, rest // 12))
    made = []
    for kind, share in (("text", 0.45), ("rand", 0.30), ("dup", 0.20), ("shift", 0.05)):
        where = os.path.join(folder, kind)
        os.makedirs(where)
        want, i = int(rest * share), 0
        while want > 0:
            path = os.path.join(where, "%s%04d.bin" % (kind, i))
            i += 1
            if kind in ("text", "rand"):
                size = min(want, log_uniform(chance, MIB, most))
                write_stream(path, chance, size, kind == "text")
                made.append((path, size))
            else:
                source, size = chance.choice(made)
                size = min(size, want)
                front = chance.randbytes(chance.randint(1, 100)) if kind == "shift" else b""
                copy_file(source, path, size, front)
            want -= size


def make_image(folder, mib, fill, seed):
    chance = random.Random(seed + 1)
    os.makedirs(folder)
    extent, live = 256 * 1024, []
    with open(os.path.join(folder, "disk.img"), "w+b") as file:
        file.truncate(mib * MIB)
        for i in range(mib * MIB // extent):
            luck = chance.random() * 100
            if luck >= fill:
                continue
            if luck / fill < 0.50:
                body = text(chance, extent)
            elif luck / fill < 0.85 or not live:
                body = chance.randbytes(extent)
            else:
                file.seek(chance.choice(live) * extent)
                body = file.read(extent)
            file.seek(i * extent)
            file.write(body)
            live.append(i)


def pristine(folder, kind, options):
    """The folder with the data, made once for each set of options."""
    if kind == "files":
        what = {"v": 1, "seed": options.seed, "mib": options.mib, "small": options.small}
    else:
        what = {"v": 1, "seed": options.seed, "mib": options.mib, "fill": options.fill}
    tag = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:12]
    path = os.path.join(folder, "pristine", kind + "-" + tag)
    if not os.path.exists(path + ".ok"):
        shutil.rmtree(path, ignore_errors=True)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if kind == "files":
            make_files(path, options.mib, options.small, options.seed)
        else:
            make_image(path, options.mib, options.fill, options.seed)
        with open(path + ".ok", "w", encoding="ascii"):
            pass
    return path


def change_large(source, chance, budget):
    """60 % as runs of 64 KiB written over, 15 % appended to logs, 10 % put into the middle."""
    done, large = 0, []
    for kind in ("text", "rand", "dup", "shift"):
        where = os.path.join(source, kind)
        large += [os.path.join(where, name) for name in sorted(os.listdir(where))]
    logs = [path for path in large if "/text/" in path]
    while done < budget * 0.60:
        path = chance.choice(large)
        size = os.path.getsize(path)
        n = min(size, 65536)
        with open(path, "r+b") as file:
            file.seek(chance.randrange(0, max(1, size - n + 1)))
            file.write(chance.randbytes(n))
        done += n
    while done < budget * 0.75:
        n = chance.randint(4096, 262144)
        with open(chance.choice(logs), "ab") as file:
            file.write(text(chance, n))
        done += n
    while done < budget * 0.85:
        path = chance.choice(logs)
        with open(path, "rb") as file:
            body = file.read()
        at, n = chance.randrange(len(body)), chance.randint(1, 65536)
        with open(path, "wb") as file:
            file.write(body[:at] + chance.randbytes(n) + body[at:])
        done += n
    return done


def change_small(source, chance, share):
    """1.4 % of the small files: written anew, renamed, removed."""
    small, done = [], 0
    for top, folders, names in os.walk(os.path.join(source, "small")):
        folders.sort()
        small += [os.path.join(top, name) for name in sorted(names)]
    pick = chance.sample(small, max(3, int(len(small) * share / 100 * 1.4)))
    first, second = int(len(pick) * 0.7), int(len(pick) * 0.85)
    for path in pick[:first]:
        n = log_uniform(chance, 64, 32768)
        with open(path, "wb") as file:
            file.write(text(chance, n))
        done += n
    for path in pick[first:second]:
        os.rename(path, path + ".moved")
    for path in pick[second:]:
        os.unlink(path)
    return done


def change_files(source, options):
    """About `change` per cent, in the ways in which files change. Returns the bytes written."""
    chance = random.Random(options.seed + 100)
    budget = int((options.change_mib or options.mib * options.change / 100) * MIB)
    done = change_large(source, chance, budget)
    os.makedirs(os.path.join(source, "new"), exist_ok=True)
    i = 0
    while done < budget:
        n = min(budget - done, log_uniform(chance, 4096, 4 * MIB))
        write_stream(os.path.join(source, "new", "n%04d" % i), chance, n, i % 2)
        done += n
        i += 1
    share = options.change if not options.change_mib else options.change_mib * 100 / options.mib
    return done + change_small(source, chance, share)


def image_writes(options):
    """Random writes of 4 KiB: `change` per cent of the image, nine tenths of them inside one tenth
    of it when the pattern is hot."""
    chance = random.Random(options.seed + 200)
    blocks = options.mib * 256
    seen = set()
    while len(seen) < int(blocks * options.change / 100):
        if options.pattern == "hot" and chance.random() < 0.9:
            block = blocks // 3 + chance.randrange(max(1, blocks // 10))
        else:
            block = chance.randrange(blocks)
        if block in seen:
            continue
        seen.add(block)
        is_text = chance.random() < 0.5
        yield block * 4096, (text(chance, 4096) if is_text else chance.randbytes(4096))


def change_image(source, options, nbd=None):
    """Into the file, and through an NBD export of the tool's own when it has one."""
    done, client = 0, NbdClient(nbd) if nbd else None
    ranges = []
    with open(os.path.join(source, "disk.img"), "r+b") as file:
        for offset, body in image_writes(options):
            file.seek(offset)
            file.write(body)
            ranges.append((offset, len(body)))
            if client:
                client.write(offset, body)
            done += len(body)
    with open(os.path.join(source, "..", "changed.map"), "w", encoding="ascii") as file:
        file.writelines("%d,%d\n" % pair for pair in sorted(ranges))
    if client:
        client.close()
    return done


class NbdClient:
    """As much of the NBD protocol as writing to an export over a Unix socket takes."""

    def __init__(self, uri):
        path, _, name = uri.partition("!")
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        if self.get(16) != b"NBDMAGIC" + b"IHAVEOPT":
            raise OSError("not an NBD server")
        self.get(2)
        self.socket.sendall(struct.pack(">I", 3))  # fixed newstyle, no zeroes
        name = name.encode()
        self.socket.sendall(b"IHAVEOPT" + struct.pack(">II", 1, len(name)) + name)
        self.get(10)
        self.handle = 0

    def get(self, size):
        out = b""
        while len(out) < size:
            piece = self.socket.recv(size - len(out))
            if not piece:
                raise OSError("the NBD server closed the connection")
            out += piece
        return out

    def ask(self, command, offset, length, body=b""):
        self.handle += 1
        self.socket.sendall(struct.pack(">IHHQQI", 0x25609513, 0, command, self.handle, offset,
                                        length) + body)

    def write(self, offset, body):
        self.ask(1, offset, len(body), body)
        _, error, _ = struct.unpack(">IIQ", self.get(16))
        if error:
            raise OSError("NBD write at %d: error %d" % (offset, error))

    def close(self):
        self.ask(3, 0, 0)
        self.get(16)
        self.ask(2, 0, 0)
        self.socket.close()
