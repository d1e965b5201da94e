/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a rule file whole. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "file.h"

#define FILE_MAX_BYTES (64u << 20)
#define WRITABLE       (S_IWGRP | S_IWOTH)

/* All of fd, which has `size` bytes now. */
static int read_all(int fd, size_t size, char **text_r, size_t *n_r)
{
	char *text = acl_grow(NULL, size + 1, 1);
	size_t n = 0;
	ssize_t got = 1;

	while (n < size && got > 0) {
		got = read(fd, text + n, size - n);
		n += got > 0 ? (size_t)got : 0;
	}
	if (got < 0) {
		free(text);
		return GH_EIO;
	}
	*text_r = text;
	*n_r = n;
	return 0;
}

static int judge(const char *path, const struct stat *st, unsigned flags, char *why, size_t why_size)
{
	if (st->st_mode & WRITABLE && !(flags & GH_SECRET_ANY_MODE)) {
		snprintf(why, why_size,
			 "'%s' has mode %04o, so that others can change the rules: chmod go-w %s",
			 path, (unsigned)st->st_mode & 07777u, path);
		return GH_EINVAL;
	}
	if (st->st_size > (off_t)FILE_MAX_BYTES) {
		snprintf(why, why_size, "'%s' has more than %u MiB", path, FILE_MAX_BYTES >> 20);
		return GH_EINVAL;
	}
	return 0;
}

int acl_file_load(void *arg, const char *path, char **text_r, size_t *n_r, char *why, size_t why_size)
{
	unsigned flags = arg ? *(const unsigned *)arg : 0;
	struct gh_secret_file file;
	struct stat st;
	int rc = gh_secret_open(path, flags | GH_SECRET_ANY_MODE, &file, why, why_size);

	if (rc < 0)
		return rc;
	if (fstat(file.fd, &st) < 0) {
		rc = GH_EIO;
		snprintf(why, why_size, "cannot read '%s': %s", path, strerror(errno));
	} else {
		rc = judge(path, &st, flags, why, why_size);
	}
	if (rc == 0 && (rc = read_all(file.fd, (size_t)st.st_size, text_r, n_r)) < 0)
		snprintf(why, why_size, "cannot read '%s': %s", path, strerror(errno));
	gh_secret_close(&file);
	return rc;
}
