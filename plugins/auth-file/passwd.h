/* SPDX-License-Identifier: Apache-2.0 */
/* What gatehouse-passwd is asked to do, and how it ends. */
#ifndef GH_AUTH_FILE_PASSWD_H
#define GH_AUTH_FILE_PASSWD_H

#include <gatehouse/lib.h>
#include <stdio.h>

/* Exit codes: documented in gatehouse-passwd(1). */
enum passwd_exit {
	PASSWD_DONE = 0,
	PASSWD_NO = 1, /* wrong password, no such user, the user is there already */
	PASSWD_USAGE = 2,
	PASSWD_FILE = 3,   /* can't be read or written, or has an error */
	PASSWD_REFUSED = 4 /* the new password: by the policy, or the two differ */
};

enum passwd_state { PASSWD_KEEP = 0, PASSWD_ENABLE, PASSWD_DISABLE };

/* Borrowed from the command line. NULL: not given. */
struct passwd_request {
	const char *file, *user;
	const char *groups, *client_id, *expires;
	const char *policy; /* another pwquality.conf */
	char *password;     /* given on the command line; its own */
	enum gh_password_kind kind;
	enum passwd_state state;
	bool create;
};

typedef enum passwd_exit passwd_command_fn(const struct passwd_request *request);
passwd_command_fn passwd_add, passwd_change, passwd_set, passwd_delete, passwd_list, passwd_verify,
	passwd_check, passwd_policy;

/* "gatehouse-passwd: TEXT" on standard error. */
GH_PRINTF(1, 2) void passwd_say(const char *fmt, ...);

#endif
