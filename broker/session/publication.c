/* SPDX-License-Identifier: Apache-2.0 */
/* An application message as the broker keeps it. */
#include "session/publication.h"

#include "hook/snapshot.h"
#include "mqtt/property.h"

#include <stdlib.h>
#include <string.h>

static uint8_t *put(uint8_t *at, const void *p, size_t n)
{
	if (n)
		memcpy(at, p, n);
	return at + n;
}

static uint8_t *put_properties(uint8_t *at, const struct gh_publication_facts *facts)
{
	if (facts->forward_n == facts->properties.n)
		return put(at, facts->properties.p, facts->properties.n);
	if (facts->forward_n)
		return at + gh_property_forward(facts->properties, at);
	return at;
}

struct gh_publication *gh_publication_new(const struct gh_publication_facts *facts)
{
	size_t size = facts->payload.n + facts->forward_n + facts->topic.n + facts->origin.n;
	struct gh_publication *p = malloc(sizeof(*p) + size);
	uint8_t *at;

	if (!p)
		return NULL;
	atomic_init(&p->refs, 1);
	atomic_init(&p->superseded, false);
	atomic_init(&p->author_checked, 0);
	p->payload_n = (uint32_t)facts->payload.n;
	p->topic_n = (uint16_t)facts->topic.n;
	p->origin_n = (uint16_t)facts->origin.n;
	p->qos = facts->qos;
	p->retain = facts->retain;
	p->is_text = facts->is_text;
	p->expires_at = facts->expires_at;
	p->author = facts->author ? gh_snapshot_ref(facts->author) : NULL;
	at = put(p->bytes, facts->payload.p, facts->payload.n);
	p->properties_n = (uint32_t)(put_properties(at, facts) - at);
	at = put(at + p->properties_n, facts->topic.p, facts->topic.n);
	put(at, facts->origin.p, facts->origin.n);
	return p;
}

struct gh_publication *gh_publication_ref(struct gh_publication *publication)
{
	atomic_fetch_add_explicit(&publication->refs, 1, memory_order_relaxed);
	return publication;
}

void gh_publication_unref(struct gh_publication **publication)
{
	struct gh_publication *p = *publication;

	*publication = NULL;
	/* Release and acquire: whoever frees it sees it as all others left it. */
	if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (p->author)
		gh_snapshot_unref(&p->author);
	free(p);
}

size_t gh_publication_cost(const struct gh_publication *p)
{
	return sizeof(*p) + p->payload_n + p->properties_n + p->topic_n + p->origin_n;
}
