#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The first minute, and every claim of it held against what is there. Speaks TAP.

usage: tests/demo_test.py EBB
"""
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import programs  # noqa: E402
from programs import PATIENCE  # noqa: E402

BLOCK, BLOCKS, MASK = 4096, 4096, (1 << 64) - 1
OFFICE = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "bench", "office.py")


def environment(place):
    return {"PATH": os.environ["PATH"], "HOME": place.path("home"), "LANG": "C.UTF-8"}


def start(place, ebb, *words):
    return subprocess.Popen([ebb, "demo", *words], env=environment(place), text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def run(place, ebb, *words, code=0):
    """Its standard output; what it says must end with that code."""
    process = start(place, ebb, *words)
    out, err = process.communicate(timeout=2 * PATIENCE)
    assert process.returncode == code, (words, process.returncode, out[-2000:], err)
    return out, err


def events(out):
    """By name; each comes once."""
    found = {}
    for line in out.splitlines():
        document = json.loads(line)
        assert document["type"] == "demo" and document["event"] not in found, line
        found[document["event"]] = document
    return found


def left_over(state):
    """Processes that name that folder, and are none of ours."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                line = file.read().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if state in line and int(pid) != os.getpid():
            found.append((pid, line))
    return found


def gone(state):
    assert not os.path.exists(state), os.listdir(state)
    end = time.monotonic() + PATIENCE
    while left_over(state) and time.monotonic() < end:
        time.sleep(0.05)
    assert not left_over(state), left_over(state)


def written(number):
    """The block of that write, as src/ebb/demo_writer.h has it."""
    words = [number]
    for i in range(1, 64):
        z = (number * 64 + i + 0x9e3779b97f4a7c15) & MASK
        z = ((z ^ z >> 30) * 0xbf58476d1ce4e5b9) & MASK
        z = ((z ^ z >> 27) * 0x94d049bb133111eb) & MASK
        words.append(z ^ z >> 31)
    return b"".join(word.to_bytes(8, "little") for word in words) * 8


def volume_after(writes):
    image = bytearray(BLOCK * BLOCKS)
    for number in range(1, writes + 1):
        at = ((number * 2654435761) & 0xffffffff) % BLOCKS * BLOCK
        image[at:at + BLOCK] = written(number)
    return hashlib.sha256(image).hexdigest()


