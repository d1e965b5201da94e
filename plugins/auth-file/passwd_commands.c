/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of gatehouse-passwd. A password is asked for before the file is locked: nobody waits
 * for a person. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "change.h"
#include "parse.h"
#include "passwd.h"
#include "prompt.h"

/* A file that is read, and locked if it is to be changed. */
struct session {
	const struct passwd_request *request;
	struct auth_file_change change;
	struct auth_file_users *users;
};

static void warn(void *arg, const struct auth_file_problem *problem)
{
	const struct session *session = arg;

	passwd_say("%s:%u:%u: %s", session->request->file, problem->line, problem->column,
		   problem->text);
}

static void session_done(struct session *session)
{
	auth_file_users_free(&session->users);
	auth_file_close(&session->change);
}

static enum passwd_exit parse(struct session *session, struct gh_str text)
{
	struct auth_file_problem problem;
	bool first = session->change.lock < 0;

	auth_file_users_free(&session->users);
	if (auth_file_parse(text, first ? warn : NULL, session, &session->users, &problem) == 0)
		return PASSWD_DONE;
	passwd_say("%s:%u:%u: %s", session->request->file, problem.line, problem.column,
		   problem.text);
	return PASSWD_FILE;
}

/* An administrator's tool reads what is anybody's, but follows no link that others could change. */
static enum passwd_exit session_open(struct session *session, const struct passwd_request *request,
				     unsigned flags)
{
	char why[1024];

	memset(session, 0, sizeof(*session));
	session->request = request;
	flags |= GH_SECRET_ANY_OWNER | GH_SECRET_ANY_MODE | (request->create ? GH_SECRET_ABSENT : 0);
	if (auth_file_open(request->file, flags, &session->change, why, sizeof(why)) < 0) {
		passwd_say("%s", why);
		return PASSWD_FILE;
	}
	if (request->create && session->change.file.fd >= 0) {
		passwd_say("'%s' is there already: it is only added to without --create",
			   request->file);
		return PASSWD_FILE;
	}
	if (!(flags & AUTH_FILE_LOCK) && session->change.was.st_mode & (S_IWGRP | S_IRWXO))
		passwd_say("'%s' has mode %04o: the broker refuses it: chmod g-w,o= %s",
			   request->file, (unsigned)session->change.was.st_mode & 07777u,
			   request->file);
	return parse(session, (struct gh_str){ session->change.text, session->change.n });
}

/* Opens without a lock, looks for the user, and closes: what a person should hear before typing a
 * password. */
static enum passwd_exit look(const struct passwd_request *request, bool wanted)
{
	struct session session;
	enum passwd_exit code = session_open(&session, request, 0);
	bool there = code == PASSWD_DONE && auth_file_users_find(session.users, request->user);

	session_done(&session);
	if (code != PASSWD_DONE || there == wanted)
		return code;
	passwd_say(wanted ? "no user '%s' in '%s'" : "user '%s' is in '%s' already", request->user,
		   request->file);
	return PASSWD_NO;
}

/* As look(), with the lock, which stays; *user_r is NULL where none is wanted. */
static enum passwd_exit session_change(struct session *session, const struct passwd_request *request,
				       bool wanted, struct auth_file_user **user_r)
{
	enum passwd_exit code = session_open(session, request, AUTH_FILE_LOCK);

	if (code != PASSWD_DONE)
		return code;
	*user_r = auth_file_users_find(session->users, request->user);
	if ((*user_r != NULL) == wanted)
		return PASSWD_DONE;
	passwd_say("'%s' was changed meanwhile: nothing is done", request->file);
	return PASSWD_NO;
}

