#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A real PostgreSQL is watched: what it counts becomes series, a hanging server holds up nothing,
and no password is seen. Servers run as another user. Speaks TAP.

usage: tests/check_watch.py EBB EBBD
"""
import contextlib
import glob
import json
import os
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from programs import PATIENCE, Skip, main, run, user  # noqa: E402

BIN = (sorted(glob.glob("/usr/lib/postgresql/1[5-9]/bin")) or [""])[-1]
SECRET = "tide-and-time"


def check(condition, said):
    if not condition:
        raise AssertionError(said)


class Server:
    """One that asks for a password, on a socket in a folder of its own."""

    def __init__(self, place):
        if not BIN:
            raise Skip("PostgreSQL is not installed")
        self.place, self.user = place, user()
        os.chmod(place.folder, 0o755)
        self.folder = place.path("server")
        os.mkdir(self.folder)
        if self.user:
            os.chown(self.folder, self.user["user"], self.user["group"])
        secret = place.write("secret", SECRET)
        os.chmod(secret, 0o644)
        self.data = os.path.join(self.folder, "data")
        self.run("initdb", "-A", "scram-sha-256", "--pwfile", secret, "-U", "owner", "-N",
                 "-D", self.data, "--no-instructions")
        with open(os.path.join(self.data, "postgresql.conf"), "a", encoding="utf-8") as file:
            file.write(f"listen_addresses = ''\nunix_socket_directories = '{self.folder}'\n"
                       "port = 6011\nshared_buffers = 32MB\nautovacuum = off\n")
        self.pass_file = place.write("pgpass", f"*:*:*:owner:{SECRET}\n")
        os.chmod(self.pass_file, 0o600)
        self.dsn = (f"host={self.folder} port=6011 user=owner dbname=postgres "
                    f"passfile={self.pass_file}")
        self.start()

    def run(self, program, *words, **env):
        done = subprocess.run([os.path.join(BIN, program), *words], cwd=self.folder, text=True,
                              env={"PATH": f"{BIN}:/usr/bin:/bin", "HOME": self.folder, **env},
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=120,
                              check=False, **self.user)
        check(done.returncode == 0, f"{program}: {done.stdout}{done.stderr}")
        return done.stdout

    def start(self):
        self.run("pg_ctl", "-D", self.data, "-l", self.data + ".log", "-w", "-t", "90", "start")

    def stop(self):
        with contextlib.suppress(AssertionError):
            self.run("pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop")

    def sql(self, text):
        return self.run("psql", "-XAtq", "-v", "ON_ERROR_STOP=1",
                        f"host={self.folder} port=6011 user=owner dbname=postgres", "-c", text,
                        PGPASSWORD=SECRET)

    def pids(self):
        """The server and all its backends."""
        with open(os.path.join(self.data, "postmaster.pid"), encoding="utf-8") as file:
            first = file.readline().strip()
        children = subprocess.run(["ps", "--ppid", first, "-o", "pid="], capture_output=True,
                                  text=True, check=False).stdout.split()
        return [int(first), *map(int, children)]

    def signal(self, number):
        for pid in self.pids():
            os.kill(pid, number)


@contextlib.contextmanager
def opened(place):
    server = Server(place)
    try:
        yield server
    finally:
        with contextlib.suppress(OSError, AssertionError):
            server.signal(signal.SIGCONT)
        server.stop()


def daemon(place, dsn):
    config = place.write("ebb.yaml", f"state: {place.path('state')}\nloop: {{tick: 1s}}\n"
                         f"postgres:\n  main:\n    dsn: {dsn}\n    every: 1s\n")
    return place.start([place.ebbd, "--config", config]).ready()


def ebb(place, *words, code=0):
    done = run([place.ebb, *words, "--state", place.path("state")], {"TZ": "UTC"})
    check(done[0] == code, f"ebb {words}: code {done[0]}, wanted {code}\n{done[1]}\n{done[2]}")
    return done[1]


def status(place):
    return json.loads(ebb(place, "status", "--json"))


def until(place, wanted, what):
    end = time.monotonic() + PATIENCE
    while True:
        now = status(place)
        if wanted(now["postgres"][0]):
            return now
        check(time.monotonic() < end, f"{what}: {now['postgres']}")
        time.sleep(0.1)


def values(place):
    """The newest value of each series of the server."""
    found = {}
    for line in ebb(place, "status", "--prometheus").splitlines():
        if line.startswith("ebb_postgres_"):
            name, value = line.rsplit(" ", 1)
            found[name] = float(value)
    return found


def test_counts(place):
    """what a server counts becomes series, and forecasts find them"""
    with opened(place) as server:
        running = daemon(place, server.dsn)
        until(place, lambda pg: pg["answers"] >= 2, "no answers")
        before = values(place)
        commits = 'ebb_postgres_commits_total{database="postgres",server="main"}'
        check(before['ebb_postgres_up{server="main"}'] == 1, before)
        check(before['ebb_postgres_connections_max{server="main"}'] == 100, before)
        server.sql("CREATE TABLE t AS SELECT g FROM generate_series(1, 100000) g; CHECKPOINT")
        answers = status(place)["postgres"][0]["answers"]
        until(place, lambda pg: pg["answers"] >= answers + 3, "no more answers")
        after = values(place)
        check(after[commits] > before[commits], (before, after))
        for name in ("wal_bytes_total", "checkpoints_asked_total"):
            name = f'ebb_postgres_{name}{{server="main"}}'
            check(after[name] > before[name], name)
        written = 'ebb_postgres_rows_written_total{database="postgres",server="main"}'
        check(after[written] >= before[written] + 100000, (before[written], after[written]))
        check(status(place)["postgres"][0]["poisoned"] == 0, "poison")
        listed = ebb(place, "forecast")
        check(commits in listed, listed)
        check("ebb_postgres_wal_bytes_total" in ebb(place, "forecast", "main", "--metric", "wal"),
              "no forecast")
        check(running.term() == 0, "it did not end in order")


def test_secret(place):
    """no password is in arguments, logs, status or configuration, and none is taken there"""
    with opened(place) as server:
        running = daemon(place, server.dsn)
        until(place, lambda pg: pg["up"], "no answer")
        with open(f"/proc/{running.process.pid}/cmdline", "rb") as file:
            seen = file.read().decode()
        seen += running.log() + ebb(place, "status", "--json")
        seen += run([place.ebb, "config", "show", place.path("ebb.yaml")])[1]
        check(SECRET not in seen and "passfile" in seen, seen)
        running.term()
        os.chmod(server.pass_file, 0o644)  # libpq reads none that others may read
        running = daemon(place, server.dsn)
        now = until(place, lambda pg: pg["failures"] >= 1, "no failure")
        check("password" in now["postgres"][0]["error"], now["postgres"])
        running.term()
        for dsn in ("host=x password=" + SECRET, "postgresql://me:" + SECRET + "@x/db"):
            config = place.write("bad.yaml", f"postgres: {{main: {{dsn: \"{dsn}\"}}}}\n")
            code, _, err = run([place.ebb, "config", "check", config])
            check(code == 1 and SECRET not in err and "passfile=" in err, err)


def test_hanging(place):
    """a server that hangs holds up no turn; it is let go of, told, and met again"""
    with opened(place) as server:
        running = daemon(place, server.dsn)
        until(place, lambda pg: pg["up"], "no answer")
        server.signal(signal.SIGSTOP)
        now = until(place, lambda pg: not pg["up"], "it is thought to be well")
        check("within 5 s" in now["postgres"][0]["error"], now["postgres"])
        check(now["last_tick"] < 0.5, now["last_tick"])
        ticks = now["ticks"]
        while status(place)["ticks"] < ticks + 3:
            time.sleep(0.05)
        check(values(place)['ebb_postgres_up{server="main"}'] == 0, values(place))
        server.signal(signal.SIGCONT)
        until(place, lambda pg: pg["up"], "it is not met again")
        server.stop()
        now = until(place, lambda pg: not pg["up"], "it is thought to be well")
        check(now["postgres"][0]["error"], now["postgres"])
        check(running.term() == 0, "it did not end in order")


def with_programs(function):
    def test(place):
        place.ebb, place.ebbd = map(os.path.abspath, sys.argv[1:3])
        function(place)
    test.__doc__, test.__name__ = function.__doc__, function.__name__
    return test


sys.exit(main([with_programs(t) for t in (test_counts, test_secret, test_hanging)], []))
