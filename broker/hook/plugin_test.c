/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors of other sizes and versions. */
#include "hook/module.h"

#include "base/test.h"

#include <string.h>

struct config {
	const char *word;
};

static int create(struct gh_host *host, const void *config, void *previous, void **instance_r,
		  struct gh_error *error)
{
	(void)host, (void)config, (void)previous, (void)instance_r, (void)error;
	return 0;
}

static void destroy(void *instance)
{
	(void)instance;
}

static enum gh_verdict accept_hook(void *instance, const struct gh_client *in, struct gh_answer *out)
{
	(void)instance, (void)in, (void)out;
	return GH_PASS;
}

static enum gh_verdict authorize(void *instance, const struct gh_authorize *in, struct gh_answer *out)
{
	(void)instance, (void)in, (void)out;
	return GH_PASS;
}

static enum gh_verdict exchange(void *instance, const struct gh_exchange *in, struct gh_answer *out)
{
	(void)instance, (void)in, (void)out;
	return GH_PASS;
}

static int subject(void *instance, const struct gh_subject_request *in, struct gh_reply *reply)
{
	(void)instance, (void)in, (void)reply;
	return 0;
}

static enum gh_verdict psk(void *instance, const struct gh_psk *in, struct gh_answer *out)
{
	(void)instance, (void)in, (void)out;
	return GH_PASS;
}

static int barrier(void *instance, struct gh_barrier raised)
{
	(void)instance, (void)raised;
	return 0;
}

static int load(void *instance, struct gh_sink *sink)
{
	(void)instance, (void)sink;
	return 0;
}

static int put(void *instance, const struct gh_record *record)
{
	(void)instance, (void)record;
	return 0;
}

static int fetch(void *instance, const struct gh_record *after, uint32_t limit, struct gh_sink *sink)
{
	(void)instance, (void)after, (void)limit, (void)sink;
	return 0;
}

static int run(void *instance, size_t count, const char *const *arguments, struct gh_reply *reply)
{
	(void)instance, (void)count, (void)arguments, (void)reply;
	return 0;
}

static const struct gh_command commands[] = { { "one", NULL, "the first", 0, run }, { 0 } };
static const struct gh_command no_help[] = { { "one", NULL, NULL, 0, run }, { 0 } };

static const struct gh_option options[] = { GH_OPTION(struct config, word, GH_STRING, "a word"),
					    { 0 } };

#define GOOD \
	{ \
		GH_HEAD, .name = "good", .version = "1", .summary = "good", \
			 .config_size = sizeof(struct config), .options = options, \
			 .create = create, .destroy = destroy, .accept = accept_hook, \
			 .authorize = authorize \
	}

#define STORE \
	{ \
		.size = sizeof(struct gh_store), .load = load, .put = put, .erase = put, \
		.fetch = fetch \
	}

static struct gh_store kept_store; /* the copy that adopt() was given */

static int adopt(const struct gh_plugin *theirs, struct gh_plugin *plugin_r, struct gh_error *error)
{
	struct gh_option *rows = NULL;
	struct gh_command *copies = NULL;
	int rc;

	memset(plugin_r, 0xff, sizeof(*plugin_r));
	rc = gh_plugin_adopt(theirs, "good", GH_ABI, plugin_r, &rows, &copies, &kept_store, error);
	if (!rc)
		ck_assert_str_eq(rows[0].name, "word");
	gh_options_free(&rows);
	free(copies);
	return rc;
}

/* An older edition: shorter; what it lacks is not there. The bytes behind it aren't its own. */
START_TEST(shorter)
{
	struct gh_plugin theirs = GOOD, ours;
	struct gh_error error = { 0 };

	theirs.size = offsetof(struct gh_plugin, authorize);
	theirs.abi = GH_ABI - 1;
	ck_assert_msg(adopt(&theirs, &ours, &error) == 0, "%s", error.text);
	ck_assert_ptr_nonnull(ours.accept);
	ck_assert_ptr_null(ours.authorize);
	ck_assert_ptr_null(ours.event);
}
END_TEST

START_TEST(longer)
{
	struct {
		struct gh_plugin plugin;
		void *more[4];
	} theirs = { .plugin = GOOD, .more = { &theirs, &theirs, &theirs, &theirs } };
	struct gh_plugin ours;
	struct gh_error error = { 0 };

	theirs.plugin.size = sizeof(theirs);
	ck_assert_uint_eq(theirs.plugin.abi, GH_ABI);
	ck_assert_int_eq(adopt(&theirs.plugin, &ours, &error), 0);
	ck_assert_ptr_eq(ours.authorize, authorize);
}
END_TEST

