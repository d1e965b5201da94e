/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: a rule file, its last line a topic and filter to ask it; the same bytes as an acl_file of mosquitto, whose
 * import must be readable. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "import.h"
#include "match.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool fact)
{
	if (!fact)
		abort();
}

/* One file, whatever its name: it may include itself. */
static int give(void *arg, const char *path, char **text_r, size_t *n_r, char *why, size_t why_size)
{
	const struct gh_str *text = arg;

	if (strchr(path, 'x')) {
		snprintf(why, why_size, "no such file");
		return GH_ENOENT;
	}
	*text_r = acl_copy(text->p, text->n);
	*n_r = text->n;
	return 0;
}

static struct acl_rules *rules_of(struct gh_str text)
{
	struct acl_problem problem = { .text = "" };
	struct acl_rules *rules = NULL;
	int rc = acl_rules_read("acl", give, &text, &rules, &problem);

	need(rc == 0 || (problem.text[0] && problem.line >= 1 && problem.column >= 1));
	return rules;
}

/* What is covered isn't denied to a delivery. */
static void ask(const struct acl_index *index, struct gh_str topic)
{
	static const char *const groups[] = { "staff", "a/b" };
	static const struct gh_pair attributes[] = { { "site", "lab" } };
	static const struct gh_identity identity = { .principal = "anna",
						     .realm = "users",
						     .groups = groups,
						     .group_count = 2,
						     .attributes = attributes,
						     .attribute_count = 1 };
	static const struct gh_client client = { .client_id = "dev-1",
						 .identity = &identity,
						 .listener = "net",
						 .client_id_bound = true };
	struct gh_authorize in = { .client = &client, .topic = topic };
	struct acl_decision decision;
	bool covers;

	in.action = GH_SUBSCRIBE;
	if (!gh_topic_filter_valid(topic))
		return;
	acl_decide(index, &in, &decision);
	covers = decision.covers;
	need(!covers || decision.allow);
	if (!gh_topic_name_valid(topic))
		return;
	in.action = GH_RECEIVE;
	acl_decide(index, &in, &decision);
	need(!covers || decision.allow);
	in.action = GH_PUBLISH;
	acl_decide(index, &in, &decision);
}

static struct gh_str last_line(struct gh_str text)
{
	const char *end = text.n ? memrchr(text.p, '\n', text.n) : NULL;
	size_t n = end ? (size_t)(text.p + text.n - end - 1) : 0;

	return (struct gh_str){ text.p + text.n - n, n };
}

static void import(struct gh_str text)
{
	struct acl_problem problem;
	struct acl_rules *rules;
	char *out = NULL;
	size_t n;
	FILE *to = open_memstream(&out, &n);

	need(to);
	if (acl_import("acl_file", text, to, &problem) == 0) {
		fclose(to);
		rules = rules_of((struct gh_str){ out, n });
		need(rules);
		acl_rules_free(&rules);
	} else {
		fclose(to);
		need(n == 0 && problem.line >= 1);
	}
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gh_str text = { (const char *)data, size }, topic = last_line(text);
	struct acl_rules *rules;
	struct acl_index *index;

	if (size == 0)
		return 0;
	import(text);
	text.n -= topic.n;
	rules = rules_of(text);
	if (!rules)
		return 0;
	index = acl_index_new(rules);
	ask(index, topic);
	acl_index_free(&index);
	acl_rules_free(&rules);
	return 0;
}
