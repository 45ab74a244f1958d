#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests ebbd as a whole program: its life, its configuration, its disk, and clients of all kinds.

usage: tests/ebbd_test.py EBBD
"""
import contextlib
import fcntl
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from programs import (PATIENCE, Skip, ask, connect, main, run, seed)  # noqa: E402

KILLS = 60


def config(place, text="", name="ebb.yaml"):
    return place.write(name, f"state: {place.path('state')}\n{text}")


def start(place, ebbd, **options):
    """Starts it on place's ebb.yaml, which is made when there is none."""
    if not os.path.exists(place.path("ebb.yaml")):
        config(place)
    return place.start([ebbd, "--config", place.path("ebb.yaml")], **options)


def control(place, request):
    return ask(place.path("state", "ebbd.sock"), request)


def test_options(place, ebbd):
    """options: help, version, check, and a sentence for what is wrong"""
    code, out, _ = run([ebbd, "--help"])
    assert code == 0 and out.startswith("usage: ebbd") and "--config FILE" in out
    code, out, _ = run([ebbd, "--version"])
    assert code == 0 and re.fullmatch(r"ebbd \d+\.\d+\.\d+\n", out)
    code, _, err = run([ebbd, "--chek"])
    assert code == 2
    assert err == "ebbd: no option --chek: did you mean --check?; see ebbd --help\n", err
    path = config(place)
    code, out, _ = run([ebbd, "--check", "--config", path])
    assert code == 0 and out == f"{path}: ok\n", out
    code, out, _ = run([ebbd, "--check"], {"EBB_CONFIG": path})
    assert code == 0 and out == f"{path}: ok\n", out
    config(place, "loop:\n  tick: 10\n")
    code, _, err = run([ebbd, "--check", "--config", path])
    assert code == 2 and f"{path}:3:9: loop.tick: " in err, err
    assert not os.path.exists(place.path("state"))


def test_first_start(place, ebbd):
    """first start: boot 1, status complete, files private"""
    config(place, "node:\n  name: hut\n  region: alps\n")
    start(place, ebbd).ready()
    status = control(place, "status")
    assert status["ok"] and status["type"] == "status"
    assert (status["node"], status["region"]) == ("hut", "alps")
    assert (status["boot"], status["previous_close"]) == (1, "none")
    assert re.fullmatch(r"[0-9a-f]{32}", status["id"])
    assert status["uptime"] >= 0 and status["tick"] == 10 and status["degraded"] is None
    assert status["config"]["path"] == place.path("ebb.yaml")
    assert re.fullmatch(r"[0-9a-f]{16}", status["config"]["hash"])
    assert os.stat(place.path("state")).st_mode & 0o777 == 0o700
    for folder, folders, files in os.walk(place.path("state")):
        for name in folders + files:
            mode = os.stat(os.path.join(folder, name)).st_mode & 0o777
            assert mode == (0o700 if name in folders else 0o600), name
    assert status["history"]["error"] is None and status["history"]["damaged"] == 0


def test_history(place, ebbd):
    """what is observed is kept: series grow with each turn, and outlive a kill"""
    config(place, "loop:\n  tick: 1s\n")
    program = start(place, ebbd).ready()
    end = time.monotonic() + PATIENCE
    while control(place, "status")["ticks"] < 3:
        assert time.monotonic() < end
        time.sleep(0.2)
    history = control(place, "status")["history"]
    assert history["series"] >= 10 and history["refused"] == 0, history
    assert history["samples"] >= 2 * history["series"], history
    program.kill()
    start(place, ebbd).ready()
    again = control(place, "status")["history"]
    assert again["series"] >= history["series"] and again["bytes"] > 2000, again
    assert again["error"] is None and again["memory"] > 0, again