/* Replaces `span` of the text, if what comes out can be read, and writes it. */
static enum passwd_exit session_write(struct session *session, struct auth_file_span span,
				      const char *by)
{
	struct gh_str text = { session->change.text, session->change.n };
	enum passwd_exit code;
	char why[1024];
	size_t n;
	char *changed = auth_file_splice(text, span, (struct gh_str){ by, strlen(by) }, &n);

	code = parse(session, (struct gh_str){ changed, n });
	if (code == PASSWD_DONE && auth_file_replace(&session->change, (struct gh_str){ changed, n },
						     why, sizeof(why)) < 0) {
		passwd_say("%s", why);
		code = PASSWD_FILE;
	}
	gh_wipe(changed, n);
	free(changed);
	return code;
}

/* ---- passwords ------------------------------------------------------------------------------- */

/* The password that the request has, or that somebody types; `again` NULL: once. */
static enum passwd_exit secret_of(const struct passwd_request *request, const char *prompt,
				  const char *again, struct passwd_secret *secret)
{
	char why[256];

	if (request->password) {
		secret->n = strlen(request->password);
		secret->p = auth_file_copy(request->password, secret->n);
		return PASSWD_DONE;
	}
	switch (passwd_secret_get(prompt, again, secret, why, sizeof(why))) {
	case 0: return PASSWD_DONE;
	case GH_EINVAL: passwd_say("%s", why); return PASSWD_REFUSED;
	default: passwd_say("%s", why); return PASSWD_FILE;
	}
}

/* The one place that lets a password become a hash. */
static enum passwd_exit hash_of(const struct passwd_request *request, struct gh_bytes password,
				char *hash_r)
{
	const char *gap = gh_password_policy_gap(request->policy), *problem;
	char why[512];
	int rc = gh_password_policy(request->user, password, request->policy, why, sizeof(why));

	if (rc < 0) {
		passwd_say("%s%s", rc == GH_EINVAL ? "password refused: " : "", why);
		return rc == GH_EINVAL ? PASSWD_REFUSED : PASSWD_FILE;
	}
	if (gap)
		passwd_say("%s", gap);
	if (gh_password_make(request->kind, password, hash_r, &problem) == 0)
		return PASSWD_DONE;
	passwd_say("%s", problem);
	return PASSWD_REFUSED;
}

static enum passwd_exit new_hash(const struct passwd_request *request,
				 char hash_r[GH_PASSWORD_HASH_SIZE])
{
	struct passwd_secret secret = { NULL, 0 };
	enum passwd_exit code = secret_of(request, "New password: ", "Again: ", &secret);

	if (code == PASSWD_DONE)
		code = hash_of(request, (struct gh_bytes){ secret.p, secret.n }, hash_r);
	passwd_secret_free(&secret);
	return code;
}

/* ---- users ----------------------------------------------------------------------------------- */

/* What can't begin a line or be told from what stands around it, beside what no file may hold. */
static enum passwd_exit name_check(const char *name)
{
	size_t n = strlen(name);
	const char *problem = auth_file_name_problem(name, n);

	if (!problem && (*name == '#' || strchr(name, ':')))
		problem =
			"found '#' at the beginning or ':' in a name, which a password file can't hold";
	if (!problem && (*name == ' ' || name[n - 1] == ' '))
		problem = "found a name that begins or ends with a blank";
	if (!problem)
		return PASSWD_DONE;
	passwd_say("%s", problem);
	return PASSWD_USAGE;
}

static enum passwd_exit wrong(const char *option, const char *problem)
{
	passwd_say("--%s: %s", option, problem);
	return PASSWD_USAGE;
}

static enum passwd_exit expires_set(struct auth_file_user *user, const char *text)
{
	if (strcmp(text, "never") == 0)
		user->expires = 0;
	else if (!auth_file_date_parse(text, strlen(text), &user->expires))
		return wrong("expires", "expected YYYY-MM-DD, YYYY-MM-DDThh:mm:ssZ (UTC) or never");
	return PASSWD_DONE;
}

/* Puts what the request says about a user into it. */
static enum passwd_exit apply(const struct passwd_request *request, struct auth_file_user *user)
{
	const char *problem;
	size_t at;

