# SPDX-License-Identifier: Apache-2.0

"""Backups that kill -9 ends at any moment, and that are run again: what is sent twice is less than
one pack. In a folder, and in a bucket whose server counts what comes in. Speaks TAP.

usage: tests/resend_test.py EBB [many]

Sent twice is what was sent for packs by both runs together and is in no pack in the end; and what
is in packs in the end is no more than without a kill, but for what fills up each run's last packs.
"""
import os
import signal
import sys
import time

import programs
import s3_server as s3

FILLING = 3 << 20
MANY = "many" in sys.argv[2:]


class Kept:
    """A source of a few packs that do not compress, a key and a place. A client's key only adds."""

    def __init__(self, place, ebb, chance, client=False, files=4, size=12_000_000):
        self.place, self.ebb, self.chance, self.client = place, ebb, chance, client
        self.source = place.path("source")
        os.makedirs(self.source)
        for number in range(files):
            with open(os.path.join(self.source, f"f{number}"), "wb") as file:
                file.write(chance.randbytes(size))
        self.env = {"EBB_KEY_FILE": place.path("key"), "HOME": place.folder,
                    "XDG_STATE_HOME": place.path("state"), **self.where()}
        self.repo = 0

    def writer(self):
        """What a backup is run with."""
        key = self.env["EBB_KEY_FILE"]
        return {**self.env, "EBB_KEY_FILE": f"{key}-client"} if self.client else self.env

    def init(self):
        self.must("repo", "init")
        if self.client:
            self.must("repo", "key", "add", "--write-only", "--new-key-file",
                      self.writer()["EBB_KEY_FILE"])

    def must(self, *words, env=None):
        code, out, err = programs.run([self.ebb, *words], env or self.env)
        assert code == 0, f"{words}: {code}\n{out}{err}"
        return out

    def whole(self):
        """Bytes of packs without a kill, and of the longest."""
        self.init()
        self.must("backup", self.source, env=self.writer())
        sizes = self.packs()
        return sum(sizes), max(sizes)

    def kill(self, moment):
        """Ends a backup with SIGKILL when so many bytes came, or some. False: it was faster."""
        run = self.place.start([self.ebb, "backup", self.source], environment=self.writer())
        end = time.monotonic() + programs.PATIENCE
        while run.process.poll() is None and self.came() < moment and time.monotonic() < end:
            time.sleep(0.001)
        run.signal(signal.SIGKILL)
        return run.ended() == -signal.SIGKILL

    def try_one(self, whole, longest):
        """One kill and a second run. How much was sent twice."""
        self.begin()
        self.init()
        before = self.came()
        # What a client remembers is met from the second pack on.
        moment = before + self.chance.randrange(longest * 5 // 4 if self.client else 1, whole)
        killed = self.kill(moment)
        self.settle()
        first = self.came() - before
        self.must("backup", self.source, env=self.writer())
        kept = sum(self.packs())
        twice = self.came() - before - kept
        said = f"killed at {first} of {whole}: {twice} sent twice, {kept} kept"
        assert 0 <= twice < longest, said
        assert kept <= whole + FILLING, said
        print(f"# {said}" if killed else "# it was done before it was killed", flush=True)
        return twice

    def try_many(self, times):
        whole, longest = self.whole()
        most = max(self.try_one(whole, longest) for _ in range(times))
        print(f"# at most {most} of {longest} bytes of a pack were sent twice")
        if self.client:
            self.must("repo", "adopt")
        assert "all of it is as it was written" in self.must("verify")
        self.must("restore", "latest", self.place.path("back"))
        for name in os.listdir(self.source):
            with open(os.path.join(self.source, name), "rb") as one, \
                    open(self.place.path("back", name), "rb") as other:
                assert one.read() == other.read(), name


class Folder(Kept):
    def where(self):
        return {"EBB_REPO": self.place.path("store-0")}

    def begin(self):
        self.repo += 1
        self.env["EBB_REPO"] = self.place.path(f"store-{self.repo}")
        self.env["EBB_KEY_FILE"] = self.place.path(f"key-{self.repo}")

    def sizes(self, unfinished):
        found = []
        for kind in ("data", "meta"):
            for at, _, names in os.walk(os.path.join(self.env["EBB_REPO"], kind)):
                for name in names:
                    try:
                        size = os.path.getsize(os.path.join(at, name))
                    except FileNotFoundError:
                        continue  # it has got its name
                    if unfinished or not name.endswith(".new"):
                        found.append(size)
        return found

    def packs(self):
        return self.sizes(False)

    def came(self):
        return sum(self.sizes(True))

    def settle(self):
        pass


class Bucket(Kept):
    def where(self):
        self.server = s3.Server()
        return {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "testsecret",
                "EBB_REPO": f"s3://bucket/p?endpoint=http://127.0.0.1:{self.server.port}"}

    def begin(self):
        with self.server.lock:
            self.server.objects.clear()
            self.server.uploads.clear()
            self.server.bytes_in.clear()
        self.server.pace = 0.001
        self.repo += 1
        self.env["EBB_KEY_FILE"] = self.place.path(f"key-{self.repo}")

    @staticmethod
    def is_pack(key):
        return key.startswith(("p/data/", "p/meta/"))

    def packs(self):
        with self.server.lock:
            return [len(o.body) for key, o in self.server.objects.items() if self.is_pack(key)]

    def came(self):
        with self.server.lock:
            return sum(n for key, n in self.server.bytes_in.items() if self.is_pack(key))

    def settle(self):
        """What had left the dead program arrives."""
        self.server.pace, before = 0, -1
        while before != self.came():
            before = self.came()
            time.sleep(0.3)


def folder(place, ebb, *_):
    """a folder: less than one pack is sent twice, whenever the backup is killed"""
    Folder(place, ebb, programs.seed()).try_many(20 if MANY else 3)


def bucket(place, ebb, *_):
    """a bucket: less than one pack is sent twice, whenever the backup is killed"""
    Bucket(place, ebb, programs.seed()).try_many(20 if MANY else 3)


def client_folder(place, ebb, *_):
    """a folder, by a key that only adds: less than one pack is sent twice"""
    Folder(place, ebb, programs.seed(), client=True).try_many(20 if MANY else 1)


def client_bucket(place, ebb, *_):
    """a bucket, by a key that only adds: less than one pack is sent twice"""
    Bucket(place, ebb, programs.seed(), client=True).try_many(20 if MANY else 1)


if __name__ == "__main__":
    sys.exit(programs.main([folder, bucket, client_folder, client_bucket], sys.argv[1:]))
