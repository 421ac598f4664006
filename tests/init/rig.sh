# shellcheck shell=sh
# rig.sh - what the tests of the init systems' files share: an upstream, a
# daemon that is installed in a directory of its own, and a client with a
# stream.  Source it in the directory of the build.
#
# KEEP=1 keeps the directory.
srcdir=${srcdir:-$(dirname "$0")/../..}
BUILD=$PWD
ROOT=$(mktemp -d "${TMPDIR:-/tmp}/shadowcat-init.XXXXXX") || exit 99
PIDFILE=$ROOT/run/shadowcat.pid
CONFIG=$ROOT/shadowcat.conf
LOG=$ROOT/log/shadowcat.log
CONTROL=$ROOT/control.sock
# Of this shell, which has not waited for them: the numbers are still theirs.
children=
client=

# shellcheck disable=SC2317
rig_end()
{
	code=$?
	ctl stop >/dev/null 2>&1
	for pid in $children $client; do
		kill "$pid" 2>/dev/null
	done
	if [ $code -ne 0 ] && [ $code -ne 77 ]; then
		tail -n 40 "$ROOT"/log/*.log "$ROOT"/out 2>/dev/null
	fi
	[ "${KEEP-}" = 1 ] || rm -rf "$ROOT"
}
trap rig_end EXIT
trap 'exit 1' INT TERM

fail()
{
	echo "FAILED: $*"
	exit 1
}

step()
{
	echo "--- $*"
}

# Wait until a command succeeds.
wait_until()
{
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		[ $tries -lt 600 ] || fail "never came true: $*"
		sleep 0.05
	done
}

# expect CODE COMMAND...: its output goes to $ROOT/out.
expect()
{
	wanted=$1
	shift
	"$@" > "$ROOT/out" 2>&1
	code=$?
	cat "$ROOT/out"
	[ $code -eq "$wanted" ] || fail "$* ended with $code, not $wanted"
}

# Does the output of the last expect() say this?
said()
{
	grep -q -e "$1" "$ROOT/out" || fail "it does not say: $1"
}

runs()
{
	kill -0 "$1" 2>/dev/null &&
	    ! grep -qs '^State:[[:space:]]*[XZ]' "/proc/$1/status"
}

gone()
{
	! runs "$1"
}

# The file of an init system with the paths of the test.  rig_file NAME COPY
rig_file()
{
	sed -e "s|@sbindir@|$ROOT/sbin|g" -e "s|@sysconfdir@|$ROOT/etc|g" \
	    "$srcdir/contrib/init/$1.in" > "$2" && chmod +x "$2"
}

# As a package manager does it: the old file goes when the new one is there.
install_programs()
{
	mkdir -p "$ROOT/sbin"
	for program in shadowcat shadowcatctl; do
		cp "$BUILD/$program" "$ROOT/sbin/$program.new" &&
		    mv "$ROOT/sbin/$program.new" "$ROOT/sbin/$program" ||
		    exit 99
	done
}

start_origin()
{
	mkdir -p "$ROOT/gates"
	"$BUILD/tests/peers/origin" --gates "$ROOT/gates" > "$ROOT/origin" 2>&1 &
	children="$children $!"
	wait_until grep -q '^origin on ' "$ROOT/origin"
	UPSTREAM=http://$(sed -n 's/^origin on //p' "$ROOT/origin")/mcp
}

# write_config [LINE]
# shellcheck disable=SC2120
write_config()
{
	cat > "$CONFIG" <<-EOF
	workers = 2
	listen { address = "127.0.0.1:0" }
	upstream { url = "$UPSTREAM" }
	control { path = "$CONTROL" }
	log { target = "$LOG" }
	${1-}
	EOF
}

rig_begin()
{
	mkdir -p "$ROOT/etc" "$ROOT/log"
	install_programs
	start_origin
	write_config ""
}

ctl()
{
	"$ROOT/sbin/shadowcatctl" -s "$CONTROL" "$@"
}

# The port that the daemon listens on.
port()
{
	ctl --json status | sed -n 's/.*"listen": "[^"]*:\([0-9]*\)".*/\1/p'
}

# A stream of 200 events, of which the second half waits until
# finish_stream().  The client is in the background.
begin_stream()
{
	rm -f "$ROOT/gates/on"
	: > "$ROOT/stream"
	"$BUILD/tests/peers/tclient" --timeout 120000 "$(port)" \
	    "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\nContent-Type: application/json\r\nX-Script: head 200 text/event-stream chunked; events 100 2 id=a; await on; events 100 2 id=b\r\n\r\n{}" \
	    > "$ROOT/stream" 2>&1 &
	client=$!
	wait_until grep -q '^id: a50$' "$ROOT/stream"
}

# All events have come, in order, each of them once.
finish_stream()
{
	touch "$ROOT/gates/on"
	wait "$client" || { client=; fail "the stream was broken off"; }
	client=
	{ seq -f a%.0f 100; seq -f b%.0f 100; } > "$ROOT/wanted"
	sed -n 's/^id: \([ab][0-9]*\)$/\1/p' "$ROOT/stream" |
	    diff "$ROOT/wanted" - || fail "events were lost or doubled"
}

# The binary that the process runs is the installed one.
is_current()
{
	[ "$(readlink "/proc/$1/exe")" = "$ROOT/sbin/shadowcat" ]
}

# The number in the pid file.
pid_written()
{
	cat "$PIDFILE"
}
