#!/bin/sh
# check-man.sh - mandoc finds nothing to say against the manual pages.
srcdir=${srcdir:-$(dirname "$0")/..}

command -v mandoc >/dev/null 2>&1 || {
	echo "mandoc is missing: apt-get install mandoc"
	exit 77
}
set -- "$srcdir"/man/*.[1-8]
[ -f "$1" ] || {
	echo "no manual page in $srcdir/man"
	exit 77
}
mandoc -T lint -W warning "$@"
