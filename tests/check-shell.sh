#!/bin/sh
# check-shell.sh - shellcheck finds nothing to say against the scripts.
srcdir=${srcdir:-$(dirname "$0")/..}
cd "$srcdir" || exit 99

command -v shellcheck >/dev/null 2>&1 || {
	echo "shellcheck is missing: apt-get install shellcheck"
	exit 77
}
scripts=$(grep -lE '^#!/bin/(ba)?sh|^# shellcheck shell=' autogen.sh quickstart \
    runtests .ci/run tests/*.sh contrib/*.sh contrib/completion/* contrib/init/* debian/shadowcat.p* debian/tests/smoke tests/*/*.sh bench/* 2>/dev/null)
# shellcheck disable=SC2086
shellcheck -x $scripts && echo "$scripts"
