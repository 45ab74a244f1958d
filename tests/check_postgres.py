#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A real PostgreSQL 15 into a repository and back to any moment: base backup under load, WAL
archive, timelines, tablespaces. Servers run as another user, on sockets in a folder of their own.
Speaks TAP.

usage: tests/check_postgres.py EBB
"""
import contextlib
import datetime
import glob
import json
import os
import shutil
import subprocess
import sys
import time

import programs
from keeping import check, with_program

TESTS = []
BIN = (sorted(glob.glob("/usr/lib/postgresql/1[5-9]/bin")) or [""])[-1]


def test(function):
    TESTS.append(function)
    return function


class House:
    """A repository, its key, and servers, all of one user."""

    def __init__(self, place):
        if not BIN:
            raise programs.Skip("PostgreSQL is not installed")
        self.place, self.user, self.servers = place, programs.user(), []
        os.chmod(place.folder, 0o755)
        self.folder = place.path("h")
        os.mkdir(self.folder)
        if self.user:
            os.chown(self.folder, self.user["user"], self.user["group"])
        self.ebb("repo init")

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def run(self, words, code=0, timeout=300, **env):
        environment = {"PATH": f"{BIN}:/usr/bin:/bin", "HOME": self.folder, "LC_ALL": "C.UTF-8",
                       "EBB_REPO": self.path("store"), "EBB_KEY_FILE": self.path("key"), **env}
        environment.update({k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")})
        done = subprocess.run(words, cwd=self.folder, env=environment, capture_output=True,
                              text=True, timeout=timeout, check=False, **self.user)
        check(code is None or done.returncode == code,
              f"{' '.join(words)}: code {done.returncode}, wanted {code}\n{done.stdout[-2000:]}\n"
              f"{done.stderr[-3000:]}")
        return done

    def ebb(self, words, code=0, **env):
        words = words.split() if isinstance(words, str) else words
        return self.run([self.place.ebb, *words], code, **env)

    def json(self, words, code=0, **env):
        words = words.split() if isinstance(words, str) else words
        return json.loads(self.ebb([*words, "--json"], code, **env).stdout)

    def server(self, name, port, make=True, archive="orders", key="key"):
        server = Server(self, name, port, key)
        if make:
            server.make()
        server.configure(archive)
        self.servers.append(server)
        return server

    def close(self):
        for server in self.servers:
            server.stop("immediate")


class Server:
    def __init__(self, house, name, port, key):
        self.house, self.data, self.port, self.key = house, house.path(name), port, key
        self.conninfo = f"host={house.folder} port={port} user=owner dbname=postgres"

    def make(self):
        self.house.run(["initdb", "-k", "-A", "trust", "-U", "owner", "-D", self.data,
                        "--no-instructions", "-N"])

    def configure(self, archive):
        """`archive` is the name under which it archives, None for not."""
        house = self.house
        command = (f"{house.place.ebb} wal push %p --name {archive} --repo {house.path('store')} "
                   f"--key-file {house.path(self.key)}")
        with open(os.path.join(self.data, "postgresql.conf"), "a", encoding="utf-8") as file:
            file.write(f"""
