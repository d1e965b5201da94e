/* SPDX-License-Identifier: Apache-2.0 */
/* The users of a password file: a list in the order of the file and an index by name. */
#include <gatehouse/lib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "users.h"

#define NAME_BYTES 256 /* what the broker takes as the name of a principal */

void *auth_file_grow(void *p, size_t count, size_t size)
{
	void *grown = reallocarray(p, count ? count : 1, size);

	if (!grown) {
		fputs("auth-file: out of memory\n", stderr);
		abort();
	}
	return grown;
}

char *auth_file_copy(const char *text, size_t n)
{
	char *copy = auth_file_grow(NULL, n + 1, 1);

	if (n)
		memcpy(copy, text, n);
	copy[n] = '\0';
	return copy;
}

struct auth_file_users *auth_file_users_new(void)
{
	struct auth_file_users *users = auth_file_grow(NULL, 1, sizeof(*users));

	memset(users, 0, sizeof(*users));
	return users;
}

static void user_done(struct auth_file_user *user)
{
	for (size_t i = 0; i < user->group_count; i++)
		free(user->groups[i]);
	free(user->groups);
	if (user->hash)
		gh_wipe(user->hash, strlen(user->hash));
	free(user->hash);
	free(user->client_id);
	free(user->bound_id);
	free(user->name);
}

void auth_file_users_free(struct auth_file_users **users)
{
	if (!*users)
		return;
	for (size_t i = 0; i < (*users)->count; i++)
		user_done(&(*users)->users[i]);
	free((*users)->users);
	free((*users)->by_name);
	free(*users);
	*users = NULL;
}

struct auth_file_user *auth_file_users_add(struct auth_file_users *users)
{
	struct auth_file_user *user;

	if (users->count == users->room) {
		users->room = users->room ? 2 * users->room : 16;
		users->users = auth_file_grow(users->users, users->room, sizeof(*users->users));
	}
	user = &users->users[users->count++];
	memset(user, 0, sizeof(*user));
	return user;
}

/* By name, and for one name in the order of the file. */
static int compare(const void *a, const void *b)
{
	const struct auth_file_user *x = *(struct auth_file_user *const *)a;
	const struct auth_file_user *y = *(struct auth_file_user *const *)b;
	int order = strcmp(x->name, y->name);

	return order ? order : (x->line > y->line) - (x->line < y->line);
}

const struct auth_file_user *auth_file_users_index(struct auth_file_users *users)
{
	users->by_name =
		auth_file_grow(users->by_name, users->count, sizeof(struct auth_file_user *));
	for (size_t i = 0; i < users->count; i++)
		users->by_name[i] = &users->users[i];
	qsort(users->by_name, users->count, sizeof(struct auth_file_user *), compare);
	for (size_t i = 1; i < users->count; i++)
		if (strcmp(users->by_name[i - 1]->name, users->by_name[i]->name) == 0)
			return users->by_name[i];
	return NULL;
}

struct auth_file_user *auth_file_users_find(const struct auth_file_users *users, const char *name)
{
	size_t low = 0, high = users->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, users->by_name[middle]->name);

		if (order == 0)
			return users->by_name[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* How many bytes the first one of a UTF-8 sequence announces; 0: it is no first one. */
static size_t announced(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if ((first & 0xe0) == 0xc0)
		return 2;
	if ((first & 0xf0) == 0xe0)
		return 3;
	return (first & 0xf8) == 0xf0 ? 4 : 0;
}

/* The length of the UTF-8 sequence that p begins with, in its shortest form and no surrogate; 0: none. */
static size_t sequence(const unsigned char *p, size_t n)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t length = announced(p[0]);
	uint32_t code = length < 2 ? p[0] : p[0] & (0x7fu >> length);

	if (!length || length > n)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (p[i] & 0x3f);
	}
	if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return 0;
	return length;
}

const char *auth_file_name_problem(const char *name, size_t n)
{
	const unsigned char *p = (const unsigned char *)name;

	if (n == 0)
		return "found an empty name";
	if (n > NAME_BYTES)
		return "found a name of more than 256 bytes";
	for (size_t at = 0, length; at < n; at += length) {
		if (p[at] < 0x20 || p[at] == 0x7f)
			return "found a control character in a name";
		length = sequence(p + at, n - at);
		if (!length)
			return "found a name that isn't UTF-8";
	}
	return NULL;
}
