#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests the HTTP API of a real ebbd: every path of docs/openapi.json and the shape of its answers,
who may what, hostile clients, events over restarts, TLS, the files of the page.

usage: tests/api_test.py EBBD EBB
"""
import base64
import contextlib
import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from programs import PATIENCE, Skip, main, run  # noqa: E402

TREE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOKEN = "a-token-that-nobody-guesses"
with open(os.path.join(TREE, "docs", "openapi.json"), encoding="utf-8") as described:
    API = json.load(described)


# ---- a daemon, and asking it ----

class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=PATIENCE)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(self.path)


class Daemon:
    """An ebbd whose page is somewhere on loopback."""

    def __init__(self, place, ebbd, settings="", more="", **options):
        self.place, self.ebbd, self.options = place, ebbd, options
        self.text = (f"state: {place.path('state')}\nloop: {{tick: 1s}}\n"
                     f"http:\n  listen: 0\n{settings}{more}")
        self.start()

    def start(self):
        path = self.place.write("ebb.yaml", self.text)
        env = {"HOME": self.place.folder}
        self.program = self.place.start([self.ebbd, "--config", path], environment=env,
                                        **self.options).ready()
        found = re.findall(r"event=page url=(https?)://([^:]*):(\d+)/", self.program.log())
        self.scheme, self.host, self.port = found[-1][0], found[-1][1], int(found[-1][2])

    def connection(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def ask(self, path, method="GET", headers=None, body=None, connection=None):
        """(status, headers, bytes)."""
        connection = connection or self.connection()
        with contextlib.closing(connection):
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()

    def unix(self, path, method="GET", headers=None):
        return self.ask(path, method, headers,
                        connection=UnixConnection(self.place.path("state", "http.sock")))

    def raw(self, data):
        """What comes back for these bytes, until the end of the connection."""
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as client:
            answer = b""
            with contextlib.suppress(OSError):  # it may hang up before it heard all
                client.sendall(data)
                client.shutdown(socket.SHUT_WR)
                while more := client.recv(65536):
                    answer += more
        return answer


def protecting(place, ebb, ebbd, settings="", **options):
    """One that protects a small folder, and has done so once."""
    os.mkdir(place.path("data"))
    with open(place.path("data", "file"), "wb") as file:
        file.write(os.urandom(100000))
    env = {"HOME": place.folder}
    code, _, err = run([ebb, "repo", "init", "--repo", place.path("repo"), "--key-file",
                        place.path("key")], env)
    assert code == 0, err
    more = (f"protect: {{data: {{path: {place.path('data')}, to: {place.path('repo')}, "
            f"key_file: {place.path('key')}, rpo: 1h}}}}\n")
    daemon = Daemon(place, ebbd, settings, more, **options)
    until(lambda: json.loads(daemon.unix("/api/v1/resources/data")[2])["point_at"])
    return daemon


def until(true):
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


# ---- what a document has to look like ----

KINDS = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


def is_kind(value, kind):
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, KINDS[kind])


def resolve(schema):
    while "$ref" in schema:
        found = API
        for part in schema["$ref"].lstrip("#/").split("/"):
            found = found[part]
        schema = found
    return schema


def wrong(value, schema, where="$"):
    """What is wrong with a value under a schema; None: nothing. The words that API uses."""
    schema = resolve(schema)
    unknown = set(schema) - {"type", "format", "description", "required", "properties", "items",
                             "const", "enum", "oneOf", "allOf", "minItems", "maxItems"}
    assert not unknown, unknown
    for part in schema.get("allOf", []):
        if problem := wrong(value, part, where):
            return problem
    if "oneOf" in schema and sum(not wrong(value, s, where) for s in schema["oneOf"]) != 1:
        return f"{where}: {value!r} is not one of what it may be"
    if "const" in schema and value != schema["const"]:
        return f"{where}: {value!r} is not {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{where}: {value!r} is none of {schema['enum']}"
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(is_kind(value, kind) for kind in kinds):
        return f"{where}: {value!r} is no {kinds}"
    if schema.get("format") == "date-time" and value is not None and \
            not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", value):
        return f"{where}: {value!r} is no moment"
    return wrong_inside(value, schema, where)


def wrong_inside(value, schema, where):
    if isinstance(value, dict):
        for key in schema.get("required", []):
            if key not in value:
                return f"{where}: there is no {key}"
        for key, its in schema.get("properties", {}).items():
            if key in value and (problem := wrong(value[key], its, f"{where}.{key}")):
                return problem
    if isinstance(value, list) and "items" in schema:
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            return f"{where}: {len(value)} items"
        for at, item in enumerate(value):
            if problem := wrong(item, schema["items"], f"{where}[{at}]"):
                return problem
    return None


def operations():
    """(method, path with its example, role, operation) of all that is described."""
    for path, methods in API["paths"].items():
        for method, operation in methods.items():
            target, query = path, []
            for parameter in map(resolve, operation.get("parameters", [])):
                if parameter["in"] == "path":
                    target = target.replace("{name}", parameter["example"])
                else:
                    query.append(f"{parameter['name']}={parameter['example']}")
            yield (method.upper(), target + ("?" + "&".join(query) if query else ""),
                   operation["x-role"], operation)


# Without the page's bundle, without a model, without a job: 404 is an answer, too.
MAY_MISS = ("/assets/app.js", "/forecast", "/cancel")


def check_answer(operation, path, answer):
    status, headers, body = answer
    if status == 404 and any(word in path for word in MAY_MISS):
        schema = API["components"]["schemas"]["Error"]
    else:
        assert status == 200, (path, status, body[:300])
        (kind, content), = resolve(operation["responses"]["200"])["content"].items()
        schema = content["schema"]
        assert kind == "*/*" or headers["Content-Type"].startswith(kind), (path, headers)
        if kind != "application/json":
            assert body, path
            return
    problem = wrong(json.loads(body), schema)
    assert not problem, f"{path}: {problem}"


def test_paths(place, ebbd, ebb):
    """each path that is described answers in the shape that is described"""
    daemon = protecting(place, ebb, ebbd)
    for method, path, _, operation in operations():
        if path == "/api/v1/events":
            continue
        check_answer(operation, path, daemon.unix(path, method))
    served = json.loads(daemon.ask("/api/v1/openapi.json")[2])
    assert served == API
    code, out, _ = run([ebb, "status", "--json", "--state", place.path("state")])
    assert code == 0
    ours = json.loads(daemon.ask("/api/v1/status")[2])
    assert set(json.loads(out)) == set(ours)
    jobs = [ebb, "job", "ls", "--json", "--state", place.path("state")]
    until(lambda: json.loads(run(jobs)[1]) == json.loads(daemon.ask("/api/v1/jobs")[2]))
    why = json.loads(daemon.ask("/api/v1/resources/data/why")[2])["text"]
    assert why.startswith("data: ")


def test_heads(place, ebbd, _ebb):
    """every answer forbids what a page does not need; HEAD is GET without a body"""
    daemon = Daemon(place, ebbd)
    for path in ("/", "/plain", "/api/v1/status", "/nothing", "/metrics"):
        _, headers, _ = daemon.ask(path)
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy, policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY" and headers["Referrer-Policy"] == "no-referrer"
        assert "Access-Control-Allow-Origin" not in headers
    status, headers, body = daemon.ask("/api/v1/openapi.json", "HEAD")
    assert status == 200 and body == b"" and int(headers["Content-Length"]) > 1000
    status, headers, _ = daemon.ask("/api/v1/status", "DELETE")
    assert status == 405 and headers["Allow"] == "GET, HEAD"


# ---- who may what ----

def check_roles(ask, has, refusals):
    """Each path against a role: what is above it is refused by one of these, and nothing else."""
    order = ["none", "viewer", "admin"]
    for method, path, role, _ in operations():
        if path == "/api/v1/events":
            continue
        status, _, body = ask(path, method)
        if order.index(role) > order.index(has):
            assert status in refusals, (has, method, path, status, body)
            assert not wrong(json.loads(body), API["components"]["schemas"]["Error"])
        else:
            assert status in (200, 404), (has, method, path, status, body)


def test_roles_on_loopback(place, ebbd, _ebb):
    """loopback: each path for each role, without a token, with a wrong one, with the right one"""
    place.write("token", TOKEN + "\n")
    wide = f"  token_file: {place.path('token')}\n"
    right = {"Authorization": f"Bearer {TOKEN}"}
    basic = {"Authorization": "Basic " + base64.b64encode(f"me:{TOKEN}".encode()).decode()}
    for role, token in (("none", ""), ("viewer", ""), ("admin", ""), ("none", wide),
                        ("viewer", wide)):
        daemon = Daemon(place, ebbd, f"  loopback: {role}\n{token}")
        refusals = (401,) if token or role == "none" else (403,)
        check_roles(daemon.ask, role, refusals)
        if token and role == "none":
            for shown in (right, basic):
                check_roles(lambda p, m, h=shown: daemon.ask(p, m, h), "admin", ())
            for bad in ("Bearer x", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Basic !!!!",
                        "Basic ", "Bearer", "Digest x"):
                status, headers, _ = daemon.ask("/api/v1/status", headers={"Authorization": bad})
                assert status == 401 and headers["WWW-Authenticate"].startswith("Basic"), bad
        assert daemon.program.term() == 0


def test_roles_on_the_socket(place, ebbd, _ebb):
    """Unix socket: root and its own user are admin, others in its group may look"""
    socket_path = place.path("open", "http.sock")
    os.mkdir(place.path("open"))
    daemon = Daemon(place, ebbd, f"  socket: {socket_path}\n")
    assert os.stat(socket_path).st_mode & 0o777 == 0o660
    check_roles(lambda p, m: daemon.ask(p, m, connection=UnixConnection(socket_path)), "admin", ())
    if os.getuid() != 0:
        raise Skip("only root can be another user")
    os.chmod(place.folder, 0o755)
    child = os.fork()
    if child == 0:
        try:
            os.setuid(65534)
            check_roles(lambda p, m: daemon.ask(p, m, connection=UnixConnection(socket_path)),
                        "viewer", (403,))
            os._exit(0)
        except BaseException as error:  # whatever it is, the parent shall hear of it
            print("#", repr(error), flush=True)
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0


def test_other_pages(place, ebbd, _ebb):
    """hosts that are not ours and pages of others are refused, whatever the role"""
    daemon = Daemon(place, ebbd, "  loopback: admin\n  hosts: ebb.example\n")
    ours = f"127.0.0.1:{daemon.port}"
    for host in (ours, "localhost", "LOCALHOST:80", "[::1]:1", "ebb.example:9"):
        assert daemon.ask("/", headers={"Host": host})[0] == 200, host
    for host in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "",
                 "127.0.0.1:80:80", "[::1", "ebb.example.", "localhost@evil", "0.0.0.0"):
        assert daemon.ask("/", headers={"Host": host})[0] in (400, 403), host
    assert b" 400 " in daemon.raw(b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n"
                                  b"Connection: close\r\n\r\n").split(b"\n")[0]
    assert b" 400 " in daemon.raw(b"GET / HTTP/1.1\r\n\r\n").split(b"\n")[0]
    now = "/api/v1/resources/x/now"
    for origin in ("http://evil.example", "null", f"http://{ours}.evil.example", f"ftp://{ours}",
                   f"http://localhost:{daemon.port}", f"http://127.0.0.1:{daemon.port + 1}"):
        for method, path in (("GET", "/api/v1/status"), ("POST", now)):
            assert daemon.ask(path, method, {"Origin": origin})[0] == 403, origin
    assert daemon.ask(now, "POST", {"Origin": f"http://{ours}"})[0] == 404
    site = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert daemon.ask("/api/v1/status", headers=site)[0] == 403
    assert daemon.ask("/", headers={**site, "Sec-Fetch-Mode": "navigate"})[0] == 200
    assert daemon.ask(now, "POST", {"Sec-Fetch-Site": "same-origin"})[0] == 404


# ---- hostile clients ----

def test_limits(place, ebbd, _ebb):
    """what is too long, too much or ambiguous is refused, with a sentence"""
    daemon = Daemon(place, ebbd, "  loopback: admin\n")
    for path, expected in (("/" + "a" * 3000, 414), ("/api/v1/jobs?limit=0", 400),
                           ("/api/v1/jobs?limit=101", 400), ("/api/v1/jobs?limit=1&limit=2", 400),
                           ("/api/v1/jobs?what=1", 400), ("/api/v1/jobs?below=-1", 400),
                           ("/api/v1/../../etc/passwd", 400), ("/assets/..%2f..%2fetc", 404),
                           ("/a//b", 400), ("/%00", 400), ("/%zz", 400), ("/%ff", 400),
                           ("/a/./b", 400), ("/%2e%2e/x", 400), ("/1/2/3/4/5/6/7/8/9", 400),
                           ("/?" + "&".join(f"p{n}=1" for n in range(9)), 400), ("/#x", 400),
                           ("/api/v1/resources/data/outlook?horizon=49h", 400),
                           ("/api/v1/resources/data/what-if?rpo=15", 400)):
        status, _, body = daemon.ask(path)
        assert status == expected, (path, status, body)
        assert not wrong(json.loads(body), API["components"]["schemas"]["Error"])
    big = b"x" * 5000
    assert daemon.ask("/api/v1/resources/x/now", "POST", body=big)[0] == 413
    assert daemon.ask("/api/v1/resources/x/now", "POST", body=b"x")[0] == 404
    large = b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 40000 + b"\r\n\r\n"
    assert daemon.raw(large)[:12] in (b"HTTP/1.1 431", b"")
    for nonsense in (b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
                     b"GET http://evil/ HTTP/1.1\r\nHost: evil\r\n\r\n",
                     b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
                     b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz"):
        assert b" 200 " not in daemon.raw(nonsense)[:20], nonsense
    statuses = set()
    connection = daemon.connection()
    for _ in range(1500):
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        answer.read()
        statuses.add(answer.status)
        if answer.status == 429:
            assert answer.headers["Retry-After"] == "1"
            break
    assert 429 in statuses, statuses


def test_slow_and_lying(place, ebbd, _ebb):
    """who hangs, dribbles or never reads loses his place, and only his"""
    daemon = Daemon(place, ebbd)
    socket_path = place.path("state", "http.sock")
    crowd = []
    for number in range(300):
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        client.settimeout(PATIENCE)
        client.connect(socket_path)
        with contextlib.suppress(OSError):
            client.sendall((b"", b"GET /", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n",
                            b"GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n")[number % 4])
        crowd.append(client)

    def answered():
        try:
            return daemon.ask("/healthz")[0] == 200
        except OSError:
            return False
    until(answered)
    until(lambda: daemon.ask("/api/v1/status")[0] == 200)
    for client in crowd:
        client.close()
    assert daemon.ask("/healthz")[0] == 200
    assert daemon.program.term() == 0


# ---- events ----

class Events:
    """A reader of the stream."""

    def __init__(self, daemon, last=None):
        self.connection = daemon.connection()
        self.connection.request("GET", "/api/v1/events",
                                headers={"Last-Event-ID": str(last)} if last else {})
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200
        assert self.answer.headers["Content-Type"] == "text/event-stream"

    def next(self):
        """(id or None, type, document)."""
        number = kind = data = None
        while True:
            line = self.answer.readline().decode().rstrip("\n")
            assert line or kind or number is None, "the stream ended"
            if line.startswith("id: "):
                number = int(line[4:])
            elif line.startswith("event: "):
                kind = line[7:]
            elif line.startswith("data: "):
                data = json.loads(line[6:])
            elif not line and kind:
                return number, kind, data

    def close(self):
        self.answer.close()
        self.connection.close()


def test_events(place, ebbd, ebb):
    """events have rising ids, are replayed, and say so when they cannot be"""
    daemon = protecting(place, ebb, ebbd, "  loopback: admin\n")
    reader = Events(daemon)
    assert daemon.ask("/api/v1/resources/data/now", "POST")[0] == 200
    seen = []
    while {"job", "status", "point"} - {kind for _, kind, _ in seen} or \
            not any(k == "job" and d["state"] == "done" for _, k, d in seen):
        seen.append(reader.next())
    numbers = [number for number, _, _ in seen]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), numbers
    for _, kind, data in seen:
        if kind == "job":
            assert not wrong(data, API["components"]["schemas"]["Job"]), data
    other = Events(daemon, numbers[1])
    for expected in seen[2:]:
        assert other.next() == expected
    other.close()
    reader.close()
    daemon.program.kill()
    daemon.start()
    again = Events(daemon, numbers[-1])
    number, kind, data = again.next()
    assert kind == "reset" and number > numbers[-1] and "anew" in data["reason"], (kind, data)
    assert again.next()[0] == number + 1
    again.close()
    never = Events(daemon, 10 ** 18)
    assert never.next()[1] == "reset"
    never.close()


# ---- addresses, TLS ----

def certificate(place):
    done = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout",
         place.path("tls.key"), "-out", place.path("tls.pem")], capture_output=True, check=False)
    if done.returncode:
        raise Skip("openssl makes no certificate here")
    return (f"  certificate: {place.path('tls.pem')}\n"
            f"  private_key: {place.path('tls.key')}\n")


def test_open_addresses(place, ebbd, _ebb):
    """other machines need a token and TLS, or ebbd does not start and says where to write what"""
    path = place.write("ebb.yaml", f"state: {place.path('state')}\nhttp:\n  listen: 0.0.0.0:0\n")
    code, _, err = run([ebbd, "--config", path])
    assert code == 2 and f"{path}:3:3: http.listen: other machines reach 0.0.0.0: set " \
        "http.token_file, http.certificate and http.private_key" in err, err
    keys = certificate(place)
    place.write("token", "short")
    path = place.write("ebb.yaml", f"state: {place.path('state')}\nhttp:\n  listen: 0.0.0.0:0\n"
                       f"{keys}  token_file: {place.path('token')}\n")
    code, _, err = run([ebbd, "--config", path])
    assert code == 1 and "http.token_file: " in err and "a token has 16 to 512 letters" in err, err
    place.write("token", TOKEN)
    daemon = Daemon(place, ebbd, keys + f"  token_file: {place.path('token')}\n"
                    "  loopback: admin\n")
    assert daemon.scheme == "https"
    context = ssl.create_default_context(cafile=place.path("tls.pem"))

    def tls(headers=None):
        connection = http.client.HTTPSConnection("127.0.0.1", daemon.port, context=context,
                                                 timeout=PATIENCE)
        return daemon.ask("/api/v1/status", headers=headers, connection=connection)[0]
    assert tls() == 200
    assert b"HTTP/1.1 200" not in daemon.raw(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert daemon.program.term() == 0
    daemon.text = daemon.text.replace("listen: 0", "listen: 0.0.0.0:0")
    daemon.start()
    assert tls() == 401
    assert tls({"Authorization": f"Bearer {TOKEN}"}) == 200


def test_taken_port(place, ebbd, _ebb):
    """a port that somebody named and another has is a failure, the default one is not"""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        path = place.write("ebb.yaml", f"state: {place.path('state')}\nhttp: {{listen: {port}}}\n")
        code, _, err = run([ebbd, "--config", path])
        assert code == 1 and f"http.listen: tcp:127.0.0.1:{port}: cannot listen there" in err, err
    with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", 9797)):
        path = place.write("ebb.yaml", f"state: {place.path('state')}\n")
        program = place.start([ebbd, "--config", path]).ready()
        assert "no page on TCP" in program.log() and "127.0.0.1:9797" in program.log()
        assert program.term() == 0


def test_reload(place, ebbd, _ebb):
    """where it listens, and to whom, changes with a restart only, and a reload says so"""
    daemon = Daemon(place, ebbd)
    place.write("ebb.yaml", daemon.text + "  loopback: admin\n")
    daemon.program.signal(signal.SIGHUP)
    until(lambda: "the section http cannot change while ebbd runs" in daemon.program.log())
    assert daemon.ask("/api/v1/resources/x/now", "POST")[0] == 403


# ---- the page ----

def test_page_folder(place, ebbd, _ebb):
    """files of the page: types, compression, tags; nothing outside its folder"""
    os.mkdir(place.path("page"))
    place.write("page/index.html", "<!doctype html><title>mine</title>")
    place.write("page/app.js", "1;" * 500)
    with open(place.path("page", "app.js.gz"), "wb") as file:
        file.write(b"\x1f\x8bpretended")
    place.write("secret", "s")
    os.symlink(place.path("secret"), place.path("page", "link.txt"))
    daemon = Daemon(place, ebbd, f"  page: {place.path('page')}\n")
    status, headers, body = daemon.ask("/")
    assert status == 200 and b"mine" in body and headers["Content-Type"].startswith("text/html")
    status, headers, body = daemon.ask("/assets/app.js")
    assert len(body) == 1000 and headers["Content-Type"].startswith("text/javascript")
    tag = headers["ETag"]
    status, headers, body = daemon.ask("/assets/app.js", headers={"Accept-Encoding": "gzip"})
    assert body == b"\x1f\x8bpretended" and headers["Content-Encoding"] == "gzip"
    status, _, body = daemon.ask("/assets/app.js", headers={"If-None-Match": tag})
    assert status == 304 and body == b""
    for name in ("link.txt", "..%2fsecret", "%2e%2e%2fsecret", ".", "no.js", "%2fetc%2fpasswd"):
        assert daemon.ask("/assets/" + name)[0] in (400, 404), name
    assert daemon.ask("/plain")[0] == 200


if __name__ == "__main__":
    sys.exit(main([test_paths, test_heads, test_roles_on_loopback, test_roles_on_the_socket,
          test_other_pages, test_limits, test_slow_and_lying, test_events, test_open_addresses,
          test_taken_port, test_reload, test_page_folder], sys.argv[1:]))
