#!/bin/sh
# check-debian.sh - debian/ agrees with the rest: the version with that of
# configure.ac, and what it needs with what contrib/setup.sh installs.
srcdir=${srcdir:-$(dirname "$0")/..}
cd "$srcdir" || exit 99
# shellcheck source=contrib/setup.sh
. contrib/setup.sh
bad=0

version=$(sed -n 's/^AC_INIT(\[shadowcat\], \[\(.*\)\])/\1/p' configure.ac)
packaged=$(sed -n '1s/^shadowcat (\(.*\)) .*/\1/p' debian/changelog)
if [ -z "$version" ] || [ "$version" != "$packaged" ]; then
	echo "debian/changelog: version $packaged, not $version"
	bad=1
fi

needed=$(echo "$PACKAGES_BUILD" | tr -s ' \t' '\n' |
    grep -E '^lib.*-dev$' | grep -v '^libc6-dev$')
[ -n "$needed" ] || exit 99
for package in $needed libmsgpack-dev check; do
	sed -n '/^Build-Depends:/,/^[A-Z]/p' debian/control |
	    grep -q "^ ${package}[ ,]" || {
		echo "debian/control: Build-Depends lacks $package"
		bad=1
	}
done
[ $bad -ne 0 ] || echo "$packaged; $needed"
exit $bad
