#!/bin/sh
# Shows the main job with DCMTK's programs around it: a study goes through, the
# destination goes away, and comes back. `make demo` builds and calls it. Each
# step is printed as one would type it, run, and checked: the first that does
# not do what it says ends the demo with exit code 1. It needs nothing but
# loopback, works in a temporary folder, and takes all away at the end.
set -u

tree=$(cd "$(dirname "$0")/.." && pwd) || exit 1
real=/usr/lib/python3/dist-packages/pydicom/data/test_files
study=$real/dicomdirtests/98892003
PATH=$tree/receiver:$tree/sender:$tree/spool:$PATH
work='' receiver='' sender='' destination='' modality=''

family() # PID: it and its children
{
	# shellcheck disable=SC2046
	[ -z "$1" ] || echo "$1" $(cat "/proc/$1/task/$1/children" 2>/dev/null)
}

clean_up()
{
	trap '' INT TERM HUP
	ours="$modality $receiver $sender $(family "$destination")"
	for pid in $ours; do
		kill "$pid"
		kill -CONT "$pid"
	done 2>/dev/null
	tries=100
	for pid in $ours; do
		while [ "$tries" -gt 0 ] && kill -0 "$pid" 2>/dev/null; do
			tries=$((tries - 1))
			sleep 0.05
		done
		kill -KILL "$pid" 2>/dev/null
	done
	cd / && rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

fail()
{
	echo
	echo "demo: FAILED: $*" >&2
	for log in "$work"/*.log; do
		[ -f "$log" ] || continue
		echo "--- the end of ${log##*/}:"
		tail -n 15 "$log"
	done >&2
	exit 1
}

say()
{
	echo
	printf '# %s\n' "$@"
}

# Prints a command as one would type it, runs it, and shows what it says.
try()
{
	printf '$ %s\n' "$1"
	eval "$1" >out.txt 2>&1
	code=$?
	cat out.txt
	return "$code"
}

# The same for one that stays: its process ID is in $started.
try_background()
{
	printf '$ %s &\n' "$1"
	eval "exec $1" &
	started=$!
}

check() # TEXT COMMAND ...
{
	what=$1
	shift
	"$@" >/dev/null 2>&1 || fail "$what"
	echo "    ok: $what"
}

within() # SECONDS TEXT COMMAND: polls until it succeeds
{
	tries=$(($1 * 20)) what=$2
	until eval "$3" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || fail "$what"
		sleep 0.05
	done
	echo "    ok: $what"
}

listening() # PORT
{
	grep -qE "^ *[0-9]+: [0-9A-F]+:$(printf %04X "$1") [0-9A-F:]+ 0A " \
		/proc/net/tcp /proc/net/tcp6
}

free_port() # FROM
{
	port=$1
	while listening "$port"; do
		port=$((port + 1))
	done
	echo "$port"
}

count() # PATTERN: how many lines of the last output have it
{
	grep -c -e "$1" out.txt
}

start_destination()
{
	try_background "storescp +B +xa --fork -od archive $pacs_port 2>>storescp.log"
	destination=$started
	within 5 "the destination listens" "listening $pacs_port"
}

for program in dcmspool-receiver dcmspool-sender dcmspool storescp dcmsend; do
	command -v "$program" >/dev/null || fail "there is no $program"
done
[ -d "$study" ] || fail "there is no $study (package python3-pydicom)"

