/* SPDX-License-Identifier: Apache-2.0 */
/* An application message as the broker keeps it: immutable, counted, shared by queues, windows,
 * workers and the store. */
#ifndef GH_SESSION_PUBLICATION_H
#define GH_SESSION_PUBLICATION_H

#include <gatehouse/types.h>

#include <stdatomic.h>

struct gh_snapshot; /* hook/snapshot.h */

/*
 * One allocation: topic, payload, properties and origin stand behind the struct. Everything but the
 * three atomics is written by gh_publication_new() alone and may be read by any thread that holds a
 * reference.
 */
struct gh_publication {
	atomic_uint refs;
	/* Set by the retained store once another message, or none, has taken this one's place. A
	 * delivery of a retained message that has waited (backlog.h) is dropped when it reads true:
	 * the newer one was routed to the subscriber. */
	atomic_bool superseded;
	/* Policy generation under which the author was last found entitled; 0: never asked. The
	 * caller's to use. */
	atomic_uint author_checked;
	uint32_t payload_n;
	uint32_t properties_n;
	uint16_t topic_n;
	uint16_t origin_n;
	uint8_t qos;                /* as published */
	bool retain;                /* as published */
	bool is_text;               /* payload format indicator 1 */
	uint64_t expires_at;        /* monotonic ms (gh_clock_ms), 0: never */
	struct gh_snapshot *author; /* a reference; NULL: nobody (the broker itself) */
	uint8_t bytes[];            /* payload, properties, topic, origin */
};

/* What a new one is made of; all is copied. */
struct gh_publication_facts {
	struct gh_str topic; /* valid, at most 65,535 bytes */
	struct gh_bytes payload;
	struct gh_bytes properties; /* raw; gh_property_forwarded() ones are kept */
	struct gh_str origin;       /* client id of the publisher, for no-local; n 0: none */
	size_t forward_n;           /* gh_message_properties.forward_n: bytes of those kept */
	uint8_t qos;
	bool retain;
	bool is_text;
	uint64_t expires_at;
	struct gh_snapshot *author; /* a reference of its own is taken; may be NULL */
};

/* One reference, the caller's. NULL when memory is out: its size is what a peer sent, so that is
 * no reason to abort. */
struct gh_publication *gh_publication_new(const struct gh_publication_facts *facts);

/* Any thread. ref returns its argument. unref accepts NULL and leaves NULL; the last one frees
 * and unrefs the author. */
struct gh_publication *gh_publication_ref(struct gh_publication *publication);
void gh_publication_unref(struct gh_publication **publication);

/* Bytes that it takes in memory, the author aside: what queues and the store are charged. */
size_t gh_publication_cost(const struct gh_publication *publication);

static inline struct gh_bytes gh_publication_payload(const struct gh_publication *p)
{
	return (struct gh_bytes){ p->bytes, p->payload_n };
}

/* The forwarded ones only, as encoded, in their order: gh_publish_head.forward. */
static inline struct gh_bytes gh_publication_properties(const struct gh_publication *p)
{
	return (struct gh_bytes){ p->bytes + p->payload_n, p->properties_n };
}

static inline struct gh_str gh_publication_topic(const struct gh_publication *p)
{
	return (struct gh_str){ (const char *)p->bytes + p->payload_n + p->properties_n, p->topic_n };
}

static inline struct gh_str gh_publication_origin(const struct gh_publication *p)
{
	return (struct gh_str){ (const char *)p->bytes + p->payload_n + p->properties_n + p->topic_n,
				p->origin_n };
}

/* now: monotonic ms. An expired message must not be begun to be delivered [MQTT-3.3.2-5]. */
static inline bool gh_publication_expired(const struct gh_publication *p, uint64_t now)
{
	return p->expires_at && p->expires_at <= now;
}

/* Whole seconds that remain, rounded up, never 0 while it isn't expired [MQTT-3.3.2-6]. Only if
 * expires_at is set. */
static inline uint32_t gh_publication_remaining(const struct gh_publication *p, uint64_t now)
{
	return p->expires_at <= now ? 0 : (uint32_t)((p->expires_at - now + 999) / 1000);
}

#endif
