/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers from the kernel. */
#include "base/random.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void gh_random(void *p, size_t n)
{
	uint8_t *at = p;
	ssize_t got;

	while (n > 0) {
		got = getrandom(at, n, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			fprintf(stderr, "no random numbers: %s\n", strerror(errno));
			abort();
		}
		at += got;
		n -= (size_t)got;
	}
}
