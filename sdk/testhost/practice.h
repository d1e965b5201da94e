/* SPDX-License-Identifier: Apache-2.0 */
/* practice: a module that uses everything of the ABI, rightly and wrongly, as it is asked to. */
#ifndef PRACTICE_H
#define PRACTICE_H

#include <gatehouse/plugin.h>
#include <pthread.h>

struct entry {
	const char *name;
	int64_t weight;
};

struct config {
	bool flag;
	int64_t number, mode;
	uint64_t size, period;
	double ratio;
	const char *text, *file, *url, *fail, *alone_fails;
	struct gh_bytes key;
	struct gh_list words, entries;
};

enum { TICKETS = 8 };

struct practice {
	struct gh_host *host;
	const struct config *config;
	struct gh_metric events, seconds;
	struct gh_ticket tickets[TICKETS]; /* kept for the command "answer" */
	unsigned ticket_count;
	struct gh_timer timer;
	int64_t ticks;
	struct gh_watch watch;
	int pipe[2];
	struct gh_ticket reply;
	pthread_t thread;
	bool threaded;
	const char *kept; /* a pointer that it may not keep */
};

extern const struct gh_option practice_options[];
extern const struct gh_command practice_commands[];

/* Answered by the command "answer", if at all. */
enum gh_verdict practice_pend(struct practice *practice, struct gh_answer *out);
enum gh_verdict practice_authenticate(void *instance, const struct gh_authenticate *in,
				      struct gh_answer *out);
enum gh_verdict practice_exchange(void *instance, const struct gh_exchange *in,
				  struct gh_answer *out);
void practice_event(void *instance, const struct gh_event *event);

#endif
