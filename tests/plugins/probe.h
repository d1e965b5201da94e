/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of the module that answers what its configuration says and writes down what it sees. */
#ifndef PROBE_H
#define PROBE_H

#include <gatehouse/plugin.h>
#include <pthread.h>

/* ---- answers that come from a thread of the module's own ---- */
struct probe_later;
typedef void probe_answer_fn(void *rule, struct gh_answer *out);

struct probe_later *probe_later_new(struct gh_host *host, probe_answer_fn *fill);
void probe_later_free(struct probe_later *later); /* what is still due is never answered */
struct probe_due {
	struct gh_ticket ticket;
	uint64_t delay_ms;
	const char *until; /* NULL, or a file: not before it is there */
	void *rule;        /* fills the answer, which ends with this */
	enum gh_verdict verdict;
	bool twice; /* then once more, with the opposite */
};
void probe_later_add(struct probe_later *later, const struct probe_due *due);

/* ---- lines of JSON, appended to a file by one write each ---- */
struct probe_line {
	char text[8192];
	size_t n;
};
void probe_line_begin(struct probe_line *line, const char *what);
void probe_line_text(struct probe_line *line, const char *name, const char *p, size_t n);
/* NULL: left out */
void probe_line_string(struct probe_line *line, const char *name, const char *s);
void probe_line_number(struct probe_line *line, const char *name, long long v);
void probe_line_end(struct probe_line *line, int fd); /* fd < 0: nowhere */

void probe_write_event(const struct gh_event *event, int fd);
uint64_t probe_event_mask(const struct gh_list *names); /* none: all */

#endif