work=$(mktemp -d "${TMPDIR:-/tmp}/dcmspool-demo.XXXXXX") || exit 1
cd "$work" || exit 1
mkdir archive study
cp "$study"/*/* study
sent=$(find study -type f | wc -l)
pacs_port=$(free_port $((20000 + $$ % 5000)))
port=$(free_port $((pacs_port + 1)))

say "dcmspool stands between a modality and its destination." \
	"Here the modality is dcmsend, the destination storescp (both DCMTK)," \
	"and the study is a real one: $sent MR images."
cat >dcmspool.conf <<END
StorageLocation = "$work/spool";
MinFreeBytes = 10000000;
receiver = { LocalAET = "ENS-SCP"; RemoteAET = "JD-SCU"; IPPort = $port;
             LocalInterface = "127.0.0.1"; };
routes = ( { DuplexTargetConfigNames = "PACS"; ResponseTimeout = 2; } );
destinations = ( { Name = "PACS"; RemoteAET = "JD-SCP";
                   RemoteHost = "127.0.0.1"; RemotePort = $pacs_port;
                   RetryMax = 2; } );
END
try "cat dcmspool.conf" || fail "cat"

say "The destination, then the two daemons."
start_destination
try_background "dcmspool-sender -c dcmspool.conf 2>sender.log"
sender=$started
try_background "dcmspool-receiver -c dcmspool.conf 2>receiver.log"
receiver=$started
within 10 "the sender is ready" "grep -q ' ready' sender.log"
within 10 "the receiver is ready" "grep -q ' ready' receiver.log"

say "1. The study goes through, and each answer is the destination's own."
to="-aec ENS-SCP -aet JD-SCU 127.0.0.1 $port"
try "dcmsend -v $to study/* 2>&1 | tail -n 5" || fail "dcmsend"
check "all $sent were answered with success" \
	grep -q "with status SUCCESS *: $sent" out.txt
try "ls archive | wc -l" || fail "ls"
check "all $sent are in the archive" [ "$(cat out.txt)" -eq "$sent" ]
echo "# The data sets alone, behind the file meta information of each file:"
# shellcheck disable=SC2016
try 'meta() { od -An -t u4 -j 140 -N 4 "$1"; }    # its length' ||
	fail "meta"
# shellcheck disable=SC2016
try 'sums() { for f; do tail -c +$((145 + $(meta "$f"))) "$f" | sha256sum; done | sort; }' ||
	fail "sums"
try "sums study/* >sent; sums archive/* >arrived; cmp sent arrived" ||
	fail "what arrived differs from what was sent"
check "each data set arrived bit for bit" [ "$(wc -l <sent)" -eq "$sent" ]

say "2. The same in slow motion: the destination is halted for a moment, and" \
	"the instance is a file that its lane has taken."
storescp=$(family "$destination")
try "kill -STOP $storescp" || fail "kill -STOP"
one=$(find study -type f | sort | head -n 1)
try_background "dcmsend -v $to $one >dcmsend.log 2>&1"
modality=$started
within 5 "it is in active/" "ls spool/queue/PACS/active/*.dcm"
try "ls spool/queue/PACS/active" || fail "ls"
try "dcmdump -q +P 0002,0003 +P 0002,0016 +P 0002,0018 spool/queue/PACS/active/*.dcm" ||
	fail "an item is a DICOM file"
check "an item is a DICOM file, and names the modality" \
	grep -q JD-SCU out.txt
check "the modality still waits" kill -0 "$modality"

say "Now the receiver is halted instead, so that there is time to read the" \
	"result marker that the sender leaves for it."
receivers=$(family "$receiver")
try "kill -STOP $receivers" || fail "kill -STOP"
try "kill -CONT $storescp" || fail "kill -CONT"
within 5 "there is a marker" "ls spool/result/*/*.PACS"
try "cat spool/result/*/*.PACS" || fail "cat"
check "it says that the instance is delivered" \
	grep -q "^State: delivered" out.txt
check "with the status 0x0000" grep -q "^Status: 0x0000" out.txt
try "kill -CONT $receivers" || fail "kill -CONT"
wait "$modality" || fail "dcmsend"
modality=
check "the modality has its answer" grep -q "Response (Success)" dcmsend.log

say "3. The destination goes away. The modality is told; nothing is lost."
try "kill $(family "$destination")    # storescp" || fail "kill"
wait "$destination"
destination=
rm -f archive/*
try "dcmsend -v $to $one 2>&1 | grep Response"
check "the modality was refused: it knows that it is not delivered" \
	[ "$(count OutOfResources)" -gt 0 ]
try "dcmspool -c dcmspool.conf status"
check "it says by its exit code, too, that somebody should look" [ $? -eq 1 ]
check "the status shows that the link is down" \
	grep -q "PACS.*down.*refused" out.txt
try "dcmspool -c dcmspool.conf list" || fail "dcmspool list"
check "the item is queued" grep -q '\.dcm' out.txt

say "4. The destination comes back: the item is delivered by itself."
start_destination
try "dcmspool -c dcmspool.conf wait PACS --timeout 15" || fail "dcmspool wait"
check "it has arrived" [ "$(find archive -type f | wc -l)" -eq 1 ]
try "sums $one >sent; sums archive/* >arrived; cmp sent arrived" ||
	fail "what arrived differs from what was sent"
check "bit for bit" [ -s arrived ]
try "dcmspool -c dcmspool.conf status" || fail "dcmspool status"
check "the link is up, and all is well" grep -q "PACS.*up" out.txt

say "5. Both daemons stop, and leave nothing behind."
try "kill $receiver $sender" || fail "kill"
wait "$receiver" || fail "the receiver's exit code"
receiver=
wait "$sender" || fail "the sender's exit code"
sender=
left=$(find spool -type f ! -name version ! -name counters)
check "no instance and no marker is left in the spool" [ -z "$left" ]

echo
echo "demo: all steps did what they say"
