/* SPDX-License-Identifier: Apache-2.0 */
/* Records in their order: a skip list. Not locked. */
#ifndef SHELF_SET_H
#define SHELF_SET_H

#include <gatehouse/plugin.h>

enum { SHELF_LEVELS = 20 };

struct shelf_node {
	struct gh_record record; /* its views point into bytes */
	struct shelf_node *next[SHELF_LEVELS];
	unsigned char bytes[];
};

/* { 0 } is empty. */
struct shelf_set {
	struct shelf_node *first[SHELF_LEVELS];
	uint32_t random;
};
bool shelf_same_owner(const struct gh_record *a, const struct gh_record *b); /* and kind */
/* The first that doesn't come before it; NULL: none. Its next[0] is the one behind. */
struct shelf_node *shelf_set_from(struct shelf_set *set, const struct gh_record *name);
/* A copy, in the place of one of that name. GH_EIO: no memory. */
int shelf_set_put(struct shelf_set *set, const struct gh_record *record);
/* key.n 0: all of that kind and owner; kind 0: of every kind. */
void shelf_set_erase(struct shelf_set *set, const struct gh_record *which);
void shelf_set_done(struct shelf_set *set);

#endif
