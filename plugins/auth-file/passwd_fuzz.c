/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: a password file; what is read can be written again, and means the same then. */
#include <gatehouse/lib.h>
#include <stdlib.h>
#include <string.h>
#include "change.h"
#include "parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool fact)
{
	if (!fact)
		abort();
}

static void same(const struct auth_file_user *a, const struct auth_file_user *b)
{
	need(b && strcmp(a->hash, b->hash) == 0 && a->group_count == b->group_count &&
	     a->expires == b->expires && a->disabled == b->disabled && !a->bound_id == !b->bound_id);
	need(!a->bound_id || strcmp(a->bound_id, b->bound_id) == 0);
	for (size_t i = 0; i < a->group_count; i++)
		need(strcmp(a->groups[i], b->groups[i]) == 0);
}

/* Writes the attributes of one user anew, and reads the whole again. */
static void rewrite(struct gh_str text, const struct auth_file_users *users,
		    const struct auth_file_user *user)
{
	char *attributes = auth_file_attributes(user), *changed;
	struct auth_file_users *again = NULL;
	struct auth_file_problem problem;
	size_t n;

	changed = auth_file_splice(text, user->rest_at,
				   (struct gh_str){ attributes, strlen(attributes) }, &n);
	need(auth_file_parse((struct gh_str){ changed, n }, NULL, NULL, &again, &problem) == 0);
	need(again->count == users->count);
	same(user, auth_file_users_find(again, user->name));
	auth_file_users_free(&again);
	free(changed);
	free(attributes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gh_str text = { (const char *)data, size };
	struct auth_file_users *users = NULL;
	struct auth_file_problem problem = { 0 };

	if (size == 0)
		return 0;
	if (auth_file_parse(text, NULL, NULL, &users, &problem) < 0) {
		need(problem.line >= 1 && problem.column >= 1 && problem.text[0]);
		return 0;
	}
	for (size_t i = 0; i < users->count && i < 4; i++)
		rewrite(text, users, &users->users[i]);
	auth_file_users_free(&users);
	return 0;
}