/* Rows of an option table that are longer than ours. */
START_TEST(stride)
{
	struct wide {
		struct gh_option option;
		const void *more;
	};
	static const struct wide wide[] = {
		{ GH_OPTION(struct config, word, GH_STRING, "a word"), "more" },
		{ { 0 }, NULL },
	};
	struct gh_plugin theirs = GOOD, ours;
	struct gh_error error = { 0 };

	theirs.options = &wide[0].option;
	theirs.option_stride = sizeof(struct wide);
	ck_assert_msg(adopt(&theirs, &ours, &error) == 0, "%s", error.text);
}
END_TEST

/* Commands come in this broker's shape; a module may have nothing else, or the subject hook alone. */
START_TEST(with_commands)
{
	struct gh_plugin theirs = GOOD, ours;
	struct gh_command *rows = NULL;
	struct gh_option *option_rows = NULL;
	struct gh_error error = { 0 };

	theirs.accept = NULL;
	theirs.authorize = NULL;
	theirs.commands = commands;
	ck_assert_msg(gh_plugin_adopt(&theirs, "good", GH_ABI, &ours, &option_rows, &rows,
				      &kept_store, &error) == 0,
		      "%s", error.text);
	ck_assert_ptr_eq(ours.commands, rows);
	ck_assert_ptr_ne(rows, commands);
	ck_assert_str_eq(rows[0].name, "one");
	gh_options_free(&option_rows);
	free(rows);
	theirs.commands = NULL;
	theirs.subject = subject;
	ck_assert_int_eq(adopt(&theirs, &ours, &error), 0);
	ck_assert_ptr_null(ours.commands);
}
END_TEST

/* Rows as an earlier edition may have had them: what is behind the default is missing. */
START_TEST(narrow_stride)
{
	static const struct narrow {
		const char *name;
		uint32_t type, flags;
		size_t offset, field_size;
		const char *standard;
	} narrow[] = {
		{ "word", GH_STRING, 0, offsetof(struct config, word), sizeof(char *), "default" },
		{ .name = NULL },
	};
	struct gh_plugin theirs = GOOD, ours;
	struct gh_error error = { 0 };

	theirs.options = (const struct gh_option *)(const void *)narrow;
	theirs.option_stride = sizeof(narrow[0]);
	ck_assert_msg(adopt(&theirs, &ours, &error) == 0, "%s", error.text);
}
END_TEST

/* Commands that are longer than ours: at our stride the second one would be no command. */
START_TEST(command_stride)
{
	static const struct wide {
		struct gh_command command;
		const void *more[2];
	} wide[] = {
		{ { .name = "first", .help = "one", .run = run }, { "Not a name!", "" } },
		{ { .name = "second", .help = "two", .run = run }, { "Not a name!", "" } },
		{ { .name = NULL }, { NULL, NULL } },
	};
	struct gh_plugin theirs = GOOD, ours;
	struct gh_error error = { 0 };

	theirs.commands = &wide[0].command;
	theirs.command_stride = sizeof(wide[0]);
	ck_assert_msg(adopt(&theirs, &ours, &error) == 0, "%s", error.text);
	ck_assert_ptr_eq(ours.create, create);
}
END_TEST

/* A descriptor of 0.1 ends before the commands; what lies behind it is somebody else's. */
START_TEST(edition_0_1)
{
	struct gh_plugin theirs = GOOD, ours;
	struct gh_error error = { 0 };

	theirs.abi = 1;
	theirs.size = offsetof(struct gh_plugin, command_stride);
	memset((char *)&theirs + theirs.size, 0xa5, sizeof(theirs) - theirs.size);
	ck_assert_msg(adopt(&theirs, &ours, &error) == 0, "%s", error.text);
	ck_assert_ptr_eq(ours.authorize, authorize);
	ck_assert_ptr_null(ours.alone);
	ck_assert_ptr_null(ours.handshake);
	ck_assert_ptr_null(ours.psk);
	ck_assert_ptr_null(ours.publish);
	ck_assert_ptr_null(ours.subject);
	ck_assert_ptr_null(ours.barrier);
	ck_assert_ptr_null(ours.store);
}
END_TEST

/* A store comes in this broker's shape, and is enough by itself. */
START_TEST(with_store)
{
	struct gh_store store = STORE;
	struct gh_plugin theirs = GOOD, ours;
	struct gh_error error = { 0 };

	theirs.accept = NULL;
	theirs.authorize = NULL;
	theirs.store = &store;
	ck_assert_msg(adopt(&theirs, &ours, &error) == 0, "%s", error.text);
	ck_assert_ptr_eq(ours.store, &kept_store);
	ck_assert_uint_eq(kept_store.size, sizeof(kept_store));
	ck_assert_ptr_eq(kept_store.fetch, fetch);
	theirs.flags = GH_BLOCKING | GH_CONCURRENT;
	ck_assert_int_eq(adopt(&theirs, &ours, &error), 0);
}
END_TEST

