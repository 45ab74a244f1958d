#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests forecasts as a user meets them: history in, forecasts out, beside a daemon and without one.
Speaks TAP.

usage: tests/forecast_cli_test.py EBB EBBD
"""
import json
import math
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from programs import PATIENCE, ask, main, run, seed  # noqa: E402

HOUR, DAY = 3600, 86400


def check(condition, said):
    if not condition:
        raise AssertionError(said)


def ebb(place, words, code=0, **environment):
    """Runs it on the place's state folder in UTC, gives standard output and standard error."""
    words = words.split() if isinstance(words, str) else words
    done = run([place.ebb, *words, "--state", place.path("state")], {"TZ": "UTC", **environment})
    wanted = code if isinstance(code, tuple) else (code,)
    check(done[0] in wanted, f"ebb {words}: code {done[0]}, wanted {code}\n{done[1]}\n{done[2]}")
    return done[1], done[2]


def ebb_json(place, words, code=0):
    words = words.split() if isinstance(words, str) else words
    return json.loads(ebb(place, [*words, "--json"], code)[0])


def daemon(place):
    config = place.write("ebb.yaml", f"state: {place.path('state')}\nloop:\n  tick: 1s\n")
    return place.start([place.ebbd, "--config", config]).ready()


def born(place):
    """A state folder, as the first start of a daemon leaves it."""
    check(daemon(place).term() == 0, "it did not end in order")


def days_of(dice, days, now):
    """Moments and values: a peak in the afternoon, a job at two in the morning, noise."""
    for moment in range(now - days * DAY, now, 300):
        hour = moment % DAY / HOUR
        job = 80 if 2 <= hour < 3 else 0
        yield moment, 20 + 15 * math.exp(-((hour - 14) / 3) ** 2) + job + dice.gauss(0, 2)


def csv_of(rows, head="time,value"):
    return head + "\n" + "".join(f"{moment},{value:.2f}\n" for moment, value in rows)


def test_cold(place):
    """a young daemon is looked at while it runs, and its forecasts say how little they know"""
    running = daemon(place)
    end = time.monotonic() + 30
    while True:
        listed = ebb_json(place, "forecast")
        check(listed["type"] == "forecast-list", listed)
        names = {one["series"]: one for one in listed["series"]}
        if names.get("ebb_host_cpus", {}).get("known") or time.monotonic() > end:
            break
    check(names["ebb_host_cpus"]["kind"] == "gauge", names)
    text, _ = ebb(place, "forecast ebb_host_cpus")
    check("less than an hour" in text or "for 1 h" in text, text)
    check("the bands say little" in text and "record    none" in text, text)
    found = ebb_json(place, "forecast ebb_host_cpus --horizon 3h")
    check(found["record"] is None and len(found["steps"]) == 3, found)
    check(found["known"]["class"] in ("minutes", "hours"), found)
    check(found["basis"]["class"] > 0.5 and found["basis"]["class_name"] == "steady", found)
    check("stems     from 0 % own errors" in text, text)
    wide = found["steps"][0]["quantiles"]
    check(wide[0] < 0.9 * wide[3] < 1.1 * wide[3] < wide[6], wide)
    check(running.term() == 0, "the daemon")


