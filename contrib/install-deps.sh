#!/bin/sh
# Installs the Debian packages that are missing: those to build with, and with the
# words "demo", "test", "analyze", "deb" or "container" also what these need.
# Without root it says what to install, and fails.
set -eu

packages='gcc g++ libc6-dev libdcmtk-dev libconfig-dev libxxhash-dev
	libjansson-dev libssl-dev libbsd-dev libseccomp-dev'
for purpose in "$@"; do
	case $purpose in
	demo) packages="$packages dcmtk python3-pydicom" ;;
	test) packages="$packages chromium chromium-driver dcmtk fonts-dejavu-core python3 python3-pydicom python3-pytest
		python3-pytest-xdist python3-xxhash libcunit1-dev orthanc
		libgdcm-tools mandoc iproute2 strace procps openssl
		stunnel4 xz-utils zstd bzip2 clang clang-format
		libclang-rt-14-dev cron logrotate rsync rsyslog
		prometheus shellcheck systemd" ;;
	analyze) packages="$packages clang-tidy cppcheck libcunit1-dev" ;;
	container) packages="$packages podman runc debootstrap dcmtk rsync git
		python3-pytest python3-pydicom" ;;
	deb) packages="$packages debhelper debootstrap dpkg-dev lintian
		python3-pytest python3-pydicom" ;;
	esac
done

missing=
for package in $packages; do
	state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) ||
		state=
	[ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
	echo "these packages are missing; as root: apt-get install$missing" >&2
	exit 1
fi
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086
apt-get install -y --no-install-recommends $missing ||
	{ apt-get update && apt-get install -y --no-install-recommends $missing; }
