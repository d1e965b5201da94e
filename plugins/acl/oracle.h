/* SPDX-License-Identifier: Apache-2.0 */
/* For tests: random rules and questions, and the answer by the plainest reading of gatehouse-acl(5): one rule after the
 * other, whole topics as strings, nothing compiled. */
#ifndef GH_ACL_ORACLE_H
#define GH_ACL_ORACLE_H

#include <gatehouse/plugin.h>

/* A repeatable source of chance. */
struct acl_chance {
	uint64_t state;
};
uint32_t acl_chance(struct acl_chance *chance, uint32_t below);

#define ORACLE_RULES_MAX 24

struct acl_oracle_rule {
	const char *client, *topic, *action, *user, *realm, *group, *listener,
		*address; /* NULL: no such condition */
	bool allow, anonymous, retain, no_retain, tls, literal, any_filter;
	int qos; /* -1: none, as below */
	int size;
};
struct acl_oracle {
	struct acl_oracle_rule rules[ORACLE_RULES_MAX];
	size_t count;
	bool groups_twice; /* a topic has {group} in two levels: covers is on the safe side then */
};
struct acl_oracle_answer {
	int rule; /* number from 0; -1: none */
	bool allow, covers;
	uint8_t max_qos;
};

void acl_oracle_rules(struct acl_chance *chance, struct acl_oracle *oracle);

/* The rules as a file: a rule a line, from line 1 on. To be freed. */
char *acl_oracle_text(const struct acl_oracle *oracle);

/* A question with everything that it borrows. */
struct acl_oracle_question {
	struct gh_authorize in;
	struct gh_client client;
	struct gh_identity identity;
	struct gh_pair attribute;
	const char *groups[3];
};
void acl_oracle_question(struct acl_chance *chance, struct acl_oracle_question *question);

/* A topic that filter may match. */
void acl_oracle_topic(struct acl_chance *chance, char topic_r[64]);

struct acl_oracle_answer acl_oracle_ask(const struct acl_oracle *oracle,
					const struct gh_authorize *in);

#endif
