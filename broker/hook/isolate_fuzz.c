/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: whatever the process of an isolated instance sends, in whatever pieces, at every stage of its life. */
#include "base/log.h"
#include "base/mem.h"
#include "hook/asker_priv.h"
#include "hook/host.h"
#include "hook/isolate_priv.h"
#include "hook/ticket.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct gh_settings settings;
static struct gh_plugin_settings plugin_settings = { .name = "a", .where = "fuzz:1:1" };
static struct gh_hooks hooks;

static void no_log(void *arg, enum gh_level level, const char *fmt, va_list ap)
{
	(void)arg, (void)level, (void)fmt, (void)ap;
}

static void nothing(void *arg, struct gh_instance *instance)
{
	(void)arg, (void)instance;
}

static void init(void)
{
	if (hooks.askers)
		return;
	gh_log_divert(no_log, NULL);
	settings.limits.packet_size = 1000;
	hooks.askers = gh_askers_new(2);
	hooks.metrics = gh_metrics_new(2);
	hooks.on_alone = hooks.on_instance_idle = hooks.on_died = nothing;
}

/* As of gh_isolate_new(), without thread and process. */
static struct gh_isolate *isolate_new(struct gh_instance *instance, enum gh_isolate_stage stage,
				      int fd)
{
	struct gh_isolate *isolate = gh_zalloc(sizeof(*isolate));

	isolate->instance = instance;
	isolate->stage = stage;
	isolate->served = stage == GH_ISOLATE_SERVING;
	isolate->hooks = GH_ISOLATE_HOOKS;
	isolate->pid = INT32_MAX; /* nobody's: it may be killed */
	isolate->alone_open = true;
	isolate->plugin.name = "a";
	instance->plugin = &isolate->plugin;
	gh_link_init(&isolate->link, fd);
	gh_handles_init(&isolate->open, 0);
	gh_list_init(&isolate->asked);
	pthread_mutex_init(&isolate->lock, NULL);
	pthread_cond_init(&isolate->changed, NULL);
	return isolate;
}

static void isolate_free(struct gh_isolate *isolate)
{
	struct gh_isolate_question *question;

	while ((question = gh_handles_any(&isolate->open))) {
		gh_handle_drop(&isolate->open, question->id);
		free(question);
	}
	gh_handles_done(&isolate->open);
	gh_link_done(&isolate->link);
	gh_arena_done(&isolate->arena);
	pthread_cond_destroy(&isolate->changed);
	pthread_mutex_destroy(&isolate->lock);
	free(isolate);
}

/* One of each kind is open. */
static void ask(struct gh_isolate *isolate, struct gh_instance *instance, struct gh_ticket tickets[2])
{
	struct gh_asker *asker = &hooks.askers->at[0];
	struct gh_isolate_question question = { .due_ms = UINT64_MAX };

	question.ticket = tickets[0] =
		gh_ticket_open_for(asker, instance, GH_TICKET_ANSWER, isolate, UINT64_MAX);
	gh_isolate_open(isolate, &question);
	question.kind = GH_ISOLATE_REPLY;
	question.ticket = tickets[1] =
		gh_ticket_open_for(asker, instance, GH_TICKET_REPLY, isolate, UINT64_MAX);
	gh_isolate_open(isolate, &question);
	question.kind = GH_ISOLATE_BARRIER_END;
	gh_isolate_open(isolate, &question);
}

static void feed(struct gh_isolate *isolate, int fd, const uint8_t *data, size_t size)
{
	size_t step = size ? 1 + data[0] : 1;

	while (size > 0) {
		size_t n = size < step ? size : step;

		if (write(fd, data, n) != (ssize_t)n)
			abort();
		if (!gh_link_receive(&isolate->link, gh_isolate_take, isolate))
			return;
		data += n;
		size -= n;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum gh_isolate_stage stages[] = { GH_ISOLATE_LOADING, GH_ISOLATE_CREATING,
							GH_ISOLATE_SERVING, GH_ISOLATE_ENDING };
	struct gh_instance *instance;
	struct gh_isolate *isolate;
	struct gh_ticket tickets[2];
	int pair[2];

	init();
	if (size < 2 || size > 60000 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		return 0;
	instance = gh_zalloc(sizeof(*instance));
	instance->api = &gh_host_table;
	instance->hooks = &hooks;
	instance->settings = &plugin_settings;
	instance->held = &settings;
	instance->name = instance->realm = "a";
	atomic_init(&instance->refs, 2); /* one is that of alone */
	gh_instance_init(instance);
	isolate = isolate_new(instance, stages[data[0] & 3], pair[0]);
	gh_instance_make_series(instance);
	ask(isolate, instance, tickets);
	feed(isolate, pair[1], data + 1, size - 1);
	isolate_free(isolate);
	for (int i = 0; i < 2; i++)
		gh_ticket_close(&hooks.askers->at[0], tickets[i], GH_TICKET_CANCELLED);
	free(instance->failure);
	free(instance);
	close(pair[1]);
	return 0;
}
