#!/bin/sh
# Runs the unit tests, the fuzz targets, the short benchmarks, and the end-to-end
# tests and the short form of the fault suite; called by `make check` from the top
# of the tree. Most of these wait more than they work, so several run beside each
# other; those that are marked "alone" come after them. Ends with one line, "N
# passed, N failed, N skipped", and fails where a test did, or where none ran.
#
#	PYTHON	the interpreter with pytest and pydicom
#	BIN	where the programs are, relative to the tree; "" or "DIR/"
#	UNIT	the unit test program
#	TESTS	what pytest runs, instead of all (a file, -k WORD ...), in turn
#	JOBS	how many tests run beside each other
#	FUZZ_S	seconds of each fuzz target
set -u

: "${PYTHON:=/usr/bin/python3}" "${BIN:=}" "${UNIT:=.build/release/tests/unit}"
: "${JOBS:=3}" "${FUZZ_S:=2}"
export BIN PYTHONDONTWRITEBYTECODE=1
unset DCMSPOOL_CONF NOTIFY_SOCKET TCP_NODELAY TCP_BUFFER_LENGTH

work=$(mktemp -d "${TMPDIR:-/tmp}/dcmspool-check.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

passed=0 failed=0 skipped=0

count() # PASSED FAILED SKIPPED
{
	passed=$((passed + $1)) failed=$((failed + $2))
	skipped=$((skipped + $3))
}

unit_tests()
{
	"$UNIT" >"$work/unit" 2>&1
	code=$?
	# CUnit's summary: tests, total, ran, passed, failed, inactive
	sums=$(awk '$1 == "tests" && NF == 6 { print $4, $5 }' "$work/unit")
	if [ -z "$sums" ]; then
		cat "$work/unit"
		echo "unit tests: no summary, exit code $code"
		count 0 1 0
		return
	fi
	# shellcheck disable=SC2086
	set -- $sums
	grep -v -e '\.\.\.passed$' "$work/unit"
	[ "$code" -eq 0 ] || [ "$2" -gt 0 ] || set -- "$1" 1
	count "$1" "$2" 0
}

python_tests() # NAME WHAT...
{
	name=$1
	shift
	"$PYTHON" -m pytest -p no:cacheprovider -q -rsfE --tb=short \
		--basetemp="$work/$name" --junitxml="$work/$name.xml" "$@"
	code=$?
	sums=$("$PYTHON" - "$work/$name.xml" <<'END'
import sys
import xml.etree.ElementTree
suite = xml.etree.ElementTree.parse(sys.argv[1]).getroot().find("testsuite")
tests, bad, skipped = (sum(int(suite.get(name)) for name in names) for names in
                       (["tests"], ["failures", "errors"], ["skipped"]))
print(tests - bad - skipped, bad, skipped)
END
	) || sums=
	if [ -z "$sums" ]; then
		echo "$name tests: no report, exit code $code"
		sums="0 1 0"
	fi
	# shellcheck disable=SC2086
	set -- $sums
	[ "$code" -eq 0 ] || [ "$2" -gt 0 ] || set -- "$1" 1 "$3"
	count "$1" "$2" "$3"
}

benchmark()
{
	case $BIN in
	*san*)
		echo "SKIPPED benchmark: sanitizers are not about speed"
		count 0 0 1
		return ;;
	esac
	for bench in nagle command; do
		if timeout 120 "$PYTHON" "tests/bench/$bench.py" --short; then
			count 1 0 0
		else
			count 0 1 0
		fi
	done
	if timeout 120 "$PYTHON" tests/bench/run.py --short >"$work/bench" 2>&1
	then
		count 1 0 "$(grep -c ': SKIPPED: ' "$work/bench")"
	else
		count 0 1 0
	fi
	cat "$work/bench"
}

# A few seconds of each target; with libFuzzer, so with clang.
fuzzing()
{
	targets=$(cd tests/fuzz && printf '%s\n' *.c | sed -e '/^fuzz/d' \
	    -e 's/\.c$//')
	n=$(printf '%s\n' "$targets" | wc -l)
	if ! command -v clang >/dev/null; then
		echo "SKIPPED fuzz targets: no clang"
		count 0 0 "$n"
		return
	fi
	if ! MAKEFLAGS='' make -s -j"$(nproc)" fuzz-programs >"$work/fuzz" 2>&1
	then
		cat "$work/fuzz"
		count 0 "$n" 0
		return
	fi
	# shellcheck disable=SC2086
	sh tests/fuzz/run.sh "$FUZZ_S" $targets >"$work/fuzz" 2>&1
	cat "$work/fuzz"
	ok=$(grep -c '^fuzz [a-z0-9_]*: [0-9]* runs$' "$work/fuzz")
	count "$ok" "$((n - ok))" 0
}

unit_tests
if [ -n "${TESTS:-}" ]; then
	# shellcheck disable=SC2086
	python_tests chosen $TESTS
else
	fuzzing
	benchmark
	suites="tests/e2e tests/faults"
	# shellcheck disable=SC2086
	python_tests beside -n "$JOBS" -m "not alone" $suites
	# shellcheck disable=SC2086
	python_tests alone -m alone $suites
	# It runs its cases beside each other by itself.
	python_tests hostile tests/hostile
fi

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
