#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The program to measure is $EBB, which make bench-backup sets.
: "${EBB:=ebb}"
export EBB_REPO=${REPO:-} EBB_KEY_FILE=${WORK:-}/key
t_available() { have "$EBB"; }
t_version() { "$EBB" version | awk 'NR==1{print $2}'; }
t_settings() {
	echo "defaults: AES-256-GCM, HMAC-SHA-256, parity, zstd by headroom, every point durable"
}
t_init() { "$EBB" repo init; }
t_backup() {
	if [ "$KIND" = image ]; then
		"$EBB" backup "$SRC/disk.img"
	else
		"$EBB" backup "$SRC"
	fi
}
t_restore() {
	if [ "$KIND" = image ]; then
		"$EBB" restore latest "$DEST/disk.img"
	else
		"$EBB" restore latest "$DEST"
	fi
}
t_verify() { "$EBB" verify; }
