/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/settings.h"
#include "base/str.h"
#include "base/test.h"
#include "conf/tables.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static struct gh_settings *settings;
static struct gh_error error;

static int parse(const char *text)
{
	memset(&error, 0, sizeof(error));
	return gh_settings_parse("t.yaml", text, strlen(text), &settings, &error);
}

static void parsed(const char *text)
{
	ck_assert_msg(parse(text) == 0, "%s", error.text);
}

#define L "listeners: {l: {address: '127.0.0.1:1883', anonymous: yes}}\n"

START_TEST(tables_are_right)
{
	static const size_t sizes[] = {
		sizeof(struct gh_raw_top),     sizeof(struct gh_raw_log),
		sizeof(struct gh_raw_control), sizeof(struct gh_raw_listener),
		sizeof(struct gh_raw_plugin),  sizeof(struct gh_raw_limits)
	};
	const struct gh_settings_table *tables;
	size_t count;

	tables = gh_settings_tables(&count);
	ck_assert_uint_eq(count, GH_COUNT(sizes));
	for (size_t i = 0; i < count; i++)
		ck_assert_msg(gh_options_check(tables[i].rows, sizes[i], true, &error) == 0,
			      "%s: %s", tables[i].section, error.text);
}
END_TEST

/* Every limit is finite unless it says that it isn't. */
START_TEST(limits_are_finite)
{
	const struct gh_limits *l;

	parsed(L);
	l = &settings->limits;
	ck_assert_uint_eq(l->connect_timeout, 10000);
	ck_assert_uint_eq(l->packet_size, 1 << 20);
	ck_assert_uint_eq(l->packet_size_before_login, 16384);
	ck_assert_int_eq(l->connections, 0);
	for (const struct gh_option *row = gh_limit_options; row->name; row++) {
		ck_assert_msg(row->standard || row->type == GH_NODE ||
				      strcmp(row->name, "connections") == 0,
			      "%s", row->name);
		ck_assert_msg(!row->standard || strcmp(row->standard, "unlimited") != 0, "%s",
			      row->name);
	}
	ck_assert_mem_eq(&settings->listeners[0].limits, l, sizeof(*l));
	gh_settings_free(&settings);
}
END_TEST

/* What a class doesn't write is the listener's own. */
START_TEST(classes)
{
	const struct gh_listener_settings *a, *b;
	const struct gh_limits *l;

	parsed("limits: {inflight: 7, queue-messages: 100, classes: {slow: {inflight: 2, packet-size: 1k}, same: {}, "
	       "fast: {queue-messages: unlimited}}}\n"
	       "listeners: {a: {address: '127.0.0.1:1883', anonymous: yes}, "
	       "b: {address: '127.0.0.1:1884', anonymous: yes, limits: {queue-messages: 50, inflight: 9}}}\n");
	a = gh_settings_listener(settings, "a");
	b = gh_settings_listener(settings, "b");
	l = gh_settings_class(a, "slow");
	ck_assert_int_eq(l->inflight, 2);
	ck_assert_uint_eq(l->packet_size, 1024);
	ck_assert_int_eq(l->queue_messages, 100);
	l = gh_settings_class(b, "slow");
	ck_assert_int_eq(l->inflight, 2);
	ck_assert_int_eq(l->queue_messages, 50);
	ck_assert_mem_eq(gh_settings_class(b, "same"), &b->limits, sizeof(b->limits));
	l = gh_settings_class(b, "fast");
	ck_assert_int_eq(l->inflight, 9);
	ck_assert_int_eq(l->queue_messages, UINT32_MAX);
	ck_assert_ptr_null(gh_settings_class(a, "SLOW"));
	ck_assert(gh_settings_has_class(settings, "same"));
	ck_assert(!gh_settings_has_class(settings, ""));
	gh_settings_free(&settings);
	parsed("limits: {classes: {}}\n" L);
	ck_assert(!gh_settings_has_class(settings, "slow"));
	gh_settings_free(&settings);
}
END_TEST

