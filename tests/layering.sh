#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The shape of the tree: which room may include what, headers that compile alone, functions that fit a screen.
# Each violation is one line, FILE:LINE: WHAT.
set -u
cd "${srcdir:-$(dirname "$0")/..}" || exit 1
found=$(mktemp)
scratch=$(mktemp -d)
trap 'rm -rf "$found" "$scratch"' EXIT

sources() { # FOLDER...
	find "$@" \( -name '*.c' -o -name '*.h' \) -type f | LC_ALL=C sort
}

# A room includes itself and the rooms to its left, always as "room/file.h".
rooms() {
	sources broker | xargs awk '
	BEGIN {
		count = split("base mqtt conf limit net hook session route client ctl main", order, " ")
		for (i = 1; i <= count; i++)
			rank[order[i]] = i
	}
	FNR == 1 {
		room = FILENAME
		sub(/^broker\//, "", room)
		if (!sub(/\/.*/, "", room))
			room = "main"
		if (!(room in rank))
			printf "%s:1: \"%s\" is no room of broker/\n", FILENAME, room
	}
	/^[ \t]*#[ \t]*include[ \t]*"/ {
		split($0, part, "\"")
		to = part[2]
		if (!sub(/\/.*/, "", to) || !(to in rank))
			printf "%s:%d: include \"%s\": expected \"room/file.h\"\n", FILENAME, FNR, part[2]
		else if (rank[to] > rank[room])
			printf "%s:%d: %s/ may not include %s: it is a higher room\n", FILENAME, FNR, room, part[2]
	}'
}

# only PATTERN ALLOWED-PREFIX...: a library header stays in its room.
only() {
	pattern=$1
	shift
	allowed=$(printf '|^%s' "$@")
	sources broker plugins sdk | xargs grep -nE "^[[:space:]]*#[[:space:]]*include[[:space:]]*<$pattern" /dev/null |
		grep -vE "${allowed#|}" | sed "s,\$, (allowed: $*),"
}

# Modules and the SDK know nothing of the broker: quoted includes are files of their own folder.
strangers() {
	sources plugins sdk >"$scratch/files"
	xargs awk -v files="$scratch/files" '
	BEGIN {
		while ((getline file < files) > 0)
			known[file] = 1
	}
	/^[ \t]*#[ \t]*include[ \t]*"/ {
		split($0, part, "\"")
		folder = FILENAME
		sub(/[^\/]*$/, "", folder)
		if (!((folder part[2]) in known) && !(FILENAME ~ /_test\.c$/ && part[2] ~ /^base\//))
			printf "%s:%d: include \"%s\": a file of its own folder or <gatehouse/...> expected\n",
				FILENAME, FNR, part[2]
	}' <"$scratch/files"
}

# Each installed header compiles alone, as C11 and as C++17, and includes nothing but its siblings and the C library.
headers() {
	for header in sdk/include/gatehouse/*.h; do
		name=gatehouse/$(basename "$header")
		echo "#include <$name>" | tee "$scratch/alone.c" >"$scratch/alone.cc"
		${CC:-cc} -std=c11 -pedantic -Wall -Wextra -Werror -Isdk/include -fsyntax-only "$scratch/alone.c" ||
			echo "$header:1: doesn't compile alone as C11"
		${CXX:-c++} -std=c++17 -Wall -Wextra -Werror -Isdk/include -fsyntax-only "$scratch/alone.cc" ||
			echo "$header:1: doesn't compile alone as C++17"
		grep -nE '#[[:space:]]*include' "$header" |
			grep -vE '<gatehouse/[a-z]+\.h>|<(std[a-z]+|string|limits|errno|inttypes)\.h>' |
			sed "s,^,$header:,; s,\$, (only <gatehouse/...> and the C library),"
	done
}

long_functions() { # LINES
	sources broker plugins sdk tests | grep '\.c$' | xargs awk -v most="$1" '
	/^\{/ { start = FNR }
	/^\}/ {
		if (start && FNR - start - 1 > most)
			printf "%s:%d: a function of %d lines, at most %d\n", FILENAME, start, FNR - start - 1, most
		start = 0
	}'
}

# What doesn't belong into a product: places of one machine, notes to oneself.
residue() {
	grep -rnIE '(^|[^a-zA-Z0-9_.$}])/(home|root|work|farm)/[a-z]|\b(TODO|FIXME|XXX)\b|\bissue #?[0-9]' \
		broker plugins sdk etc man tests README.md bootstrap configure.ac Makefile.am |
		grep -v '^tests/layering\.sh:' | sed 's,$,  (residue),'
}

spdx() {
	sources broker plugins sdk tests | xargs awk '
	FNR == 1 && !/SPDX-License-Identifier: Apache-2\.0/ {
		print FILENAME ":1: the first line is the SPDX line"
	}'
}

{
	rooms
	only 'ev\.h' broker/net/
	only 'ltdl\.h' broker/hook/
	only 'yaml\.h' broker/conf/
	only 'jansson\.h' broker/ctl/
	only 'gnutls/' broker/net/ sdk/lib/
	strangers
	headers
	long_functions 100
	residue
	spdx
} >"$found" 2>&1
cat "$found"
[ ! -s "$found" ]
