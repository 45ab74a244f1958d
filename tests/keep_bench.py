# SPDX-License-Identifier: Apache-2.0

"""What black-box tests of the commands on a repository share: a folder with a source, a repository,
a key and a catalog of its own, and ebb run in it. The program is the first word of the command
line.
"""
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

PROGRAM = os.path.abspath(sys.argv[1])


def check(condition, said):
    if not condition:
        raise AssertionError(said)


class Bench:
    """A source, a repository and a key in a folder of their own."""

    def __init__(self):
        self.folder = os.path.realpath(tempfile.mkdtemp(prefix="ebb-keep-"))
        os.makedirs(self.path("source", "sub"))
        chance = random.Random(1)
        for name, size in (("small", 100), ("sub/large", 3_000_000), ("empty", 0)):
            self.write(name, chance.randbytes(size))

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, content):
        """A file of the source."""
        with open(self.path("source", name), "wb") as file:
            file.write(content)

    def environment(self, env=None):
        ours = {"PATH": os.environ["PATH"], "EBB_REPO": "store", "EBB_KEY_FILE": "key",
                "XDG_STATE_HOME": self.path("state")}
        ours.update({k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")})
        return {**ours, **(env or {})}

    def ebb(self, words, code=0, env=None):
        words = words.split() if isinstance(words, str) else words
        done = subprocess.run([PROGRAM, *words], cwd=self.folder, env=self.environment(env),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=120, check=False)
        said = f"ebb {words}: code {done.returncode}, {done.stdout!r} {done.stderr!r}"
        check(code in (None, done.returncode), f"{said}; wanted code {code}")
        return done

    def json(self, words, code=0, env=None):
        words = words.split() if isinstance(words, str) else words
        return json.loads(self.ebb([*words, "--json"], code, env).stdout)

    def lines(self, words, code=0):
        """What a command tells as lines of JSON."""
        words = words.split() if isinstance(words, str) else words
        return [json.loads(line) for line in
                self.ebb([*words, "--json"], code).stdout.splitlines()]

    def same(self, one, other):
        done = subprocess.run(["diff", "-r", "--no-dereference", self.path(one), self.path(other)],
                              capture_output=True, text=True, check=False)
        check(done.returncode == 0, done.stdout + done.stderr)

    def packs(self, kind="data", store="store"):
        return sorted(os.path.join(at, name) for at, _, names in os.walk(self.path(store, kind))
                      for name in names)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)
