#!/bin/sh
# deaths.sh - streams and requests through workers that die.
#
#	bench/deaths.sh [-n STREAMS] [-r ASKERS] [-l] [-s SECONDS]
#	    [-p PAUSE_MS] [-w WORKERS]
#
# STREAMS (1000) clients hear 10 events a second each for SECONDS (60), and
# ASKERS (0) ask one thing after the other, each of which takes the server 20
# ms; meanwhile a worker is killed every PAUSE_MS (200).  -l: clients of the
# legacy protocol.  The load client checks every number of every event and of
# every answer, and the server counts how often it executes each request, so
# what is lost, doubled or cut ends this with 1.  The times of events are from
# the server's send() to the client's recv(), those of requests from the first
# byte to the last: the pause of a death is in them.  BUILD is the directory
# with the programs (default: here); a build as it is shipped.
set -eu

# shellcheck source=bench/lib.sh
. "$(dirname "$0")/lib.sh"

streams=1000 askers=0 era='' seconds=60 pause=200 workers=1
while getopts n:r:ls:p:w: option; do
	case $option in
	n) streams=$OPTARG ;;
	r) askers=$OPTARG ;;
	l) era=--legacy ;;
	s) seconds=$OPTARG ;;
	p) pause=$OPTARG ;;
	w) workers=$OPTARG ;;
	*) exit 2 ;;
	esac
done

# The value of a name in a line of name=value.
value_of()
{
	sed -n "s/.*\b$1=\([0-9.]*\).*/\1/p" "$2"
}

# A client in the background; its line goes to a file.  load NAME ARGUMENT...
load()
{
	name=$1
	shift
	# shellcheck disable=SC2086
	"$build"/bench/load --port "$port" $era --size 256 "$@" \
	    >"$dir/$name" &
	load=$!
	pids="$pids $load"
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

"$build"/bench/origin >"$dir/origin" 2>&1 &
origin=$!
pids="$pids $origin"
"$build"/shadowcat reverse --bind 127.0.0.1:0 --workers "$workers" \
    --upstream "http://127.0.0.1:$(port_in "$dir/origin")/mcp" \
    --control "$dir/control" --set log.level=notice 2>"$dir/log" &
proxy=$!
pids="$pids $proxy"
port=$(port_in "$dir/log")

echo "$streams streams, $askers askers, $seconds s, a worker of $workers" \
    "killed each $pause ms"
kills=0 status=0 asked=0
if [ "$askers" -gt 0 ]; then
	load requests --connections "$askers" --requests 1000000 \
	    --interval 20000 --seconds "$seconds" --ids 1000000
	asking=$load
fi
load events --connections "$streams" --events $((seconds * 10)) \
    --interval 100000 --ids 1
kill_workers
wait "$load" || status=$?
echo "events: $(cat "$dir/events")"
if [ "$askers" -gt 0 ]; then
	wait "$asking" || status=$?
	echo "requests: $(cat "$dir/requests")"
	asked=$(value_of answers "$dir/requests")
fi
kill "$origin"
wait "$origin" || status=$?
echo "the server: $(tail -n 1 "$dir/origin")"
[ "$(value_of executed "$dir/origin")" = $((streams + asked)) ] || status=1
[ "$(value_of repeated "$dir/origin")" = 0 ] || status=1
echo "kills $kills; $([ $status = 0 ] && echo nothing || echo "something")" \
    "was lost, doubled or cut"
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
