#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""File systems and PostgreSQL on volumes: by nbdfuse and a loop device of this kernel, and by
nbd.ko of Debian's kernel in a guest. Needs root. Speaks TAP.

usage: tests/check_guest.py EBB EBB_VOLD
"""
import contextlib
import glob
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from programs import PATIENCE, Skip, ask, main, user  # noqa: E402

BIN = (sorted(glob.glob("/usr/lib/postgresql/1[5-9]/bin")) or [""])[-1]
TABLES = ("accounts", "tellers", "branches")


def need(*tools):
    if os.getuid() != 0:
        raise Skip("needs root")
    for tool in tools:
        if not shutil.which(tool, path="/usr/bin:/bin:/usr/sbin:/sbin"):
            raise Skip(f"{tool} is not installed")


def call(*words, code=0, **how):
    done = subprocess.run(words, capture_output=True, text=True, timeout=5 * PATIENCE,
                          check=False, errors="replace", **how)
    assert code is None or done.returncode == code, (words, done.returncode, done.stdout[-2000:],
                                                     done.stderr[-2000:])
    return done


def until(what, message):
    end = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < end, message
        time.sleep(0.02)


class Host:
    """An ebb-vold, a repository, and what is attached."""

    def __init__(self, place, ebb, vold, own_disk=False, options=()):
        need("nbdfuse", "fusermount3", "losetup", "mkfs.ext4", "mkfs.xfs", "xfs_io")
        if not os.path.exists("/dev/fuse") or not os.path.exists("/dev/loop-control"):
            raise Skip("there is no /dev/fuse or no loop device")
        self.place, self.ebb_path, self.vold, self.options = place, ebb, vold, options
        os.chmod(place.folder, 0o755)
        self.disks, self.servers, self.state = [], [], place.path("state")
        self.own = place.path("own") if own_disk else None
        if self.own:
            with open(self.own + ".img", "wb") as image:
                image.truncate(2 << 30)
            call("mkfs.xfs", "-q", self.own + ".img")
            os.mkdir(self.own)
            self.state = os.path.join(self.own, "state")
            self.mount_own()
        self.start()
        self.ebb("repo", "init")

    def mount_own(self):
        call("mount", "-o", "loop", self.own + ".img", self.own)

    def start(self):
        self.program = self.place.start(
            [self.vold, "--state", self.state, *self.options]).ready()

    def cut_power(self):
        """Nothing reaches the disk of the state any more, and what was not synced is gone."""
        call("xfs_io", "-x", "-c", "shutdown", self.own)
        self.program.signal(signal.SIGKILL)
        self.program.ended()

    def power_on(self):
        call("umount", self.own)
        self.mount_own()
        self.start()

    def ask(self, *words):
        return ask(os.path.join(self.state, "vold.sock"), " ".join(words))

    def begin(self, *words):
        env = dict(os.environ, EBB_REPO=self.place.path("repo"),
                   EBB_KEY_FILE=self.place.path("key"), XDG_STATE_HOME=self.place.path("home"))
        return subprocess.Popen([self.ebb_path, *words], env=env, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def ebb(self, *words):
        process = self.begin(*words)
        out, err = process.communicate(timeout=5 * PATIENCE)
        assert process.returncode == 0, (words, process.returncode, out, err)
        return out, err

    def uri(self, name):
        return f"nbd+unix:///{name}?socket=" + os.path.join(self.state, "nbd.sock")

    def close(self):
        for server in self.servers:
            server.kill()
        for disk in self.disks:
            disk.detach()
        if self.own:
            self.program.kill()
            call("umount", self.own, code=None)


class Disk:
    """A volume as a block device with a file system."""

    def __init__(self, host, name, uri=None):
        self.host, self.name = host, name
        self.mount, self.loop, self.fuse = host.place.path("m-" + name), None, None
        self.folder = host.place.path("f-" + name)
        for folder in (self.mount, self.folder):
            os.makedirs(folder, exist_ok=True)
        host.disks.append(self)
        self.attach(uri)

    def attach(self, uri=None):
        image = os.path.join(self.folder, "disk")
        self.fuse = subprocess.Popen(["nbdfuse", image, uri or self.host.uri(self.name)],
                                     stderr=subprocess.DEVNULL)
        until(lambda: os.path.exists(image), "nbdfuse does not mount")
        self.loop = call("losetup", "-f", "--show", image).stdout.strip()

    def make(self, kind="ext4"):
        call("mkfs." + kind, "-q", self.loop)
        self.mount_it()

    def mount_it(self):
        call("mount", self.loop, self.mount)

    def detach(self):
        """However it is."""
        call("umount", self.mount, code=None)
        call("umount", "-l", self.mount, code=None)
        if self.loop:
            call("losetup", "-d", self.loop, code=None)
            self.loop = None
        call("fusermount3", "-u", "-z", self.folder, code=None)
        if self.fuse:
            self.fuse.terminate()
            self.fuse.wait()
            self.fuse = None

    def check(self, kind="ext4"):
        """Unmounts it, and has its file system checked."""
        call("umount", self.mount)
        if kind == "xfs":
            call("xfs_repair", "-n", self.loop)
        else:
            call("e2fsck", "-fn", self.loop)


class Server:
    """A PostgreSQL server whose data lie on a mounted volume."""

    def __init__(self, host, disk, port, make=True):
        if not BIN:
            raise Skip("PostgreSQL is not installed")
        self.user, self.port = user(), port
        self.data, self.sockets = os.path.join(disk.mount, "pg"), host.place.path(f"s{port}")
        os.makedirs(self.sockets, exist_ok=True)
        os.chown(self.sockets, self.user["user"], self.user["group"])
        self.process = None
        self.log = open(host.place.path(f"log{port}"), "wb")
        host.servers.append(self)
        if make:
            os.mkdir(self.data)
            os.chown(self.data, self.user["user"], self.user["group"])
            self.run("initdb", "-k", "-A", "trust", "-U", "owner", "-D", self.data,
                     "--no-instructions")

    def environment(self):
        return {"PATH": f"{BIN}:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "PGHOST": self.sockets,
                "PGPORT": str(self.port), "PGUSER": "owner", "PGDATABASE": "postgres"}

    def run(self, *words, code=0):
        return call(*words, code=code, env=self.environment(), cwd="/", **self.user)

    def begin(self, *words, **how):
        return subprocess.Popen(words, env=self.environment(), cwd="/", text=True, **how,
                                **self.user)

    def start(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(self.data, "postmaster.pid"))
        self.process = self.begin(
            "postgres", "-D", self.data, "-k", self.sockets, "-p", str(self.port),
            "-c", "listen_addresses=", "-c", "shared_buffers=16MB",
            stdout=subprocess.DEVNULL, stderr=self.log)
        until(lambda: self.run("pg_isready", "-q", code=None).returncode == 0, self)

    def __str__(self):
        with open(self.log.name, encoding="utf-8", errors="replace") as log:
            return "PostgreSQL does not start: " + log.read()[-2000:]

    def sql(self, text):
        return self.run("psql", "-XqAt", "-c", text).stdout.strip()

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(PATIENCE) == 0
        self.process = None

    def kill(self):
        if self.process:
            self.process.send_signal(signal.SIGQUIT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
            self.process.kill()
            self.process.wait()
            self.process = None


@contextlib.contextmanager
def a_host(place, ebb, vold, **how):
    host = Host(place, ebb, vold, **how)
    try:
        yield host
    finally:
        host.close()


def test_postgres(place, ebb, vold):
    """PostgreSQL on a volume is protected under load, comes back at once, and is sound"""
    with a_host(place, ebb, vold) as host:
        host.ebb("volume", "create", "db", "768MiB", "--state", host.state)
        disk = Disk(host, "db")
        disk.make()
        server = Server(host, disk, 5461)
        server.start()
        server.run("pgbench", "-i", "-q", "-s", "4")
        load = server.begin("pgbench", "-c", "4", "-T", "10", stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)
        protect = ["protect", "vol/db", "--state", host.state, "--json"]
        points = [json.loads(host.ebb(*protect)[0]) for _ in range(3)]
        assert [p["kind"] for p in points] == ["full", "incremental", "incremental"]
        assert points[2]["read_bytes"] < points[0]["read_bytes"], points
        out, err = load.communicate(timeout=PATIENCE)
        assert load.returncode == 0 and "number of failed transactions: 0" in out, (out, err)
        serving = host.begin("restore", "vol/db@latest", "--to", "vol/back", "--serve", "--state",
                             host.state, "--limit", "3MiB")
        until(lambda: host.ask("show", "back")["ok"], "the volume is not served")
        back = Disk(host, "back")
        back.mount_it()
        assert "fills" in host.ask("show", "back")["volume"]
        copy = Server(host, back, 5462, make=False)
        copy.start()
        sums = [copy.sql(f"select sum({t[0]}balance) from pgbench_{t}") for t in TABLES]
        sums.append(copy.sql("select coalesce(sum(delta), 0) from pgbench_history"))
        assert len(set(sums)) == 1, sums
        copy.run("pgbench", "-c", "2", "-t", "50")
        out, err = serving.communicate(timeout=2 * PATIENCE)
        assert serving.returncode == 0, (out, err)
        copy.sql("create extension amcheck")
        copy.run("pg_amcheck", "--all", "--heapallindexed")
        copy.stop()
        server.stop()
        back.check()
        disk.check()


class Committer:
    """Commits numbers one after the other, and knows which were acknowledged."""

    def __init__(self, server):
        self.acked, self.process = 0, server.begin(
            "psql", "-XqAt", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL)
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def work(self):
        with contextlib.suppress(OSError, ValueError):
            while True:
                number = self.acked + 1
                self.process.stdin.write(
                    f"insert into told values ({number}, repeat('x', 3000)) returning n;\n")
                self.process.stdin.flush()
                if self.process.stdout.readline().strip() != str(number):
                    return
                self.acked = number

    def ended(self):
        self.process.kill()
        self.process.wait()
        self.thread.join()
        return self.acked


def cut_power(place, ebb, vold, rounds, uri=None):
    """The power goes under a writer: how many acknowledged commits were lost, and of how many."""
    lost = told = 0
    with a_host(place, ebb, vold, own_disk=True) as host:
        host.ebb("volume", "create", "db", "512MiB", "--state", host.state)
        disk = Disk(host, "db")
        disk.make()
        server = Server(host, disk, 5463)
        server.start()
        server.sql("create table told (n int primary key, pad text)")
        server.sql("checkpoint")
        server.stop()
        call("sync", "-f", disk.mount)
        for _ in range(rounds):
            disk.detach()
            disk.attach(uri(host) if uri else None)
            disk.mount_it()
            server.start()
            server.sql("delete from told")
            committer = Committer(server)
            until(lambda: committer.acked > 20, "nothing is committed")
            time.sleep(random.random())
            host.cut_power()
            acked = committer.ended()
            server.kill()
            disk.detach()
            host.power_on()
            disk.attach()
            disk.mount_it()
            try:
                server.start()
                has = int(server.sql("select coalesce(max(n), 0) from told"))
                server.stop()
            except AssertionError:
                if not uri:
                    raise
                has = 0  # not even that
            told += acked
            lost += max(0, acked - has)
            if uri:
                return lost, told
        disk.check()
    return lost, told


def test_power_cuts(place, ebb, vold):
    """no acknowledged commit is lost when the power goes under PostgreSQL and ebb-vold"""
    lost, told = cut_power(place, ebb, vold, rounds=3)
    print(f"# {told} commits acknowledged, {lost} lost")
    assert lost == 0


def test_power_cuts_are_seen(place, ebb, vold):
    """a server that lies about flushes does lose commits: the test above can fail"""
    need("nbdkit")
    lies = []

    def uri(host):
        socket = place.path("lies.sock")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(socket)
        lies.append(subprocess.Popen(
            ["nbdkit", "-f", "-U", socket, "--filter=fua", "nbd", "uri=" + host.uri("db"),
             "fuamode=discard"], stderr=subprocess.DEVNULL))
        until(lambda: os.path.exists(socket), "nbdkit does not start")
        return "nbd+unix:///?socket=" + socket

    try:
        lost, told = cut_power(place, ebb, vold, rounds=1, uri=uri)
    finally:
        for lie in lies:
            lie.kill()
            lie.wait()
    print(f"# {told} commits acknowledged, {lost} lost")
    assert lost > 0


# ---- a guest with Debian's kernel ----

PROGRAMS = ("dash", "mount", "umount", "ip", "kmod", "nbd-client", "mkfs.ext4", "e2fsck",
            "mkfs.xfs", "xfs_repair", "dd", "md5sum", "cat", "sync", "sleep", "mkdir", "blockdev")
MODULES = ("virtio_net", "virtio_pci", "nbd", "ext4", "xfs")

# First in the guest, and alone there. What it prints is what the host goes by.
INIT = r"""#!/bin/dash
export PATH=/bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
for word in $(cat /proc/cmdline); do case $word in port=*|what=*) eval "$word";; esac; done
for module in $(cat /modules/order); do insmod "/modules/$module" 2>/dev/null; done
ip link set lo up; ip link set eth0 up; ip addr add 10.0.2.15/24 dev eth0
die() { echo "guest: failed: $*"; echo o >/proc/sysrq-trigger; sleep 100; }
nbd-client 10.0.2.2 "$port" /dev/nbd0 -N v -b 4096 >/dev/null 2>&1 || die nbd-client
[ "$(blockdev --getsize64 /dev/nbd0)" = 402653184 ] || die size

