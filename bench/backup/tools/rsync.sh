#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A floor: no history, no compression, no encryption, nothing synced.
t_available() { have rsync; }
t_version() { rsync --version | awk 'NR==1{print $3}'; }
t_settings() { echo "-a --sparse --delete: a plain mirror, one version, no encryption"; }
t_init() { :; }
t_backup() { rsync -a --sparse --delete "$SRC/" "$REPO/tree/"; }
t_restore() { rsync -a --sparse "$REPO/tree/" "$DEST/"; }
