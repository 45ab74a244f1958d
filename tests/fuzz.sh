#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs every fuzz target under libFuzzer, ASan and UBSan, as many at once as there are processors.
#   tests/fuzz.sh BUILD SECONDS [TARGET...]   e.g. tests/fuzz.sh build-fuzz 60 units_fuzz
# A target starts from the corpus that its test names (suite fuzz); what it finds new stays in
# BUILD/corpus, an input that fails in BUILD/crashes. Ends in one line, of targets: N passed, N
# failed, N skipped.
set -euo pipefail
build=$1 seconds=$2
shift 2
cd "$(dirname "$0")/.."

tests/packages.sh need
[ -d "$build" ] || CC=clang meson setup "$build" -Dfuzz=true -Db_sanitize=address,undefined \
	-Db_lundef=false
ninja -C "$build" $(tests/targets.py "$build" --suite fuzz)
build=$(cd "$build" && pwd)

fuzz_one() {
	program=$1 seeds=$2 name=$(basename "$1" _fuzz)
	mkdir -p "$build/corpus/$name" "$build/crashes"
	log=$build/corpus/$name.log
	if UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 "$program" \
		-max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -malloc_limit_mb=64 \
		-print_final_stats=1 \
		-artifact_prefix="$build/crashes/$name-" \
		"$build/corpus/$name" "$seeds" >"$log" 2>&1; then
		runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
		echo "ok $name: $runs inputs"
	else
		tail -60 "$log"
		echo "FAILED $name; repeat: $program $(ls -t "$build/crashes/$name-"* 2>/dev/null |
			head -n 1)"
	fi
}
export -f fuzz_one
export build seconds

# Program and corpus of each target, or of those that are named.
targets() {
	meson introspect "$build" --tests | python3 -c '
import json, os, sys
for test in json.load(sys.stdin):
    if any(suite.endswith(":fuzz") for suite in test["suite"]):
        program, seeds = test["cmd"][0], test["cmd"][-1]
        if len(sys.argv) == 1 or os.path.basename(program) in sys.argv[1:]:
            print(program, seeds)' "$@"
}

out=$(targets "$@" | xargs -r -n 2 -P "$(nproc)" bash -c 'fuzz_one "$1" "$2"' fuzz_one)
[ -z "$out" ] || echo "$out"
passed=$(grep -c '^ok ' <<<"$out" || true)
failed=$(grep -c '^FAILED ' <<<"$out" || true)
[ "$((passed + failed))" -gt 0 ] || failed=1
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
