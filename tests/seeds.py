#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the random tests of the simulator with many seeds: 1 to N.

usage: tests/seeds.py BUILD N

Takes the programs of the suites `sim` and `seeds`, and of each only the tests that draw a seed. One
program with one seed is one run; a run that fails is shown with the command that repeats it. A
program that would need more than a minute gets fewer seeds, and that is said. Ends in one line:
N passed, N failed, N skipped.
"""
import concurrent.futures
import json
import os
import re
import shlex
import subprocess
import sys
import time

DRAWS = re.compile(r"^# seed \d+; repeat: EBB_SEED=\d+ \S+ (\S+)$", re.M)
SECONDS = 120  # for one run
BUDGET = 60  # seconds for all runs of a program, one after the other


def run(command, seed):
    """The exit code (None: out of time) and the output of one run."""
    try:
        done = subprocess.run(command, env={**os.environ, "EBB_SEED": str(seed)}, timeout=SECONDS,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
        return done.returncode, done.stdout
    except subprocess.TimeoutExpired:
        return None, f"not done after {SECONDS} s"


def random_tests(build, count):
    """(command, number of seeds) of the tests that draw one."""
    listing = subprocess.run(["meson", "introspect", build, "--tests"], stdout=subprocess.PIPE,
                             check=True)
    for test in json.loads(listing.stdout):
        suites = {suite.split(":")[-1] for suite in test["suite"]}
        if not suites & {"sim", "seeds"}:
            continue
        names = sorted(set(DRAWS.findall(run(test["cmd"], 1)[1])))
        if names:
            command = [*test["cmd"], *names]
            start = time.monotonic()
            run(command, 1)
            each = time.monotonic() - start
            seeds = min(count, max(1, int(BUDGET / each)))
            if seeds < count:
                print(f"{shlex.join(command)}: {each:.1f} s each, so only {seeds} seeds")
            yield command, seeds


def main():
    build, count = sys.argv[1], int(sys.argv[2])
    work = [(command, seed) for command, seeds in random_tests(build, count)
            for seed in range(1, seeds + 1)]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for (command, seed), (code, said) in zip(work, pool.map(lambda w: run(*w), work)):
            if code != 0:
                failed += 1
                print(f"FAILED: exit code {code}; repeat: EBB_SEED={seed} {shlex.join(command)}")
                print("    " + "\n    ".join(said.splitlines()[-20:]))
    if not work:
        print("FAILED: no test of the suites sim and seeds draws a seed")
        failed = 1
    print(f"{len(work) - failed if work else 0} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
