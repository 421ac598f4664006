#!/bin/sh
# check-text.sh - what no file of the project may contain, and which files it
# may not have: nothing that a build makes, no address of a package registry.
srcdir=${srcdir:-$(dirname "$0")/..}
cd "$srcdir" || exit 99

tab=$(printf '\t')
cr=$(printf '\r')
bad=0

# complain TITLE LINES
complain()
{
	[ -n "$2" ] || return 0
	printf '%s:\n%s\n' "$1" "$2"
	bad=1
}

# A copy of the sources may lie in an ignored directory of a work tree.
if prefix=$(git rev-parse --show-prefix 2>/dev/null) && [ -z "$prefix" ]; then
	files=$(git ls-files)
	complain "products of a build are tracked" "$(echo "$files" | grep -E \
	    '\.(o|a|log|trs)$|(^|/)(Makefile(\.in)?|config\.(h|h\.in|log|status)|configure|aclocal\.m4)$|(^|/)(node_modules|autom4te\.cache|\.deps|build-aux)/')"
else
	files=$(find . -name node_modules -prune -o -name .git -prune -o \
	    -path './build*' -prune -o -path ./autom4te.cache -prune -o \
	    -type f -print)
fi

# What people wrote: no corpora, no output of autoconf.
written=$(echo "$files" | grep -E '\.(c|h|am|ac|sh|mjs|cjs|[1-8]|md)$|(^|/)(README|HACKING|NEWS|runtests|quickstart|run)$' |
    grep -v /corpus/)
sources=$(echo "$written" | grep -E '\.(c|h)$')
[ -n "$sources" ] || {
	echo "no sources in $srcdir"
	exit 99
}

existing()
{
	for file; do
		[ ! -f "$file" ] || echo "$file"
	done
}
# shellcheck disable=SC2086
written=$(existing $written) sources=$(existing $sources)

# shellcheck disable=SC2086
{
	complain "white space at the end of a line" \
	    "$(grep -nE "[ $tab]+\$" $written)"
	complain "a carriage return" "$(grep -ln "$cr" $written)"
	complain "a space before a tab" "$(grep -nE "^$tab* +$tab" $sources)"
	complain "eight spaces where a tab belongs" \
	    "$(grep -nE "^ {8}" $sources)"
	complain "a mark of unfinished work" \
	    "$(grep -nwE '(TO''DO|FIX''ME|X''XX)' $written)"
	complain "no end of line at the end" "$(for file in $written; do
		[ -z "$(tail -c 1 "$file")" ] || echo "$file"
	done)"
}
complain "the lock file names a registry" \
    "$(grep -n '"resolved"' tests/clients/package-lock.json)"

[ $bad -ne 0 ] || echo "$(echo "$written" | wc -l) files are clean"
exit $bad
