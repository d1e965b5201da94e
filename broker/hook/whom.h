/* SPDX-License-Identifier: Apache-2.0 */
/* Whom an act of a module concerns: a gh_subject that was understood. */
#ifndef GH_HOOK_WHOM_H
#define GH_HOOK_WHOM_H

#include "limit/prefix.h"

#include <gatehouse/types.h>

struct gh_whom {
	enum gh_subject_kind kind;
	uint64_t number;         /* GH_CONNECTION */
	const char *text;        /* as it was given, borrowed; "" where the kind has none */
	struct gh_prefix prefix; /* GH_ADDRESS */
};

/* False: no such kind, no or too long a text, not an address. */
bool gh_whom_parse(const struct gh_subject *subject, struct gh_whom *whom_r);

/* The client of a snapshot is meant. */
bool gh_whom_is(const struct gh_whom *whom, const struct gh_client *client);

/* Some of them, each once, their texts owned. { 0 } is nobody. */
struct gh_whoms {
	struct gh_whom *at;
	unsigned count;
	bool everyone; /* then nobody is named */
};
#define GH_WHOMS_MAX 64u /* who would be more is everyone */

void gh_whoms_add(struct gh_whoms *whoms, const struct gh_whom *whom);
bool gh_whoms_have(const struct gh_whoms *whoms, const struct gh_client *client);
void gh_whoms_done(struct gh_whoms *whoms); /* nobody again */

static inline bool gh_whoms_empty(const struct gh_whoms *whoms)
{
	return !whoms->everyone && whoms->count == 0;
}

#endif
