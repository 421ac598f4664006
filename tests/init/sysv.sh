#!/bin/sh
# sysv.sh - the SysV script, run for real in a directory of its own.
# shellcheck source=tests/init/rig.sh
. "${srcdir:-$(dirname "$0")/../..}/tests/init/rig.sh"

SCRIPT=$ROOT/init
rig_file shadowcat.init "$SCRIPT"
cat > "$ROOT/default" <<EOF
CONFIG=$CONFIG
PIDFILE=$PIDFILE
CONTROL=$CONTROL
STOP_SECONDS=60
EOF
SHADOWCAT_DEFAULTS=$ROOT/default
export SHADOWCAT_DEFAULTS

rig_begin

step "nothing runs"
expect 3 "$SCRIPT" status
expect 0 "$SCRIPT" stop
expect 7 "$SCRIPT" reload
expect 7 "$SCRIPT" upgrade
expect 0 "$SCRIPT" rotate
expect 0 "$SCRIPT" try-restart
expect 3 "$SCRIPT" status
expect 3 "$SCRIPT" dance
said usage

step "a bad configuration: the reason, and nothing runs"
write_config 'session { idle_timeout = "5 parsecs" }'
expect 6 "$SCRIPT" start
said 'session.idle_timeout: "5 parsecs" is not a duration'
expect 6 "$SCRIPT" configtest
expect 3 "$SCRIPT" status

step "an address that is taken: the reason, and nothing runs"
write_config "listen { address = \"$(sed -n 's/^origin on //p' \
    "$ROOT/origin")\" }"
expect 1 "$SCRIPT" start
said "ddress already in use"
expect 3 "$SCRIPT" status

step "start"
write_config
expect 0 "$SCRIPT" configtest
expect 0 "$SCRIPT" start
pid=$(pid_written)
expect 0 "$SCRIPT" status
said "$pid"

step "a second start changes nothing"
expect 0 "$SCRIPT" start
[ "$(pid_written)" = "$pid" ] || fail "another one runs"

step "reload"
begin_stream
write_config 'log { level = debug }'
expect 0 "$SCRIPT" reload
said "the new configuration is in force"
expect 0 "$SCRIPT" force-reload
ctl --json status | grep -q '"log_level": "debug"' || fail "not reloaded"
write_config 'workers = many'
expect 6 "$SCRIPT" reload
said "many"
expect 6 "$SCRIPT" restart
expect 0 "$SCRIPT" status
said "$pid"
finish_stream

step "upgrade under a stream"
write_config
begin_stream
install_programs
! is_current "$pid" || fail "this test is none"
expect 0 "$SCRIPT" upgrade
[ "$(pid_written)" = "$pid" ] || fail "another process"
is_current "$pid" || fail "another binary: $(readlink "/proc/$pid/exe")"
expect 0 "$SCRIPT" status
finish_stream

step "reload, rotate and upgrade where the control socket is not found"
echo "CONTROL=$ROOT/nowhere" >> "$ROOT/default"
begin_stream
install_programs
expect 0 "$SCRIPT" reload
said "by a signal"
expect 0 "$SCRIPT" upgrade
wait_until is_current "$pid"
mv "$LOG" "$LOG.1"
expect 0 "$SCRIPT" rotate
wait_until test -e "$LOG"
finish_stream

step "stop"
expect 0 "$SCRIPT" stop
gone "$pid" || fail "it still runs"
[ ! -e "$PIDFILE" ] || fail "the pid file was left behind"
expect 3 "$SCRIPT" status

step "a pid file with a stranger's number"
sleep 600 &
stranger=$!
children="$children $stranger"
echo $stranger > "$PIDFILE"
expect 1 "$SCRIPT" status
expect 7 "$SCRIPT" reload
expect 0 "$SCRIPT" rotate
expect 0 "$SCRIPT" stop
runs $stranger || fail "a stranger was killed"
expect 3 "$SCRIPT" status
echo $stranger > "$PIDFILE"
expect 0 "$SCRIPT" start
runs $stranger || fail "a stranger was killed"
expect 0 "$SCRIPT" status
pid=$(pid_written)
[ "$pid" != $stranger ] || fail "the number is still the stranger's"

step "a daemon that was killed"
kill -KILL "$pid"
wait_until gone "$pid"
expect 1 "$SCRIPT" status
expect 0 "$SCRIPT" restart
pid=$(pid_written)
expect 0 "$SCRIPT" status

step "a stop that takes too long is done by force"
write_config 'drain { timeout = 10m }'
expect 0 "$SCRIPT" try-restart
[ "$(pid_written)" != "$pid" ] || fail "not restarted"
pid=$(pid_written)
begin_stream
echo STOP_SECONDS=1 >> "$ROOT/default"
expect 0 "$SCRIPT" stop
said "at once"
gone "$pid" || fail "it still runs"
expect 3 "$SCRIPT" status

step "the program is gone"
rm "$ROOT/sbin/shadowcat"
expect 5 "$SCRIPT" start
expect 0 "$SCRIPT" stop
echo "all is well"
