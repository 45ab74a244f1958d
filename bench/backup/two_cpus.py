#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How much faster a first backup is on two CPUs than on one.

usage: bench/backup/two_cpus.py [--mib 256] [--small 2600] [--rounds 5] [--priority 0]

The data are those of run.py. Each round makes a new repository on one CPU and one on two, in turns,
by the affinity of the program, from which it also takes its number of threads. Wall time, so the
machine should do nothing else; with --priority N (root) other work only shares its caches. EBB is
the program to measure.

"one busy" is the part of the wall time on two CPUs in which at most one of them worked: what is
left of twice the wall time when the CPU time is taken away.
"""
import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import data


def first_backup(options, source, folder, cpus):
    """Wall and CPU seconds of `ebb backup` into a new repository."""
    environment = dict(os.environ, EBB_REPO=os.path.join(folder, "repo"),
                       EBB_KEY_FILE=os.path.join(folder, "key"),
                       XDG_STATE_HOME=os.path.join(folder, "state"))
    ebb = environment.get("EBB", "ebb")
    subprocess.run([ebb, "repo", "init"], env=environment, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, check=True)

    def placed():
        os.sched_setaffinity(0, cpus)
        if options.priority:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(options.priority))

    start = time.monotonic()
    with subprocess.Popen([ebb, "backup", source], env=environment, preexec_fn=placed,
                          stdout=subprocess.DEVNULL) as program:
        _, status, used = os.wait4(program.pid, 0)
        wall = time.monotonic() - start
        program.returncode = os.waitstatus_to_exitcode(status)
    if program.returncode:
        raise SystemExit("%s backup: code %d" % (ebb, program.returncode))
    return wall, used.ru_utime + used.ru_stime


def line(name, runs, idle):
    wall, cpu = (statistics.median(r[i] for r in runs) for i in (0, 1))
    one = "%.2f" % statistics.median(2 * w - c for w, c in runs) if idle else "-"
    return "| %s | %.2f (%.2f to %.2f) | %.2f | %s |" % (
        name, wall, min(r[0] for r in runs), max(r[0] for r in runs), cpu, one)


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--mib", type=int, default=256)
    parser.add_argument("--small", type=int, default=2600)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--priority", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", default="/var/tmp/ebb-bench", help="where it works")
    parser.add_argument("--source", help="a folder to save instead of those data")
    return parser.parse_args()


def main():
    options = read_options()
    cpus = sorted(os.sched_getaffinity(0))[:2]
    if len(cpus) < 2:
        raise SystemExit("it takes two CPUs")
    os.makedirs(options.folder, exist_ok=True)
    source = options.source or data.pristine(options.folder, "files", options)
    for top, _, names in os.walk(source):
        for name in names:
            with open(os.path.join(top, name), "rb") as file:
                while file.read(1 << 20):
                    pass
    folder = tempfile.mkdtemp(prefix="two-cpus-", dir=options.folder)
    one, two = [], []
    try:
        for turn in range(options.rounds):
            for found, where in ((one, cpus[:1]), (two, cpus)):
                place = os.path.join(folder, "%d-%d" % (turn, len(where)))
                os.makedirs(os.path.join(place, "repo"))
                found.append(first_backup(options, source, place, where))
    finally:
        shutil.rmtree(folder)
    print("load %.1f\n\n| CPUs | wall s | CPU s | one busy s |\n|---|---|---|---|" %
          os.getloadavg()[0])
    print(line("one", one, False) + "\n" + line("two", two, True))
    print("\n%.2f times as fast on two (medians)" % (
        statistics.median(r[0] for r in one) / statistics.median(r[0] for r in two)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
