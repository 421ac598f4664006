#!/bin/sh
# boot.sh - boot a bare system with systemd, far enough for services; run by
# run.sh in namespaces of its own, of which this process is the first.
#
#	boot.sh DIRECTORY
set -eu
cd "$1"
ip link set lo up
mount --bind . .
cd "$1"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t tmpfs tmpfs sys/fs/cgroup
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs dev
for node in full null random tty urandom zero; do
	cp -a /dev/$node dev/
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
pivot_root . mnt
exec env -i container=bare PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    chroot . /lib/systemd/systemd --log-target=console --show-status=no
