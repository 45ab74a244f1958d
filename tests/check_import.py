#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""History from real servers: sysstat, Prometheus, VictoriaMetrics, InfluxDB, started here on
loopback in folders of their own; and what ebb exports, judged by promtool. Speaks TAP.

usage: tests/check_import.py EBB EBBD
"""
import contextlib
import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from forecast_cli_test import born, check, daemon, ebb, ebb_json, with_programs  # noqa: E402
from programs import PATIENCE, Skip, main, run, user  # noqa: E402

HOUR, DAY, STEP = 3600, 86400, 300
DAYS = 9


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise Skip(f"{program} is not installed")


def port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """One started server, until its folder goes."""

    def __init__(self, place, argv, url, environment=None):
        self.url, self.log = url, place.path("server.log")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            cwd=place.folder,
                                            env={**os.environ, **(environment or {})})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(PATIENCE)

    def get(self, path, body=None):
        request = urllib.request.Request(self.url + path, body)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.read()

    def ready(self, path):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
                self.get(path)
                return self
            check(self.process.poll() is None, open(self.log, encoding="utf-8").read()[-2000:])
            time.sleep(0.1)
        raise AssertionError(f"{self.url} never answered")


def load(moment):
    """Bytes a second that the planted disk reads: a job at two in the morning."""
    return 50e6 if 2 <= moment % DAY / HOUR < 3 else 1e6


def moments(now):
    first = now - DAYS * DAY
    return range(first - first % STEP, now - now % STEP + 1, STEP)


def planted(now):
    """A machine's counters: (moment, bytes read, CPU seconds of two CPUs, memory)."""
    read = 0.0
    for moment in moments(now):
        read += load(moment - 1) * STEP
        yield moment, read, moment % DAY / 10 + 1e6, 4e9 + moment % 1000


def exposition(now, host):
    """As node exporter gives it, with moments (OpenMetrics)."""
    rows = {"node_disk_read_bytes": ("counter", []), "node_cpu_seconds": ("counter", []),
            "node_memory_MemAvailable_bytes": ("gauge", [])}
    at = f'instance="{host}",job="node"'
    for moment, read, _, memory in planted(now):
        rows["node_disk_read_bytes"][1].append(
            f'node_disk_read_bytes_total{{{at},device="sda"}} {read:.0f} {moment}')
        for cpu in "01":
            for mode, rate in (("user", 0.25), ("idle", 0.75)):
                rows["node_cpu_seconds"][1].append(
                    f'node_cpu_seconds_total{{{at},cpu="{cpu}",mode="{mode}"}} '
                    f'{(moment - now + 1e7) * rate:.2f} {moment}')
        rows["node_memory_MemAvailable_bytes"][1].append(
            f"node_memory_MemAvailable_bytes{{{at}}} {memory:.0f} {moment}")
    return rows


def openmetrics(now, hosts):
    text = []
    for name in ("node_disk_read_bytes", "node_cpu_seconds", "node_memory_MemAvailable_bytes"):
        for number, host in enumerate(hosts):
            kind, rows = exposition(now, host)[name]
            text += [f"# TYPE {name} {kind}"] * (number == 0) + rows
    return "\n".join(text) + "\n# EOF\n"


def prometheus(place, blocks, number=None):
    need("prometheus", "promtool")
    config = place.write("prometheus.yml", "global: {scrape_interval: 1s}\nscrape_configs: []\n")
    at = f"127.0.0.1:{number or port()}"
    return Server(place, ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={blocks}",
                          "--storage.tsdb.retention.time=60d", f"--web.listen-address={at}",
                          "--log.level=warn"], f"http://{at}").ready("/-/ready")


def blocks_of(place, text):
    need("promtool")
    blocks = place.path("blocks")
    done = run(["promtool", "tsdb", "create-blocks-from", "--max-block-duration=480h",
                "openmetrics", place.write("planted.txt", text), blocks])
    check(done[0] == 0, done)
    return blocks


def count(document, name):
    rows = [one for one in document["series"] if one["series"] == name]
    check(len(rows) == 1, f"{name}: {document}")
    return rows[0]


def has_the_job(place, series):
    """The forecast of the imported disk knows the job at two."""
    answer = ebb_json(place, ["forecast", series, "--horizon", "24h"])
    check(answer["known"]["class"] == "days", answer["known"])
    by_hour = {int(step["at"][11:13]): step["value"] for step in answer["steps"]}
    check(by_hour[2] > 20e6, by_hour)
    check(all(value < 20e6 for hour, value in by_hour.items() if hour != 2), by_hour)


READ, CPU = 'ebb_disk_read_bytes_total{device="sda"}', "ebb_host_cpu_seconds_total"