START_TEST(many_classes)
{
	for (unsigned n = 64; n <= 65; n++) {
		char text[4096], *at = text + sprintf(text, "limits: { classes: {");

		for (unsigned i = 0; i < n; i++)
			at += sprintf(at, "c%u: {inflight: %u}, ", i, i + 1);
		sprintf(at, "}}\n" L);
		if (n == 64) {
			parsed(text);
			ck_assert_int_eq(gh_settings_class(&settings->listeners[0], "c63")->inflight,
					 64);
			gh_settings_free(&settings);
			continue;
		}
		ck_assert_int_eq(parse(text), GH_EINVAL);
		ck_assert_str_eq(error.text,
				 "t.yaml:1:20: 'classes': expected at most 64 classes, found 65");
	}
}
END_TEST

START_TEST(defaults)
{
	const struct gh_listener_settings *l;

	parsed(L);
	ck_assert_ptr_null(settings->file);
	ck_assert_uint_ge(settings->workers, 1);
	ck_assert_uint_le(settings->workers, 64);
	ck_assert_uint_eq(settings->shutdown_timeout, 10000);
	ck_assert_int_eq(settings->log.target, GH_LOG_STDERR);
	ck_assert_int_eq(settings->log.format, GH_LOG_TEXT);
	ck_assert_int_eq(settings->log.level, GH_LOG_INFO);
	ck_assert_uint_eq(settings->control_mode, 0600);
	ck_assert_int_eq(*settings->state_directory, '/');
	ck_assert_int_eq(*settings->control_socket, '/');
	ck_assert_uint_eq(settings->plugin_count, 0);
	ck_assert_uint_eq(settings->listener_count, 1);
	l = gh_settings_listener(settings, "l");
	ck_assert_str_eq(l->address, "127.0.0.1:1883");
	ck_assert_str_eq(l->where, "t.yaml:1:13");
	ck_assert_uint_eq(l->mode, 0660);
	ck_assert(l->authenticate.open && l->authorize.open);
	ck_assert_uint_eq(l->authenticate.count + l->authorize.count, 0);
	ck_assert_int_eq(l->client_id, GH_CLIENT_ID_ANY);
	ck_assert_ptr_null(gh_settings_listener(settings, "m"));
	gh_settings_free(&settings);
	ck_assert_ptr_null(settings);
}
END_TEST

