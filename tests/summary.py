#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the tests of a build folder and ends in one line: N passed, N failed, N skipped.

usage: tests/summary.py BUILD [arguments for meson test]
       tests/summary.py --run PROGRAM [ARGUMENT...]      one program that speaks TAP

Counts TAP points over all test programs. A program that dies, runs out of time or breaks its plan
counts as one failed point more, and so do temporary files that are left. Each failure is listed
with its diagnostics and the command that repeats it. Exits with 1 when anything failed, or when
nothing ran.
"""
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile

POINT = re.compile(r"(not )?ok\b\s*(\d*)\s*(?:- )?([^#]*?)\s*(?:#\s*(SKIP)\b\s*(.*))?$", re.I)
PLAN = re.compile(r"1\.\.(\d+)\s*(?:#\s*(?:SKIP\b)?\s*(.*))?$", re.I)


class Tally:
    """What one test program said: counted points and texts about the bad ones."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.bad = []
        self.skips = []


def read_tap(text):
    """Counts the points of one TAP text; returns the tally and whether the plan was kept."""
    tally, notes, planned, points = Tally(), [], None, 0
    for line in text.splitlines():
        plan, point = PLAN.match(line), POINT.match(line)
        if plan:
            planned = int(plan[1])
            if planned == 0:
                tally.skipped += 1
                tally.skips.append(plan[2] or "")
        elif point:
            points += 1
            if point[1]:
                tally.failed += 1
                tally.bad.append((point[3], notes))
            elif point[4]:
                tally.skipped += 1
                tally.skips.append(f"{point[3]}: {point[5]}")
            else:
                tally.passed += 1
            notes = []
        elif line.startswith("#") or notes:
            notes.append(line)
        if line.startswith("Bail out!"):
            return tally, False
    return tally, planned is not None and planned == points


def read_planted(run, said):
    """A program with a planted bug: one point, passed when a test of its own has found it."""
    tally = Tally()
    if said.failed and run["returncode"] > 0:
        tally.passed = 1
    else:
        tally.failed = 1
        tally.bad.append((f"the planted bug is not found, exit code {run['returncode']}",
                          run["stdout"].splitlines()[-20:]))
    return tally


def read_run(run):
    """One line of testlog.json: the tally of that program, judged by how it ended too."""
    tap = "TAP version" in run.get("stdout", "") or re.search(r"^1\.\.\d", run["stdout"], re.M)
    tally, kept = read_tap(run["stdout"]) if tap else (Tally(), True)
    if not tap:
        outcome = {"OK": "passed", "SKIP": "skipped"}.get(run["result"], "failed")
        setattr(tally, outcome, 1)
    if run["result"] in ("EXPECTEDFAIL", "UNEXPECTEDPASS"):
        return read_planted(run, tally)
    if tap:
        died = run["returncode"] < 0 or run["result"] in ("TIMEOUT", "INTERRUPT") or not kept
        if died or (run["returncode"] != 0 and tally.failed == 0):
            tally.failed += 1
            how = f"{run['result'].lower()}, exit code {run['returncode']}"
            tally.bad.append((f"the program itself: {how}", run["stdout"].splitlines()[-20:]))
    elif tally.failed:
        tally.bad.append((f"exit code {run['returncode']}", run["stdout"].splitlines()[-60:]))
    return tally


def command_of(run, build):
    """What to type in this folder to repeat one program, which meson ran in the build folder."""
    def from_here(word):
        path = os.path.join(build, word)
        inside = os.path.normpath(path).startswith(os.path.dirname(build) + os.sep)
        return os.path.relpath(path) if inside and os.path.exists(path) else word
    bug = run.get("env", {}).get("EBB_PLANT")
    planted = [f"EBB_PLANT={bug}"] if bug else []
    return shlex.join(planted + [from_here(word) for word in run["command"]])


def tell(run, tally, build):
    name = run["name"]
    for reason in tally.skips:
        print(f"skipped: {name}: {reason}")
    for point, notes in tally.bad:
        print(f"FAILED: {name}: {point}")
        for note in notes:
            print(f"    {note}")
    if tally.failed:
        for line in run.get("stderr", "").splitlines()[-60:]:
            print(f"    {line}")
        print(f"    repeat: {command_of(run, build)}")


def run_one(command):
    ran = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                         check=False)
    run = {"name": os.path.basename(command[-1]), "stdout": ran.stdout, "command": command,
           "returncode": ran.returncode, "result": "FAIL" if ran.returncode else "OK"}
    tally = read_run(run)
    tell(run, tally, os.getcwd())
    print(f"{tally.passed} passed, {tally.failed} failed, {tally.skipped} skipped")
    return 1 if tally.failed else 0


def main():
    if sys.argv[1] == "--run":
        return run_one(sys.argv[2:])
    build = os.path.abspath(sys.argv[1])
    log = os.path.join(build, "meson-logs", "testlog.json")
    if os.path.exists(log):
        os.unlink(log)
    # A folder of its own for temporary files shows what the tests leave behind.
    with tempfile.TemporaryDirectory(prefix="ebb-check-") as scratch:
        os.chmod(scratch, 0o755)  # some tests become another user
        ran = subprocess.run(
            ["meson", "test", "-C", build, "--no-rebuild", "--quiet",
             "--timeout-multiplier", "4", *sys.argv[2:]],
            env={**os.environ, "TMPDIR": scratch}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        left = sorted(os.listdir(scratch))
    total = Tally()
    runs = []
    if os.path.exists(log):
        with open(log, encoding="utf-8", errors="replace") as lines:
            runs = [json.loads(line) for line in lines]
    for run in runs:
        tally = read_run(run)
        tell(run, tally, build)
        total.passed += tally.passed
        total.failed += tally.failed
        total.skipped += tally.skipped
    if not runs or (ran.returncode != 0 and total.failed == 0):
        print(ran.stdout)
        print(f"FAILED: meson test ended with {ran.returncode}")
        total.failed += 1
    if left and not total.failed:
        print(f"FAILED: the tests left files behind: {' '.join(left)}")
        total.failed += 1
    print(f"{total.passed} passed, {total.failed} failed, {total.skipped} skipped")
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
