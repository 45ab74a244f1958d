#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The command line as a whole program: every command, every kind of bad input, exit codes, and that
parser, help, manual and completions all say the same; speaks TAP.

usage: tests/cli_test.py EBB TREE
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

TESTS = []


def test(function):
    TESTS.append(function)
    return function


class Skip(Exception):
    pass


def ebb(*words, **more):
    environment = {"PATH": os.environ["PATH"], "HOME": SCRATCH, **SANITIZER, **more.pop("env", {})}
    return subprocess.run([PROGRAM, *words], env=environment, cwd=SCRATCH, timeout=60,
                          **{"capture_output": True, "text": True, **more})


def check(condition, text):
    if not condition:
        raise AssertionError(text)


def expect(words, code, out=None, err=None, **more):
    done = ebb(*words, **more)
    said = f"ebb {' '.join(words)}: code {done.returncode}, said {done.stdout!r} {done.stderr!r}"
    check(done.returncode == code, f"{said}; wanted code {code}")
    check(out is None or done.stdout == out, f"{said}; wanted out {out!r}")
    check(err is None or done.stderr == err, f"{said}; wanted err {err!r}")
    return done


def scratch(name, text):
    path = os.path.join(SCRATCH, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(text if isinstance(text, bytes) else text.encode())
    return path


def table():
    return json.loads(expect(["help", "--json"], 0).stdout)


@test
def bad_words_end_with_2_and_say_what_was_meant():
    see = "; see `ebb help`\n"
    for words, sentence in {
            "stauts": "there is no command 'stauts' (did you mean status?)" + see,
            "check": "there is no command 'check' (did you mean config check?)" + see,
            "xyzzy": "there is no command 'xyzzy'" + see,
            "--jsno status": "there is no option '--jsno' (did you mean --json?)" + see,
            "status -x": "there is no option '-x'" + see,
            "status --js": "there is no option '--js'" + see,
            "status --state": "--state needs its DIR behind it" + see,
            "status --state=": "--state needs its DIR behind it" + see,
            "status --state --json": "--state needs its DIR behind it" + see,
            "status --state a --state=b": "--state is given twice" + see,
            "status --json=1": "--json takes no value" + see,
            "--json": "which command?" + see,
            "status --exit": "status takes no --exit; see `ebb help status`\n",
            "status --version": "status takes no --version; see `ebb help status`\n",
            "status now": "'now' is one word too many for status; see `ebb help status`\n",
            "config": "config needs one of: check, show, sample; see `ebb help config`\n",
            "config chekc":
            "there is no 'config chekc' (did you mean check?); see `ebb help config`\n",
            "config check a b":
            "'b' is one word too many for config check; see `ebb help config check`\n",
            "config check -- -a -b":
            "'-b' is one word too many for config check; see `ebb help config check`\n",
            "completion": "completion needs its SHELL; see `ebb help completion`\n",
            "completion zhs":
            "SHELL 'zhs' is none of bash, zsh (did you mean zsh?); see `ebb help completion`\n",
            "help me": "there is no command 'me'; see `ebb help`\n",
            "help config me": "there is no command 'config me'; see `ebb help`\n",
            "help a b c": "'c' is one word too many for help; see `ebb help help`\n",
            "config check a --config b": "FILE and --config name the same thing: give one\n",
    }.items():
        expect(words.split(), 2, "", "ebb: " + sentence)
    expect([], 2, "", "ebb: which command? `ebb help` tells what there is\n")
    expect(["config", "check", ""], 2, "",
           "ebb: an empty word is no FILE; see `ebb help config check`\n")
    expect(["\x1b[31m"], 2, "", "ebb: there is no command '\\x1b[31m'" + see)


@test
def options_stand_anywhere():
    scratch("o.yaml", "node: {name: here}\n")
    wanted = expect(["config", "show", "--config", "o.yaml"], 0).stdout
    check("name: here" in wanted, wanted)
    for words in (["--config", "o.yaml", "config", "show"], ["config", "--config=o.yaml", "show"],
                  ["config", "show", "--", "o.yaml"]):
        expect(words, 0, wanted, "")


@test
def help_comes_in_every_way():
    overview = expect(["help"], 0, err="").stdout
    expect(["--help"], 0, overview, "")
    expect(["-h"], 0, overview, "")
    expect(["config", "--help"], 0, expect(["help", "config"], 0, err="").stdout, "")
    for row in table()["commands"]:
        words = row["name"].split()
        text = expect(["help", *words], 0, err="").stdout
        expect([*words, "--help"], 0, text, "")
        expect(["-h", *words], 0, text, "")
        check(text.startswith(f"usage: ebb {row['synopsis']} [OPTIONS]\n"), text)
    for line in overview.splitlines():
        check(len(line) <= 80, f"longer than 80 columns: {line}")


def pages():
    """Every manual page that the program makes, by its name."""
    nouns = dict.fromkeys(row["name"].split()[0] for row in table()["commands"])
    made = {f"ebb-{noun}.1": expect(["man", noun], 0, err="").stdout for noun in nouns}
    return {"ebb.1": expect(["man"], 0, err="").stdout, **made,
            "ebb.yaml.5": expect(["man", "ebb.yaml"], 0, err="").stdout}


@test
def every_command_and_option_is_in_every_text():
    told = table()
    overview, man = expect(["help"], 0).stdout, "".join(pages().values())
    man = re.sub(r"\\\((ga|ti|ha)", lambda m: {"ga": "`", "ti": "~", "ha": "^"}[m[1]], man)
    man = " ".join(man.replace("\\-", "-").replace("\\&", "").split())
    shells = {shell: expect(["completion", shell], 0).stdout for shell in ("bash", "zsh")}
    options = {option["name"] for option in told["options"]}
    taken = set()
    for row in told["commands"]:
        text = expect(["help", *row["name"].split()], 0).stdout
        check(f"  {row['synopsis']} " in overview.replace("\n", " "),
              f"{row['name']}: not in the overview")
        check(f".SS ebb {row['synopsis']} " in man, f"{row['name']}: not in the manual")
        check(" ".join(row["details"].split()) in man, f"{row['name']}: details not in the manual")
        check(row["examples"], f"{row['name']}: no example")
        for example in row["examples"]:
            check(example in text and example in man, f"{row['name']}: {example} not told")
        for option in row["options"]:
            check(f"--{option} " in text + " ", f"{row['name']}: --{option} not in its help")
        for shell, script in shells.items():
            arm = re.search(rf'\t"{row["name"]}"\) .*opts="([^"]*)"', script)
            check(arm, f"{row['name']}: not in the completion of {shell}")
            check(set(arm[1].split()) == {"--" + name for name in row["options"]},
                  f"{row['name']}: other options in the completion of {shell}")
        taken |= set(row["options"])
    check(taken | {"version"} == options, f"options that no command takes: {options - taken}")
    for option in options:
        check(re.search(rf"\.B (-\w, )?--{option} ", man), f"--{option}: not in man")
    for code in told["exit_codes"]:
        check(f".B {code['code']} {code['help']}" in man, f"code {code['code']}: not in man")
        check(re.search(rf"^  {code['code']} +{re.escape(code['help'])}", overview, re.M),
              f"code {code['code']}: not in help")


@test
def every_command_takes_what_the_table_says():
    """Each option of each command is taken or refused as its row says, before anything is done."""
    told = table()
    for row in told["commands"]:
        for option in told["options"]:
            value = ["/nonexistent/x"] if option.get("value") else []
            words = [*row["name"].split(), "--" + option["name"], *value, "--help"]
            taken = option["name"] in row["options"]
            expect(words, 0 if taken else 2, None if taken else "")


@test
def version_is_told():
    plain = expect(["version"], 0, err="").stdout
    check(re.fullmatch(r"ebb \d+\.\d+\.\d+\n", plain), plain)
    expect(["--version"], 0, plain, "")
    said = json.loads(expect(["version", "--json"], 0, err="").stdout)
    check(said == {"type": "version", "version": plain.split()[1]}, said)


@test
def config_is_found_in_order():
    scratch("a.yaml", "node: {name: a}\n")
    scratch("b.yaml", "node: {name: b}\n")
    scratch("c.yaml", "node: {name: c}\n")
    for words, env, name in (([], {"EBB_CONFIG": "a.yaml"}, "a"),
                             (["--config", "b.yaml"], {"EBB_CONFIG": "a.yaml"}, "b"),
                             (["c.yaml"], {"EBB_CONFIG": "a.yaml"}, "c"),
                             (["/dev/null"], {}, "local")):
        said = json.loads(expect(["config", "show", "--json", *words], 0, env=env).stdout)
        check(said["keys"]["node.name"]["value"] == name, f"{words} {env}: {said}")


@test
def config_check_tells_files_and_mistakes():
    scratch("good.yaml", "node: {name: a}\nlog: {level: warn}\n")
    scratch("bad.yaml", "node: {nam: a}\nloop: {tick: 5}\n")
    expect(["config", "check", "good.yaml"], 0, "good.yaml: no mistakes, 2 of 19 keys set\n", "")
    scratch("kept.yaml", "protect:\n  home: {path: /home, to: /mnt/b, rpo: 24h}\n")
    expect(["config", "check", "kept.yaml"], 0,
           "kept.yaml: no mistakes, 0 of 19 keys set, 1 to protect\n", "")
    mistakes = ["bad.yaml:1:8: node.nam: unknown key (did you mean node.name?)",
                "bad.yaml:2:14: loop.tick: duration '5' lacks a unit: write 5s, 5m or 5h"]
    expect(["config", "check", "bad.yaml"], 1, "", "\n".join(mistakes) + "\n")
    said = json.loads(expect(["config", "check", "bad.yaml", "--json"], 1).stdout)
    check(said["errors"] == mistakes and said["ok"] is False, said)
    said = json.loads(expect(["config", "check", "good.yaml", "--json"], 0, err="").stdout)
    check(said["files"] == ["good.yaml"] and said["ok"] is True, said)
    expect(["config", "check", "no.yaml"], 1, "", "no.yaml: No such file or directory\n")
    expect(["config", "check", "."], 1, "", ".: is a folder, not a file\n")
    expect(["config", "check", "good.yaml", "--state", "/"], 1, "",
           "--state: '/' is the root folder: name one beneath it\n")
    expect(["config", "check", "good.yaml", "--state", "d" * 600], 2, "",
           "ebb: --state: the path is too long\n")


@test
def config_takes_no_bytes_that_are_no_text():
    for name, text, sentence in (
            ("nul", b"node:\n  name: a\0b\n", "2:10: control character \\x00 is not allowed"),
            ("latin1", b"# gr\xfc\xdfe\n", "1:5: byte \\xfc is not UTF-8: save the file as UTF-8"),
            ("utf16", "log: {}\n".encode("utf-16"),
             "1:1: byte \\xff is not UTF-8: save the file as UTF-8"),
            ("escape", b"log: \x1b[1m\n", "1:6: control character \\x1b is not allowed"),
            ("tab", b"log:\n\tlevel: info\n",
             "2:1: not YAML: found character that cannot start any token while scanning for the "
             "next token: indent with spaces, YAML takes no tabs")):
        scratch(name + ".yaml", text)
        expect(["config", "check", name + ".yaml"], 1, "", f"{name}.yaml:{sentence}\n")
    scratch("big.yaml", b"#" * ((1 << 20) + 1))
    expect(["config", "check", "big.yaml"], 1, "", "big.yaml: is longer than 1048576 bytes\n")
    scratch("full.yaml", b"#" * (1 << 20))
    expect(["config", "check", "full.yaml"], 0, err="")
    scratch("bom.yaml", b"\xef\xbb\xbfnode: {name: a}\n")
    expect(["config", "check", "bom.yaml"], 0, err="")


@test
def links_and_pipes_are_followed():
    scratch("real/r.yaml", "node: {name: r}\n")
    scratch("linked/conf.d/x.yaml", "log: {level: warn}\n")
    os.symlink("../real/r.yaml", os.path.join(SCRATCH, "linked", "ebb.yaml"))
    said = expect(["config", "check", "linked/ebb.yaml"], 0, err="").stdout
    check(said == "linked/ebb.yaml, linked/conf.d/x.yaml: no mistakes, 2 of 19 keys set\n", said)
    expect(["config", "check", "/dev/stdin"], 0, "/dev/stdin: no mistakes, 1 of 19 keys set\n",
           input="node: {name: piped}\n")


@test
def state_option_is_relative_to_here():
    said = json.loads(expect(["config", "show", "/dev/null", "--state", "s/t", "--json"], 0).stdout)
    check(said["keys"]["state"] == {"value": f"{SCRATCH}/s/t", "source": "option"}, said)


@test
def shown_configuration_is_a_configuration():
    scratch("s.yaml", "state: \"/srv/a \\\"b\\\" #c\"\nloop: {tick: 90s}\n")
    shown = expect(["config", "show", "s.yaml"], 0, err="").stdout
    scratch("shown.yaml", shown)
    again = expect(["config", "show", "shown.yaml"], 0, err="").stdout
    strip = re.compile(r" +# .*$", re.M)
    check(strip.sub("", shown) == strip.sub("", again), again)


@test
def sample_file_is_the_one_in_the_tree():
    sample = expect(["config", "sample"], 0, err="").stdout
    with open(os.path.join(TREE, "contrib", "ebb.yaml"), encoding="utf-8") as file:
        check(file.read() == sample, "differs; ebb config sample > contrib/ebb.yaml makes it anew")


@test
def manual_pages_are_clean():
    if not shutil.which("mandoc"):
        raise Skip("mandoc is not installed")
    texts = pages()
    written = os.path.join(TREE, "contrib", "man")
    for name in os.listdir(written):
        with open(os.path.join(written, name), encoding="utf-8") as file:
            texts[name] = file.read()
    check({"ebb.1", "ebb-repo.1", "ebbd.8", "ebb-vold.8", "ebb.yaml.5"} <= set(texts), list(texts))
    for name, text in texts.items():
        scratch(name, text)
    done = subprocess.run(["mandoc", "-Tlint", *texts], cwd=SCRATCH, capture_output=True,
                          text=True, timeout=60)
    # That another page is not installed here is none of theirs.
    said = [line for line in done.stdout.splitlines() if "referenced manual" not in line]
    check(not said and not done.stderr, said)
    expect(["man", "x"], 2, "", "ebb: there is no page 'x'; see `ebb man`\n")


@test
def every_page_is_installed():
    with open(os.path.join(TREE, "src", "ebb", "meson.build"), encoding="utf-8") as file:
        named = re.search(r"^nouns = \[(.*?)\]", file.read(), re.M | re.S)[1]
    wanted = {name[4:-2] for name in pages() if name.startswith("ebb-")}
    check(set(re.findall(r"'(\w+)'", named)) == wanted, f"nouns of src/ebb/meson.build: {wanted}")


@test
def configuration_page_is_the_sample():
    if not shutil.which("mandoc"):
        raise Skip("mandoc is not installed")
    scratch("ebb.yaml.5", expect(["man", "ebb.yaml"], 0).stdout)
    shown = subprocess.run(["mandoc", "-Tascii", "-Owidth=200", "ebb.yaml.5"], cwd=SCRATCH,
                           capture_output=True, text=True, timeout=60, check=True).stdout
    shown = re.sub(".\b", "", shown)
    for line in expect(["config", "sample"], 0).stdout.splitlines():
        check(line in shown, line)


@test
def dashes_of_the_manual_can_be_copied():
    """An unescaped dash becomes a hyphen, which no shell takes for an option."""
    text = "".join(pages().values())
    bare = re.search(r"^(?!\.TH|\.\\\").*[^\\]-", text, re.M)
    check(not bare, f"a bare dash: {bare and bare[0]}")


@test
def full_disk_is_an_error():
    with open("/dev/full", "wb") as full:
        done = ebb("help", capture_output=False, stdout=full, stderr=subprocess.PIPE)
    check(done.returncode == 1, done)
    check(done.stderr == "ebb: cannot write to standard output\n", done.stderr)


def main():
    failed = 0
    print(f"TAP version 13\n1..{len(TESTS)}")
    for number, function in enumerate(TESTS, 1):
        name = function.__name__
        try:
            function()
            print("ok", number, "-", name, flush=True)
        except Skip as reason:
            print("ok", number, "-", name, "# SKIP", reason, flush=True)
        except Exception as wrong:  # a test that stumbles has failed
            failed += 1
            for line in (str(wrong) or repr(wrong)).splitlines():
                print("#", line)
            print("not ok", number, "-", name, flush=True)
    return 1 if failed else 0


PROGRAM, TREE = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
SANITIZER = {name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}
with tempfile.TemporaryDirectory(prefix="ebb-cli-") as SCRATCH:
    SCRATCH = os.path.realpath(SCRATCH)
    CODE = main()
sys.exit(CODE)