listen_addresses = ''
unix_socket_directories = '{house.folder}'
port = {self.port}
shared_buffers = 32MB
max_wal_size = 128MB
track_commit_timestamp = on
autovacuum = off
cluster_name = 'test'
archive_mode = {'on' if archive else 'off'}
archive_command = '{command if archive else ''}'
log_min_messages = log
""")

    def log(self):
        with open(self.data + ".log", encoding="utf-8", errors="replace") as file:
            return file.read()

    def start(self, code=0):
        done = self.house.run(["pg_ctl", "-D", self.data, "-l", self.data + ".log", "-w", "-t",
                               "90", "start"], None)
        check(code is None or done.returncode == code, f"not started\n{self.log()[-3000:]}")

    def stop(self, mode="fast"):
        self.house.run(["pg_ctl", "-D", self.data, "-m", mode, "-w", "stop"], None)

    def sql(self, text):
        done = self.house.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", self.conninfo, "-c", text])
        return done.stdout.strip()

    def promoted(self):
        end = time.monotonic() + 90
        while self.sql("SELECT pg_is_in_recovery()") == "t":
            check(time.monotonic() < end, "it stays in recovery\n" + self.log()[-2000:])
            time.sleep(0.1)

    def archived(self):
        """Switches to a new segment and waits until the old one is archived."""
        name = self.sql("SELECT pg_walfile_name(pg_switch_wal())")
        end = time.monotonic() + 90
        while self.sql("SELECT coalesce(max(last_archived_wal), '') FROM pg_stat_archiver") < name:
            check(time.monotonic() < end, "not archived: " + self.log()[-2000:])
            time.sleep(0.1)
        return name

    def marks(self):
        return self.sql("SELECT string_agg(id::text, ',' ORDER BY id) FROM marks")

    def marks_until(self, moment):
        return self.sql("SELECT string_agg(id::text, ',' ORDER BY id) FROM marks "
                        f"WHERE pg_xact_commit_timestamp(xmin) <= '{moment}'")

    def load(self, seconds):
        """pgbench, and a table with a clock and a counter, both at once."""
        self.house.place.write("h/marks.sql", "INSERT INTO marks DEFAULT VALUES;\n")
        env = {"PATH": f"{BIN}:/usr/bin:/bin", "HOME": self.house.folder}
        both = []
        for words in (["-c", "2"], ["-c", "1", "-R", "50", "-f", "marks.sql"]):
            both.append(subprocess.Popen(
                ["pgbench", "-n", "-T", str(seconds), *words, self.conninfo],
                cwd=self.house.folder, env=env, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, **self.house.user))
        return both


def now():
    """A moment in milliseconds, for ebb and for SQL alike."""
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def proved(server):
    """Nothing is broken: indexes, heap and checksums."""
    server.sql("CREATE EXTENSION IF NOT EXISTS amcheck")
    server.house.run(["pg_amcheck", "--all", "--install-missing", "-j", "2", "--maintenance-db",
                      server.conninfo])
    server.stop()
    said = server.house.run(["pg_checksums", "--check", "-D", server.data]).stdout
    check("Bad checksums:  0" in said, said)


@contextlib.contextmanager
def opened(place):
    house = House(place)
    try:
        yield house
    finally:
        house.close()


def begin(house, port=6001, key="key"):
    server = house.server("one", port, key=key)
    server.start()
    house.run(["pgbench", "-i", "-q", "-s", "4", server.conninfo])
    server.sql("CREATE TABLE marks (id bigserial PRIMARY KEY, at timestamptz DEFAULT "
               "clock_timestamp())")
    return server


def restored(house, point, name, port, archive=None, *words):
    """A server that was restored and has ended its recovery."""
    house.json(["restore", point, house.path(name), *words])
    server = house.server(name, port, make=False, archive=archive)
    server.start()
    server.promoted()
    return server


@test
def any_moment(place):
    """under load: a base backup, and exactly the commits before a moment in the middle"""
    with opened(place) as house:
        one = begin(house)
        load = one.load(60)
        words = ["backup", "--postgres", one.conninfo, "--name", "orders"]
        first = house.json(words)
        check(first["resource"] == "pg/orders" and first["source_bytes"] > 60 << 20, first)
        time.sleep(2)
        middle = now()
        time.sleep(2)
        second = house.json(words)
        time.sleep(1)
        last = now()
        time.sleep(0.5)
        for running in load:
            running.terminate()
            running.wait()
        one.sql("INSERT INTO marks DEFAULT VALUES")  # so that the moment before has a commit behind
        one.archived()
        want, all_marks = one.marks_until(middle), one.marks()
        check(0 < len(want) < len(all_marks), f"{want} of {all_marks}")
        print(f"# first {first['source_bytes'] >> 20} MiB, wrote {first['written_bytes'] >> 20}; "
              f"second, under load, wrote {second['written_bytes'] >> 20} MiB")
        two = restored(house, f"pg/orders@{middle}", "two", 6002)
        check(two.marks() == want, f"not the commits before {middle}: {two.marks()[-50:]} "
              f"instead of {want[-50:]}")
        proved(two)
        three = restored(house, f"pg/orders@{last}", "three", 6003)
        check(three.marks() == one.marks_until(last), "not the commits before the second moment")
        proved(three)
        four = restored(house, "pg/orders@latest", "four", 6004)
        check(four.marks() == all_marks, "not all that was archived")
        proved(four)
        # The first point alone is whole: it needs no archive.
        five = restored(house, first["id"], "five", 6005)
        check(len(five.marks()) < len(want), "more than at its end")
        proved(five)
        house.run(["pg_verifybackup", "-n", "--ignore=postgresql.auto.conf",
                   "--ignore=recovery.signal", "--ignore=postgresql.conf", verify_copy(house,
                                                                                      first)])
        check(house.json("verify")["damaged"] == 0, "damaged")


def verify_copy(house, point):
    house.json(["restore", point["id"], house.path("copy")])
    return house.path("copy")


@test
def unchanged(place):
    """a second backup of a quiet server stores next to nothing"""
    with opened(place) as house:
        one = begin(house)
        words = ["backup", "--postgres", one.conninfo, "--name", "orders"]
        first = house.json(words)
        second = house.json(words)
        check(second["new_bytes"] * 5 < first["new_bytes"], f"{second} after {first}")
        print(f"# {first['new_bytes'] >> 20} MiB new, then {second['new_bytes'] / 1048576:.1f}")


def points(house):
    """Of the server itself; its archive has points, too."""
    return house.json("snap ls --resource pg/orders")["points"]


@test
def as_other_sources(place):
    """a server has what folders have: pace, progress, estimate, a second place, write-only keys"""
    with opened(place) as house:
        one = begin(house)
        words = ["backup", "--postgres", one.conninfo, "--name", "orders"]
        told = house.json([*words, "-n", "--price", "1/GB-month"])
        check(told["bytes_to_read"] > 60 << 20 and told["cost_month"] > 0.06, told)
        check(not points(house), "an estimate made a point")
        house.ebb("repo init --repo second --like store")
        began = time.monotonic()
        done = house.ebb([*words, "--also", "second", "--limit", "40MiB/s", "--progress", "json",
                          "--json"])
        point = json.loads(done.stdout)
        check(time.monotonic() - began > point["read_bytes"] / (40 << 20) - 0.2, "too fast")
        seen = [json.loads(line) for line in done.stderr.splitlines() if line[0] == "{"]
        # The server tells its size at the beginning, about.
        check("seconds_left" in seen[-1], seen)
        check(0.5 < seen[-1]["expected_bytes"] / point["source_bytes"] < 2, f"{seen} {point}")
        again = house.json([*words, "-n"])
        check(again["bytes_to_store"] < again["bytes_to_read"] and again["seconds"] > 0, again)
        house.ebb("repo key add --write-only --new-key-file client")
        house.json([*words, "--key-file", "client"])
        check(house.json("repo adopt")["adopted"] == 1, "not adopted")
        check(len(points(house)) == 2, points(house))
        for number, repo in enumerate(("store", "second"), 2):
            house.json(["restore", "pg/orders@latest", house.path(f"r{number}"), "--repo", repo,
                        "--path", "data"])
            server = house.server(f"r{number}/data", 6000 + number, make=False, archive=None)
            os.chmod(server.data, 0o700)
            server.start()
            check(server.sql("SELECT count(*) FROM pgbench_accounts") == "400000", "rows")
            proved(server)
        said = house.ebb(["backup", "-n", "--postgres", f"host={house.folder} port=1", "--name",
                          "x"], 1).stderr
        check("No such file" in said, said)


@test
def timelines(place):
    """a restored server's own timeline is followed, and the old one is still there"""
    with opened(place) as house:
        one = begin(house)
        house.json(["backup", "--postgres", one.conninfo, "--name", "orders"])
        one.sql("INSERT INTO marks SELECT g FROM generate_series(1, 10) g")
        time.sleep(0.1)
        fork = now()
        time.sleep(0.1)
        one.sql("INSERT INTO marks SELECT g FROM generate_series(11, 20) g")
        time.sleep(0.1)
        old = now()
        time.sleep(0.1)
        one.sql("INSERT INTO marks VALUES (21)")
        one.archived()
        two = restored(house, f"pg/orders@{fork}", "two", 6002, "orders")
        check(two.marks() == ",".join(str(i) for i in range(1, 11)), two.marks())
        two.sql("INSERT INTO marks SELECT g FROM generate_series(101, 110) g")
        two.archived()
        three = restored(house, "pg/orders@latest", "three", 6003)
        check(three.marks() == two.marks(), three.marks())
        four = restored(house, f"pg/orders@{old}", "four", 6004, None, "--timeline", "1")
        check(four.marks() == ",".join(str(i) for i in range(1, 21)), four.marks())
        done = house.ebb(["restore", "pg/orders@latest", house.path("five"), "--timeline", "7"], 4)
        check("the archive has no 00000007.history" in done.stderr, done.stderr)


