#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sdk.sh PREFIX: what a stranger does with an installed SDK, away from this tree: compiles the headers, builds the template
# under a name of their own and the examples, and lets the installed broker load them. Run by install.sh.
set -u
umask 022 # the broker loads nothing that others may write to
prefix=${1:?}
away=$(mktemp -d)
trap 'rm -rf "$away"' EXIT
cd "$away" || exit 1
failed=0
fail() { printf 'FAIL: %s\n' "$*"; failed=1; }

# Nothing of the build comes along but where the SDK is.
stranger() { env -i PATH="$PATH" HOME="$away" PKG_CONFIG_PATH="$prefix/lib/pkgconfig" "$@"; }
quiet() { stranger "$@" >log 2>&1 || { cat log; fail "$*"; }; }
variable() { stranger pkg-config --variable="$1" gatehouse-sdk; }

headers() {
	cflags=$(stranger pkg-config --cflags gatehouse-sdk)
	count=0
	for header in "$prefix"/include/gatehouse/*.h; do
		name=$(basename "$header")
		count=$((count + 1))
		echo "#include <gatehouse/$name>" | tee alone.c >alone.cc
		# shellcheck disable=SC2086 # a list of words
		quiet cc -std=c11 -pedantic -Wall -Wextra -Werror $cflags -fsyntax-only alone.c
		# shellcheck disable=SC2086
		quiet c++ -std=c++17 -Wall -Wextra -Werror $cflags -fsyntax-only alone.cc
	done
	[ "$count" = "$(find "${srcdir:?}/sdk/include/gatehouse" -name '*.h' | wc -l)" ] || fail 'headers are missing'
}

# They are linked into modules: no name of another's, nothing that another module could see.
libraries() {
	for library in "$prefix"/lib/libgatehouse-*.a; do
		foreign=$(nm -g --defined-only "$library" | awk 'NF == 3 && $3 !~ /^gh_/ { print $3 }')
		[ -z "$foreign" ] || fail "$(basename "$library") defines $foreign"
	done
	shown=$(find . -name '*.so' -exec nm -D --defined-only {} + | awk 'NF == 3 && $3 !~ /_LTX_gatehouse_plugin$/ { print $3 }')
	[ -z "$shown" ] || fail "modules show $shown"
}

# As README says.
template() {
	cp -r "$(variable templatedir)" my-users || fail 'no template'
	mv my-users/hello.c my-users/my-users.c
	sed -i 's/^NAME = .*/NAME = my-users/' my-users/Makefile
	quiet make -C my-users CFLAGS='-O2 -Wall -Wextra -Werror'
	[ -f my-users/my-users.so ] || fail 'make left no my-users.so beside the source'
	quiet make -C my-users install DESTDIR="$away/root"
	[ -x "$away/root$(variable plugindir)/my-users.so" ] || fail 'make install put it elsewhere'
}

