#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# An image with a map of what changed, as a volume or a hypervisor keeps one: only that is read.
. "$BENCH/tools/ebb.sh"
t_kinds() { echo image; }
t_settings() { echo "as ebb, with --changed: only the changed ranges are read"; }
t_backup() {
	case $TAG in
	s1) "$EBB" backup "$SRC/disk.img" ;;
	s2) "$EBB" backup "$SRC/disk.img" --changed /dev/null ;;
	s3) "$EBB" backup "$SRC/disk.img" --changed "$CHANGED_MAP" ;;
	esac
}
