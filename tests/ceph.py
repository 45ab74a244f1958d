# SPDX-License-Identifier: Apache-2.0

"""A Ceph of one node with an S3 gateway: mon, mgr, osd (bluestore on a sparse file), radosgw, all
on loopback, all below one folder, stopped by their ids. Wants root, about 20 s and 450 MB.
"""
import os
import shutil
import socket
import subprocess
import time
import uuid

PATIENCE = 120
PROGRAMS = ("ceph-mon", "ceph-mgr", "ceph-osd", "radosgw", "radosgw-admin", "ceph",
            "ceph-authtool", "monmaptool")

CONF = """
[global]
fsid = {fsid}
mon host = [v2:127.0.0.1:{msgr2}/0,v1:127.0.0.1:{msgr1}/0]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv6 = false
run dir = {folder}
pid file = {folder}/$name.pid
admin socket = {folder}/$name.asok
log file = {folder}/$name.log
crash dir = {folder}/crash
keyring = {folder}/keyring
mon data = {folder}/mon
mgr data = {folder}/mgr
osd data = {folder}/osd
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
osd pool default pg autoscale mode = off
mon allow pool size one = true
mon warn on pool no redundancy = false
mon max pg per osd = 1000
osd crush chooseleaf type = 0
auth allow insecure global id reclaim = false
bluestore block size = 4294967296
bluestore fsck on mount = false
osd memory target = 939524096
osd objectstore = bluestore
rgw frontends = beast endpoint=127.0.0.1:{port}
rgw enable usage log = false
rgw lc debug interval = -1
rgw thread pool size = 64
"""


def missing():
    """The programs that are not installed."""
    return [name for name in PROGRAMS if not shutil.which(name)]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Ceph:
    """Started by the constructor; stop() ends it."""

    def __init__(self, folder):
        self.folder = folder
        self.conf = os.path.join(folder, "ceph.conf")
        self.processes = []
        self.port = free_port()
        self.access, self.secret = "test", "testsecret"
        for name in ("mon", "mgr", "osd", "crash"):
            os.makedirs(os.path.join(folder, name))
        self.fsid, osd = str(uuid.uuid4()), str(uuid.uuid4())
        msgr2, msgr1 = free_port(), free_port()
        with open(self.conf, "w", encoding="ascii") as conf:
            conf.write(CONF.format(fsid=self.fsid, folder=folder, port=self.port, msgr1=msgr1,
                                   msgr2=msgr2))
        try:
            self.make_keys()
            self.start_mon(f"[v2:127.0.0.1:{msgr2},v1:127.0.0.1:{msgr1}]")
            self.daemon("ceph-mgr", "-i", "x")
            self.tool("ceph", "osd", "new", osd, "0")
            self.tool("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd)
            self.daemon("ceph-osd", "-i", "0")
            self.until(lambda: "1 up" in self.tool("ceph", "osd", "stat"))
            self.tool("radosgw-admin", "user", "create", "--uid=test", "--display-name=test",
                      f"--access-key={self.access}", f"--secret={self.secret}")
            self.daemon("radosgw", "-n", "client.rgw")
            self.until(self.answers)
        except BaseException:
            self.stop()
            raise

    def tool(self, program, *words):
        done = subprocess.run([program, "-c", self.conf, *words], capture_output=True, text=True,
                              timeout=PATIENCE, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{program} {' '.join(words)}: {done.stderr[-2000:]}")
        return done.stdout + done.stderr

    def make_keys(self):
        ring = os.path.join(self.folder, "keyring")
        caps = {"mon.": ("mon", "allow *"), "client.admin": ("mon", "allow *"),
                "mgr.x": ("mon", "allow profile mgr"), "osd.0": ("mon", "allow profile osd"),
                "client.rgw": ("mon", "allow rw")}
        extra = {"client.admin": ("osd", "mgr"), "mgr.x": ("osd", "mds"), "osd.0": ("osd", "mgr"),
                 "client.rgw": ("osd",)}
        for number, (name, (kind, cap)) in enumerate(caps.items()):
            words = ["--cap", kind, cap]
            for other in extra.get(name, ()):
                words += ["--cap", other, "allow rwx" if name == "client.rgw" else "allow *"]
            if name == "osd.0":
                words = ["--cap", "mon", "allow profile osd", "--cap", "mgr",
                         "allow profile osd", "--cap", "osd", "allow *"]
            subprocess.run(["ceph-authtool", *(["--create-keyring"] if number == 0 else []), ring,
                            "--gen-key", "-n", name, *words], check=True, capture_output=True)

    def start_mon(self, address):
        monmap = os.path.join(self.folder, "monmap")
        subprocess.run(["monmaptool", "--create", "--fsid", self.fsid, "--addv", "a", address,
                        monmap], check=True, capture_output=True)
        self.tool("ceph-mon", "--mkfs", "-i", "a", "--monmap", monmap)
        self.daemon("ceph-mon", "-i", "a")
        self.tool("ceph", "--connect-timeout", "60", "-s")

    def daemon(self, program, *words):
        with open(os.path.join(self.folder, f"{program}.out"), "wb") as out:
            self.processes.append(subprocess.Popen(
                [program, "-c", self.conf, "-f", *words], stdin=subprocess.DEVNULL, stdout=out,
                stderr=out, cwd=self.folder))

    def until(self, true):
        end = time.monotonic() + PATIENCE
        while not true():
            if time.monotonic() > end:
                raise AssertionError("Ceph does not come up; see " + self.folder)
            for process in self.processes:
                if process.poll() is not None:
                    raise AssertionError(f"{process.args[0]} ended with {process.returncode}")
            time.sleep(0.1)

    def answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def stop(self):
        for process in reversed(self.processes):
            process.kill()
            process.wait()
        self.processes = []
