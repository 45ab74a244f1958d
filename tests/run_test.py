#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tries `ebb run` and `ebb status` with the real daemons; speaks TAP.

usage: tests/run_test.py EBB EBBD EBB_VOLD
"""
import contextlib
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time

import programs


class Session:
    """An `ebb run --json` and the lines it says."""

    def __init__(self, place, *words, **more):
        self.log_path = place.path("log")
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [place.ebb, "run", "--json", *words], stdout=subprocess.PIPE, stderr=log,
                stdin=subprocess.DEVNULL, env=environment(place), start_new_session=True, **more)
        self.said, self.heard = [], b""

    def line(self):
        """The next document; None at the end."""
        while b"\n" not in self.heard:
            ready = select.select([self.process.stdout], [], [], programs.PATIENCE)[0]
            assert ready, f"silent since {self.said}\n{self.log()}"
            more = os.read(self.process.stdout.fileno(), 65536)
            if not more:
                return None
            self.heard += more
        line, _, self.heard = self.heard.partition(b"\n")
        self.said.append(json.loads(line))
        return self.said[-1]

    def until(self, event):
        while True:
            line = self.line()
            assert line is not None, f"ended without {event}: {self.said}\n{self.log()}"
            if line.get("event") == event or line["type"] == event:
                return line

    def log(self):
        with open(self.log_path, encoding="utf-8") as file:
            return file.read()

    def end(self, number=signal.SIGTERM):
        """Its exit code, after all that it still says; without a number nothing is sent."""
        if number and self.process.poll() is None:
            self.process.send_signal(number)
        while self.line() is not None:
            pass
        return self.process.wait(programs.PATIENCE)


@contextlib.contextmanager
def session(place, *words, **more):
    started = Session(place, *words, **more)
    try:
        yield started
    finally:
        started.end()


def environment(place):
    return {"PATH": os.environ["PATH"], "XDG_STATE_HOME": place.path("home"),
            **{name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}}


def prepare(place):
    """The three programs side by side, as they are installed."""
    os.mkdir(place.path("bin"))
    for program in PROGRAMS:
        os.symlink(program, place.path("bin", os.path.basename(program)))
    # The link is followed to find out where ebb lies: so it is copied.
    os.unlink(place.path("bin", "ebb"))
    shutil.copy(PROGRAMS[0], place.path("bin", "ebb"))
    place.ebb = place.path("bin", "ebb")


def ebb(place, *words):
    done = subprocess.run([place.ebb, *words], env=environment(place), capture_output=True,
                          text=True, timeout=programs.PATIENCE, check=False)
    return done.returncode, done.stdout, done.stderr


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def pid_of(up, name):
    return next(program["pid"] for program in up["programs"] if program["name"] == name)


def test_exit(place):
    """run --exit ends after the first status, and its state is kept for the next"""
    prepare(place)
    code, out, err = ebb(place, "run", "--exit")
    assert code == 0, (code, out, err)
    state = place.path("home", "ebb", "run-1")
    assert out.startswith(f"starting ebb-vold and ebbd in {state}\n"), out
    assert "\nlocal is well: up " in out and "boot 1," in out, out
    assert out.endswith("\nended\n"), out
    assert re.search(rf"ebbd      pid \d+, answers at {re.escape(state)}/ebbd.sock\n", out), out
    code, out, err = ebb(place, "run", "--exit")
    assert code == 0 and f"in {place.path('home', 'ebb', 'run-2')}\n" in out, (code, out, err)
    code, out, err = ebb(place, "run", "--exit", "--state", state)
    assert code == 0 and "boot 2, the one before ended: orderly" in out, (code, out, err)


def test_json(place):
    """run --json says each event as one line"""
    prepare(place)
    with session(place, "--exit") as run:
        up = run.until("up")
        assert up["state"] == place.path("home", "ebb", "run-1"), up
        pids = [program["pid"] for program in up["programs"]]
        status = run.until("status")
        assert status["node"] == "local" and "ok" not in status, status
        run.until("ended")
        assert run.line() is None
        assert run.process.wait(programs.PATIENCE) == 0
    assert not any(is_alive(pid) for pid in pids)
    events = [line.get("event", line["type"]) for line in run.said]
    assert events == ["starting", "up", "status", "ended"], events


def test_status(place):
    """status asks the daemon, in words and as one document"""
    prepare(place)
    with session(place) as run:
        state = run.until("up")["state"]
        run.until("status")
        code, out, err = ebb(place, "status", "--state", state)
        assert (code, err) == (0, "") and out.startswith("local is well: up "), (code, out, err)
        assert "\033" not in out and "config    all defaults\n" in out, out
        code, out, err = ebb(place, "status", "--state", state, "--json")
        status = json.loads(out)
        assert (code, err) == (0, "") and status["type"] == "status", (code, out, err)
        assert "ok" not in status and status["uptime"] >= 0, status
    code, out, err = ebb(place, "status", "--state", state)
    assert (code, out) == (14, ""), (code, out, err)


def test_away(place):
    """status of a daemon that is away ends with 14, says what to do, and leaves no trace"""
    prepare(place)
    state = place.path("nowhere")
    code, out, err = ebb(place, "status", "--state", state)
    assert (code, out) == (14, ""), (code, out, err)
    assert err == (f"ebb: ebbd does not listen at {state}/ebbd.sock: start it with `systemctl "
                   "start ebbd` or `ebb run`, or name the state folder of one that runs with "
                   "--state\n"), err
    assert not os.path.exists(state)


def test_silent(place):
    """status of one that listens but never answers ends with 14"""
    prepare(place)
    os.mkdir(place.path("s"))
    with programs.socket.socket(programs.socket.AF_UNIX) as listener:
        listener.bind(place.path("s", "ebbd.sock"))
        listener.listen()
        code, out, err = ebb(place, "status", "--state", place.path("s"))
    assert (code, out) == (14, "") and "has not answered" in err, (code, out, err)


def test_nonsense(place):
    """status of one that answers nonsense ends with 14"""
    prepare(place)
    os.mkdir(place.path("s"))
    with programs.socket.socket(programs.socket.AF_UNIX) as listener:
        listener.bind(place.path("s", "ebbd.sock"))
        listener.listen()
        with subprocess.Popen([place.ebb, "status", "--state", place.path("s")],
                              env=environment(place), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as asking:
            client = listener.accept()[0]
            client.sendall(b"\033[2Jhello\n")
            out, err = asking.communicate(timeout=programs.PATIENCE)
            client.close()
    assert (asking.returncode, out) == (14, ""), (asking.returncode, out, err)
    assert "\033" not in err and err.count("\n") == 1, err


def test_dies(place):
    """a program that dies is started again, and it is said"""
    prepare(place)
    with session(place) as run:
        up = run.until("up")
        for name in ("ebbd", "ebb-vold"):
            pid = pid_of(up, name)
            os.kill(pid, signal.SIGKILL)
            died = run.until("died")
            assert died["program"] == name, died
            assert died["text"] == f"{name} was ended by SIGKILL; it is started again in 1s", died
            again = run.until("up-again")
            assert again["program"] == name and str(pid) not in again["text"].split(), again
        code, out, err = ebb(place, "status", "--state", up["state"])
        assert code == 0 and "boot 2, the one before ended: lost" in out, (code, out, err)


def test_rest_grows(place):
    """one that dies again at once rests longer"""
    prepare(place)
    with session(place) as run:
        pid = pid_of(run.until("up"), "ebbd")
        os.kill(pid, signal.SIGKILL)
        run.until("died")
        pid = int(run.until("up-again")["text"].split()[-1])
        os.kill(pid, signal.SIGKILL)
        died = run.until("died")
        assert died["text"].endswith("it is started again in 2s"), died
        # While it rests, the session still ends in order.
    assert run.process.returncode == 0, run.process.returncode


def test_order(place):
    """Ctrl-C ends ebbd first, then ebb-vold"""
    prepare(place)
    run = Session(place)
    up = run.until("up")
    # While ebbd cannot end, ebb-vold must go on.
    os.kill(pid_of(up, "ebbd"), signal.SIGSTOP)
    # As a terminal does it: to the whole group.
    os.killpg(run.process.pid, signal.SIGINT)
    run.until("ending")
    end = time.monotonic() + 0.3
    while time.monotonic() < end:
        assert programs.ask(os.path.join(up["state"], "vold.sock"), "ping")["ok"]
    os.kill(pid_of(up, "ebbd"), signal.SIGCONT)
    assert run.end(None) == 0, run.said
    assert not any(is_alive(program["pid"]) for program in up["programs"])
    ends = [line for line in run.log().splitlines() if "event=ended" in line]
    assert len(ends) == 2 and all('how="in order"' in line for line in ends), run.log()


def test_at_once(place):
    """a second signal ends what does not end"""
    prepare(place)
    run = Session(place)
    up = run.until("up")
    os.kill(pid_of(up, "ebbd"), signal.SIGSTOP)
    run.process.send_signal(signal.SIGINT)
    run.until("ending")
    begun = time.monotonic()
    assert run.end(signal.SIGINT) == 130, run.said
    assert time.monotonic() - begun < 15, "it waited as if there had been one signal"
    assert not any(is_alive(program["pid"]) for program in up["programs"])


def test_locked(place):
    """a second session on one state folder is refused with 11"""
    prepare(place)
    with session(place) as run:
        state = run.until("up")["state"]
        code, out, err = ebb(place, "run", "--state", state)
        asks = f"runs on that folder: `ebb status --state '{state}'` asks it"
        assert code == 11 and asks in err, (code, out, err)
        assert out == f"starting ebb-vold and ebbd in {state}\n", out
        assert ebb(place, "status", "--state", state)[0] == 0


def test_stranger(place):
    """who answers at the socket before ebbd was started is not taken for it"""
    prepare(place)
    os.unlink(place.path("bin", "ebbd"))
    os.chmod(place.write("bin/ebbd", "#!/bin/sh\nexec sleep 1000\n"), 0o755)
    os.mkdir(place.path("s"))
    with programs.socket.socket(programs.socket.AF_UNIX) as listener:
        listener.bind(place.path("s", "ebbd.sock"))
        listener.listen()
        with session(place, "--state", place.path("s")) as run:
            client = listener.accept()[0]
            client.sendall(b'{"ok":true,"type":"status"}\n')
            assert run.end(None) == 11, run.said
            client.close()
    assert [line["event"] for line in run.said] == ["starting"], run.said


def test_never_up(place):
    """a program that dies before it answers is not tried again"""
    prepare(place)
    os.unlink(place.path("bin", "ebbd"))
    os.symlink(shutil.which("false"), place.path("bin", "ebbd"))
    code, out, err = ebb(place, "run")
    assert code == 1 and "ebb: ebbd ended with code 1; what it wrote above says why\n" in err, err


def test_not_there(place):
    """a program that is not there is named with where it was looked for"""
    prepare(place)
    os.unlink(place.path("bin", "ebb-vold"))
    code, out, err = ebb(place, "run")
    folder = os.path.realpath(place.path("bin"))
    assert (code, out) == (1, ""), (code, out, err)
    assert err == (f"ebb: ebb-vold is not there: neither in {folder} nor in "
                   f"{folder}/../libexec/ebb\n"), err


def test_config(place):
    """a configuration that is named counts; a bad one starts nothing"""
    prepare(place)
    good = place.write("good.yaml", f"node: {{name: x1}}\nstate: {place.path('s')}\n")
    code, out, err = ebb(place, "run", "--exit", "--config", good)
    assert code == 0 and "\nx1 is well: " in out and f"in {place.path('s')}\n" in out, (out, err)
    bad = place.write("bad.yaml", "nod: {}\n")
    code, out, err = ebb(place, "run", "--exit", "--config", bad)
    assert (code, out) == (1, ""), (code, out, err)
    assert err == f"{bad}:1:1: nod: unknown key (did you mean node?)\n", err
    assert not os.path.exists(place.path("home"))


def test_no_home(place):
    """without a home the state folder must be named"""
    prepare(place)
    done = subprocess.run([place.ebb, "run"], env={"PATH": os.environ["PATH"]}, timeout=60,
                          capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, ""), done
    assert done.stderr == ("ebb: neither XDG_STATE_HOME nor HOME is set: name a state folder with "
                           "--state\n"), done.stderr


def test_colour(place):
    """colours come only on a terminal that wants them"""
    prepare(place)
    with session(place) as run:
        state = run.until("up")["state"]
        for more, words, colour in (({"TERM": "xterm"}, [], True), ({"TERM": "dumb"}, [], False),
                                    ({"TERM": "xterm", "NO_COLOR": "1"}, [], False),
                                    ({"TERM": "xterm"}, ["--no-color"], False)):
            ours, theirs = pty.openpty()
            done = subprocess.run([place.ebb, "status", "--state", state, *words], stdout=theirs,
                                  env={**environment(place), **more}, check=False,
                                  timeout=programs.PATIENCE)
            os.close(theirs)
            shown, end = b"", time.monotonic() + programs.PATIENCE
            while b"config " not in shown and time.monotonic() < end:
                shown += os.read(ours, 65536)
            os.close(ours)
            assert done.returncode == 0 and (b"\033[32m" in shown) == colour, (more, words, shown)


PROGRAMS = [os.path.realpath(path) for path in sys.argv[1:4]]
sys.exit(programs.main([value for name, value in list(globals().items())
                        if name.startswith("test_")], []))