def copy_archive(house, source, target, but=()):
    """All files of one archive but some into another."""
    names = [f["name"] for f in house.json(f"wal ls --name {source}")["files"]]
    for name in names:
        if name in but:
            continue
        house.ebb(["wal", "pull", name, house.path(name), "--name", source])
        house.ebb(["wal", "push", house.path(name), "--name", target])
        os.remove(house.path(name))
    return names


@test
def missing_wal(place):
    """WAL that is missing is named, before anything is restored"""
    with opened(place) as house:
        one = begin(house)
        house.json(["backup", "--postgres", one.conninfo, "--name", "orders"])
        house.json(["backup", "--postgres", one.conninfo, "--name", "gap"])
        names = []
        for number in range(4):
            one.sql(f"INSERT INTO marks VALUES ({number})")
            names.append(one.archived())
            time.sleep(0.05)
        late = now()
        gap = names[2]
        copy_archive(house, "orders", "gap", (gap,))
        for point in ("pg/gap@latest", f"pg/gap@{late}"):
            done = house.ebb(["restore", point, house.path("two")], 4)
            check(f"WAL file {gap} is missing in the archive, though {names[3]} behind it is there"
                  in done.stderr, done.stderr)
        check(not os.path.exists(house.path("two")), "something was restored")
        done = house.ebb(["restore", f"pg/orders@{late}", house.path("two")], 4)
        check("is not in the archive, which ends at" in done.stderr, done.stderr)
        done = house.ebb(["restore", "pg/orders@2020-01-01", house.path("two")], 4)
        check("lies before its first base backup" in done.stderr, done.stderr)
        done = house.ebb(["restore", "pg/nothing@latest", house.path("two")], 4)
        check("there is no base backup pg/nothing" in done.stderr, done.stderr)


