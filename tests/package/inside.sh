#!/bin/sh
# inside.sh - in the bare system: a new user, and an operator later on.
set -eu

CONFIG=/etc/shadowcat/shadowcat.conf
PIDFILE=/run/shadowcat/shadowcat.pid
URL=http://127.0.0.1:8080/mcp
SECONDS_LONG=15

fail()
{
	echo "FAILED: $*"
	tail -n 30 /var/log/shadowcat/*.log /package/*.out 2>/dev/null || :
	exit 1
}

# expect CODE COMMAND...: its output goes to /package/out.
expect()
{
	wanted=$1
	shift
	code=0
	"$@" > /package/out 2>&1 || code=$?
	sed 's/^/    /' /package/out
	[ $code -eq "$wanted" ] || fail "$* ended with $code, not $wanted"
}

said()
{
	grep -q -e "$1" /package/out || fail "it does not say: $1"
}

wait_until()
{
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		[ $tries -lt 600 ] || fail "never came true: $*"
		sleep 0.1
	done
}

# What is needed from elsewhere, while there is a network.
prepare()
{
	apt-get -q -y purge shadowcat > /package/prepare.out 2>&1 || :
	{
		apt-get -q update &&
		    apt-get -q -y install --no-install-recommends \
			curl dbus logrotate systemd systemd-sysv \
			/package/one.deb &&
		    apt-get -q -y purge shadowcat
	} >> /package/prepare.out 2>&1 || fail "apt-get"
}

mcp()
{
	curl -sN "$URL" -H Content-Type:application/json \
	    -H Accept:application/json,text/event-stream \
	    -H "Mcp-Session-Id: $SESSION" "$@"
}

open_session()
{
	SESSION=
	SESSION=$(mcp -D - -o /dev/null -d '{"jsonrpc":"2.0","id":1,
	    "method":"initialize","params":{"protocolVersion":"2025-11-25",
	    "capabilities":{},"clientInfo":{"name":"curl","version":"1"}}}' |
	    tr -d '\r' | sed -n 's/^mcp-session-id: //Ip')
	[ -n "$SESSION" ] || fail "no session"
	mcp -d '{"jsonrpc":"2.0","method":"notifications/initialized"}'
}

# A tool that counts the seconds, in the background.
begin_stream()
{
	: > /package/stream.out
	mcp -d '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{
	    "name":"countdown","arguments":{"seconds":'$SECONDS_LONG'},
	    "_meta":{"progressToken":"c"}}}' > /package/stream.out &
	client=$!
	wait_until grep -q '"progress":1[,}]' /package/stream.out
}

# Every second was counted once, and the result has come.
finish_stream()
{
	wait "$client" || fail "the stream was broken off"
	seq $SECONDS_LONG > /package/wanted
	sed -n 's/.*"progress":\([0-9]*\)[,}].*/\1/p' /package/stream.out |
	    diff /package/wanted - || fail "events were lost or doubled"
	grep -q '"result"' /package/stream.out || fail "no result"
}

version()
{
	shadowcatctl --json status | sed -n 's/.*"version": "\([^"]*\)".*/\1/p'
}

# Their process ids.
workers()
{
	shadowcatctl --json workers | grep -o '"pid": [0-9]*' | sed 's/.* //'
}

runs_installed()
{
	[ "$(cat $PIDFILE)" = "$1" ] || fail "another process"
	[ "$(readlink "/proc/$1/exe")" = /usr/sbin/shadowcat ] ||
	    fail "another binary: $(readlink "/proc/$1/exe")"
}

