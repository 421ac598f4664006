#!/bin/sh
# check-docs.sh - every key of the table stands, with its default, in the
# manual page and in the example configuration, and every option of the
# command line and each end reason in shadowcat(8); every command and option
# of shadowcatctl in its page and its completion; every metric in
# shadowcatctl(8); no page names one that does not exist; and mandoc has
# nothing to warn about.
set -u
srcdir=${srcdir:-$(dirname "$0")/..}
keys_page=$srcdir/man/shadowcat.conf.5
options_page=$srcdir/man/shadowcat.8
example=$srcdir/contrib/shadowcat.conf
ctl_page=$srcdir/man/shadowcatctl.8
completion=$srcdir/contrib/completion/shadowcatctl
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
status=0

fail()
{
	echo "check-docs: $*" >&2
	status=1
}

# The rows of an X-macro table: all between one X( and the next on a line.
rows()
{
	sed -n 's/[[:space:]]*\\$//; /^	X(/,$p' "$1" |
	    awk '/^\tX\(/ { if (row) print row; row = "" }
		/clang-format on/ { exit }
		{ row = row " " $0 }
		END { if (row) print row }'
}

# compare WHAT WANTED FOUND: two sorted lists are to be the same.
compare()
{
	comm -23 "$2" "$3" >"$work/missing"
	comm -13 "$2" "$3" >"$work/extra"
	while read -r line; do
		fail "$1: missing: $line"
	done <"$work/missing"
	while read -r line; do
		fail "$1: not in the table: $line"
	done <"$work/extra"
}

# --- keys: "session.idle_timeout = 5m", or the name without a default ----
rows "$srcdir/common/conf_keys.h" |
    awk -F'"' '{ print $4 == "" ? $2 : $2 " = " $4 }' |
    sort >"$work/keys"
[ "$(wc -l <"$work/keys")" -gt 30 ] || fail "the table of keys was not read"

sed -n 's/^\.It Ic //p' "$keys_page" | sort >"$work/page"
compare "$keys_page" "$work/keys" "$work/page"