@test
def archive(place):
    """the archive: again is fine, another content or cluster is refused, many go together"""
    with opened(place) as house:
        one = begin(house)
        name = one.archived()
        held = house.json("wal ls --name orders")
        check(name in [f["name"] for f in held["files"]], held)
        segment = os.path.join(one.data, "pg_wal", name)
        house.ebb(["wal", "pull", name, house.path(name), "--name", "orders"])
        with open(segment, "rb") as file, open(house.path(name), "rb") as back:
            content = file.read()
            check(content == back.read(), "another content")
        check(house.json(["wal", "push", house.path(name), "--name", "orders"])["added"] == 0,
              "archived twice")
        house.place.write(f"h/{name}", "")
        with open(house.path(name), "wb") as file:
            file.write(content[:-100] + bytes(100) if content[-100:] != bytes(100)
                       else content[:-1] + b"x")
        done = house.ebb(["wal", "push", house.path(name), "--name", "orders"], 5)
        check("a file of this name with another content" in done.stderr, done.stderr)
        with open(house.path(name), "wb") as file:
            file.write(content[:1 << 20])
        done = house.ebb(["wal", "push", house.path(name), "--name", "new"], 1)
        check("a segment has 16777216 bytes, this file 1048576" in done.stderr, done.stderr)
        os.rename(house.path(name), house.path("0000000100000007000000AA"))
        done = house.ebb(["wal", "push", house.path("0000000100000007000000AA"), "--name",
                          "new"], 1)
        check("not the WAL that its name says" in done.stderr, done.stderr)
        house.ebb(["wal", "push", house.path("marks.sql"), "--name", "new"], 2)
        # Another cluster in the same archive.
        two = house.server("two", 6002, archive=None)
        two.start()
        two.sql("CREATE TABLE t AS SELECT 1")
        other = two.sql("SELECT pg_walfile_name(pg_switch_wal())")
        done = house.ebb(["wal", "push", os.path.join(two.data, "pg_wal", other), "--name",
                          "orders"], 1)
        check("but the archive is that of cluster" in done.stderr, done.stderr)
        cost(house, one)


