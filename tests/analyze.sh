#!/bin/sh
# Static analysis of the three programs: gcc's -fanalyzer, clang's analyzer and
# cppcheck. Ends with 1 where one of them finds something. What is none of ours
# to mend, or no error, is said at its place (NOLINT) or below.
# shellcheck disable=SC2016,SC2089,SC2090
set -u

: "${JOBS:=2}"
flags='-D_GNU_SOURCE -DDCMSPOOL_VERSION="0"'
export flags
work=$(mktemp -d "${TMPDIR:-/tmp}/dcmspool-analyze.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT

missing=
for tool in gcc clang-tidy cppcheck; do
	command -v "$tool" >/dev/null || missing="$missing $tool"
done
[ -z "$missing" ] || { echo "not there:$missing, see contrib/install-deps.sh" >&2; exit 1; }

failed=0
report() # TOOL OUTPUT
{
	if [ -s "$2" ]; then
		cat "$2"
		failed=1
	fi
	echo "$1: $(grep -c -E '(warning|error):' "$2") findings"
}

# malloc-leak: gcc 12 loses a pointer that is put into an array; each finding
# was such, and the sanitizers' runs look for leaks. C only: its analyzer does
# not know C++ yet.
printf '%s\n' spool/*.c receiver/*.c sender/*.c |
	xargs -P "$JOBS" -I{} sh -c 'gcc -fanalyzer -Wno-analyzer-malloc-leak \
	    -std=c11 -O2 -c -o /dev/null $flags {}' 2>"$work/gcc"
report gcc "$work/gcc"

# insecureAPI: wants the functions of C11's annex K, which no libc here has;
# gcc's _FORTIFY_SOURCE guards those that are used. DeadStores: of the macros of
# sys/queue.h and sys/tree.h.
checks='-*,clang-analyzer-*,-clang-analyzer-security.insecureAPI.*,-clang-analyzer-deadcode.DeadStores'
export checks
printf '%s\n' spool/*.c receiver/*.c sender/*.c spool/*.cc receiver/*.cc \
	sender/*.cc | xargs -P "$JOBS" -I{} sh -c 'case {} in
	*.cc) std=c++17 ;;
	*) std=c11 ;;
	esac
	clang-tidy --quiet --checks="$checks" {} -- -std=$std \
	    $flags 2>/dev/null' >"$work/clang"
report clang "$work/clang"

# It knows neither the macros of sys/queue.h and sys/tree.h nor C++ members with
# an initializer in their class.
cppcheck -q -j "$JOBS" --std=c11 --enable=warning,portability,performance \
	--inline-suppr --suppress=unknownMacro --suppress=missingIncludeSystem \
	--suppress=uninitMemberVar:*.h -D_GNU_SOURCE \
	'-DTAILQ_ENTRY(t)=struct{struct t*n;struct t**p;}' \
	'-DTAILQ_HEAD(n,t)=struct n{struct t*f;struct t**l;}' \
	'-DRB_ENTRY(t)=struct{struct t*l;}' '-DRB_HEAD(n,t)=struct n{struct t*r;}' \
	spool receiver sender 2>"$work/cppcheck"
report cppcheck "$work/cppcheck"

exit $failed
