#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# gatehouse-plugin(3) names everything that the headers offer to a module, and nothing that they don't; and each kind of event that
# they promise is told by something.
set -u
cd "${srcdir:-$(dirname "$0")/..}" || exit 1
page=man/gatehouse-plugin.3
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

headers() { # CPP-OPTION...: all of them, preprocessed, without attributes
	printf '#include <gatehouse/%s.h>\n' plugin lib >"$scratch/all.c"
	${CC:-cc} -std=c11 -Isdk/include -D'__attribute__(x)=' -E "$@" "$scratch/all.c"
}

words() { # PATTERN, of stdin
	grep -oE "\\b$1" | LC_ALL=C sort -u
}

# Written by hand there: macros that only serve the headers, and the keys that setters hide.
internal='GH_A_|GH_HEAD_|GH_(API|EXPORT|FN|LINKAGE|PRINTF|UNUSED|TEXT|BYTES|NUMBER|FLAG|PAIR)$'

# The members of the descriptor and of its store; the functions of host.h, of which macros make many; flags, events, verdicts, types ...
offered() {
	sed -n '/^struct gh_plugin {/,/^};/p' sdk/include/gatehouse/plugin.h | sed 's,/\*.*\*/,,' |
		sed -nE 's/.*\(\*([a-z_]+)\)\(.*/\1/p; s/.*_fn \*([a-z_]+);.*/\1/p'
	sed -n '/^struct gh_store {/,/^};/p' sdk/include/gatehouse/hooks.h | sed -nE 's/.*\(\*([a-z_]+)\)\(.*/\1/p'
	printf '%s\n' flags name version summary config_size options commands
	headers -P | tr -d '\n' | grep -oE 'gh_[a-z_]+ ?\(' | tr -d ' (' | grep -v '_fn$' | LC_ALL=C sort -u
	cat sdk/include/gatehouse/plugin.h sdk/include/gatehouse/hooks.h sdk/include/gatehouse/host.h \
		sdk/include/gatehouse/types.h | sed 's,/\*.*\*/,,' | words 'GH_[A-Z0-9_]+' | grep -vE "^($internal)"
}

untold() {
	words 'GH_EV_[A-Z]+' <sdk/include/gatehouse/hooks.h | while read -r kind; do
		grep -rqE --include='*.c' --exclude='*_test.c' "kind = $kind\\b" broker ||
			echo "$kind: hooks.h promises it and nothing in the broker tells it"
	done
}

words '[A-Za-z_][A-Za-z0-9_]*' <$page >"$scratch/page"
{ headers -P && headers -dD; } | words 'gh_[a-z0-9_]+|GH_[A-Z0-9_]+' >"$scratch/exist"
offered >"$scratch/offered"
{
	grep -vxF -f "$scratch/page" "$scratch/offered" | sed "s,\$,: the headers have it and $page doesn't name it,"
	grep -E '^(gh|GH)_.' "$scratch/page" | grep -vxF -f "$scratch/exist" |
		sed "s,\$,: $page names it and the headers don't have it,"
	# A function without prefix is a member of the descriptor; fn and run are whatever a module passes.
	sed -nE 's/^\.(It )?Fn ([a-z_]+).*/\2/p' $page | grep -v '^gh_' | LC_ALL=C sort -u |
		grep -vxF -f "$scratch/offered" | grep -vxE 'fn|run' | sed "s,\$,: $page calls it a hook,"
	untold
} >"$scratch/wrong"
cat "$scratch/wrong"
[ "$(wc -l <"$scratch/offered")" -gt 150 ] || echo 'too few names were found in the headers'
[ ! -s "$scratch/wrong" ] && [ "$(wc -l <"$scratch/offered")" -gt 150 ]
