/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets one message on one worker: each session once, whatever number of its filters match. */
#ifndef GH_ROUTE_MATCH_H
#define GH_ROUTE_MATCH_H

#include "route/index.h"

/* A session that gets it. */
struct gh_target {
	struct gh_session *session;
	uint32_t covered; /* the latest of its filters' gh_subscriber.covered */
	uint8_t qos;      /* the highest granted [MQTT-3.3.4-2]; to be lowered to the message's */
	bool retain_as_published; /* of any of its filters */
	uint16_t id_count;        /* subscription identifiers [MQTT-3.3.4-3, -4], equal ones too */
	uint32_t first_id;        /* the one, if id_count is 1; else gh_match_ids() */
	uint32_t more;            /* the match's own */
};

/* Results are arrays that are used again: valid until the next gh_match_run(). While they are
 * gone through, sessions must not be freed (close and clean up after it) and another message must
 * not be routed. */
struct gh_match {
	struct gh_target *targets;
	uint32_t target_count;
	struct gh_group **groups; /* one member of each gets it [MQTT-4.8.2-4] */
	uint32_t group_count;
	/* The rest is its own. */
	struct gh_index *index;
	struct gh_str origin;
	uint64_t stamp;
	uint32_t target_size, group_size;
	struct gh_match_id *ids;
	uint32_t id_used, id_size;
	struct gh_buf flat;
};

/* One a worker and index: sessions remember its stamp. */
void gh_match_init(struct gh_match *match, struct gh_index *index);
void gh_match_done(struct gh_match *match);

/* origin: client id of the publisher; its own no-local subscriptions are left out
 * [MQTT-3.8.3-3]. n 0: nobody's. */
void gh_match_run(struct gh_match *match, struct gh_str topic, struct gh_str origin);

/* target->id_count identifiers in one piece; valid until the next call for a target of this
 * match. */
const uint32_t *gh_match_ids(struct gh_match *match, const struct gh_target *target);

#endif
