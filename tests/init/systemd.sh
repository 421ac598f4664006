#!/bin/sh
# systemd.sh - systemd understands the unit, and would start nothing while
# nothing but the upstream's address is missing.
# shellcheck source=tests/init/rig.sh
. "${srcdir:-$(dirname "$0")/../..}/tests/init/rig.sh"

UNIT=$ROOT/shadowcat.service
rig_file shadowcat.service "$UNIT"
chmod -x "$UNIT"
install_programs

# What confine.c keeps, and the one that it keeps for worker.chroot.
step "the capabilities are those that the daemon keeps"
grep '^CapabilityBoundingSet=' "$UNIT" | grep -o 'CAP_[A-Z_]*' |
    sort > "$ROOT/unit"
{
	sed -n 's/^\tX(\(CAP_[A-Z_]*\)).*/\1/p' "$srcdir/supervisor/confine.c"
	echo CAP_SYS_CHROOT
} | sort > "$ROOT/kept"
[ "$(wc -l < "$ROOT/kept")" -gt 5 ] || fail "the table was not read"
diff "$ROOT/kept" "$ROOT/unit" || fail "they are not the same"

# As systemd does it: $$ stands for $.
condition()
{
	words=$(sed -n 's/^ExecCondition=//p' "$UNIT" | sed 's/\$\$/$/g')
	[ -n "$words" ] || fail "there is no condition"
	eval "$words"
}

step "the condition"
mkdir -p "$ROOT/etc/shadowcat"
CONFIG=$ROOT/etc/shadowcat/shadowcat.conf
echo 'listen { address = "127.0.0.1:0" }' > "$CONFIG"
expect 1 condition
said "upstream.url: not set"
echo 'upstream { url = "http://127.0.0.1:9/mcp" }' >> "$CONFIG"
expect 0 condition
# What is wrong is for the start to say.
echo 'workers = many' >> "$CONFIG"
expect 0 condition
sed -i /upstream/d "$CONFIG"
expect 0 condition

if command -v systemd-sysusers >/dev/null; then
	step "systemd-sysusers"
	expect 0 systemd-sysusers --root="$ROOT" \
	    "$(realpath "$srcdir")/contrib/init/shadowcat.sysusers"
	grep -q '^shadowcat:.*/nologin$' "$ROOT/etc/passwd" ||
	    fail "there is no user"
fi

if command -v systemd-tmpfiles >/dev/null && [ "$(id -u)" -eq 0 ]; then
	step "systemd-tmpfiles"
	printf 'root:x:0:0::/root:/bin/sh\n' > "$ROOT/etc/passwd"
	printf 'root:x:0:\nadm:x:4:\n' > "$ROOT/etc/group"
	expect 0 systemd-tmpfiles --create --root="$ROOT" \
	    "$(realpath "$srcdir")/contrib/init/shadowcat.tmpfiles"
	[ "$(stat -c %a:%g "$ROOT/var/log/shadowcat")" = 750:4 ] ||
	    fail "not the directory it should be"
fi

command -v systemd-analyze >/dev/null || {
	echo "systemd-analyze is missing: apt-get install systemd"
	exit 77
}
step "systemd-analyze verify"
expect 0 systemd-analyze verify --man=no "$UNIT"
[ ! -s "$ROOT/out" ] || fail "it has something to say"
# It does see what is wrong.
sed -i 's/^KillMode=.*/KillMode=gently/' "$UNIT"
systemd-analyze verify --man=no "$UNIT" 2>&1 | grep -q gently ||
    fail "it says nothing"
echo "all is well"
