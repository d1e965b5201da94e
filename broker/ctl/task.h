/* SPDX-License-Identifier: Apache-2.0 */
/* Work that may take long: on a thread of its own, whose end the control thread is told. */
#ifndef GH_CTL_TASK_H
#define GH_CTL_TASK_H

#include "net/inbox.h"

#include <pthread.h>
#include <stdbool.h>

/* Sits in what is to be done. */
struct gh_task {
	struct gh_mail mail;
	struct gh_inbox *inbox;
	pthread_t thread;
	bool threaded;
	void (*run)(struct gh_task *task);  /* there */
	void (*done)(struct gh_task *task); /* on the inbox's thread, after it; may free the task */
};

/* Where the kernel gives no thread, run() is called here. */
void gh_task_start(struct gh_task *task, struct gh_inbox *inbox, void (*run)(struct gh_task *task),
		   void (*done)(struct gh_task *task));

#endif
