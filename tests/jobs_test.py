#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Protection by itself: points appear in a real repository, are read back, survive the daemon's
death, and what goes wrong is told. Speaks TAP.

usage: tests/jobs_test.py EBBD EBB
"""
import json
import os
import random
import signal
import subprocess
import sys
import time

import programs

TESTS = []
PATIENCE = 60  # seconds, for what takes one on an idle machine


def test(function):
    TESTS.append(function)
    return function


def check(is_so, said):
    if not is_so:
        raise AssertionError(said)


class Daemon:
    """An ebbd that protects one folder, with a repository beside it."""

    def __init__(self, place, ebbd, ebb, more=""):
        self.place, self.ebbd, self.program, self.process = place, ebbd, ebb, None
        self.root = place.path("root")
        for name in ("root", "root/state", "root/data"):
            os.makedirs(place.path(name), exist_ok=True)
        with open(self.path("data/a"), "wb") as file:
            file.write(random.Random(1).randbytes(3_000_000))
        self.config = self.path("ebb.yaml")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(f"state: {self.path('state')}\nloop: {{tick: 1s}}\nprotect:\n"
                       f"  data: {{path: {self.path('data')}, to: {self.path('repo')}, "
                       f"key_file: {self.path('key')}, rpo: 10m, best_rpo: 10s, "
                       # Whatever else this machine does, jobs do not wait for it.
                       f"impact_percent: 1000, impact_floor: 1m}}\n{more}")
        self.env = {"PATH": os.environ["PATH"], "HOME": self.root,
                    "STATE_DIRECTORY": self.path("state")}
        self.ebb("repo", "init", "--repo", self.path("repo"), "--key-file", self.path("key"))

    def path(self, name):
        return os.path.join(self.root, name)

    def ebb(self, *words, code=0):
        ran = subprocess.run([self.program, *words], env=self.env, capture_output=True, text=True,
                             timeout=PATIENCE, check=False)
        check(ran.returncode == code, f"{words}: exit code {ran.returncode}: {ran.stderr}")
        return ran.stdout + ran.stderr

    def ask(self, *words):
        return json.loads(self.ebb(*words, "--state", self.path("state"), "--json"))

    def start(self):
        with open(self.path("log"), "ab") as log:
            self.process = subprocess.Popen([self.ebbd, "--config", self.config], env=self.env,
                                            stdout=log, stderr=log)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(PATIENCE)

    def log(self):
        with open(self.path("log"), encoding="utf-8") as file:
            return file.read()

    def jobs(self, state):
        try:
            jobs = self.ask("job", "ls", "data")["jobs"]
        except AssertionError:
            return []  # it does not listen yet
        return [job for job in jobs if job["state"] == state]

    def wait_for(self, what, said):
        until = time.monotonic() + PATIENCE
        while not what():
            check(self.process.poll() is None, f"ebbd ended: {self.log()}")
            check(time.monotonic() < until, f"{said}: {self.log()}")
            time.sleep(0.2)

    def points(self):
        told = self.ebb("snap", "ls", "--repo", self.path("repo"), "--key-file",
                        self.path("key"), "--json")
        return [json.loads(line) for line in told.splitlines() if '"point"' in line]


@test
def points_appear(place, ebbd, ebb):
    """a folder that the configuration names is saved, read back, and saved again"""
    with Daemon(place, ebbd, ebb) as d:
        d.start()
        d.wait_for(lambda: len(d.jobs("done")) >= 2, "two points")
        jobs = d.jobs("done")
        check(all(job["code"] == 0 and job["ended"] for job in jobs), jobs)
        status = d.ask("status")["protected"][0]
        check(status["newest_point"] and status["failures"] == 0, status)
        text = d.ebb("status", "--config", d.config)
        check("data" in text and "protected" in text, text)
        why = d.ebb("job", "why", "data", "--config", d.config)
        check("policy data: a point each 10s to 10m" in why, why)
        then = d.ebb("job", "why", str(jobs[-1]["id"]), "--config", d.config)
        check("there is no verified point at all" in then, then)
        d.ebb("job", "why", "999999", "--config", d.config, code=4)
        d.ebb("restore", "latest", d.path("back"), "--repo", d.path("repo"), "--key-file",
              d.path("key"))
        with open(d.path("data/a"), "rb") as one, open(d.path("back/a"), "rb") as two:
            check(one.read() == two.read(), "what comes back is what was there")
        left = [name for name in os.listdir(d.path("state")) if name.startswith("pace-")]
        check(len(left) <= 1, f"files of paces are removed: {left}")


@test
def what_is_paused_rests(place, ebbd, ebb):
    """a resource that is paused rests over a restart, and goes on when it is resumed"""
    with Daemon(place, ebbd, ebb) as d:
        d.start()
        d.wait_for(lambda: d.jobs("done"), "a point")
        d.ebb("pause", "data", "--config", d.config)
        d.ebb("pause", "nothing", "--config", d.config, code=4)
        d.kill()
        d.start()
        d.wait_for(lambda: d.jobs("done"), "an answer")
        d.wait_for(lambda: d.ask("status")["protected"][0]["plan"]["wanted"] == "hold", "the hold")
        check("; PAUSED" in d.ebb("status", "--config", d.config), "status tells it")
        before = len(d.ask("job", "ls")["jobs"])
        d.ebb("resume", "data", "--config", d.config)
        d.wait_for(lambda: len(d.ask("job", "ls")["jobs"]) > before, "the next job")


@test
def death_is_survived(place, ebbd, ebb):
    """a daemon killed in the middle of a job says so in its next life, and goes on"""
    with Daemon(place, ebbd, ebb) as d:
        with open(d.path("data/large"), "wb") as file:
            file.write(random.Random(2).randbytes(60_000_000))
        d.start()
        d.wait_for(lambda: d.jobs("ships"), "a job")
        d.kill()
        d.start()
        d.wait_for(lambda: d.jobs("done"), "a point after the death")
        check(len(d.jobs("lost")) == 1, d.ask("job", "ls"))
        d.ebb("verify", "--repo", d.path("repo"), "--key-file", d.path("key"))


@test
def trouble_is_told(place, ebbd, ebb):
    """what cannot be saved is told, tried again, and stops nothing else"""
    more = (f"  none: {{path: {place.path('root/none')}, to: {place.path('root/repo')}, "
            f"key_file: {place.path('root/key')}, rpo: 10m}}\n")
    with Daemon(place, ebbd, ebb, more) as d:
        d.start()
        d.wait_for(lambda: d.jobs("done"), "a point of what is there")
        d.wait_for(lambda: [job for job in d.ask("job", "ls", "none")["jobs"]
                            if job["state"] == "failed"], "a failure of what is not")
        job = d.ask("job", "ls", "none")["jobs"][-1]
        check(job["code"] == 1, job)
        check("level=error event=\"job failed\" resource=none" in d.log(), d.log())
        check("; the last 1 failed" in d.ebb("status", "--config", d.config), "status tells it")
        d.ebb("job", "now", "nothing", "--config", d.config, code=4)
        d.ebb("job", "why", "nothing", "--config", d.config, code=4)


@test
def configuration_is_taken_whole(place, ebbd, ebb):
    """a reload takes up what is new, and a bad one changes nothing"""
    with Daemon(place, ebbd, ebb) as d:
        d.start()
        d.wait_for(lambda: d.jobs("done"), "a point")
        with open(d.config, "a", encoding="utf-8") as file:
            file.write("  bad: {path: relative, to: /x, rpo: 1h}\n")
        d.process.send_signal(signal.SIGHUP)
        d.wait_for(lambda: "config refused" in d.log(), "the refusal")
        check("protect.bad: path is 'relative', which is not absolute" in d.log(), d.log())
        check([one["name"] for one in d.ask("status")["protected"]] == ["data"], "nothing changed")
        with open(d.config, encoding="utf-8") as file:
            text = file.read().replace("relative", d.path("data"))
        with open(d.config, "w", encoding="utf-8") as file:
            file.write(text)
        d.process.send_signal(signal.SIGHUP)
        d.wait_for(lambda: len(d.ask("status")["protected"]) == 2, "the new one")


sys.exit(programs.main(TESTS, sys.argv[1:]))
