#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Without its cache of the encoder: an archive that Debian 12's casync makes with it after a change
# does not extract ("Bad message").
t_available() { have casync; }
t_version() { casync --version | awk 'NR==1{print $2}'; }
t_settings() { echo "zstd, SHA512/256, chunks of 64 KiB, no cache, no encryption"; }
store() { echo --store="$REPO/store.castr" --compression=zstd; }
t_init() { mkdir -p "$REPO/store.castr"; }
t_backup() {
	if [ "$KIND" = image ]; then
		casync make $(store) "$REPO/$TAG.caibx" "$SRC/disk.img"
	else
		casync make $(store) --with=unix "$REPO/$TAG.caidx" "$SRC"
	fi
}
t_restore() {
	if [ "$KIND" = image ]; then
		casync extract $(store) "$REPO/$TAG.caibx" "$DEST/disk.img"
	else
		casync extract $(store) --with=unix "$REPO/$TAG.caidx" "$DEST/tree"
	fi
}
