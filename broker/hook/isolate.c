/* SPDX-License-Identifier: Apache-2.0 */
/* The process of an isolated instance: started, kept, started again, ended. */
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/extract.h"
#include "hook/host.h"
#include "hook/isolate_priv.h"
#include "hook/keep.h"
#include "hook/reply.h"

#include <gatehouse/lib.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIRST_MS 100u /* before a process that died is followed by another */
#define LAST_MS  30000u
#define LIVED_MS 60000u
#define END_MS   5000u
#define LOOK_MS  1000u

extern char **environ;

/* ---- what others say to it ---- */

uint64_t gh_isolate_epoch(struct gh_isolate *isolate)
{
	uint64_t epoch;

	pthread_mutex_lock(&isolate->lock);
	epoch = isolate->epoch;
	pthread_mutex_unlock(&isolate->lock);
	return epoch;
}

/* Locked. */
static void wake(struct gh_isolate *isolate)
{
	gh_inbox_wake(isolate->inbox, 0);
}

/* Locked. Sent at once where nothing waits: who asks is waiting for it. */
static void put(struct gh_isolate *isolate, struct gh_buf *frame)
{
	bool idle = !isolate->link.first;

	gh_link_put(&isolate->link, frame);
	if (idle)
		gh_link_send(&isolate->link); /* where the other side is gone, the thread sees it */
	if (isolate->link.first)
		wake(isolate);
}

static bool serves(const struct gh_isolate *isolate, uint64_t epoch)
{
	return isolate->stage == GH_ISOLATE_SERVING && isolate->epoch == epoch;
}

bool gh_isolate_put(struct gh_isolate *isolate, uint64_t epoch, struct gh_buf *frame, bool must)
{
	bool goes;

	pthread_mutex_lock(&isolate->lock);
	goes = serves(isolate, epoch) && (must || isolate->link.queued <= GH_ISOLATE_QUEUE);
	if (goes)
		put(isolate, frame);
	pthread_mutex_unlock(&isolate->lock);
	if (!goes)
		gh_link_discard(frame);
	return goes;
}

void gh_isolate_put_event(struct gh_isolate *isolate, uint64_t epoch, struct gh_buf *frame)
{
	bool goes;

	pthread_mutex_lock(&isolate->lock);
	goes = serves(isolate, epoch) && isolate->link.queued <= GH_ISOLATE_QUEUE;
	if (goes && !isolate->link.first)
		wake(isolate);
	if (goes)
		gh_link_put(&isolate->link, frame);
	else
		isolate->lost++;
	pthread_mutex_unlock(&isolate->lock);
	if (!goes)
		gh_link_discard(frame);
}

uint64_t gh_isolate_open(struct gh_isolate *isolate, const struct gh_isolate_question *question)
{
	struct gh_isolate_question *mine = gh_alloc(sizeof(*mine));
	uint64_t id;

	*mine = *question;
	pthread_mutex_lock(&isolate->lock);
	id = mine->id = gh_handle_new(&isolate->open, mine);
	if (id)
		gh_list_append(&isolate->asked, &mine->node);
	pthread_mutex_unlock(&isolate->lock);
	if (!id)
		free(mine);
	return id;
}

/* Locked. */
static void remove_question(struct gh_isolate *isolate, struct gh_isolate_question *question)
{
	gh_handle_drop(&isolate->open, question->id);
	gh_list_remove(&question->node);
}

bool gh_isolate_close(struct gh_isolate *isolate, uint64_t id, enum gh_isolate_kind kind,
		      struct gh_isolate_question *question_r)
{
	struct gh_isolate_question *found;

	pthread_mutex_lock(&isolate->lock);
	found = gh_handle_get(&isolate->open, id);
	if (found && found->kind == kind)
		remove_question(isolate, found);
	else
		found = NULL;
	pthread_mutex_unlock(&isolate->lock);
	if (!found)
		return false;
	*question_r = *found;
	free(found);
	return true;
}

/* ---- its stages ---- */

