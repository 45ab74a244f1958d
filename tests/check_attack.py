#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The whole attack matrix, one process for each core: TAP of all of them as one.

usage: tests/check_attack.py BUILD/tests/attack
"""
import concurrent.futures
import os
import subprocess
import sys

# Longest first; a name runs the tests that contain it.
PARTS = ["flips_even", "flips_odd", "objects_whole", "forged_much", "exchanged_all", "verify_much",
         "cut_everywhere", "older_"]


def run(part):
    os.nice(10)
    return part, subprocess.run([sys.argv[1], part], stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, check=False)


def main():
    points, failed = 0, False
    print("TAP version 13")
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as crew:
        for part, done in crew.map(run, PARTS):
            own = 0
            for line in done.stdout.splitlines():
                if line.startswith(("ok ", "not ok ")):
                    points, own = points + 1, own + 1
                    word, name = line.split(" - ", 1)
                    print(f"{word.rstrip('0123456789 ')} {points} - {name}")
                elif line.startswith("#"):
                    print(line, flush=True)
            if done.returncode and "not ok" not in done.stdout or not own:
                points += 1
                print(f"not ok {points} - {part}: exit code {done.returncode}")
            failed |= done.returncode != 0
    print(f"1..{points}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
