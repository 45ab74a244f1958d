#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `doctor` finds, held against what this machine says elsewhere. Speaks TAP.

usage: tests/doctor_test.py EBB EBBD
"""
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import programs  # noqa: E402

LEVELS = {"good", "note", "wrong"}


def ebb(place, program, *words, codes=(0,)):
    code, out, err = programs.run([program, *words], {
        "XDG_STATE_HOME": place.path("home"), "EBB_CONFIG": place.path("ebb.yaml"),
        "EBB_REPO": "", "EBB_KEY_FILE": ""})
    assert code in codes, (words, code, out, err)
    return out


def look(place, program):
    """Findings by group, of a configuration that is written when none is there."""
    if not os.path.exists(place.path("ebb.yaml")):
        place.write("ebb.yaml", f"state: {place.path('state')}\n")
    told = json.loads(ebb(place, program, "doctor", "--json", codes=(0, 3)))
    groups = {}
    for finding in told["findings"]:
        assert finding["level"] in LEVELS and finding["text"] and finding["name"], finding
        assert finding["level"] != "wrong" or finding["do"], finding
        groups.setdefault(finding["group"], []).append(finding)
    assert told["wrong"] == sum(f["level"] == "wrong" for f in told["findings"])
    return groups, told


def first_line(path):
    with open(path, encoding="utf-8") as file:
        return file.readline().strip()


def test_machine(place, program, _):
    """disks, file systems and the kernel are what the machine says"""
    groups, _ = look(place, program)
    made = ("loop", "ram", "zram", "dm-", "md", "sr", "nbd", "fd")
    disks = {name for name in (os.listdir("/sys/block") if os.path.isdir("/sys/block") else [])
             if not name.startswith(made) and int(first_line(f"/sys/block/{name}/size"))}
    assert {finding["name"] for finding in groups.get("disk", [])} == disks, (groups, disks)
    with open("/proc/self/mounts", encoding="utf-8") as file:
        real = {line.split()[1].encode().decode("unicode_escape") for line in file
                if line.split()[2] in ("ext4", "xfs", "btrfs")}
    for finding in groups.get("file system", []):
        about = os.statvfs(finding["name"])
        full = 100 - 100 * about.f_bavail / about.f_blocks
        said = float(finding["text"].split(" % full")[0].split()[-1])
        assert abs(said - full) < 3, (finding, full)
    assert {os.stat(path).st_dev for path in real} <= {
        os.stat(finding["name"]).st_dev for finding in groups.get("file system", [])}, groups
    kernel = {finding["name"]: finding["level"] for finding in groups["kernel"]}
    assert (kernel["fuse"] == "good") == os.path.exists("/dev/fuse"), kernel
    assert (kernel["pressure"] == "good") == os.path.exists("/proc/pressure/io"), kernel
    assert len(groups["clock"]) == 1, groups["clock"]


def test_proposal(place, program, _):
    """what is proposed is a configuration, and the same in every way"""
    _, told = look(place, program)
    text = ebb(place, program, "doctor", "--propose")
    without_room = [line for line in text.splitlines() if " free, and / is on" not in line]
    assert without_room == [line for line in told["proposal"].splitlines()
                            if " free, and / is on" not in line], text
    path = place.write("proposed.yaml", text)
    assert "no mistakes" in ebb(place, program, "config", "check", path)
    shown = json.loads(ebb(place, program, "config", "show", path, "--json"))
    named = {entry["path"] for entry in shown["protect"] if entry["path"]}
    assert ("/etc" in named) == bool(os.listdir("/etc")), named


def test_own_state(place, program, ebbd):
    """what is wrong with what is protected is told one by one, until nothing is"""
    os.mkdir(place.path("data"))
    place.write("ebb.yaml", f"""state: {place.path('state')}
loop: {{tick: 1s}}
protect:
  data: {{path: {place.path('data')}, to: {place.path('repo')}, key_file: {place.path('key')},
    rpo: 1h}}
  gone: {{path: {place.path('gone')}, to: {place.path('repo')}, key_file: {place.path('key')},
    rpo: 1h}}
""")

    def wrong():
        groups, told = look(place, program)
        ours = [f for f in told["findings"]
                if f["group"] in ("ebb", "protected") and f["level"] == "wrong"]
        return [f"{f['name']}: {f['text']}" for f in ours], groups

    key, repo = place.path("key"), place.path("repo")
    found, groups = wrong()
    assert found == [f"data: no repository at {repo}",
                     f"data: its key {key}: No such file or directory",
                     f"gone: {place.path('gone')}: No such file or directory",
                     f"gone: no repository at {repo}",
                     f"gone: its key {key}: No such file or directory"], found
    assert "does not answer" in next(f["text"] for f in groups["ebb"] if f["name"] == "ebbd")
    os.mkdir(place.path("gone"))
    ebb(place, program, "repo", "init", "--repo", repo, "--key-file", key)
    os.chmod(key, 0o644)
    found, _ = wrong()
    assert found == [f"{name}: its key {key} can be read by others"
                     for name in ("data", "gone")], found
    os.chmod(key, 0o600)
    place.start([ebbd, "--config", place.path("ebb.yaml")]).ready()
    found, groups = wrong()
    assert found == [], found
    assert any("lie on the same file system" in f["text"] for f in groups["protected"]), groups
    assert "is well" in next(f["text"] for f in groups["ebb"] if f["name"] == "ebbd"), groups
    text = ebb(place, program, "doctor", codes=(0, 3))
    assert "protected\n" in text and "data: newest point" in text, text
    # A configuration that is refused is what is wrong.
    place.write("ebb.yaml", "nod: {}\n")
    found, _ = wrong()
    assert found == [f"{place.path('ebb.yaml')}: the configuration is refused, as told above"]


sys.exit(programs.main([value for name, value in list(globals().items())
                        if name.startswith("test_")],
                       [os.path.realpath(path) for path in sys.argv[1:3]]))