one_file_system() {
	mkfs.$1 -q ${2:-} /dev/nbd0 || die mkfs.$1
	mount -t $1 /dev/nbd0 /mnt || die mount $1
	i=0
	while [ $i -lt 24 ]; do
		dd if=/dev/urandom of=/mnt/$i bs=64k count=$((i % 7 + 1)) 2>/dev/null || die write
		i=$((i + 1))
	done
	(cd /mnt && md5sum [0-9]* >/sums) || die md5sum
	umount /mnt || die umount
	$3 /dev/nbd0 >/dev/null 2>&1 || die "$3"
	blockdev --flushbufs /dev/nbd0
	mount -t $1 /dev/nbd0 /mnt || die mount $1 again
	(cd /mnt && md5sum -c --quiet /sums) || die md5sum -c
	umount /mnt || die umount
	echo "guest: $1 is clean"
}

if [ "$what" = systems ]; then
	one_file_system ext4 "" "e2fsck -fn"
	one_file_system xfs -f "xfs_repair -n"
	nbd-client -d /dev/nbd0 >/dev/null 2>&1
	echo "guest: done"
else
	mkfs.ext4 -q /dev/nbd0 && mount -t ext4 /dev/nbd0 /mnt || die ext4
	sync
	i=0
	while :; do
		i=$((i + 1))
		dd if=/dev/urandom of=/mnt/$i bs=16k count=1 conv=fsync 2>/dev/null || die write
		sum=$(md5sum </mnt/$i)
		echo "guest: wrote $i ${sum%% *}"
	done
