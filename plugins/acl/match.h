/* SPDX-License-Identifier: Apache-2.0 */
/* The decision: the first rule that matches. What the broker, gatehouse-acl(1) and explain ask. Pure. */
#ifndef GH_ACL_MATCH_H
#define GH_ACL_MATCH_H

#include <gatehouse/plugin.h>
#include "index.h"

struct acl_decision {
	const struct acl_rule *rule; /* that decides; NULL: none matches, which denies */
	bool allow;
	bool keeps;  /* it holds for this client, action and topic, whatever the message */
	bool covers; /* an allowed SUBSCRIBE: every delivery under the filter is allowed too */
	bool unsuitable; /* a DENY for all topics: a value of this client can't be put into the rule's */
	uint8_t max_qos; /* of an allowed SUBSCRIBE; 2 else */
};

/* Allocates nothing, takes no lock, any thread. The topic has passed gh_topic_name_valid() or, to SUBSCRIBE,
 * gh_topic_filter_valid(). */
void acl_decide(const struct acl_index *index, const struct gh_authorize *in,
		struct acl_decision *decision_r);

/* The rule that would allow what decide() denies if the client id were bound to the identity; NULL: none. */
const struct acl_rule *acl_if_bound(const struct acl_index *index, const struct gh_authorize *in);

/* One line for people: why it is so. */
void acl_explain(const struct acl_index *index, const struct gh_authorize *in,
		 const struct acl_decision *decision, char *text_r, size_t size);

#endif
