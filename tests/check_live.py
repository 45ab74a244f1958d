#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Users of a volume beside a backup of the same disk, for real: how long do they wait?

usage: tests/check_live.py EBBD EBB EBB_VOLD [--rounds N] [--seconds N] [--data MIB] [--place DIR]

Users are fio's, over NBD on a volume that ebb-vold serves: random reads of 4 KiB, one at a time, at
times that chance draws. Besides, a folder on the same disk is saved: by `ebb backup` at full speed,
by restic under `ionice -c3 nice -n19`, and by ebbd, which paces itself by what it measures. Each
round has all of these and two spells without any backup, in an order that chance draws; what those
two differ by is what a difference means nothing below. Prints a table, and JSON with --json.

Fails when a point of ebbd came later than its deadline, or when users waited longer beside it than
the quiet spells differ among themselves and a tenth besides (99 of 100 requests; medians of
rounds).
"""
import argparse
import contextlib
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

SLO_MS = 10
VOLUME_MIB = 1024
RATE = 300
WAYS = ["quiet", "quiet again", "ebb backup", "restic, idle", "ebbd"]


class Live:
    def __init__(self, words):
        self.words, self.chance = words, random.Random(words.seed)
        self.root = tempfile.mkdtemp(prefix="ebb-live-", dir=words.place)
        self.processes = []
        for name in ("state", "data", "repos"):
            os.mkdir(self.path(name))
        self.env = {"PATH": os.environ["PATH"], "HOME": self.root,
                    "STATE_DIRECTORY": self.path("state"), "RESTIC_PASSWORD": "x",
                    "RESTIC_CACHE_DIR": self.path("cache")}
        self.ebbd = None
        self.made = 0

    def path(self, name):
        return os.path.join(self.root, name)

    def run(self, *words, front=()):
        done = subprocess.run([*front, *words], env=self.env, capture_output=True, text=True,
                              check=False)
        if done.returncode:
            raise AssertionError(f"{words}: {done.stderr}{done.stdout}")
        return done.stdout

    def ebb(self, *words):
        return self.run(self.words.ebb, *words)

    def start(self, *words):
        with open(self.path("log"), "ab") as log:
            process = subprocess.Popen(words, env=self.env, stdout=log, stderr=log)
        self.processes.append(process)
        return process

    def fresh_data(self):
        """Other bytes than ever, on the disk and not in memory."""
        shutil.rmtree(self.path("data"))
        os.mkdir(self.path("data"))
        for number in range(self.words.data // 16):
            with open(self.path(f"data/{number}"), "wb") as file:
                file.write(self.chance.randbytes(16 << 20))
                file.flush()
                os.fsync(file.fileno())
        self.forget()

    def forget(self):
        for entry in os.scandir(self.path("data")):
            file = os.open(entry.path, os.O_RDONLY)
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(file)

    def users(self):
        """Starts them; what they waited comes later."""
        return subprocess.Popen(
            ["fio", "--name=users", "--ioengine=nbd", "--output-format=json+",
             f"--uri=nbd+unix:///v?socket={self.path('state/nbd.sock')}", "--rw=randread",
             "--bs=4k", f"--size={VOLUME_MIB}M", "--iodepth=1", f"--rate_iops={RATE}",
             "--rate_process=poisson", "--time_based", f"--runtime={self.words.seconds}",
             f"--randseed={self.chance.randrange(1 << 30)}",
             f"--output={self.path('fio.json')}"], env=self.env, stderr=subprocess.DEVNULL)

    def waited(self, users):
        users.wait()
        with open(self.path("fio.json"), encoding="utf-8") as file:
            told = json.load(file)["jobs"][0]["read"]["clat_ns"]
        bins = sorted((int(ns), count) for ns, count in told["bins"].items())
        total = sum(count for _, count in bins)

        def at(share):
            seen = 0
            for ns, count in bins:
                seen += count
                if seen >= share * total:
                    return ns / 1e6
            return 0

        over = sum(count for ns, count in bins if ns > SLO_MS * 1e6)
        return {"mean": told["mean"] / 1e6, "p50": at(.5), "p99": at(.99), "p999": at(.999),
                "over": over / total, "requests": total}

    # ---- ways ----

    def in_turns(self, backup):
        """A backup after the other while users are there."""
        users, took = self.users(), []
        while users.poll() is None:
            self.forget()
            began = time.monotonic()
            backup()
            took.append(time.monotonic() - began)
        return {**self.waited(users), "took": statistics.median(took)}

    def quiet(self):
        return self.waited(self.users())

    def full_speed(self):
        def backup():
            self.made += 1
            repo = self.path(f"repos/{self.made}")
            self.ebb("repo", "init", "--repo", repo, "--key-file", repo + ".key")
            self.ebb("backup", self.path("data"), "--repo", repo, "--key-file", repo + ".key")
            shutil.rmtree(repo)
        return self.in_turns(backup)

    def restic(self):
        def backup():
            self.made += 1
            repo = self.path(f"repos/{self.made}")
            self.run("restic", "init", "-q", "-r", repo)
            self.run("restic", "backup", "-q", "-r", repo, self.path("data"),
                     front=("ionice", "-c3", "nice", "-n19"))
            shutil.rmtree(repo)
        return self.in_turns(backup)

    def status(self):
        told = self.ebb("status", "--json", "--config", self.path("ebb.yaml"))
        return json.loads(told)["protected"][0]

    def last_job(self):
        told = self.ebb("job", "ls", "--json", "--config", self.path("ebb.yaml"))
        jobs = json.loads(told)["jobs"]
        return jobs[0] if jobs else {"id": 0, "state": "none"}

    def wait(self, what, said, patience=600):
        until = time.monotonic() + patience
        while not what():
            if time.monotonic() > until:
                raise AssertionError(f"{said}; {self.status()}")
            time.sleep(0.2)

    def by_itself(self):
        before = self.last_job()["id"]
        users = self.users()
        time.sleep(2)  # they were there before it
        self.ebb("resume", "data", "--config", self.path("ebb.yaml"))
        self.wait(lambda: self.last_job()["id"] > before, "no job begins")
        self.ebb("pause", "data", "--config", self.path("ebb.yaml"))
        # A pause holds what runs, too: let go until it is done.
        self.ebb("resume", "data", "--config", self.path("ebb.yaml"))
        felt = []
        while users.poll() is None:
            felt.append(self.status()["foreground_latency"]["now"] or 0)
            time.sleep(0.5)
        waited = self.waited(users)
        self.wait(lambda: self.last_job()["state"] in ("done", "failed"), "the job does not end")
        self.ebb("pause", "data", "--config", self.path("ebb.yaml"))
        job = self.last_job()
        ended, began = (time.mktime(time.strptime(job[key][:19], "%Y-%m-%dT%H:%M:%S"))
                        for key in ("ended", "started"))
        return {**waited, "took": ended - began, "state": job["state"],
                "late": bool(job["late_after"]) and job["ended"] > job["late_after"],
                "told_ms": statistics.median(felt) * 1e3}

    # ---- the whole ----

    def prepare(self):
        state = self.path("state")
        self.start(self.words.ebb_vold, "--state", state)
        self.wait(lambda: os.path.exists(state + "/nbd.sock"), "ebb-vold does not listen", 60)
        time.sleep(0.5)
        self.ebb("volume", "create", "v", f"{VOLUME_MIB}MiB", "--state", state)
        self.run("fio", "--name=fill", "--ioengine=nbd", "--rw=write", "--bs=1M",
                 f"--uri=nbd+unix:///v?socket={state}/nbd.sock", f"--size={VOLUME_MIB}M",
                 "--refill_buffers", "--iodepth=4")
        repo = self.path("repos/own")
        self.ebb("repo", "init", "--repo", repo, "--key-file", repo + ".key")
        with open(self.path("data/first"), "wb") as file:
            file.write(b"first")
        with open(self.path("ebb.yaml"), "w", encoding="utf-8") as file:
            file.write(f"state: {state}\nloop: {{tick: 1s}}\nprotect:\n  data: {{path: "
                       f"{self.path('data')}, to: {repo}, key_file: {repo}.key, rpo: 10m, "
                       f"best_rpo: 10s, impact_floor: 100us}}\n")
        self.start(self.words.ebbd, "--config", self.path("ebb.yaml"))
        self.wait(lambda: os.path.exists(state + "/control.sock") or time.sleep(1) is None,
                  "ebbd does not listen", 60)
        self.wait(lambda: self.last_job()["state"] == "done", "no first point", 120)
        self.ebb("pause", "data", "--config", self.path("ebb.yaml"))

    def spell(self, way):
        self.fresh_data()
        time.sleep(1)
        return {"quiet": self.quiet, "quiet again": self.quiet, "ebb backup": self.full_speed,
                "restic, idle": self.restic, "ebbd": self.by_itself}[way]()

    def close(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(30)
        shutil.rmtree(self.root, ignore_errors=True)


def scheduler(place):
    device = os.stat(place).st_dev
    link = os.path.realpath(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}")
    for folder in (link, os.path.dirname(link)):
        with contextlib.suppress(OSError), open(folder + "/queue/scheduler", encoding="ascii") as f:
            return f"{os.path.basename(folder)}, {f.read().strip()}"
    return "unknown"


def table(spells):
    def median(way, key):
        return statistics.median(spell[key] for spell in spells[way])

    print(f"{'':14} {'p50 ms':>8} {'p99 ms':>8} {'p99.9 ms':>8} {f'> {SLO_MS} ms':>8} {'p99 x':>6} "
          f"{'backup s':>8}")
    for way in WAYS:
        ratio = statistics.median(with_us["p99"] / without["p99"] for with_us, without
                                  in zip(spells[way], spells["quiet"]))
        took = f"{median(way, 'took'):8.1f}" if "took" in spells[way][0] else f"{'-':>8}"
        print(f"{way:14} {median(way, 'p50'):8.3f} {median(way, 'p99'):8.3f} "
              f"{median(way, 'p999'):8.3f} {median(way, 'over') * 100:7.2f}% {ratio:6.2f} {took}")


def judge(spells):
    apart = [abs(a["p99"] / b["p99"] - 1) for a, b in zip(spells["quiet"], spells["quiet again"])]
    ratios = [a["p99"] / b["p99"] for a, b in zip(spells["ebbd"], spells["quiet"])]
    band, ratio = max(apart), statistics.median(ratios)
    bad = [spell for spell in spells["ebbd"] if spell["late"] or spell["state"] != "done"]
    print(f"two quiet spells differ by up to {band * 100:.0f} %; beside ebbd the 99th of 100 "
          f"requests took {ratio:.2f} times as long; ebbd's own measure: "
          f"{statistics.median(s['told_ms'] for s in spells['ebbd']):.3f} ms")
    if bad:
        print(f"not ok: late or failed: {bad}")
    if ratio > 1.1 + band:
        print("not ok: beside ebbd users waited longer than chance explains")
    return 1 if bad or ratio > 1.1 + band else 0


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1])
    for name in ("ebbd", "ebb", "ebb_vold"):
        parser.add_argument(name)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--data", type=int, default=512)
    parser.add_argument("--place", default="/var/tmp")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("EBB_SEED") or 1))
    parser.add_argument("--json", action="store_true")
    words = parser.parse_args()
    for name in ("ebbd", "ebb", "ebb_vold"):
        setattr(words, name, os.path.abspath(getattr(words, name)))
    live, spells = Live(words), {way: [] for way in WAYS}
    print(f"disk: {scheduler(words.place)}; load of the machine: {os.getloadavg()[0]:.1f}")
    try:
        live.prepare()
        for _ in range(words.rounds):
            order = WAYS[:]
            live.chance.shuffle(order)
            for way in order:
                spells[way].append(live.spell(way))
    finally:
        live.close()
    table(spells)
    if words.json:
        print(json.dumps(spells))
    return judge(spells)


if __name__ == "__main__":
    sys.exit(main())
