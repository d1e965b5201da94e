/* SPDX-License-Identifier: Apache-2.0 */
/* One call into a module: timed, serialized where it must be, its verdict made sure of. */
#ifndef GH_HOOK_CALL_H
#define GH_HOOK_CALL_H

#include "hook/answer.h"
#include "hook/instance_priv.h"

/* The instance's module has this hook. */
bool gh_call_has(const struct gh_instance *instance, enum gh_hook_point point);

/*
 * Calls a decide hook on this thread. `in` is its argument, complete. Returns a verdict that may
 * stand at this point: else GH_ERROR with the reason in `out`. PENDING only with a ticket of `out`. One
 * that is off isn't called: GH_ERROR, with the reason why it is.
 */
enum gh_verdict gh_call(struct gh_instance *instance, enum gh_hook_point point, const void *in,
			struct gh_answer *out);
void gh_call_event(struct gh_instance *instance, const struct gh_event *event);
bool gh_call_has_barrier(const struct gh_instance *instance);
int gh_call_barrier(struct gh_instance *instance, struct gh_barrier barrier);
/* The store's, if it has one. One that is off: GH_EIO. */
int gh_call_store_load(struct gh_instance *instance, struct gh_sink *sink);
int gh_call_store_put(struct gh_instance *instance, const struct gh_record *record);
int gh_call_store_erase(struct gh_instance *instance, const struct gh_record *record);
int gh_call_store_fetch(struct gh_instance *instance, const struct gh_record *after, uint32_t limit,
			struct gh_sink *sink);
int gh_call_alone(struct gh_instance *instance, struct gh_error *error);
/* Of a timer, and of a watch: as a hook. */
void gh_call_work(struct gh_instance *instance, gh_work_fn *fn, void *arg);
void gh_call_watch(struct gh_instance *instance, gh_watch_fn *fn, void *arg, int fd, unsigned events);
/* For an administrator. They return what the module did. */
int gh_call_command(struct gh_instance *instance, const struct gh_command *command, size_t count,
		    const char *const *arguments, struct gh_reply *reply);
int gh_call_subject(struct gh_instance *instance, const struct gh_subject_request *request,
		    struct gh_reply *reply);
/* Beside hooks. */
void gh_call_offloaded(struct gh_instance *instance, gh_work_fn *fn, void *arg);
void gh_call_free(struct gh_instance *instance, gh_free_fn *fn, void *data);
void gh_call_exchange_end(struct gh_instance *instance, void *state);

/* A verdict that came by a ticket: made sure of likewise. CONTINUE may stand: the fold knows
 * where. */
enum gh_verdict gh_call_later(enum gh_verdict verdict, struct gh_answer *out);

#endif