START_TEST(everything_said)
{
	const struct gh_listener_settings *l;
	const struct gh_plugin_settings *p;

	parsed("workers: 3\nstate-directory: /s\nshutdown-timeout: 1m\n"
	       "log: {target: file, file: /l, format: json, level: debug}\n"
	       "control: {socket: /c, mode: '0660'}\n"
	       "limits: {packet-size: unlimited, packet-size-before-login: 1k, session-expiry-max: unlimited, "
	       "queue-messages: unlimited, keep-alive-max: 1500ms, inflight: 7}\n"
	       "plugins:\n"
	       "  staff: {module: auth-file, realm: r, threads: 2, max-pending: 5, on-error: next, file: /p, more: {x: 1}}\n"
	       "  acl: {}\n"
	       "listeners:\n"
	       "  a: {address: 'unix:/s/mqtt', mode: '666', authenticate: [staff, required: acl], authorize: [acl], "
	       "client-id: bound, on-deny: disconnect, check-payload-format: yes, limits: {inflight: 9, packet-size: 512}}\n"
	       "  b: {address: '[::1]:1', anonymous: yes, authenticate: [staff], authorize: [{required: acl}], "
	       "client-id: '{username}-x'}\n"
	       "  c: {address: '*:0', authenticate: [staff], authorize: none, message: [acl, required: staff]}\n");
	ck_assert_uint_eq(settings->workers, 3);
	ck_assert_str_eq(settings->state_directory, "/s");
	ck_assert_uint_eq(settings->shutdown_timeout, 60000);
	ck_assert_int_eq(settings->log.target, GH_LOG_FILE);
	ck_assert_int_eq(settings->log.format, GH_LOG_JSON);
	ck_assert_int_eq(settings->log.level, GH_LOG_DEBUG);
	ck_assert_str_eq(settings->log.file, "/l");
	ck_assert_str_eq(settings->control_socket, "/c");
	ck_assert_uint_eq(settings->control_mode, 0660);
	ck_assert_uint_eq(settings->limits.packet_size, 268435460);
	ck_assert_uint_eq(settings->limits.session_expiry_max, UINT64_MAX);
	ck_assert_int_eq(settings->limits.queue_messages, UINT32_MAX);
	ck_assert_uint_eq(settings->limits.keep_alive_max, 2000);
	ck_assert_uint_eq(settings->plugin_count, 2);
	p = &settings->plugins[0];
	ck_assert_str_eq(p->name, "staff");
	ck_assert_str_eq(p->module, "auth-file");
	ck_assert_str_eq(p->realm, "r");
	ck_assert_int_eq(p->threads, 2);
	ck_assert_int_eq(p->max_pending, 5);
	ck_assert(p->on_error_next);
	ck_assert_uint_eq(p->section->count, 2);
	ck_assert_str_eq(p->section->first->key, "file");
	ck_assert_str_eq(p->section->first->next->first->text, "1");
	p = &settings->plugins[1];
	ck_assert_str_eq(p->module, "acl");
	ck_assert_str_eq(p->realm, "acl");
	ck_assert_int_eq(p->threads, 0);
	ck_assert_int_eq(p->max_pending, 10000);
	ck_assert(!p->on_error_next);
	ck_assert_str_eq(p->where, "t.yaml:9:3");
	ck_assert_uint_eq(p->section->count, 0);
	l = gh_settings_listener(settings, "a");
	ck_assert_uint_eq(l->mode, 0666);
	ck_assert_uint_eq(l->authenticate.count, 2);
	ck_assert_str_eq(l->authenticate.entries[0].name, "staff");
	ck_assert(!l->authenticate.entries[0].required && l->authenticate.entries[1].required);
	ck_assert_str_eq(l->authenticate.entries[1].name, "acl");
	ck_assert_str_eq(l->authenticate.entries[1].where, "t.yaml:11:77");
	ck_assert(!l->authenticate.open && !l->authorize.open);
	ck_assert_int_eq(l->client_id, GH_CLIENT_ID_BOUND);
	ck_assert(l->on_deny_disconnect && l->check_payload_format);
	ck_assert_int_eq(l->limits.inflight, 9);
	ck_assert_uint_eq(l->limits.packet_size, 512);
	ck_assert_uint_eq(l->limits.packet_size_before_login, 512);
	ck_assert_uint_eq(l->limits.keep_alive_max, 2000);
	l = gh_settings_listener(settings, "b");
	ck_assert(l->authenticate.open && !l->authorize.open);
	ck_assert_int_eq(l->client_id, GH_CLIENT_ID_TEMPLATE);
	ck_assert_uint_eq(gh_template_uses(l->client_id_template), GH_USES_USERNAME);
	ck_assert_int_eq(l->limits.inflight, 7);
	ck_assert(l->message.open && l->message.count == 0);
	l = gh_settings_listener(settings, "c");
	ck_assert(!l->authenticate.open && l->authorize.open);
	ck_assert(!l->message.open && l->message.count == 2 && l->message.entries[1].required);
	gh_settings_free(&settings);
}
END_TEST

