/* SPDX-License-Identifier: Apache-2.0 */
/* Host calls of an isolated module that are the broker's to do: one-way frames. */
#include "base/mem.h"
#include "base/str.h"
#include "hook/acts.h"
#include "hook/host.h"
#include "hook/isolated_priv.h"
#include "hook/keep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG_MAX 4096u /* bytes of a line */

static struct gh_isolated *isolated_of(struct gh_host *host)
{
	struct gh_instance *instance = (struct gh_instance *)(void *)host;

	return instance->hooks->arg;
}

static struct gh_bytes bytes_of(const char *s)
{
	return (struct gh_bytes){ s ? s : "", s ? strlen(s) : 0 };
}

void gh_isolated_log(void *arg, enum gh_level level, const char *fmt, va_list ap)
{
	struct gh_buf frame = gh_link_begin(GH_LINK_LOG);
	char text[LOG_MAX];
	int n = vsnprintf(text, sizeof(text), fmt, ap);

	if (n >= (int)sizeof(text))
		n = sizeof(text) - 1;
	gh_pack_number(&frame, level);
	gh_pack_bytes(&frame, (struct gh_bytes){ text, n > 0 ? (size_t)n : 0 });
	gh_isolated_put(arg, &frame, false);
}

/* ---- figures ---- */

static struct gh_metric metric(struct gh_host *host, uint32_t kind, const char *name,
			       const char *labels, const char *help)
{
	struct gh_isolated *isolated = isolated_of(host);
	struct gh_metric made = gh_host_table.metric(host, kind, name, labels, help);
	struct gh_buf frame = gh_link_begin(GH_LINK_METRIC);

	if (!made.id) {
		gh_buf_done(&frame);
		return made;
	}
	gh_pack_number(&frame, kind);
	gh_pack_bytes(&frame, bytes_of(name));
	gh_pack_bytes(&frame, bytes_of(labels));
	gh_pack_bytes(&frame, bytes_of(help));
	gh_isolated_put(isolated, &frame, true);
	return made;
}

static void metric_add(struct gh_host *host, struct gh_metric handle, double value)
{
	struct gh_instance *instance = (struct gh_instance *)(void *)host;
	struct gh_buf frame;
	unsigned index;

	if (!gh_host_metric_index(instance, handle, &index))
		return;
	frame = gh_link_begin(GH_LINK_ADD);
	gh_pack_number(&frame, index);
	gh_buf_add(&frame, &value, sizeof(value));
	gh_isolated_put(isolated_of(host), &frame, false);
}

static int metrics_each(struct gh_host *host, gh_sample_fn *fn, void *arg)
{
	(void)host, (void)fn, (void)arg;
	return GH_ENOTSUP;
}

/* ---- what lasts ---- */

static void barrier_end(struct gh_host *host, struct gh_barrier barrier, int rc)
{
	struct gh_buf frame = gh_link_begin(GH_LINK_BARRIER_END);

	/* Whatever isn't 0 doesn't say that it is safe. */
	if (rc > 0 || rc < -0xffff)
		rc = GH_EIO;
	gh_pack_number(&frame, barrier.id);
	gh_pack_number(&frame, (uint64_t)-rc);
	gh_isolated_put(isolated_of(host), &frame, true);
}

struct kept {
	struct gh_node node;
	struct gh_bytes key, value;
	uint8_t text[];
};

void gh_isolated_kept(struct gh_isolated *isolated, struct gh_unpack *in)
{
	isolated->keeps = gh_unpack_number(in, "store", 0, 1);
	while (isolated->keeps && gh_unpack_number(in, "more", 0, 1)) {
		struct gh_bytes key = gh_unpack_bytes(in, "key", GH_KEPT_KEY);
		struct gh_bytes value = gh_unpack_bytes(in, "value", GH_KEPT_BYTES);
		struct kept *kept = gh_alloc(sizeof(*kept) + key.n + value.n);

		if (key.n)
			memcpy(kept->text, key.p, key.n);
		if (value.n)
			memcpy(kept->text + key.n, value.p, value.n);
		kept->key = (struct gh_bytes){ kept->text, key.n };
		kept->value = (struct gh_bytes){ kept->text + key.n, value.n };
		gh_list_append(&isolated->kept, &kept->node);
	}
}

