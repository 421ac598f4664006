#!/bin/sh
# run.sh - workers killed everywhere; run in the directory of the build.
#
# Without arguments a sample that takes about half a minute; with --full every
# place in every scene, and long storms: most of an hour.
programs=tests/crash

# Say what is run, and run it; a program that was skipped did not fail.
try()
{
	echo "--- $*"
	program=$1
	shift
	"$programs/$program" "$@"
	result=$?
	[ $result -eq 0 ] || [ $result -eq 77 ] || failed=1
}

failed=0
if [ "${1-}" = --full ]; then
	try crash_matrix --points
	try crash_matrix --points --second
	# Connections are handed from one worker to the other.
	try crash_matrix --points --second --workers 2
	try crash_matrix --calls
	try crash_matrix --calls --workers 2
	# Where kills come faster than workers adopt, nothing goes on, and the
	# clients' patience ends: on a slow machine that is no fault.
	for pause in 1-20 5-200; do
		try crash_storm --rounds 5 --seconds 60 --pause $pause --keep 15
		try crash_storm --rounds 5 --seconds 60 --pause $pause \
		    --keep 15 --workers 2 --clients 32
	done
	try crash_storm --rounds 5 --seconds 60 --pause 5-100 --keep 15 \
	    --workers 4 --clients 48
	echo "--- test_growth"
	GROWTH_DEATHS=1000 tests/integration/test_growth || failed=1
	# Counters that move while they are read.
	try crash_storm --scene slow-client --clients 16 --pause 5-40 \
	    --seconds 60 --keep 2
else
	try crash_matrix --points --scene pipeline
	try crash_storm --seconds 4 --clients 8 --workers 2 --pause 2-60
	try crash_matrix --seconds 5
fi
exit $failed
