/* SPDX-License-Identifier: Apache-2.0 */
/* The filters of one worker: which subscribers does a topic have? */
#ifndef GH_ROUTE_INDEX_H
#define GH_ROUTE_INDEX_H

#include "base/buf.h"
#include "route/interest.h"
#include "session/session.h"

/*
 * A tree by topic level. A node's literal children are found in one hash table of edges for the
 * whole tree, its children '+' and '#' by direct links; the text of a level is kept once, counted.
 * Nodes that carry nothing are freed. Nothing here recurses, and the cost of a call depends on the
 * levels of its argument (and on the matches), not on how many filters there are. How many levels a
 * filter may have is the caller's limit to set; any number works.
 *
 * One worker. All memory is the index's; it isn't given back before gh_index_free(), but used
 * again.
 */
struct gh_index;

/* interest: filters are entered there and removed by the index itself, as `worker`; NULL:
 * nowhere (a single worker). */
struct gh_index *gh_index_new(const struct gh_hash_key *key, struct gh_interest *interest,
			      unsigned worker);
/* Subscribers that are left are freed; sessions' lists aren't touched any more. Accepts NULL. */
void gh_index_free(struct gh_index **index);

/*
 * The session's subscription to `filter`; made if it isn't there (*new_r, then with all options 0),
 * and then in session->subscriptions. The caller sets the options, at once or later, new or not
 * [MQTT-3.8.4-3]. share: filter is the whole $share/GROUP/FILTER; it never matches a topic here.
 */
struct gh_subscriber *gh_index_add(struct gh_index *index, struct gh_session *session,
				   struct gh_str filter, bool share, bool *new_r);
/* NULL: the session has no such subscription. */
struct gh_subscriber *gh_index_find(const struct gh_index *index, const struct gh_session *session,
				    struct gh_str filter, bool share);
/* A shared group of this worker: one entry for all its members. (By route/shared.c.) */
struct gh_subscriber *gh_index_add_group(struct gh_index *index, struct gh_group *group,
					 struct gh_str filter);

/* Frees it, taking it out of its session's list. Not while a match is reported. */
void gh_index_remove(struct gh_index *index, struct gh_subscriber *subscriber);

/* Appends its filter (with $share/GROUP/ if share). */
void gh_index_filter(const struct gh_index *index, const struct gh_subscriber *subscriber,
		     struct gh_buf *out);

/* Calls fn for each subscriber whose filter matches [MQTT-4.7.1-1 to -3, 4.7.2-1, 4.7.3-4], in
 * no particular order; one with overlapping filters comes more than once. fn must not change the
 * index. */
typedef void gh_index_fn(void *arg, struct gh_subscriber *subscriber);
void gh_index_match(struct gh_index *index, struct gh_str topic, gh_index_fn *fn, void *arg);

size_t gh_index_count(const struct gh_index *index); /* subscribers, groups included */
size_t gh_index_bytes(const struct gh_index *index); /* memory it has taken */

#endif
