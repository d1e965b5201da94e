/* SPDX-License-Identifier: Apache-2.0 */
/* What a device does again and again is told once a second, with what it stands for. */
#ifndef GH_CLIENT_REPEAT_H
#define GH_CLIENT_REPEAT_H

#include <gatehouse/types.h>

#define GH_REPEATS      64u
#define GH_REPEATS_WAYS 4u

/* Of one subject, and one kind of thing: when it was told last, and how often it happened since. */
struct gh_repeat {
	uint64_t subject, at_ms;
	const char *kind; /* a literal */
	uint64_t left_out;
};

/*
 * False: it is to be told now; *left_out_r is how often it was left out before. True: the last was told less than a second
 * ago; or that of others was, wherever it could be noted: of very many at once not all are told.
 */
bool gh_repeated(struct gh_repeat repeats[GH_REPEATS], uint64_t subject, const char *kind,
		 uint64_t now_ms, uint64_t *left_out_r);

#endif