def test_locked_folder(place, ebbd):
    """a folder that another program has locked for a moment is waited for, and not for ever"""
    config(place)
    os.makedirs(place.path("state"), exist_ok=True)
    state = os.open(place.path("state"), os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(state, fcntl.LOCK_EX)
    code, _, err = run([ebbd, "--config", place.path("ebb.yaml")])
    assert code == 1 and "another program has locked the folder to listen in it" in err, (code, err)
    release = threading.Timer(0.3, lambda: fcntl.flock(state, fcntl.LOCK_UN))
    release.start()
    start(place, ebbd).ready()
    release.join()
    assert control(place, "ping")["type"] == "pong"
    os.close(state)


def test_verbs(place, ebbd):
    """ping, help, an unknown verb, and stop"""
    program = start(place, ebbd).ready()
    assert control(place, "ping") == {"ok": True, "type": "pong"}
    names = [verb["name"] for verb in control(place, "help")["verbs"]]
    assert names == ["status", "metrics", "jobs", "why", "now", "cancel", "pause", "resume",
                     "ping", "reload", "stop"], names
    refused = control(place, "statsu")
    assert refused["code"] == 2 and 'did you mean "status"?' in refused["error"]
    assert control(place, "stop") == {"ok": True, "type": "stop"}
    assert program.ended() == 0
    assert not os.path.exists(place.path("state", "ebbd.sock"))


def test_ends(place, ebbd):
    """an orderly end and a lost one are told apart at the next start"""
    first = start(place, ebbd).ready()
    identity = control(place, "status")["id"]
    assert first.term() == 0
    second = start(place, ebbd).ready()
    status = control(place, "status")
    assert (status["boot"], status["previous_close"]) == (2, "orderly")
    second.kill()
    third = start(place, ebbd).ready()
    status = control(place, "status")
    assert (status["boot"], status["previous_close"], status["id"]) == (3, "lost", identity)
    third.signal(signal.SIGINT)
    assert third.ended() == 0
    assert "boot=3" in third.log() and "previous_close=lost" in third.log()


def test_bad_config_at_start(place, ebbd):
    """a bad configuration at the start: all mistakes told, code 2, nothing made"""
    config(place, "loop:\n  tik: 10s\nlog:\n  level: loud\n")
    program = start(place, ebbd)
    assert program.ended() == 2
    log = program.log()
    assert "ebb.yaml:3:3: loop.tik: " in log and "ebb.yaml:5:10: log.level: " in log, log
    missing = place.start([ebbd, "--config", place.path("nowhere.yaml")])
    assert missing.ended() == 2 and "nowhere.yaml" in missing.log()
    assert not os.path.exists(place.path("state"))
    assert program.manager.drain() == []


def test_reload(place, ebbd):
    """SIGHUP: a bad file changes nothing, a good one is taken"""
    program = start(place, ebbd).ready()
    before = control(place, "status")
    config(place, "loop:\n  tick: soon\n")
    program.signal(signal.SIGHUP)
    program.until("RELOADING=1").ready()
    after = control(place, "status")
    assert after["config"] == before["config"] and after["tick"] == 10
    assert 'event="config refused"' in program.log() and ":3:9: loop.tick: " in program.log()
    config(place, "loop:\n  tick: 5s\nnode:\n  name: other\n")
    program.signal(signal.SIGHUP)
    program.until("RELOADING=1").ready()
    after = control(place, "status")
    assert after["config"]["hash"] != before["config"]["hash"]
    assert (after["tick"], after["node"], after["boot"]) == (5, "other", 1)
    assert program.term() == 0
    assert [word for word in program.manager.drain() if word != "WATCHDOG=1"] == [
        "READY=1", "RELOADING=1", "READY=1", "RELOADING=1", "READY=1", "STOPPING=1"]


def test_reload_verb(place, ebbd):
    """the verb reload says what is wrong, and what only a restart can change"""
    start(place, ebbd).ready()
    assert control(place, "reload") == {"ok": True, "type": "reload"}
    config(place, "loop:\n  tik: 10s\n  tock: 10s\n")
    refused = control(place, "reload")
    assert refused["code"] == 1, refused
    assert "loop.tik" in refused["error"] and "(and 1 more)" in refused["error"], refused
    place.write("ebb.yaml", f"state: {place.path('elsewhere')}\n")
    refused = control(place, "reload")
    assert refused["error"] == (f"state cannot change from {place.path('state')} to "
                                f"{place.path('elsewhere')} while ebbd runs: restart it"), refused
    os.unlink(place.path("ebb.yaml"))
    assert not control(place, "reload")["ok"]
    assert control(place, "status")["ok"]


def test_second(place, ebbd):
    """a second one on the state folder ends with 11, the first serves on"""
    first = start(place, ebbd).ready()
    second = start(place, ebbd)
    assert second.ended() == 11
    assert "another ebbd is running on this state folder" in second.log()
    assert control(place, "status")["boot"] == 1
    assert first.term() == 0


def test_socket_in_the_way(place, ebbd):
    """a stale socket is replaced, anything else in its place is left alone"""
    start(place, ebbd).ready().kill()
    assert os.path.exists(place.path("state", "ebbd.sock"))
    start(place, ebbd).ready().term()
    place.write("state/ebbd.sock", "precious")
    program = start(place, ebbd)
    assert program.ended() == 1
    assert "ebbd.sock" in program.log()
    with open(place.path("state", "ebbd.sock"), encoding="utf-8") as file:
        assert file.read() == "precious"


def test_read_only(place, ebbd):
    """a state folder that cannot be written is refused with the reason"""
    state = place.mount("state", "1m")
    subprocess.run(["mount", "-o", "remount,ro", state], check=True)
    program = start(place, ebbd)
    assert program.ended() == 1
    assert "Read-only file system" in program.log(), program.log()
    subprocess.run(["mount", "-o", "remount,rw", state], check=True)
    start(place, ebbd).ready()
    assert control(place, "status")["boot"] == 1


def fill(folder):
    """Leaves no byte free."""
    with open(os.path.join(folder, "filler"), "wb", buffering=0) as file:
        with contextlib.suppress(OSError):
            while file.write(b"x" * 4096):
                pass


def test_full_disk(place, ebbd):
    """a full disk: degraded and serving while it runs, refused at the start, well afterwards"""
    state = place.mount("state", "256k")
    program = start(place, ebbd).ready()
    fill(state)
    # node.log has room in its last block for some records; more of them than that fill it.
    for number in range(200):
        config(place, f"# {number}\n")
        assert control(place, "reload")["ok"]
        program.manager.drain()  # an unread one is waited for
        degraded = control(place, "status")["degraded"]
        if degraded:
            break
    assert degraded and "node.log: " in degraded, degraded
    assert "No space left on device" in degraded or "the disk is full" in degraded, degraded
    assert control(place, "ping")["ok"]
    assert program.log().count("event=degraded") == 1
    assert program.term() == 1
    assert "the end was not recorded" in program.log()
    refused = start(place, ebbd)
    assert refused.ended() == 1, refused.log()
    assert "No space left on device" in refused.log(), refused.log()
    os.unlink(os.path.join(state, "filler"))
    start(place, ebbd).ready()
    status = control(place, "status")
    assert status["boot"] >= 2 and status["previous_close"] == "lost", status
    assert status["degraded"] is None


@contextlib.contextmanager
def traced(program, *inject):
    """strace on a running program, or Skip; yields the path of its output."""
    output = program.log_path + ".strace"
    words = ["strace", "-f", "-p", str(program.process.pid), "-o", output,
             "-e", "trace=fsync,fdatasync,sync_file_range", *inject]
    try:
        tracer = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    except FileNotFoundError as missing:
        raise Skip("strace is not installed") from missing
    line = tracer.stderr.readline()
    if "attached" not in line:
        tracer.kill()
        tracer.wait()
        raise Skip(f"strace cannot attach: {line.strip()}")
    try:
        yield output
    finally:
        tracer.terminate()
        tracer.wait()
        tracer.stderr.close()


def test_failed_sync(place, ebbd):
    """after the first failed sync nothing is synced again, and all is served"""
    # A checker of leaks traces its process itself and cannot do so beside strace.
    no_leaks = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
    program = start(place, ebbd, environment={"ASAN_OPTIONS": no_leaks}).ready()
    with traced(program, "-e", "inject=fsync,fdatasync:error=EIO:when=1") as output:
        config(place, "# one\n")
        assert control(place, "reload")["ok"]
        assert "Input/output error" in control(place, "status")["degraded"]
        for number in range(5):
            config(place, f"# {number} more\n")
            assert control(place, "reload")["ok"]
            program.manager.drain()
        assert program.term() == 1
    with open(output, encoding="utf-8") as file:
        syncs = re.findall(r"f(?:data)?sync\(", file.read())
    assert len(syncs) == 1, syncs
    start(place, ebbd).ready()
    status = control(place, "status")
    assert (status["boot"], status["previous_close"]) == (2, "lost")


def test_second_signal(place, ebbd):
    """a second signal ends it at once, in the middle of an orderly end"""
    program = start(place, ebbd).ready()
    with traced(program, "-e", "inject=fsync,fdatasync:delay_enter=20000000"):
        program.signal(signal.SIGTERM)
        program.until("STOPPING=1")
        program.signal(signal.SIGTERM)
        assert program.ended() == -signal.SIGTERM
    # Whether the end was recorded before the second signal is a race: both answers are true.
    start(place, ebbd).ready()
    status = control(place, "status")
    assert status["boot"] == 2 and status["previous_close"] in ("lost", "orderly"), status


def test_watchdog(place, ebbd):
    """signs of life come with each turn; a longer turn asks the manager for patience"""
    config(place, "loop:\n  tick: 1s\n")
    program = start(place, ebbd, environment={"WATCHDOG_USEC": "60000000"}).ready()
    program.until("WATCHDOG=1").until("WATCHDOG=1")
    assert not [word for word in program.manager.told if word.startswith("WATCHDOG_USEC")]
    config(place, "loop:\n  tick: 1m\n")
    program.signal(signal.SIGHUP)
    program.until("WATCHDOG_USEC=180000000")
    assert program.term() == 0


def test_stopped(place, ebbd):
    """SIGSTOP for a while: missed turns are skipped and counted, not caught up with"""
    config(place, "loop:\n  tick: 1s\n")
    program = start(place, ebbd).ready()
    before = control(place, "status")
    program.signal(signal.SIGSTOP)
    time.sleep(3.5)
    program.signal(signal.SIGCONT)
    end = time.monotonic() + PATIENCE
    status = control(place, "status")
    while status["ticks"] == before["ticks"] and time.monotonic() < end:
        status = control(place, "status")
    assert status["ticks_skipped"] >= 2, status
    assert status["ticks"] <= before["ticks"] + 3, status
    assert control(place, "ping")["ok"]


def test_crowd(place, ebbd):
    """200 clients at once are answered, whatever the one does that never reads"""
    start(place, ebbd).ready()
    path = place.path("state", "ebbd.sock")
    deaf = connect(path)
    deaf.setblocking(False)
    with contextlib.suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):
        while True:
            deaf.send(b"status\n" * 100)
    answers = []

    def client():
        for _ in range(5):
            answers.append(ask(path, "status")["ok"])

    threads = [threading.Thread(target=client) for _ in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 1000 and all(answers), (len(answers), answers.count(False))
    deaf.close()


def test_rude_clients(place, ebbd):
    """noise, half lines, floods and hang-ups harm nobody"""
    start(place, ebbd).ready()
    path = place.path("state", "ebbd.sock")
    random = seed()
    for _ in range(300):
        with connect(path) as client:
            noise = random.choice([os.urandom(random.randrange(6000)), b"status", b"\n" * 50,
                                   b"status\n" * random.randrange(30), b"x" * 5000])
            with contextlib.suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):
                client.sendall(noise)
                if random.random() < 0.5:
                    client.shutdown(socket.SHUT_WR)
                client.setblocking(False)
                if random.random() < 0.5:
                    client.recv(random.randrange(1, 500))
    assert control(place, "status")["ok"]
    with connect(path) as client:
        client.sendall(b"x" * 5000 + b"\n")
        with client.makefile("rb") as replies:
            refused = json.loads(replies.readline())
    assert refused == {"ok": False, "code": 2, "error": "a request has at most 4096 bytes"}


