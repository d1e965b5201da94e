/* SPDX-License-Identifier: Apache-2.0 */
/* Allocation that aborts on failure: what a peer causes is charged to a limit before it is asked for. */
#ifndef GH_BASE_MEM_H
#define GH_BASE_MEM_H

#include <gatehouse/types.h>

/* Never NULL (n 0 too): the process says so and aborts. Freed with free(). */
void *gh_alloc(size_t n);
void *gh_zalloc(size_t n);
void *gh_realloc(void *p, size_t n);
/* As above for `count` elements of `size`; an overflow aborts. */
void *gh_alloc_array(size_t count, size_t size);
void *gh_realloc_array(void *p, size_t count, size_t size);
char *gh_strdup(const char *s);
char *gh_strndup(const char *s, size_t n); /* copies n bytes and terminates; n is trusted */

#endif
