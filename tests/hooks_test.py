#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Programs before and after a backup, and those that ebb brings: for fsfreeze, btrfs and LVM, each
on real file systems in files. Speaks TAP.

usage: tests/hooks_test.py EBB HOOKS
"""
import json
import os
import signal
import subprocess
import sys
import time

import programs
from keeping import check, ebb, ebb_json, with_program

TESTS = []
NOTE = """#!/bin/sh
echo "$EBB_PHASE|$EBB_RESOURCE|$EBB_PATH|${EBB_POINT:+point}|$EBB_EXIT|$*" >>"$0.log"
echo noise on standard output
exit ${CODE:-0}
"""


def test(function):
    TESTS.append(function)
    return function


def script(place, name, text):
    path = place.write(name, text)
    os.chmod(path, 0o755)
    return path


def noted(place, name="note"):
    with open(place.path(name + ".log"), encoding="utf-8") as file:
        return file.read().splitlines()


def prepare(place):
    os.mkdir(place.path("source"))
    place.write("source/file", "x")
    script(place, "note", NOTE)
    ebb(place, "repo init")


def environment(**more):
    return {"env": {"PATH": os.environ["PATH"], "EBB_REPO": "store", "EBB_KEY_FILE": "key", **more}}


@test
def they_run_and_know(place):
    """they run before and after, in order, and know what it is about"""
    prepare(place)
    told = ebb(place, ["backup", "source", "--json", "--before", "./note", "--hook-arg", "one",
                       "--hook-arg=-two words", "--before", place.path("note"), "--after", "./note",
                       "--hook-arg", "$HOME"]).stdout
    check(json.loads(told)["entries"] == 1, "hooks write into the answer")
    where = f"dir{place.path('source')}|{place.path('source')}"
    check(noted(place) == [f"before|{where}|||one -two words", f"before|{where}|||",
                           f"after|{where}|point|0|$HOME"], noted(place))


@test
def one_that_fails(place):
    """one that fails before ends it; after runs all the same, and its failure is told"""
    prepare(place)
    script(place, "bad", "#!/bin/sh\nexit 7\n")
    done = ebb(place, "backup source --before ./bad --before ./note --after ./note", 1)
    check(b"no point was made: before it, " in done.stderr and b"bad: ended with code 7"
          in done.stderr, done.stderr)
    check(noted(place) == [f"after|dir{place.path('source')}|{place.path('source')}||1|"],
          noted(place))
    check(ebb_json(place, "snap ls")["points"] == [], "a point")
    done = ebb(place, "backup source --after ./bad --after ./note", 1)
    check(b"after the backup, " in done.stderr, done.stderr)
    check(noted(place)[-1].endswith("|point|0|"), noted(place))
    ebb(place, "backup no-such-folder --after ./note", 1)
    check(noted(place)[-1].endswith("||1|"), noted(place))
    done = ebb(place, "backup source --before ./missing --after ./note", 1)
    check(b"missing: cannot be started" in done.stderr, done.stderr)


@test
def one_that_takes_too_long(place):
    """one that takes too long is ended, with all that it started"""
    prepare(place)
    script(place, "slow", '#!/bin/sh\nsleep 1000 &\necho $! >"$0.pid"\nwait\n')
    began = time.monotonic()
    done = ebb(place, "backup source --before ./slow --hook-timeout 300ms --after ./note", 1)
    check(b"not done after 300ms, and ended" in done.stderr, done.stderr)
    check(time.monotonic() - began < 30, "waited all the same")
    with open(place.path("slow.pid"), encoding="ascii") as file:
        pid = file.read().strip()
    state = ""
    if os.path.exists(f"/proc/{pid}/stat"):
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            state = file.read().split()[2]
    check(state in ("", "Z"), f"its child {pid} still runs: {state}")


def start_waiting(place, *words):
    """A backup that waits in its source, started."""
    command = "echo on >started; sleep 1000"
    running = subprocess.Popen(
        [place.ebb, "backup", "--stdin-name", "x", "--before", "./note", "--after", "./note",
         *words, "--command", "--", "sh", "-c", command], cwd=place.folder, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, **environment())
    place.programs.append(type("Running", (), {"process": running, "signal": running.send_signal,
                                               "kill": running.kill})())
    end = time.monotonic() + programs.PATIENCE
    while not os.path.exists(place.path("started")) and time.monotonic() < end:
        time.sleep(0.01)
    return running


@test
def after_a_signal(place):
    """after runs when the backup is interrupted, terminated, or killed"""
    prepare(place)
    for number, code in ((signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)):
        running = start_waiting(place)
        running.send_signal(number)
        check(running.wait(60) == code, f"{number}: code {running.returncode}")
        check(noted(place)[-1] == f"after|stream/x|||{code}|", noted(place))
        os.remove(place.path("started"))
        os.killpg(running.pid, signal.SIGKILL)  # the sleep
    running = start_waiting(place)
    with open(f"/proc/{running.pid}/task/{running.pid}/children", encoding="ascii") as file:
        child = int(file.read().split()[0])
    os.kill(child, signal.SIGKILL)
    check(running.wait(60) == 137, f"code {running.returncode}")
    check(noted(place)[-1] == "after|stream/x|||137|", noted(place))
    os.killpg(running.pid, signal.SIGKILL)
    check(ebb_json(place, "snap ls")["points"] == [], "a point")
    os.remove(place.path("started"))
    # Ctrl-C reaches the whole group of the terminal; the hook is not in it.
    running = start_waiting(place)
    os.killpg(running.pid, signal.SIGINT)
    check(running.wait(60) == 130 and noted(place)[-1] == "after|stream/x|||130|", noted(place))


@test
def misused(place):
    """what does not fit together is refused with a sentence"""
    prepare(place)
    for words, sentence in (
            ("backup source --before note", b"--before note: give the path of a program"),
            ("backup source --hook-arg x --before ./note", b"stands before any --before or"),
            ("backup source --before ./note --hook-timeout 5", b"--hook-timeout: ")):
        check(sentence in ebb(place, words, 2).stderr, words)
    check(not os.path.exists(place.path("note.log")), "it ran")


def run(*words):
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


def mounted(place, name, kind):
    """A file system of that kind, in a file."""
    if os.getuid() != 0:
        raise programs.Skip("mounting needs root")
    image, mount = place.path(name + ".img"), place.path(name)
    with open(image, "wb") as file:
        file.truncate(256 << 20)
    os.mkdir(mount)
    try:
        run("mkfs." + kind, "-q", image)
        run("mount", "-o", "loop", image, mount)
    except (OSError, subprocess.CalledProcessError) as error:
        raise programs.Skip(f"no {kind} in a file can be mounted here: "
                            f"{getattr(error, 'stderr', error)}".replace("\n", " "))
    place.mounts.append(mount)
    return mount


def hook_words(name, *arguments):
    words = []
    for phase in ("--before", "--after"):
        words += [phase, os.path.join(HOOKS, name)]
        for argument in arguments:
            words += ["--hook-arg", argument]
    return words


@test
def fsfreeze(place):
    """contrib/hooks/fsfreeze: no write comes in between, and the file system is thawed"""
    prepare(place)
    mount = mounted(place, "disk", "ext4")
    for number in range(50):
        place.write(f"disk/{number:02}", "old")
    # Shows from within the backup that writes wait: a writer that is started there stays blocked.
    probe = script(place, "probe", f"""#!/bin/sh