def test_imported(place):
    """after an import of a month the job at night is in the forecast, bands are in order"""
    dice, now = seed(), int(time.time())
    born(place)
    path = place.write("load.csv", csv_of(days_of(dice, 30, now)))
    words = ["history", "import", "csv", path, "--series", 'load{app="shop"}']
    first = ebb_json(place, words)
    check(first["imported"] == first["rows"] == 30 * DAY // 300, first)
    again = ebb_json(place, words)
    check(again["imported"] == 0 and again["known_before"] == first["rows"], again)
    found = ebb_json(place, "forecast shop --horizon 7d")
    check(found["series"] == 'load{app="shop"}' and len(found["steps"]) == 168, found["series"])
    for step in found["steps"]:
        quantiles = step["quantiles"]
        check(quantiles == sorted(quantiles) and quantiles[0] >= 0, step)
        middle, hour = quantiles[3], int(step["at"][11:13])
        check(middle > 40 if hour == 2 else middle < 40, step)
    record = found["record"]
    check(record["mase"] < 1 and 0.6 < record["coverage"] <= 1, record)
    check(found["known"]["class"] == "weeks", found["known"])
    check(found["basis"]["record"] > 0.5 and "paths" not in found, found["basis"])
    soon = found["soon"]["steps"]
    check(len(soon) == 12 and all(s["quantiles"] == sorted(s["quantiles"]) for s in soon), soon)
    by_hour = {int(w["at"][11:13]): w for w in found["windows"]["windows"]}
    check(by_hour[2]["class"] == "sustained" and by_hour[2]["height"] > 40, by_hour[2])
    check(2400 < by_hour[2]["length"] < 4800 and by_hour[7]["class"] == "calm", by_hour)
    check(0 < found["odd"]["hour_p"] <= found["odd"]["p"] <= 1, found["odd"])
    paths = ebb_json(place, "forecast load --paths")["paths"]
    check(abs(sum(path["weight"] for path in paths) - 1) < 1e-6 and len(paths) > 10, paths)
    check(all(len(path["hours"]) == 24 for path in paths), "hours of paths")
    table, _ = ebb(place, "forecast load --quantiles --horizon 2h")
    check("97.5%" in table and table.count(" 00:00") + table.count(":00") >= 2, table)


def test_first(place):
    """history comes first: a new folder is made, has bands at once, and ebbd goes on with it"""
    now = int(time.time()) // 300 * 300
    file = place.write("load.csv", csv_of(days_of(seed(), 9, now)))
    _, said = ebb(place, ["history", "import", "csv", file, "--series", "load"])
    check(said == f"ebb: {place.path('state')} is a new state folder: ebbd will go on with it\n",
          said)
    forecast = ebb_json(place, "forecast load")
    check(forecast["known"]["class"] == "days", forecast["known"])
    for step in forecast["steps"]:
        low, high = step["quantiles"][1], step["quantiles"][-2]
        check(low < high, step)
    born(place)
    check(ebb_json(place, "forecast load")["known"] == forecast["known"], "it is forgotten")


def test_chart(place):
    """the chart is narrow, plain without a terminal, and a week has fewer rows"""
    born(place)
    path = place.write("load.csv", csv_of(days_of(seed(), 20, int(time.time()))))
    ebb(place, ["history", "import", "csv", path, "--series", "load"])
    for horizon, rows in (("24h", 24), ("7d", 28)):
        text, _ = ebb(place, f"forecast load --horizon {horizon}")
        lines = text.splitlines()
        check(all(len(line) <= 100 for line in lines), max(lines, key=len))
        check("\033" not in text, text)
        check(sum(line[10:15].count(":00") for line in lines) == rows, text)


def test_bad_files(place):
    """every mistake in a file is told by file, line and field, and nothing of it is taken in"""
    born(place)
    now = int(time.time()) - DAY
    for text, said in (
            (f"time,value\n{now},1\n{now + 1},one\n", ":3:2: 'one' is no number"),
            (f"time,value\n{now},1\nyesterday,2\n", ":3:1: 'yesterday' is no moment"),
            (f"time,value\n{now}\n", ":2:2: 1 fields, where the first row has 2"),
            (f"time,value\n{now},\"1\n", ":2:2: a quote is opened and never closed"),
            (f"time,a,b\n{now},1,2\n", ":1:1: 3 columns: say by --value which one"),
            (f"time,value\n{now},1\n{now},2\n", ":3:1: the moment of line 2 again"),
            ("", ": nothing in it"), ("time,value\n", ": no row has a value")):
        path = place.write("bad.csv", text)
        _, err = ebb(place, ["history", "import", "csv", path, "--series", "bad"], 1)
        check(f"{path}{said}" in err, err)
    ebb(place, ["history", "import", "csv", place.path("none"), "--series", "bad"], 4)
    path = place.write("good.csv", f"time,value\n{now},1\n")
    _, err = ebb(place, ["history", "import", "csv", path, "--series", "9bad"], 2)
    check("--series" in err, err)
    ebb(place, ["history", "import", "csv", path], 2)
    ebb(place, ["history", "import", "tsv", path, "--series", "bad"], 2)
    check("bad" not in ebb(place, "forecast")[0], "something was taken in")
    path = place.write("future.csv", f"time,value\n{now + 30 * DAY},1\n")
    text, _ = ebb(place, ["history", "import", "csv", path, "--series", "odd"], 3)
    check("1 are in the future" in text, text)


def test_whose(place):
    """a running daemon keeps its store; names that mean nothing or several things are told"""
    path = place.write("load.csv", f"time,value\n{int(time.time()) - DAY},1\n")
    words = ["history", "import", "csv", path, "--series", "load"]
    ebb(place, "forecast", 4)
    check(not os.path.exists(place.path("state")), "a question made a folder")
    running = daemon(place)
    _, err = ebb(place, words, 11)
    check("stop it" in err, err)
    check(running.term() == 0, "the daemon")
    ebb(place, words)
    _, err = ebb(place, "forecast nothing_of_that_name", 4)
    check("`ebb forecast` lists them" in err, err)
    _, err = ebb(place, "forecast ebb_host_pressure_seconds_total", 2)
    check("say which" in err and 'resource="io"' in err, err)
    _, err = ebb(place, "forecast load --horizon 8d", 2)
    check("1h to 7d" in err, err)
    check(daemon(place).term() == 0, "the daemon does not open what was imported")
    check("load" in ebb(place, "forecast")[0], "what was imported is gone")


def test_backtest(place):
    """a back-test ranks the simple forecasters as the trace was made, and ebb is ahead of naive"""
    path = place.write("load.csv", csv_of(days_of(seed(), 30, int(time.time())), "when,load"))
    words = ["model", "backtest", path]
    code, out, err = run([place.ebb, *words, "--json"], {"TZ": "UTC"})
    check(code == 0, err)
    found = json.loads(out)
    errors = {name: one["day"] for name, one in found["experts"].items()}
    check(found["error"]["day"] < errors["day-before"] < errors["last"], found)
    check(errors["same-hour"] < errors["day-before"], errors)
    check(0.65 < found["coverage_80"] < 0.95 and found["coverage_95"] > 0.85, found)
    check(found["pinball"] > 0 and found["days"] == 15, found)
    code, out, _ = run([place.ebb, *words, "--days", "7"])
    check(code == 0 and "last 7 days" in out and "same-hour" in out, out)
    code, _, err = run([place.ebb, *words, "--days", "0"])
    check(code == 2 and "--days" in err, err)
    code, _, err = run([place.ebb, *words, "--days", "40"])
    check(code == 1 and "40 days to forecast, of a trace of 3" in err, err)
    path = place.write("short.csv", "when,load\n1700000000,1\n")
    code, _, err = run([place.ebb, "model", "backtest", path])
    check(code == 1 and "two days to ten years" in err, err)
    path = place.write("leap.csv", "when,load\n0,1\n1700000000,1\n")
    code, _, err = run([place.ebb, "model", "backtest", path])
    check(code == 1 and "two days to ten years" in err, err)


def test_models(place):
    """model ls tells who drives each series, and a record only where one is"""
    born(place)
    path = place.write("load.csv", csv_of(days_of(seed(), 10, int(time.time()))))
    ebb(place, ["history", "import", "csv", path, "--series", "load"])
    models = {one["series"]: one for one in ebb_json(place, "model ls")["models"]}
    check(models["load"]["record"]["mase"] < 1.2 and models["load"]["refits"] >= 9, models["load"])
    check(models["load"]["driver"] != "-" and models["load"]["weight"] > 0, models["load"])
    # The daemon ran for a moment: whether that makes an hour depends on the time of day.
    young = models.get("ebb_host_cpus")
    check(young is None or young["record"] is None, young)
    text, _ = ebb(place, "model ls")
    check(text.splitlines()[-1].endswith("  load"), text)


def test_kept(place):
    """the daemon learns within its budget, keeps its models, and forecasts go by them"""
    born(place)
    now = int(time.time())
    path = place.write("load.csv", csv_of(days_of(seed(), 30, now)))
    ebb(place, ["history", "import", "csv", path, "--series", "load"])
    alone = ebb_json(place, "forecast load")
    check(alone["model"]["from"] == "call", alone["model"])

    def learnt():
        return ask(place.path("state", "ebbd.sock"), "status")["models"]

    running = daemon(place)
    began = time.monotonic()
    while not learnt()["kept"]:
        check(time.monotonic() < began + PATIENCE, learnt())
    spent, passed = learnt()["cpu"], time.monotonic() - began + 1
    check(spent < 0.1 * passed, f"{spent} s of {passed} s")
    check(learnt()["error"] is None and learnt()["damaged"] == 0, learnt())
    while ebb_json(place, "forecast load")["model"]["from"] != "shelf":
        check(time.monotonic() < began + PATIENCE, learnt())
    kept = ebb_json(place, "forecast load")
    check(kept["record"]["mase"] < 1 and kept["model"]["refits"] >= 29, kept["model"])
    if kept["start"] == alone["start"]:
        check(kept["steps"][0]["quantiles"] == alone["steps"][0]["quantiles"], "another forecast")
    running.kill()
    models = os.path.join(place.path("state"), "models")
    for name in os.listdir(models):
        with open(os.path.join(models, name), "r+b") as file:
            file.seek(200)
            file.write(b"\xff\x00\xff")
    check(ebb_json(place, "forecast load")["model"]["from"] == "call", "a damaged model was used")
    running = daemon(place)
    began = time.monotonic()
    while not (learnt()["damaged"] and learnt()["kept"]):
        check(time.monotonic() < began + PATIENCE, learnt())
    check(running.term() == 0, "the daemon")


def test_calendar(place):
    """a day that the calendar names is forecast by what such days were, and only with it"""
    now = int(time.time())
    tomorrow = now - now % DAY + DAY
    number = time.gmtime(tomorrow).tm_mday
    dice, rows = seed(), []
    for moment, value in days_of(dice, 40, now):
        peak = time.gmtime(moment).tm_mday == number and 8 <= moment % DAY / HOUR < 20
        rows.append((moment, 4 * value if peak else value))
    born(place)
    path = place.write("load.csv", csv_of(rows))
    ebb(place, ["history", "import", "csv", path, "--series", 'load{app="shop"}'])
    # Not every month has a 29th, and one that was not seen goes by what is said.
    times = "" if number <= 28 else " x4"

    def peak_of(calendar):
        config = place.write("calendar.yaml", "applications:\n  shop:\n    series: shop*\n"
                             f"    type: web\n{calendar}")
        steps = ebb_json(place, f"forecast shop --horizon 2d --config {config}")["steps"]
        middles = [step["quantiles"][3] for step in steps
                   if step["at"].startswith(time.strftime("%Y-%m-%d", time.gmtime(tomorrow)))
                   and 8 <= int(step["at"][11:13]) < 20]
        return sum(middles) / len(middles)

    with_it = peak_of(f"    calendar: day-{number} 08:00-20:00{times}\n")
    without = peak_of("")
    check(with_it > 2.8 * without, (with_it, without))
    bad = place.write("bad.yaml", "applications:\n  shop:\n    series: shop\n"
                      "    calendar: month-end; moon 08:00-20:00\n")
    code, _, err = run([place.ebb, "config", "check", bad])
    check(code == 1 and f"{bad}:4:26: applications.shop.calendar: 'moon' are no days: write "
          "month-end" in err, err)


def with_programs(function):
    def test(place, ebb_path, ebbd_path):
        place.ebb, place.ebbd = ebb_path, ebbd_path
        function(place)
    test.__name__, test.__doc__ = function.__name__, function.__doc__
    return test


TESTS = [test_cold, test_imported, test_first, test_chart, test_bad_files, test_whose,
         test_backtest, test_models, test_kept, test_calendar]

if __name__ == "__main__":
    sys.exit(main([with_programs(one) for one in TESTS], sys.argv[1:]))
