/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules arranged so that a question meets only those that might decide it.
 *
 * A trie of topic levels a kind of action; where patterns end stands a terminal, whose rules are in buckets by what is
 * most telling of their clients: an exact client id, user or group, or what a pattern of these begins with.
 *
 *     devices/{clientid}/#    root -"devices"-> node =prefix ""=> node: terminal for '#'
 *                                                                       client prefix "device-": bucket of rules 1, 7
 *
 * All steps are lookups in one hash table keyed (owner, kind, bytes), so that they cost the same however many rules there
 * are. Buckets are in the order of the rules; every node knows the first rule at or below it. Immutable once built.
 */
#ifndef GH_ACL_INDEX_H
#define GH_ACL_INDEX_H

#include "rules.h"

#define ACL_NONE UINT32_MAX /* no rule: greater than the number of any */

enum acl_key {
	ACL_KEY_LEVEL,    /* of a node: its child of that level */
	ACL_KEY_TEMPLATE, /* of a node: edges whose level begins so before its first brace */
	ACL_KEY_CLIENT,   /* of a terminal: buckets */
	ACL_KEY_USER,
	ACL_KEY_GROUP,
	ACL_KEY_CLIENT_PREFIX,
	ACL_KEY_USER_PREFIX,
	ACL_KEY_ALL,     /* of no telling client */
	ACL_KEY_LITERAL, /* of nobody: a terminal by the text of a filter */
};

struct acl_node {
	uint32_t first, first_deny; /* rules at or below it */
	uint32_t own, hash; /* terminals of patterns that end here, and with '#' below here; 0: none */
	uint32_t plus;      /* child; 0: none, as below */
	uint32_t child, sibling; /* all children, of any kind */
	const struct acl_level *level;
	uint64_t prefixes; /* bit n: there is an ACL_KEY_TEMPLATE of n bytes */
	bool literals;     /* there is an ACL_KEY_LEVEL */
};

struct acl_edge { /* to a level with placeholders; a list */
	const struct acl_level *level;
	uint32_t node, next;
};

struct acl_terminal {
	uint32_t first, first_deny;
	uint32_t all;   /* bucket; 0: none */
	uint32_t kinds; /* bit: enum acl_key */
	uint64_t client_prefixes, user_prefixes;
};

struct acl_bucket { /* one rule is here itself */
	uint32_t count;
	union {
		uint32_t one;
		uint32_t *many;
	} rules;
};

struct acl_slot {
	uint64_t hash;
	const char *p; /* NULL: empty slot */
	uint32_t n, owner, value;
	uint8_t key;
};

struct acl_index {
	const struct acl_rules *rules;
	struct acl_node *nodes;
	struct acl_edge *edges;
	struct acl_terminal *terminals;
	struct acl_bucket *buckets;
	uint32_t node_count, edge_count, terminal_count, bucket_count; /* number 0 of each is none */
	struct acl_slot *slots;
	uint32_t slot_count, slot_mask;
	uint32_t publish, subscribe; /* root nodes; of the second also what is of RECEIVE */
	uint32_t any_filter;         /* terminal */
	uint32_t unsuitable[2]; /* terminals of DENY rules with placeholders: of publish and of subscribe; 0: none */
	unsigned deny_uses; /* their GH_USES_ */
};

/* rules are borrowed as long as the index lives. */
struct acl_index *acl_index_new(const struct acl_rules *rules);
void acl_index_free(struct acl_index **index);

/* The value of a key; 0: none. */
uint32_t acl_index_find(const struct acl_index *index, enum acl_key key, uint32_t owner,
			const char *p, size_t n);

/* Rules of a bucket, in their order. */
const uint32_t *acl_bucket_rules(const struct acl_bucket *bucket);

#endif
