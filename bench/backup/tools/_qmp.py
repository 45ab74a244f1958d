#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Backups of the disk `vol` through QMP, for qemubitmap.sh.

usage: _qmp.py SOCKET quit | full FILE JOB | bitmap FILE JOB
"""
import json
import socket
import sys

connection = socket.socket(socket.AF_UNIX)
connection.connect(sys.argv[1])
stream = connection.makefile("rw")
stream.readline()
events = []


def command(name, **arguments):
    stream.write(json.dumps({"execute": name, "arguments": arguments}) + "\n")
    stream.flush()
    while True:
        message = json.loads(stream.readline())
        if "event" in message:
            events.append(message)
        elif "error" in message:
            raise SystemExit("%s: %s" % (name, message["error"]["desc"]))
        else:
            return message["return"]


def wait_for(job):
    while True:
        for message in events:
            data = message.get("data", {})
            if message["event"] == "JOB_STATUS_CHANGE" and data.get("id") == job and \
                    data.get("status") == "concluded":
                return
        message = json.loads(stream.readline())
        if "event" in message:
            events.append(message)


def backup(mode, path, job):
    target = "t" + job
    command("blockdev-add", **{"driver": "qcow2", "node-name": target,
                               "file": {"driver": "file", "filename": path}})
    what = {"job-id": job, "device": "vol", "target": target, "sync": mode,
            "auto-dismiss": False, "compress": True}
    if mode == "full":  # the bitmap begins to count at the moment at which the copy begins
        command("transaction", actions=[
            {"type": "block-dirty-bitmap-clear", "data": {"node": "vol", "name": "b0"}},
            {"type": "blockdev-backup", "data": what}])
    else:
        command("blockdev-backup", **dict(what, bitmap="b0", **{"bitmap-mode": "on-success"}))
    wait_for(job)
    result = [x for x in command("query-jobs") if x["id"] == job][0]
    command("job-dismiss", id=job)
    command("blockdev-del", **{"node-name": target})
    if result.get("error"):
        raise SystemExit("job: " + result["error"])


command("qmp_capabilities")
if sys.argv[2] == "quit":
    command("quit")
else:
    backup(*sys.argv[2:5])
