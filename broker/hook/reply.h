/* SPDX-License-Identifier: Apache-2.0 */
/* The output of a command or of the subject hook: rows of fields, written by the thread that runs it or answers later. */
#ifndef GH_HOOK_REPLY_H
#define GH_HOOK_REPLY_H

#include "base/buf.h"
#include "hook/host.h"

#include <stdarg.h>

#define GH_REPLY_MAX \
	(16u << 20) /* bytes of names and values: what is beyond is cut, and the end is an error */
#define GH_REPLY_TEXT 512u

/* One part of it: what the call itself wrote, or what came by its ticket. Never shared: a thread has it, then the mail. */
struct gh_reply {
	const struct gh_host_api *api; /* first: modules see a gh_object */
	struct gh_mail mail;
	struct gh_instance *instance;
	struct gh_askers *askers;
	struct gh_ticket ticket; /* of the errand */
	bool late;               /* between gh_reply_begin() and gh_reply_end() */
	bool pended;             /* the ticket has been given out */
	bool cut;
	const struct gh_command *command; /* that is run; NULL: the subject hook, or a later part */
	struct gh_buf rows; /* for each field a 1, its name and its value (base/pack.h); a 0 between rows */
	bool in_row;
	int rc;
	char message[GH_REPLY_TEXT];
	struct gh_bytes secret; /* borrowed, while the command runs */
};

struct gh_reply *gh_reply_new(struct gh_instance *instance, struct gh_ticket ticket);
void gh_reply_free(struct gh_reply **reply);
/* What the call returned: reply->rc is 0, GH_LATER or an error from now on. */
void gh_reply_judge(struct gh_reply *reply, int rc);

/* The host's table. */
void gh_reply_write_field(struct gh_reply *reply, const char *name, const char *fmt, va_list ap)
	GH_PRINTF(3, 0);
void gh_reply_next_row(struct gh_reply *reply);
struct gh_bytes gh_reply_told_secret(struct gh_reply *reply);
struct gh_ticket gh_reply_ticket(struct gh_reply *reply);
struct gh_reply *gh_reply_claim(struct gh_host *host, struct gh_ticket ticket);
void gh_reply_finish(struct gh_reply *reply, int rc, const char *message);

/* Rows of another process become this reply's. False: they aren't any. */
bool gh_reply_adopt(struct gh_reply *reply, struct gh_bytes rows);

/* Rows as JSON objects with commas between them; with `instance` (NULL: none) as a first field. */
void gh_reply_rows(struct gh_buf *out, struct gh_bytes rows, const char *instance);

#endif
