/* SPDX-License-Identifier: Apache-2.0 */
/* Commands, subject, and their replies. */
#include "reply.h"
#include "priv.h"

#include <gatehouse/lib.h>
#include <stdlib.h>
#include <string.h>

#define COMMAND_MS 30000u

static struct gh_reply *reply_new(struct gh_instance *instance, struct gh_bytes secret)
{
	struct gh_reply *reply = gh_new(sizeof(*reply));

	reply->api = &gh_testhost_api;
	reply->instance = instance;
	reply->secret = (struct gh_bytes){ gh_copy_n(secret.p, secret.n), secret.n };
	reply->row = 1;
	reply->fresh = true;
	return reply;
}

void gh_reply_free(struct gh_reply **reply)
{
	struct gh_reply *gone = *reply;

	*reply = NULL;
	if (!gone)
		return;
	gh_wipe((void *)gone->secret.p, gone->secret.n);
	free((void *)gone->secret.p);
	free(gone->message);
	gh_facts_done(&gone->rows);
	free(gone);
}

const char *gh_code_word(int code)
{
	static const char *const words[] = { "0", "EINVAL", "ENOENT", "EBUSY", "EIO", "ENOTSUP" };

	return code <= 0 && code >= GH_ENOTSUP ? words[-code] : "unknown";
}

void gh_reply_facts(const struct gh_reply *reply, struct gh_facts *facts)
{
	gh_facts_word(facts, reply->pending ? "pending" : reply->rc ? "error" : "ok");
	if (reply->pending)
		return;
	if (reply->rc)
		gh_facts_text(facts, "code", gh_code_word(reply->rc));
	gh_facts_text(facts, "message", reply->message);
	gh_facts_print(facts, "rows", "%u", reply->row - reply->fresh);
	for (size_t i = 0; i < reply->rows.count; i++)
		gh_facts_bytes(facts, reply->rows.list[i].key, reply->rows.list[i].value,
			       reply->rows.list[i].n);
}

/* ---- what the module calls ---- */

void gh_host_reply_field(struct gh_reply *reply, const char *name, const char *fmt, va_list ap)
{
	char *key = gh_format("%u.%s", reply->row, name), *value = gh_format_list(fmt, ap);

	gh_facts_text(&reply->rows, key, value);
	reply->fresh = false;
	free(key);
	free(value);
}

void gh_host_reply_row(struct gh_reply *reply)
{
	if (!reply->fresh)
		reply->row++;
	reply->fresh = true;
}

struct gh_bytes gh_host_reply_secret(struct gh_reply *reply)
{
	return reply->secret;
}

/* Of a ticket's owner: a reply is none for gh_answer_begin(). */
static const void *owner_of(const struct gh_instance *instance)
{
	return &instance->replies;
}

struct gh_ticket gh_host_reply_pend(struct gh_reply *reply)
{
	struct gh_testhost *host = reply->instance->host;
	struct gh_question about = { .due_ns = gh_clock_now(&host->clock) +
					       (uint64_t)COMMAND_MS * GH_NS_PER_MS };

	if (reply->late) {
		gh_misuse(reply->instance, "gh_reply_pend() outside of a command");
		return (struct gh_ticket){ 0 };
	}
	if (!reply->ticket.id)
		reply->ticket = gh_tickets_open(&host->tickets, owner_of(reply->instance), &about);
	return reply->ticket;
}

struct gh_reply *gh_host_reply_begin(struct gh_host *theirs, struct gh_ticket ticket)
{
	struct gh_instance *instance = gh_instance_of(theirs);
	struct gh_question about;
	struct gh_reply *reply;

	if (!gh_tickets_claim(&instance->host->tickets, owner_of(instance), ticket, &about))
		return NULL;
	reply = reply_new(instance, (struct gh_bytes){ 0 });
	reply->ticket = ticket;
	reply->late = true;
	return reply;
}

void gh_host_reply_end(struct gh_reply *reply, int rc, const char *message)
{
	reply->rc = rc;
	free(reply->message);
	reply->message = gh_copy(message);
	if (reply->late && !gh_tickets_answer(&reply->instance->host->tickets, reply->ticket, reply))
		gh_reply_free(&reply);
}