fi
echo o >/proc/sysrq-trigger
sleep 100
"""


def copy_with_libraries(program, root):
    """A program into the guest's root, and what it is linked to."""
    path = shutil.which(program, path="/usr/bin:/bin:/usr/sbin:/sbin")
    if not path:
        raise Skip(f"{program} is not installed")
    shutil.copy(path, os.path.join(root, "bin", program))
    for word in call("ldd", path, code=None).stdout.split():
        target = root + word
        if word.startswith("/") and not os.path.exists(target):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(word, target)


def debian_kernel():
    for kernel in sorted(glob.glob("/boot/vmlinuz-*"), reverse=True):
        version = kernel.removeprefix("/boot/vmlinuz-")
        if glob.glob(f"/lib/modules/{version}/kernel/drivers/block/nbd.ko*"):
            return kernel, version
    raise Skip("linux-image-amd64 is not installed")


def make_initrd(place):
    """Debian's kernel, and a file system in memory with what the guest needs."""
    kernel, version = debian_kernel()
    root = place.path("root")
    for folder in ("bin", "modules", "proc", "sys", "dev", "mnt", "etc"):
        os.makedirs(os.path.join(root, folder))
    for program in PROGRAMS:
        copy_with_libraries(program, root)
    os.symlink("kmod", os.path.join(root, "bin", "insmod"))
    order = []
    for module in MODULES:
        told = call("modprobe", "-S", version, "--show-depends", module).stdout
        for line in told.splitlines():
            path = line.split()[1] if line.startswith("insmod") else ""
            if path and os.path.basename(path) not in order:
                order.append(os.path.basename(path))
                shutil.copy(path, os.path.join(root, "modules"))
    with open(os.path.join(root, "modules", "order"), "w", encoding="utf-8") as file:
        file.write("\n".join(order))
    with open(os.path.join(root, "init"), "w", encoding="utf-8") as file:
        file.write(INIT)
    os.chmod(os.path.join(root, "init"), 0o755)
    initrd = place.path("initrd")
    call("sh", "-c", f"cd {root} && find . | cpio -o -H newc --quiet >{initrd}")
    return kernel, initrd


