/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets the messages of a filter: a session by one subscription, or a shared group. An entry
 * of the index. */
#ifndef GH_SESSION_SUBSCRIBER_H
#define GH_SESSION_SUBSCRIBER_H

#include "base/list.h"

#include <gatehouse/types.h>

struct gh_session;
struct gh_group;

/*
 * Lives in the index of one worker (route/index.h), which makes and frees it; its filter is the
 * place where it stands there: gh_index_filter(). A session's entry is also in
 * session->subscriptions. A session's shared subscription stands beside the tree that topics are
 * matched with (`share`): its messages come by way of the group's worker.
 */
struct gh_subscriber {
	union {
		struct gh_session *session; /* !is_group */
		struct gh_group *group;     /* is_group: stands for all its members */
	} who;
	struct gh_node in_session; /* in session->subscriptions; !is_group */
	uint32_t place;            /* the index's own */
	uint32_t rank;             /* the index's own */
	uint32_t id;               /* subscription identifier, 0: none */
	/* "Every delivery under this filter would be allowed" was said under this policy
	 * generation, 0: it wasn't. The owner of the policy sets it, and sets 0 when that verdict's
	 * time is over. */
	uint32_t covered;
	/* Under this policy generation these entries of the authorize list (a bit each) have said
	 * so for themselves, with PASS and with ALLOW; 0: none has. */
	uint32_t judged, cover_pass, cover_allow;
	bool is_group : 1;
	bool share : 1; /* the filter is $share/GROUP/FILTER, of a session */
	bool no_local : 1;
	bool retain_as_published : 1;
	uint8_t qos : 2; /* granted */
	uint8_t retain_handling : 2;
};

#endif
