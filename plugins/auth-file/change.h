/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a password file, and replacing it whole: never half, never over a change that somebody
 * made meanwhile. */
#ifndef GH_AUTH_FILE_CHANGE_H
#define GH_AUTH_FILE_CHANGE_H

#include <gatehouse/lib.h>
#include <sys/stat.h>
#include "users.h"

/* A file being read or changed. */
struct auth_file_change {
	struct gh_secret_file file;
	struct stat was; /* of the file that was read; all zero: there was none */
	int lock;        /* the directory, locked by flock(2); -1: only read */
	char *text;
	size_t n;
};

#define AUTH_FILE_LOCK 0x100u /* will be changed: wait for others who do */
#define AUTH_FILE_TRY  0x200u /* likewise, but GH_EBUSY instead of waiting */

/* Opens path, by gh_secret_open() with its flags, and reads all of it (at most 64 MiB). 0 or a
 * GH_E... with `why`. */
int auth_file_open(const char *path, unsigned flags, struct auth_file_change *change_r, char *why,
		   size_t why_size);

/*
 * Puts text in the place of the file that was opened with a lock: a new file beside it, with the
 * owner and the group of the old one, of mode 0640 where its group could read it and 0600 else,
 * written to disk before it takes the name. GH_EBUSY: the file isn't what was read any more
 * (somebody wrote without the lock): nothing is changed then, nor at any other error.
 */
int auth_file_replace(struct auth_file_change *change, struct gh_str text, char *why,
		      size_t why_size);

/* Ends the lock; wipes and frees. Also after an error of open; safe to repeat. */
void auth_file_close(struct auth_file_change *change);

/* A copy of text in which `span` is replaced; *n_r its length; to be wiped and freed. */
char *auth_file_splice(struct gh_str text, struct auth_file_span span, struct gh_str by, size_t *n_r);

/*
 * Replaces the hash of one user, if it is still `old` in the file: GH_ENOENT if it isn't, or the
 * user is gone; GH_EBUSY if somebody else is at work. Every other byte of the file stays as it is.
 */
int auth_file_rehash(const char *path, const char *name, const char *old, const char *by, char *why,
		     size_t why_size);

#endif
