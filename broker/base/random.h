/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers that nobody can guess. (Wiping and constant-time comparison are in <gatehouse/lib.h>.) */
#ifndef GH_BASE_RANDOM_H
#define GH_BASE_RANDOM_H

#include <stddef.h>

/* getrandom(2); aborts when the kernel has none. */
void gh_random(void *p, size_t n);

#endif
