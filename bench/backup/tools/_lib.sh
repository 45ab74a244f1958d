#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a tool's file may set otherwise. Each step runs in a fresh bash with these variables:
#   SRC     what to protect (KIND=files: a tree; KIND=image: one file, disk.img)
#   REPO    an empty folder for the repository      DEST  an empty folder to restore into
#   TAG     the backup's name: s1 first, s2 nothing changed, s3 after the change
#   WORK    the tool's own folder, also HOME, TMPDIR and those of XDG
#   CHANGED_MAP  the changed ranges of an image, a line each: offset and length
#   THREADS, KIND, IMG_BYTES
# A step fails when its last command fails.
set -o pipefail
t_kinds() { echo files image; }
t_settings() { echo "defaults"; }
have() { command -v "$1" >/dev/null 2>&1; }
PASS=correct-horse-battery-staple
