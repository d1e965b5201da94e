/* SPDX-License-Identifier: Apache-2.0 */
/* hoard: a store that keeps nothing, and does wrong what the owner's name says. */
#include <gatehouse/plugin.h>
#include <stdlib.h>
#include <string.h>

struct config {
	const char *load;
};

struct hoard {
	struct gh_host *host;
	const struct config *config;
};

static bool is(struct gh_str text, const char *s)
{
	return text.n == strlen(s) && memcmp(text.p, s, text.n) == 0;
}

static struct gh_record record_of(uint32_t kind, const char *owner, const char *key)
{
	struct gh_record record = { .size = sizeof(record), .kind = kind };

	record.owner = (struct gh_str){ owner, strlen(owner) };
	record.key = (struct gh_bytes){ key, strlen(key) };
	return record;
}

static void told(const struct hoard *hoard, const char *what, int rc)
{
	gh_log(hoard->host, GH_LOG_INFO, "%s: %d", what, rc);
}

static void load_queue(const struct hoard *hoard, struct gh_sink *sink)
{
	struct gh_record record = record_of(GH_REC_QUEUED, "joe", "2");

	told(hoard, "uncounted", gh_sink_put(sink, &record));
	record.count = 2;
	record.value = (struct gh_bytes){ "x", 1 };
	told(hoard, "with value", gh_sink_put(sink, &record));
	record.value.n = 0;
	told(hoard, "right", gh_sink_put(sink, &record));
	told(hoard, "again", gh_sink_put(sink, &record));
}

static int load(void *instance, struct gh_sink *sink)
{
	const struct hoard *hoard = instance;
	struct gh_record record = record_of(0, "joe", "a");
	const char *how = hoard->config->load;

	if (strcmp(how, "later") == 0)
		return gh_sink_pend(sink).id ? 0 : GH_LATER;
	if (strcmp(how, "fail") == 0)
		return GH_EIO;
	told(hoard, "kindless", gh_sink_put(sink, &record));
	record.kind = 77;
	record.size = offsetof(struct gh_record, count); /* what is behind that isn't there */
	record.count = SIZE_MAX;
	told(hoard, "short", gh_sink_put(sink, &record));
	load_queue(hoard, sink);
	gh_sink_end(sink, 0);
	record.size = 0;
	if (strcmp(how, "nothing") == 0)
		told(hoard, "nothing", gh_sink_put(sink, NULL));
	if (strcmp(how, "sizeless") == 0)
		told(hoard, "sizeless", gh_sink_put(sink, &record));
	record.size = sizeof(record);
	told(hoard, "after that", gh_sink_put(sink, &record));
	return 0;
}

static int change(void *instance, const struct gh_record *record)
{
	(void)instance;
	return is(record->owner, "later") ? GH_LATER : 0;
}

static void tell(const struct hoard *hoard, const struct gh_record *after, const char *key,
		 struct gh_sink *sink)
{
	struct gh_record record = record_of(after->kind, "", key);

	record.owner = after->owner;
	told(hoard, key, gh_sink_put(sink, &record));
}

static int fetch(void *instance, const struct gh_record *after, uint32_t limit, struct gh_sink *sink)
{
	const struct hoard *hoard = instance;
	struct gh_record other = record_of(after->kind, "somebody", "z");

	if (is(after->owner, "unticketed"))
		return GH_LATER;
	if (is(after->owner, "late")) {
		tell(hoard, after, "x", sink);
		return gh_sink_pend(sink).id == gh_sink_pend(sink).id ? GH_LATER : GH_EIO;
	}
	if (is(after->owner, "void"))
		return gh_sink_pend(sink).id ? 0 : GH_EIO;
	if (is(after->owner, "unknown"))
		return 2;
	if (is(after->owner, "flood")) {
		other.owner = after->owner;
		for (unsigned i = 0; i < 100 && gh_sink_put(sink, &other) == 0; i++)
			limit = i;
		told(hoard, "flood", (int)limit);
		return 0;
	}
	if (is(after->owner, "somebody"))
		other.kind++;
	told(hoard, "z", gh_sink_put(sink, &other));
	tell(hoard, after, is(after->owner, "order") ? "a" : "zz", sink);
	tell(hoard, after, "zzz", sink);
	return 0;
}

static void destroy(void *instance)
{
	const struct hoard *hoard = instance;

	gh_log(hoard->host, GH_LOG_INFO, "destroy");
	free(instance);
}

static int create(struct gh_host *host, const void *config, void *previous, void **instance_r,
		  struct gh_error *error)
{
	struct hoard *hoard = calloc(1, sizeof(*hoard));

	(void)previous, (void)error;
	if (!hoard)
		return GH_EIO;
	hoard->host = host;
	hoard->config = config;
	told(hoard, "keep", gh_keep(host, (struct gh_bytes){ "k", 1 }, (struct gh_bytes){ "v", 1 }));
	*instance_r = hoard;
	return 0;
}

static void *thread_start(void *instance)
{
	gh_log(((struct hoard *)instance)->host, GH_LOG_INFO, "thread start");
	return instance;
}

static void thread_stop(void *instance, void *local)
{
	gh_log(((struct hoard *)instance)->host, GH_LOG_INFO, "thread stop%s",
	       local == instance ? "" : " of another");
}

static const struct gh_option options[] = {
	GH_OPTION(struct config, load, GH_STRING, "how it loads", .standard = "wrongly"), { 0 }
};

static const struct gh_store store = {
	.size = sizeof(store),
	.load = load,
	.put = change,
	.erase = change,
	.fetch = fetch,
};

GH_PLUGIN(hoard) = {
	GH_HEAD,
	.flags = GH_BLOCKING | GH_CONCURRENT,
	.name = "hoard",
	.version = "1",
	.summary = "a store that does it wrong",
	.config_size = sizeof(struct config),
	.options = options,
	.create = create,
	.thread_start = thread_start,
	.thread_stop = thread_stop,
	.destroy = destroy,
	.store = &store,
};