static void set_stage(struct gh_isolate *isolate, enum gh_isolate_stage stage)
{
	pthread_mutex_lock(&isolate->lock);
	isolate->stage = stage;
	pthread_cond_broadcast(&isolate->changed);
	pthread_mutex_unlock(&isolate->lock);
}

/* The first one: there won't be another. The first reason stays. */
static void give_up(struct gh_isolate *isolate, const char *where, const char *text)
{
	pthread_mutex_lock(&isolate->lock);
	if (isolate->stage != GH_ISOLATE_FAILED)
		gh_error_set(&isolate->error, GH_EIO, "%s%s", where, text);
	isolate->stage = GH_ISOLATE_FAILED;
	pthread_cond_broadcast(&isolate->changed);
	pthread_mutex_unlock(&isolate->lock);
}

static void give_up_here(struct gh_isolate *isolate, const char *text)
{
	char where[GH_CONF_WHERE_SIZE + 80];

	snprintf(where, sizeof(where), "%s: '%s': ", isolate->instance->settings->where,
		 isolate->instance->name);
	give_up(isolate, where, text);
}

/* For what `stage` is followed by. */
static int wait_for(struct gh_isolate *isolate, enum gh_isolate_stage stage, struct gh_error *error)
{
	int rc = 0;

	pthread_mutex_lock(&isolate->lock);
	while (isolate->stage != stage && isolate->stage != GH_ISOLATE_FAILED)
		pthread_cond_wait(&isolate->changed, &isolate->lock);
	if (isolate->stage == GH_ISOLATE_FAILED)
		rc = gh_error_set(error, GH_EIO, "%s", isolate->error.text);
	pthread_mutex_unlock(&isolate->lock);
	return rc;
}

/* ---- on the thread: a process ---- */

static void flush(struct gh_isolate *isolate)
{
	bool more;

	pthread_mutex_lock(&isolate->lock);
	gh_link_send(&isolate->link);
	more = isolate->link.first;
	pthread_mutex_unlock(&isolate->lock);
	if (isolate->io)
		gh_io_set(isolate->io, GH_IO_READ | (more ? GH_IO_WRITE : 0));
}

static void put_now(struct gh_isolate *isolate, struct gh_buf *frame)
{
	pthread_mutex_lock(&isolate->lock);
	gh_link_put(&isolate->link, frame);
	pthread_mutex_unlock(&isolate->lock);
	flush(isolate);
}

