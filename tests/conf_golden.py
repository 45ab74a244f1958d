#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Configurations and what `ebb config` says of them, pair by pair; speaks TAP.

usage: tests/conf_golden.py EBB [--write]

tests/golden/conf holds NAME.yaml (or a folder NAME with ebb.yaml and conf.d) beside NAME.txt: the
messages of `ebb config check`, or for a configuration without mistakes what `ebb config show`
prints. --write puts down what is said today, to be reviewed as a diff.
"""
import os
import subprocess
import sys

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden", "conf")
FEWEST = 40


def ebb(*words):
    environment = {name: value for name, value in os.environ.items() if name != "EBB_CONFIG"}
    return subprocess.run([PROGRAM, *words], cwd=FOLDER, env=environment, capture_output=True,
                          timeout=30)


def said_of(path):
    """What the two commands say; None and a reason when they disagree."""
    check, show = ebb("config", "check", path), ebb("config", "show", path)
    if check.returncode == 0:
        return (show.stdout, None) if show.returncode == 0 else (None, "show fails")
    if check.returncode != 1 or show.returncode != 1:
        return None, f"exit codes {check.returncode} and {show.returncode}, not 1"
    if check.stdout or show.stdout or check.stderr != show.stderr:
        return None, "check and show say different things"
    return check.stderr, None


def main():
    names = sorted({name.removesuffix(".yaml") for name in os.listdir(FOLDER)
                    if not name.endswith(".txt")})
    print(f"TAP version 13\n1..{len(names) + 1}")
    failed = 0
    for number, name in enumerate(names, 1):
        path = f"{name}/ebb.yaml" if os.path.isdir(os.path.join(FOLDER, name)) else f"{name}.yaml"
        golden = os.path.join(FOLDER, name + ".txt")
        said, wrong = said_of(path)
        if said is not None and "--write" in sys.argv:
            with open(golden, "wb") as file:
                file.write(said)
        if said is not None:
            expected = b""
            if os.path.exists(golden):
                with open(golden, "rb") as file:
                    expected = file.read()
            if said != expected:
                wrong = f"said:\n{said.decode()}expected:\n{expected.decode()}"
        for line in (wrong or "").splitlines():
            print("#", line)
        failed += wrong is not None
        print("not ok" if wrong else "ok", number, "-", name)
    orphans = [name for name in os.listdir(FOLDER)
               if name.endswith(".txt") and name.removesuffix(".txt") not in names]
    enough = len(names) >= FEWEST and not orphans
    print("ok" if enough else "not ok", len(names) + 1, f"- {len(names)} pairs, none alone",
          *orphans)
    return 1 if failed or not enough else 0


PROGRAM = os.path.abspath(sys.argv[1])
sys.exit(main())
