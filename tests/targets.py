#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints what has to be built before tests can run: a lane that runs a few need not build all.

usage: tests/targets.py BUILD [--suite NAME]... [--no-suite NAME]...

The names are those that ninja knows in that folder. The options choose as they do for meson test: a
test of any suite that is named, and of none that is excluded.
"""
import argparse
import json
import os
import subprocess


def introspect(build, what):
    told = subprocess.run(["meson", "introspect", build, what], stdout=subprocess.PIPE, check=True)
    return json.loads(told.stdout)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("build")
    options.add_argument("--suite", action="append", default=[])
    options.add_argument("--no-suite", action="append", default=[])
    chosen = options.parse_args()
    files = {target["id"]: target["filename"] for target in introspect(chosen.build, "--targets")}
    needed = set()
    for test in introspect(chosen.build, "--tests"):
        suites = {suite.split(":")[-1] for suite in test["suite"]}
        if suites & set(chosen.no_suite) or chosen.suite and not suites & set(chosen.suite):
            continue
        needed.update(name for target in test["depends"] for name in files[target])
    build = os.path.abspath(chosen.build)
    print("\n".join(sorted(os.path.relpath(name, build) for name in needed)))


if __name__ == "__main__":
    main()
