#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Borg 1: archives of files, encrypted.
export BORG_PASSPHRASE=$PASS BORG_REPO=${REPO:-}/r BORG_BASE_DIR=${WORK:-}
export BORG_RELOCATED_REPO_ACCESS_IS_OK=yes
t_available() { have borg; }
t_version() { borg --version | awk '{print $2}'; }
chunker() { [ "$KIND" = image ] && echo fixed,4194304 || echo buzhash,19,23,21,4095; }
t_settings() {
	echo "repokey (AES-256-CTR, HMAC-SHA256), zstd 3, $(chunker) as its manual advises"
}
t_init() { borg init -e repokey; }
t_backup() { cd "$SRC" && borg create --sparse --chunker-params "$(chunker)" -C zstd,3 "::$TAG" .; }
t_restore() { cd "$DEST" && borg extract --sparse "::$TAG"; }
t_verify() { borg check --verify-data; }