def test_kills(place, ebbd):
    """kill -9 at random moments: it always starts again, boot numbers only grow"""
    random = seed()
    last, lost, early = 0, 0, 0
    for _ in range(KILLS):
        program = start(place, ebbd)
        time.sleep(random.random() ** 3 * 0.03)
        early += "READY=1" not in program.manager.drain()
        program.kill()
        if random.random() < 0.5:
            config(place, f"# {random.random()}\n")
        program = start(place, ebbd).ready()
        status = control(place, "status")
        assert status["boot"] > last, (status, last)
        lost += status["previous_close"] == "lost"
        last = status["boot"]
        program.signal(random.choice([signal.SIGHUP, signal.SIGCONT]))
        time.sleep(random.random() * 0.003)
        program.kill()
    print(f"# {2 * KILLS} kills, {early} of them before it was ready; boot {last}")
    assert lost >= KILLS - 1


if __name__ == "__main__":
    sys.exit(main([test_options, test_first_start, test_history, test_locked_folder,
                   test_verbs, test_ends, test_bad_config_at_start, test_reload,
                   test_reload_verb, test_second,
                   test_socket_in_the_way, test_read_only, test_full_disk, test_failed_sync,
                   test_second_signal, test_watchdog, test_stopped, test_crowd,
                   test_rude_clients, test_kills], sys.argv[1:]))