def hash_of(*names):
    with open(os.path.join(*names), "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def check_week(week):
    assert week["generated"] and week["days"] == 26 and week["jobs"] == 13, week
    widths, harm = week["band_widths"], week["harm"]
    assert widths[-1] < widths[0] / 3, widths
    assert harm["ebb"] < harm["feedback"] < harm["fixed"] / 50, harm
    assert harm["knows"] <= harm["ebb"] and week["late"]["ebb"] == 0, week


def check_restore(state, point, restored):
    """What came back is what so many writes made, and all that was acknowledged is in it."""
    assert restored["equal"] and restored["restored_sha256"] == restored["written_sha256"]
    assert hash_of(state, restored["file"]) == restored["restored_sha256"]
    assert volume_after(restored["writes"]) == restored["restored_sha256"]
    assert 0 < point["acknowledged_before"] <= restored["writes"] <= point["begun_after"], point


def check_damage(ebb, place, state, found):
    """The byte is mended; flipped once more it is found once more."""
    flip, mended = found["flipped"], found["mended"]
    assert flip["was"] != flip["is"] and found["found"]["code"] == 13, found
    pack = flip["file"].removeprefix("repo/")
    assert f"{pack}: 1 of " in found["found"]["said"], found["found"]
    assert mended["mended"] == 1 and mended["equal"], mended
    path = os.path.join(state, flip["file"])
    assert hash_of(path) == flip["before_sha256"] == mended["after_sha256"]
    with open(path, "r+b") as file:
        file.seek(flip["at"])
        assert file.read(1) == bytes([flip["was"]])
        file.seek(flip["at"])
        file.write(bytes([flip["is"]]))
    words = [ebb, "verify", "--repo", os.path.join(state, "repo"), "--key-file",
             os.path.join(state, "repo.key")]
    env = environment(place)
    damaged = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
    assert damaged.returncode == 13 and pack in damaged.stderr, damaged
    subprocess.run([*words, "--repair"], env=env, capture_output=True, check=True)
    assert hash_of(path) == flip["before_sha256"]


def test_every_claim(place, ebb):
    """what the first minute claims is so"""
    state = place.path("state")
    out, err = run(place, ebb, "--json", "--exit", "--keep", "--state", state)
    assert err == "", err
    assert not os.path.exists(place.path("home")), "it wrote outside its folder"
    found = events(out)
    assert list(found) == ["begin", "week", "point", "restored", "flipped", "found", "mended",
                           "protected", "ready", "ended"], list(found)
    check_week(found["week"])
    check_restore(state, found["point"], found["restored"])
    check_damage(ebb, place, state, found)
    resource = found["protected"]["resource"]
    assert resource["name"] == "tide" and resource["path"] == "vol/tide", resource
    assert resource["newest_point"] and resource["failures"] == 0, resource
    assert found["ended"]["kept"] and not left_over(state), left_over(state)


def test_ctrl_c(place, ebb):
    """it stays until Ctrl-C, protects for as long, and leaves nothing"""
    process = start(place, ebb, "--json")
    state = None
    for line in process.stdout:
        event = json.loads(line)
        state = event.get("state", state)
        if event["event"] == "ready":
            break
    with urllib.request.urlopen(event["url"], timeout=PATIENCE) as page:
        assert event["url"].startswith("http://127.0.0.1:") and page.status == 200, event
        assert "<html" in page.read().decode().lower()
    status = subprocess.run([ebb, "status", "--json", "--state", state], env=environment(place),
                            capture_output=True, text=True, check=True)
    assert json.loads(status.stdout)["protected"][0]["name"] == "tide", status.stdout
    assert len(left_over(state)) == 2, left_over(state)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0 and err == "", (process.returncode, err)
    assert json.loads(out.splitlines()[-1])["event"] == "ended", out
    gone(state)
    assert os.listdir(os.path.dirname(state)) == [], os.listdir(os.path.dirname(state))


def test_recorded(place, ebb):
    """a recorded load is taken instead; Ctrl-C in the middle leaves nothing, either"""
    with open(place.path("b.csv"), "wb") as file:
        subprocess.run([OFFICE], stdout=file, check=True)
    process = start(place, ebb, "--json", "--data", place.folder)
    state = None
    for line in process.stdout:
        event = json.loads(line)
        state = event.get("state", state)
        if event["event"] == "week":
            break
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert not event["generated"] and event["source"] == place.path("b.csv"), event
    assert event["days"] == 28 and event["harm"]["ebb"] < event["harm"]["fixed"] / 50, event
    assert process.returncode == 0 and err == "", (process.returncode, err)
    gone(state)


def test_refused(place, ebb):
    """a folder that is there stays as it is; data that are none are told"""
    os.makedirs(place.path("there", "empty"))
    _, err = run(place, ebb, "--exit", "--state", place.path("there"), code=5)
    assert "is there already, and a demo wants a new folder" in err, err
    assert os.listdir(place.path("there")) == ["empty"]
    _, err = run(place, ebb, "--exit", "--data", place.path("there"), code=4)
    assert err == f"ebb: {place.path('there')}: no file in it ends in .csv\n", err
    place.write("short.csv", "time,value\n1789948800,1\n1789949100,2\n")
    _, err = run(place, ebb, "--exit", "--data", place.path("short.csv"), code=1)
    assert "short.csv: it holds no whole day" in err, err
    assert os.listdir(place.path("home", ".local", "state", "ebb")) == []


sys.exit(programs.main([value for name, value in list(globals().items())
                        if name.startswith("test_")], [os.path.realpath(sys.argv[1])]))
