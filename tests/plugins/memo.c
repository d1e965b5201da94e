/* SPDX-License-Identifier: Apache-2.0 */
/* memo: keeps what its command says, and tells what was kept when it was created. */
#include <gatehouse/plugin.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct note {
	struct note *next;
	char text[];
};
struct memo {
	struct gh_host *host;
	struct note *first, **last;
	int recalled, kept; /* what gh_recall() said; and gh_keep() in create */
};
struct config {
	bool early;
};

static void hear(void *arg, struct gh_bytes key, struct gh_bytes value)
{
	struct memo *memo = arg;
	struct note *note = calloc(1, sizeof(*note) + key.n + value.n + 2);

	if (!note)
		return;
	sprintf(note->text, "%.*s=%.*s", (int)key.n, (const char *)key.p, (int)value.n,
		(const char *)value.p);
	*memo->last = note;
	memo->last = &note->next;
}

static int keep(void *instance, size_t count, const char *const *arguments, struct gh_reply *reply)
{
	struct memo *memo = instance;
	struct gh_bytes key = { 0 }, value = { 0 };
	int rc;

	if (count > 0)
		key = (struct gh_bytes){ arguments[0], strlen(arguments[0]) };
	if (count > 1)
		value = (struct gh_bytes){ arguments[1], strlen(arguments[1]) };
	rc = gh_keep(memo->host, key, value);
	gh_reply_field(reply, "rc", "%d", rc);
	gh_reply_field(reply, "late-recall", "%d", gh_recall(memo->host, hear, memo));
	return 0;
}

/* Key and value of these lengths. */
static int keep_many(void *instance, size_t count, const char *const *arguments,
		     struct gh_reply *reply)
{
	struct memo *memo = instance;
	unsigned long keys = count > 0 ? strtoul(arguments[0], NULL, 10) : 0;
	struct gh_bytes key, value = { NULL, count > 1 ? strtoul(arguments[1], NULL, 10) : 0 };
	char name[32], *bytes = calloc(1, value.n + 1);
	int rc = 0;

	value.p = bytes;
	for (unsigned long i = 0; i < keys && !rc; i++) {
		sprintf(name, "k%lu", i);
		key = (struct gh_bytes){ name, strlen(name) };
		rc = gh_keep(memo->host, key, value);
		if (rc)
			gh_reply_field(reply, "at", "%lu", i);
	}
	gh_reply_field(reply, "rc", "%d", rc);
	free(bytes);
	return 0;
}

static int list(void *instance, size_t count, const char *const *arguments, struct gh_reply *reply)
{
	struct memo *memo = instance;

	(void)count, (void)arguments;
	gh_reply_field(reply, "recall", "%d", memo->recalled);
	gh_reply_field(reply, "keep", "%d", memo->kept);
	for (struct note *note = memo->first; note; note = note->next) {
		gh_reply_row(reply);
		gh_reply_field(reply, "note", "%s", note->text);
	}
	return 0;
}

static int create(struct gh_host *host, const void *config, void *previous, void **instance_r,
		  struct gh_error *error)
{
	const struct config *c = config;
	struct memo *memo = calloc(1, sizeof(*memo));

	(void)previous, (void)error;
	if (!memo)
		return GH_EIO;
	memo->host = host;
	memo->last = &memo->first;
	memo->recalled = gh_recall(host, hear, memo);
	if (c->early)
		memo->kept = gh_keep(host, (struct gh_bytes){ "early", 5 },
				     (struct gh_bytes){ "yes", 3 });
	*instance_r = memo;
	return 0;
}

static void destroy(void *instance)
{
	struct memo *memo = instance;

	gh_keep(memo->host, (struct gh_bytes){ "last", 4 }, (struct gh_bytes){ "words", 5 });
	while (memo->first) {
		struct note *next = memo->first->next;

		free(memo->first);
		memo->first = next;
	}
	free(memo);
}

static const struct gh_option options[] = {
	GH_OPTION(struct config, early, GH_BOOL, "keep something in create", .standard = "no"), { 0 }
};

static const struct gh_command commands[] = {
	{ "keep", "KEY [VALUE]", "keep it, or forget it", GH_CMD_WRITE, keep },
	{ "many", "KEYS BYTES", "keep so many", GH_CMD_WRITE, keep_many },
	{ "list", NULL, "what was kept when it was created", 0, list },
	{ 0 }
};

GH_PLUGIN(memo) = {
	GH_HEAD,
	.name = "memo",
	.version = "1",
	.summary = "keeps what its command says",
	.config_size = sizeof(struct config),
	.options = options,
	.commands = commands,
	.create = create,
	.destroy = destroy,
};
