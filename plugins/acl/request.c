/* SPDX-License-Identifier: Apache-2.0 */
/* What one rule says to one question: who, under which conditions, and what its placeholders stand for. */
#include <string.h>
#include "request.h"

#define VALUE_MAX \
	256u /* what a level with ACL_PLACEHOLDERS_MAX of these becomes fits in EXPANDED_MAX */
#define EXPANDED_MAX   (1 + ACL_TEMPLATE_LEVEL_MAX + ACL_PLACEHOLDERS_MAX * VALUE_MAX)
#define ATTRIBUTES_MAX 32u

static unsigned action_of(uint32_t action)
{
	switch (action) {
	case GH_PUBLISH:
	case GH_WILL: return ACL_PUBLISH;
	case GH_SUBSCRIBE: return ACL_SUBSCRIBE;
	case GH_RECEIVE: return ACL_RECEIVE;
	default: return 0;
	}
}

/* The built-in of that name is the only one without a realm. */
static bool anonymous(const struct gh_identity *identity)
{
	return !identity || *identity->realm == '\0';
}

void acl_request_init(struct acl_request *request, const struct gh_authorize *in)
{
	const struct gh_identity *identity = in->client->identity;

	memset(request, 0, sizeof(*request));
	request->in = in;
	request->action = action_of(in->action);
	request->client_id = in->client->client_id ? in->client->client_id : "";
	request->values.client_id = in->client->client_id;
	if (anonymous(identity))
		return;
	request->user = request->values.username = identity->principal;
	request->realm = identity->realm;
	request->groups = identity->groups;
	request->group_count = identity->group_count;
	request->values.attributes = identity->attributes;
	request->values.attribute_count = identity->attribute_count;
}

/* ---- conditions ------------------------------------------------------------------------------------------------- */

static bool message_fulfils(const struct acl_rule *rule, const struct gh_authorize *in,
			    unsigned conditions)
{
	return !((conditions & ACL_IF_QOS && in->qos > rule->qos_max) ||
		 (conditions & ACL_IF_RETAIN && !in->retain) ||
		 (conditions & ACL_IF_NO_RETAIN && in->retain) ||
		 (conditions & ACL_IF_SIZE && in->payload_size > rule->size_max));
}

static bool in_network(const struct acl_rule *rule, const uint8_t ip[16])
{
	unsigned whole = rule->prefix_bits / 8, rest = rule->prefix_bits % 8;

	return memcmp(rule->network, ip, whole) == 0 &&
	       (rest == 0 || (rule->network[whole] ^ ip[whole]) >> (8 - rest) == 0);
}

static bool connection_fulfils(const struct acl_rule *rule, const struct gh_client *client,
			       unsigned conditions)
{
	if (conditions & ACL_IF_TLS && !client->tls)
		return false;
	if (conditions & ACL_IF_ADDRESS &&
	    (client->transport == GH_UNIX || !in_network(rule, client->ip)))
		return false;
	return !(conditions & ACL_IF_LISTENER) ||
	       acl_pattern_match(&rule->listener, client->listener);
}

static bool in_group(const struct acl_rule *rule, const struct acl_request *request)
{
	for (size_t i = 0; i < request->group_count; i++)
		if (acl_pattern_match(&rule->group, request->groups[i]))
			return true;
	return false;
}

static bool who_fulfils(const struct acl_rule *rule, const struct acl_request *request)
{
	if (rule->conditions & ACL_IF_ANONYMOUS && request->user)
		return false;
	if (rule->conditions & ACL_IF_USER &&
	    !(request->user && acl_pattern_match(&rule->user, request->user)))
		return false;
	if (rule->conditions & ACL_IF_REALM &&
	    !(request->realm && acl_pattern_match(&rule->realm, request->realm)))
		return false;
	return !(rule->conditions & ACL_IF_GROUP) || in_group(rule, request);
}

/* What a SUBSCRIBE tells of messages is the QoS asked for: an ALLOW is limited to its own, a DENY that asks more than the
 * filter shows is left to the deliveries. */
static unsigned assumed_of(const struct acl_rule *rule, const struct acl_request *request)
{
	return request->action == ACL_SUBSCRIBE && rule->allow ? ACL_OF_MESSAGE : 0;
}

bool acl_rule_concerns(const struct acl_rule *rule, const struct acl_request *request,
		       unsigned assumed)
{
	unsigned conditions = rule->conditions & ~(assumed | assumed_of(rule, request));

	if (!(rule->actions & request->action))
		return false;
	if (!request->in->client->client_id_bound && acl_rule_by_client_id(rule))
		return false;
	if (request->action == ACL_SUBSCRIBE && conditions & (ACL_OF_MESSAGE & ~ACL_IF_QOS))
		return false;
	return acl_pattern_match(&rule->client, request->client_id) && who_fulfils(rule, request) &&
	       message_fulfils(rule, request->in, conditions) &&
	       connection_fulfils(rule, request->in->client, conditions);
}

