#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Is the ABI still what modules were built against? Compares the kept headers of an earlier edition with the present ones:
# structs only grow at their end (never into their tail), frozen ones not at all, enumerators and flags keep their values.
# Needs abidiff (abigail-tools).
set -u
cd "${srcdir:-$(dirname "$0")/../..}" || exit 1
frozen='gh_str|gh_bytes|gh_pair|gh_subject|gh_ticket|gh_barrier|gh_timer|gh_watch|gh_metric|gh_list|gh_object'
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0

compiled() { # HEADERS OUTPUT
	${CC:-cc} -std=c11 -g -O0 -shared -fPIC -I"$1" -o "$2" tests/abi/types.c || exit 1
}

# Of abidiff's report, whatever isn't an addition at an end.
judge() {
	awk -v frozen="^($frozen)\$" '
	/^(Leaf changes|Changed leaf types) summary:/ || /^$/ { next }
	/^Removed\/Changed\/Added .* 0 Removed, 0 Changed, 0 Added / { next }
	/^.(struct|enum|union) [a-z_]+.* changed:$/ { type = $2; gsub(/[^a-z_]/, "", type); size = -1 }
	/^.struct .* changed:$/ && type ~ frozen { print "struct " type " is frozen, and was changed" }
	/^.(struct|enum) .* changed:$/ { next }
	/^  type size hasn.t changed$/ { next }
	/^  type size changed from [0-9]+ to [0-9]+ \(in bits\)$/ { size = $5; next }
	/^  [0-9]+ (data member|enumerator) insertions?:$/ { adding = $2; next }
	adding == "enumerator" && /^    .* value .-?[0-9]+.$/ { next }
	adding == "data" && /^    .*, at offset [0-9]+ \(in bits\)$/ && size >= 0 {
		at = $0
		sub(/.* at offset /, "", at)
		if (at + 0 >= size)
			next
	}
	/^  [^ ]/ { adding = "" }
	{ print (type ? type ": " : "") $0 }'
}

# Macros have no type: those of the old headers mean the same in the new ones, but the number itself.
macros() { # HEADERS
	echo '#include <gatehouse/plugin.h>' | ${CC:-cc} -std=c11 -I"$1" -dM -E -x c - |
		sed -nE 's/^#define (GH_[A-Z0-9_]+) (.*[0-9].*)$/\1 \2/p' |
		grep -vE '^GH_(HEAD|ABI_MINOR|EXPORT|UNUSED|FN) ' | LC_ALL=C sort
}

compare() { # EDITION HEADERS
	compiled "tests/abi/$1" "$scratch/old.so"
	compiled "$2" "$scratch/new.so"
	abidiff --leaf-changes-only --no-show-locs --harmless "$scratch/old.so" "$scratch/new.so" >"$scratch/report"
	[ $(($? & 3)) = 0 ] || { cat "$scratch/report"; return 1; }
	judge <"$scratch/report" >"$scratch/wrong"
	macros "tests/abi/$1" >"$scratch/old.macros"
	macros "$2" >"$scratch/new.macros"
	[ -s "$scratch/old.macros" ] || echo 'no macros were found' >>"$scratch/wrong"
	LC_ALL=C comm -23 "$scratch/old.macros" "$scratch/new.macros" |
		sed 's,^,no longer the same: #define ,' >>"$scratch/wrong"
	cat "$scratch/wrong"
	[ ! -s "$scratch/wrong" ]
}

# So that a report which abidiff words otherwise one day isn't taken for a good one: each of these is found.
proved() {
	rm -rf "$scratch/bad"
	cp -r sdk/include "$scratch/bad" && chmod -R u+w "$scratch/bad"
	sed -i "$2" "$scratch/bad/gatehouse/$1"
	! cmp -s "$scratch/bad/gatehouse/$1" "sdk/include/gatehouse/$1" && ! compare 0.1 "$scratch/bad" >/dev/null ||
		{ echo "not found: $1: $2"; failed=1; }
}

command -v abidiff >/dev/null || { echo 'abidiff is missing: ./bootstrap deps lint' >&2; exit 1; }
compare 0.1 sdk/include || failed=1
proved plugin.h 's/^\tgh_lookup_fn \*lookup;/&\n\tvoid *between;/'
proved plugin.h '/^\tgh_lookup_fn \*lookup;/d'
proved plugin.h 's/^#define GH_BLOCKING .*/#define GH_BLOCKING 0x8u/'
proved hooks.h 's/^\tuint16_t keep_alive;/\tuint32_t keep_alive;/'
proved types.h 's/^\tbool client_id_bound;/&\n\tbool in_the_tail;/'
proved hooks.h 's/^\tGH_PUBLISH = 1,/\tGH_NEW = 1, GH_PUBLISH,/'
proved types.h 's/^\tconst char \*name, \*value;/&\n\tsize_t n;/'
proved types.h 's/^\tGH_CAUSE_REVOKED,//'
proved host.h 's/^\tint64_t (\*wall)/\tint32_t (*wall)/'
exit $failed