static int start_process(pid_t *pid_r, const char *name, int fd)
{
	char *const words[] = { (char *)"gatehoused", (char *)"--isolated", (char *)name, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	int rc;

	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, fd, STDERR_FILENO + 1);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigmask(&attributes, &none);
	rc = posix_spawn(pid_r, "/proc/self/exe", &actions, &attributes, words, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return rc;
}

static int open_process(struct gh_isolate *isolate)
{
	int pair[2], rc;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return errno;
	rc = start_process(&isolate->pid, isolate->instance->name, pair[1]);
	close(pair[1]);
	if (rc) {
		close(pair[0]);
		return rc;
	}
	pthread_mutex_lock(&isolate->lock);
	gh_link_init(&isolate->link, pair[0]);
	isolate->link.max = GH_REPLY_MAX + 2 * isolate->instance->held->limits.packet_size;
	isolate->stage = GH_ISOLATE_LOADING;
	pthread_mutex_unlock(&isolate->lock);
	atomic_store(&isolate->shown_pid, isolate->pid);
	isolate->began_ms = gh_clock_ms();
	isolate->metric_count = 0;
	return 0;
}

static void again(struct gh_isolate *isolate, const char *why);
static void on_io(struct gh_io *io, unsigned events, void *arg);

static void begin(struct gh_isolate *isolate)
{
	const struct gh_instance *instance = isolate->instance;
	struct gh_buf frame;
	char text[128];
	int rc = open_process(isolate);

	if (rc) {
		snprintf(text, sizeof(text), "no process for it: %s", strerror(rc));
		if (isolate->served)
			again(isolate, text);
		else
			give_up_here(isolate, text);
		return;
	}
	isolate->io = gh_io_new(isolate->loop, isolate->link.fd, GH_IO_READ, on_io, isolate);
	frame = gh_link_begin(GH_LINK_LOAD);
	gh_pack_number(&frame, instance->generation);
	gh_pack_number(&frame, instance->hooks->checking);
	gh_pack_text(&frame, gh_str(gh_loader_directory(instance->hooks->loader)));
	gh_settings_extract(&frame, instance->held, instance->settings);
	put_now(isolate, &frame);
}

static void add_kept(void *arg, struct gh_bytes key, struct gh_bytes value)
{
	struct gh_buf *kept = arg;

	gh_pack_number(kept, 1);
	gh_pack_bytes(kept, key);
	gh_pack_bytes(kept, value);
}

static void create(struct gh_isolate *isolate)
{
	struct gh_buf frame = gh_link_begin(GH_LINK_CREATE);
	struct gh_here *here = gh_here();
	int rc;

	here->creating = isolate->instance;
	gh_pack_number(&frame, 1);
	rc = gh_keep_recall((struct gh_host *)(void *)isolate->instance, add_kept, &frame);
	here->creating = NULL;
	if (rc == 0)
		gh_pack_number(&frame, 0);
	else
		frame.p[frame.n - 1] = 0; /* no store: it hasn't been called once */
	set_stage(isolate, GH_ISOLATE_CREATING);
	put_now(isolate, &frame);
}

void gh_isolate_loaded(struct gh_isolate *isolate)
{
	set_stage(isolate, GH_ISOLATE_LOADED);
	if (isolate->served)
		create(isolate);
}

/* Locked. */
static void put_order(struct gh_isolate *isolate, enum gh_link_kind kind)
{
	struct gh_buf frame = gh_link_begin(kind);

	put(isolate, &frame);
}

void gh_isolate_created(struct gh_isolate *isolate)
{
	bool follows = isolate->served; /* another one */

	pthread_mutex_lock(&isolate->lock);
	isolate->served = true;
	isolate->stage = GH_ISOLATE_SERVING;
	isolate->epoch++;
	if (isolate->start)
		put_order(isolate, GH_LINK_START);
	if (isolate->alone)
		put_order(isolate, GH_LINK_ALONE);
	pthread_cond_broadcast(&isolate->changed);
	pthread_mutex_unlock(&isolate->lock);
	if (follows) {
		gh_log_notice("module '%s' has a process again (%ld)", isolate->instance->name,
			      (long)isolate->pid);
		gh_instance_is_up(isolate->instance);
	}
}

/* ---- on the thread: its end ---- */

void gh_isolate_fail(struct gh_isolate *isolate, const struct gh_isolate_question *question,
		     const char *why)
{
	struct gh_host *host = (struct gh_host *)(void *)isolate->instance;
	struct gh_answer *answer;
	struct gh_reply *reply;

	if (question->ticket.id && !gh_ticket_open(host, question->ticket))
		return; /* nobody waits any more, which isn't an answer that came too late */
	switch (question->kind) {
	case GH_ISOLATE_ANSWER:
		answer = gh_answer_begin(host, question->ticket);
		if (!answer)
			return;
		gh_answer_explain(answer, GH_CAUSE_BACKEND, "%s", why);
		gh_answer_end(answer, GH_ERROR);
		return;
	case GH_ISOLATE_BARRIER_END: gh_barrier_end(host, question->barrier, GH_EIO); return;
	case GH_ISOLATE_REPLY:
		reply = gh_reply_begin(host, question->ticket);
		if (reply)
			gh_reply_end(reply, GH_EIO, why);
	}
}

static void fail_all(struct gh_isolate *isolate)
{
	struct gh_isolate_question *question;

	for (;;) {
		pthread_mutex_lock(&isolate->lock);
		question = gh_handles_any(&isolate->open);
		if (question)
			remove_question(isolate, question);
		pthread_mutex_unlock(&isolate->lock);
		if (!question)
			return;
		gh_isolate_fail(isolate, question, "its process has ended");
		free(question);
	}
}

static void on_back_off(struct gh_timeout *timeout)
{
	begin(gh_container(timeout, struct gh_isolate, back_off));
}

static void again(struct gh_isolate *isolate, const char *why)
{
	if (gh_clock_ms() - isolate->began_ms >= LIVED_MS || !isolate->wait_ms)
		isolate->wait_ms = FIRST_MS;
	gh_log_error("module '%s': %s: it is started again in %u ms", isolate->instance->name, why,
		     isolate->wait_ms);
	gh_loop_timeout(isolate->loop, &isolate->back_off, isolate->wait_ms);
	isolate->wait_ms = 2 * isolate->wait_ms < LAST_MS ? 2 * isolate->wait_ms : LAST_MS;
}

static void describe(int status, char *text, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(text, size, "its process has ended by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		snprintf(text, size, "its process has ended with exit code %d", WEXITSTATUS(status));
}

/* What it had begun is over, what it had been told is forgotten. Its last words. */
static enum gh_isolate_stage end_process(struct gh_isolate *isolate, char *text, size_t size)
{
	enum gh_isolate_stage stage;
	int status = 0;

	gh_io_free(&isolate->io);
	atomic_store(&isolate->shown_pid, 0);
	kill(isolate->pid, SIGKILL); /* it may only have closed its end, or have said nonsense */
	while (waitpid(isolate->pid, &status, 0) < 0 && errno == EINTR)
		;
	describe(status, text, size);
	pthread_mutex_lock(&isolate->lock);
	stage = isolate->stage;
	gh_link_done(&isolate->link);
	if (stage != GH_ISOLATE_FAILED && stage != GH_ISOLATE_ENDING)
		isolate->stage = GH_ISOLATE_DOWN;
	pthread_mutex_unlock(&isolate->lock);
	return stage;
}

/* False: nobody waits for it. failure NULL: all is well. */
static bool end_alone(struct gh_isolate *isolate, const char *failure)
{
	struct gh_instance *instance = isolate->instance;
	bool was_open;

	pthread_mutex_lock(&isolate->lock);
	was_open = isolate->alone_open;
	isolate->alone_open = false;
	pthread_mutex_unlock(&isolate->lock);
	if (!was_open)
		return false;
	gh_instance_was_alone_said(instance, failure);
	gh_instance_unref(instance);
	return true;
}

static void died(struct gh_isolate *isolate)
{
	struct gh_instance *instance = isolate->instance;
	char text[160];
	enum gh_isolate_stage stage = end_process(isolate, text, sizeof(text));

	if (stage == GH_ISOLATE_ENDING) {
		end_alone(isolate, text);
		gh_loop_stop(isolate->loop);
	} else if (!isolate->served) {
		give_up_here(isolate, text);
	} else {
		gh_instance_is_down(instance);
		instance->hooks->on_died(instance->hooks->arg, instance);
		/* Who died of alone() has failed for good, as one whose alone() fails. */
		if (end_alone(isolate, text))
			give_up(isolate, "", text);
		else
			again(isolate, text);
	}
	fail_all(isolate);
}

void gh_isolate_refused(struct gh_isolate *isolate, const char *text)
{
	if (isolate->served)
		gh_log_error("module '%s' can't be started again: %s", isolate->instance->name, text);
	else
		give_up(isolate, "", text);
}

static void on_io(struct gh_io *io, unsigned events, void *arg)
{
	struct gh_isolate *isolate = arg;

	(void)io;
	if (events & GH_IO_READ && !gh_link_receive(&isolate->link, gh_isolate_take, isolate))
		died(isolate);
	else
		flush(isolate);
}

/* ---- on the thread: orders, and what nobody waits for any more ---- */

static void on_kill(struct gh_timeout *timeout)
{
	struct gh_isolate *isolate = gh_container(timeout, struct gh_isolate, back_off);

	gh_log_warning("module '%s': destroy doesn't return: its process is killed",
		       isolate->instance->name);
	kill(isolate->pid, SIGKILL);
}

static void end(struct gh_isolate *isolate)
{
	struct gh_buf frame = gh_link_begin(GH_LINK_DESTROY);

	gh_loop_timeout_cancel(isolate->loop, &isolate->back_off);
	set_stage(isolate, GH_ISOLATE_ENDING);
	if (!isolate->io) {
		gh_buf_done(&frame);
		gh_loop_stop(isolate->loop);
		return;
	}
	put_now(isolate, &frame);
	gh_timeout_init(&isolate->back_off, on_kill);
	gh_loop_timeout(isolate->loop, &isolate->back_off, END_MS);
}

static void on_wake(void *owner, uint64_t by)
{
	struct gh_isolate *isolate = owner;
	bool ends, creates;

	(void)by;
	pthread_mutex_lock(&isolate->lock);
	ends = isolate->end;
	creates = isolate->create && isolate->stage == GH_ISOLATE_LOADED;
	isolate->end = isolate->create = false;
	pthread_mutex_unlock(&isolate->lock);
	if (ends)
		end(isolate);
	else if (creates)
		create(isolate);
	else
		flush(isolate);
}

static bool is_given_up(const struct gh_isolate *isolate,
			const struct gh_isolate_question *question, uint64_t now_ms)
{
	struct gh_host *host = (struct gh_host *)(void *)isolate->instance;

	if (question->kind == GH_ISOLATE_BARRIER_END)
		return false;
	return question->due_ms <= now_ms || !gh_ticket_open(host, question->ticket);
}

/* Nobody waits for these any more: not its module either should. */
static void drop_given_up(struct gh_isolate *isolate, uint64_t now_ms)
{
	struct gh_buf frame;

	pthread_mutex_lock(&isolate->lock);
	gh_list_each(&isolate->asked, it, next)
	{
		struct gh_isolate_question *question =
			gh_container(it, struct gh_isolate_question, node);

		if (!is_given_up(isolate, question, now_ms))
			continue;
		frame = gh_link_begin(GH_LINK_CANCEL);
		gh_pack_number(&frame, question->id);
		if (isolate->stage == GH_ISOLATE_SERVING)
			gh_link_put(&isolate->link, &frame);
		else
			gh_link_discard(&frame);
		remove_question(isolate, question);
		free(question);
	}
	pthread_mutex_unlock(&isolate->lock);
	flush(isolate);
}

static void tell_lost(struct gh_isolate *isolate)
{
	struct gh_buf frame;
	uint64_t lost = 0;

	pthread_mutex_lock(&isolate->lock);
	if (isolate->stage == GH_ISOLATE_SERVING && isolate->link.queued <= GH_ISOLATE_QUEUE) {
		lost = isolate->lost;
		isolate->lost = 0;
	}
	pthread_mutex_unlock(&isolate->lock);
	if (!lost)
		return;
	gh_log_warning("module '%s' didn't hear of %llu events: its process is too slow, or was away",
		       isolate->instance->name, (unsigned long long)lost);
	frame = gh_link_begin(GH_LINK_LOST);
	gh_pack_number(&frame, lost);
	put_now(isolate, &frame);
}

static void on_look(struct gh_timeout *timeout)
{
	struct gh_isolate *isolate = gh_container(timeout, struct gh_isolate, look);

	drop_given_up(isolate, gh_loop_now_ms(isolate->loop));
	tell_lost(isolate);
	gh_loop_timeout(isolate->loop, timeout, LOOK_MS);
}

static void *isolate_main(void *arg)
{
	struct gh_isolate *isolate = arg;

	gh_loop_timeout(isolate->loop, &isolate->look, LOOK_MS);
	begin(isolate);
	gh_loop_run(isolate->loop);
	gh_loop_timeout_cancel(isolate->loop, &isolate->look);
	gh_loop_timeout_cancel(isolate->loop, &isolate->back_off);
	return NULL;
}

/* ---- for the instance ---- */

static void isolate_free(struct gh_isolate *isolate)
{
	gh_link_done(&isolate->link);
	gh_handles_done(&isolate->open);
	gh_inbox_free(&isolate->inbox);
	gh_loop_free(&isolate->loop);
	gh_arena_done(&isolate->arena);
	pthread_cond_destroy(&isolate->changed);
	pthread_mutex_destroy(&isolate->lock);
	free(isolate);
}

static struct gh_isolate *isolate_alloc(struct gh_instance *instance)
{
	struct gh_isolate *isolate = gh_zalloc(sizeof(*isolate));

	isolate->instance = instance;
	gh_link_init(&isolate->link, -1);
	gh_handles_init(&isolate->open, 0);
	gh_list_init(&isolate->asked);
	gh_timeout_init(&isolate->back_off, on_back_off);
	gh_timeout_init(&isolate->look, on_look);
	atomic_init(&isolate->names, 2);
	pthread_mutex_init(&isolate->lock, NULL);
	pthread_cond_init(&isolate->changed, NULL);
	isolate->loop = gh_loop_new();
	isolate->inbox = isolate->loop ? gh_inbox_new(isolate->loop, isolate) : NULL;
	if (isolate->inbox)
		gh_inbox_on_wake(isolate->inbox, on_wake);
	return isolate;
}

int gh_isolate_new(struct gh_instance *instance, struct gh_isolate **isolate_r, struct gh_error *error)
{
	struct gh_isolate *isolate = isolate_alloc(instance);
	int rc = isolate->inbox ? 0 : errno;

	if (!rc)
		rc = gh_pool_thread(&isolate->thread, isolate_main, isolate);
	if (rc) {
		isolate_free(isolate);
		return gh_error_set(error, GH_EIO, "%s: no thread for its process: %s",
				    instance->settings->where, strerror(rc));
	}
	rc = wait_for(isolate, GH_ISOLATE_LOADED, error);
	if (rc)
		gh_isolate_free(&isolate);
	else
		*isolate_r = isolate;
	return rc;
}

const struct gh_plugin *gh_isolate_plugin(const struct gh_isolate *isolate)
{
	return &isolate->plugin;
}

const char *gh_isolate_file(const struct gh_isolate *isolate)
{
	return isolate->file;
}

int gh_isolate_create(struct gh_isolate *isolate, uint64_t *events_r, struct gh_error *error)
{
	int rc;

	pthread_mutex_lock(&isolate->lock);
	isolate->create = true;
	wake(isolate);
	pthread_mutex_unlock(&isolate->lock);
	rc = wait_for(isolate, GH_ISOLATE_SERVING, error);
	*events_r = isolate->events;
	return rc;
}

void gh_isolate_start(struct gh_isolate *isolate)
{
	pthread_mutex_lock(&isolate->lock);
	if (!isolate->start && isolate->stage == GH_ISOLATE_SERVING)
		put_order(isolate, GH_LINK_START);
	isolate->start = true;
	pthread_mutex_unlock(&isolate->lock);
}

bool gh_isolate_alone(struct gh_isolate *isolate)
{
	if (!(isolate->hooks & GH_ISOLATE_ALONE))
		return false;
	gh_instance_ref(isolate->instance);
	pthread_mutex_lock(&isolate->lock);
	isolate->alone = isolate->alone_open = true;
	if (isolate->stage == GH_ISOLATE_SERVING)
		put_order(isolate, GH_LINK_ALONE);
	pthread_mutex_unlock(&isolate->lock);
	return true;
}

void gh_isolate_was_alone(struct gh_isolate *isolate, const char *failure)
{
	if (end_alone(isolate, failure) || !failure)
		return;
	gh_log_error("module '%s' can't be alone again: %s", isolate->instance->name, failure);
	kill(isolate->pid, SIGKILL);
}

void gh_isolate_miss(struct gh_isolate *isolate)
{
	pthread_mutex_lock(&isolate->lock);
	isolate->lost++;
	pthread_mutex_unlock(&isolate->lock);
}

void gh_isolate_free(struct gh_isolate **isolate)
{
	struct gh_isolate *gone = *isolate;

	*isolate = NULL;
	if (!gone)
		return;
	pthread_mutex_lock(&gone->lock);
	gone->end = true;
	wake(gone);
	pthread_mutex_unlock(&gone->lock);
	pthread_join(gone->thread, NULL);
	fail_all(gone);
	isolate_free(gone);
}

int gh_isolate_pid(const struct gh_isolate *isolate)
{
	return (int)atomic_load(&((struct gh_isolate *)isolate)->shown_pid);
}
