#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a command costs: CPU time and memory of all its processes, and what it leaves behind."""
import hashlib
import os
import signal
import stat
import threading
import time

PAGE = os.sysconf("SC_PAGE_SIZE")
TICK = os.sysconf("SC_CLK_TCK")


def resident(pid, extra=()):
    """Bytes resident in a process, those below it, and the extra ones."""
    seen, waiting, total = set(), [pid, *extra], 0
    while waiting:
        p = waiting.pop()
        if p in seen:
            continue
        seen.add(p)
        try:
            with open("/proc/%d/statm" % p, encoding="ascii") as file:
                total += int(file.read().split()[1]) * PAGE
            for task in os.listdir("/proc/%d/task" % p):
                path = "/proc/%d/task/%s/children" % (p, task)
                with open(path, encoding="ascii") as file:
                    waiting += [int(x) for x in file.read().split()]
        except (OSError, IndexError, ValueError):
            pass
    return total


def cpu_of(pid):
    try:
        with open("/proc/%d/stat" % pid, encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK
    except (OSError, IndexError):
        return 0.0


def extra_pids(work):
    """Daemons that a tool keeps: it writes their ids to WORK/extra_pids, and they count."""
    try:
        with open(os.path.join(work, "extra_pids"), encoding="ascii") as file:
            return [int(x) for x in file.read().split()]
    except OSError:
        return []


def run(argv, environment, work, log, limit):
    """Runs it; returns code, seconds of wall and CPU, and the peak of memory in bytes."""
    extra = extra_pids(work)
    before = {p: cpu_of(p) for p in extra}
    peak, stop = [0], threading.Event()
    own = resident(os.getpid()) // 1024  # a child's maximum begins with ours: no evidence
    start = time.monotonic()
    pid = os.fork()
    if pid == 0:
        os.setsid()
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(out, 2)
        os.execvpe(argv[0], argv, environment)

    def watch():
        while not stop.wait(0.01):
            peak[0] = max(peak[0], resident(pid, extra))
            if time.monotonic() - start > limit:
                os.killpg(pid, signal.SIGKILL)  # the session that we started
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    _, status, used = os.wait4(pid, 0)
    wall = time.monotonic() - start
    stop.set()
    watcher.join()
    cpu = used.ru_utime + used.ru_stime
    cpu += sum(max(0, cpu_of(p) - before[p]) for p in extra)
    most = used.ru_maxrss * 1024 if used.ru_maxrss > own * 1.1 else 0
    return {"code": os.waitstatus_to_exitcode(status), "wall": wall, "cpu": cpu,
            "memory": max(peak[0], most)}


def size_of(folder):
    total = 0
    for top, _, names in os.walk(folder):
        for name in names:
            about = os.lstat(os.path.join(top, name))
            if stat.S_ISREG(about.st_mode):
                total += about.st_size
    return total


def manifest(root, modes):
    """What must come back: path, kind, mode, size, content. Of an image the mode is not part."""
    out = {}
    for top, folders, names in os.walk(root):
        for name in folders + names:
            path = os.path.join(top, name)
            about = os.lstat(path)
            what = [stat.S_IFMT(about.st_mode)]
            if stat.S_ISLNK(about.st_mode):
                what.append(os.readlink(path))
            elif modes:
                what.append(stat.S_IMODE(about.st_mode))
            if stat.S_ISREG(about.st_mode):
                total = hashlib.sha256()
                with open(path, "rb") as file:
                    for piece in iter(lambda: file.read(1 << 20), b""):
                        total.update(piece)
                what += [about.st_size, total.hexdigest()]
            out[os.path.relpath(path, root)] = what
    return out


def differences(source, restored, modes=True):
    """Paths that did not come back as they were. Tools restore below prefixes of their own."""
    want = manifest(source, modes)
    top = {path.split("/")[0] for path in want}
    root = next((where for where, folders, names in os.walk(restored)
                 if top <= set(folders) | set(names)), restored)
    got = manifest(root, modes)
    return sorted(path for path in want if got.get(path) != want[path])
