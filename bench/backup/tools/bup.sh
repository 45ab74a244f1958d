#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Bup: git packs with small chunks.
export BUP_DIR=${REPO:-}
t_available() { have bup; }
t_version() { bup --version; }
t_settings() { echo "git packs, zlib -1, chunks of 8 KiB, no encryption"; }
t_init() { bup init; }
t_backup() { bup index -u "$SRC" && bup save -q -n "b-$TAG" --strip-path "$SRC" "$SRC"; }
t_restore() { bup restore -q -C "$DEST" "b-$TAG/latest/."; }
t_verify() { bup fsck -j"$THREADS"; }
