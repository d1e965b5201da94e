/* SPDX-License-Identifier: Apache-2.0 */
/* The users of a password file, as they stand in it. */
#ifndef GH_AUTH_FILE_USERS_H
#define GH_AUTH_FILE_USERS_H

#include <gatehouse/types.h>

/* Part of the file's text: offset and length in bytes. */
struct auth_file_span {
	size_t at, n;
};

struct auth_file_user {
	char *name;    /* UTF-8, 1 to 256 bytes */
	char *hash;    /* gh_password_check() takes it */
	char **groups; /* as written, in their order */
	size_t group_count;
	char *client_id; /* a template, as written; NULL: any client id */
	char *bound_id;  /* its expansion: the one client id */
	int64_t expires; /* Unix seconds, 0 never */
	bool disabled;
	unsigned line;
	/* The line with its line feed; the hash in it; what is behind the hash up to the end of the
	 * line (with the ':'). */
	struct auth_file_span whole, hash_at, rest_at;
};

/* All of a file: in its order, and by name. */
struct auth_file_users {
	struct auth_file_user *users;
	size_t count, room;
	struct auth_file_user **by_name;
};

/* Nothing fails: no memory aborts. */
struct auth_file_users *auth_file_users_new(void);
void auth_file_users_free(struct auth_file_users **users);

/* A new empty user at the end; pointers to others are void then. */
struct auth_file_user *auth_file_users_add(struct auth_file_users *users);

/* Once all are added: makes them findable. The second of two of one name; NULL: each name is there
 * once. */
const struct auth_file_user *auth_file_users_index(struct auth_file_users *users);

/* NULL: no such user. */
struct auth_file_user *auth_file_users_find(const struct auth_file_users *users, const char *name);

/* Makes a copy of n bytes, terminated; no memory aborts. */
char *auth_file_copy(const char *text, size_t n);
void *auth_file_grow(void *p, size_t count, size_t size);

/* Why this can't be the name of a user or a group, constant; NULL: it can. */
const char *auth_file_name_problem(const char *name, size_t n);

#endif
