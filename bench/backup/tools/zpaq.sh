#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Zpaq: a journaling archiver, encrypted.
t_available() { have zpaq; }
t_version() { zpaq 2>/dev/null | awk 'NR==1{print $2}'; }
t_settings() { echo "-m1 (LZ77), AES-256-CTR, SHA-1, chunks of 64 KiB, -t$THREADS"; }
t_init() { :; }
t_backup() { cd "$SRC" && zpaq a "$REPO/r.zpaq" . -m1 -key "$PASS" -t"$THREADS" -s0; }
t_restore() { cd "$DEST" && zpaq x "$REPO/r.zpaq" -key "$PASS" -t"$THREADS" -s0; }
t_verify() { cd "$WORK" && zpaq x "$REPO/r.zpaq" -test -key "$PASS" -t"$THREADS" -s0; }