def cost(house, server):
    """A segment costs about its compressed size; many that wait go in few commits."""
    server.sql("ALTER SYSTEM SET archive_command = 'false'")
    server.sql("SELECT pg_reload_conf()")
    before = house.json("snap ls")["generation"]
    names = []
    for _ in range(6):
        house.run(["pgbench", "-n", "-t", "1500", "-c", "2", server.conninfo])
        names.append(server.sql("SELECT pg_walfile_name(pg_switch_wal())"))
    held = {f["name"] for f in house.json("wal ls --name orders")["files"]}
    told = house.json(["wal", "push", os.path.join(server.data, "pg_wal", names[0]), "--name",
                       "orders"])
    check(told["added"] >= 6, told)
    after = house.json("snap ls")["generation"]
    check(after - before <= 2, f"{after - before} heads for {told['added']} files")
    new = [f["name"] for f in house.json("wal ls --name orders")["files"] if f["name"] not in held]
    packed = sum(len(subprocess.run(["zstd", "-1", "-c", os.path.join(server.data, "pg_wal", n)],
                                    capture_output=True, check=True).stdout) for n in new)
    check(told["written_bytes"] < packed * 1.25 + (1 << 20),
          f"wrote {told['written_bytes']} for {packed} bytes compressed by zstd -1")
    print(f"# {told['added']} segments: wrote {told['written_bytes'] / 1048576:.1f} MiB, zstd -1 "
          f"makes {packed / 1048576:.1f}")
    used = 0.0
    for name in names:
        began = os.times()
        again = house.json(["wal", "push", os.path.join(server.data, "pg_wal", name), "--name",
                            "orders"])
        check(again["added"] == 0, again)
        used += sum(os.times()[2:4]) - sum(began[2:4])
    print(f"# one that is known: {used / len(names):.3f} CPU s")


def segments(house):
    return sorted(f["name"] for f in house.json("wal ls --name orders")["files"]
                  if len(f["name"]) == 24)


def mark(one):
    """A moment behind which there is a commit, and that is archived."""
    one.sql("INSERT INTO marks DEFAULT VALUES")
    time.sleep(0.05)
    moment = now()
    time.sleep(0.05)
    one.sql("INSERT INTO marks DEFAULT VALUES")
    one.archived()
    return moment


def reaches(house, one, moment, number):
    """The moment is restored, with just the commits before it."""
    server = restored(house, f"pg/orders@{moment}", f"r{number}", 6010 + number)
    check(server.marks() == one.marks_until(moment), f"not the commits before {moment}")
    server.stop("immediate")


@test
def expire(place):
    """WAL goes when no base backup needs it, and never before"""
    with opened(place) as house:
        one = begin(house)
        words = ["backup", "--postgres", one.conninfo, "--name", "orders"]
        one.archived()
        told = house.json("wal expire --name orders -n")
        check(told["files"] == 0 and told["oldest"] is None, "without a base backup nothing goes")
        bases, moments = [], []
        for _ in range(3):
            bases.append(house.json(words)["id"])
            moments.append(mark(one))
        all_of_them = segments(house)
        told = house.json("wal expire --name orders -n")
        check(told["files"] > 2 and told["oldest"] == bases[0], told)
        check(segments(house) == all_of_them, "-n removed something")
        house.ebb("wal expire --name orders", 5)  # nobody can be asked
        house.ebb("wal expire --name none -y", 4)
        house.json("wal expire --name orders -y")
        left = segments(house)
        check(left and left[0] == told["from"] and left == [n for n in all_of_them if n >= left[0]],
              f"{left} of {all_of_them}, from {told['from']}")
        check(house.json("wal expire --name orders -y")["files"] == 0, "it goes twice")
        reaches(house, one, moments[0], 0)
        # What only the first one needed goes with it, by the rules of retention.
        told = house.json("repo gc -n --keep-last 2 --resource pg/orders")
        check(told["going"] == 1 and told["wal"][0]["files"] > 0, told)
        check(segments(house) == left, "-n removed something")
        done = house.json("repo gc -y --soak 0s --keep-last 2 --resource pg/orders")
        check(done["wal"] == told["wal"], done)
        now_left = segments(house)
        check(now_left and left[-len(now_left):] == now_left and now_left != left, now_left)
        said = house.ebb(["restore", f"pg/orders@{moments[0]}", house.path("no")], None)
        check(said.returncode == 4 and not os.path.exists(house.path("no")), said)
        reaches(house, one, moments[1], 1)
        # Older moments are given up by a rule; the older base backup leads to its own end.
        told = house.json("wal expire --name orders -y --keep-within 1s")
        check(told["files"] > 0 and told["oldest"] == bases[2], told)
        said = house.ebb(["restore", f"pg/orders@{moments[1]}", house.path("no")], None)
        check(said.returncode and "is missing in the archive" in said.stderr, said)
        restored(house, bases[1], "own", 6030).stop("immediate")
        reaches(house, one, moments[2], 2)
        check(house.json("verify")["damaged"] == 0, "damaged")


