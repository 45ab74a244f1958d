# SPDX-License-Identifier: Apache-2.0

"""Ebb on a real object store: a Ceph of one node that this starts, as root.

usage: tests/check_s3.py EBB
"""
import hashlib
import os
import random
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree

import ceph
import programs
import s3_client

LOCK = 25  # seconds
KEPT = {}  # the one store of all tests


class Keep:
    """A bucket, a source and a key of a test's own."""

    def __init__(self, place, ebb, locks=False):
        self.place, self.ebb = place, ebb
        store = KEPT["ceph"]
        self.s3 = s3_client.Client(store.port, store.access, store.secret)
        KEPT["buckets"] = KEPT.get("buckets", 0) + 1
        self.bucket = f"bucket-{KEPT['buckets']}"
        self.s3.must("PUT", f"/{self.bucket}",
                     headers={"x-amz-bucket-object-lock-enabled": "true"} if locks else {})
        self.url = f"s3://{self.bucket}/p"
        self.env = {"EBB_KEY_FILE": place.path("key"), "HOME": place.folder,
                    "XDG_STATE_HOME": place.path("state"),
                    "AWS_ACCESS_KEY_ID": store.access, "AWS_SECRET_ACCESS_KEY": store.secret,
                    "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{store.port}",
                    "EBB_REPO": self.url}
        self.source = place.path("source")
        os.mkdir(self.source)

    def fill(self, name, size, seed=1):
        with open(os.path.join(self.source, name), "wb") as file:
            file.write(random.Random(seed).randbytes(size))

    def run(self, *words):
        return programs.run([self.ebb, *words], self.env)

    def must(self, *words):
        code, out, err = self.run(*words)
        assert code == 0, f"{words}: {code}\n{out}{err}"
        return out

    def keys(self, folder=""):
        return self.s3.keys(self.bucket, "p/" + folder)

    def whole(self):
        assert "all of it is as it was written" in self.must("verify")

    def restored(self, name="back"):
        target = self.place.path(name)
        self.must("restore", "latest", target)
        assert sums(target) == sums(self.source), "what came back is not what was saved"


def sums(folder):
    found = {}
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as file:
            found[name] = hashlib.sha256(file.read()).hexdigest()
    return found


def life(place, ebb):
    """made, saved to, checked, restored; and damage mended"""
    keep = Keep(place, ebb)
    out = keep.must("repo", "init")
    assert "keeps a name from being put twice" in out, out
    keep.fill("large", 40_000_000)
    keep.fill("small", 5)
    keep.must("backup", keep.source)
    keep.fill("more", 3_000_000, 2)
    keep.must("backup", keep.source)
    keep.whole()
    keep.restored()
    pack = max(keep.keys("data/"), key=len)
    _, body = keep.s3.must("GET", f"/{keep.bucket}/{pack}")
    damaged = bytearray(body)
    damaged[len(body) // 2] ^= 1
    keep.s3.must("PUT", f"/{keep.bucket}/{pack}", body=bytes(damaged))
    code, out, err = keep.run("verify")
    assert code == 13 and "1 object was damaged" in out, f"{code} {out}{err}"
    keep.must("verify", "--repair")
    keep.whole()
    assert keep.s3.must("GET", f"/{keep.bucket}/{pack}")[1] == body


def cold(place, ebb):
    """packs of 64 MiB, in parts, damaged and mended; images and streams, locked"""
    keep = Keep(place, ebb, locks=True)
    keep.must("repo", "init", "--pack-size", "64MiB")
    keep.fill("large", 150_000_000)
    keep.must("backup", keep.source)
    sizes = {key: len(keep.s3.must("GET", f"/{keep.bucket}/{key}")[1])
             for key in keep.keys("data/")}
    assert sorted(sizes.values())[-2] > 64 << 20, sizes
    keep.whole()
    keep.restored()
    pack = max(sizes, key=sizes.get)
    body = bytearray(keep.s3.must("GET", f"/{keep.bucket}/{pack}")[1])
    body[40 << 20] ^= 1
    keep.s3.must("PUT", f"/{keep.bucket}/{pack}", body=bytes(body))
    code, out, err = keep.run("verify")
    assert code == 13 and "1 object was damaged" in out, f"{code} {out}{err}"
    keep.must("verify", "--repair")
    keep.whole()
    # What folders have, other sources have, too.
    image = place.path("disk.img")
    with open(image, "wb") as file:
        file.truncate(60_000_000)
        file.write(random.Random(9).randbytes(40_000_000))
    keep.must("backup", image, "--lock", "60s")
    keep.must("backup", "--lock", "60s", "--stdin-name", "s", "--command", "--", "cat", image)
    keep.must("snap", "rm", "-y", "stream/s@latest")
    keep.must("snap", "rm", "-y", "disk.img@latest")
    out = keep.must("repo", "gc", "--soak", "0s")
    out = keep.must("repo", "gc", "--soak", "0s")
    assert "locked by the place" in out, out


def racing(place, ebb):
    """four writers at once: each point is there, and the store is whole"""
    keep = Keep(place, ebb)
    keep.must("repo", "init")
    runs = []
    for number in range(4):
        folder = place.path(f"source-{number}")
        os.mkdir(folder)
        with open(os.path.join(folder, "x"), "wb") as file:
            file.write(random.Random(number).randbytes(500_000))
        runs.append(place.start([ebb, "backup", folder], environment=keep.env))
    for run in runs:
        assert run.ended() == 0, run.log()
    assert "4 points" in keep.must("snap", "ls")
    keep.whole()
    assert not keep.keys("claim/")


def killed(place, ebb):
    """kill -9 in the middle of a backup: what was done stays, and the next run goes on"""
    keep = Keep(place, ebb)
    keep.must("repo", "init")
    keep.fill("first", 1_000_000)
    keep.must("backup", keep.source)
    keep.fill("large", 150_000_000, 3)
    run = place.start([ebb, "backup", keep.source], environment=keep.env)
    end = time.monotonic() + programs.PATIENCE
    while len(keep.keys("data/")) < 3 and time.monotonic() < end:
        time.sleep(0.05)
    run.signal(signal.SIGKILL)
    assert run.ended() == -signal.SIGKILL, "it was done too soon to be killed"
    assert "1 point" in keep.must("snap", "ls")
    keep.must("backup", keep.source)
    keep.restored()


class Link:
    """What goes to the store passes here, is counted, and keeps a pace."""

    def __init__(self, port):
        self.to, self.sent, self.lock = port, 0, threading.Lock()
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                one, _ = self.listening.accept()
            except OSError:
                return
            other = socket.create_connection(("127.0.0.1", self.to))
            for pair in ((one, other, True), (other, one, False)):
                threading.Thread(target=self.carry, args=pair, daemon=True).start()

    def carry(self, one, other, counted):
        try:
            while data := one.recv(1 << 16):
                if counted:
                    with self.lock:
                        self.sent += len(data)
                        time.sleep(0.0005)
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)
        except OSError:
            other.close()

    def settle(self):
        """What had left a dead program has come."""
        before = -1
        while before != self.sent:
            before = self.sent
            time.sleep(0.5)


