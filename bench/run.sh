#!/bin/sh
# run.sh - shadowcat beside nginx, haproxy and the floor, in one run.
#
#	bench/run.sh [-r ROUNDS] [-f] [-o FILE]
#
# -r rounds (3); -f long: more work, more rounds, also two workers; -o write
# the table there, too.  BUILD is the directory with the programs (default:
# here), ONLY a list of proxies, WORKS a list of works.  README says how to
# read the table.  Exit code 1: something was lost or doubled.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=bench/lib.sh
. "$here/lib.sh"

rounds=3
scale=1
out=
proxies='direct floor nginx haproxy modern legacy'
while getopts r:fo: option; do
	case $option in
	r) rounds=$OPTARG ;;
	f) scale=4 rounds=5 proxies="$proxies modern2 legacy2" ;;
	o) out=$OPTARG ;;
	*) exit 2 ;;
	esac
done
proxies=${ONLY:-$proxies}
works=${WORKS:-'idle calls post post1 answer paced small large connect'}
results=$dir/results
status=0

has()
{
	case " $works " in *" $1 "*) ;; *) return 1 ;; esac
}

# Wait until something listens on a port.
await_port()
{
	n=0
	until "$build"/bench/load --port "$1" --size 200 >/dev/null 2>&1; do
		n=$((n + 1))
		if [ "$n" -gt 100 ]; then
			echo "run.sh: nothing serves on port $1" >&2
			exit 1
		fi
		sleep 0.05
	done
}

free_port()
{
	"$build"/bench/floor 1 >"$dir/probe" &
	probe=$!
	port_in "$dir/probe"
	kill "$probe"
	wait "$probe" 2>/dev/null || :
}

start_shadowcat()
{
	port=$(free_port)
	"$build"/shadowcat reverse --bind "127.0.0.1:$port" --workers "$2" \
	    --upstream "http://127.0.0.1:$upstream/mcp" \
	    --control "$dir/$1.sock" --set log.level=warning \
	    --set upstream.max_idle=1024 \
	    2>"$dir/$1.log" &
}

# start PROXY: sets port_PROXY and watch_PROXY (process ids, with commas).
start()
{
	port=
	case $1 in
	direct)
		eval "port_direct=$upstream watch_direct="
		return ;;
	floor)
		"$build"/bench/floor "$upstream" >"$dir/floor.log" & ;;
	nginx | haproxy)
		port=$(free_port)
		conf=$dir/$1.conf
		for suffix in conf cfg; do
			[ ! -f "$here/$1.$suffix.in" ] ||
			    sed "s/@PORT@/$port/;s/@UPSTREAM@/$upstream/
			    s|@DIR@|$dir|" "$here/$1.$suffix.in" >"$conf"
		done
		if [ "$1" = nginx ]; then
			nginx -c "$conf" 2>"$dir/nginx.log" &
		else
			haproxy -db -f "$conf" 2>"$dir/haproxy.log" &
		fi ;;
	modern2 | legacy2)
		start_shadowcat "$1" 2 ;;
	*)
		start_shadowcat "$1" 1 ;;
	esac
	pid=$!
	pids="$pids $pid"
	[ -n "$port" ] ||
	    port=$(port_in "$dir/$1.log")
	await_port "$port"
	all=$(echo "$pid $(cat /proc/"$pid"/task/"$pid"/children)" |
	    sed 's/ *$//' | tr ' ' ',')
	eval "port_$1=$port watch_$1=$all"
}

# load PROXY WORK ARGUMENT...: one line in the results.
load()
{
	proxy=$1 work=$2
	shift 2
	eval "port=\$port_$proxy watch=\$watch_$proxy"
	case $proxy in legacy*) set -- "$@" --legacy ;; esac
	[ -z "$watch" ] || set -- "$@" --watch "$watch"
	if ! "$build"/bench/load --port "$port" "$@" >"$dir/line"; then
		echo "run.sh: $proxy, $work: wrong answers" >&2
		status=1
	fi
	sed "s/^/$proxy $work /" "$dir/line" >>"$results"
}