class Guest:
    """A machine whose /dev/nbd0 is the volume "v"; its console is read line by line."""

    def __init__(self, place, what, port):
        need("qemu-system-x86_64", "cpio", "modprobe")
        kernel, initrd = make_initrd(place)
        self.process = subprocess.Popen(
            ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-m", "512", "-nographic",
             "-no-reboot", "-kernel", kernel, "-initrd", initrd, "-append",
             f"console=ttyS0 quiet panic=-1 what={what} port={port}", "-netdev", "user,id=n",
             "-device", "virtio-net-pci,netdev=n,romfile="], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        self.told = []

    def hear(self):
        """The next line that it tells; None at its end."""
        for line in self.process.stdout:
            if "guest: " in line:
                self.told.append(line[line.index("guest: ") + 7:].strip())
                return self.told[-1]
            print("# " + line.rstrip()[:200])
        return None

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def free_port():
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as server:
        return server.getsockname()[1]


@contextlib.contextmanager
def a_guest(place, ebb, vold, what, **how):
    port = free_port()
    with a_host(place, ebb, vold, options=["--tcp", f"tcp:127.0.0.1:{port}"], **how) as host:
        host.ebb("volume", "create", "v", "384MiB", "--state", host.state)
        guest = Guest(place, what, port)
        try:
            yield host, guest
        finally:
            guest.kill()


def test_guest(place, ebb, vold):
    """nbd.ko of Debian's kernel: ext4 and xfs are clean, and hold what was written"""
    with a_guest(place, ebb, vold, "systems") as (_, guest):
        while guest.hear() is not None:
            pass
        assert guest.told == ["ext4 is clean", "xfs is clean", "done"], guest.told


def test_guest_power_cut(place, ebb, vold):
    """no file that a guest synced is lost when the power of guest and server goes"""
    with a_guest(place, ebb, vold, "cut", own_disk=True) as (host, guest):
        while len(guest.told) < 60:
            assert guest.hear() is not None, guest.told
        host.cut_power()
        guest.kill()
        host.power_on()
        disk = Disk(host, "v")
        disk.mount_it()
        for number, digest in (told.split()[1:] for told in guest.told):
            told = call("md5sum", os.path.join(disk.mount, number)).stdout
            assert told.startswith(digest), (number, digest, told)
        disk.check()


if __name__ == "__main__":
    sys.exit(main([test_postgres, test_power_cuts, test_power_cuts_are_seen, test_guest,
                   test_guest_power_cut], sys.argv[1:]))
