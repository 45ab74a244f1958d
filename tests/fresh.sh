#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Proves the file `packages` and the Debian package: builds the package of the last commit in a
# minimal Debian 12 in which nothing else is installed, installs it in two others, and tries it
# there (deb_test.py). Needs root, debootstrap, git, python3 and a package mirror; some minutes.
#   tests/fresh.sh [FOLDER]   the folder keeps the trees; without it a temporary one is removed
# MIRROR=http://deb.debian.org/debian chooses where packages come from.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
mirror=${MIRROR:-http://deb.debian.org/debian}
all=${1:-}
if [ -z "$all" ]; then
	all=$(mktemp -d)
	trap 'rm -rf --one-file-system "$all"' EXIT
fi
chmod 755 "$all" # daemons become another user

# In namespaces of its own: nothing stays mounted or running, whatever happens.
inside() {
	unshare --mount --pid --fork bash -euo pipefail -c '
		mount -t proc proc "$0/proc"
		mount --rbind /dev "$0/dev"
		exec env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
			DEBIAN_FRONTEND=noninteractive ${http_proxy:+http_proxy="$http_proxy"} \
			chroot "$0" sh -euc "cd /; $1"' "$all/$1" "$2"
}

expect_missing() {
	if said=$(inside build "cd /ebb; $1" 2>&1); then
		echo "FAILED: '$1' did not ask for packages"
		exit 1
	fi
	grep -F "apt-get install -y --no-install-recommends" <<<"$said"
}

if [ ! -e "$all/build/etc/debian_version" ]; then
	debootstrap --variant=minbase bookworm "$all/build" "$mirror" >"$all/debootstrap.log" ||
		{ tail "$all/debootstrap.log"; exit 1; }
	cp /etc/resolv.conf "$all/build/etc/resolv.conf"
	echo "127.0.0.1 localhost" >"$all/build/etc/hosts"
	inside build 'apt-get update -q'
	rm -rf "$all/there" "$all/other"
	cp -a "$all/build" "$all/there"
fi

rm -rf "$all/build/ebb"
mkdir "$all/build/ebb"
git -C "$top" archive HEAD | tar -x -C "$all/build/ebb"
if [ ! -e "$all/build/usr/bin/make" ]; then
	expect_missing 'tests/packages.sh need'
	inside build 'apt-get install -y -q --no-install-recommends make'
	expect_missing 'make'
fi
inside build 'cd /ebb; tests/packages.sh install build deb; make deb'

cp "$all"/build/ebb/build-deb/ebb_*.deb "$all/there/ebb.deb"
inside there 'apt-get install -y -q --no-install-recommends --reinstall \
	systemd-standalone-sysusers /ebb.deb'
rm -rf "$all/other"
cp -a "$all/there" "$all/other"
python3 "$top/tests/summary.py" --run python3 "$top/tests/deb_test.py" "$all/there" "$all/other"
