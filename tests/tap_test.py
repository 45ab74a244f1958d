#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests the tests: what a test program prints, and how tests/summary.py counts it.

usage: tests/tap_test.py PROGRAM   (the built tests/tap_sample.c)
"""
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import summary  # noqa: E402

EXPECTED = """\
TAP version 13
1..9
ok 1 - passes
# FILE:N: 2 + 2 == 5
not ok 2 - fails_a_check
# FILE:N: 2 + 2 is 4, not 5 (5)
not ok 3 - fails_a_number
# FILE:N: "one\\nok 9 - two\\nnot ok 10" is "one
#   ok 9 - two
#   not ok 10", not "(null)"
not ok 4 - fails_a_text_of_many_lines
ok 5 - skips # SKIP no moon here
# seed 77; repeat: EBB_SEED=77 PROGRAM seeds
# drew 77
ok 6 - seeds
ok 7 - dies_as_promised
# FILE:N: (void)0 ended with status 0, not by abort():\x20
not ok 8 - does_not_die
# FILE:N: (fputs("other words\\n", stderr), abort()) said "other words
#   ", not "last words"
not ok 9 - dies_with_other_words
"""


def run(program, *names, seed="77"):
    environment = {**os.environ, "EBB_SEED": seed}
    done = subprocess.run([program, *names], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, env=environment, check=False)
    text = re.sub(r"\S*tap_sample\.c:\d+", "FILE:N", done.stdout).replace(program, "PROGRAM")
    return done.returncode, text, done.stderr


def test_output(program):
    """a program's output is TAP, whatever its checks show"""
    code, text, _ = run(program, "passes", "fails_a", "skips", "seeds", "dies", "does_not")
    assert code == 1, code
    assert text == EXPECTED, text


def test_child(program):
    """a check that fails in a child ends the child"""
    code, text, _ = run(program, "fails_in_a_child")
    assert code == 1
    assert text.count("ok ") == 1 and "comes_last" not in text, text
    assert "ended with status 256, not by abort(): # FILE:N: false" in text, text


def test_thread(program):
    """a check that fails in a thread ends the program"""
    code, text, said = run(program, "ends_by", "comes_last")
    assert code == 1 and "ok " not in text, text
    assert "(intptr_t)arg is 0, not 1 (1)" in said, said


def test_names(program):
    """names choose tests; a name of none is an error"""
    code, text, _ = run(program, "passes")
    assert (code, text) == (0, "TAP version 13\n1..1\nok 1 - passes\n"), text
    code, text, said = run(program, "moon")
    assert code == 1 and "no test of that name" in said, said


def test_seed(program):
    """without EBB_SEED each run draws another seed and says how to repeat it"""
    code, one, _ = run(program, "seeds", seed="")
    _, two, _ = run(program, "seeds", seed="")
    assert code == 0 and one != two, one
    seed = re.search(r"EBB_SEED=(\d+)", one)[1]
    assert run(program, "seeds", seed=seed)[1] == one, one


def tally(stdout, result="OK", code=0):
    counted = summary.read_run({"name": "x", "stdout": stdout, "result": result,
                                "returncode": code, "command": ["x"]})
    return counted.passed, counted.failed, counted.skipped


def test_counts(_):
    """the summary counts points, and each way to end badly as a failure"""
    assert tally("TAP version 13\n1..3\nok 1 - a\nok 2\nok 3 - c # SKIP why\n") == (2, 0, 1)
    assert tally("1..2\nok 1\nnot ok 2 - b\n", "ERROR", 1) == (1, 1, 0)
    assert tally("1..0 # SKIP nothing here\n", "SKIP") == (0, 0, 1)
    assert tally("1..3\nok 1\nnot ok 2\n", "ERROR", -6) == (1, 2, 0)  # died
    assert tally("1..3\nok 1\nok 2\n") == (2, 1, 0)  # ended early
    assert tally("1..1\nok 1\nok 2\n") == (2, 1, 0)  # said too much
    assert tally("1..1\nok 1\n", "TIMEOUT", 0) == (1, 1, 0)
    assert tally("1..1\nok 1\n", "ERROR", 1) == (1, 1, 0)  # a leak, at exit
    assert tally("1..2\nok 1\nBail out! no disk\n", "ERROR", 1) == (1, 1, 0)
    assert tally("", "ERROR", -11) == (0, 1, 0)  # died before its plan
    assert tally("1..2\nok 1\nnot ok 2\n", "EXPECTEDFAIL", 1) == (1, 0, 0)  # a planted bug
    assert tally("1..2\nok 1\nnot ok 2\n", "EXPECTEDFAIL", -6) == (0, 1, 0)  # ... that crashes
    assert tally("1..2\nok 1\nok 2\n", "UNEXPECTEDPASS", 0) == (0, 1, 0)
    assert tally("no tap", "OK") == (1, 0, 0)
    assert tally("no tap", "FAIL", 1) == (0, 1, 0)
    assert tally("no tap", "SKIP", 77) == (0, 0, 1)


def main():
    tests = [value for name, value in globals().items() if name.startswith("test_")]
    print(f"TAP version 13\n1..{len(tests)}")
    failed = 0
    for number, test in enumerate(tests, 1):
        try:
            test(os.path.abspath(sys.argv[1]))
            print(f"ok {number} - {test.__doc__}")
        except AssertionError as error:
            failed += 1
            print("# " + str(error).replace("\n", "\n#   "))
            print(f"not ok {number} - {test.__doc__}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
