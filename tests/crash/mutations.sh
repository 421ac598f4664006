#!/bin/sh
# mutations.sh - do the tests see it when the rules of adoption are broken?
#
#	mutations.sh [-k] BUILD-DIRECTORY [NAME...]
#
# Each mutations/NAME.patch breaks one rule in a copy of the sources, which is
# compiled in the directory.  Its lines "Test: COMMAND" name tests that pass
# without the patch and have to fail with it.  A patch that does not apply any
# more, a copy that does not compile and a test that still passes are failures.
# Without names all patches are tried.  -k keeps what an earlier run has built.
#
# To add one: break the rule in the sources, save `git diff` as a patch, and
# say above it what is broken and who has to notice.
set -u

here=$(cd "$(dirname "$0")" && pwd) || exit 99
sources=$(cd "$here/../.." && pwd) || exit 99
patches=$here/mutations failed=0
# shellcheck source=contrib/setup.sh
. "$sources/contrib/setup.sh"

# Seconds that a test may take; one that hangs has noticed.
LIMIT=120

keep=0
if [ "${1-}" = -k ]; then
	keep=1
	shift
fi
if [ $# -lt 1 ]; then
	sed -n '4s/^#[[:space:]]*/usage: /p' "$0" >&2
	exit 2
fi
mkdir -p "$1" && cd "$1" || exit 99
shift
copy=$PWD/src build=$PWD/build scratch=$PWD/tmp
# shellcheck disable=SC2046
[ $# -gt 0 ] || set -- $(cd "$patches" && find . -name '*.patch' |
    sed 's|^\./||; s|\.patch$||' | sort)

# The commands that have to notice a patch.
tests_of()
{
	sed -n 's/^Test: //p' "$patches/$1.patch"
}

# Compile the daemon and what the commands (in a file) run.
compile()
{
	# shellcheck disable=SC2046
	make -s -C "$build" -j "${JOBS:-$(nproc)}" shadowcat shadowcatctl \
	    tests/peers/origin $(grep -o 'tests/[^ ]*' "$1" | sort -u) \
	    >"$PWD/compile.log" 2>&1 && return
	tail -n 20 compile.log
	return 1
}

# Run one command in the build: 0 passed, 1 failed, 2 could not be run.
run()
{
	rm -rf "$scratch" && mkdir "$scratch" || return 2
	# shellcheck disable=SC2086
	(cd "$build" && TMPDIR=$scratch timeout -k 5 $LIMIT $1) \
	    >test.log 2>&1 </dev/null
	case $? in
	0) return 0 ;;
	77|126|127) return 2 ;;
	*) return 1 ;;
	esac
}

complain()
{
	echo "FAILED: $*"
	failed=$((failed + 1))
}

prepare()
{
	[ $keep = 0 ] || [ ! -x "$build/config.status" ] || return 0
	setup_copy_sources "$sources" "$copy" >prepare.log 2>&1 &&
	    rm -rf "$build" && mkdir "$build" &&
	    (cd "$build" && "$copy/configure" -q --enable-developer \
		CFLAGS='-g -O1 -Wno-error') >>prepare.log 2>&1 && return
	tail -n 20 prepare.log
	exit 99
}

# Without a patch everything passes.
try_whole()
{
	for name; do
		tests_of "$name"
	done | sort -u >commands
	compile commands || exit 99
	while read -r command; do
		echo "without a patch: $command"
		run "$command" || {
			tail -n 20 test.log
			complain "without a patch: $command"
		}
	done <commands
}

# One test has to fail now; some have seeds, so it may try again.
expect_failure()
{
	for turn in 1 2 3 4 5; do
		run "$2"
		case $? in
		0) ;;
		1) echo "$1: seen by $2 (turn $turn)"; return ;;
		*) complain "$1: can't be run: $2"; return ;;
		esac
	done
	complain "$1: not seen by $2"
}

try_mutation()
{
	patch="patch -s -f -p1 -d $copy"
	tests_of "$1" >commands
	[ -s commands ] || complain "$1: names no test"
	if ! $patch --dry-run <"$patches/$1.patch"; then
		complain "$1: does not apply any more"
		return
	fi
	$patch <"$patches/$1.patch"
	if compile commands; then
		while read -r command; do
			expect_failure "$1" "$command"
		done <commands
	else
		complain "$1: does not compile"
	fi
	$patch -R <"$patches/$1.patch"
}

prepare
try_whole "$@"
[ $failed -eq 0 ] && for name; do
	try_mutation "$name"
done
echo "$# mutations, $failed failures"
[ $failed -eq 0 ]
