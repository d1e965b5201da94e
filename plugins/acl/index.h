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
 * A pattern of one rule needs no terminal. Most steps are lookups in one hash table keyed (owner, kind, bytes), so that they cost the same however many rules there
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
	uint32_t own, hash;         /* places of patterns that end here, and with '#' below here */
	uint32_t plus;              /* children; 0: none, as below */
	uint32_t client_id, username; /* whose level is just that placeholder */
	uint32_t child, sibling;      /* all children, of any kind */
	bool literals;                /* there is an ACL_KEY_LEVEL */
	uint64_t prefixes;            /* bit n: there is an ACL_KEY_TEMPLATE of n bytes */
	const struct acl_level *level;
};

struct acl_edge { /* to a level with other placeholders; a list */
	const struct acl_level *level;
	uint32_t node, next;
};

/* A place of rules is 0 (none), one rule's number with this bit, or else the number of a terminal or bucket of several. */
#define ACL_SINGLE 0x80000000u

struct acl_terminal { /* of two rules or more */
	uint32_t first;
	uint32_t all;   /* place */
	uint32_t kinds; /* bit: enum acl_key */
	uint64_t client_prefixes, user_prefixes;
};

struct acl_bucket {
	uint32_t count;
	uint32_t *rules; /* in their order */
};

#define ACL_KEY_INLINE 17u
struct acl_slot { /* two fit in a cache line, and short keys in them */
	uint32_t hash, owner;
	uint32_t value; /* 0: empty slot */
	uint16_t n;
	uint8_t key;
	char bytes[ACL_KEY_INLINE]; /* of a longer key: how it begins */
};

struct acl_index {
	const struct acl_rules *rules;
	struct acl_node *nodes;
	struct acl_edge *edges;
	struct acl_terminal *terminals;
	struct acl_bucket *buckets;
	uint32_t node_count, edge_count, terminal_count, bucket_count; /* number 0 of each is none */
	struct acl_slot *slots;
	const char **long_keys; /* of each slot; NULL: it is short */
	uint32_t slot_count, slot_mask;
	uint32_t publish, subscribe; /* root nodes; of the second also what is of RECEIVE */
	uint32_t any_filter;         /* place */
	uint32_t unsuitable[2]; /* places of DENY rules with placeholders: of publish and of subscribe */
	unsigned deny_uses; /* their GH_USES_ */
	unsigned of_message; /* ACL_ actions of rules that look at the message, not its topic alone */
};

/* rules are borrowed as long as the index lives. */
struct acl_index *acl_index_new(const struct acl_rules *rules);
void acl_index_free(struct acl_index **index);

/* The value of a key; 0: none. */
uint32_t acl_index_find(const struct acl_index *index, enum acl_key key, uint32_t owner,
			const char *p, size_t n);

/* The rules of a bucket's place, in their order: *one_r is what a single one is put in. */
size_t acl_index_bucket(const struct acl_index *index, uint32_t place, uint32_t *one_r,
			const uint32_t **rules_r);

#endif
