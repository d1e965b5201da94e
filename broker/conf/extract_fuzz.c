/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: settings of one instance as they came to its process. What is taken is sent on as the same bytes. */
#include "base/str.h"
#include "conf/extract.h"
#include "conf/option.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct server {
	const char *name, *url;
};
struct config {
	int64_t number;
	const char *text;
	struct gh_list words, servers;
};

static const struct gh_option server_rows[] = {
	GH_OPTION(struct server, name, GH_STRING, "name"),
	GH_OPTION(struct server, url, GH_URL, "url", .flags = GH_REQUIRED),
	{ 0 },
};
static const struct gh_option rows[] = {
	GH_OPTION(struct config, number, GH_INT, "number", .min = "-5", .max = "64"),
	GH_OPTION(struct config, text, GH_STRING, "text", .max = "8"),
	GH_OPTION(struct config, words, GH_STRINGS, "words", .max = "3"),
	GH_OPTION(struct config, servers, GH_TABLE, "servers", .rows = server_rows,
		  .row_size = sizeof(struct server)),
	{ 0 },
};

static void must(bool truth)
{
	if (!truth)
		abort();
}

static void fill(const struct gh_plugin_settings *plugin)
{
	struct gh_section *section = NULL;
	struct gh_error error = { 0 };

	must(gh_conf_locate(plugin->section, "servers.0.url") != NULL);
	if (gh_section_fill(plugin->section, &plugin->place, rows, sizeof(struct config), &section,
			    &error) < 0) {
		must(*error.text && !section);
		return;
	}
	gh_section_free(&section);
}

static void check(const struct gh_settings *settings)
{
	const struct gh_listener_settings *listener = settings->listeners;

	must(settings->workers == 1 && settings->listener_count == 1 && settings->plugin_count == 1);
	must(settings->log.level >= GH_LOG_ERROR && settings->log.level <= GH_LOG_DEBUG);
	for (size_t i = 0; i < listener->class_count; i++)
		must(gh_settings_has_class(settings, listener->classes[i].name));
	must(gh_plugin_settings_same(settings->plugins, settings->plugins));
	fill(settings->plugins);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gh_error error = { 0 };
	struct gh_unpack in = gh_unpack((struct gh_bytes){ data, size }, &error);
	struct gh_settings *settings = gh_settings_extracted(&in);
	struct gh_buf again = { 0 };
	size_t used = size - gh_unpack_left(&in);

	if (!settings) {
		must(in.rc < 0 && *error.text);
		return 0;
	}
	must(in.rc == 0);
	check(settings);
	gh_settings_extract(&again, settings, settings->plugins);
	must(again.n == used && memcmp(again.p, data, used) == 0);
	gh_buf_done(&again);
	gh_settings_free(&settings);
	return 0;
}