use()
{
	shadowcat-demo-server --bind 127.0.0.1:3000 > /package/demo.out 2>&1 &

	dpkg -P shadowcat 2>/dev/null
	echo "--- installed: nothing to serve yet, and nothing has failed"
	expect 0 dpkg -i /package/one.deb
	said 'upstream.url: not set'
	said 'is not started before'
	expect 3 service shadowcat status
	expect 6 service shadowcat start
	[ "$(grep -c upstream.url /package/out)" = 1 ] || fail "not one line"

	echo "--- one line is edited: it serves"
	cp $CONFIG /package/before
	sed -i 's|^\t#url = |\turl = |' $CONFIG
	[ "$(diff /package/before $CONFIG | grep -c '^>')" = 1 ] ||
	    fail "this was not one line"
	expect 0 service shadowcat start
	expect 0 service shadowcat status
	expect 0 shadowcatctl status
	said "127.0.0.1:8080"
	pid=$(cat $PIDFILE)
	for worker in $(workers); do
		[ "$(stat -c %U "/proc/$worker")" = shadowcat ] ||
		    fail "worker $worker runs as someone else"
	done
	[ "$(stat -c '%U:%G %a' /var/log/shadowcat)" = "root:adm 750" ] ||
	    fail "the directory of the log"
	open_session

	echo "--- a new package, under a stream"
	old=$(version)
	begin_stream
	expect 0 dpkg -i /package/two.deb
	[ "$(version)" != "$old" ] || fail "the old version runs"
	runs_installed "$pid"
	finish_stream

	echo "--- one that can't take over: said, and nothing is cut"
	begin_stream
	echo 'workers = many' >> $CONFIG
	expect 0 dpkg -i /package/two.deb
	said '"many" is not a number'
	said 'stays the old version'
	[ "$(cat $PIDFILE)" = "$pid" ] || fail "another process"
	sed -i '$d' $CONFIG
	finish_stream
	expect 0 /etc/init.d/shadowcat upgrade
	runs_installed "$pid"

	echo "--- the log is rotated"
	expect 0 logrotate --force /etc/logrotate.d/shadowcat
	expect 0 service shadowcat reload
	wait_until grep -q 'reload: ' /var/log/shadowcat/shadowcat.log

	echo "--- removed, installed again, purged"
	expect 0 dpkg -r shadowcat
	[ ! -d "/proc/$pid" ] || fail "it still runs"
	[ -e $CONFIG ] || fail "the configuration is gone"
	expect 0 dpkg -i /package/one.deb
	expect 0 service shadowcat status
	expect 0 dpkg -P shadowcat
	for path in /etc/shadowcat /etc/default/shadowcat /etc/init.d/shadowcat \
	    /etc/logrotate.d/shadowcat /var/log/shadowcat /run/shadowcat; do
		[ ! -e $path ] || fail "$path was left behind"
	done
	! getent passwd shadowcat || fail "the user was left behind"
}

property()
{
	systemctl show --property "$1" --value shadowcat
}

# expect_state STATE: of the unit.
expect_state()
{
	state=$(property ActiveState)
	[ "$state" = "$1" ] || {
		journalctl --no-pager --unit shadowcat | tail -n 30
		fail "the unit is $state, not $1"
	}
}

# Does it run, as another process than this one?
was_restarted()
{
	[ "$(property MainPID)" != "$1" ] &&
	    [ "$(property ActiveState)" = active ]
}

# status_of PID NAME: from /proc.
status_of()
{
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"
}

# The same package where systemd runs.
manage()
{
	shadowcat-demo-server --bind 127.0.0.1:3000 > /package/demo.out 2>&1 &

	dpkg -P shadowcat 2>/dev/null
	echo "--- systemd: nothing to serve yet, and nothing has failed"
	expect 0 dpkg -i /package/one.deb
	said 'is not started before'
	expect_state inactive
	expect 0 systemctl start shadowcat
	expect_state inactive

	echo "--- one line is edited: it serves"
	sed -i 's|^\t#url = |\turl = |' $CONFIG
	expect 0 service shadowcat start
	expect_state active
	pid=$(property MainPID)
	runs_installed "$pid"
	for worker in $(workers); do
		[ "$(status_of "$worker" CapEff)" = 0000000000000000 ] ||
		    fail "worker $worker has capabilities"
		[ "$(status_of "$worker" Seccomp_filters)" -gt \
		    "$(status_of "$pid" Seccomp_filters)" ] ||
		    fail "worker $worker may do what the supervisor may"
	done
	open_session

	echo "--- reload, and a new package, under a stream"
	begin_stream
	expect 0 systemctl reload shadowcat
	echo 'workers = many' >> $CONFIG
	expect 1 systemctl reload shadowcat
	sed -i '$d' $CONFIG
	expect_state active
	old=$(version)
	expect 0 dpkg -i /package/two.deb
	[ "$(version)" != "$old" ] || fail "the old version runs"
	runs_installed "$pid"
	[ "$(property MainPID)" = "$pid" ] || fail "another main process"
	expect_state active
	finish_stream

	echo "--- the supervisor is killed under a stream"
	begin_stream
	kill -KILL "$pid"
	wait_until was_restarted "$pid"
	open_session
	finish_stream

	echo "--- stopped under a stream"
	begin_stream
	expect 0 systemctl stop shadowcat
	finish_stream
	expect_state inactive
	[ "$(property Result)" = success ] || fail "$(property Result)"

	echo "--- purged"
	expect 0 dpkg -P shadowcat
	[ ! -e /lib/systemd/system/shadowcat.service ] || fail "the unit is left"
}

"$1"