def prometheus_of_two(place):
    """Prometheus: one machine of two, mapped, forecast, and again without a change"""
    now = int(time.time())
    born(place)
    with prometheus(place, blocks_of(place, openmetrics(now, ["a:9100", "b:9100"]))) as server:
        words = ["history", "import", "prometheus", server.url]
        check("several machines" in ebb(place, words, 2)[1], "it took two machines for one")
        first = ebb_json(place, [*words, "--host", "a:9100"])
        rows = len(moments(now))
        check(count(first, READ)["imported"] >= rows - 1, first)
        check(count(first, CPU)["imported"] >= rows - 1, first)
        again = ebb_json(place, [*words, "--host", "a:9100"])
        check(sum(one["imported"] for one in again["series"]) == 0, again)
        anew = ebb_json(place, [*words, "--host", "a:9100", "--since", "2020-01-01"][:-2])
        check(anew["series"] == again["series"], "the mark was not kept")
        own = ebb_json(place, [*words, "--match", "node_memory_MemAvailable_bytes"])
        check({one["series"] for one in own["series"]} ==
              {f'node_memory_MemAvailable_bytes{{instance="{h}:9100"}}' for h in "ab"}, own)
        check("parse error" in ebb(place, [*words, "--match", "{{"], 2)[1], "no word on the match")
    has_the_job(place, READ)
    busy = ebb_json(place, ["forecast", CPU])
    check(abs(busy["steps"][3]["value"] - 0.5) < 0.02, busy["steps"][3])
    check("history" not in ebb(place, words, 1)[0], "a server that is gone")


def prometheus_that_ends(place):
    """an import that is cut goes on where it ended, and gives what one in one go gives"""
    now = int(time.time())
    born(place)
    with prometheus(place, blocks_of(place, openmetrics(now, ["a:9100"]))) as server:
        words = ["history", "import", "prometheus", server.url, "--since",
                 time.strftime("%Y-%m-%d", time.gmtime(now - DAYS * DAY))]
        half = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - 4 * DAY))
        first = ebb_json(place, [*words, "--until", half])
        rest = ebb_json(place, words[:4])
        both = count(first, READ)["imported"] + count(rest, READ)["imported"]
        check(both >= len(moments(now)) - 1, (first, rest))
        check(count(rest, READ)["known_before"] <= 2, rest)


def victoria_metrics(place):
    """VictoriaMetrics: the same question gives the same"""
    need("victoria-metrics")
    now, at = int(time.time()), f"127.0.0.1:{port()}"
    born(place)
    text = "\n".join(f"{row}000" for name in exposition(now, "a") for row in
                     exposition(now, "a")[name][1]) + "\n"
    with Server(place, ["victoria-metrics", f"-httpListenAddr={at}", "-retentionPeriod=3",
                        f"-storageDataPath={place.path('vm')}"], f"http://{at}") as server:
        server.ready("/health")
        server.get("/api/v1/import/prometheus", text.encode())
        server.get("/internal/force_flush")
        done = ebb_json(place, ["history", "import", "prometheus", server.url])
    check(count(done, READ)["imported"] >= len(moments(now)) - 2, done)
    has_the_job(place, READ)


def influx_lines(now):
    for moment, read, _, memory in planted(now):
        stamp = moment * 10**9
        yield (f"diskio,host=a,name=sda read_bytes={read:.0f}i,io_time={moment % 1000}i,"
               f'serial="x \\"y" {stamp}')
        yield f"mem,host=a available={memory:.0f}i {stamp}"
        for cpu in ("cpu0", "cpu1", "cpu-total"):
            yield f"cpu,cpu={cpu},host=a usage_idle=75,usage_user=25 {stamp}"


