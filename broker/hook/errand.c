/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of commands and of the subject hook: at once, on a thread of the instance, or answered later. */
#include "hook/errand.h"

#include "base/clock.h"
#include "base/mem.h"
#include "hook/asker_priv.h"
#include "hook/call.h"
#include "hook/pool.h"
#include "hook/reply.h"
#include "hook/ticket.h"

#include <gatehouse/lib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct gh_errand {
	struct gh_errand_call call;
	struct gh_instance *instance; /* held */
	const struct gh_command *command;
	struct gh_ticket ticket;
	struct gh_timeout timeout;
	struct gh_job *job;           /* where the instance blocks */
	struct gh_reply *ran, *later; /* the parts that have come: of the call, and by its ticket */
};

/* ---- the call ---- */

static void run(struct gh_instance *instance, const struct gh_errand_task *task,
		struct gh_reply *reply)
{
	int rc;

	reply->secret = task->secret;
	reply->command = task->command;
	rc = task->command ? gh_call_command(instance, task->command, task->argument_count,
					     task->arguments, reply)
			   : gh_call_subject(instance, task->request, reply);
	gh_reply_judge(reply, rc);
}

struct errand_job {
	struct gh_job job;
	struct gh_instance *instance; /* held */
	struct gh_asker *asker;
	struct gh_ticket ticket;
	struct gh_errand_task task; /* of the copies below */
	struct gh_subject_request request;
	char **arguments;
	char *text;
	uint8_t *secret;
};

static void job_run(struct gh_job *job)
{
	struct errand_job *errand = gh_container(job, struct errand_job, job);
	struct gh_reply *reply;

	/* Nobody waits any more: it isn't begun. */
	if (!gh_ticket_waits(errand->instance->hooks->askers, errand->instance, errand->ticket))
		return;
	reply = gh_reply_new(errand->instance, errand->ticket);
	run(errand->instance, &errand->task, reply);
	gh_wipe(errand->secret, errand->task.secret.n);
	if (!gh_asker_post(errand->asker, &reply->mail))
		gh_reply_free(&reply);
}

static void job_free(struct gh_job *job)
{
	struct errand_job *errand = gh_container(job, struct errand_job, job);
	struct gh_instance *instance = errand->instance;

	for (size_t i = 0; i < errand->task.argument_count; i++)
		free(errand->arguments[i]);
	free(errand->arguments);
	free(errand->text);
	gh_wipe(errand->secret, errand->task.secret.n); /* it may never have run */
	free(errand->secret);
	free(errand);
	gh_instance_unref(instance);
}

static void copy_task(struct errand_job *job, const struct gh_errand_task *task)
{
	job->task = *task;
	job->arguments = gh_alloc_array(task->argument_count + 1, sizeof(*job->arguments));
	for (size_t i = 0; i < task->argument_count; i++)
		job->arguments[i] = gh_strdup(task->arguments[i]);
	job->arguments[task->argument_count] = NULL;
	job->task.arguments = (const char *const *)job->arguments;
	if (task->secret.p) {
		job->secret = gh_alloc(task->secret.n + 1);
		memcpy(job->secret, task->secret.p, task->secret.n);
		job->task.secret.p = job->secret;
	}
	if (task->request) {
		job->request = *task->request;
		job->text = gh_strdup(job->request.subject.text);
		job->request.subject.text = job->text;
		job->task.request = &job->request;
	}
}

static struct gh_job *job_new(const struct gh_errand *errand, const struct gh_errand_task *task)
{
	struct errand_job *job = gh_zalloc(sizeof(*job));

	gh_job_init(&job->job, job_run, job_free);
	job->instance = errand->instance;
	gh_instance_ref(errand->instance);
	job->asker = errand->call.asker;
	job->ticket = errand->ticket;
	copy_task(job, task);
	return &job->job;
}

/* ---- the end ---- */

static void errand_free(struct gh_errand *errand, enum gh_ticket_end end)
{
	struct gh_instance *instance = errand->instance;

	gh_ticket_close(errand->call.asker, errand->ticket, end);
	gh_loop_timeout_cancel(errand->call.asker->loop, &errand->timeout);
	if (errand->job)
		gh_pool_withdraw(errand->instance->pool, errand->job);
	gh_job_unref(&errand->job);
	gh_reply_free(&errand->ran);
	gh_reply_free(&errand->later);
	free(errand);
	gh_instance_unref(instance);
}

void gh_errand_cancel(struct gh_errand **errand)
{
	if (*errand)
		errand_free(*errand, GH_TICKET_CANCELLED);
	*errand = NULL;
}

static bool is_complete(const struct gh_errand *errand)
{
	return errand->ran && (errand->ran->rc != GH_LATER || errand->later);
}