/* ---- what the core calls ---- */

struct run {
	struct gh_instance *instance;
	const struct gh_command *command; /* NULL: subject */
	struct gh_subject_request request;
	size_t count;
	const char *const *arguments;
	struct gh_reply *reply;
	int rc;
};

static void run(void *arg)
{
	struct run *run = arg;

	if (run->command)
		run->rc = run->command->run(run->instance->self, run->count, run->arguments,
					    run->reply);
	else
		run->rc = run->instance->host->plugin.subject(run->instance->self, &run->request,
							      run->reply);
}

static struct gh_reply *finish(struct run *r)
{
	struct gh_testhost *host = r->instance->host;
	struct gh_reply *reply = r->reply, *early;

	gh_instance_run(r->instance, GH_IN_COMMAND, run, r);
	if (r->rc != GH_LATER) {
		early = gh_tickets_close(&host->tickets, reply->ticket, GH_TICKET_DROPPED);
		gh_reply_free(&early);
		reply->rc = r->rc > 0 ? GH_EINVAL : r->rc;
		return reply;
	}
	reply->pending = reply->ticket.id;
	if (!reply->pending) {
		free(reply->message);
		reply->message = gh_copy("it wants to finish later, but has no ticket");
		reply->rc = GH_EINVAL;
		return reply;
	}
	gh_clock_start(&host->clock,
		       &(struct gh_due){ host, gh_ticket_expires,
					 (void *)(uintptr_t)(uint32_t)reply->ticket.id },
		       (uint64_t)COMMAND_MS * GH_NS_PER_MS, 0, false);
	return reply;
}

static const struct gh_command *find(const struct gh_command *at, const char *name)
{
	for (; at && at->name; at++)
		if (strcmp(at->name, name) == 0)
			return at;
	return NULL;
}

struct gh_reply *gh_testhost_command(struct gh_testhost *host, const char *name, size_t count,
				     const char *const *arguments, struct gh_bytes secret,
				     struct gh_error *error)
{
	struct run r = { .instance = host->instance, .count = count, .arguments = arguments };

	r.command = find(host->commands, name);
	if (!host->instance || !r.command) {
		gh_error_set(error, GH_ENOENT, host->instance ? "no command '%s'" : "no instance",
			     name);
		return NULL;
	}
	if (secret.p && !(r.command->flags & GH_CMD_SECRET)) {
		gh_error_set(error, GH_EINVAL, "command '%s' takes no secret", name);
		return NULL;
	}
	r.reply = reply_new(host->instance, secret);
	return finish(&r);
}

struct gh_reply *gh_testhost_subject(struct gh_testhost *host, bool forget,
				     struct gh_subject subject, struct gh_error *error)
{
	struct run r = { .instance = host->instance,
			 .request = { .size = sizeof(r.request), .forget = forget } };

	r.request.subject = subject;
	if (!host->instance || !host->plugin.subject) {
		gh_error_set(error, GH_ENOENT,
			     host->instance ? "the module has no subject" : "no instance");
		return NULL;
	}
	r.reply = reply_new(host->instance, (struct gh_bytes){ 0 });
	return finish(&r);
}

struct gh_reply *gh_testhost_take_reply(struct gh_testhost *host, struct gh_ticket ticket)
{
	struct gh_reply *reply;

	switch (gh_tickets_state(&host->tickets, ticket)) {
	case GH_TICKET_ANSWERED: return gh_tickets_take(&host->tickets, ticket);
	case GH_TICKET_TIMED_OUT:
		reply = reply_new(NULL, (struct gh_bytes){ 0 });
		reply->rc = GH_EIO;
		reply->message = gh_copy("it has not answered in time");
		return reply;
	default: return NULL;
	}
}

void gh_testhost_drop_reply(struct gh_testhost *host, struct gh_ticket ticket)
{
	struct gh_reply *reply = gh_tickets_close(&host->tickets, ticket, GH_TICKET_DROPPED);

	gh_reply_free(&reply);
}
