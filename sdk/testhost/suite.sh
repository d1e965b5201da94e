#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# gatehouse-testhost with each script of suite/, which says in comments what must come of it: "# module: NAME",
# "# status: N" (else 0), and "# stderr: LINE" with the script's name left out; "# scratch: OPTION" is given a file that isn't there yet.
set -u
[ "${shared:?}" = yes ] || { echo 'nothing can be loaded with --disable-shared'; exit 77; }
testhost=${builddir:?}/sdk/testhost/gatehouse-testhost
modules=$builddir/modules
suite=${srcdir:?}/sdk/testhost/suite
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0
fail() { printf 'FAIL: %s\n' "$*"; failed=1; }

run() { # STATUS ARGUMENT...
	expected=$1
	shift
	"$testhost" "$@" >"$scratch/out" 2>"$scratch/err"
	status=$?
	[ "$status" = "$expected" ] && return
	fail "status $status, expected $expected: $*"
	cat "$scratch/out" "$scratch/err"
}
said() { # LINE
	grep -qxF -- "$1" "$scratch/err" || { fail "not on standard error: $1"; cat "$scratch/err"; }
}
header() { # SCRIPT KEY
	sed -n "s/^# $2: //p" "$1"
}

for script in "$suite"/*.script; do
	status=$(header "$script" status)
	option=$(header "$script" scratch)
	run "${status:-0}" ${option:+-o "$option=$scratch/$option"} "$modules/$(header "$script" module).so" "$script"
	header "$script" stderr >"$scratch/lines"
	while IFS= read -r line; do
		said "$script:$line"
	done <"$scratch/lines"
	# What isn't expected isn't said.
	[ "${status:-0}" != 0 ] || [ ! -s "$scratch/err" ] || { fail "$script:"; cat "$scratch/err"; }
done

# A module that can't be loaded, with the true reason.
script=$suite/hooks.script
refused() { # MODULE REASON
	run 3 "$modules/$1.so" "$script"
	grep -qF -- "$2" "$scratch/err" || { fail "$1: expected $2"; cat "$scratch/err"; }
}
refused no-such 'No such file or directory'
refused broken-minor 'it is built for ABI 0.3, this broker has 0.2'
refused broken-major 'it is built for ABI 1.2, this broker has 0.2'
refused broken-flags 'it has flags that this broker doesn'\''t know (0x40000000)'
refused broken-no-create "its descriptor lacks 'create'"
refused broken-no-hook 'its descriptor lacks a hook'
refused broken-command "command 'List all': its name isn't words"
refused broken-name "it calls itself 'another': the file's name must be that"
refused broken-undefined 'undefined symbol: broken_not_there'
refused broken-no-descriptor "it has no descriptor 'broken_no_descriptor_LTX_gatehouse_plugin'"
echo 'not a module' >"$scratch/text.so"
run 3 "$scratch/text.so" "$script"
grep -q 'invalid ELF header\|file too short' "$scratch/err" || fail 'a text: no reason'

# The command line.
run 2
said 'usage: gatehouse-testhost [-v] [-o OPTION=VALUE]... MODULE.so SCRIPT'
run 2 "$modules/practice.so" "$scratch/none"
said "gatehouse-testhost: $scratch/none: No such file or directory"
run 2 -o number "$modules/practice.so" "$script"
said "gatehouse-testhost: --option: expected OPTION=VALUE, found 'number'"
run 0 --help
run 0 --version
printf 'create\ncommand options -> 1.number=7\ncommand options -> 1.text=x\n' |
	run 0 -o number=7 --option text=x "$modules/practice.so" -
printf 'create\npsk x identity=known\n' >"$scratch/print.script"
sed -i '1a client x' "$scratch/print.script"
run 0 -v "$modules/practice.so" "$scratch/print.script"
[ "$(cat "$scratch/out")" = "$scratch/print.script:3: allow key=\"\\x01\\x02k\"" ] || fail 'an answer is printed'
said 'info: practice: practice: create'

# A secret, of a file that only its owner reads; its content is in no output of ours.
printf 'hush\n' >"$scratch/key"
chmod 600 "$scratch/key"
printf 'option key key\ncreate\ncommand options -> 1.key=hush\n' >"$scratch/key.script"
run 0 "$modules/practice.so" "$scratch/key.script"
chmod 644 "$scratch/key"
run 1 "$modules/practice.so" "$scratch/key.script"
grep -q "chmod" "$scratch/err" || fail 'a secret that others may read'

# The page has every command, and no other.
sed -n 's/^\t{ "\([a-z-]*\)", gh_do_.*/\1/p' "$srcdir/sdk/testhost/script.c" | sort -u >"$scratch/commands"
sed -n 's/^\.It Ic \([a-z-]*\).*/\1/p' "$srcdir/sdk/testhost/gatehouse-testhost.1" | sort -u >"$scratch/described"
[ -s "$scratch/commands" ] || fail 'no commands found'
diff "$scratch/commands" "$scratch/described" || fail 'gatehouse-testhost(1) has other commands than the program'

# ... and every word for a cause.
sed -n 's/^\.Cm other , \(.* policy\) \.$/other , \1/p' "$srcdir/sdk/testhost/gatehouse-testhost.1" | tr -s ' ,' '\n' | sort >"$scratch/described"
grep -o '\[GH_CAUSE_[A-Z_]*\] = "[a-z-]*"' "$srcdir/sdk/testhost/judge.c" | sed 's/.*"\(.*\)"/\1/' | sort >"$scratch/causes"
[ -s "$scratch/causes" ] || fail 'no causes found'
diff "$scratch/causes" "$scratch/described" || fail 'gatehouse-testhost(1) has other words for causes than the program'

# Certificates of files beside the script.
printf '0\003abc' >"$scratch/leaf.der"
printf 'client joe tls=1.2 verified=yes chain=leaf.der,leaf.der\ncreate\nhandshake joe -> pass why="TLS 0x303, 2 certificates*"\n' \
	>"$scratch/chain.script"
run 0 "$modules/practice.so" "$scratch/chain.script"
printf 'client joe tls=1.2 chain=key\n' >"$scratch/no-chain.script"
run 2 "$modules/practice.so" "$scratch/no-chain.script"
said "$scratch/no-chain.script:1: chain: 'key' is no certificate in DER"

# What a hook was lent isn't there after the call: spoilt, or found by AddressSanitizer.
printf 'create\nclient joe\nauthenticate joe user=keep\ncommand "read kept" -> 1.kept=keep\n' >"$scratch/keep.script"
"$testhost" "$modules/practice.so" "$scratch/keep.script" >"$scratch/out" 2>"$scratch/err" && fail 'a kept pointer went unnoticed'

exit $failed