@test
def expire_while_it_grows(place):
    """WAL that is archived meanwhile stays, and so do histories of timelines"""
    with opened(place) as house:
        one = begin(house)
        words = ["backup", "--postgres", one.conninfo, "--name", "orders"]
        house.json(words)
        load = one.load(40)
        for _ in range(3):
            house.json(words)
            oldest = house.json("snap ls --resource pg/orders")["points"][0]["id"]
            house.ebb(["snap", "rm", "-y", oldest])
            one.sql("SELECT pg_switch_wal()")
            house.ebb("wal expire --name orders -y")
        for running in load:
            running.terminate()
            running.wait()
        moment = mark(one)
        reaches(house, one, moment, 0)
        two = restored(house, "pg/orders@latest", "two", 6002, "orders")
        two.sql("INSERT INTO marks DEFAULT VALUES")
        two.archived()
        house.json(["backup", "--postgres", two.conninfo, "--name", "orders"])
        house.ebb("repo gc -y --keep-last 1 --resource pg/orders")
        two.sql("INSERT INTO marks DEFAULT VALUES")
        two.archived()
        names = [f["name"] for f in house.json("wal ls --name orders")["files"]]
        check("00000002.history" in names, names)
        three = restored(house, "pg/orders@latest", "three", 6003)
        check(three.marks() == two.marks(), "marks of the second timeline")
        proved(three)


@test
def truthful(place):
    """what is not known does not pass for the end of the WAL, and nothing is half there"""
    with opened(place) as house:
        one = begin(house)
        house.json(["backup", "--postgres", one.conninfo, "--name", "orders"])
        one.archived()
        target = house.path("fetched")
        done = house.ebb(["wal", "pull", "0000000100000000000000FF", target, "--name", "orders"], 4)
        check("the archive has no such file" in done.stderr, done.stderr)
        for words, env in ((["--name", "typo"], {}), ([], {}),
                           (["--name", "orders"], {"EBB_REPO": house.path("no")}),
                           (["--name", "orders"], {"EBB_KEY_FILE": house.path("no")})):
            house.ebb(["wal", "pull", "0000000100000000000000FF", target, *words], 200, **env)
        check(not os.path.exists(target), "a file all the same")
        # A server whose archive cannot be read stops, and does not open with less than there is.
        house.json(["restore", "pg/orders@latest", house.path("two")])
        two = house.server("two", 6002, make=False, archive=None)
        os.rename(house.path("key"), house.path("key.away"))
        two.start(None)
        check("200" in two.log() and two.house.run(
            ["pg_ctl", "-D", two.data, "status"], None).returncode != 0, two.log()[-1500:])
        os.rename(house.path("key.away"), house.path("key"))
        two.start()
        two.promoted()
        house.ebb(["restore", "pg/orders@latest", house.path("two")], 5)
        for words, sentence in (
                (["--postgres", "host=x password=secret", "--name", "a"], "put it into ~/.pgpass"),
                (["--postgres", "postgresql://u:secret@h/", "--name", "a"], "into ~/.pgpass"),
                (["--postgres", f"host={house.folder} port=1", "--name", "a"], "No such file"),
                (["--postgres", "no-such-service", "--name", "a"], "no-such-service")):
            said = house.ebb(["backup", *words], 1).stderr
            check("no point was made" in said and sentence in said, said)
        one.stop("immediate")