void gh_isolated_kept_done(struct gh_isolated *isolated)
{
	gh_list_each(&isolated->kept, it, next)
	{
		gh_list_remove(it);
		free(gh_container(it, struct kept, node));
	}
}

static int recall(struct gh_host *host, gh_recall_fn *fn, void *arg)
{
	struct gh_isolated *isolated = isolated_of(host);

	if (!fn || gh_here()->creating != (struct gh_instance *)(void *)host)
		return GH_EINVAL;
	if (!isolated->keeps)
		return GH_ENOTSUP;
	gh_list_each(&isolated->kept, it, next)
	{
		const struct kept *kept = gh_container(it, struct kept, node);

		fn(arg, kept->key, kept->value);
	}
	return 0;
}

static int keep(struct gh_host *host, struct gh_bytes key, struct gh_bytes value)
{
	struct gh_isolated *isolated = isolated_of(host);
	struct gh_buf frame;

	if (!isolated->keeps)
		return GH_ENOTSUP;
	if (!key.p || !key.n || key.n > GH_KEPT_KEY || (value.n && !value.p))
		return GH_EINVAL;
	if (value.n > GH_KEPT_BYTES)
		return GH_EBUSY;
	frame = gh_link_begin(GH_LINK_KEEP);
	gh_pack_bytes(&frame, key);
	gh_pack_bytes(&frame, value);
	return gh_isolated_put(isolated, &frame, false) ? 0 : GH_EBUSY;
}

void gh_isolated_api_init(struct gh_isolated *isolated)
{
	isolated->api = gh_host_table;
	isolated->api.metric = metric;
	isolated->api.metric_add = metric_add;
	isolated->api.metrics_each = metrics_each;
	isolated->api.barrier_end = barrier_end;
	isolated->api.recall = recall;
	isolated->api.keep = keep;
}

/* ---- acts: checked already ---- */

static int inject(void *arg, const struct gh_instance *by, const struct gh_injection *injection)
{
	struct gh_buf frame = gh_link_begin(GH_LINK_INJECT);

	(void)by;
	gh_pack_number(&frame, injection->expiry);
	gh_carry_message(&frame, injection->message);
	return gh_isolated_put(arg, &frame, false) ? 0 : GH_EBUSY;
}

static int act(struct gh_isolated *isolated, enum gh_link_kind kind, const struct gh_whom *whom,
	       uint32_t number, const char *text)
{
	struct gh_subject subject = { .kind = whom->kind, .number = whom->number, .text = whom->text };
	struct gh_buf frame = gh_link_begin(kind);

	gh_carry_subject(&frame, &subject);
	gh_pack_number(&frame, number);
	gh_pack_number(&frame, text != NULL);
	gh_pack_bytes(&frame, bytes_of(text));
	return gh_isolated_put(isolated, &frame, false) ? 0 : GH_EBUSY;
}

static int disconnect(void *arg, const struct gh_instance *by, const struct gh_whom *whom,
		      uint8_t reason, const char *why)
{
	(void)by;
	return act(arg, GH_LINK_DISCONNECT, whom, reason, why);
}

static int ban(void *arg, const struct gh_instance *by, const struct gh_whom *whom,
	       uint32_t seconds, const char *why)
{
	(void)by;
	return act(arg, GH_LINK_BAN, whom, seconds, why);
}

static int set_class(void *arg, const struct gh_instance *by, const struct gh_whom *whom,
		     const char *name, uint32_t seconds)
{
	(void)by;
	return act(arg, GH_LINK_CLASS, whom, seconds, name);
}

static int recheck(void *arg, const struct gh_whom *whom)
{
	return act(arg, GH_LINK_RECHECK, whom, 0, NULL);
}

static int replay(void *arg, struct gh_instance *to, uint64_t mask)
{
	struct gh_buf frame = gh_link_begin(GH_LINK_REPLAY);

	(void)to;
	gh_pack_number(&frame, mask);
	return gh_isolated_put(arg, &frame, false) ? 0 : GH_EBUSY;
}

const struct gh_acts gh_isolated_acts = { .inject = inject,
					  .disconnect = disconnect,
					  .replay = replay,
					  .recheck = recheck,
					  .ban = ban,
					  .set_class = set_class };
