/* SPDX-License-Identifier: Apache-2.0 */
/* Logins, whose user name says what to do; and events, whose text does. */
#include "practice.h"

#include <stdlib.h>
#include <string.h>

enum gh_verdict practice_pend(struct practice *practice, struct gh_answer *out)
{
	struct gh_ticket ticket = gh_pend(out);

	if (!ticket.id || practice->ticket_count == TICKETS)
		return GH_ERROR;
	practice->tickets[practice->ticket_count++] = ticket;
	return GH_PENDING;
}

static enum gh_verdict in_order(const struct gh_authenticate *in, struct gh_answer *out)
{
	gh_answer_principal(out, in->username);
	gh_answer_group(out, "staff");
	gh_answer_group(out, "night");
	gh_answer_attribute(out, "site", "oslo");
	gh_answer_expires(out, 1800000000);
	gh_answer_limits_class(out, "small");
	gh_answer_client_id(out, "dev-9");
	gh_answer_shown_user(out, "");
	return GH_ALLOW;
}

/* Before the hook has returned. */
static enum gh_verdict answer_early(struct practice *practice, struct gh_answer *out,
				    const char *principal)
{
	struct gh_ticket ticket = gh_pend(out);
	struct gh_answer *answer = gh_answer_begin(practice->host, ticket);

	if (!answer)
		return GH_ERROR;
	gh_answer_principal(answer, principal);
	gh_answer_end(answer, GH_ALLOW);
	return GH_PENDING;
}

static void *thread_main(void *arg)
{
	struct practice *practice = arg;
	struct gh_answer *answer = gh_answer_begin(practice->host, practice->tickets[0]);

	gh_log(practice->host, GH_LOG_INFO, "a thread's local is %s",
	       gh_local(practice->host) ? "there" : "NULL");
	if (answer) {
		gh_answer_principal(answer, "threaded");
		gh_answer_end(answer, GH_ALLOW);
	}
	return NULL;
}

static enum gh_verdict answer_by_thread(struct practice *practice, struct gh_answer *out)
{
	practice->ticket_count = 0;
	if (practice->threaded || practice_pend(practice, out) != GH_PENDING ||
	    pthread_create(&practice->thread, NULL, thread_main, practice) != 0)
		return GH_ERROR;
	practice->threaded = true;
	return GH_PENDING;
}

static enum gh_verdict wrongly(struct practice *practice, const struct gh_authenticate *in,
			       struct gh_answer *out)
{
	const char *user = in->username;

	if (strcmp(user, "nobody") == 0)
		return GH_ALLOW;
	if (strcmp(user, "zero") == 0)
		return (enum gh_verdict)0;
	if (strcmp(user, "seven") == 0)
		return (enum gh_verdict)7;
	if (strcmp(user, "continue") == 0)
		return GH_CONTINUE;
	if (strcmp(user, "ticketless") == 0)
		return GH_PENDING;
	if (strcmp(user, "latin") == 0) {
		gh_answer_principal(out, "j\xf6rg");
		return GH_ALLOW;
	}
	if (strcmp(user, "void") == 0)
		return practice_pend(practice, out) == GH_PENDING ? GH_DENY : GH_ERROR;
	if (strcmp(user, "invent") == 0 && gh_answer_begin(practice->host, (struct gh_ticket){ 7 }))
		return GH_ALLOW;
	if (strcmp(user, "keep") == 0)
		practice->kept = user;
	return GH_PASS;
}

enum gh_verdict practice_authenticate(void *instance, const struct gh_authenticate *in,
				      struct gh_answer *out)
{
	struct practice *practice = instance;

	if (!in->username)
		return in->so_far ? GH_ALLOW : GH_PASS;
	if (!gh_local(practice->host)) /* a hook has what thread_start made */
		return GH_ERROR;
	if (strcmp(in->username, "joe") == 0)
		return in_order(in, out);
	if (strcmp(in->username, "later") == 0) {
		gh_log(practice->host, GH_LOG_DEBUG, "%u ms left", gh_time_left(out));
		return practice_pend(practice, out);
	}
	if (strcmp(in->username, "early") == 0)
		return answer_early(practice, out, "early");
	if (strcmp(in->username, "thread") == 0)
		return answer_by_thread(practice, out);
	if (strcmp(in->username, "secret") == 0 && in->password.n == 4 &&
	    memcmp(in->password.p, "a\0b\xff", 4) == 0) {
		gh_answer_principal(out, in->will ? "with a will" : "secret");
		return GH_ALLOW;
	}
	return wrongly(practice, in, out);
}

enum gh_verdict practice_exchange(void *instance, const struct gh_exchange *in, struct gh_answer *out)
{
	struct practice *practice = instance;

	if (in->method.n != 4 || memcmp(in->method.p, "STEP", 4) != 0)
		return GH_PASS;
	if (in->step == 0) {
		*in->state = strdup(in->flags & GH_REAUTH ? "again" : "first");
		gh_answer_auth_data(out, "go on", 5);
		return GH_CONTINUE;
	}
	if (in->data.n == 5 && memcmp(in->data.p, "later", 5) == 0)
		return practice_pend(practice, out);
	gh_answer_principal(out, *in->state);
	gh_answer_auth_data(out, "done", 4);
	return in->data.n ? GH_ALLOW : GH_DENY;
}

/* ---- events ---- */

static void note(struct practice *practice, const char *call, int rc)
{
	gh_log(practice->host, GH_LOG_NOTICE, "%s: %d", call, rc);
}

static void act(struct practice *practice, const struct gh_event *event)
{
	struct gh_host *host = practice->host;
	struct gh_message message = { .size = sizeof(message), .qos = 1, .retain = true };
	const char *text = event->text;

	message.topic = event->topic;
	message.payload = (struct gh_bytes){ "bang", 4 };
	if (strcmp(text, "inject") == 0)
		note(practice, text, gh_inject(host, &message, 60));
	if (strcmp(text, "disconnect") == 0)
		note(practice, text,
		     gh_disconnect(host, gh_subject_connection(event->client->connection), 0x98,
				   "enough"));
	if (strcmp(text, "ban") == 0)
		note(practice, text,
		     gh_ban(host, gh_subject_of(GH_ADDRESS, event->client->address), 600, "why"));
	if (strcmp(text, "ban all") == 0)
		note(practice, text, gh_ban(host, gh_subject_of(GH_EVERYONE, NULL), 600, "why"));
	if (strcmp(text, "class") == 0)
		note(practice, text,
		     gh_set_class(host, gh_subject_of(GH_PRINCIPAL, "joe"), "slow", 30));
	if (strcmp(text, "recheck") == 0)
		note(practice, text, gh_recheck(host, gh_subject_of(GH_EVERYONE, NULL)));
}

void practice_event(void *instance, const struct gh_event *event)
{
	struct practice *practice = instance;
	char *attached;

	gh_metric_add(practice->host, practice->events, 1);
	gh_metric_add(practice->host, practice->seconds, 0.5);
	if (event->kind == GH_EV_CONNECT && event->code == 1)
		gh_log(practice->host, GH_LOG_INFO, "true already: %s", event->client->client_id);
	else if (event->kind == GH_EV_CONNECT)
		gh_attach(practice->host, event->client, strdup("attached"), free);
	if (event->kind == GH_EV_SUBSCRIBE) {
		attached = gh_attached(practice->host, event->client);
		gh_log(practice->host, GH_LOG_INFO, "slot: %s", attached ? attached : "empty");
	}
	if (event->text)
		act(practice, event);
}