/* For an error that nobody has explained. */
static void explain(const struct gh_errand *errand, int rc, char *text, size_t size)
{
	const struct gh_command *command = errand->command;

	if (rc == GH_EINVAL && command)
		snprintf(text, size, "usage: gatehousectl %s %s%s%s", errand->instance->name,
			 command->name, command->usage ? " " : "",
			 command->usage ? command->usage : "");
	else if (rc == GH_ENOENT)
		snprintf(text, size, "there is no such thing");
	else if (rc == GH_EBUSY)
		snprintf(text, size, "it is too busy");
	else if (rc == GH_ENOTSUP)
		snprintf(text, size, "it can't do that");
	else
		snprintf(text, size, "it failed and gives no reason");
}

static void add_rows(struct gh_buf *rows, const struct gh_reply *reply)
{
	if (!reply || !reply->rows.n)
		return;
	gh_buf_add(rows, reply->rows.p, reply->rows.n);
	gh_buf_u8(rows, 0);
}

static void finish(struct gh_errand *errand, bool in_time)
{
	const struct gh_reply *last = errand->later ? errand->later : errand->ran;
	struct gh_errand_call call = errand->call;
	struct gh_errand_result result = { .rc = in_time ? last->rc : GH_EIO };
	char text[GH_REPLY_TEXT] = "no answer in time";
	struct gh_buf rows = { 0 };

	add_rows(&rows, errand->ran);
	add_rows(&rows, errand->later);
	result.rows = (struct gh_bytes){ rows.p, rows.n };
	if (in_time && last->message[0])
		snprintf(text, sizeof(text), "%s", last->message);
	else if (in_time)
		explain(errand, result.rc, text, sizeof(text));
	result.message = text;
	call.done(call.arg, &result);
	errand_free(errand, errand->later ? GH_TICKET_ANSWERED
					  : (in_time ? GH_TICKET_CANCELLED : GH_TICKET_TIMED_OUT));
	gh_buf_done(&rows);
}

static void on_timeout(struct gh_timeout *timeout)
{
	struct gh_errand *errand = gh_container(timeout, struct gh_errand, timeout);

	finish(errand, is_complete(errand));
}

void gh_errand_deliver(struct gh_mail *mail, void *owner)
{
	struct gh_reply *reply = gh_container(mail, struct gh_reply, mail);
	struct gh_errand *errand = NULL;

	if (owner)
		errand = gh_ticket_waiter(gh_ticket_asker(reply->askers, reply->ticket),
					  reply->ticket);
	if (!errand) {
		gh_reply_free(&reply);
		return;
	}
	if (reply->late)
		errand->later = reply;
	else
		errand->ran = reply;
	if (is_complete(errand))
		finish(errand, true);
}

/* ---- the start ---- */

/* It ends in the next turn, as if it had been called. */
static void end_soon(struct gh_errand *errand)
{
	if (is_complete(errand))
		gh_loop_timeout(errand->call.asker->loop, &errand->timeout, 0);
}

static void cannot(struct gh_errand *errand, const char *why)
{
	errand->ran = gh_reply_new(errand->instance, errand->ticket);
	gh_reply_finish(errand->ran, GH_EBUSY, why);
	end_soon(errand);
}

static void submit(struct gh_errand *errand, const struct gh_errand_task *task)
{
	static const uint8_t nowhere[16];

	errand->job = job_new(errand, task);
	if (gh_pool_submit(errand->instance->pool, GH_POOL_QUESTIONS, nowhere, errand->job))
		return;
	gh_job_unref(&errand->job);
	cannot(errand, "too much waits for its threads already");
}

struct gh_errand *gh_errand_start(const struct gh_errand_call *call, struct gh_instance *instance,
				  const struct gh_errand_task *task)
{
	struct gh_errand *errand = gh_zalloc(sizeof(*errand));

	errand->call = *call;
	errand->instance = instance;
	errand->command = task->command;
	gh_instance_ref(instance);
	gh_timeout_init(&errand->timeout, on_timeout);
	gh_loop_timeout(call->asker->loop, &errand->timeout, call->timeout_ms);
	errand->ticket = gh_ticket_open_for(call->asker, instance, GH_TICKET_REPLY, errand,
					    gh_clock_ms() + call->timeout_ms);
	if (gh_off(instance)) {
		cannot(errand, gh_off(instance));
	} else if (!errand->ticket.id) {
		cannot(errand, "too much waits for answers already");
	} else if (instance->blocking) {
		submit(errand, task);
	} else {
		errand->ran = gh_reply_new(instance, errand->ticket);
		run(instance, task, errand->ran);
		end_soon(errand);
	}
	return errand;
}
