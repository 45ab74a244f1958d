# SPDX-License-Identifier: Apache-2.0

"""What tests of commands on a repository share: ebb run in a test's folder, with a repository and a
key of its own.
"""
import json
import os
import resource
import shutil
import subprocess

import compare

HARD = resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def check(condition, said):
    if not condition:
        raise AssertionError(said)


def ebb(place, words, code=0, **options):
    """Runs it in the place's folder; `words` is a list, or text without blanks in its words."""
    environment = {"PATH": os.environ["PATH"], "EBB_REPO": "store", "EBB_KEY_FILE": "key",
                   "XDG_STATE_HOME": place.path("state"),
                   "XDG_CACHE_HOME": place.path("cache")}
    environment.update({k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")})
    words = words.split() if isinstance(words, str) else words
    done = subprocess.run([place.ebb, *words], cwd=place.folder, env=environment,
                          capture_output=True, timeout=300, check=False,
                          **{**place.limits, **options})
    check(code is None or done.returncode == code,
          f"ebb {words}: code {done.returncode}, wanted {code}\n{done.stdout}\n{done.stderr}")
    return done


def ebb_json(place, words, code=0, **options):
    words = words.split() if isinstance(words, str) else words
    return json.loads(ebb(place, [*words, "--json"], code, **options).stdout)


def same(place, one, other, ignore=()):
    found = compare.differences(place.path(one), place.path(other), ignore)
    check(not found, "\n".join(found[:20]))


def with_program(function, program):
    """The test with place.ebb: a copy of the program where a plain user may start it, whoever owns
    the build folder."""
    def run(place, *_words):
        place.ebb = place.path("ebb")
        shutil.copy(program, place.ebb)
        os.chmod(place.ebb, 0o755)
        # As a login has it, whatever started this test.
        place.limits = {
            "preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (1024, HARD))}
        try:
            function(place)
        finally:
            # Trees deeper than Python goes.
            subprocess.run(["rm", "-rf", "--one-file-system", place.path("source"),
                            place.path("out"), place.path("deep"), place.path("his")],
                           check=False, stderr=subprocess.DEVNULL)
    run.__name__, run.__doc__ = function.__name__, function.__doc__
    return run
