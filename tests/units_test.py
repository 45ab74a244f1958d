#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests the systemd units: hardened, and right in the eyes of systemd itself.

usage: tests/units_test.py FOLDER EBBD EBB_VOLD
"""
import os
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from programs import Skip, main  # noqa: E402

SERVICES = ("ebbd.service", "ebb-vold.service")


def analyze(*arguments):
    if not shutil.which("systemd-analyze"):
        raise Skip("systemd-analyze is not installed")
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True,
                          check=False)


def test_exposure(_, units, *__):
    """exposure of each service is at most 2.0"""
    for service in SERVICES:
        done = analyze("security", "--offline=true", "--threshold=20",
                       os.path.join(units, service))
        lines = done.stdout.strip().splitlines()
        print(f"# {lines[-1] if lines else done.stderr}")
        assert done.returncode == 0, service


def test_verify(place, units, ebbd, vold):
    """systemd finds nothing wrong in them"""
    for name in os.listdir(units):
        with open(os.path.join(units, name), encoding="utf-8") as file:
            text = file.read()
        text = text.replace("/usr/bin/ebbd", os.path.abspath(ebbd))
        text = text.replace("/usr/bin/ebb-vold", os.path.abspath(vold))
        place.write(name, text)
    for name in sorted(os.listdir(place.folder)):
        done = analyze("verify", place.path(name))
        said = [line for line in done.stderr.splitlines() if place.folder in line or "ebb" in line]
        assert not said, said


def test_pages(_, units, *programs):
    """the daemons' manual pages tell their options, and no others"""
    for program in programs:
        help_text = subprocess.run([program, "--help"], capture_output=True, text=True,
                                   check=True).stdout
        page = os.path.join(units, "..", "man", os.path.basename(program) + ".8")
        with open(page, encoding="utf-8") as file:
            told = set(re.findall(r"^\.It (?:Fl s , )?Fl Fl ([a-z-]+)", file.read(), re.M))
        assert told == set(re.findall(r"^  (?:-s, )?--([a-z-]+)", help_text, re.M)), told


def test_build_depends(_, units, *__):
    """the Debian package is built of what the file `packages` says"""
    top = os.path.join(units, "..", "..")
    with open(os.path.join(top, "debian", "control"), encoding="utf-8") as file:
        named = re.search(r"^Build-Depends:(.*(?:\n .*)*)", file.read(), re.M)[1]
    wanted = subprocess.run([os.path.join(top, "tests", "packages.sh"), "list", "build"],
                            capture_output=True, text=True, check=True).stdout.split()
    # What build-essential and debhelper bring.
    named = {word.split()[0] for word in named.split(",")} - {"debhelper-compat",
                                                              "dh-sequence-installsysusers"}
    assert named == set(wanted) - {"gcc", "libc6-dev", "make"}, named ^ set(wanted)


def test_contract(_, units, *__):
    """they rely on what the programs do: notify, watchdog, exit codes, SIGHUP"""
    for service in SERVICES:
        with open(os.path.join(units, service), encoding="utf-8") as file:
            lines = file.read().splitlines()
        assert "Type=notify" in lines
        assert any(line.startswith("WatchdogSec=") for line in lines)
        assert "RestartPreventExitStatus=2 11" in lines
        assert ("ExecReload=/bin/kill -HUP $MAINPID" in lines) == (service == "ebbd.service")


if __name__ == "__main__":
    sys.exit(main([test_exposure, test_verify, test_pages, test_build_depends, test_contract],
                  sys.argv[1:]))