def sent_again(place, ebb):
    """kill -9 at random moments, then again: less than one pack is sent twice"""
    keep, chance = Keep(place, ebb), programs.seed()
    link = Link(KEPT["ceph"].port)
    keep.env["AWS_ENDPOINT_URL_S3"] = f"http://127.0.0.1:{link.port}"
    for turn in range(6):
        keep.env["EBB_REPO"] = f"s3://{keep.bucket}/turn-{turn}"
        keep.env["EBB_KEY_FILE"] = place.path(f"key-{turn}")
        keep.must("repo", "init")
        keep.fill("large", 60_000_000, turn)
        began = link.sent
        run = place.start([ebb, "backup", keep.source], environment=keep.env)
        until = began + chance.randrange(1, 60_000_000)
        while run.process.poll() is None and link.sent < until:
            time.sleep(0.001)
        run.signal(signal.SIGKILL)
        killed = run.ended() == -signal.SIGKILL
        link.settle()
        first = link.sent - began
        keep.must("backup", keep.source)
        sizes = [len(keep.s3.must("GET", f"/{keep.bucket}/{key}")[1])
                 for kind in ("data", "meta")
                 for key in keep.s3.keys(keep.bucket, f"turn-{turn}/{kind}/")]
        twice = link.sent - began - sum(sizes)
        said = f"killed at {first} of {sum(sizes)}: {twice} sent twice or besides"
        print(f"# {said}" if killed else "# done before it was killed", flush=True)
        # All that went over the link was counted: words of the protocol, and what is no pack.
        assert twice < max(sizes) + 100_000, said
        keep.whole()
    link.listening.close()


def versions(keep):
    """(key, version) of all that there ever was and is not removed for good."""
    _, body = keep.s3.must("GET", f"/{keep.bucket}", query={"versions": ""})
    found = []
    for element in xml.etree.ElementTree.fromstring(body):
        if element.tag.endswith("Version"):
            parts = {e.tag.split("}")[-1]: e.text for e in element}
            found.append((parts["Key"], parts["VersionId"]))
    return found


