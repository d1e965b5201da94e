/* SPDX-License-Identifier: Apache-2.0 */
/* An intrusive doubly linked ring: the node sits in the element, the head is a node of its own. */
#ifndef GH_BASE_LIST_H
#define GH_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct gh_node {
	struct gh_node *next, *prev;
};

/* A head, and an element that is in no list, point to themselves. */
static inline void gh_list_init(struct gh_node *head)
{
	head->next = head->prev = head;
}

static inline bool gh_list_empty(const struct gh_node *head)
{
	return head->next == head;
}

static inline void gh_list_insert_before(struct gh_node *at, struct gh_node *node)
{
	node->prev = at->prev;
	node->next = at;
	at->prev->next = node;
	at->prev = node;
}

static inline void gh_list_append(struct gh_node *head, struct gh_node *node)
{
	gh_list_insert_before(head, node);
}

/* Safe to repeat; also on an initialised element that is in no list. */
static inline void gh_list_remove(struct gh_node *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	gh_list_init(node);
}

/* Moves all of `from` to the end of `to`; `from` is empty afterwards. */
static inline void gh_list_splice(struct gh_node *to, struct gh_node *from)
{
	if (gh_list_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	gh_list_init(from);
}

#define gh_container(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))
/* The loop body may remove the current element. */
#define gh_list_each(head, it, next_) \
	for (struct gh_node *it = (head)->next, *next_ = it->next; it != (head); \
	     it = next_, next_ = it->next)

#endif
