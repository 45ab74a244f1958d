#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Reads the file `packages`.
#   tests/packages.sh list [GROUP...]     the names, one a line
#   tests/packages.sh need GROUP...       succeeds when all are there; else names the one apt line
#   tests/packages.sh install [GROUP...]  prints and runs that line, with sudo only when not root
# Without GROUP: what building, running and `make check` need; servers for the other lanes are in
# groups of their own.
set -eu
file=$(dirname "$0")/../packages

list() {
	awk -v groups=" $* " '/^[a-z]/ && index(groups, " " $1 " ") { print $2 }' "$file"
}

missing() {
	for package in $(list "$@"); do
		state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
		[ "$state" = installed ] || printf ' %s' "$package"
	done
}

apt_line() {
	sudo=
	[ "$(id -u)" = 0 ] || sudo='sudo '
	printf '%sapt-get install -y --no-install-recommends%s\n' "$sudo" "$1"
}

verb=${1:-list}
[ $# = 0 ] || shift
[ $# != 0 ] || set -- build run test
case $verb in
list)
	list "$@"
	;;
need)
	# Not a Debian: whoever builds there knows what is installed.
	command -v dpkg-query >/dev/null || exit 0
	names=$(missing "$@")
	[ -z "$names" ] || {
		echo "ebb: packages are missing; install them with make deps, or:" >&2
		echo "    $(apt_line "$names")" >&2
		exit 1
	}
	;;
install)
	names=$(missing "$@")
	[ -n "$names" ] || {
		echo "nothing is missing"
		exit 0
	}
	line=$(apt_line "$names")
	echo "$line"
	DEBIAN_FRONTEND=noninteractive exec $line
	;;
*)
	echo "usage: tests/packages.sh list|need|install [GROUP...]" >&2
	exit 2
	;;
esac