	if (request->groups &&
	    (problem = auth_file_groups_set(user, request->groups, strlen(request->groups), &at))) {
		if (*request->groups)
			return wrong("groups", problem);
		/* Setting nothing has taken all away. */
	}
	if (request->client_id && (problem = auth_file_client_id_set(user, request->client_id,
								     strlen(request->client_id), &at)))
		return wrong("client-id", problem);
	if (request->state)
		user->disabled = request->state == PASSWD_DISABLE;
	return request->expires ? expires_set(user, request->expires) : PASSWD_DONE;
}

/* The line of a new user, for the end of the text; to be freed. */
static char *line_of(const struct auth_file_user *user, const struct auth_file_change *change)
{
	bool cut = change->n && change->text[change->n - 1] != '\n';
	char *attributes = auth_file_attributes(user), *line = NULL;

	if (asprintf(&line, "%s%s:%s%s\n", cut ? "\n" : "", user->name, user->hash, attributes) < 0)
		abort();
	free(attributes);
	return line;
}

static enum passwd_exit append(struct session *session, const char *hash)
{
	struct auth_file_users *scratch = auth_file_users_new();
	struct auth_file_user *user = auth_file_users_add(scratch);
	enum passwd_exit code;
	char *line;

	user->name = auth_file_copy(session->request->user, strlen(session->request->user));
	user->hash = auth_file_copy(hash, strlen(hash));
	code = apply(session->request, user);
	if (code == PASSWD_DONE) {
		line = line_of(user, &session->change);
		code = session_write(session, (struct auth_file_span){ session->change.n, 0 }, line);
		free(line);
	}
	auth_file_users_free(&scratch);
	return code;
}

/* Whether the options of a new user are right, before a password is typed. */
static enum passwd_exit rehearse(const struct passwd_request *request)
{
	struct auth_file_users *scratch = auth_file_users_new();
	struct auth_file_user *user = auth_file_users_add(scratch);
	enum passwd_exit code;

	user->name = auth_file_copy(request->user, strlen(request->user));
	code = apply(request, user);
	auth_file_users_free(&scratch);
	return code;
}

/* ---- commands -------------------------------------------------------------------------------- */

enum passwd_exit passwd_add(const struct passwd_request *request)
{
	char hash[GH_PASSWORD_HASH_SIZE];
	struct auth_file_user *none;
	struct session session;
	enum passwd_exit code = name_check(request->user);

	if (code == PASSWD_DONE)
		code = rehearse(request);
	if (code == PASSWD_DONE)
		code = look(request, false);
	if (code == PASSWD_DONE)
		code = new_hash(request, hash);
	if (code != PASSWD_DONE)
		return code;
	code = session_change(&session, request, false, &none);
	if (code == PASSWD_DONE)
		code = append(&session, hash);
	session_done(&session);
	gh_wipe(hash, sizeof(hash));
	return code;
}

enum passwd_exit passwd_change(const struct passwd_request *request)
{
	char hash[GH_PASSWORD_HASH_SIZE];
	struct auth_file_user *user;
	struct session session;
	enum passwd_exit code = look(request, true);

	if (code == PASSWD_DONE)
		code = new_hash(request, hash);
	if (code != PASSWD_DONE)
		return code;
	code = session_change(&session, request, true, &user);
	if (code == PASSWD_DONE)
		code = session_write(&session, user->hash_at, hash);
	session_done(&session);
	gh_wipe(hash, sizeof(hash));
	return code;
}

enum passwd_exit passwd_set(const struct passwd_request *request)
{
	struct auth_file_user *user;
	struct session session;
	enum passwd_exit code = look(request, true);

	if (code != PASSWD_DONE)
		return code;
	code = session_change(&session, request, true, &user);
	if (code == PASSWD_DONE)
		code = apply(request, user);
	if (code == PASSWD_DONE) {
		char *attributes = auth_file_attributes(user);

		code = session_write(&session, user->rest_at, attributes);
		free(attributes);
	}
	session_done(&session);
	return code;
}

