#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The Debian package, installed in a minimal Debian: its user, its daemons as their units start
them, a folder protected there and restored in another tree, and every command of the README as it
stands. Needs root. Speaks TAP.

usage: tests/deb_test.py TREE OTHER

Both are trees in which the package is installed; TREE is not as it was afterwards.
"""
import json
import os
import random
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import programs  # noqa: E402
import s3_server as s3  # noqa: E402
from compare import differences  # noqa: E402

README = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "README.md")
ENTER = """
mount -t proc proc "$0/proc"
mount --rbind /dev "$0/dev"
exec chroot "$0" bash -euo pipefail -c "$1"
"""


def argv(tree, script):
    """The script in the tree, in namespaces of its own: nothing outlives it."""
    return ["unshare", "--mount", "--pid", "--fork", "--kill-child", "bash", "-euc", ENTER, tree,
            script]


def environment(more=None):
    return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8",
            "DEBIAN_FRONTEND": "noninteractive", **(more or {})}


def inside(tree, script, more=None):
    done = subprocess.run(argv(tree, script), env=environment(more), capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=300, check=False)
    assert done.returncode == 0, f"{script}\n{done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


class Unit:
    """A unit file of the package, and the part of the service manager that its lines ask for."""

    def __init__(self, tree, name):
        with open(f"{tree}/lib/systemd/system/{name}", encoding="utf-8") as file:
            lines = re.findall(r"^(\w+)=(.*)$", file.read(), re.M)
        self.tree, self.lines, self.program = tree, dict(lines), None

    def folder(self):
        """What StateDirectory= makes."""
        path = f"{self.tree}/var/lib/{self.lines['StateDirectory']}"
        os.makedirs(path, exist_ok=True)
        entry = inside(self.tree, f"getent passwd {self.lines['User']}").split(":")
        os.chown(path, int(entry[2]), int(entry[3]))
        os.chmod(path, int(self.lines["StateDirectoryMode"], 8))
        return path, int(entry[2])

    def guise(self):
        """User=, the capabilities, and the rest that a chroot can have of them."""
        caps = self.lines["AmbientCapabilities"].split()
        listed = ",".join("+" + cap[4:].lower() for cap in caps)
        assert set(caps) == set(self.lines["CapabilityBoundingSet"].split())
        assert self.lines["NoNewPrivileges"] == "yes"
        return ["setpriv", "--reuid", self.lines["User"], "--regid", self.lines["Group"],
                "--clear-groups", "--no-new-privs", *(["--inh-caps=-all," + listed,
                "--ambient-caps=-all," + listed] if caps else ["--inh-caps=-all"]),
                "--bounding-set=-all" + ("," + listed if caps else "")]

    def start(self, sockets=()):
        folder, uid = self.folder()
        manager = programs.Manager(f"{self.tree}/run")
        os.chmod(manager.path, 0o777)
        handed, listening = [], []
        for number, (path, _) in enumerate(sockets):
            listening.append(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            if os.path.exists(self.tree + path):
                os.unlink(self.tree + path)
            listening[-1].bind(self.tree + path)
            os.chmod(self.tree + path, 0o600)
            os.chown(self.tree + path, uid, uid)
            listening[-1].listen()
            handed.append(f"exec {3 + number}<&{listening[-1].fileno()}")
        names = ":".join(name for _, name in sockets)
        told = f"env LISTEN_PID=$$ LISTEN_FDS={len(sockets)} LISTEN_FDNAMES={names} "
        script = "\n".join([*handed, "umask 077", "exec " + (told if sockets else "") +
                            shlex.join(self.guise()) + " " + self.lines["ExecStart"]])
        assert self.lines["Type"] == "notify"
        self.program = programs.Program(
            argv(self.tree, script), f"{self.tree}/run", manager=manager,
            environment=environment({
                "NOTIFY_SOCKET": "/run/notify", "HOME": "/var/lib/ebb",
                "STATE_DIRECTORY": folder[len(self.tree):],
                "WATCHDOG_USEC": str(int(self.lines["WatchdogSec"]) * 1000000)}),
            descriptors=[s.fileno() for s in listening])
        self.program.ready()
        for one in listening:
            one.close()
        return self

    def main_pid(self):
        """Of the program itself, as this namespace numbers it."""
        pid = self.program.process.pid
        while True:
            with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
                children = file.read().split()
            if not children:
                return int(pid)
            pid = children[0]

    def reload(self):
        assert self.lines["ExecReload"] == "/bin/kill -HUP $MAINPID"
        self.program.manager.drain()
        os.kill(self.main_pid(), signal.SIGHUP)
        self.program.until("RELOADING=1")
        self.program.until("READY=1")

    def stop(self):
        pid = self.main_pid()
        os.kill(pid, signal.SIGTERM)
        assert self.program.ended() == 0, self.program.log()


def plant(folder):
    dice = random.Random(7)
    for name, size in (("a", 3_000_000), ("deep/b", 200_000), ("deep/empty", 0), ("c", 9)):
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(dice.randbytes(size))
    os.symlink("deep/b", os.path.join(folder, "link"))
    os.chmod(os.path.join(folder, "c"), 0o600)
    os.chown(os.path.join(folder, "c"), 1234, 1234)


def same(left, right):
    found = differences(left, right)
    assert not found, found


def wait_for(told, what):
    end = time.monotonic() + programs.PATIENCE
    while not told():
        assert time.monotonic() < end, what
        time.sleep(0.2)


def test_installed(_, tree, __):
    """what the package brings"""
    assert inside(tree, "id -un ebb; id -Gn ebb").split() == ["ebb", "ebb"]
    assert inside(tree, "getent passwd ebb").strip().endswith("/usr/sbin/nologin")
    inside(tree, "ebb config check")
    listed = inside(tree, "dpkg -L ebb").split()
    for path in ("/usr/share/man/man1/ebb-repo.1.gz", "/usr/share/man/man8/ebbd.8.gz",
                 "/usr/share/man/man5/ebb.yaml.5.gz", "/etc/ebb/conf.d",
                 "/usr/share/zsh/vendor-completions/_ebb",
                 "/usr/share/bash-completion/completions/ebb.bash",
                 "/usr/share/doc/ebb/guide/protect.md", "/usr/share/ebb/hooks/lvm-snapshot"):
        assert path in listed or path + ".gz" in listed, path
    assert inside(tree, "dpkg-query -W -f '${Conffiles}' ebb").split()[0] == "/etc/ebb/ebb.yaml"
    assert not inside(tree, "find $(dpkg -L ebb) -maxdepth 0 -perm /6022 ! -type l").strip()


def test_protected(_, tree, other):
    """ebbd by its unit protects a folder, and another tree restores it"""
    plant(tree + "/home/someone")
    os.makedirs(tree + "/mnt/backup")
    inside(tree, "ebb repo init --repo /mnt/backup/ebb --key-file /etc/ebb/home.key")
    unit = Unit(tree, "ebbd.service").start()
    try:
        with open(tree + "/etc/ebb/conf.d/home.yaml", "w", encoding="utf-8") as file:
            file.write("loop: {tick: 1s}\nprotect:\n  home: {path: /home, to: /mnt/backup/ebb, "
                       "key_file: /etc/ebb/home.key, rpo: 24h}\n")
        unit.reload()
        assert "home" in inside(tree, "ebb status")
        inside(tree, "ebb job now home")
        wait_for(lambda: "done" in inside(tree, "ebb job ls home"),
                 lambda: inside(tree, "ebb job ls home") + unit.program.log())
        assert inside(tree, "ebb job why home").strip()
    finally:
        unit.stop()
    shutil.copytree(tree + "/mnt/backup/ebb", other + "/mnt/backup/ebb")
    shutil.copy(tree + "/etc/ebb/home.key", other + "/root/key.txt")
    inside(other, "cd; ebb restore latest /mnt/new --repo /mnt/backup/ebb --key-file key.txt")
    same(tree + "/home", other + "/mnt/new")


def test_volumes(_, tree, __):
    """ebb-vold by its units: sockets handed over, a volume, and a point that fills another"""
    names = [(Unit(tree, f"{name}.socket").lines) for name in ("ebb-vold", "ebb-vold-nbd")]
    for lines in names:
        assert (lines["SocketUser"], lines["SocketMode"]) == ("ebb", "0600")
    unit = Unit(tree, "ebb-vold.service").start(
        [(lines["ListenStream"], lines["FileDescriptorName"]) for lines in names])
    try:
        inside(tree, "ebb volume create db 64MiB")
        inside(tree, "export EBB_REPO=/mnt/backup/ebb EBB_KEY_FILE=/etc/ebb/home.key\n"
                     "ebb protect vol/db; ebb restore --to vol/again vol/db@latest")
        assert "again" in inside(tree, "ebb volume ls")
    finally:
        unit.stop()


class Locking(s3.Server):
    """With object lock, as far as a client can see it that removes nothing."""

    def serve(self, handler, request):
        if request.method == "GET" and "object-lock" in request.query and self.signed(request):
            return handler.answer(200, b"<ObjectLockConfiguration><ObjectLockEnabled>Enabled"
                                       b"</ObjectLockEnabled></ObjectLockConfiguration>")
        return super().serve(handler, request)


# What must be so before a block of the README is typed, by the block's first line.
BEFORE = {
    "make run ": None,  # the lanes of CI type these
    "# /etc/ebb/": "cat >/tmp/readme.yaml",
    "ebb doctor": "rm -rf /mnt/backup /etc/ebb/conf.d/* /etc/ebb/*.key; mkdir /mnt/backup",
    "ebb repo init --repo /mnt/backup/ebb --key-file ~/.ebb.key": "rm -rf /mnt/backup ~/.ebb.key; "
                                                                "mkdir /mnt/backup",
    "ebb restore latest /mnt/new": "cp ~/.ebb.key key.txt; rm -rf /mnt/new",
    "ebb repo key add --recovery": ":",
    "ebb snap ls --repo /mnt/backup/ebb --key-file rescue.key": "cp sheet.txt rescue.key; "
                                                              "rm -rf /mnt/new",
}


def blocks():
    with open(README, encoding="utf-8") as file:
        text = file.read()
    found = re.findall(r"(?:^    .*\n(?:\n(?=    ))?)+", text, re.M)
    found += re.findall(r"^```\w*\n(.*?)^```", text, re.M | re.S)
    return [re.sub(r"^    ", "", block, flags=re.M) for block in found]


def prepared(block):
    for first, before in BEFORE.items():
        if block.startswith(first):
            return before
    raise AssertionError(f"the README has a block that this test does not know:\n{block}")


def test_readme(_, tree, __):
    """every command of the README, typed as it stands"""
    server = Locking()
    # 3: something is wrong on this machine. Nothing runs here, and doctor says so.
    script, count = ["cd", "set -x", "ebb() { command ebb \"$@\" || "
                     "{ code=$?; [ \"$1\" = doctor ] && [ $code = 3 ]; }; }"], 0
    for block in blocks():
        before = prepared(block)
        if before is None:
            continue
        if block.startswith("#"):
            script += [f"{before} <<'END'\n{block}END", "ebb config check /tmp/readme.yaml"]
            continue
        script += [before, block]
        count += sum(line.startswith("ebb ") for line in block.splitlines())
    try:
        said = inside(tree, "\n".join(script), {
            "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "testsecret",
            "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{server.port}"})
    finally:
        server.stop()
    print(f"# {count} commands")
    assert count >= 8, said
    same(tree + "/home", tree + "/mnt/new")


def test_removed(_, tree, __):
    """a purge takes all but volumes"""
    inside(tree, "dpkg --purge ebb")
    assert os.path.isdir(tree + "/var/lib/ebb/volumes")
    for path in ("/etc/ebb/ebb.yaml", "/usr/bin/ebb", "/lib/systemd/system/ebbd.service"):
        assert not os.path.exists(tree + path), path


if __name__ == "__main__":
    sys.exit(programs.main([test_installed, test_protected, test_volumes, test_readme,
                            test_removed], [os.path.realpath(word) for word in sys.argv[1:]]))