#define P "plugins: {p: {}}\n"
#define A "address: 'h:1'"
static const struct {
	const char *text, *message;
} bad[] = {
	{ "", "t.yaml:1:1: 'listeners' is missing: expected 'listeners: { NAME: { address: ... } }'" },
	{ "workers: 0\n" L, "t.yaml:1:10: 'workers': expected 1 to 64, found '0'" },
	{ "workers: 65\n" L, "t.yaml:1:10: 'workers': expected 1 to 64, found '65'" },
	{ "profile: basic\n" L,
	  "t.yaml:1:10: 'profile': this version can't check a profile above minimal: not checked yet" },
	{ "profile: hgih\n" L,
	  "t.yaml:1:10: 'profile': expected minimal, basic, enhanced or high, found 'hgih' (did you mean 'high'?)" },
	{ "listner: {}\n", "t.yaml:1:1: unknown key 'listner' (did you mean 'listeners'?)" },
	{ "tls: {}\n" L,
	  "t.yaml:1:1: unknown key 'tls', expected one of profile, workers, state-directory, "
	  "shutdown-timeout, include, log, control, listeners, plugins, limits" },
	{ "listeners: {}\n", "t.yaml:1:12: no listener: expected 'NAME: { address: ... }'" },
	{ "listeners: [a]\n", "t.yaml:1:12: 'listeners': expected a map of names, found a list" },
	{ "listeners: {'a b': {}}\n",
	  "t.yaml:1:13: expected a name of at most 64 letters, digits, '-', '_' and '.', found 'a b'" },
	{ "listeners: {-x: {}}\n",
	  "t.yaml:1:13: expected a name of at most 64 letters, digits, '-', '_' and '.', found '-x'" },
	{ "listeners: {a: x}\n", "t.yaml:1:16: expected a map ('key: value'), found 'x'" },
	{ "listeners: {a: {}}\n",
	  "t.yaml:1:16: 'address' is missing: HOST:PORT, [IPv6]:PORT, \"*:PORT\" or unix:/PATH" },
	{ "listeners: {a: {" A "}}\n",
	  "t.yaml:1:16: listener 'a' lets nobody in: expected 'authenticate: [...]' or 'anonymous: yes'" },
	{ "listeners: {a: {" A ", anonymous: no, authorize: none}}\n",
	  "t.yaml:1:16: listener 'a' lets nobody in: expected 'authenticate: [...]' or 'anonymous: yes'" },
	{ P "listeners: {a: {" A ", authenticate: [p]}}\n",
	  "t.yaml:2:16: listener 'a' permits nothing: expected 'authorize: [...]' or 'authorize: none'" },
	{ "listeners: {a: {" A ", authenticate: [], authorize: none}}\n",
	  "t.yaml:1:47: 'authenticate': an empty list: name at least one plugin, or write 'anonymous: yes'" },
	{ "listeners: {a: {" A ", anonymous: yes, authenticate: []}}\n",
	  "t.yaml:1:63: 'authenticate': an empty list: name at least one plugin, or write 'anonymous: yes'" },
	{ "listeners: {a: {" A ", anonymous: yes, authorize: []}}\n",
	  "t.yaml:1:60: 'authorize': an empty list: name at least one plugin, or write 'authorize: none'" },
	{ "listeners: {a: {" A ", anonymous: yes, authorize: acl}}\n",
	  "t.yaml:1:60: 'authorize': expected a list of plugins such as [acl], found 'acl'" },
	{ "listeners: {a: {" A ", authenticate: none, authorize: none}}\n",
	  "t.yaml:1:47: 'authenticate': expected a list of plugins such as [acl], found 'none'" },
	{ "listeners: {a: {" A ", authenticate: [requierd: p], authorize: none}}\n",
	  "t.yaml:1:48: expected NAME or 'required: NAME', found key 'requierd'" },
	{ "listeners: {a: {" A ", authenticate: [{}], authorize: none}}\n",
	  "t.yaml:1:48: expected NAME or 'required: NAME'" },
	{ "listeners: {a: {" A ", authenticate: [[p]], authorize: none}}\n",
	  "t.yaml:1:48: expected the name of a plugin" },
	{ "listeners: {a: {" A ", authenticate: [required: [p]], authorize: none}}\n",
	  "t.yaml:1:58: expected the name of a plugin" },
	{ "listeners: {a: {" A ", anonymous: yes, message: []}}\n",
	  "t.yaml:1:58: 'message': an empty list: name at least one plugin, or leave it out" },
	{ "listeners: {a: {" A ", anonymous: yes, message: none}}\n",
	  "t.yaml:1:58: 'message': expected a list of plugins such as [acl], found 'none'" },
	{ "listeners: {a: {" A ", anonymous: yes, messages: [p]}}\n",
	  "t.yaml:1:49: unknown key 'messages' (did you mean 'message'?)" },
	{ "listeners: {a: {" A ", anonymous: yes, tls: {}}}\n",
	  "t.yaml:1:49: unknown key 'tls', expected one of address, mode, anonymous, authenticate, authorize, "
	  "message, client-id, on-deny, check-payload-format, response-information, limits" },
	{ "listeners: {a: {" A ", anonymous: yes, on-deny: drop}}\n",
	  "t.yaml:1:58: 'on-deny': expected acknowledge or disconnect, found 'drop'" },
	{ "listeners: {a: {" A ", anonymous: yes, client-id: '{usrname}'}}\n",
	  "t.yaml:1:60: 'client-id': at byte 1: expected {clientid}, {username}, {group} or {attr:NAME} ('{{' is a brace)" },
	{ "listeners: {a: {" A ", anonymous: yes, response-information: 'a{'}}\n",
	  "t.yaml:1:71: 'response-information': at byte 2: expected '}' after this '{' ('{{' is a brace)" },
	{ "listeners: {a: {" A ", anonymous: yes, client-id: fixed}}\n",
	  "t.yaml:1:60: 'client-id': expected any, bound, or a text with {username}, {group} or {attr:NAME} in it" },
	{ "listeners: {a: {" A ", anonymous: yes, client-id: 'x{clientid}{username}'}}\n",
	  "t.yaml:1:60: 'client-id': expected any, bound, or a text with {username}, {group} or {attr:NAME} in it" },
	{ "listeners: {a: {" A ", anonymous: yes, mode: '888'}}\n",
	  "t.yaml:1:55: 'mode': expected octal digits such as 0660, found '888'" },
	{ "listeners: {a: {" A ", anonymous: yes, limits: {connections: 5}}}\n",
	  "t.yaml:1:58: 'connections' is of the whole broker: it can only stand in 'limits' at the top" },
	{ "listeners: {a: {" A ", anonymous: yes, limits: {inflight: 0}}}\n",
	  "t.yaml:1:68: 'inflight': expected 1 to 65535, found '0'" },
	{ "log: {target: file}\n" L, "t.yaml:1:6: 'log': 'target: file' needs 'file: PATH'" },
	{ "log: {file: /x}\n" L, "t.yaml:1:13: 'log': 'file' needs 'target: file'" },
	{ "log: {level: trace}\n" L,
	  "t.yaml:1:14: 'level': expected error, warning, notice, info or debug, found 'trace'" },
	{ "control: {mode: rw}\n" L,
	  "t.yaml:1:17: 'mode': expected octal digits such as 0660, found 'rw'" },
	{ "control: {socket: /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaa}\n" L,
	  "t.yaml:1:19: 'control': the path of a socket is at most 107 bytes: "
	  "'/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaaaaaaaaa'" },
	{ "limits: {failed-login-delay: 10s, failed-login-delay-max: 1s}\n" L,
	  "t.yaml:1:59: 'failed-login-delay-max' is less than 'failed-login-delay'" },
	{ "limits: {max-packet-size: 1M}\n" L,
	  "t.yaml:1:10: unknown key 'max-packet-size' (did you mean 'packet-size'?)" },
	{ "limits: {connect-timeout: unlimited}\n" L,
	  "t.yaml:1:27: 'connect-timeout': expected a duration such as 500ms, 10s or 2h, found 'unlimited'" },
	{ "limits: {classes: [slow]}\n" L,
	  "t.yaml:1:19: 'classes': expected a map of names, found a list" },
	{ "limits: {classes: {slow: 5}}\n" L,
	  "t.yaml:1:26: expected a map ('key: value'), found '5'" },
	{ "limits: {classes: {'': {}}}\n" L, "t.yaml:1:20: expected a word as key, found nothing" },
	{ "limits: {classes: {'a b': {}}}\n" L,
	  "t.yaml:1:20: expected a name of at most 64 letters, digits, '-', '_' and '.', found 'a b'" },
	{ "limits: {classes: {slow: {inflight: 0}}}\n" L,
	  "t.yaml:1:37: 'inflight': expected 1 to 65535, found '0'" },
	{ "limits: {classes: {slow: {inflihgt: 1}}}\n" L,
	  "t.yaml:1:27: unknown key 'inflihgt' (did you mean 'inflight'?)" },
	{ "limits: {classes: {slow: {bans: 5}}}\n" L,
	  "t.yaml:1:27: 'bans' is of the whole broker: it can only stand in 'limits' at the top" },
	{ "limits: {classes: {slow: {classes: {}}}}\n" L,
	  "t.yaml:1:27: 'classes' is of the whole broker: it can only stand in 'limits' at the top" },
	{ "limits: {classes: {slow: {connect-timeout: 5s}}}\n" L,
	  "t.yaml:1:27: 'connect-timeout' holds before the login: a class, which the login gives, can't have it" },
	{ "limits: {classes: {slow: {packet-size-before-login: 5k}}}\n" L,
	  "t.yaml:1:27: 'packet-size-before-login' holds before the login: a class, which the login gives, can't have it" },
	{ "listeners: {a: {" A ", anonymous: yes, limits: {classes: {}}}}\n",
	  "t.yaml:1:58: 'classes' is of the whole broker: it can only stand in 'limits' at the top" },
	{ "limits: {connections: unlimited}\n" L,
	  "t.yaml:1:23: 'connections': expected a number, found 'unlimited'" },
	{ "plugins: {a: }\n" L,
	  "t.yaml:1:14: 'a': expected a value, found nothing (an empty map is {}, an empty list [], an empty text '')" },
	{ "limits:\n  classes:\n    small:\n" L,
	  "t.yaml:3:11: 'small': expected a value, found nothing (an empty map is {}, an empty list [], an empty text '')" },
	{ "plugins: {a: x}\n" L,
	  "t.yaml:1:14: plugin 'a': expected a map of its options (or {}), found 'x'" },
	{ "plugins: {anonymous: {}}\n" L,
	  "t.yaml:1:11: no plugin can be named 'anonymous': the word means something else" },
	{ "plugins: {forget: {}}\n" L,
	  "t.yaml:1:11: no plugin can be named 'forget': the word means something else" },
	{ "plugins: {a: {threads: 0}}\n" L, "t.yaml:1:24: 'threads': expected 1 to 64, found '0'" },
	{ "plugins: {a: {on-error: allow}}\n" L,
	  "t.yaml:1:25: 'on-error': expected deny or next, found 'allow'" },
	{ "plugins: {a: {module: ''}}\n" L,
	  "t.yaml:1:23: 'module': expected 1 to 64 bytes, found ''" },
};