/* ---- placeholders ----------------------------------------------------------------------------------------------- */

/* For one group after the other where the level speaks of it; once without. */
static size_t rounds(const struct acl_level *level, const struct acl_request *request)
{
	return level->uses & GH_USES_GROUP ? request->group_count : 1;
}

static bool expand(const struct acl_level *level, const struct acl_request *request, size_t round,
		   char out[EXPANDED_MAX], size_t *n_r)
{
	struct gh_template_values values = request->values;

	if (level->uses & GH_USES_GROUP)
		values.group = request->groups[round];
	return gh_template_expand(level->tmpl, &values, out, EXPANDED_MAX, n_r);
}

/* For one group only. */
static bool round_match(const struct acl_level *level, const struct acl_request *request,
			size_t round, struct gh_str text, bool first)
{
	char out[EXPANDED_MAX];
	size_t slash = first ? 0 : 1, n;

	return expand(level, request, round, out, &n) && n == text.n + slash &&
	       memcmp(out, text.p - slash, n) == 0;
}

bool acl_level_match(const struct acl_level *level, const struct acl_request *request,
		     struct gh_str text, bool first)
{
	for (size_t i = 0; i < rounds(level, request); i++)
		if (round_match(level, request, i, text, first))
			return true;
	return false;
}

bool acl_level_possible(const struct acl_level *level, const struct acl_request *request)
{
	char out[EXPANDED_MAX];
	size_t n;

	for (size_t i = 0; i < rounds(level, request); i++)
		if (expand(level, request, i, out, &n))
			return true;
	return false;
}

/* All levels with {group} are there for this one. */
static bool group_agrees(const struct acl_rule *rule, const struct acl_request *request,
			 struct gh_str rest, size_t round)
{
	struct gh_str text;

	for (size_t i = 0; i < rule->level_count && gh_topic_level(&rest, &text); i++)
		if (rule->levels[i].uses & GH_USES_GROUP &&
		    !round_match(&rule->levels[i], request, round, text, i == 0))
			return false;
	return true;
}

bool acl_groups_agree(const struct acl_rule *rule, const struct acl_request *request,
		      struct gh_str topic)
{
	for (size_t i = 0; i < request->group_count; i++)
		if (group_agrees(rule, request, topic, i))
			return true;
	return false;
}

/* ---- values of which nothing is made ---------------------------------------------------------------------------- */

static bool suspect(const char *value)
{
	return value && (*value == '\0' || *value == '$' || strpbrk(value, "+#/") ||
			 strlen(value) > VALUE_MAX);
}

bool acl_request_suspect(const struct acl_request *request, unsigned uses)
{
	if (uses & GH_USES_CLIENT_ID && suspect(request->values.client_id))
		return true;
	if (uses & GH_USES_USERNAME && suspect(request->values.username))
		return true;
	for (size_t i = 0; uses & GH_USES_GROUP && i < request->group_count; i++)
		if (suspect(request->groups[i]))
			return true;
	for (size_t i = 0; uses & GH_USES_ATTRIBUTE && i < request->values.attribute_count; i++)
		if (suspect(request->values.attributes[i].value))
			return true;
	return false;
}

/* Whether the level would be something if each value that is there were a harmless one. */
static bool all_there(const struct acl_level *level, const struct acl_request *request)
{
	struct gh_template_values values = { .client_id = request->values.client_id ? "x" : NULL,
					     .username = request->values.username ? "x" : NULL,
					     .group = request->group_count ? "x" : NULL };
	struct gh_pair pairs[ATTRIBUTES_MAX];
	char out[EXPANDED_MAX];
	size_t n;

	for (n = 0; n < ATTRIBUTES_MAX && n < request->values.attribute_count; n++)
		pairs[n] = (struct gh_pair){ request->values.attributes[n].name, "x" };
	values.attributes = pairs;
	values.attribute_count = n;
	return gh_template_expand(level->tmpl, &values, out, sizeof(out), &n);
}

static bool level_unsuitable(const struct acl_level *level, const struct acl_request *request)
{
	char out[EXPANDED_MAX];
	size_t n;

	for (size_t round = 0; round < rounds(level, request); round++)
		if (!expand(level, request, round, out, &n))
			return true;
	return false;
}

bool acl_rule_unsuitable(const struct acl_rule *rule, const struct acl_request *request)
{
	bool unsuitable = false;

	for (size_t i = 0; i < rule->level_count; i++) {
		if (!rule->levels[i].tmpl)
			continue;
		if (!all_there(&rule->levels[i], request))
			return false;
		unsuitable = unsuitable || level_unsuitable(&rule->levels[i], request);
	}
	return unsuitable;
}
