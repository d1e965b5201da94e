/* SPDX-License-Identifier: Apache-2.0 */
/* RLIMIT_NOFILE and what it means for connections. */
#include "limit/nofile.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/resource.h>

int gh_nofile_raise(unsigned *limit_r, struct gh_error *error)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return gh_error_set(error, GH_EIO, "can't read RLIMIT_NOFILE: %s", strerror(errno));
	if (limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &limit))
			return gh_error_set(error, GH_EIO, "can't raise RLIMIT_NOFILE to %llu: %s",
					    (unsigned long long)limit.rlim_max, strerror(errno));
	}
	*limit_r = limit.rlim_cur < INT_MAX ? (unsigned)limit.rlim_cur : INT_MAX;
	return 0;
}

unsigned gh_nofile_connections(unsigned nofile, unsigned workers)
{
	unsigned own = 64 + 8 * workers;

	if (nofile <= own)
		return 1;
	nofile -= own;
	nofile -= nofile / 32;
	return nofile ? nofile : 1;
}