(echo new >{mount}/49) & writer=$!
sleep 0.3
kill -0 $writer && echo blocked >{place.path('blocked')}
exit 0
""")
    ebb(place, ["backup", "disk", *hook_words("fsfreeze", mount), "--before", probe])
    check(os.path.exists(place.path("blocked")), "the file system was not frozen")
    place.write("disk/after", "thawed")
    ebb(place, "restore latest out --path 49")
    with open(place.path("out", "49"), encoding="ascii") as file:
        check(file.read() == "old", "a write came in between")
    done = ebb(place, ["backup", "disk", *hook_words("fsfreeze", mount, "1"), "--before",
                       script(place, "wait", "#!/bin/sh\nsleep 2\n")], 1)
    check(b"was not frozen any more" in done.stderr, done.stderr)
    place.write("disk/again", "thawed")


@test
def btrfs(place):
    """contrib/hooks/btrfs-snapshot: what is read is of one moment, the unchanged is not read"""
    prepare(place)
    mount = mounted(place, "disk", "btrfs")
    run("btrfs", "subvolume", "create", f"{mount}/data")
    place.write("disk/data/file", "before")
    place.write("disk/data/large", "l" * 3_000_000)
    snapshot = f"{mount}/snapshot"
    change = script(place, "change", f"#!/bin/sh\necho later >{mount}/data/file\n")
    words = ["backup", snapshot, *hook_words("btrfs-snapshot", f"{mount}/data", snapshot)]
    ebb(place, [*words, "--before", change])
    ebb(place, "restore latest out")
    with open(place.path("out", "file"), encoding="ascii") as file:
        check(file.read() == "before", "not of one moment")
    check(not os.path.exists(snapshot), "the snapshot stays")
    again = ebb_json(place, words)
    check(again["read_bytes"] == 6, f"another snapshot reads all: {again}")
    # What an earlier run left is replaced, what is somebody else's is not.
    run("btrfs", "subvolume", "snapshot", "-r", f"{mount}/data", snapshot)
    ebb(place, words)
    run("btrfs", "subvolume", "create", snapshot)
    done = ebb(place, words, 1)
    check(b"is no read-only snapshot of" in done.stderr and os.path.exists(snapshot), done.stderr)


@test
def lvm(place):
    """contrib/hooks/lvm-snapshot: what is read is of one moment"""
    prepare(place)
    if not os.path.exists("/dev/mapper/control"):
        raise programs.Skip("the kernel has no device mapper (/dev/mapper/control)")
    if os.getuid() != 0:
        raise programs.Skip("LVM needs root")
    image, group = place.path("lvm.img"), f"ebbtest{os.getpid()}"
    with open(image, "wb") as file:
        file.truncate(512 << 20)
    loop = run("losetup", "--find", "--show", image)
    try:
        run("vgcreate", group, loop)
        run("lvcreate", "-L", "128m", "-n", "data", group)
        run("mkfs.ext4", "-q", f"/dev/{group}/data")
        os.mkdir(place.path("disk"))
        run("mount", f"/dev/{group}/data", place.path("disk"))
        place.mounts.append(place.path("disk"))
        place.write("disk/file", "before")
        change = script(place, "change", f"#!/bin/sh\necho later >{place.path('disk/file')}\n")
        ebb(place, ["backup", place.path("snap"), *hook_words(
            "lvm-snapshot", f"{group}/data", place.path("snap"), "64m"), "--before", change])
        ebb(place, "restore latest out")
        with open(place.path("out", "file"), encoding="ascii") as file:
            check(file.read() == "before", "not of one moment")
    finally:
        subprocess.run(["umount", place.path("disk")], check=False)
        subprocess.run(["vgremove", "-f", group], check=False, capture_output=True)
        subprocess.run(["losetup", "-d", loop], check=False)


PROGRAM, HOOKS = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
sys.exit(programs.main([with_program(t, PROGRAM) for t in TESTS], []))
