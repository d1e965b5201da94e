/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets that options name: read whole from files that only we can read. */
#include "conf/option_priv.h"

#include <errno.h>
#include <gatehouse/lib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LONGEST = 65536 };

static int read_all(int fd, uint8_t *p, size_t size, size_t *n_r, struct gh_error *error)
{
	size_t n = 0;
	ssize_t got;

	do {
		got = read(fd, p + n, size - n);
		if (got < 0 && errno != EINTR)
			return gh_error_set(error, GH_EIO, "cannot read the file: %s",
					    strerror(errno));
		if (got > 0)
			n += (size_t)got;
	} while (got != 0 && n < size);
	*n_r = n;
	return 0;
}

static int content(int fd, struct gh_arena *arena, struct gh_bytes *secret_r, struct gh_error *error)
{
	uint8_t *p = gh_arena_alloc(arena, LONGEST + 2); /* wiped with the arena */
	size_t n = 0;
	int rc = read_all(fd, p, LONGEST + 2, &n, error);

	if (rc < 0)
		return rc;
	if (n > 0 && p[n - 1] == '\n')
		n--;
	if (n == 0 || n > LONGEST)
		return gh_error_set(error, GH_EINVAL,
				    "the file has %s, expected a secret of 1 to %d bytes",
				    n ? "too much in it" : "nothing in it", LONGEST);
	*secret_r = (struct gh_bytes){ p, n };
	return 0;
}

int gh_option_secret(const char *path, struct gh_arena *arena, struct gh_bytes *secret_r,
		     struct gh_error *error)
{
	struct gh_secret_file file;
	char why[256];
	struct stat st;
	/* Its mode is our own matter: the group may do nothing either, and one command has to mend it. */
	int rc = gh_secret_open(path, GH_SECRET_ANY_MODE, &file, why, sizeof(why));

	if (rc < 0)
		return gh_error_set(error, rc, "%s", why);
	if (fstat(file.fd, &st) == 0 && (st.st_mode & 077))
		rc = gh_error_set(
			error, GH_EINVAL,
			"'%s' has mode %04o and belongs to user %u, others may use it: chmod 0600 '%s'",
			path, (unsigned)st.st_mode & 07777, (unsigned)st.st_uid, path);
	else
		rc = content(file.fd, arena, secret_r, error);
	gh_secret_close(&file);
	return rc;
}
