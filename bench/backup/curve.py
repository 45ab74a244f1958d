#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a backup costs as the total grows while the change stays the same.

usage: bench/backup/curve.py [--gib 1,4,16] [--change-mib 2.6]
       bench/backup/curve.py --files 1000000 [--per-folder 1000]

The first form: files of 4 MiB, half of them text. The second: so many small files, for the memory
that they take. EBB is the program to measure.
"""
import argparse
import os
import random
import shutil
import sys
import tempfile

import data
import measure

FILE = 4 * data.MIB


def make_large(source, gib, chance):
    """Text is made once and repeated with other numbers in it: it compresses, and differs."""
    page = data.text(chance, FILE)
    for i in range(gib * 256):
        folder = os.path.join(source, "%03d" % (i // 64))
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "%05d" % i), "wb") as file:
            if i % 2:
                file.write(chance.randbytes(FILE))
            else:
                file.write(page.replace(b" id=", b" i%d=" % (i % 1000)))


def make_small(source, count, per_folder):
    for i in range(count):
        if i % per_folder == 0:
            folder = os.path.join(source, "%05d" % (i // per_folder))
            os.makedirs(folder)
        out = os.open(os.path.join(folder, "%07d" % i), os.O_WRONLY | os.O_CREAT, 0o644)
        os.write(out, b"%d: a small file with little in it\n" % i)
        os.close(out)


def change(source, chance, mib):
    """As many runs of 64 KiB as make `mib`, each in another file."""
    paths = sorted(os.path.join(top, name) for top, _, names in os.walk(source) for name in names)
    for path in chance.sample(paths, int(mib * 16)):
        with open(path, "r+b") as file:
            file.seek(chance.randrange(max(1, os.path.getsize(path) - 65536)))
            file.write(chance.randbytes(65536))


def steps(folder, options, chance):
    source, repo = os.path.join(folder, "source"), os.path.join(folder, "repo")
    environment = dict(os.environ, EBB_REPO=repo, EBB_KEY_FILE=os.path.join(folder, "key"),
                       XDG_STATE_HOME=os.path.join(folder, "state"))
    ebb = os.environ.get("EBB", "ebb")

    def run(*words):
        before = measure.size_of(repo)
        row = measure.run([ebb, *words], environment, folder, os.path.join(folder, "log"), 7200)
        if row["code"]:
            raise SystemExit("ebb %s: code %d, see %s/log" % (" ".join(words), row["code"], folder))
        return "%.2f s, %.0f MiB, +%.1f" % (row["cpu"], row["memory"] / data.MIB,
                                             (measure.size_of(repo) - before) / data.MIB)

    run("repo", "init")
    cells = [run("backup", source), run("backup", source)]
    if not options.files:
        change(source, chance, options.change_mib)
        cells.append(run("backup", source))
    return cells


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--gib", default="1,4,16")
    parser.add_argument("--files", type=int, default=0)
    parser.add_argument("--per-folder", type=int, default=1000)
    parser.add_argument("--change-mib", type=float, default=2.6)
    parser.add_argument("--folder", default="/var/tmp")
    options = parser.parse_args()
    print("CPU s, peak memory, MiB added\n\n| source | first | same | changed |\n|---|---|---|---|")
    for gib in [0] if options.files else [int(x) for x in options.gib.split(",")]:
        chance = random.Random(1)
        folder = tempfile.mkdtemp(prefix="ebb-curve-", dir=options.folder)
        try:
            if options.files:
                make_small(os.path.join(folder, "source"), options.files, options.per_folder)
            else:
                make_large(os.path.join(folder, "source"), gib, chance)
            what = "%d files" % options.files if options.files else "%d GiB" % gib
            print("| %s | %s |" % (what, " | ".join(steps(folder, options, chance))), flush=True)
        finally:
            shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
