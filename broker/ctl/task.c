/* SPDX-License-Identifier: Apache-2.0 */
/* Work that may take long: on a thread of its own, whose end the control thread is told. */
#include "ctl/task.h"

#include "base/list.h"

#include <signal.h>

static void on_done(struct gh_mail *mail, void *owner)
{
	struct gh_task *task = gh_container(mail, struct gh_task, mail);

	if (task->threaded)
		pthread_join(task->thread, NULL);
	if (owner)
		task->done(task);
}

static void *task_main(void *arg)
{
	struct gh_task *task = arg;

	task->run(task);
	gh_inbox_post(task->inbox, GH_LANE_CONTROL, &task->mail);
	return NULL;
}

/* Signals are the control thread's. */
void gh_task_start(struct gh_task *task, struct gh_inbox *inbox, void (*run)(struct gh_task *task),
		   void (*done)(struct gh_task *task))
{
	sigset_t all, old;

	task->mail = (struct gh_mail){ .deliver = on_done };
	task->inbox = inbox;
	task->run = run;
	task->done = done;
	task->threaded = true;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	if (pthread_create(&task->thread, NULL, task_main, task) != 0) {
		task->threaded = false;
		task_main(task);
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}