@test
def write_only(place):
    """a server whose key may only write archives; the holder of the full key proves and restores"""
    with opened(place) as house:
        house.ebb("repo key add --write-only --new-key-file client --label one")
        one = begin(house, key="client")
        house.json(["backup", "--postgres", one.conninfo, "--name", "orders"],
                   EBB_KEY_FILE="client")
        for number in range(4):
            one.sql(f"INSERT INTO marks VALUES ({number})")
            last = one.archived()
        # Brought, and no point yet.
        house.ebb("wal ls --name orders", 4)
        check(not house.json("snap ls")["points"], "points before somebody took them in")
        for words in ("wal ls --name orders", f"wal pull {last} x --name orders"):
            check(house.ebb(words, None, EBB_KEY_FILE="client").returncode in (12, 200), words)
        segment = os.path.join(one.data, "pg_wal", last)
        again = house.json(["wal", "push", segment, "--name", "orders"], EBB_KEY_FILE="client")
        check(again["added"] == 0, f"{last} is brought twice")
        # Another cluster is seen by what the client remembers.
        two = house.server("two", 6002, archive=None)
        two.start()
        two.sql("CREATE TABLE t AS SELECT 1")
        other = os.path.join(two.data, "pg_wal", two.sql("SELECT pg_walfile_name(pg_switch_wal())"))
        done = house.ebb(["wal", "push", other, "--name", "orders"], 1, EBB_KEY_FILE="client")
        check("but the archive is that of cluster" in done.stderr, done.stderr)
        # A restore takes in what waits; all that came is one point of the archive then.
        three = restored(house, "pg/orders@latest", "three", 6003)
        check(three.marks() == "0,1,2,3", three.marks())
        proved(three)
        check([p["resource"] for p in house.json("snap ls")["points"]].count("wal/orders") == 1,
              "points of the archive stay beside each other")
        # Word that came since is taken in by whoever fetches.
        one.sql("INSERT INTO marks VALUES (4)")
        last = one.archived()
        house.ebb(["wal", "pull", last, house.path("fetched"), "--name", "orders"])
        check(read(house.path("fetched")) == read(os.path.join(one.data, "pg_wal", last)), "bytes")
        memory = [n for n in os.listdir(house.path(".local/state/ebb")) if n.endswith("-wal")]
        size = os.path.getsize(house.path(".local/state/ebb", memory[0]))
        check(size < 64 << 10, f"the archiver remembers {size} bytes")
        check(house.json("verify")["damaged"] == 0, "damaged")
        at_odds(house, one, last)


def at_odds(house, server, name):
    """Another file under a name that is taken, from a client that forgot: both stay, and it is
    said."""
    segment = read(os.path.join(server.data, "pg_wal", name))
    shutil.rmtree(house.path(".local"))
    with open(house.path(name), "wb") as file:
        file.write(segment[:-8192] + bytes(8191) + b"x")
    house.ebb(["wal", "push", house.path(name), "--name", "orders"], EBB_KEY_FILE="client")
    done = house.ebb("repo adopt", 3)
    check(f"{name}: points of the archive have different files of this name" in done.stderr,
          done.stderr)
    points = [p["id"] for p in house.json("snap ls")["points"] if p["resource"] == "wal/orders"]
    check(len(points) == 2, points)
    house.ebb(["wal", "pull", name, house.path("fetched"), "--name", "orders"])
    check(read(house.path("fetched")) == segment, "the one that came later")
    house.ebb(["snap", "rm", "-y", points[1]])
    house.ebb("repo adopt")
    house.ebb("wal expire --name orders -n")


def read(path):
    with open(path, "rb") as file:
        return file.read()


@test
def tablespaces(place):
    """tablespaces come back where they are told to"""
    with opened(place) as house:
        one = begin(house)
        os.mkdir(house.path("space"))
        if house.user:
            os.chown(house.path("space"), house.user["user"], house.user["group"])
        one.sql(f"CREATE TABLESPACE fast LOCATION '{house.path('space')}'")
        one.sql("CREATE TABLE far TABLESPACE fast AS SELECT g FROM generate_series(1, 50000) g")
        house.json(["backup", "--postgres", one.conninfo, "--name", "orders"])
        one.sql("INSERT INTO far VALUES (0)")
        one.archived()
        two = restored(house, "pg/orders@latest", "two", 6002)
        check(two.sql("SELECT count(*), min(g) FROM far") == "50001|0", "rows")
        check(two.sql("SELECT pg_tablespace_location(oid) FROM pg_tablespace WHERE spcname='fast'")
              .startswith(house.path("two.tablespaces")), "the original's folder is used")
        proved(two)
        three = restored(house, "pg/orders@latest", "three", 6003, None, "--tablespaces",
                         house.path("elsewhere"))
        check(three.sql("SELECT count(*) FROM far") == "50001", "rows")


PROGRAM = os.path.abspath(sys.argv[1])
sys.exit(programs.main([with_program(t, PROGRAM) for t in TESTS], []))