def locked(place, ebb):
    """what a locked point needs nobody removes; a collection goes on, and later finishes"""
    keep = Keep(place, ebb, locks=True)
    keep.must("repo", "init")
    keep.fill("kept", 400_000)
    keep.must("backup", keep.source)
    early = set(keep.keys())
    keep.fill("more", 300_000, 2)
    began = time.monotonic()
    keep.must("backup", keep.source, "--lock", f"{LOCK}s")
    # Of what was there before: content, keys and parameters; and all that is new.
    needed = [(key, version) for key, version in versions(keep) if "/claim/" not in key and
              (key not in early or "/data/" in key or "/key/" in key or key == "p/repo")]
    assert len(needed) >= 8, needed
    for key, version in needed:
        status, _, _ = keep.s3.call("DELETE", f"/{keep.bucket}/{key}",
                                    query={"versionId": version})
        assert status == 403, f"{key} could be removed: {status}"
    keep.must("verify")
    keep.restored()
    os.unlink(os.path.join(keep.source, "more"))
    keep.fill("kept", 400_000, 7)
    keep.must("backup", keep.source)
    out = keep.must("repo", "gc", "--keep-last", "1", "--soak", "0s", "--yes")
    assert time.monotonic() - began < LOCK, "too slow to see the lock"
    assert "lock" in out, out
    keep.whole()
    time.sleep(max(0.0, LOCK + 1 - (time.monotonic() - began)))
    keep.must("repo", "gc", "--keep-last", "1", "--soak", "0s", "--yes")
    keep.must("repo", "gc", "--keep-last", "1", "--soak", "0s", "--yes")
    keep.whole()
    keep.restored("again")
    assert not early & {k for k in keep.keys() if "/data/" in k}, "the first packs are still there"


def hidden(place, ebb):
    """who has our credentials hides and overwrites everything: the locked point comes back"""
    keep = Keep(place, ebb, locks=True)
    keep.must("repo", "init")
    keep.fill("x", 3_000_000)
    keep.must("backup", keep.source, "--lock", "1h")
    for number, key in enumerate(keep.keys()):
        if number % 2:
            keep.s3.must("PUT", f"/{keep.bucket}/{key}", body=b"ransom")
        else:
            keep.s3.must("DELETE", f"/{keep.bucket}/{key}")
    code, _, _ = keep.run("snap", "ls")
    assert code != 0, "nothing was hidden"
    first = keep.url + "?versions=first"
    keep.must("restore", "latest", place.path("saved"), "--repo", first)
    assert sums(place.path("saved")) == sums(keep.source)
    code, _, err = keep.run("backup", keep.source, "--full", "--repo", first)
    assert code == 1 and "nothing is put there" in err, f"{code} {err}"


def unlockable(place, ebb):
    """a bucket without locks is told, and no point is said to be locked"""
    keep = Keep(place, ebb)
    keep.must("repo", "init")
    keep.fill("x", 1000)
    code, _, err = keep.run("backup", keep.source, "--lock", "30d")
    assert code == 1 and "not made with object lock" in err, f"{code} {err}"
    code, _, err = keep.run("backup", keep.source, "--lock", "30d", "--repo", place.path("none"))
    assert code == 10, f"{code} {err}"


def twins(place, ebb):
    """a folder and a bucket in one run; the folder is lost, and the bucket has it all"""
    keep = Keep(place, ebb)
    folder = place.path("folder")
    keep.must("repo", "init", "--repo", folder)
    keep.must("repo", "init", "--like", folder)
    keep.fill("x", 2_000_000)
    keep.must("backup", keep.source, "--repo", folder, "--also", keep.url)
    keep.fill("y", 2_000_000, 2)
    keep.must("backup", keep.source, "--repo", folder, "--also", keep.url)
    shutil.rmtree(folder)
    keep.fill("z", 2_000_000, 3)
    code, _, err = keep.run("backup", keep.source, "--repo", folder, "--also", keep.url)
    assert code == 3 and "there is no repository" in err, f"{code} {err}"
    keep.whole()
    keep.restored()


def strangers(place, ebb):
    """a wrong secret and a bucket that is not there are told"""
    keep = Keep(place, ebb)
    keep.env["AWS_SECRET_ACCESS_KEY"] = "wrong"
    code, _, err = keep.run("repo", "init")
    assert code == 1 and "403 SignatureDoesNotMatch" in err, f"{code} {err}"
    keep.env["AWS_SECRET_ACCESS_KEY"] = KEPT["ceph"].secret
    code, _, err = keep.run("repo", "init", "--repo", "s3://not-there/p")
    assert code == 10 and "404 NoSuchBucket" in err, f"{code} {err}"


TESTS = [life, cold, racing, killed, sent_again, locked, hidden, unlockable, twins, strangers]


def main():
    missing = ceph.missing()
    if missing or os.getuid() != 0:
        print("TAP version 13\n1..0 # SKIP needs root and "
              f"{' '.join(missing) or 'to be root'}; tests/packages.sh install s3")
        return 0
    with tempfile.TemporaryDirectory(prefix="ebb-ceph-", ignore_cleanup_errors=True) as folder:
        began = time.monotonic()
        KEPT["ceph"] = ceph.Ceph(folder)
        print(f"# Ceph is up after {time.monotonic() - began:.1f} s")
        try:
            return programs.main(TESTS, sys.argv[1:])
        finally:
            KEPT["ceph"].stop()


if __name__ == "__main__":
    sys.exit(main())
