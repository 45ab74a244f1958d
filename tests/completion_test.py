#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The completions, tried by the TAB key in a real bash and a real zsh; speaks TAP.

usage: tests/completion_test.py EBB
"""
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time

PATIENCE = 60  # seconds, for a machine that has much else to do


class Shell:
    """An interactive shell at a terminal."""

    def __init__(self, words, environment):
        pid, self.fd = pty.fork()
        if pid == 0:
            os.chdir(SCRATCH)
            os.execvpe(words[0], words, environment)
        self.pid = pid

    def close(self):
        os.close(self.fd)
        os.waitpid(self.pid, 0)

    def type(self, text):
        os.write(self.fd, text.encode())

    def wait_for(self, pattern):
        """What was shown until the pattern is met in it; escapes taken out."""
        shown, end = "", time.monotonic() + PATIENCE
        while not re.search(pattern, shown):
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                raise AssertionError(f"no {pattern!r} in {shown!r}")
            shown += os.read(self.fd, 65536).decode(errors="replace")
            shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]|\x07", "", shown)
        return shown

    def run(self, command):
        """Runs a command and waits for its end."""
        self.type(command + "; echo do''ne\n")
        return self.wait_for(r"done\r?\n")

    def complete(self, line, pattern):
        """Types a line and TAB; what is shown then. The line is taken away again."""
        self.type(line + "\t\t")
        shown = self.wait_for(pattern)
        self.type("\x15\n")
        self.run("true")
        return shown


def bash():
    shell = Shell(["bash", "--norc", "--noprofile", "-i"], ENVIRONMENT)
    shell.run("bind 'set bell-style none'; bind 'set enable-bracketed-paste off'; "
              "bind 'set completion-query-items 0'; source <(ebb completion bash)")
    return shell


def zsh():
    shell = Shell(["zsh", "-f", "-i"], ENVIRONMENT)
    shell.run("PS1='> '; setopt no_beep; unsetopt zle_bracketed_paste prompt_sp; LISTMAX=0; "
              "autoload -Uz compinit; compinit -u -D; source <(ebb completion zsh)")
    return shell


# What is typed, and what must then be seen. TAB completes a word that can only be one thing, and
# lists those that it could be.
CASES = [
    ("ebb co", r"completion[^\n]*\n?(.*\n)*.*config|config[^\n]*\n?(.*\n)*.*completion"),
    ("ebb stat", r"ebb status "),
    ("ebb config ch", r"ebb config check "),
    ("ebb --state /tmp config sh", r"config show "),
    ("ebb run --ex", r"ebb run --exit "),
    ("ebb completion z", r"ebb completion zsh "),
    ("ebb help comp", r"ebb help completion "),
    ("ebb config check only-fi", r"ebb config check only-file\.yaml "),
    ("ebb status --state only-fo", r"--state only-folder/"),
    ("ebb status --state=only-fo", r"--state=only-folder/"),
    ("ebb status --config only-fi", r"--config only-file\.yaml "),
]


def offers(line):
    """What bash would offer for the last word, by calling the function as bash itself does."""
    script = ('source <(ebb completion bash); COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
              '_ebb ebb "${@: -1}" "${@: -2:1}"; printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "--norc", "--noprofile", "-c", script, "bash", *line],
                          env=ENVIRONMENT, cwd=SCRATCH, capture_output=True, text=True,
                          timeout=PATIENCE)
    assert not done.stderr, done.stderr
    return set(done.stdout.split())


def check_offers():
    help_text = subprocess.run([PROGRAM, "help"], capture_output=True, text=True, timeout=PATIENCE,
                               check=True).stdout
    rows = re.search(r"\ncommands\n((?:  .*\n)+)", help_text)[1]
    nouns = set(re.findall(r"^  (\w+)", rows, re.M))
    for line, wanted in ((["ebb", ""], nouns), (["ebb", "config", ""], {"check", "show", "sample"}),
                         (["ebb", "help", ""], nouns), (["ebb", "man", ""], nouns),
                         (["ebb", "nothing", ""], set()),
                         (["ebb", "config", "check", "--"],
                          {"--config", "--state", "--json", "--no-color", "--help"}),
                         (["ebb", "completion", ""], {"bash", "zsh"})):
        said = offers(line)
        assert said == wanted, f"{line}: {said}, not {wanted}"


def tries():
    yield "bash offers", "bash", check_offers
    for name, start in (("bash", bash), ("zsh", zsh)):
        shell = None
        for line, pattern in CASES:
            def attempt(line=line, pattern=pattern):
                nonlocal shell
                shell = shell or start()
                shell.complete(line, pattern)
            yield f"{name}: {line}", name, attempt
        if shell:
            shell.close()


def main():
    failed = 0
    print(f"TAP version 13\n1..{1 + 2 * len(CASES)}")
    for number, (name, shell, attempt) in enumerate(tries(), 1):
        if not shutil.which(shell):
            print("ok", number, "-", name, "# SKIP", shell, "is not installed")
            continue
        try:
            attempt()
            print("ok", number, "-", name, flush=True)
        except AssertionError as wrong:
            failed += 1
            for line in str(wrong).splitlines():
                print("#", line)
            print("not ok", number, "-", name, flush=True)
    return 1 if failed else 0


PROGRAM = os.path.abspath(sys.argv[1])
with tempfile.TemporaryDirectory(prefix="ebb-tab-") as SCRATCH:
    ENVIRONMENT = {"PATH": os.path.dirname(PROGRAM) + ":" + os.environ["PATH"], "HOME": SCRATCH,
                   "TERM": "dumb", "PS1": "> ", "LC_ALL": "C.UTF-8",
                   **{name: value for name, value in os.environ.items()
                      if name.endswith("SAN_OPTIONS")}}
    with open(os.path.join(SCRATCH, "only-file.yaml"), "w", encoding="utf-8") as FILE:
        FILE.write("log: {}\n")
    os.mkdir(os.path.join(SCRATCH, "only-folder"))
    CODE = main()
sys.exit(CODE)
