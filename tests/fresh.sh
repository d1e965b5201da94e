#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# README's two commands in a fresh Debian 12: a chroot with nothing but apt and git, a clone of this tree, ./bootstrap check,
# then ./bootstrap run answering mosquitto_pub. Needs root, mmdebstrap and the host's package sources; takes minutes.
set -eu
cd "$(dirname "$0")/.."
top=$(pwd)
chroot=$(mktemp -d /var/tmp/gatehouse-fresh.XXXXXX)
broker=

cleanup() {
	[ -z "$broker" ] || { kill "$broker" 2>/dev/null && wait "$broker" || true; }
	umount "$chroot/proc" 2>/dev/null || true
	umount -R "$chroot/dev" 2>/dev/null || true
	rm -rf --one-file-system "$chroot"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

step() { printf '==== fresh: %s (%s s)\n' "$*" $(($(date +%s) - began)); }
# In the background: `(enter ...) &`, so that $! is the process itself and not a shell that waits for it.
enter() { exec chroot "$chroot" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"; }
inside() { (enter "$@"); }
began=$(date +%s)

step 'a chroot'
# From where the host gets its packages.
mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
	sed -n -e 's/^URIs: *\([^ ]*\).*/\1/p' -e 's/^deb \(\[[^]]*\] \)*\([^ ]*\) bookworm .*/\2/p' |
	grep debian | head -n 1)
set -- --variant=apt --include=git,ca-certificates
eval "$(apt-config shell proxy Acquire::http::Proxy)"
[ -z "${proxy-}" ] || set -- "$@" --aptopt="Acquire::http::Proxy \"$proxy\""
mmdebstrap --quiet "$@" bookworm "$chroot" "$mirror"
mount -t proc proc "$chroot/proc"
mount --rbind /dev "$chroot/dev"
mount --make-rslave "$chroot/dev"

step 'git clone'
git clone -q --no-hardlinks "$top" "$chroot/srv/gatehouse"

step './bootstrap check'
inside sh -c 'cd /srv/gatehouse && ./bootstrap check'

step './bootstrap run'
(enter sh -c 'cd /srv/gatehouse && exec ./bootstrap run') >"$chroot/run.log" 2>&1 &
broker=$!
deadline=$(($(date +%s) + 120))
until inside mosquitto_pub -h 127.0.0.1 -t fresh/retained -m "it works" -r -q 1 2>/dev/null; do
	[ "$(date +%s)" -lt $deadline ] && kill -0 "$broker" || { cat "$chroot/run.log"; exit 1; }
	sleep 0.5
done
cat "$chroot/run.log"
heard=$(inside mosquitto_sub -h 127.0.0.1 -t 'fresh/#' -C 1 -W 10)
[ "$heard" = 'it works' ]
kill "$broker"
wait "$broker" || { echo 'the broker ended with an error'; exit 1; }
broker=
step 'both commands work'
