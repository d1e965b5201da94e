/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json-only: refuses messages whose payload can't be JSON, or is too long. It looks at the outside (an
 * object or array, closed as it was opened, text in between), not at every comma.
 * Shows: a veto on PUBLISH, reason codes, options that create checks itself.
 *
 *   plugins:
 *     json: { module: json-only, topics: ["plant/#"], size: 16k, depth: 8 }
 *   listeners:
 *     ...: { ..., message: [json] }
 */
#include <gatehouse/lib.h>
#include <gatehouse/plugin.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MOST     64
#define FORMAT_INVALID 0x99 /* MQTT 5 reason codes */
#define QUOTA_EXCEEDED 0x97

struct config {
	struct gh_list topics; /* of const char *: filters; none: all topics */
	uint64_t size;
	int64_t depth;
};

/* ---- what is JSON, as far as we look: no hook in here, so it can be tried alone ---- */

/* Behind the string that begins at p; NULL: it doesn't end, or holds a control character. */
static const char *skip_string(const char *p, const char *end)
{
	for (p++; p < end; p++) {
		if ((unsigned char)*p < 0x20)
			return NULL;
		if (*p == '"')
			return p + 1;
		if (*p == '\\' && ++p == end)
			return NULL;
	}
	return NULL;
}

static const char *skip_blank(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
		p++;
	return p;
}

static bool like_json(const char *p, const char *end, size_t depth_most)
{
	char closing[DEPTH_MOST];
	size_t depth = 0;

	p = skip_blank(p, end);
	if (p == end || (*p != '{' && *p != '['))
		return false;
	do {
		if (p == end || *p == 0)
			return false;
		if (*p == '"') {
			p = skip_string(p, end);
			if (!p)
				return false;
			continue;
		}
		if (*p == '{' || *p == '[') {
			if (depth == depth_most)
				return false;
			closing[depth++] = *p == '{' ? '}' : ']';
		} else if (*p == '}' || *p == ']') {
			if (!depth || *p != closing[--depth])
				return false;
		}
		p++;
	} while (depth);
	return skip_blank(p, end) == end;
}

/* ---- the module ---- */

static bool concerned(const struct config *config, struct gh_str topic)
{
	const char *const *filters = config->topics.items;

	for (size_t i = 0; i < config->topics.count; i++)
		if (gh_topic_match((struct gh_str){ filters[i], strlen(filters[i]) }, topic))
			return true;
	return !config->topics.count;
}

static enum gh_verdict veto(struct gh_answer *out, int reason, const char *why)
{
	gh_answer_reason(out, reason);
	gh_answer_why(out, "%s", why);
	return GH_DENY;
}

static enum gh_verdict publish(void *instance, const struct gh_publish *in, struct gh_answer *out)
{
	const struct config *config = instance;
	struct gh_bytes payload = in->message->payload;

	if (!concerned(config, in->message->topic))
		return GH_PASS;
	if (!payload.n) /* takes away what is retained */
		return GH_PASS;
	if (payload.n > config->size)
		return veto(out, QUOTA_EXCEEDED, "the payload is too long");
	if (!like_json(payload.p, (const char *)payload.p + payload.n, (size_t)config->depth))
		return veto(out, FORMAT_INVALID, "the payload isn't JSON");
	return GH_PASS;
}

static int create(struct gh_host *host, const void *config, void *previous, void **instance_r,
		  struct gh_error *error)
{
	const struct config *c = config;
	const char *const *filters = c->topics.items;

	(void)host, (void)previous;
	for (size_t i = 0; i < c->topics.count; i++)
		if (!gh_topic_filter_valid((struct gh_str){ filters[i], strlen(filters[i]) })) {
			gh_fail(error, "topics", "'%s' is no topic filter", filters[i]);
			return GH_EINVAL;
		}
	*instance_r = (void *)config; /* nothing of its own */
	return 0;
}

static void destroy(void *instance)
{
	(void)instance;
}

static const struct gh_option options[] = {
	GH_OPTION(struct config, topics, GH_STRINGS, "filters of the topics that are looked at"),
	GH_OPTION(struct config, size, GH_SIZE, "the longest payload", .standard = "64k", .min = "2"),
	GH_OPTION(struct config, depth, GH_INT, "objects and arrays inside each other",
		  .standard = "16", .min = "1", .max = "64"),
	{ 0 },
};

GH_PLUGIN(json_only) = {
	GH_HEAD,
	.flags = GH_CONCURRENT,
	.name = "json-only",
	.version = "1.0",
	.summary = "refuses payloads that can't be JSON",
	.config_size = sizeof(struct config),
	.options = options,
	.create = create,
	.destroy = destroy,
	.publish = publish,
};
