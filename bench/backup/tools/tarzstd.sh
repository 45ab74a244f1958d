#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A floor: what a pipeline costs that does everything anew each time.
t_available() { have tar && have zstd && have openssl; }
t_version() { zstd --version | grep -o 'v[0-9.]*' | head -1; }
t_settings() { echo "tar | zstd -3 -T$THREADS | openssl aes-256-ctr, everything each time"; }
t_init() { :; }
seal() { openssl enc "$@" -aes-256-ctr -pbkdf2 -pass "pass:$PASS"; }
t_backup() {
	tar -C "$SRC" --sparse -cf - . | zstd -3 -T"$THREADS" -q |
		seal -out "$REPO/$TAG.tar.zst.enc"
}
t_restore() { seal -d -in "$REPO/$TAG.tar.zst.enc" | zstd -dc -q | tar -C "$DEST" -xpf -; }
t_verify() { seal -d -in "$REPO/$TAG.tar.zst.enc" | zstd -tq; }