enum passwd_exit passwd_delete(const struct passwd_request *request)
{
	struct auth_file_user *user;
	struct session session;
	enum passwd_exit code = look(request, true);

	if (code != PASSWD_DONE)
		return code;
	code = session_change(&session, request, true, &user);
	if (code == PASSWD_DONE)
		code = session_write(&session, user->whole, "");
	session_done(&session);
	return code;
}

static const char *state_of(const struct auth_file_user *user)
{
	return user->disabled                                          ? "disabled"
	       : user->expires && user->expires <= (int64_t)time(NULL) ? "expired"
								       : "active";
}

static void print_user(const struct auth_file_user *user)
{
	const char *problem;
	struct gh_str hash = { user->hash, strlen(user->hash) };
	char date[32] = "-";

	if (user->expires)
		auth_file_date_format(user->expires, date);
	printf("%s\t%s\t%s%s\t", user->name, state_of(user),
	       gh_password_kind_name(gh_password_check(hash, &problem)),
	       gh_password_weak(user->hash) ? " (weak)" : "");
	for (size_t i = 0; i < user->group_count; i++)
		printf("%s%s", i ? "|" : "", user->groups[i]);
	printf("%s\t%s\t%s\n", user->group_count ? "" : "-",
	       user->client_id ? user->client_id : "-", date);
}

enum passwd_exit passwd_list(const struct passwd_request *request)
{
	struct session session;
	enum passwd_exit code = session_open(&session, request, 0);

	if (code == PASSWD_DONE)
		puts("USER\tSTATE\tHASH\tGROUPS\tCLIENT-ID\tEXPIRES");
	for (size_t i = 0; code == PASSWD_DONE && i < session.users->count; i++)
		print_user(&session.users->users[i]);
	session_done(&session);
	return code;
}

enum passwd_exit passwd_check(const struct passwd_request *request)
{
	struct session session;
	size_t weak = 0;
	enum passwd_exit code = session_open(&session, request, 0);

	for (size_t i = 0; code == PASSWD_DONE && i < session.users->count; i++)
		weak += gh_password_weak(session.users->users[i].hash);
	if (code == PASSWD_DONE)
		printf("%zu users, %zu with a weak hash\n", session.users->count, weak);
	session_done(&session);
	return code;
}

static enum passwd_exit verify(const struct auth_file_user *user, struct gh_bytes password)
{
	switch (gh_password_verify(user->hash, password)) {
	case GH_PASSWORD_RIGHT: break;
	case GH_PASSWORD_WRONG: passwd_say("wrong password"); return PASSWD_NO;
	default: passwd_say("no memory to compute the hash"); return PASSWD_FILE;
	}
	printf("right password, user is %s\n", state_of(user));
	return PASSWD_DONE;
}

enum passwd_exit passwd_verify(const struct passwd_request *request)
{
	struct passwd_secret secret = { NULL, 0 };
	struct session session;
	enum passwd_exit code = look(request, true);

	if (code != PASSWD_DONE)
		return code;
	code = secret_of(request, "Password: ", NULL, &secret);
	if (code == PASSWD_DONE) {
		code = session_open(&session, request, 0);
		if (code == PASSWD_DONE) {
			const struct auth_file_user *user =
				auth_file_users_find(session.users, request->user);

			code = user ? verify(user, (struct gh_bytes){ secret.p, secret.n })
				    : PASSWD_NO;
		}
		session_done(&session);
	}
	passwd_secret_free(&secret);
	return code;
}

enum passwd_exit passwd_policy(const struct passwd_request *request)
{
	const char *gap = gh_password_policy_gap(request->policy);
	char text[512];

	if (gh_password_policy_text(request->policy, text, sizeof(text)) < 0) {
		passwd_say("%s", text);
		return PASSWD_FILE;
	}
	puts(text);
	if (gap)
		puts(gap);
	return PASSWD_DONE;
}
