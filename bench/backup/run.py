#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ebb beside other backup programs: the same data, the same changes, the same checks, one run.

usage: bench/backup/run.py [--tools ebb,restic,...] [--kinds files,image] [--mib 256] ...

For each tool and kind of data: a first backup, one when nothing has changed, one after a change, a
restore and a verification. A restore counts only when every path, kind, mode, size and SHA-256 of
the source comes back (of an image: all but the mode). CPU seconds and bytes can be compared on a
busy machine; wall time cannot.
Rounds alternate between the tools; each figure is the median of its rounds. Everything stays until
the end: each tool and round takes about three times the data on the disk.
"""
import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time

import data
import measure

HERE = os.path.dirname(os.path.abspath(__file__))
TOOLS = "ebb,ebbmap,tarzstd,rsync,restic,borg,casync,bup,zpaq,qemubitmap"
STEPS = ("first", "same", "changed", "restore", "verify")


def shell(function):
    return ["bash", "-c", '. "$BENCH/tools/_lib.sh"; . "$BENCH_TOOL"; ' + function]


def base_environment(tool, options):
    return dict(os.environ, BENCH=HERE, THREADS=str(options.threads),
                BENCH_TOOL=os.path.join(HERE, "tools", tool + ".sh"))


def ask(tool, function, options, **more):
    done = subprocess.run(shell(function), env=dict(base_environment(tool, options), **more),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, check=False)
    return done.returncode, done.stdout.strip()


class Turn:
    """One tool on one kind of data, once through all steps."""

    def __init__(self, tool, kind, turn, options):
        self.tool, self.kind, self.options = tool, kind, options
        self.base = os.path.join(options.folder, "work", "%s-%s-%d" % (tool, kind, turn))
        self.paths = {name: os.path.join(self.base, name)
                      for name in ("src", "repo", "dest", "work")}
        self.log = os.path.join(options.folder, "%s-%s.log" % (tool, kind))
        self.rows = {}

    def environment(self, tag):
        p = self.paths
        return dict(base_environment(self.tool, self.options), SRC=p["src"], REPO=p["repo"],
                    DEST=p["dest"], WORK=p["work"], KIND=self.kind, TAG=tag, HOME=p["work"],
                    TMPDIR=p["work"], XDG_CACHE_HOME=os.path.join(p["work"], "cache"),
                    XDG_CONFIG_HOME=os.path.join(p["work"], "config"),
                    XDG_STATE_HOME=os.path.join(p["work"], "state"), LC_ALL="C.UTF-8",
                    CHANGED_MAP=os.path.join(self.base, "changed.map"),
                    IMG_BYTES=str(self.options.mib << 20))

    def step(self, name, function, tag):
        before = measure.size_of(self.paths["repo"])
        row = measure.run(shell(function), self.environment(tag), self.paths["work"], self.log,
                          self.options.limit)
        row["stored"] = measure.size_of(self.paths["repo"])
        row["added"] = row["stored"] - before
        row["ok"] = row["code"] == 0
        if name:
            self.rows[name] = row
        return row["ok"]

    def prepare(self):
        shutil.rmtree(self.base, ignore_errors=True)
        for name in ("repo", "dest", "work"):
            os.makedirs(self.paths[name])
        pristine = data.pristine(self.options.folder, self.kind, self.options)
        subprocess.run(["cp", "-a", "--sparse=always", pristine, self.paths["src"]], check=True)
        time.sleep(1.5)  # so that no tool must take the files for changed within its clock's tick

    def change(self):
        time.sleep(1.2)
        nbd = None
        try:
            with open(os.path.join(self.paths["work"], "nbd_socket"), encoding="ascii") as file:
                nbd = file.read().strip()
        except OSError:
            pass
        if self.kind == "files":
            data.change_files(self.paths["src"], self.options)
        else:
            data.change_image(self.paths["src"], self.options, nbd)
        time.sleep(1.2)

    def run(self):
        self.prepare()
        try:
            if not self.step(None, "t_init", "init"):
                raise RuntimeError("init failed, see " + self.log)
            self.step("first", "t_backup", "s1")
            self.step("same", "t_backup", "s2")
            self.change()
            self.step("changed", "t_backup", "s3")
            self.step("restore", "t_restore", "s3")
            bad = measure.differences(self.paths["src"], self.paths["dest"],
                                      modes=self.kind == "files")
            self.rows["restore"]["ok"] &= not bad
            if bad:
                print("%s: %d paths came back otherwise: %s ..." % (self.tool, len(bad), bad[0]),
                      file=sys.stderr)
            if ask(self.tool, "declare -F t_verify", self.options)[0] == 0:
                self.step("verify", "t_verify", "s3")
        finally:
            subprocess.run(shell("declare -F t_teardown >/dev/null && t_teardown"),
                           env=self.environment("end"), stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        return self.rows


def table(title, cell, found, steps):
    lines = ["%s:\n" % title, "| tool | " + " | ".join(steps) + " |",
             "|---|" + "---:|" * len(steps)]
    for tool, rounds in found.items():
        cells = []
        for step in steps:
            rows = [r[step] for r in rounds if step in r]
            good = rows and all(r["ok"] for r in rows)
            cells.append((cell(rows) + ("" if good else " FAILED")) if rows else "-")
        lines.append("| %s | %s |" % (tool, " | ".join(cells)))
    return "\n".join(lines) + "\n"


def median(rows, key):
    return statistics.median(r[key] for r in rows)


def report(kind, found, options):
    out = ["### %s, %d MiB, median of %d rounds\n" % (kind, options.mib, options.rounds)]
    out.append(table("CPU s", lambda r: "%.2f" % median(r, "cpu"), found, STEPS))
    out.append(table("peak memory, MiB", lambda r: "%.0f" % (median(r, "memory") / data.MIB), found,
                     STEPS))
    out.append(table("MiB added to the repository",
                     lambda r: "%.2f" % (median(r, "added") / data.MIB), found, STEPS[:3]))
    out.append(table("wall s, as the machine's load allowed",
                     lambda r: "%.2f" % median(r, "wall"), found, STEPS))
    for tool in found:
        version = ask(tool, "t_version", options)[1]
        out.append("- %s %s: %s" % (tool, version,
                                    ask(tool, "t_settings", options, KIND=kind)[1]))
    return "\n".join(out) + "\n"


def usable(options):
    tools, skipped = [], []
    for tool in options.tools.split(","):
        path = os.path.join(HERE, "tools", tool + ".sh")
        there = os.path.exists(path) and ask(tool, "t_available", options)[0] == 0
        (tools if there else skipped).append(tool)
    return tools, skipped


def bench_kind(kind, tools, options):
    data.pristine(options.folder, kind, options)
    found = {}
    for turn in range(options.rounds):
        for tool in tools:
            if kind not in ask(tool, "t_kinds", options)[1].split():
                continue
            try:
                rows = Turn(tool, kind, turn, options).run()
            except RuntimeError as error:
                print("%s: %s" % (tool, error), file=sys.stderr)
                continue
            found.setdefault(tool, []).append(rows)
            print("round %d: %-10s %s" % (turn + 1, tool, "  ".join(
                "%s %.2f s" % (s, rows[s]["cpu"]) for s in STEPS if s in rows)),
                file=sys.stderr, flush=True)
    return found


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--tools", default=TOOLS)
    parser.add_argument("--kinds", default="files,image")
    parser.add_argument("--mib", type=int, default=256)
    parser.add_argument("--small", type=int, help="small files; default: 10 for each MiB, 2,600")
    parser.add_argument("--fill", type=int, default=60, help="per cent of the image with data")
    parser.add_argument("--change", type=float, default=1, help="per cent")
    parser.add_argument("--change-mib", type=float, help="instead of per cent")
    parser.add_argument("--pattern", choices=("uniform", "hot"), default="uniform")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--limit", type=float, default=3600, help="seconds for one step")
    parser.add_argument("--folder", default="/var/tmp/ebb-bench", help="where it works")
    parser.add_argument("--json", help="a file for the figures of each round")
    options = parser.parse_args()
    if options.small is None:
        options.small = options.mib * 10
    return options


def main():
    options = read_options()
    os.makedirs(options.folder, exist_ok=True)
    tools, skipped = usable(options)
    load, found = os.getloadavg(), {}
    print("%s, %d CPUs, load %.1f at the start, page cache warm" % (
        platform.machine(), os.cpu_count(), load[0]))
    # Nothing is removed before the end: of an inode that is wanted ext4 looks at those lately
    # removed, and who comes after would pay for it.
    try:
        for kind in options.kinds.split(","):
            found[kind] = bench_kind(kind, tools, options)
            print(report(kind, found[kind], options))
    finally:
        subprocess.run(["chmod", "-R", "u+w", os.path.join(options.folder, "work")], check=False)
        shutil.rmtree(os.path.join(options.folder, "work"), ignore_errors=True)
    if skipped:
        print("%d tools skipped, not installed: %s" % (len(skipped), " ".join(skipped)))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(found, file, indent=1)
    failed = [t for kind in found.values() for t, rounds in kind.items()
              for rows in rounds if not all(r["ok"] for r in rows.values())]
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
