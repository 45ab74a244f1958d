#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The simulator tells the same story whoever compiles it. Speaks TAP.
#   tests/determinism.sh program ROOT PROGRAM   this build's tests/trace against tests/trace.txt
#   tests/determinism.sh compilers ROOT         the same for gcc and clang, at -O0 and at -O2
# When the simulator changes on purpose: BUILD/tests/trace > tests/trace.txt
#
# Each build fills fresh stack and heap memory with something else, so that a byte that is read
# before it was written shows.
set -u
mode=$1
root=$2
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
number=0

# verdict NAME: compares $out/said with the table.
verdict() {
	number=$((number + 1))
	if diff "$root/tests/trace.txt" "$out/said" >"$out/diff" 2>&1; then
		echo "ok $number - $1"
	else
		echo "not ok $number - $1"
		echo "# $(grep -c '^>' "$out/diff") of 64 seeds differ; the first:"
		head -n 4 "$out/diff" | sed 's/^/# /'
		echo "# on purpose? then: BUILD/tests/trace > tests/trace.txt"
	fi
}

sources() {
	for file in "$root"/src/base/*.c "$root"/src/sim/*.c; do
		case $file in
		*_test.c | *_fuzz.c | */base/test.c | */fuzz_replay.c) ;;
		*/scarce.c | */alloc_fault.c) ;;
		*) echo "$file" ;;
		esac
	done
	echo "$root/src/os/disk.c" "$root/src/os/wanted.c" "$root/tests/trace.c"
}

# variant COMPILER LEVEL STACK HEAP
variant() {
	name="$1 -O$2"
	if ! command -v "$1" >/dev/null; then
		number=$((number + 1))
		echo "ok $number - $name # SKIP $1 is not installed"
		return
	fi
	# shellcheck disable=SC2046
	if "$1" "-O$2" -w -std=gnu17 -D_GNU_SOURCE -ffp-contract=off \
		-ftrivial-auto-var-init="$3" -I"$root/src" $(sources) -o "$out/trace" -lxxhash \
		>"$out/said" 2>&1; then
		MALLOC_PERTURB_=$4 "$out/trace" >"$out/said" 2>&1
	fi
	verdict "$name"
}

echo TAP version 13
case $mode in
program)
	echo 1..1
	"$3" >"$out/said" 2>&1
	verdict "this build"
	;;
compilers)
	echo 1..4
	variant gcc 0 uninitialized 0
	variant gcc 2 pattern 165
	variant clang 0 pattern 90
	variant clang 2 uninitialized 255
	;;
esac
