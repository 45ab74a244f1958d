#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A disk served by qemu-storage-daemon with a persistent bitmap of what changed: the peer for "cost
# follows the change, not the volume". CPU time and memory are the daemon's.
t_available() { have qemu-storage-daemon && have qemu-img && have python3; }
t_version() { qemu-storage-daemon --version | awk 'NR==1{print $3}'; }
t_kinds() { echo image; }
t_settings() { echo "bitmap and clusters of 64 KiB, backup to qcow2, zstd, no encryption"; }
qmp() { python3 "$BENCH/tools/_qmp.py" "$WORK/qmp.sock" "$@"; }
create() { qemu-img create -q -f qcow2 -o compression_type=zstd,cluster_size=65536 "$@"; }
t_init() {
	qemu-img convert -f raw -O qcow2 "$SRC/disk.img" "$WORK/vol.qcow2" &&
		qemu-img bitmap --add -g 65536 "$WORK/vol.qcow2" b0 || return 1
	qemu-storage-daemon --daemonize --pidfile "$WORK/qsd.pid" \
		--chardev socket,id=c,path="$WORK/qmp.sock",server=on,wait=off --monitor c \
		--blockdev driver=file,node-name=raw,filename="$WORK/vol.qcow2" \
		--blockdev driver=qcow2,node-name=vol,file=raw \
		--nbd-server addr.type=unix,addr.path="$WORK/nbd.sock" \
		--export type=nbd,id=e,node-name=vol,name=vol,writable=on || return 1
	cat "$WORK/qsd.pid" >"$WORK/extra_pids"
	echo "$WORK/nbd.sock!vol" >"$WORK/nbd_socket"
}
t_backup() {
	if [ "$TAG" = s1 ]; then
		create "$REPO/$TAG.qcow2" "$IMG_BYTES" && qmp full "$REPO/$TAG.qcow2" "$TAG"
	else
		last=$(ls "$REPO"/s*.qcow2 | tail -1)
		create -b "$last" -F qcow2 "$REPO/$TAG.qcow2" "$IMG_BYTES" &&
			qmp bitmap "$REPO/$TAG.qcow2" "$TAG"
	fi
}
t_restore() { qemu-img convert -f qcow2 -O raw "$REPO/$TAG.qcow2" "$DEST/disk.img"; }
t_verify() { qemu-img check -q "$REPO/$TAG.qcow2"; }
t_teardown() { qmp quit; rm -f "$WORK/extra_pids"; }
