/* SPDX-License-Identifier: Apache-2.0 */
/* What a hook is lent: an allocation each, spoilt and freed after the call, so that a module that
 * keeps a pointer is found out. */
#ifndef GH_TESTHOST_LEND_H
#define GH_TESTHOST_LEND_H

#include <gatehouse/types.h>

/* { 0 } is nothing. */
struct gh_lent {
	struct gh_bytes *list;
	size_t count;
};
void *gh_lend(struct gh_lent *lent, const void *p, size_t n);  /* a copy of just that size */
const char *gh_lend_text(struct gh_lent *lent, const char *s); /* NULL: NULL */
struct gh_bytes gh_lend_bytes(struct gh_lent *lent, struct gh_bytes bytes); /* not terminated */
struct gh_str gh_lend_str(struct gh_lent *lent, struct gh_bytes bytes);
void gh_lent_end(struct gh_lent *lent);

#endif
