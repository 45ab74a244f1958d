#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The program to measure is $EBB, which make bench-backup sets.
: "${EBB:=ebb}"
export EBB_REPO=${REPO:-} EBB_KEY_FILE=${WORK:-}/key
t_available() { have "$EBB"; }
t_version() { "$EBB" version | awk 'NR==1{print $2}'; }
t_kinds() { echo files; }
t_settings() {
	echo "defaults: AES-256-GCM, HMAC-SHA-256, parity, zstd by headroom, every point durable"
}
t_init() { "$EBB" repo init; }
t_backup() { "$EBB" backup "$SRC"; }
t_restore() { "$EBB" restore latest "$DEST"; }
t_verify() { "$EBB" verify; }
