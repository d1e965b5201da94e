/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of a file and what it includes, in their order, as they are written: gatehouse-acl(5). Pure: no files. */
#ifndef GH_ACL_RULES_H
#define GH_ACL_RULES_H

#include <gatehouse/lib.h>
#include "text.h"

/* What a rule speaks of; the word `subscribe` means the last two: the filter, and each delivery. */
#define ACL_PUBLISH   0x1u
#define ACL_SUBSCRIBE 0x2u
#define ACL_RECEIVE   0x4u

/* Conditions of a rule. */
#define ACL_IF_QOS        0x1u
#define ACL_IF_RETAIN     0x2u
#define ACL_IF_NO_RETAIN  0x4u
#define ACL_IF_SIZE       0x8u
#define ACL_IF_ADDRESS    0x10u
#define ACL_IF_LISTENER   0x20u
#define ACL_IF_TLS        0x40u
#define ACL_IF_USER       0x80u
#define ACL_IF_REALM      0x100u
#define ACL_IF_GROUP      0x200u
#define ACL_IF_ANONYMOUS  0x400u
#define ACL_LITERAL       0x800u
#define ACL_ANY_FILTER    0x1000u
/* Those that ask the message, and those that ask the connection. */
#define ACL_OF_MESSAGE    (ACL_IF_QOS | ACL_IF_RETAIN | ACL_IF_NO_RETAIN | ACL_IF_SIZE)
#define ACL_OF_CONNECTION (ACL_IF_ADDRESS | ACL_IF_LISTENER | ACL_IF_TLS)

#define ACL_LEVELS_MAX         128u  /* of a topic pattern */
#define ACL_TEMPLATE_LEVEL_MAX 1024u /* bytes of a level that has a placeholder */
#define ACL_PLACEHOLDERS_MAX   8u    /* of a level */
#define ACL_RULES_MAX          1000000u
#define ACL_INCLUDE_DEPTH      8u

/* One level of a topic pattern. */
struct acl_level {
	struct gh_str text; /* in the rule's topic, as written */
	struct gh_template *tmpl; /* NULL: no placeholder in it; else of "/" (but in the first level) and the text */
	unsigned uses; /* GH_USES_ */
};

/* What a decision reads of most rules stands first. */
struct acl_rule {
	struct acl_pattern client;
	unsigned actions, conditions;
	unsigned uses; /* GH_USES_ of all levels */
	bool allow;
	uint8_t qos_max, prefix_bits, network[16];
	uint64_t size_max;
	struct acl_pattern user, realm, group, listener;
	struct gh_str topic;      /* owned; "{{" made "{" where no level is a template */
	struct acl_level *levels; /* not with ACL_LITERAL, ACL_ANY_FILTER */
	size_t level_count;
	const char *file; /* of the rules */
	unsigned line;
};

struct acl_rules {
	struct acl_rule *rules;
	size_t count, room;
	char **files;
	size_t file_count;
};

/* The text of a file, to be freed, or a negative error and why. `path`: as written, below the including file's directory. */
typedef int acl_load_fn(void *arg, const char *path, char **text_r, size_t *n_r, char *why,
			size_t why_size);

/* Rules of a file that load() reads, and of those it includes; or the first problem and a negative error. */
int acl_rules_read(const char *path, acl_load_fn *load, void *arg, struct acl_rules **rules_r,
		   struct acl_problem *problem_r);
void acl_rules_free(struct acl_rules **rules);

/* An ALLOW that hangs on the client id: it counts only where the id is bound to the identity. */
bool acl_rule_by_client_id(const struct acl_rule *rule);

/* Sets what the word stands for in rule: a condition that follows the four columns. */
int acl_condition_parse(struct acl_line *line, struct acl_field *field, struct acl_rule *rule);

#endif
