#!/bin/sh
# logrotate.sh - the log is rotated under a daemon at work: it goes on in the
# new file, and no line is lost.
# shellcheck source=tests/init/rig.sh
. "${srcdir:-$(dirname "$0")/../..}/tests/init/rig.sh"
PATH=$PATH:/usr/sbin:/sbin
command -v logrotate >/dev/null || {
	echo "logrotate is missing: apt-get install logrotate"
	exit 77
}

rig_begin
write_config 'log { access = true }'
SCRIPT=$ROOT/init
rig_file shadowcat.init "$SCRIPT"
cat > "$ROOT/etc/default" <<EOF
CONFIG=$CONFIG
PIDFILE=$PIDFILE
CONTROL=$CONTROL
EOF
SHADOWCAT_DEFAULTS=$ROOT/etc/default
export SHADOWCAT_DEFAULTS
sed -e "s|/var/log/shadowcat|$ROOT/log|" \
    -e "s|/etc/init.d/shadowcat|$SCRIPT|" \
    "$srcdir/contrib/init/shadowcat.logrotate" > "$ROOT/logrotate.conf"
# It trusts no configuration and no directory that others may write to.
chmod 644 "$ROOT/logrotate.conf"
chmod 755 "$ROOT/log"

rotate()
{
	logrotate --force --state "$ROOT/state" "$ROOT/logrotate.conf"
}

# One request, which leaves one line; its path is the number.
request()
{
	"$BUILD/tests/peers/tclient" --timeout 20000 "$port" \
	    "GET /r$1 HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Script: answer 200 text/plain hello\r\n\r\n" \
	    > "$ROOT/answer" 2>&1 || fail "request $1: $(cat "$ROOT/answer")"
}

requests()
{
	number=$1
	while [ "$number" -le "$2" ]; do
		request "$number"
		number=$((number + 1))
	done
}

# Streams of which all log files together have the end.
ends()
{
	cat "$ROOT"/log/* |
	    sed -n 's/.* stream \([0-9a-f]*\):* .*ANSWERED.*/\1/p' | sort -u |
	    wc -l
}

step "nothing runs"
: > "$LOG"
expect 0 rotate

step "rotation under load"
expect 0 "$SCRIPT" start
pid=$(pid_written)
port=$(port)
# No more of them than the log takes from one place without summing up.
requests 1 5
(requests 6 15) &
load=$!
expect 0 rotate
wait $load || fail "a request failed"
wait_until test -e "$LOG"
requests 16 17
tail -n 1 "$LOG" | grep -q ANSWERED || fail "the new file has no lines"
old=$(wc -l < "$LOG.1")
requests 18 19
[ "$(wc -l < "$LOG.1")" -eq "$old" ] || fail "the old file grows on"
[ "$(ends)" -eq 19 ] || fail "$(ends) ends of 19 streams"
expect 0 "$SCRIPT" stop
echo "all is well"
