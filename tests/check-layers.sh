#!/bin/sh
# check-layers.sh - who may include whom.  The folders are the processes, so
# an include across a border is a mistake in the design:
#
#	common/      common/
#	worker/      worker/ common/
#	supervisor/  supervisor/ common/, and worker/worker.h from spawn.c alone
#	ctl/         common/
#	tests/unit/  common/ and one directory on top of it, the one under test
#
# Own headers are named with their directory, in quotes; config.h is for .c
# files, and comes first.
srcdir=${srcdir:-$(dirname "$0")/..}
cd "$srcdir" || exit 99

sources=$(find common worker supervisor ctl tests/unit \
    -name '*.[ch]' 2>/dev/null)
[ -n "$sources" ] || {
	echo "no sources in $srcdir"
	exit 99
}

# shellcheck disable=SC2086
awk '
function complain(why)
{
	print FILENAME ":" FNR ": " why ": " $0
	bad++
}

# May a file of this layer include that header?
function allowed(layer, file, header, to)
{
	if (to == "common")
		return 1
	if (layer == "worker")
		return to == "worker"
	if (layer == "supervisor")
		return to == "supervisor" ||
		    (header == "worker/worker.h" && file == "supervisor/spawn.c")
	if (layer == "tests/unit") {
		if (to == "tests")
			return 1
		if (subject == "")
			subject = to
		return to == subject || header == "worker/worker.h"
	}
	return layer == "ctl" && to == "ctl"
}

FNR == 1 {
	layer = FILENAME
	sub(/\/[^\/]*$/, "", layer)
	subject = ""
	includes = 0
	files++
}

/^[ \t]*#[ \t]*include[ \t]/ {
	includes++
	if (!match($0, /"[^"]*"/)) {
		if (FILENAME ~ /\.c$/ && includes == 1)
			complain("config.h comes first")
		next
	}
	header = substr($0, RSTART + 1, RLENGTH - 2)
	if (header == "config.h") {
		if (FILENAME !~ /\.c$/)
			complain("config.h is for .c files")
		else if (includes != 1)
			complain("config.h comes first")
		next
	}
	if (FILENAME ~ /\.c$/ && includes == 1)
		complain("config.h comes first")
	if (header !~ /\//) {
		complain("own headers are named with their directory")
		next
	}
	to = header
	sub(/\/.*/, "", to)
	if (!allowed(layer, FILENAME, header, to))
		complain(layer " may not include this")
}

END {
	print files " files, " bad + 0 " complaints"
	exit bad > 0
}' $sources
