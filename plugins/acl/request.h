/* SPDX-License-Identifier: Apache-2.0 */
/* One question, and what one rule says to it: the columns and conditions but for the topic. Pure. */
#ifndef GH_ACL_REQUEST_H
#define GH_ACL_REQUEST_H

#include <gatehouse/plugin.h>
#include "rules.h"

/* Borrows what it was made of. */
struct acl_request {
	const struct gh_authorize *in;
	unsigned action;                      /* one ACL_ bit; 0: an action we know nothing of */
	const char *client_id, *user, *realm; /* user and realm NULL: anonymous */
	const char *const *groups;
	size_t group_count;
	struct gh_template_values values; /* without a group */
};

void acl_request_init(struct acl_request *request, const struct gh_authorize *in);

/* Whether rule, whatever its topic, speaks of the request. What is in `assumed` (ACL_IF_...) is taken to be fulfilled. */
bool acl_rule_concerns(const struct acl_rule *rule, const struct acl_request *request,
		       unsigned assumed);

/* Whether a level with a placeholder is `text` for this client. Unless first, a '/' stands before text. */
bool acl_level_match(const struct acl_level *level, const struct acl_request *request,
		     struct gh_str text, bool first);

/* Whether it is anything at all. */
bool acl_level_possible(const struct acl_level *level, const struct acl_request *request);

/* {group} in several levels of a rule that matches topic level by level: whether it is one group in all of them. */
bool acl_groups_agree(const struct acl_rule *rule, const struct acl_request *request,
		      struct gh_str topic);

/* Whether a value of this client might be one that nothing is made of, for placeholders of these GH_USES_. Never false
 * where acl_rule_unsuitable() isn't. */
bool acl_request_suspect(const struct acl_request *request, unsigned uses);

/* The values that rule needs are all there, but of one nothing can be made (see gh_template_expand()): a DENY holds for all
 * topics then, because its own can't be told. */
bool acl_rule_unsuitable(const struct acl_rule *rule, const struct acl_request *request);

#endif
