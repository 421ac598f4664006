#!/bin/sh
# run.sh - the Debian package: built, checked by lintian, and used on a bare
# system of its own: installed, configured, upgraded under a stream, removed;
# without an init system, and under systemd.
#
#	run.sh [DIRECTORY]
#
# Needs root, the network, and what ./runtests installs for it.  DIRECTORY
# (else a new one) keeps the bare system for the next time.
set -eu

SOURCES=$(cd "$(dirname "$0")/../.." && pwd)
WORK=${1:-$(mktemp -d "${TMPDIR:-/tmp}/shadowcat-package.XXXXXX")}
BARE=$WORK/bare
NEXT=99.0.0

fail()
{
	echo "FAILED: $*"
	exit 1
}

# Where this machine has its packages from.
mirror()
{
	# shellcheck disable=SC2016
	apt-get indextargets --format '$(SITE) $(CODENAME)' \
	    'Created-By: Packages' | awk -v codename="$1" \
	    '$2 == codename { print $1; exit }'
}

# A copy of what is versioned, or of a tree without versions.
copy_sources()
{
	rm -rf "$1" && mkdir -p "$1"
	if [ -e "$SOURCES/.git" ]; then
		git -C "$SOURCES" archive HEAD | tar -C "$1" -x
	else
		tar -C "$SOURCES" -c --exclude='./build*' \
		    --exclude=node_modules . | tar -C "$1" -x
	fi
}

# The same package, but newer.
raise_version()
{
	sed -i "s/^AC_INIT(\[shadowcat\], .*/AC_INIT([shadowcat], [$NEXT])/" \
	    "$1/configure.ac"
	sed -i "1s/(.*)/($NEXT)/" "$1/debian/changelog"
}

# build DIRECTORY: DIRECTORY/shadowcat_*.deb
build()
{
	(cd "$1/source" && dpkg-buildpackage -us -uc -b) > "$1.log" 2>&1 || {
		tail -n 60 "$1.log"
		fail "the package does not build"
	}
}

make_bare_system()
{
	[ ! -e "$BARE/etc/debian_version" ] || return 0
	# shellcheck source=/dev/null
	codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
	site=$(mirror "$codename")
	[ -n "$site" ] || fail "where are the packages of $codename?"
	rm -rf "$BARE"
	debootstrap --variant=minbase "$codename" "$BARE" "$site" \
	    > "$WORK/debootstrap.log" 2>&1 || {
		tail -n 20 "$WORK/debootstrap.log"
		fail "debootstrap"
	}
}

# In namespaces: what is mounted and what runs is gone in the end, and ports
# are its own.  enter [--net] COMMAND...
enter()
{
	net=
	[ "$1" != --net ] || { net=--net; shift; }
	# shellcheck disable=SC2016
	unshare --mount --pid --fork --kill-child $net sh -ec '
		bare=$1
		shift
		! ip link show lo | grep -q "state DOWN" || ip link set lo up
		mount -t proc proc "$bare/proc"
		exec env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
		    DEBIAN_FRONTEND=noninteractive chroot "$bare" "$@"
	' enter "$BARE" "$@"
}

# A control group for all that systemd starts, where it can't disturb others.
GROUPS_AT=$WORK/groups
GROUP=$GROUPS_AT/shadowcat-package-$$

# Boot the bare system, and run a command there.  with_systemd COMMAND...
with_systemd()
{
	mkdir -p "$GROUPS_AT"
	# shellcheck disable=SC2016
	unshare --mount sh -ec '
		mount -t cgroup2 cgroup2 "$1"
		mkdir "$2"
		echo $$ > "$2/cgroup.procs"
		exec unshare --cgroup --mount --pid --net --ipc --uts --fork \
		    --kill-child sh "$3" "$4"
	' systemd "$GROUPS_AT" "$GROUP" "$SOURCES/tests/package/boot.sh" \
	    "$BARE" > "$WORK/boot.log" 2>&1 &
	outside=$!
	tries=0
	until systemd_runs; do
		tries=$((tries + 1))
		if [ $tries -gt 600 ] || [ ! -d "/proc/$outside" ]; then
			cat "$WORK/boot.log"
			fail "systemd does not boot here"
		fi
		sleep 0.1
	done
	code=0
	inside_systemd "$@" || code=$?
	kill -KILL "$outside"
	wait "$outside" 2>/dev/null || :
	remove_group
	return $code
}

inside_systemd()
{
	first=$(cat "/proc/$outside/task/$outside/children") &&
	    [ -n "$first" ] &&
	    nsenter --target "${first% }" --mount --pid --net --ipc --uts \
		--cgroup --root --wd env -i LC_ALL=C.UTF-8 \
		PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		DEBIAN_FRONTEND=noninteractive "$@"
}

systemd_runs()
{
	inside_systemd systemctl is-system-running 2>/dev/null |
	    grep -q -e running -e degraded
}

# When the last process is gone, which takes a moment.
remove_group()
{
	# shellcheck disable=SC2016
	unshare --mount sh -c '
		mount -t cgroup2 cgroup2 "$1" || exit
		tries=0
		while [ -d "$2" ] && [ $tries -lt 50 ]; do
			find "$2" -depth -type d -exec rmdir {} + 2>/dev/null
			tries=$((tries + 1))
			sleep 0.1
		done
	' groups "$GROUPS_AT" "$GROUP"
}

[ "$(id -u)" -eq 0 ] || {
	echo "this takes root"
	exit 77
}
for tool in debootstrap dh dpkg-buildpackage ip lintian nsenter unshare; do
	command -v $tool >/dev/null || {
		echo "$tool is missing: apt-get install debhelper" \
		    "debootstrap dpkg-dev iproute2 lintian util-linux"
		exit 77
	}
done
mkdir -p "$WORK/one" "$WORK/two"

echo "--- build"
copy_sources "$WORK/one/source"
copy_sources "$WORK/two/source"
raise_version "$WORK/two/source"
rm -f "$WORK"/one/*.deb "$WORK"/two/*.deb
build "$WORK/one"
grep '^# PASS:' "$WORK/one.log" || fail "no tests were run"
DEB_BUILD_OPTIONS=nocheck
export DEB_BUILD_OPTIONS
build "$WORK/two"

echo "--- lintian"
lintian --allow-root --info --fail-on error,warning "$WORK"/one/*.changes ||
    fail "lintian is not content"

echo "--- a bare system"
make_bare_system
rm -rf "${BARE:?}/package" && mkdir "$BARE/package"
cp "$SOURCES/tests/package/inside.sh" "$BARE/package/"
cp "$WORK/one/source/_build/shadowcat-demo-server" "$BARE/usr/local/bin/"
cp "$WORK"/one/shadowcat_*.deb "$BARE/package/one.deb"
cp "$WORK"/two/shadowcat_*.deb "$BARE/package/two.deb"
cp /etc/resolv.conf "$BARE/etc/"
# There is no init there, and without a policy nothing would be started.
printf '#!/bin/sh\nexit 0\n' > "$BARE/usr/sbin/policy-rc.d"
chmod +x "$BARE/usr/sbin/policy-rc.d"
enter sh /package/inside.sh prepare
enter --net sh /package/inside.sh use
rm "$BARE/usr/sbin/policy-rc.d"
with_systemd sh /package/inside.sh manage
[ $# -gt 0 ] || rm -rf "$WORK"
echo "all is well"