START_TEST(what_is_refused)
{
	for (size_t i = 0; i < GH_COUNT(bad); i++) {
		ck_assert_msg(parse(bad[i].text) < 0, "'%s' is accepted", bad[i].text);
		ck_assert_str_eq(error.text, bad[i].message);
		ck_assert_ptr_null(settings);
	}
}
END_TEST

START_TEST(addresses)
{
	static const struct {
		const char *address, *problem;
	} rows[] = {
		{ "127.0.0.1:1883", NULL },
		{ "broker.example:0", NULL },
		{ "*:65535", NULL },
		{ "[::]:1883", NULL },
		{ "[2001:db8::1]:1", NULL },
		{ "unix:/run/x", NULL },
		{ "1883", "expected ADDRESS:PORT such as 127.0.0.1:1883" },
		{ ":1883", "expected ADDRESS:PORT such as 127.0.0.1:1883" },
		{ "h:65536", "expected ADDRESS:PORT such as 127.0.0.1:1883" },
		{ "h:", "expected ADDRESS:PORT such as 127.0.0.1:1883" },
		{ "h:1x", "expected ADDRESS:PORT such as 127.0.0.1:1883" },
		{ "::1:1883", "an IPv6 address stands in brackets, such as \"[::1]:1883\"" },
		{ "[::1]", "expected ADDRESS:PORT such as 127.0.0.1:1883" },
		{ "[::1]1:1", "expected [IPv6]:PORT such as \"[::1]:1883\"" },
		{ "[::1:1", "expected [IPv6]:PORT such as \"[::1]:1883\"" },
		{ "[1.2.3.4]:1", "what is in the brackets isn't an IPv6 address" },
		{ "[]:1", "what is in the brackets isn't an IPv6 address" },
		{ "[aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]:1",
		  "expected [IPv6]:PORT such as \"[::1]:1883\"" },
		{ "unix:x", "expected unix:/ABSOLUTE/PATH" },
		{ "unix:/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		  "the path of a UNIX socket is at most 107 bytes" },
	};
	char text[300], message[300];

	for (size_t i = 0; i < GH_COUNT(rows); i++) {
		snprintf(text, sizeof(text), "listeners: {a: {address: '%s', anonymous: yes}}\n",
			 rows[i].address);
		if (!rows[i].problem) {
			parsed(text);
			ck_assert_str_eq(settings->listeners->address, rows[i].address);
			gh_settings_free(&settings);
			continue;
		}
		snprintf(message, sizeof(message), "t.yaml:1:26: 'address': %s, found '%.60s'",
			 rows[i].problem, rows[i].address);
		ck_assert_msg(parse(text) < 0, "'%s' is accepted", rows[i].address);
		ck_assert_str_eq(error.text, message);
	}
}
END_TEST

START_TEST(quick_start)
{
	settings = gh_settings_quick(1884);
	ck_assert_uint_eq(settings->listener_count, 2);
	ck_assert_str_eq(settings->listeners[0].address, "127.0.0.1:1884");
	ck_assert_str_eq(settings->listeners[1].address, "[::1]:1884");
	for (size_t i = 0; i < 2; i++)
		ck_assert(settings->listeners[i].authenticate.open &&
			  settings->listeners[i].authorize.open);
	ck_assert_ptr_null(settings->file);
	gh_settings_free(&settings);
}
END_TEST

START_TEST(places)
{
	char path[GH_PLACE_SIZE];

	gh_default_state_directory(path);
	if (geteuid() == 0) {
		ck_assert_str_eq(path, GH_STATEDIR);
		gh_default_control_socket(path, path);
		ck_assert_str_eq(path, GH_RUNDIR "/control.sock");
		ck_assert_int_eq(seteuid(65534), 0);
	}
	setenv("XDG_STATE_HOME", "/nonexistent/state", 1);
	gh_default_state_directory(path);
	ck_assert_str_eq(path, "/nonexistent/state/gatehouse");
	unsetenv("XDG_STATE_HOME");
	setenv("HOME", "/nonexistent/home", 1);
	gh_default_state_directory(path);
	ck_assert_str_eq(path, "/nonexistent/home/.local/state/gatehouse");
	gh_default_control_socket("/nonexistent/s", path);
	ck_assert_str_eq(path, "/nonexistent/s/control.sock");
	unsetenv("HOME");
	gh_default_state_directory(path);
	ck_assert_str_eq(path, GH_STATEDIR);
	ck_assert_int_eq(seteuid(getuid()), 0);
}
END_TEST

/* What is shipped is right, up to its modules' own options. */
START_TEST(samples_can_be_read)
{
	static const char *const samples[] = { "etc/gatehouse.yaml", "etc/quickstart.yaml" };
	const char *srcdir = getenv("srcdir");
	char path[4096];

	for (size_t i = 0; i < GH_COUNT(samples); i++) {
		snprintf(path, sizeof(path), "%s/%s", srcdir ? srcdir : ".", samples[i]);
		ck_assert_msg(gh_settings_read(path, &settings, &error) == 0, "%s", error.text);
		ck_assert_str_eq(settings->file, path);
		gh_settings_free(&settings);
	}
}
END_TEST

GH_TEST_MAIN("conf/settings", tables_are_right, limits_are_finite, classes, many_classes, defaults,
	     everything_said, what_is_refused, addresses, quick_start, places, samples_can_be_read)
