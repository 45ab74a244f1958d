#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Notices: a real HTTP server, programs that take mail and documents, a real ebbd. Speaks TAP.

usage: tests/notify_test.py EBBD EBB
"""
import email
import http.server
import json
import os
import stat
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import programs  # noqa: E402

# Keeps what it gets, as the last of the mail programs would.
TAKER = """#!/bin/sh
{ echo "$# $*"; env | grep ^EBB_; echo --; cat; } >> "$0.part"
mv "$0.part" "$0.got"
[ ! -e "$0.fail" ] || exit 75
"""


class Hook(http.server.ThreadingHTTPServer):
    """A web hook that keeps what is posted; it may refuse, or not answer."""
    daemon_threads = True

    def __init__(self):
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.silent.wait()
                hook.got.append((self.path, self.headers, json.loads(body)))
                self.send_response(hook.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.got, self.status, self.silent = [], 204, threading.Event()
        self.silent.set()
        self.url = f"http://127.0.0.1:{self.server_address[1]}/ebb"
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def said(self):
        return [(d["event"], d["state"], d["resource"]) for _, __, d in self.got]

    def stop(self):
        self.silent.set()
        self.shutdown()
        self.server_close()


def taker(place, name):
    path = place.write(name, TAKER)
    os.chmod(path, stat.S_IRWXU)
    return path


def got(path):
    with open(path + ".got", encoding="utf-8") as file:
        return file.read()


def wait_for(told, what):
    end = time.monotonic() + programs.PATIENCE
    while not told():
        assert time.monotonic() < end, what()
        time.sleep(0.05)


def test_ways(place, _, ebb):
    """a web hook with its token, mail, and a program are told; who does not take it is told of"""
    hook, mail, own = Hook(), taker(place, "mail"), taker(place, "own")
    place.write("token", "s3cret\n")
    config = place.write("ebb.yaml", f"""
node: {{name: den}}
notify:
  web: {{webhook: "{hook.url}", token_file: {place.path("token")}}}
  post: {{mail: "ops@example.com, root", sendmail: {mail}}}
  own: {{exec: {own}}}
""")
    code, out, err = programs.run([ebb, "notify", "test", "--config", config])
    assert (code, out, err) == (0, "web: taken\npost: taken\nown: taken\n", ""), (out, err)
    path, headers, document = hook.got[0]
    assert (path, headers["Authorization"]) == ("/ebb", "Bearer s3cret"), headers
    assert headers["Content-Type"] == "application/json"
    assert (document["event"], document["node"], document["type"]) == ("test", "den", "notice")
    arguments, _, message = got(mail).partition("\n--\n")
    assert arguments.startswith("2 -t -i"), arguments
    message = email.message_from_string(message)
    assert message["To"] == "ops@example.com, root" and message["Subject"] == "ebb: test begins"
    assert "This is a test" in message.get_payload() and "den" in message.get_payload()
    head, _, body = got(own).partition("\n--\n")
    assert "EBB_EVENT=test" in head and json.loads(body)["event"] == "test", head
    hook.status = 500
    for name in ("mail.fail", "own.fail"):
        place.write(name, "")
    code, _, err = programs.run([ebb, "notify", "test", "--config", config])
    assert code == 1 and err == (f"ebb: web: {hook.url} answered 500\n"
                                 f"ebb: post: {mail} ended with code 75\n"
                                 f"ebb: own: {own} ended with code 75\n"), err
    os.unlink(place.path("token"))
    code, _, err = programs.run([ebb, "notify", "test", "web", "--config", config])
    assert code == 1 and "token" in err, err
    hook.stop()


def test_words(place, _, ebb):
    """names and documents that are none are refused, and nobody to tell is said"""
    config = place.write("ebb.yaml", "notify: {own: {exec: /bin/true}}\n")
    none = place.write("none.yaml", "log: {}\n")
    for words, wanted, said in (
            (["test", "me"], 4, "the configuration has no 'me' in its section notify"),
            (["send", "own", "{}"], 1, "own: that is no notice"),
            (["send", "own", "x"], 1, "own: that is no notice"),
            (["send", "own", '{"event": "x", "text": "y"}'], 0, "")):
        code, _, err = programs.run([ebb, "notify", *words, "--config", config])
        assert code == wanted and said in err, (words, code, err)
    code, _, err = programs.run([ebb, "notify", "test", "--config", none])
    assert code == 4 and "nobody is told" in err, err


class Home:
    """An ebbd that protects a folder, whose repository is not there yet."""

    def __init__(self, place, ebbd, ebb, hook):
        self.place, self.ebbd, self.program = place, ebbd, ebb
        for name in ("state", "data"):
            os.makedirs(place.path(name))
        place.write("data/a", "words")
        self.config = place.write("ebb.yaml", f"""
state: {place.path("state")}
loop: {{tick: 1s}}
http: {{listen: "127.0.0.1:0"}}
protect:
  data: {{path: {place.path("data")}, to: {place.path("repo")}, key_file: {place.path("key")},
          rpo: 1h}}
notify: {{web: {{webhook: "{hook.url}"}}}}
""")

    def ebb(self, *words):
        return programs.run([self.program, *words], {
            "HOME": self.place.folder, "STATE_DIRECTORY": self.place.path("state")})

    def start(self):
        return self.place.start([self.ebbd, "--config", self.config], environment={
            "HOME": self.place.folder, "STATE_DIRECTORY": self.place.path("state")}).ready()


def test_daemon(place, ebbd, ebb):
    """a job that fails is told once, also over a kill while nobody answers, and so is its end"""
    hook = Hook()
    home = Home(place, ebbd, ebb, hook)
    hook.silent.clear()
    daemon = home.start()
    book = place.path("state", "notices")
    wait_for(lambda: os.path.exists(book), daemon.log)
    daemon.kill()
    daemon = home.start()
    hook.silent.set()
    wait_for(lambda: hook.got, daemon.log)
    assert "tried again" in hook.got[0][2]["text"]
    daemon.kill()
    code, _, err = home.ebb("repo", "init", "--repo", place.path("repo"), "--key-file",
                            place.path("key"))
    assert code == 0, err
    daemon = home.start()
    wait_for(lambda: hook.said()[-1][1] == "ends", daemon.log)
    # The child of one that was killed may have been heard, too: twice rather than not at all.
    begins = hook.said()[:-1]
    assert set(begins) == {("job_failed", "begins", "data")} and len(begins) <= 3, begins
    assert hook.said()[-1] == ("job_failed", "ends", "data")
    assert daemon.term() == 0
    hook.stop()


if __name__ == "__main__":
    sys.exit(programs.main([test_ways, test_words, test_daemon], sys.argv[1:]))
