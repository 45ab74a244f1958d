#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Proves the file `packages`: builds the last commit in a minimal Debian 12 in which nothing else is
# installed, and tries its programs, which are what needs other programs and libraries. Needs root,
# debootstrap, git and a package mirror; some minutes.
#   tests/fresh.sh [FOLDER]   the folder keeps the tree; without it a temporary one is removed
# MIRROR=http://deb.debian.org/debian chooses where packages come from.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
mirror=${MIRROR:-http://deb.debian.org/debian}
root=${1:-}
if [ -z "$root" ]; then
	root=$(mktemp -d)
	trap 'rm -rf --one-file-system "$root"' EXIT
fi

[ -e "$root/etc/debian_version" ] || debootstrap --variant=minbase bookworm "$root" "$mirror"
chmod 755 "$root" # the tests become other users
rm -rf "$root/ebb"
mkdir "$root/ebb"
git -C "$top" archive HEAD | tar -x -C "$root/ebb"
cp /etc/resolv.conf "$root/etc/resolv.conf"
echo "127.0.0.1 localhost" >"$root/etc/hosts"

# A process and mount namespace of its own: nothing stays mounted or running, whatever happens.
inside() {
	unshare --mount --pid --fork bash -euo pipefail -c '
		mount --bind "$0" "$0" # some tests want a root that is a mount point
		mount -t proc proc "$0/proc"
		mount --rbind /dev "$0/dev"
		exec env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
			DEBIAN_FRONTEND=noninteractive ${http_proxy:+http_proxy="$http_proxy"} \
			chroot "$0" sh -euc "cd /ebb; $1"' "$root" "$1"
}

expect_missing() {
	if said=$(inside "$1" 2>&1); then
		echo "FAILED: '$1' did not ask for packages"
		exit 1
	fi
	grep -F "apt-get install -y --no-install-recommends" <<<"$said"
}

expect_missing 'tests/packages.sh need'
inside 'apt-get update -q && apt-get install -y -q --no-install-recommends make'
expect_missing 'make'
inside 'tests/packages.sh install build'
expect_missing 'make check-programs'
inside 'make deps'
inside 'make check-programs'
