#!/bin/sh
# run.sh - spin looks for a fault in the models, and finds none; and finds one
# for each rule of theirs that is left out.
#
# Without arguments half a minute of one processor; with --full three deaths
# instead of two, and that every run ends after two, which wants 1.5 GB.
set -u
srcdir=${srcdir:-$(dirname "$0")/../..}
models=$(cd "$srcdir/tests/model" && pwd) || exit 99
deaths=2
endings=1
if [ "${1-}" = --full ]; then
	deaths=3
	endings=2
fi

for tool in spin gcc; do
	command -v $tool >/dev/null 2>&1 || {
		echo "$tool is missing: apt-get install $tool"
		exit 77
	}
done
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 99
failed=0

# search PAN-FLAG SPIN-FLAGS... -- CC-FLAGS...: the answer is in ./found
search()
{
	pan_flag=$1
	shift
	model_flags=
	while [ "$1" != -- ]; do
		model_flags="$model_flags $1"
		shift
	done
	shift
	# shellcheck disable=SC2086
	spin -a $model_flags "$model" >found 2>&1 &&
	    gcc -w "$@" -DMEMLIM=4000 -o pan pan.c >>found 2>&1 &&
	    ./pan $pan_flag -m10000 -w24 >found 2>&1
}

figure()
{
	sed -n "$1" found | head -n 1 | tr -s ' '
}

# All of its states were seen, and there is no error.
clean()
{
	what=$1
	shift
	if search "$@" && grep -q 'errors: 0' found &&
	    ! grep -q 'Search not completed\|too small' found; then
		echo "$what:$(figure 's/ states, stored.*/ states/p')," \
		    "$(figure 's/.*\(depth reached [0-9]*\).*/\1/p')," \
		    "$(figure 's/pan: elapsed time //p')"
	else
		echo "$what: FAILED"
		cat found
		failed=1
	fi
}

# There is an error.
broken()
{
	if search -n "-DDEATHS=1" "-DWITHOUT=$1" -- -O0 -DSAFETY &&
	    grep -q 'errors: 1' found; then
		echo "without $1: $(figure 's/^pan:1: \(.*\) (at.*/\1/p')"
	else
		echo "without $1: NOT FOUND"
		cat found
		failed=1
	fi
}

for name in adoption release; do
	model=$models/$name.pml
	echo "--- $name"
	clean "no fault after $deaths deaths" -n -DDEATHS=$deaths -- \
	    -O2 -DSAFETY
	# Nothing in it is progress, so that any circle is one too many.
	clean "each run ends" -l -DDEATHS=$endings -- -O2 -DNP
	rules=$(sed -n 's/^#define \([A-Z_]*\)	 *[0-9]* .*/\1/p' "$model")
	[ "$(echo "$rules" | wc -l)" -ge 6 ] || {
		echo "its rules were not read"
		failed=1
	}
	for rule in $rules; do
		broken "$rule"
	done
done
exit $failed