def influxdb(place):
    """InfluxDB 1.x: by query, and as a file of line protocol"""
    need("influxd")
    now, at, rpc = int(time.time()), f"127.0.0.1:{port()}", f"127.0.0.1:{port()}"
    born(place)
    folder = place.path("influx")
    config = place.write("influx.conf", f"""
reporting-disabled = true
bind-address = "{rpc}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
[http]
  bind-address = "{at}"
[monitor]
  store-enabled = false
""")
    lines = list(influx_lines(now))
    with Server(place, ["influxd", "-config", config], f"http://{at}",
                {"HOME": place.folder}) as server:
        server.ready("/ping")
        server.get("/query?q=" + urllib.parse.quote("CREATE DATABASE telegraf"), b"")
        for start in range(0, len(lines), 5000):
            server.get("/write?db=telegraf", "\n".join(lines[start:start + 5000]).encode())
        check("which database" in ebb(place, ["history", "import", "influx", server.url], 2)[1],
              "no database is no question")
        done = ebb_json(place, ["history", "import", "influx", server.url + "?db=telegraf"])
        own = ebb_json(place, ["history", "import", "influx", server.url + "/?db=telegraf",
                               "--match", "mem"])
        check("database not found" in ebb(place, ["history", "import", "influx",
                                                  server.url + "?db=none"], 2)[1], "no database")
    rows = len(moments(now))
    check(count(done, READ)["imported"] >= rows - 1, done)
    check(count(done, CPU)["imported"] >= rows - 1, done)
    check(count(own, 'mem_available{host="a"}')["imported"] >= rows - 1, own)
    has_the_job(place, READ)
    busy = ebb_json(place, ["forecast", CPU])
    check(abs(busy["steps"][3]["value"] - 0.5) < 0.02, busy["steps"][3])
    file = place.write("lines", "# DML\n" + "\n".join(lines) + "\n")
    again = ebb_json(place, ["history", "import", "influx", file])
    check(count(again, READ)["imported"] <= 1, again)
    check(count(again, READ)["known_before"] >= rows - 1, again)
    for text, said in (("a b=1", ":1: no moment"), ("a", ":1: no fields"),
                       ("a,b c=1 1700000000", ":1: a tag without a value"),
                       ('a b="x 1700000000', ":1: a quote is opened"),
                       ("mem available=1x 1700000000", "field available: '1x' is no number"),
                       ("mem,host=a total=1 17\nmem,host=b total=1 17", ":2: several machines")):
        answer = ebb(place, ["history", "import", "influx", place.write("bad", text)], 1)[1]
        check(said in answer, (text, answer))


def sysstat(place):
    """sysstat: what sadc measured here, by sadf, from a file and from a pipe"""
    need("sadf")
    born(place)
    kept = place.path("sa")
    done = run(["/usr/lib/sysstat/sadc", "-S", "ALL", "1", "4", kept])
    check(done[0] == 0, done)
    text = subprocess.run(["sadf", "-j", kept, "--", "-A"], capture_output=True, check=True,
                          env={**os.environ, "LC_ALL": "C"}).stdout
    file = place.write("sa.json", text.decode())
    intervals = json.loads(text)["sysstat"]["hosts"][0]["statistics"]
    done = ebb_json(place, ["history", "import", "sysstat", file])
    check(count(done, CPU)["imported"] == len(intervals), done)
    piped = subprocess.run([place.ebb, "history", "import", "sysstat", "-", "--state",
                            place.path("state"), "--json"], input=text, capture_output=True,
                           check=False)
    again = json.loads(piped.stdout)
    check(all(one["imported"] == 0 for one in again["series"]), again)
    busy = [sum(float(v) for k, v in one["cpu-load"][0].items()
                if k not in ("cpu", "idle", "iowait", "steal", "guest", "gnice"))
            for one in intervals]
    cpus = json.loads(text)["sysstat"]["hosts"][0]["number-of-cpus"]
    shown = ebb_json(place, ["forecast", CPU])["steps"][0]["value"]
    wanted = sum(busy) / len(busy) * cpus / 100
    check(abs(shown - wanted) < 0.1 * cpus, (shown, wanted))
    local = subprocess.run(["sadf", "-j", "-T", kept], capture_output=True, check=True).stdout
    check("not in UTC" in ebb(place, ["history", "import", "sysstat",
                                      place.write("local.json", local.decode())], 1)[1], "local")
    check(":1:" in ebb(place, ["history", "import", "sysstat",
                               place.write("bad.json", "{nonsense")], 1)[1], "no place named")


def exported(place):
    """what ebb exports is sound to promtool, and comes back from a Prometheus that scraped it"""
    need("promtool", "prometheus", "prometheus-node-exporter")
    running = daemon(place)
    end = time.monotonic() + PATIENCE
    text = ""
    while "ebb_host_cpu_seconds_total" not in text and time.monotonic() < end:
        time.sleep(0.3)
        text = ebb(place, ["status", "--prometheus"])[0]
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True,
                          text=True, check=False)
    check(done.returncode == 0 and not done.stdout + done.stderr, done)
    os.mkdir(place.path("text"))
    node_at, at = f"127.0.0.1:{port()}", f"127.0.0.1:{port()}"
    config = place.write("p.yml", "global: {scrape_interval: 1s}\nscrape_configs:\n- job_name: n\n"
                         f"  static_configs: [{{targets: ['{node_at}']}}]\n")
    with Server(place, ["prometheus-node-exporter", f"--web.listen-address={node_at}",
                        f"--collector.textfile.directory={place.path('text')}"],
                f"http://{node_at}"), \
         Server(place, ["prometheus", f"--config.file={config}", "--log.level=warn",
                        f"--storage.tsdb.path={place.path('p')}", f"--web.listen-address={at}"],
                f"http://{at}") as server:
        server.ready("/-/ready")
        for _ in range(6):
            place.write("new", ebb(place, ["status", "--prometheus"])[0])
            os.rename(place.path("new"), place.path("text", "ebb.prom"))
            time.sleep(1)
        check(running.term() == 0, "it did not end in order")
        # 3: some lie too near to what the daemon had kept of the same moment.
        own = ebb_json(place, ["history", "import", "prometheus", server.url], (0, 3))
    names = {one["series"]: one["imported"] for one in own["series"]}
    check(CPU in names and any(n.startswith("ebb_disk_reads_total{") for n in names), names)


