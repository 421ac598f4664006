#!/bin/sh
# deaths.sh - streams through workers that die.
#
#	bench/deaths.sh [-n STREAMS] [-s SECONDS] [-p PAUSE_MS] [-w WORKERS]
#
# STREAMS (1000) clients hear 10 events a second each for SECONDS (60), while
# a worker is killed every PAUSE_MS (200).  The load client checks every
# number of every event, so what is lost, doubled or cut ends this with 1.
# Its times are from the server's send() to the client's recv(): the pause of
# a death is in them.  BUILD is the directory with the programs (default:
# here); a build as it is shipped.
set -eu

build=$(cd "${BUILD:-.}" && pwd)
streams=1000 seconds=60 pause=200 workers=1
while getopts n:s:p:w: option; do
	case $option in
	n) streams=$OPTARG ;;
	s) seconds=$OPTARG ;;
	p) pause=$OPTARG ;;
	w) workers=$OPTARG ;;
	*) exit 2 ;;
	esac
done
dir=$(mktemp -d)
pids=

# shellcheck disable=SC2317 # called by the trap
clean_up()
{
	for pid in $pids; do
		kill "$pid" 2>/dev/null || :
	done
	wait
	rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

# The port that a program says it listens on.
port_of()
{
	n=0
	until port=$(sed -n 's/.*listening on 127\.0\.0\.1:\([0-9]*\).*/\1/p' \
	    "$1" | head -n 1) && [ -n "$port" ]; do
		n=$((n + 1))
		[ "$n" -lt 200 ] || { cat "$1" >&2; exit 1; }
		sleep 0.05
	done
	echo "$port"
}

# Kill one worker after the other until the load is done.
kill_workers()
{
	while kill -0 "$load" 2>/dev/null; do
		children=$(cat "/proc/$proxy/task/$proxy/children")
		for worker in $children; do
			kill -KILL "$worker" 2>/dev/null || :
			kills=$((kills + 1))
			sleep "$(awk "BEGIN { print $pause / 1000 }")"
			kill -0 "$load" 2>/dev/null || break
		done
	done
}

: >"$dir/log"
"$build"/bench/origin >"$dir/origin" 2>&1 &
pids="$pids $!"
"$build"/shadowcat reverse --bind 127.0.0.1:0 --workers "$workers" \
    --upstream "http://127.0.0.1:$(port_of "$dir/origin")/mcp" \
    --control "$dir/control" --set log.level=notice 2>"$dir/log" &
proxy=$!
pids="$pids $proxy"
port=$(port_of "$dir/log")

echo "$streams streams, $seconds s, a worker of $workers killed each $pause ms"
"$build"/bench/load --port "$port" --connections "$streams" \
    --events $((seconds * 10)) --interval 100000 --size 256 &
load=$!
kills=0
kill_workers
status=0
wait "$load" || status=$?
echo "kills $kills, exit code of the load $status"
sed -n 's/.*adopted [0-9]* connections in \([0-9]*\) ms.*/\1/p' "$dir/log" |
    sort -n | awk '
	{ ms[NR] = $1 }
	END {
		if (NR == 0)
			exit
		printf "adoption: p50 %d ms, p99 %d ms, max %d ms of %d\n",
		    ms[int((NR + 1) / 2)], ms[int(NR * 0.99 + 0.5)], ms[NR], NR
	}'
exit "$status"
