#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What `make install` and `make uninstall` do to a file system, and how the installed binaries are hardened.
set -u
cd "${builddir:?}" || exit 1
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
failed=0
fail() { printf 'FAIL: %s\n' "$*"; failed=1; }
quiet() { "$@" >"$root.log" 2>&1 || { cat "$root.log"; fail "$*"; }; rm -f "$root.log"; }
installed() { [ -e "$dest$1" ] || fail "$1 isn't installed"; }

prefix=/opt/gatehouse
paths="prefix=$prefix exec_prefix=$prefix bindir=$prefix/bin sbindir=$prefix/sbin libdir=$prefix/lib
	sysconfdir=$prefix/etc localstatedir=$prefix/var datarootdir=$prefix/share includedir=$prefix/include"
dest=$root/dest
conf=$dest$prefix/etc/gatehouse

# As a normal user, into any prefix below DESTDIR.
# shellcheck disable=SC2086 # a list of words
quiet env -u CC -u CXX -u PYTHON "${MAKE:-make}" -s install DESTDIR="$dest" $paths
for file in sbin/gatehoused bin/gatehousectl bin/gatehouse-passwd bin/gatehouse-acl bin/gatehouse-testhost \
	include/gatehouse/plugin.h include/gatehouse/lib.h lib/libgatehouse-sdk.a lib/pkgconfig/gatehouse-sdk.pc \
	share/gatehouse/template/Makefile share/gatehouse/examples/fixed-users.c share/man/man3/gatehouse-plugin.3 \
	share/man/man8/gatehoused.8 share/man/man5/gatehouse.yaml.5 \
	share/doc/gatehouse/README.md share/doc/gatehouse/examples/gatehouse.yaml \
	etc/gatehouse/gatehouse.yaml etc/logrotate.d/gatehouse etc/fail2ban/filter.d/gatehouse.conf \
	lib/systemd/system/gatehouse.service lib/sysusers.d/gatehouse.conf lib/tmpfiles.d/gatehouse.conf; do
	installed $prefix/$file
done
if [ "${shared:?}" = yes ]; then
	installed $prefix/lib/gatehouse/auth-file.so
	installed $prefix/lib/gatehouse/acl.so
fi
outside=$(find "$dest" -type f ! -path "$dest$prefix/*")
[ -z "$outside" ] || fail "files outside the prefix: $outside"
writable=$(find "$dest" -perm /022 ! -type l)
[ -z "$writable" ] || fail "writable by others: $writable"
! grep -rn '@[a-z]*dir@' "$dest$prefix/lib/s"* "$dest$prefix/lib/tmpfiles.d" "$dest$prefix/etc" ||
	fail 'a path was not put in'

# A module brings functions of its own; none may be bound to the broker's instead.
exported=$(nm -D --defined-only "$dest$prefix/sbin/gatehoused" | grep ' gh_')
[ -z "$exported" ] || fail "gatehoused exports: $exported"

sh "${srcdir:?}/tests/sdk.sh" "$dest$prefix" || fail 'the installed SDK'

# An administrator's file is never written over, nor taken away.
echo 'mine' >"$conf/gatehouse.yaml"
rm -f "$dest$prefix/etc/logrotate.d/gatehouse"
# shellcheck disable=SC2086
quiet env -u CC -u CXX -u PYTHON "${MAKE:-make}" -s install DESTDIR="$dest" $paths
[ "$(cat "$conf/gatehouse.yaml")" = mine ] || fail 'install wrote over gatehouse.yaml'
installed $prefix/etc/logrotate.d/gatehouse

hardened() { # BINARY
	name=${1#"$dest"}
	headers=$(readelf -hldnW "$1")
	has() { printf '%s\n' "$headers" | grep -q "$1" || fail "$name: $2"; }
	has 'Type: .*DYN' 'not position independent'
	has 'GNU_RELRO' 'no RELRO'
	has 'BIND_NOW\|Flags:.* NOW' 'not bound at start'
	has 'GNU_STACK .* RW ' 'executable stack'
	readelf -sW "$1" | grep -q '__stack_chk_fail' || fail "$name: no stack protector"
	readelf -sW "$1" | grep -q '__[a-z]*_chk' || fail "$name: not fortified"
	case $(uname -m) in
	x86_64) objdump -d --no-show-raw-insn "$1" | grep -q 'endbr64' || fail "$name: no CET marks" ;;
	esac
}
if [ "${hardening:?}" = yes ]; then
	for binary in "$dest$prefix"/sbin/* "$dest$prefix"/bin/* "$dest$prefix"/lib/gatehouse/*.so; do
		[ ! -f "$binary" ] || hardened "$binary"
	done
fi

# Uninstalling leaves the configuration, and only that.
# shellcheck disable=SC2086
quiet env -u CC -u CXX -u PYTHON "${MAKE:-make}" -s uninstall DESTDIR="$dest" $paths
[ "$(cat "$conf/gatehouse.yaml")" = mine ] || fail 'uninstall took gatehouse.yaml'
left=$(find "$dest" -type f ! -path "$dest$prefix/etc/*")
[ -z "$left" ] || fail "left behind: $left"
left=$(find "$dest$prefix" -mindepth 1 -type d ! -path "$dest$prefix/etc/*" \( -name gatehouse -o -name pkgconfig \))
[ -z "$left" ] || fail "empty directories left behind: $left"

exit $failed
