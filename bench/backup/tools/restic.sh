#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Restic: snapshots of files, encrypted.
export RESTIC_PASSWORD=$PASS RESTIC_REPOSITORY=${REPO:-} GOMAXPROCS=$THREADS
export RESTIC_PROGRESS_FPS=0.2
t_available() { have restic; }
t_version() { restic version | awk '{print $2}'; }
t_settings() {
	echo "repository v2, zstd auto, AES-256-CTR + Poly1305, SHA-256, GOMAXPROCS=$THREADS"
}
t_init() { restic init --repository-version 2; }
t_backup() { cd "$SRC" && restic backup --quiet --tag "$TAG" .; }
t_restore() { restic restore latest --tag "$TAG" --target "$DEST"; }
t_verify() { restic check --read-data; }
