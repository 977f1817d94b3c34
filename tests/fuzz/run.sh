#!/bin/sh
# Runs fuzz targets, as many at once as there are processors:
#
#	run.sh SECONDS TARGET...
#
# Each begins with its corpus; what it adds is kept in .build/fuzz/found/TARGET, and
# an input that breaks something in .build/fuzz/TARGET-crash-*. A line for each;
# fails where one did, and where no input was a good one. FUZZ_JOBS is how many run at once.
set -u

export seconds="$1"
shift
: "${FUZZ_JOBS:=$(nproc)}"
work=$(mktemp -d "${TMPDIR:-/tmp}/dcmspool-fuzzing.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
export work

# shellcheck disable=SC2016
printf '%s\n' "$@" | xargs -P "$FUZZ_JOBS" -I TARGET sh -uc '
	target=$1
	found=.build/fuzz/found/$target
	mkdir -p "$found"
	[ ! -f ".build/fuzz/$target.dict" ] || set -- "-dict=.build/fuzz/$target.dict"
	[ "$1" != "$target" ] || set --
	TMPDIR=$work LSAN_OPTIONS=suppressions=tests/fuzz/leaks:print_suppressions=0 \
	    ".build/fuzz/bin/$target" "-max_total_time=$seconds" \
	    -timeout=20 -print_final_stats=1 -artifact_prefix=".build/fuzz/$target-" \
	    "$@" "$found" "tests/fuzz/corpus/$target" >"$work/$target.log" 2>&1
	code=$?
	runs=$(sed -n "s/^stat::number_of_executed_units: *//p" "$work/$target.log")
	reached=$(sed -n "s/^stat::reached: *//p" "$work/$target.log")
	if [ "$code" -eq 0 ] && [ "${reached:-0}" -gt 0 ]; then
		echo "fuzz $target: ${runs:-0} runs"
	elif [ "$code" -eq 0 ]; then
		echo "fuzz $target: FAILED: none of ${runs:-0} runs got through"
		code=1
	else
		grep -v "^#" "$work/$target.log" | tail -n 30
		echo "fuzz $target: FAILED after ${runs:-?} runs"
	fi
	exit "$code"' sh TARGET