# In the example each key has its default, or is set to something where it
# has none; "" and {} stand for none.
awk '/^[a-z]+ \{/ { section = $1 "." }
    /^\}/ { section = "" }
    match($0, /^\t?#?[a-z_]+ = /) {
	line = substr($0, RSTART, length($0))
	set = line !~ /#/
	sub(/^\t?#?/, "", line)
	gsub(/"/, "", line)
	name = section substr(line, 1, index(line, " ") - 1)
	value = substr(line, index(line, "= ") + 2)
	print (set || value == "" || value == "{}") ? name : name " = " value
    }' "$example" | sort >"$work/example"
compare "$example" "$work/keys" "$work/example"

# --- options --------------------------------------------------------------
rows "$srcdir/supervisor/options.h" | awk -F'"' '{ print $2 }' |
    sort >"$work/options"
[ "$(wc -l <"$work/options")" -gt 5 ] || fail "the options were not read"
sed -n '/^\.It /s/.*Fl Fl \([a-z]*\).*/\1/p' "$options_page" |
    sort >"$work/page"
compare "$options_page" "$work/options" "$work/page"

# --- shadowcatctl: commands, with their arguments, and options -------------
rows "$srcdir/common/ctl_commands.h" |
    awk -F'"' '{ print $2 ($4 == "" ? "" : " " $4) }' | sort >"$work/commands"
[ "$(wc -l <"$work/commands")" -gt 10 ] || fail "the commands were not read"
sed -n '/^\.It Cm /{
	s/^\.It Cm //
	s/ Ar \([a-z]*\)/ \U\1/
	s/ Op \([A-Z]*\)/ [\1]/
	s/ Op Ar \([a-z]*\)/ [\U\1]/
	p
}' "$ctl_page" | sort >"$work/page"
compare "$ctl_page" "$work/commands" "$work/page"

rows "$srcdir/ctl/options.h" | awk -F'"' '{ print $2 }' |
    sort >"$work/ctl_options"
[ "$(wc -l <"$work/ctl_options")" -gt 4 ] || fail "its options were not read"
sed -n '/^\.It /s/.*Fl Fl \([a-z]*\).*/\1/p' "$ctl_page" |
    sort >"$work/page"
compare "$ctl_page" "$work/ctl_options" "$work/page"

# The first words of all commands, and the second ones.
sed -n '/^	local commands="/,/"$/p' "$completion" |
    sed 's/.*="//; s/"//' | tr -s ' \t' '\n' | sed '/^$/d' |
    sort -u >"$work/completed"
cut -d ' ' -f 1 "$work/commands" | sort -u >"$work/words"
compare "$completion" "$work/words" "$work/completed"
sed -n 's/^	session) choices="\(.*\)" ;;$/\1/p' "$completion" |
    tr ' ' '\n' | sort >"$work/completed"
sed -n 's/^session \([a-z]*\).*/\1/p' "$work/commands" | sort >"$work/words"
compare "$completion" "$work/words" "$work/completed"
sed -n 's/^	local options="\(.*\)"$/\1/p' "$completion" | tr ' ' '\n' |
    sed -n 's/^--//p' | sort >"$work/completed"
compare "$completion" "$work/ctl_options" "$work/completed"
sed -n 's/^	log) choices="\(.*\)" ;;$/\1/p' "$completion" | tr ' ' '\n' |
    sort >"$work/completed"
rows "$srcdir/common/log.h" | awk -F'"' '{ print $2 }' | sort >"$work/words"
compare "$completion" "$work/words" "$work/completed"

if [ -x ./shadowcatctl ]; then
	./shadowcatctl --help >"$work/help" || fail "shadowcatctl --help fails"
	while read -r command; do
		grep -q -F -e "  $command " "$work/help" ||
		    fail "shadowcatctl --help doesn't name $command"
	done <"$work/commands"
	while read -r option; do
		grep -q -e "--$option" "$work/help" ||
		    fail "shadowcatctl --help doesn't name --$option"
	done <"$work/ctl_options"
fi

# --- metrics: of the supervisor, counters, histograms -----------------------
for table in supervisor/metrics_table.h common/counters.h common/histogram.h; do
	rows "$srcdir/$table" | awk -F'"' '$2 ~ /^[a-z]/ { print $2 }'
done | sort -u >"$work/metrics"
[ "$(wc -l <"$work/metrics")" -gt 60 ] || fail "the metrics were not read"
sed -n 's/^\.It Va shadowcat_\([a-z_]*\).*/\1/p' "$ctl_page" |
    sort >"$work/page"
compare "$ctl_page" "$work/metrics" "$work/page"

rules=$srcdir/contrib/prometheus/shadowcat.rules.yml
if command -v promtool >/dev/null; then
	promtool check rules "$rules" >"$work/promtool" 2>&1 ||
	    fail "$(cat "$work/promtool")"
fi

# --- end reasons, with a star for faults -----------------------------------
rows "$srcdir/common/end_reasons.h" | awk -F '[(,] *' \
    '{ print $2 ($3 == "true" ? " No *" : "") }' | sort >"$work/reasons"
[ "$(wc -l <"$work/reasons")" -gt 15 ] || fail "the end reasons were not read"
sed -n '/^\.Sh DIAGNOSTICS/,$s/^\.It Dv //p' "$options_page" |
    sort >"$work/page"
compare "$options_page" "$work/reasons" "$work/page"

# --- diagnostics: every error and warning, "..." for what differs ---------
# The messages of log_error() and its like, up to a semicolon.
cat "$srcdir"/supervisor/*.c "$srcdir"/worker/*.c | tr '\n\t' '  ' |
    tr -s ' ' | grep -oE "(log_error|log_warning|complain|(stream|client)_log\( \
?[a-z>-]+, ?LOG_LEVEL_(ERROR|WARNING),) ?\(? ?\"[^;]*;" |
    sed -e 's/\\"/@/g; s/" PRI[a-z0-9]* "/u/g; s/" "//g' \
	-e 's/^[^"]*"//; s/".*//; s/;.*//' \
	-e 's/%[-.*0-9]*l*[a-zA-Z]/.../g; s/\(\.\.\.\)\(\.\.\.\)*/\1/g' |
    sed '/^\.\.\.$/d' | sort -u >"$work/messages"
[ "$(wc -l <"$work/messages")" -gt 50 ] || fail "the messages were not read"
sed -n '/^\.Ss Errors and warnings/,/^\.Sh/s/^\.It Sy "\(.*\)"$/\1/p' \
    "$options_page" | sed 's/""/@/g' | sort >"$work/page"
comm -23 "$work/messages" "$work/page" | while read -r line; do
	fail "$options_page: DIAGNOSTICS: missing: $line"
done
comm -23 "$work/messages" "$work/page" | grep -q . && status=1
# The other way round what no call begins with is old; levels may vary there.
comm -13 "$work/messages" "$work/page" | sed 's/\.\.\..*//; s/@/"/g' |
    while read -r line; do
	tr -d '\n' <"$srcdir/worker/upstream.c" | grep -qF -e "$line" ||
	    echo "$line"
    done >"$work/old"
[ ! -s "$work/old" ] || fail "$options_page: not in the code: $(cat "$work/old")"

# --- what the built program says ------------------------------------------
if [ -x ./shadowcat ]; then
	./shadowcat --help >"$work/help" || fail "--help fails"
	while read -r option; do
		grep -q -e "--$option" "$work/help" ||
		    fail "--help doesn't name --$option"
	done <"$work/options"
	./shadowcat -t -c "$example" >/dev/null ||
	    fail "$example is not valid"
	sed 's/^\(	\{0,1\}\)#\([a-z_]* = \)/\1\2/' "$example" \
	    >"$work/all.conf"
	./shadowcat -t -c "$work/all.conf" >/dev/null ||
	    fail "$example is not valid with every line in force"
fi

# --- form -----------------------------------------------------------------
if command -v mandoc >/dev/null; then
	for page in "$srcdir"/man/*.[1-8]; do
		mandoc -Tlint -W warning "$page" >"$work/lint" 2>/dev/null ||
		    fail "$(cat "$work/lint")"
	done
fi
exit $status
