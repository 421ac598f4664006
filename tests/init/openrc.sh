#!/bin/sh
# openrc.sh - OpenRC's script, with stand-ins for what openrc-run gives it.
# shellcheck source=tests/init/rig.sh
. "${srcdir:-$(dirname "$0")/../..}/tests/init/rig.sh"
command -v start-stop-daemon >/dev/null || {
	echo "start-stop-daemon is missing: apt-get install dpkg"
	exit 77
}

SCRIPT=$ROOT/shadowcat
rig_file shadowcat.openrc "$SCRIPT"

# rc ACTION: as openrc-run does it, so far as the script needs that.
cat > "$ROOT/rc" <<EOF
#!/bin/sh
RC_SVCNAME=shadowcat RC_CMD=\$1
pidfile=$PIDFILE shadowcat_config=$CONFIG shadowcat_control=$CONTROL
[ ! -r "$ROOT/conf.d" ] || . "$ROOT/conf.d"
einfo() { echo "\$*"; }
eerror() { echo "\$*" >&2; }
ebegin() { echo "\$* ..."; }
eend() { return "\$1"; }
need() { :; }
use() { :; }
after() { :; }
checkpath() { [ "\$1 \$2 \$3" = "-d -m 0755" ] && mkdir -p "\$4"; }
start() { \$command \$command_args; }
stop_pre() { :; }
service_started() { [ -e "$ROOT/started" ]; }
default_status() { service_started || return 3; }
. "$SCRIPT"
depend
case \$1 in
start)
	start_pre && start && touch "$ROOT/started" ;;
stop)
	stop_pre && stop && rm -f "$ROOT/started" ;;
restart)
	stop_pre && stop && start_pre && start ;;
*)
	# Those of extra_started_commands.
	"\$1" ;;
esac
EOF
chmod +x "$ROOT/rc"
rig_begin

step "nothing runs"
expect 0 "$ROOT/rc" stop
expect 3 "$ROOT/rc" status
expect 1 "$ROOT/rc" reload
expect 1 "$ROOT/rc" upgrade

step "a bad configuration: the reason, and nothing runs"
write_config 'workers = many'
expect 2 "$ROOT/rc" start
said '"many" is not a number'
[ ! -e "$PIDFILE" ] || fail "it runs"

step "start and reload"
write_config
expect 0 "$ROOT/rc" start
pid=$(pid_written)
expect 0 "$ROOT/rc" status
begin_stream
write_config 'log { level = debug }'
expect 0 "$ROOT/rc" reload
said "the new configuration is in force"
ctl --json status | grep -q '"log_level": "debug"' || fail "not reloaded"
write_config 'workers = many'
expect 2 "$ROOT/rc" reload
expect 2 "$ROOT/rc" restart
runs "$pid" || fail "it was stopped for a bad configuration"

step "upgrade under a stream"
write_config
install_programs
expect 0 "$ROOT/rc" upgrade
[ "$(pid_written)" = "$pid" ] || fail "another process"
is_current "$pid" || fail "another binary"
finish_stream

step "rotate"
mv "$LOG" "$LOG.1"
expect 0 "$ROOT/rc" rotate
wait_until test -e "$LOG"

step "upgrade where the control socket is not found"
echo "shadowcat_control=$ROOT/nowhere" > "$ROOT/conf.d"
install_programs
expect 0 "$ROOT/rc" upgrade
said "by a signal"
wait_until is_current "$pid"

step "restart and stop"
wait_until grep -q "upgrade: done" "$LOG"
expect 0 "$ROOT/rc" restart
gone "$pid" || fail "it still runs"
pid=$(pid_written)
expect 0 "$ROOT/rc" stop
gone "$pid" || fail "it still runs"

step "a pid file with a stranger's number"
sleep 600 &
stranger=$!
children="$children $stranger"
echo $stranger > "$PIDFILE"
expect 1 "$ROOT/rc" reload
expect 0 "$ROOT/rc" stop
runs $stranger || fail "a stranger was killed"

step "a daemon that was killed"
expect 0 "$ROOT/rc" start
pid=$(pid_written)
kill -KILL "$pid"
wait_until gone "$pid"
expect 32 "$ROOT/rc" status
said crashed
expect 0 "$ROOT/rc" stop
echo "all is well"
