/* SPDX-License-Identifier: Apache-2.0 */
/* Replacing a password file: lock, read, write a new one beside it, rename. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>
#include "change.h"
#include "parse.h"

#define SIZE_MOST (64u << 20)

static int failed(const char *what, const char *name, char *why, size_t why_size)
{
	snprintf(why, why_size, "cannot %s '%s': %s", what, name, strerror(errno));
	return GH_EIO;
}

/* ---- reading --------------------------------------------------------------------------------- */

static int read_all(struct auth_file_change *change, char *why, size_t why_size)
{
	size_t room;

	if (fstat(change->file.fd, &change->was) < 0)
		return failed("read", change->file.name, why, why_size);
	if (change->was.st_size > SIZE_MOST) {
		snprintf(why, why_size, "'%s' has more than 64 MiB", change->file.name);
		return GH_EINVAL;
	}
	room = (size_t)change->was.st_size + 1;
	change->text = auth_file_grow(NULL, room, 1);
	while (change->n < room) {
		ssize_t got = read(change->file.fd, change->text + change->n, room - change->n);

		if (got < 0 && errno != EINTR)
			return failed("read", change->file.name, why, why_size);
		if (got == 0)
			return 0;
		change->n += got > 0 ? (size_t)got : 0;
	}
	snprintf(why, why_size, "'%s' grew while it was read", change->file.name);
	return GH_EBUSY;
}

