/* SPDX-License-Identifier: Apache-2.0 */
/* Why something failed, for people: a text of bounded length beside a negative GH_E... code. */
#ifndef GH_BASE_ERROR_H
#define GH_BASE_ERROR_H

#include <gatehouse/types.h>

struct gh_host_api;

/* Filled only on failure, by the function that returned the code; the caller logs it, once. */
struct gh_error {
	const struct gh_host_api *api; /* first: modules see a gh_object; NULL inside the broker */
	char option[128];              /* the option at fault, as gh_fail() was told; "" else */
	char text[512]; /* lower case, 'subject' quoted, no full stop; cut when longer */
};

/* Formats the text; returns `code`, so that `return gh_error_set(e, GH_EINVAL, ...)` reads well. NULL error: nothing. */
int gh_error_set(struct gh_error *error, int code, const char *fmt, ...) GH_PRINTF(3, 4);

/* Puts "PREFIX: " before the text there is. */
void gh_error_prefix(struct gh_error *error, const char *fmt, ...) GH_PRINTF(2, 3);

#endif
