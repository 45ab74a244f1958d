# SPDX-License-Identifier: Apache-2.0

"""What tests of whole programs share: starting one, asking it, hearing what it tells its manager,
and a small runner that speaks TAP.

A test is a function whose first argument is a fresh Place; its docstring is its name.
"""
import contextlib
import json
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

PATIENCE = 60  # seconds, for a machine that has much else to do


class Skip(Exception):
    """This test cannot run here; the text says why."""


class Manager:
    """The service manager's end of NOTIFY_SOCKET."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "notify")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.told = []

    def hear(self, patience):
        """One more datagram, its first assignment; None when none came."""
        self.socket.settimeout(patience)
        try:
            text = self.socket.recv(4096).decode()
        except (socket.timeout, BlockingIOError):
            return None
        self.told.append(text.split("\n")[0])
        return self.told[-1]

    def drain(self):
        while self.hear(0) is not None:
            pass
        return self.told


class Program:
    """One started program."""

    def __init__(self, argv, folder, environment=None, manager=None, descriptors=()):
        self.manager = manager or Manager(folder)
        self.log_path = os.path.join(folder, f"log.{time.monotonic_ns()}")
        env = {"PATH": os.environ["PATH"], "NOTIFY_SOCKET": self.manager.path}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"):
            if name in os.environ:
                env[name] = os.environ[name]
        env.update(environment or {})
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, pass_fds=descriptors)

    def log(self):
        with open(self.log_path, encoding="utf-8") as log:
            return log.read()

    def until(self, word):
        """Waits until it has told `word` to its manager."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if self.manager.hear(0.05) == word:
                return self
            if self.process.poll() is not None and word not in self.manager.drain():
                break
        raise AssertionError(f"never said {word}; code {self.process.poll()}\n{self.log()}")

    def ready(self):
        return self.until("READY=1")

    def signal(self, number):
        self.process.send_signal(number)

    def ended(self):
        """Its exit code."""
        return self.process.wait(PATIENCE)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def term(self):
        self.signal(signal.SIGTERM)
        return self.ended()


class Place:
    """A folder of its own for a test, and the programs started there."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="ebb-test-")
        self.programs, self.mounts = [], []

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def start(self, argv, **options):
        self.programs.append(Program(argv, self.folder, **options))
        return self.programs[-1]

    def mount(self, name, size):
        """A small file system of its own, or Skip."""
        os.mkdir(self.path(name))
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs",
                               self.path(name)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Skip("a tmpfs cannot be mounted here")
        self.mounts.append(self.path(name))
        return self.path(name)

    def close(self):
        for program in self.programs:
            if program.process.poll() is None:
                program.signal(signal.SIGCONT)
                program.kill()
        for mount in self.mounts:
            subprocess.run(["umount", "-l", mount], check=False)
        # A child of a program that was killed may write for a moment more.
        end = time.monotonic() + PATIENCE
        while os.path.exists(self.folder) and time.monotonic() < end:
            shutil.rmtree(self.folder, ignore_errors=True)


def run(argv, environment=None):
    """Runs to the end: (code, stdout, stderr)."""
    env = {**os.environ, **(environment or {})}
    done = subprocess.run(argv, capture_output=True, text=True, env=env, timeout=PATIENCE,
                          check=False)
    return done.returncode, done.stdout, done.stderr


def connect(path):
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(PATIENCE)
    client.connect(path)
    return client


def ask_line(path, request):
    """One request, one reply, as documents."""
    with connect(path) as client:
        client.sendall(request.encode() + b"\n")
        with client.makefile("rb") as replies:
            line = replies.readline()
    assert line.endswith(b"\n"), f"hung up without a reply to {request}: {line!r}"
    return json.loads(line)


def ask(path, request):
    """As ask_line(), again while the program is busy."""
    end = time.monotonic() + PATIENCE
    while True:
        reply = ask_line(path, request)
        if not reply.get("busy") or time.monotonic() > end:
            return reply
        time.sleep(0.02)


def user():
    """Whom servers run as: they refuse root."""
    if os.getuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise Skip("there is no user postgres or nobody")


def seed():
    value = int(os.environ.get("EBB_SEED") or random.randrange(1 << 32))
    print(f"# seed {value}; repeat: EBB_SEED={value} {' '.join(sys.argv)}")
    return random.Random(value)


def main(tests, words):
    """Runs the tests whose name contains a word of EBB_TESTS, all when it is not set."""
    # Under nohup it is ignored, and so it would be in every program that is started here.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    wanted = os.environ.get("EBB_TESTS", "").split()
    tests = [t for t in tests if not wanted or any(w in t.__name__ for w in wanted)]
    print(f"TAP version 13\n1..{len(tests)}", flush=True)
    failed = 0
    for number, test in enumerate(tests, 1):
        place, ending, began = Place(), "", time.monotonic()
        outcome = "ok"
        try:
            test(place, *words)
        except Skip as skip:
            ending = f" # SKIP {skip}"
        except Exception:  # whatever went wrong is this test's failure
            outcome = "not ok"
            failed += 1
            for line in traceback.format_exc().splitlines():
                print(f"# {line}")
        place.close()
        print(f"# {time.monotonic() - began:.1f} s")
        print(f"{outcome} {number} - {test.__doc__}{ending}", flush=True)
    return 1 if failed else 0
