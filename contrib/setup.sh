# shellcheck shell=sh
# setup.sh - what ./quickstart and ./runtests share: the Debian packages, and
# a copy of the sources in a build directory.  Source it; it does nothing by
# itself.

# The packages needed to build shadowcat.
PACKAGES_BUILD="autoconf automake gcc libc-ares-dev libc6-dev libconfuse-dev
	libev-dev libhttp-parser-dev libjansson-dev libxxhash-dev make pkg-config"

# What the tests need on top; for ./runtests.
# shellcheck disable=SC2034
PACKAGES_TEST="check logrotate mandoc patch procps shellcheck spin strace
	valgrind"

# What the test of the Debian package needs on top.
# shellcheck disable=SC2034
PACKAGES_DEBIAN="debhelper debootstrap dpkg-dev iproute2 lintian"

# The message-pack library goes by different names in different releases.
setup_msgpack_package()
{
	if apt-cache show libmsgpack-c-dev >/dev/null 2>&1; then
		echo libmsgpack-c-dev
	else
		echo libmsgpack-dev
	fi
}

# The fuzzers need clang, and the runtime library of the same version.
setup_fuzz_packages()
{
	version=$(apt-cache depends clang 2>/dev/null |
	    sed -n 's/.*Depends: clang-\([0-9]*\)$/\1/p' | head -n 1)
	echo clang ${version:+"libclang-rt-$version-dev"}
}

# Is this version of node new enough for the npm packages of the tests?
setup_node_is_new()
{
	version=$(node --version 2>/dev/null) || return 1
	version=${version#v}
	[ "${version%%.*}" -ge 20 ]
}

setup_is_installed()
{
	status=$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) &&
	    [ "$status" = installed ]
}

# Print the names among the arguments that are not installed.
setup_missing()
{
	for package; do
		setup_is_installed "$package" || echo "$package"
	done
}

setup_as_root()
{
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null 2>&1; then
		sudo "$@"
	else
		echo "neither root nor sudo: run this as root: $*" >&2
		return 1
	fi
}

setup_apt()
{
	setup_as_root env DEBIAN_FRONTEND=noninteractive \
	    apt-get -q -y -o DPkg::Lock::Timeout=120 \
	    -o Acquire::Retries=3 "$@"
}

# Install those of the packages that are missing; elsewhere than on Debian
# and its relatives say what is needed, and let configure find out.
# setup_install PACKAGE...
setup_install()
{
	if ! command -v apt-get >/dev/null 2>&1; then
		echo "no apt-get here; these Debian packages are needed: $*" >&2
		return 0
	fi
	missing=$(setup_missing "$@")
	[ -n "$missing" ] || return 0
	# shellcheck disable=SC2086
	echo "installing:" $missing
	setup_apt update || echo "apt-get update failed, trying on" >&2
	# shellcheck disable=SC2086
	setup_apt install --no-install-recommends $missing
}

# Like setup_install, but first learn of packages that depend on the release.
setup_install_for_build()
{
	if command -v apt-get >/dev/null 2>&1 &&
	    ! apt-cache show libev-dev >/dev/null 2>&1; then
		setup_apt update || return 1
	fi
	# shellcheck disable=SC2046,SC2086
	setup_install $PACKAGES_BUILD $(setup_msgpack_package) "$@"
}

# Print the directory to build in: build/NAME of the sources, or one in /tmp
# where that can't be written, or has a path that make or a Unix socket can't
# bear.
# setup_build_directory SOURCES NAME
setup_build_directory()
{
	directory=$1/build/$2
	case $1 in
	*[!A-Za-z0-9/._+@-]*)
		directory= ;;
	esac
	[ ${#directory} -le 60 ] || directory=
	if [ -z "$directory" ] || ! mkdir -p "$directory" 2>/dev/null ||
	    [ ! -w "$directory" ]; then
		directory=${TMPDIR:-/tmp}/shadowcat-$2-$(id -u)
		mkdir -p "$directory" || return 1
		# In a directory that all may write to, trust our own only.
		[ -O "$directory" ] || {
			echo "$directory belongs to someone else" >&2
			return 1
		}
	fi
	echo "$directory"
}

# Copy the sources, without what a build leaves behind, and make ./configure
# in the copy: so the sources themselves need not be writable.
# setup_copy_sources SOURCES COPY
setup_copy_sources()
{
	rm -rf "$2" && mkdir -p "$2" || return 1
	tar -C "$1" -c --exclude=./.git --exclude='./build*' \
	    --exclude=node_modules --exclude=autom4te.cache \
	    --exclude=.deps --exclude=.dirstamp --exclude='*.o' \
	    --exclude='*.a' --exclude='*.log' --exclude='*.trs' \
	    --exclude=./configure --exclude=./aclocal.m4 \
	    --exclude=./config.h --exclude=./config.h.in --exclude=./config.log \
	    --exclude=./config.status --exclude=./stamp-h1 \
	    --exclude=./Makefile --exclude=./Makefile.in . |
	    tar -C "$2" -x || return 1
	(cd "$2" && ./autogen.sh)
}
