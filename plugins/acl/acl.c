/* SPDX-License-Identifier: Apache-2.0 */
/* acl: ordered rules in a file, of which the first that matches decides. */
#include <gatehouse/lib.h>
#include <gatehouse/plugin.h>
#include <stdlib.h>
#include <string.h>
#include "file.h"
#include "match.h"

struct config {
	const char *file;
};

struct acl {
	struct gh_host *host;
	struct acl_rules *rules;
	struct acl_index *index;
};

#define NAMED_MAX 10u /* rules by client id that are told one by one */

static void destroy(void *instance)
{
	struct acl *self = instance;

	if (!self)
		return;
	acl_index_free(&self->index);
	acl_rules_free(&self->rules);
	free(self);
}

/* Whether they count is the listeners' matter, which a module doesn't see. */
static void tell_client_id_rules(struct acl *self)
{
	size_t count = 0;

	for (size_t i = 0; i < self->rules->count; i++) {
		const struct acl_rule *rule = &self->rules->rules[i];

		if (acl_rule_by_client_id(rule) && count++ < NAMED_MAX)
			gh_log(self->host, GH_LOG_NOTICE,
			       "%s:%u: this rule goes by client id and counts only where the id is bound to the user: any user "
			       "of a listener with 'client-id: any' may take that id",
			       rule->file, rule->line);
	}
	if (count > NAMED_MAX)
		gh_log(self->host, GH_LOG_NOTICE, "%zu more rules go by client id",
		       count - NAMED_MAX);
}

static int load(struct acl *self, const char *path, struct gh_error *error)
{
	struct acl_problem problem;
	int rc = acl_rules_read(path, acl_file_load, NULL, &self->rules, &problem);

	if (rc < 0 && problem.line)
		gh_fail(error, "file", "%s:%u:%u: %s", problem.file, problem.line, problem.column,
			problem.text);
	else if (rc < 0)
		gh_fail(error, "file", "%s", problem.text);
	else
		self->index = acl_index_new(self->rules);
	return rc;
}

static int create(struct gh_host *host, const void *config, void *previous, void **instance_r,
		  struct gh_error *error)
{
	const struct config *options = config;
	struct acl *self = acl_grow(NULL, 1, sizeof(*self));
	int rc;

	(void)previous;
	memset(self, 0, sizeof(*self));
	self->host = host;
	rc = load(self, options->file, error);
	if (rc < 0) {
		destroy(self);
		return rc;
	}
	if (self->rules->count == 0)
		gh_log(host, GH_LOG_WARNING, "no rules in '%s': everything is denied", options->file);
	else
		gh_log(host, GH_LOG_INFO, "%zu rules in '%s'", self->rules->count, options->file);
	tell_client_id_rules(self);
	*instance_r = self;
	return 0;
}

static enum gh_verdict authorize(void *instance, const struct gh_authorize *in, struct gh_answer *out)
{
	const struct acl *self = instance;
	struct acl_decision decision;
	char why[1024];

	if (in->action < GH_PUBLISH || in->action > GH_WILL)
		return GH_PASS;
	acl_decide(self->index, in, &decision);
	if (decision.rule) {
		gh_answer_file(out, decision.rule->file);
		gh_answer_line(out, decision.rule->line);
	}
	if (decision.keeps)
		gh_answer_cache(out, 0);
	if (decision.covers)
		gh_answer_covers(out);
	if (decision.max_qos < 2)
		gh_answer_max_qos(out, decision.max_qos);
	if (in->flags & GH_EXPLAIN) {
		acl_explain(self->index, in, &decision, why, sizeof(why));
		gh_answer_why(out, "%s", why);
	} else if (!decision.allow) {
		gh_answer_why(out, "%s", decision.rule ? "the rule denies it" : "no rule matches");
	}
	return decision.allow ? GH_ALLOW : GH_DENY;
}

static const struct gh_option options[] = {
	GH_OPTION(struct config, file, GH_PATH, "rules, first match decides", .flags = GH_REQUIRED),
	{ 0 },
};

GH_PLUGIN(acl) = {
	GH_HEAD,
	.flags = GH_CONCURRENT,
	.name = "acl",
	.version = "1.0",
	.summary = "ordered rules by client, user, group and topic",
	.config_size = sizeof(struct config),
	.options = options,
	.create = create,
	.destroy = destroy,
	.authorize = authorize,
};
