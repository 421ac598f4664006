# shellcheck shell=sh
# lib.sh - what the scripts of bench/ share; sourced at their beginning.
#
# It sets build, the directory with the programs (BUILD, or the current one);
# dir, a directory of the script's own, which is removed at its end; and pids,
# to which the script adds the processes that have to end with it.

# shellcheck disable=SC2034 # used by the scripts
build=$(cd "${BUILD:-.}" && pwd)
dir=$(mktemp -d)
pids=

# shellcheck disable=SC2317 # called by the trap
clean_up()
{
	for pid in $pids; do
		kill "$pid" 2>/dev/null || :
	done
	wait
	rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

# Wait for a line that matches in a file; print it.  await FILE PATTERN
await()
{
	n=0
	until line=$(grep -m 1 -e "$2" "$1" 2>/dev/null); do
		n=$((n + 1))
		if [ "$n" -gt 200 ]; then
			echo "${0##*/}: no '$2' in $1:" >&2
			cat "$1" >&2
			exit 1
		fi
		sleep 0.05
	done
	echo "$line"
}

# The port that a program says it listens on, in a file.
port_in()
{
	line=$(await "$1" 'listening on') || exit 1
	echo "${line##*:}"
}
