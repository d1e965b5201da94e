/* SPDX-License-Identifier: Apache-2.0 */
/* A head of fixed size, then owner, key and value. */
#include "shelf_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

struct head {
	uint32_t deed, kind, owner, key;
	uint64_t value;
	int64_t expires;
};

int shelf_journal_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	int why;

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	why = errno;
	close(fd);
	errno = why;
	return -1;
}

/* False: it ends before that. */
static bool read_whole(int fd, void *p, size_t n)
{
	char *at = p;
	ssize_t got;

	for (; n; at += got, n -= (size_t)got) {
		got = read(fd, at, n);
		if (got <= 0)
			return false;
	}
	return true;
}

static int replay(struct shelf_set *set, const struct head *head, const char *bytes)
{
	struct gh_record record = { .size = sizeof(record), .kind = head->kind };

	record.owner = (struct gh_str){ bytes, head->owner };
	record.key = (struct gh_bytes){ bytes + head->owner, head->key };
	record.value = (struct gh_bytes){ bytes + head->owner + head->key, head->value };
	record.expires = head->expires;
	if (head->deed == SHELF_PUT)
		return shelf_set_put(set, &record);
	shelf_set_erase(set, &record);
	return 0;
}

/* 1: that was one; 0: there is no whole one any more. */
static int read_one(int fd, struct shelf_set *set)
{
	struct head head;
	size_t n;
	char *bytes;
	int rc = 0;

	if (!read_whole(fd, &head, sizeof(head)))
		return 0;
	n = (size_t)head.owner + head.key + head.value;
	bytes = malloc(n + 1);
	if (!bytes)
		return GH_EIO;
	if (read_whole(fd, bytes, n))
		rc = replay(set, &head, bytes) == 0 ? 1 : GH_EIO;
	free(bytes);
	return rc;
}

int shelf_journal_read(int fd, struct shelf_set *set)
{
	off_t whole;
	int rc;

	do {
		whole = lseek(fd, 0, SEEK_CUR);
		rc = read_one(fd, set);
	} while (rc > 0);
	if (rc == 0 && ftruncate(fd, whole) != 0)
		rc = GH_EIO;
	return rc;
}

int shelf_journal_write(int fd, enum shelf_deed deed, const struct gh_record *record)
{
	struct head head = { deed,
			     record->kind,
			     (uint32_t)record->owner.n,
			     (uint32_t)record->key.n,
			     record->value.n,
			     record->expires };
	size_t n = sizeof(head) + record->owner.n + record->key.n + record->value.n;
	char *line = malloc(n), *at = line;
	bool written;

	if (!line)
		return GH_EIO;
	at = mempcpy(at, &head, sizeof(head));
	at = mempcpy(at, record->owner.n ? record->owner.p : "", record->owner.n);
	at = mempcpy(at, record->key.n ? record->key.p : "", record->key.n);
	mempcpy(at, record->value.n ? record->value.p : "", record->value.n);
	written = write(fd, line, n) == (ssize_t)n;
	free(line);
	return written ? 0 : GH_EIO;
}
