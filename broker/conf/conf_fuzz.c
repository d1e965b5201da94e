/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: a configuration file, and the sections of its plugins by a table that has every type but secrets. */
#include "base/buf.h"
#include "conf/option.h"
#include "conf/settings.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct server {
	const char *name, *url;
};
struct config {
	bool flag;
	int64_t number, word;
	uint64_t size, time;
	double real;
	const char *text, *path, *url;
	struct gh_list words, servers;
};

static const struct gh_option server_rows[] = {
	GH_OPTION(struct server, name, GH_STRING, "name"),
	GH_OPTION(struct server, url, GH_URL, "url", .flags = GH_REQUIRED),
	{ 0 },
};
static const struct gh_option rows[] = {
	GH_OPTION(struct config, flag, GH_BOOL, "flag", .standard = "yes"),
	GH_OPTION(struct config, number, GH_INT, "number", .min = "-5", .max = "64",
		  .flags = GH_UNLIMITED),
	GH_OPTION(struct config, word, GH_ENUM, "word", .unit = "deny|next|never"),
	GH_OPTION(struct config, size, GH_SIZE, "size", .max = "1M"),
	GH_OPTION(struct config, time, GH_DURATION, "time", .min = "1s", .standard = "1s",
		  .flags = GH_UNLIMITED),
	GH_OPTION(struct config, real, GH_FLOAT, "real", .max = "1"),
	GH_OPTION(struct config, text, GH_STRING, "text", .max = "8"),
	GH_OPTION(struct config, path, GH_PATH, "path", .standard = "passwd"),
	GH_OPTION(struct config, url, GH_URL, "url"),
	GH_OPTION(struct config, words, GH_STRINGS, "words", .standard = "a, b", .max = "3"),
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
	const struct config *config;

	if (gh_section_fill(plugin->section, &plugin->place, rows, sizeof(struct config), &section,
			    &error) < 0) {
		must(*error.text && !section);
		return;
	}
	config = gh_section_config(section);
	must(config->number == INT64_MAX || (config->number >= -5 && config->number <= 64));
	must(config->word >= 0 && config->word <= 2);
	must(config->size <= 1 << 20 && config->time >= 1000 && config->real <= 1);
	must(*config->path == '/' && config->words.count <= 3);
	gh_section_free(&section);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gh_settings *settings = NULL;
	struct gh_error error = { 0 };

	if (gh_settings_parse("fuzz.yaml", data, size, &settings, &error) < 0) {
		must(*error.text && !settings);
		return 0;
	}
	must(settings->listener_count > 0 && settings->workers >= 1 && settings->workers <= 64);
	for (size_t i = 0; i < settings->listener_count; i++) {
		const struct gh_listener_settings *listener = &settings->listeners[i];

		must(listener->authenticate.open || listener->authenticate.count > 0);
		must(listener->authorize.open || listener->authorize.count > 0);
		must(listener->limits.packet_size_before_login <= listener->limits.packet_size);
	}
	for (size_t i = 0; i < settings->plugin_count; i++)
		fill(&settings->plugins[i]);
	gh_settings_free(&settings);
	return 0;
}