/* The lock is the directory's: the file itself is another one after each change. */
static int lock_directory(struct auth_file_change *change, unsigned flags, char *why, size_t why_size)
{
	int rc;

	change->lock = openat(change->file.directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (change->lock < 0)
		return failed("lock the directory of", change->file.name, why, why_size);
	do
		rc = flock(change->lock, flags & AUTH_FILE_TRY ? LOCK_EX | LOCK_NB : LOCK_EX);
	while (rc < 0 && errno == EINTR);
	if (rc == 0)
		return 0;
	rc = errno == EWOULDBLOCK ? GH_EBUSY : GH_EIO;
	failed("lock the directory of", change->file.name, why, why_size);
	return rc;
}

/* The path may lead elsewhere once the lock is there: so it is walked again, to the directory that
 * is locked. */
static int open_locked(const char *path, unsigned flags, struct auth_file_change *change, char *why,
		       size_t why_size)
{
	unsigned how = flags & ~(AUTH_FILE_LOCK | AUTH_FILE_TRY);
	struct stat locked, reached;
	int rc = lock_directory(change, flags, why, why_size);

	if (rc < 0)
		return rc;
	gh_secret_close(&change->file);
	rc = gh_secret_open(path, how, &change->file, why, why_size);
	if (rc < 0)
		return rc;
	if (fstat(change->lock, &locked) < 0 || fstat(change->file.directory, &reached) < 0)
		return failed("lock the directory of", path, why, why_size);
	if (locked.st_dev == reached.st_dev && locked.st_ino == reached.st_ino)
		return 0;
	snprintf(why, why_size, "'%s' moved while it was opened", path);
	return GH_EBUSY;
}

int auth_file_open(const char *path, unsigned flags, struct auth_file_change *change_r, char *why,
		   size_t why_size)
{
	struct auth_file_change change = { .file = { .fd = -1, .directory = -1 }, .lock = -1 };
	int rc = gh_secret_open(path, flags & ~(AUTH_FILE_LOCK | AUTH_FILE_TRY), &change.file, why,
				why_size);

	if (rc == 0 && (flags & (AUTH_FILE_LOCK | AUTH_FILE_TRY)))
		rc = open_locked(path, flags, &change, why, why_size);
	if (rc == 0 && change.file.fd >= 0)
		rc = read_all(&change, why, why_size);
	if (rc < 0)
		auth_file_close(&change);
	*change_r = change;
	return rc;
}

void auth_file_close(struct auth_file_change *change)
{
	gh_secret_close(&change->file);
	if (change->lock >= 0)
		close(change->lock);
	change->lock = -1;
	if (change->text)
		gh_wipe(change->text, change->n);
	free(change->text);
	change->text = NULL;
	change->n = 0;
}

/* ---- writing --------------------------------------------------------------------------------- */

static bool write_all(int fd, struct gh_str text)
{
	while (text.n) {
		ssize_t put = write(fd, text.p, text.n);

		if (put < 0 && errno != EINTR)
			return false;
		text.p += put > 0 ? put : 0;
		text.n -= put > 0 ? (size_t)put : 0;
	}
	return true;
}

/* Owner and group of the old file, and its group's right to read; where these can't be kept, the
 * old file stays. */
static bool keep_owner(int fd, const struct stat *was)
{
	struct stat now;

	if (!was->st_ino)
		return fchmod(fd, 0600) == 0;
	if (fstat(fd, &now) < 0)
		return false;
	if ((now.st_uid != was->st_uid || now.st_gid != was->st_gid) &&
	    fchown(fd, was->st_uid, was->st_gid) < 0)
		return false;
	return fchmod(fd, 0600 | (was->st_mode & S_IRGRP)) == 0;
}

/* The name still leads to the bytes that were read. */
static bool unchanged(const struct auth_file_change *change)
{
	const struct stat *was = &change->was;
	struct stat now;

	if (fstatat(change->file.directory, change->file.name, &now, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT && !was->st_ino;
	return was->st_ino == now.st_ino && was->st_dev == now.st_dev &&
	       was->st_size == now.st_size && was->st_mtim.tv_sec == now.st_mtim.tv_sec &&
	       was->st_mtim.tv_nsec == now.st_mtim.tv_nsec;
}

/* Up to the rename; the new file is removed by the caller when this fails. */
static int put(struct auth_file_change *change, int fd, const char *name, struct gh_str text,
	       char *why, size_t why_size)
{
	if (!keep_owner(fd, &change->was))
		return failed("keep owner and rights of", change->file.name, why, why_size);
	if (!write_all(fd, text) || fsync(fd) < 0)
		return failed("write", name, why, why_size);
	if (!unchanged(change)) {
		snprintf(why, why_size, "'%s' was changed meanwhile: left as it is",
			 change->file.name);
		return GH_EBUSY;
	}
	if (renameat(change->file.directory, name, change->file.directory, change->file.name) < 0)
		return failed("replace", change->file.name, why, why_size);
	return 0;
}

int auth_file_replace(struct auth_file_change *change, struct gh_str text, char *why, size_t why_size)
{
	char name[64];
	uint64_t tag;
	int fd, rc;

	if (getrandom(&tag, sizeof(tag), 0) != (ssize_t)sizeof(tag))
		return failed("replace", change->file.name, why, why_size);
	snprintf(name, sizeof(name), ".gatehouse-passwd.%016llx", (unsigned long long)tag);
	fd = openat(change->file.directory, name,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return failed("write a new file beside", change->file.name, why, why_size);
	rc = put(change, fd, name, text, why, why_size);
	close(fd);
	if (rc < 0)
		unlinkat(change->file.directory, name, 0);
	else
		fsync(change->lock); /* the name; a loss of it leaves the old file whole */
	return rc;
}

char *auth_file_splice(struct gh_str text, struct auth_file_span span, struct gh_str by, size_t *n_r)
{
	size_t behind = text.n - span.at - span.n;
	char *copy = auth_file_grow(NULL, span.at + by.n + behind, 1);

	if (span.at)
		memcpy(copy, text.p, span.at);
	if (by.n)
		memcpy(copy + span.at, by.p, by.n);
	if (behind)
		memcpy(copy + span.at + by.n, text.p + span.at + span.n, behind);
	*n_r = span.at + by.n + behind;
	return copy;
}

/* ---- one hash -------------------------------------------------------------------------------- */

static int rehash_locked(struct auth_file_change *change, const char *name, const char *old,
			 const char *by, char *why, size_t why_size)
{
	struct gh_str text = { change->text, change->n };
	struct auth_file_users *users = NULL;
	struct auth_file_problem problem;
	struct auth_file_user *user;
	char *changed;
	size_t n;
	int rc;

	if (auth_file_parse(text, NULL, NULL, &users, &problem) < 0) {
		snprintf(why, why_size, "%u:%u: %s", problem.line, problem.column, problem.text);
		return GH_EINVAL;
	}
	user = auth_file_users_find(users, name);
	if (!user || strcmp(user->hash, old) != 0) {
		auth_file_users_free(&users);
		snprintf(why, why_size, "the hash was changed meanwhile");
		return GH_ENOENT;
	}
	changed = auth_file_splice(text, user->hash_at, (struct gh_str){ by, strlen(by) }, &n);
	rc = auth_file_replace(change, (struct gh_str){ changed, n }, why, why_size);
	gh_wipe(changed, n);
	free(changed);
	auth_file_users_free(&users);
	return rc;
}

int auth_file_rehash(const char *path, const char *name, const char *old, const char *by, char *why,
		     size_t why_size)
{
	struct auth_file_change change;
	int rc = auth_file_open(path, AUTH_FILE_TRY, &change, why, why_size);

	if (rc == 0)
		rc = rehash_locked(&change, name, old, by, why, why_size);
	auth_file_close(&change);
	return rc;
}