# pin PIDS PROCESSORS
pin()
{
	for pid in $(echo "$1" | tr , ' '); do
		taskset -apc "$2" "$pid" >/dev/null
	done
}

# One at a time: all on one processor, else the scheduler's choice is measured.
measure_one()
{
	eval "watch=\$watch_$1"
	all=$(taskset -cp $$ | sed 's/.*: //')
	pin "$$,$origin,$watch" "${all%%[,-]*}"
	load "$1" post1 --requests $((2000 * scale)) --size 512
	eval "watch=\$watch_$1"
	pin "$$,$origin,$watch" "$all"
}

# Memory of all processes in KiB, what they share counted once.
memory()
{
	for pid in $(echo "$1" | tr , ' '); do
		sed -n 's/^Pss: *\([0-9]*\).*/\1/p' "/proc/$pid/smaps_rollup"
	done | awk '{ n += $1 } END { print n }'
}

# User memory of an idle stream: with 1,000 of them, less without; when they
# have been idle for a while, for memory is given back when nothing happens.
measure_idle()
{
	eval "port=\$port_$1 watch=\$watch_$1"
	[ -n "$watch" ] || return 0
	case $1 in legacy*) era=--legacy ;; *) era= ;; esac
	before=$(memory "$watch")
	mkfifo "$dir/hold"
	"$build"/bench/load --port "$port" --connections 1000 --events 2 \
	    --interval 1000000000 --hold $era <"$dir/hold" \
	    >"$dir/held" 2>&1 &
	exec 9>"$dir/hold"
	await "$dir/held" ready >/dev/null
	sleep 4
	after=$(memory "$watch")
	exec 9>&-
	wait $!
	rm "$dir/hold"
	echo "$1 idle kib=$(echo "$before $after" |
	    awk '{ print ($2 - $1) / 1000 }')" >>"$results"
}

# System calls of an event that comes alone.
measure_calls()
{
	eval "watch=\$watch_$1"
	[ -n "$watch" ] || return 0
	strace -c -f -o "$dir/strace" -p "$watch" 2>"$dir/attached" &
	tracer=$!
	await "$dir/attached" attached >/dev/null
	load "$1" alone --events 1001 --interval 1000
	kill -INT "$tracer"
	wait "$tracer" || :
	awk -v proxy="$1" '$NF == "total" {
		print proxy, "calls", "calls=" $4 / 1000
	}' "$dir/strace" >>"$results"
}

round()
{
	for p in $proxies; do
		! has post || load "$p" post --connections 256 \
		    --requests $((150 * scale)) --size 512
		! has post1 || measure_one "$p"
		! has answer || load "$p" answer --connections 256 \
		    --requests $((100 * scale)) --events 10 --size 256
		! has paced || load "$p" paced --connections 1000 \
		    --events $((15 * scale)) --interval 100000 --size 256
		! has small || load "$p" small --connections 100 \
		    --events $((10000 * scale)) --size 256
		! has large || load "$p" large --connections 100 \
		    --events $((300 * scale)) --size 16384
		! has connect || load "$p" connect --connections 32 \
		    --requests $((40 * scale)) --size 512 --reconnect
	done
}

"$build"/bench/origin >"$dir/origin.log" &
origin=$!
pids=$origin
upstream=$(port_in "$dir/origin.log")
for p in $proxies; do
	start "$p"
done
for p in $proxies; do
	! has calls || measure_calls "$p"
	! has idle || measure_idle "$p"
done
i=0
while [ "$i" -lt "$rounds" ]; do
	i=$((i + 1))
	round
done
{
	echo "rounds $rounds, processors $(nproc), kernel $(uname -r)," \
	    "$(nginx -v 2>&1 | sed 's/.*: //')," \
	    "haproxy $(haproxy -v | sed -n '1s/.*version \([^ ]*\).*/\1/p')"
	awk -v order="$proxies" -f "$here/table.awk" "$results"
} >"$dir/table"
cat "$dir/table"
[ -z "$out" ] || cp "$dir/table" "$out"
exit "$status"