/* What a later edition has behind its end isn't looked at. */
START_TEST(longer_store)
{
	struct {
		struct gh_store store;
		void *more[4];
	} wide = { .store = STORE, .more = { &wide, &wide, &wide, &wide } };
	struct gh_plugin theirs = GOOD, ours;
	struct gh_error error = { 0 };

	wide.store.size = sizeof(wide);
	theirs.store = &wide.store;
	ck_assert_msg(adopt(&theirs, &ours, &error) == 0, "%s", error.text);
	ck_assert_ptr_eq(ours.store, &kept_store);
	ck_assert_uint_eq(kept_store.size, sizeof(kept_store));
	ck_assert_ptr_eq(kept_store.load, load);
}
END_TEST

static void refused(const struct gh_plugin *theirs, const char *a, const char *b)
{
	struct gh_plugin ours;
	struct gh_error error = { 0 };

	ck_assert_int_eq(adopt(theirs, &ours, &error), GH_EINVAL);
	ck_assert_msg(strstr(error.text, a) && strstr(error.text, b), "%s", error.text);
	ck_assert_uint_eq(ours.size, 0xffffffff); /* untouched */
}

#define CHANGED(change, a, b) bad = good, change, refused(&bad, a, b)

/* Whether there is something behind the end that it tells or not. */
START_TEST(store_lacks)
{
	struct gh_store store = STORE;
	struct gh_plugin good = GOOD, bad;

#define WITHOUT(change, what) store = (struct gh_store)STORE, change, refused(&good, "lacks", what)
	good.store = &store;
	WITHOUT(store.load = NULL, "'store.load'");
	WITHOUT(store.put = NULL, "'store.put'");
	WITHOUT(store.erase = NULL, "'store.erase'");
	WITHOUT(store.fetch = NULL, "'store.fetch'");
	WITHOUT(store.size = 0, "'store.load'");
	WITHOUT(store.size = sizeof(store.size), "'store.load'");
	WITHOUT(store.size = offsetof(struct gh_store, put), "'store.put'");
	WITHOUT(store.size = offsetof(struct gh_store, erase) + 1, "'store.erase'");
	WITHOUT(store.size = offsetof(struct gh_store, fetch), "'store.fetch'");
	WITHOUT(store.size = sizeof(store) - 1, "'store.fetch'");
	store = (struct gh_store)STORE;
	good.accept = NULL;
	CHANGED(bad.flags = GH_BLOCKING, "GH_CONCURRENT", "'store'");
	CHANGED((bad.flags = GH_BLOCKING, bad.barrier = barrier), "GH_CONCURRENT", "'barrier'");
	CHANGED((bad.flags = GH_BLOCKING, bad.psk = psk), "GH_CONCURRENT", "'psk'");
}
END_TEST

START_TEST(refusals)
{
	struct gh_plugin good = GOOD, bad;

	CHANGED(bad.abi = GH_ABI + 1, "0.3", "0.2");
	CHANGED(bad.abi = GH_ABI + 0x10000, "1.2", "0.2");
	CHANGED(bad.size = 8, "cut short", "8 bytes");
	CHANGED(bad.flags = 0x100, "0x100", "flags");
	CHANGED(bad.create = NULL, "lacks", "'create'");
	CHANGED(bad.destroy = NULL, "lacks", "'destroy'");
	CHANGED(bad.name = NULL, "lacks", "'name'");
	CHANGED(bad.version = NULL, "lacks", "'version'");
	CHANGED(bad.name = "other", "'other'", "name");
	CHANGED((bad.accept = NULL, bad.authorize = NULL), "lacks a hook", "store");
	CHANGED(bad.exchange = exchange, "lacks", "'exchange_end'");
	CHANGED(bad.flags = GH_BLOCKING, "GH_CONCURRENT", "'accept'");
	CHANGED(bad.config_size = 4, "word", "");
	CHANGED(bad.commands = no_help, "'one'", "lacks 'help'");
	CHANGED((bad.commands = commands, bad.command_stride = 0), "rows of commands", "0 bytes");
	CHANGED(bad.option_stride = 8, "8 bytes", "expected at least");
	CHANGED(bad.option_stride = sizeof(struct gh_option) + 1, "bytes", "expected");
}
END_TEST

GH_TEST_MAIN("hook/plugin", shorter, longer, stride, with_commands, narrow_stride, command_stride,
	     edition_0_1, with_store, longer_store, store_lacks, refusals)