examples() {
	mkdir gatehouse
	cp -r "$(variable templatedir)" "$(variable examplesdir)" gatehouse || fail 'no examples'
	quiet make -C gatehouse/examples CFLAGS='-O2 -Wall -Wextra -Werror'
	for source in gatehouse/examples/*.c; do
		[ -f "${source%.c}.so" ] || [ "$source" = gatehouse/examples/hashed-files.c ] || fail "$source was not built"
	done
}

# The same in C++, by the flags that the page tells.
plus() {
	mkdir plus
	cat >plus/plus.cc <<-'END'
	#include <gatehouse/lib.h>
	#include <gatehouse/plugin.h>
	namespace {
	struct config { const char *user, *group; };
	int create(struct gh_host *host, const void *config, void *, void **instance_r, struct gh_error *)
	{
		gh_log(host, GH_LOG_INFO, "%s", "made");
		*instance_r = const_cast<void *>(config);
		return 0;
	}
	void destroy(void *) {}
	enum gh_verdict authenticate(void *, const struct gh_authenticate *in, struct gh_answer *out)
	{
		gh_answer_why(out, "%s", in->client->address);
		return in->password.n == 1 && gh_equal(in->password.p, "x", 1) ? GH_ERROR : GH_DENY;
	}
	const struct gh_option options[] = { GH_OPTION(config, user, GH_STRING, "a user"),
		{ .name = "group", .type = GH_STRING, .flags = GH_REQUIRED, .offset = offsetof(config, group),
		  .field_size = sizeof(config::group), .help = "a group" }, {} };
	int run(void *, size_t, const char *const *, struct gh_reply *reply)
	{
		gh_reply_field(reply, "is", "%s", "there");
		return 0;
	}
	const struct gh_command commands[] = { { .name = "show", .help = "show it", .run = run }, {} };
	}
	GH_PLUGIN(plus) = { GH_HEAD, .flags = GH_CONCURRENT, .name = "plus", .version = "1", .summary = "C++",
		.config_size = sizeof(struct config), .options = options, .create = create, .destroy = destroy,
		.authenticate = authenticate, .command_stride = sizeof(struct gh_command), .commands = commands };
	END
	# shellcheck disable=SC2046 # lists of words
	quiet c++ -std=c++17 -Wall -Wextra -Werror -Wno-missing-field-initializers -shared -fPIC -fvisibility=hidden \
		-o plus/plus.so plus/plus.cc $(stranger pkg-config --cflags --libs gatehouse-sdk)
}

# The page begins with a whole module and with what is typed to build, check and try it: up to the check it is done here.
page() {
	mkdir page
	awk -v way=page '
	/^\.Sh A COMPLETE MODULE/ { inside = 1 }
	/^\.Sh THE PROMISE/ { exit }
	inside && /^\.Ed/ { file = "" }
	file { gsub(/\\e/, "\\"); print >(way "/" file) }
	inside && /^\.Bd/ { file = ++count == 1 ? "hello.c" : "typed" }
	' "$prefix/share/man/man3/gatehouse-plugin.3"
	if [ "${shared:?}" = yes ]; then
		sed '/^gatehoused -t/q' page/typed >page/steps
	else
		sed '/^$/q' page/typed >page/steps
	fi
	(cd page && stranger env PATH="$prefix/sbin:$PATH" sh -eu steps) >log 2>&1 || { cat log; fail 'the commands of the page'; }
	[ -f page/hello.so ] || fail 'the page makes no hello.so'
}

configuration() { # DIRECTORY-OF-MODULES
	(umask 077 && echo secret >joe)
	mkdir -p users.d
	echo 'listeners: { a: { address: "127.0.0.1:1", authenticate: [one], authorize: none } }'
	echo 'plugins:'
	if [ -f "$1/plus.so" ]; then
		echo '  one: { module: plus, user: joe, group: staff }'
		return
	fi
	if [ -f "$1/my-users.so" ]; then
		echo '  one: { module: my-users, user: joe, password: joe }'
		return
	fi
	echo '  one: { module: fixed-users, users: { ann: { password: joe, groups: [staff] }, joe: { password: joe } } }'
	echo '  slow: { module: slow-users, users: [ann], password: joe, delay: 1s }'
	echo '  json: { module: json-only, topics: ["plant/#"], size: 16k }'
	echo '  counter: { log: no }'
	[ ! -f "$1/hashed-files.so" ] || echo '  files: { module: hashed-files, directory: users.d, threads: 2 }'
}

loaded() { # DIRECTORY-OF-MODULES
	configuration "$1" >gatehouse.yaml
	quiet "$prefix/sbin/gatehoused" -t -c gatehouse.yaml --plugin-directory "$away/$1"
}

headers
template
examples
plus
page
libraries
if [ "${shared:?}" = yes ]; then
	loaded my-users
	loaded gatehouse/examples
	loaded plus
fi
exit $failed