def contrib(*names):
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "contrib", *names)


def rules(_):
    """alerts and board: promtool takes the rules, lives through them; they ask for what there is"""
    need("promtool")
    for words in (["check", "rules", contrib("prometheus", "ebb.rules.yaml")],
                  ["test", "rules", contrib("prometheus", "ebb.rules.test.yaml")]):
        code, out, err = run(["promtool", *words])
        check(code == 0, out + err)
    with open(contrib("prometheus", "ebb.rules.yaml"), encoding="utf-8") as file:
        asked = file.read()
    with open(contrib("grafana", "ebb.json"), encoding="utf-8") as file:
        asked += " ".join(t["expr"] for p in json.load(file)["panels"] for t in p["targets"])
    source = contrib("..", "src")
    made = subprocess.run(["grep", "-rhoE", "ebb_[a-z_]+", source], capture_output=True, text=True,
                          check=True).stdout.split()
    unknown = set(re.findall(r"ebb_[a-z_]+", asked)) - set(made)
    check(not unknown, f"nothing exports {unknown}")


def doctor(place):
    """The findings of a group, and the proposal, which has to be a configuration."""
    told = json.loads(run([place.ebb, "doctor", "--json", "--state", place.path("state")])[1])
    path = place.write("proposed.yaml", told["proposal"])
    check(run([place.ebb, "config", "check", path])[0] == 0, told["proposal"])
    return told


def prometheus_found(place):
    """doctor finds a Prometheus at its usual port"""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", 9090))
        except OSError:
            raise Skip("another program has port 9090") from None
    names = {one["name"] for one in doctor(place)["findings"] if one["group"] == "history"}
    check("http://localhost:9090" not in names, names)
    with prometheus(place, place.path("blocks"), 9090):
        found = [one for one in doctor(place)["findings"] if one["group"] == "history"]
        check(any("Prometheus " in one["text"] and " answers" in one["text"]
                  and one["do"] == "ebb history import prometheus http://localhost:9090"
                  for one in found), found)


def postgres_found(place):
    """doctor finds a PostgreSQL that listens, and proposes to save it"""
    binaries = max(glob.glob("/usr/lib/postgresql/*/bin"), default=None)
    if not binaries or not os.path.isdir("/run/postgresql") or os.getuid() != 0:
        raise Skip("as root, with postgresql installed")
    data, number = place.path("pg"), port()
    os.chmod(place.folder, 0o755)
    os.mkdir(data)
    shutil.chown(data, "postgres")
    who = user()
    subprocess.run([f"{binaries}/initdb", "-D", data, "-A", "trust", "--no-sync"], check=True,
                   cwd=data, stdout=subprocess.DEVNULL, **who)
    server = subprocess.Popen([f"{binaries}/postgres", "-D", data, "-p", str(number), "-h", "",
                               "-k", "/run/postgresql"], cwd=data, stderr=subprocess.DEVNULL,
                              **who)
    try:
        end = time.monotonic() + PATIENCE
        while not os.path.exists(f"/run/postgresql/.s.PGSQL.{number}"):
            check(time.monotonic() < end and server.poll() is None, "postgres does not listen")
            time.sleep(0.1)
        told = doctor(place)
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(PATIENCE)
    check(any(one["name"] == f"postgres-{number}" and one["group"] == "database"
              for one in told["findings"]), told["findings"])
    check(f"postgres: host=/run/postgresql port={number} " in told["proposal"], told["proposal"])


TESTS = [prometheus_of_two, prometheus_that_ends, victoria_metrics, influxdb, sysstat, exported,
         rules, prometheus_found, postgres_found]

if __name__ == "__main__":
    sys.exit(main([with_programs(one) for one in TESTS],
                  [os.path.abspath(word) for word in sys.argv[1:3]]))
