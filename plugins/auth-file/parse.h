/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a password file: gatehouse-auth-file(5). Pure: no files, no clock. */
#ifndef GH_AUTH_FILE_PARSE_H
#define GH_AUTH_FILE_PARSE_H

#include "users.h"

/* Where something is wrong, in lines and bytes from 1 on, and what: found and expected. Never holds
 * a hash or a password. */
struct auth_file_problem {
	unsigned line, column;
	char text[384];
};

/* Told of what is skipped but deserves a word. */
typedef void auth_file_warn_fn(void *arg, const struct auth_file_problem *problem);

/* All users of text, indexed, or the first problem and GH_EINVAL. warn may be NULL. */
int auth_file_parse(struct gh_str text, auth_file_warn_fn *warn, void *arg,
		    struct auth_file_users **users_r, struct auth_file_problem *problem_r);

/* What stands behind a user's name and hash, ':' and all; empty for a user without such; to be
 * freed. */
char *auth_file_attributes(const struct auth_file_user *user);

/* "2027-01-31" (its first second) or "2027-01-31T08:00:00Z" as Unix seconds; false: neither, or
 * before 1970. */
bool auth_file_date_parse(const char *text, size_t n, int64_t *time_r);
void auth_file_date_format(int64_t time, char text_r[32]);

/* Puts the groups of "a|b" in the place of user's; the reason and the offset in text if one can't
 * be. */
const char *auth_file_groups_set(struct auth_file_user *user, const char *text, size_t n,
				 size_t *at_r);

/* Binds user, whose name is set, to the expansion of a template; likewise. n 0: to none. */
const char *auth_file_client_id_set(struct auth_file_user *user, const char *text, size_t n,
				    size_t *at_r);

#endif
