#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Servers of network block devices side by side: fio's nbd engine over a Unix socket, one after the
other and that again (A B C A B C ...). For each: operations a second, p50 and p99, and the CPU time
of the server for one operation, by getrusage of the whole process with all its threads.

usage: bench/nbd.py EBB_VOLD [--seconds 3] [--rounds 5] [--folder /dev/shm] [--size 256]
                    [--server ebb,nbdkit,qemu-nbd] [--load read4x8,write4x8,...]

On a machine that does other work compare the servers of one run, and trust CPU per operation first.
"""
import argparse
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

# rw, block size, connections, depth
LOADS = {
    "read4x8": ("randread", "4k", 4, 8),
    "write4x8": ("randwrite", "4k", 4, 8),
    "read1x32": ("randread", "4k", 1, 32),
    "write1x32": ("randwrite", "4k", 1, 32),
    "read1x1": ("randread", "4k", 1, 1),
    "write1x1": ("randwrite", "4k", 1, 1),
    "read128k": ("randread", "128k", 1, 8),
    "write128k": ("randwrite", "128k", 1, 8),
}


def ask(path, words):
    with socket.socket(socket.AF_UNIX) as stream:
        stream.connect(path)
        stream.sendall(words.encode() + b"\n")
        answer = json.loads(stream.makefile().readline())
    assert answer["ok"], answer


def wait_for(path):
    for _ in range(500):
        with socket.socket(socket.AF_UNIX) as stream:
            try:
                stream.connect(path)
                return
            except OSError:
                time.sleep(0.01)
    raise SystemExit(f"nobody listens at {path}")


def start(words):
    return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def start_ebb(folder, size, vold):
    process = start([vold, "--state", folder])
    wait_for(f"{folder}/vold.sock")
    ask(f"{folder}/vold.sock", f"create v {size}")
    return process, f"nbd+unix:///v?socket={folder}/nbd.sock"


def start_file(words):
    def begin(folder, size, _vold):
        os.makedirs(folder)
        with open(f"{folder}/image", "wb") as image:
            image.truncate(size)
        names = {"IMAGE": f"{folder}/image", "SOCKET": f"{folder}/nbd.sock"}
        process = start([word.format(**names) for word in words])
        wait_for(f"{folder}/nbd.sock")
        return process, f"nbd+unix:///?socket={folder}/nbd.sock"
    return begin


SERVERS = {
    "ebb": start_ebb,
    "nbdkit": start_file(["nbdkit", "-f", "-U", "{SOCKET}", "file", "{IMAGE}"]),
    "qemu-nbd": start_file(["qemu-nbd", "-t", "-e", "16", "-f", "raw", "--aio=io_uring",
                            "-k", "{SOCKET}", "{IMAGE}"]),
}


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def fio(uri, folder, load, size, *words):
    way, block, jobs, depth = load
    told = f"{folder}/fio"
    subprocess.run(["fio", "--name=x", "--ioengine=nbd", f"--uri={uri}", f"--rw={way}",
                    f"--bs={block}", f"--numjobs={jobs}", f"--iodepth={depth}",
                    f"--size={size}", "--group_reporting", "--output-format=json",
                    f"--output={told}", *words], check=True, stdout=subprocess.DEVNULL)
    with open(told, encoding="utf-8") as lines:
        job = json.load(lines)["jobs"][0]
    return job["read"] if job["read"]["total_ios"] else job["write"]


def measure(server, load, options):
    """Operations a second, p50 and p99 in us, CPU us for an operation."""
    size = options.size << 20
    with tempfile.TemporaryDirectory(dir=options.folder) as place:
        process, uri = SERVERS[server](f"{place}/s", size, options.vold)
        try:
            fio(uri, place, ("write", "1m", 1, 4), size)
            before = cpu_seconds(process.pid)
            done = fio(uri, place, LOADS[load], size, "--time_based",
                       f"--runtime={options.seconds}")
        finally:
            process.send_signal(signal.SIGTERM)
            _, _, usage = os.wait4(process.pid, 0)
            process.returncode = 0
    times = done["clat_ns"]["percentile"]
    cpu = usage.ru_utime + usage.ru_stime - before
    return (done["iops"], times["50.000000"] / 1e3, times["99.000000"] / 1e3,
            cpu * 1e6 / done["total_ios"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("vold")
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", default="/dev/shm")
    parser.add_argument("--size", type=int, default=256, help="MiB of the volume")
    parser.add_argument("--server", default=",".join(SERVERS))
    parser.add_argument("--load", default=",".join(LOADS))
    options = parser.parse_args()
    servers = [name for name in options.server.split(",")
               if name == "ebb" or shutil.which(name)]
    print(f"{'load':10} {'server':9} {'op/s':>8} {'p50 us':>8} {'p99 us':>8} {'CPU us/op':>9}"
          f"   medians of {options.rounds} rounds of {options.seconds} s")
    for load in options.load.split(","):
        told = {server: [] for server in servers}
        for _ in range(options.rounds):
            for server in servers:
                told[server].append(measure(server, load, options))
        for server in servers:
            rate, p50, p99, cpu = (statistics.median(column) for column in zip(*told[server]))
            print(f"{load:10} {server:9} {rate:8.0f} {p50:8.1f} {p99:8.1f} {cpu:9.2f}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
