#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What README says of a bare machine: a root with nothing in it but the program, its libraries, the
place, the recovery sheet, and /proc; no home, no /etc, no /dev. Speaks TAP.

usage: tests/bare_test.py EBB
"""
import os
import random
import re
import shutil
import subprocess
import sys

import programs
from keep_bench import PROGRAM, Bench, check


def libraries(program):
    """Paths of all that the loader brings in, itself included."""
    told = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    return re.findall(r"(/\S+) \(0x", told)


class Bare:
    """Another machine."""

    def __init__(self, b):
        self.root = b.path("bare")
        for folder in ("mnt/backup", "proc"):
            os.makedirs(os.path.join(self.root, folder))
        for path in libraries(PROGRAM):
            target = self.root + path
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(path, target)
        shutil.copy(PROGRAM, os.path.join(self.root, "ebb"))
        shutil.copytree(b.path("store"), self.path("mnt", "backup", "ebb"))
        # A mount namespace of its own: /proc is mounted in it and nowhere else.
        mount = f"mount --rbind /proc '{self.root}/proc' && exec chroot '{self.root}' /ebb \"$@\""
        self.enter = ["/usr/bin/unshare", "-m" if os.getuid() == 0 else "-rm", "/bin/sh", "-c",
                      mount, "sh"]
        done = self.run("version", code=None)
        if done.returncode not in (0, 126, 127, 1):
            raise AssertionError(done)
        if done.returncode != 0:
            raise programs.Skip(f"no root of our own here: {done.stderr.strip()}")

    def path(self, *names):
        return os.path.join(self.root, *names)

    def run(self, words, code=0):
        path = "/usr/sbin:/usr/bin:/sbin:/bin"  # the shell's own; nothing is there inside
        done = subprocess.run([*self.enter, *words.split()], env={"PATH": path},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=programs.PATIENCE, check=False)
        check(code is None or done.returncode == code,
              f"{words}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done


def by_hand(sheet):
    """The two lines of the key, as somebody types them in."""
    lines = sheet.splitlines()
    first = next(i for i, line in enumerate(lines) if line.strip().startswith("ebb1-"))
    return f"{lines[first].strip()}\n{lines[first + 1].strip()}\n"


def saved():
    """A machine's backups of every kind; then nothing of it is left but the sheet and the place."""
    b = Bench()
    b.ebb("repo init")
    b.ebb("backup source")
    with open(b.path("disk.img"), "wb") as file:
        file.write(random.Random(2).randbytes(2_000_000))
        file.truncate(9_000_000)
    b.ebb("backup disk.img")
    b.ebb("backup --stdin-name note --command -- echo said")
    sheet = b.ebb("repo key add --recovery --label safe").stdout
    os.unlink(b.path("key"))
    shutil.rmtree(b.path("state"))
    return b, sheet


def a_bare_machine(_place, _program):
    """with the program, the place and the sheet everything comes back, on a machine that is bare"""
    b, sheet = saved()
    with b:
        bare = Bare(b)
        generation = re.search(r"--generation (\d+)", sheet)[1]
        for name, text in (("rescue.key", by_hand(sheet)), ("sheet.txt", sheet)):
            with open(bare.path(name), "w", encoding="ascii") as file:
                file.write(text)
        how = "--repo /mnt/backup/ebb --key-file /rescue.key"
        said = bare.run(f"snap ls {how} --generation {generation}").stdout
        check("3 points" in said, said)
        source = "dir" + b.path("source")
        bare.run(f"restore {source}@latest /mnt/new {how}")
        b.same("source", "bare/mnt/new")
        bare.run(f"restore {source}@latest /mnt/again --repo /mnt/backup/ebb --key-file /sheet.txt")
        b.same("source", "bare/mnt/again")
        bare.run(f"restore disk.img@latest /mnt/disk.img {how}")
        with open(b.path("disk.img"), "rb") as one, open(bare.path("mnt/disk.img"), "rb") as two:
            check(one.read() == two.read(), "the image")
        check(bare.run(f"restore stream/note@latest --stdout {how}").stdout == "said\n", "stream")
        bare.run(f"verify {how}")
        # The sheet's own advice: what is lost is locked out, and what comes is sealed anew.
        bare.run(f"backup /mnt/new {how}")


def a_misread_digit(_place, _program):
    """a misread digit and a repository that was set back are noticed on a bare machine"""
    b, sheet = saved()
    with b:
        bare = Bare(b)
        typed = by_hand(sheet)
        at = len(typed) - 5
        wrong = typed[:at] + ("A" if typed[at] != "A" else "B") + typed[at + 1:]
        with open(bare.path("rescue.key"), "w", encoding="ascii") as file:
            file.write(wrong)
        how = "--repo /mnt/backup/ebb --key-file /rescue.key"
        said = bare.run(f"snap ls {how}", None)
        check(said.returncode != 0 and "point" not in said.stdout, said)
        with open(bare.path("rescue.key"), "w", encoding="ascii") as file:
            file.write(typed)
        generation = int(re.search(r"--generation (\d+)", sheet)[1])
        bare.run(f"snap ls {how} --generation {generation}")
        said = bare.run(f"snap ls {how} --generation {generation + 1}", 13).stderr
        check("rolled back" in said, said)


if __name__ == "__main__":
    sys.exit(programs.main([a_bare_machine, a_misread_digit], [PROGRAM]))
