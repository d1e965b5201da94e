/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a file that holds secrets: a walk that sees every directory and every symbolic link on
 * the way. */
#include <gatehouse/lib.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MAX 40

/* Where a walk is: `rest` is still to go, from `directory`. */
struct walk {
	const char *path; /* as given: for messages */
	char rest[2 * PATH_MAX];
	char name[NAME_MAX + 1];
	int directory;
	int links;
	/* The first link or directory on the way that somebody else could change; empty: none. */
	char doubt[NAME_MAX + 128];
	char *why;
	size_t why_size;
};

static int failed(struct walk *walk, const char *what)
{
	int code = errno == ENOENT ? GH_ENOENT : GH_EIO;

	snprintf(walk->why, walk->why_size, "cannot %s '%s': %s", what, walk->path, strerror(errno));
	return code;
}

static bool ours(const struct stat *st)
{
	return st->st_uid == 0 || st->st_uid == geteuid();
}

static void doubt(struct walk *walk, const struct stat *st, const char *what, const char *name)
{
	if (!walk->doubt[0])
		snprintf(walk->doubt, sizeof(walk->doubt), "%s '%s' of uid %u with mode %04o", what,
			 name, (unsigned)st->st_uid, (unsigned)st->st_mode & 07777u);
}

/* Takes over fd. */
static int enter(struct walk *walk, int fd, const char *name)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return failed(walk, "reach");
	if (walk->directory >= 0)
		close(walk->directory);
	walk->directory = fd;
	if (!ours(&st) || ((st.st_mode & (S_IWGRP | S_IWOTH)) && !(st.st_mode & S_ISVTX)))
		doubt(walk, &st, "directory", name);
	return 0;
}

/* Puts `path` before what is still to go. */
static int go(struct walk *walk, const char *path)
{
	size_t n = strlen(path), rest = strlen(walk->rest);

	if (n + 1 + rest >= sizeof(walk->rest)) {
		errno = ENAMETOOLONG;
		return failed(walk, "reach");
	}
	memmove(walk->rest + n + 1, walk->rest, rest + 1);
	memcpy(walk->rest, path, n);
	walk->rest[n] = '/';
	return *path == '/' ? enter(walk, open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), "/") : 0;
}

static int follow(struct walk *walk, const struct stat *st)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(walk->directory, walk->name, target, sizeof(target) - 1);

	if (n >= 0 && ++walk->links > LINKS_MAX) {
		n = -1;
		errno = ELOOP;
	}
	if (n <= 0)
		return failed(walk, "reach");
	target[n] = '\0';
	if (!ours(st))
		doubt(walk, st, "symbolic link", walk->name);
	return go(walk, target);
}

/* Takes the next name off `rest`; false: none is left, or it is no name, as errno says. */
static bool next_name(struct walk *walk)
{
	const char *at = walk->rest + strspn(walk->rest, "/");
	size_t n = strcspn(at, "/");

	errno = n ? ENAMETOOLONG : EISDIR;
	if (n == 0 || n > NAME_MAX)
		return false;
	memcpy(walk->name, at, n);
	walk->name[n] = '\0';
	memmove(walk->rest, at + n, strlen(at + n) + 1);
	return true;
}

static bool last_name(const struct walk *walk)
{
	return walk->rest[strspn(walk->rest, "/")] == '\0';
}

/* Up to the file: its directory and name are in walk then. GH_ENOENT: only the file itself is
 * missing if last_name(). */
static int walk_to(struct walk *walk)
{
	struct stat st;
	int rc = 0;

	while (rc == 0 && next_name(walk)) {
		if (fstatat(walk->directory, walk->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return failed(walk, "open");
		if (S_ISLNK(st.st_mode))
			rc = follow(walk, &st);
		else if (last_name(walk))
			return 0;
		else
			rc = enter(walk,
				   openat(walk->directory, walk->name,
					  O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
				   walk->name);
	}
	return rc ? rc : failed(walk, "open");
}

static int start(struct walk *walk)
{
	if (*walk->path != '/' && enter(walk, open(".", O_PATH | O_DIRECTORY | O_CLOEXEC), ".") < 0)
		return GH_EIO;
	return go(walk, walk->path);
}

static int refuse(struct walk *walk, const struct stat *st, const char *problem, const char *command)
{
	snprintf(walk->why, walk->why_size, "'%s' has mode %04o and belongs to uid %u: %s: %s %s",
		 walk->path, (unsigned)st->st_mode & 07777u, (unsigned)st->st_uid, problem, command,
		 walk->path);
	return GH_EINVAL;
}

static int judge(struct walk *walk, int fd, unsigned flags)
{
	char chown_to[32];
	struct stat st;

	if (fstat(fd, &st) < 0)
		return failed(walk, "open");
	if (!S_ISREG(st.st_mode)) {
		snprintf(walk->why, walk->why_size, "'%s' isn't a regular file", walk->path);
		return GH_EINVAL;
	}
	snprintf(chown_to, sizeof(chown_to), "chown %u", (unsigned)geteuid());
	if (!(flags & GH_SECRET_ANY_OWNER) && !ours(&st))
		return refuse(walk, &st, "somebody else's", chown_to);
	if (!(flags & GH_SECRET_ANY_MODE) && (st.st_mode & S_IRWXO))
		return refuse(walk, &st, "open to everybody",
			      st.st_mode & S_IWGRP ? "chmod g-w,o=" : "chmod o=");
	if (!(flags & GH_SECRET_ANY_MODE) && (st.st_mode & S_IWGRP))
		return refuse(walk, &st, "its group may write it", "chmod g-w");
	return 0;
}

static int trust(struct walk *walk)
{
	if (!walk->links || !walk->doubt[0])
		return 0;
	snprintf(walk->why, walk->why_size,
		 "'%s' is reached by a symbolic link, but somebody else could change %s",
		 walk->path, walk->doubt);
	return GH_EINVAL;
}

static int open_checked(struct walk *walk, unsigned flags, int *fd_r)
{
	int rc = walk_to(walk);
	int fd = -1;

	if (rc == GH_ENOENT && (flags & GH_SECRET_ABSENT) && walk->directory >= 0 && last_name(walk)) {
		rc = trust(walk);
	} else if (rc == 0 && (rc = trust(walk)) == 0) {
		fd = openat(walk->directory, walk->name,
			    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		rc = fd < 0 ? failed(walk, "open") : judge(walk, fd, flags);
	}
	if (rc == 0)
		*fd_r = fd;
	else if (fd >= 0)
		close(fd);
	return rc;
}

int gh_secret_open(const char *path, unsigned flags, struct gh_secret_file *file_r, char *why,
		   size_t why_size)
{
	struct walk walk = { .path = path, .directory = -1, .why = why, .why_size = why_size };
	int fd = -1, rc = start(&walk);

	if (rc == 0)
		rc = open_checked(&walk, flags, &fd);
	if (rc < 0) {
		if (walk.directory >= 0)
			close(walk.directory);
		return rc;
	}
	file_r->fd = fd;
	file_r->directory = walk.directory;
	memcpy(file_r->name, walk.name, sizeof(walk.name));
	return 0;
}

void gh_secret_close(struct gh_secret_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	if (file->directory >= 0)
		close(file->directory);
	file->fd = file->directory = -1;
}
