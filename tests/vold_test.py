#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests ebb-vold as a whole program.

usage: tests/vold_test.py EBB_VOLD
"""
import os
import signal
import socket
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from programs import Skip, ask, ask_line, connect, main, run  # noqa: E402


def start(place, vold, **options):
    return place.start([vold, "--state", place.path("state")], **options)


def test_options(place, vold):
    """options: help, version, and a sentence for what is wrong"""
    code, out, _ = run([vold, "--help"])
    assert code == 0 and out.startswith("usage: ebb-vold") and "--socket PATH" in out
    code, out, _ = run([vold, "--version"])
    assert code == 0 and out.startswith("ebb-vold ")
    code, _, err = run([vold, "--stat", place.folder])
    assert code == 2
    assert err == "ebb-vold: no option --stat: did you mean --state?; see ebb-vold --help\n", err


def test_verbs(place, vold):
    """status, ping, help and stop"""
    program = start(place, vold).ready()
    path = place.path("state", "vold.sock")
    assert os.stat(path).st_mode & 0o777 == 0o600
    status = ask(path, "status")
    assert status["ok"] and status["type"] == "vold-status" and status["volumes"] == []
    assert ask(path, "ping") == {"ok": True, "type": "pong"}
    verbs = [verb["name"] for verb in ask(path, "help")["verbs"]]
    assert verbs[:3] == ["status", "show", "create"] and "cut" in verbs, verbs
    assert ask(path, "stop") == {"ok": True, "type": "stop"}
    assert program.ended() == 0
    assert not os.path.exists(path)
    assert program.manager.drain() == ["READY=1", "STOPPING=1"]


def test_signals(place, vold):
    """SIGTERM and SIGINT end it in order, SIGHUP and SIGUSR1 do nothing"""
    for number in (signal.SIGTERM, signal.SIGINT):
        program = start(place, vold).ready()
        program.signal(signal.SIGHUP)
        program.signal(signal.SIGUSR1)
        assert ask(place.path("state", "vold.sock"), "ping")["ok"]
        program.signal(number)
        assert program.ended() == 0
        assert 'event=ended how="in order"' in program.log()


def test_second(place, vold):
    """a second one on the state folder ends with 11, the first serves on"""
    start(place, vold).ready()
    second = place.start([vold, "--state", place.path("state"), "--socket", place.path("other")])
    assert second.ended() == 11
    assert "another ebb-vold is running on this state folder" in second.log()
    assert ask(place.path("state", "vold.sock"), "ping")["ok"]


def test_killed(place, vold):
    """after kill -9 it starts again over the stale socket"""
    for _ in range(5):
        program = start(place, vold).ready()
        assert ask(place.path("state", "vold.sock"), "ping")["ok"]
        program.kill()
        assert os.path.exists(place.path("state", "vold.sock"))


def start_on(place, vold, listening):
    """Starts it on a socket that a manager opened."""
    handed = listening.fileno()
    # Only a shell between can know the pid, and put the descriptor at 3.
    script = f'exec 3<&{handed}; LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" "$@"'
    return place.start(["/bin/sh", "-c", script, vold, "--state", place.path("state")],
                       descriptors=(handed,)).ready()


def test_activation(place, vold):
    """a socket that the manager opened is used, and left to it"""
    path = place.path("handed")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(path)
        listening.listen()
        # Connected before the program runs: that is what activation is for.
        with connect(path) as early:
            early.sendall(b"ping\n")
            program = start_on(place, vold, listening)
            with early.makefile("rb") as replies:
                assert replies.readline() == b'{"ok":true,"type":"pong"}\n'
            assert ask_line(path, "ping")["ok"]
            assert program.term() == 0
    assert os.path.exists(path)
    assert not os.path.exists(place.path("state", "vold.sock"))


def test_stranger(place, vold):
    """another user is refused, even where the socket's mode lets him in"""
    if os.geteuid() != 0:
        raise Skip("only root can try it as another user")
    path = place.path("handed")
    os.chmod(place.folder, 0o755)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(path)
        listening.listen()
        os.chmod(path, 0o666)
        start_on(place, vold, listening)
        os.seteuid(65534)
        try:
            reply = ask_line(path, "stop")
        finally:
            os.seteuid(0)
        assert reply == {"ok": False, "code": 5, "error": "only user 0 and root may talk here"}
        assert ask_line(path, "ping")["ok"]


def test_watchdog(place, vold):
    """signs of life come at half of what the manager asks for"""
    program = start(place, vold, environment={"WATCHDOG_USEC": "200000"})
    program.until("READY=1")
    for _ in range(3):
        program.until("WATCHDOG=1")
    assert program.term() == 0
    bad = start(place, vold, environment={"WATCHDOG_USEC": "soon"})
    assert bad.ended() == 1
    assert "WATCHDOG_USEC=soon" in bad.log()


if __name__ == "__main__":
    sys.exit(main([test_options, test_verbs, test_signals, test_second, test_killed,
                   test_activation, test_stranger, test_watchdog], sys.argv[1:]))
