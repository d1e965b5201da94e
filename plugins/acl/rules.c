/* SPDX-License-Identifier: Apache-2.0 */
/* Reads rule files: line by line, four columns and conditions, and what they include. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "rules.h"

#define FILES_MAX 1000u

struct reader {
	struct acl_rules *rules;
	acl_load_fn *load;
	void *arg;
	struct acl_problem *problem;
	unsigned depth;
};

/* ---- topic patterns --------------------------------------------------------------------------------------------- */

/* Takes over a template: kept where it has a placeholder, else it is the level's text with "{{" resolved. */
static void level_set(struct acl_rule *rule, struct acl_level *level, struct gh_template *tmpl,
		      struct gh_str text)
{
	static const struct gh_template_values none;
	char *to = (char *)(uintptr_t)rule->topic.p + rule->topic.n;
	size_t n = text.n;

	level->uses = gh_template_uses(tmpl);
	level->text = (struct gh_str){ to, text.n };
	memcpy(to, text.p, text.n);
	if (level->uses) {
		level->tmpl = tmpl;
	} else {
		gh_template_expand(tmpl, &none, to, text.n, &n);
		level->text.n = n;
		gh_template_free(&tmpl);
	}
	rule->topic.n += n;
	rule->uses |= level->uses;
}

/* "{{" is none. */
static unsigned placeholders(struct gh_str text)
{
	unsigned count = 0;

	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] != '{')
			continue;
		if (i + 1 < text.n && text.p[i + 1] == '{')
			i++;
		else
			count++;
	}
	return count;
}

static int level_parse(struct acl_line *line, struct acl_rule *rule, struct gh_str text, bool first,
		       size_t at)
{
	/* A value may begin with '$' anywhere but in the first level: there the '/' before it is part of the template. */
	char *with_slash = acl_grow(NULL, text.n + 2, 1);
	struct gh_template *tmpl = NULL, *whole = NULL;
	const char *problem;
	size_t offset;

	with_slash[0] = '/';
	memcpy(with_slash + 1, text.p, text.n);
	if (gh_template_parse(text, &tmpl, &offset, &problem) < 0) {
		free(with_slash);
		return acl_line_fail(line, at + offset, "%s", problem);
	}
	if (gh_template_uses(tmpl) && !first) {
		gh_template_parse((struct gh_str){ with_slash, text.n + 1 }, &whole, &offset,
				  &problem);
		gh_template_free(&tmpl);
		tmpl = whole;
	}
	free(with_slash);
	if (gh_template_uses(tmpl) && text.n > ACL_TEMPLATE_LEVEL_MAX) {
		gh_template_free(&tmpl);
		return acl_line_fail(
			line, at,
			"found a level with a placeholder in %zu bytes, expected at most %u",
			text.n, ACL_TEMPLATE_LEVEL_MAX);
	}
	if (gh_template_uses(tmpl) && placeholders(text) > ACL_PLACEHOLDERS_MAX) {
		gh_template_free(&tmpl);
		return acl_line_fail(line, at, "found more than %u placeholders in one level",
				     ACL_PLACEHOLDERS_MAX);
	}
	level_set(rule, &rule->levels[rule->level_count++], tmpl, text);
	return 0;
}

/* What is wrong with the levels of a topic pattern as such. */
static int levels_check(struct acl_line *line, const struct acl_field *field)
{
	struct gh_str rest = { field->text, field->n }, level;
	unsigned count = 0;

	while (gh_topic_level(&rest, &level)) {
		size_t at = field->at + (size_t)(level.p - field->text);

		if (++count > ACL_LEVELS_MAX)
			return acl_line_fail(line, at, "found more levels than %u in a topic pattern",
					     ACL_LEVELS_MAX);
		if (level.n == 1 && *level.p == '*' && !field->quoted)
			return acl_line_fail(
				line, at,
				"found '*' as a level of a topic, expected '+' for any one level or '#' for all "
				"below (a topic with '*' is written in quotes)");
	}
	return 0;
}

static int topic_check(struct acl_line *line, const struct acl_field *field)
{
	struct gh_str topic = { field->text, field->n };

	if (topic.n && memchr(topic.p, (unsigned char)ACL_STAR, topic.n))
		return acl_line_fail(line, field->at,
				     "found '\\*' in a topic, where '*' is nothing special");
	if (!gh_topic_filter_valid(topic))
		return acl_line_fail(
			line, field->at,
			"found '%.64s', expected a topic filter: 1 to 65535 bytes, '+' alone in its level, '#' "
			"alone in the last one",
			field->text);
	if (topic.n >= 7 && memcmp(topic.p, "$share/", 7) == 0)
		return acl_line_fail(
			line, field->at,
			"found '$share/', expected the filter behind the group: shared subscriptions are judged "
			"by that");
	return levels_check(line, field);
}

/* The column is understood once the conditions are: `literal` makes it mere text. */
static int topic_parse(struct acl_line *line, const struct acl_field *field, struct acl_rule *rule)
{
	struct gh_str rest = { field->text, field->n }, level;
	int rc = topic_check(line, field);

	if (rc < 0)
		return rc;
	rule->topic.p = acl_copy(field->text, field->n);
	rule->topic.n = field->n;
	if (rule->conditions & (ACL_LITERAL | ACL_ANY_FILTER))
		return 0;
	rule->topic.n = 0;
	rule->levels = acl_grow(NULL, field->n + 1 < ACL_LEVELS_MAX ? field->n + 1 : ACL_LEVELS_MAX,
				sizeof(*rule->levels));
	memset(rule->levels, 0,
	       (field->n + 1 < ACL_LEVELS_MAX ? field->n + 1 : ACL_LEVELS_MAX) *
		       sizeof(*rule->levels));
	while (rc == 0 && gh_topic_level(&rest, &level)) {
		if (rule->level_count) {
			((char *)(uintptr_t)rule->topic.p)[rule->topic.n] = '/';
			rule->topic.n++;
		}
		rc = level_parse(line, rule, level, rule->level_count == 0,
				 field->at + (size_t)(level.p - field->text));
	}
	return rc;
}

/* ---- the four columns ------------------------------------------------------------------------------------------- */

#define SUBSCRIBE_AND_DELIVERY (ACL_SUBSCRIBE | ACL_RECEIVE)
static const struct action {
	const char *name;
	unsigned actions;
} actions[] = {
	{ "publish", ACL_PUBLISH },
	{ "subscribe", SUBSCRIBE_AND_DELIVERY },
	{ "publish/subscribe", ACL_PUBLISH | SUBSCRIBE_AND_DELIVERY },
	{ "receive", ACL_RECEIVE },
};

static int action_parse(struct acl_line *line, const struct acl_field *field, struct acl_rule *rule)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++)
		if (strcmp(field->text, actions[i].name) == 0)
			rule->actions = actions[i].actions;
	if (rule->actions)
		return 0;
	return acl_line_fail(
		line, field->at,
		"found '%.64s', expected an action: publish, subscribe, publish/subscribe or receive",
		field->text);
}

static int permission_parse(struct acl_line *line, const struct acl_field *field,
			    struct acl_rule *rule)
{
	rule->allow = strcmp(field->text, "allow") == 0;
	if (rule->allow || strcmp(field->text, "deny") == 0)
		return 0;
	return acl_line_fail(line, field->at, "found '%.64s', expected a permission: allow or deny",
			     field->text);
}

static int client_parse(struct acl_line *line, const struct acl_field *field, struct acl_rule *rule)
{
	if (field->n == 0)
		return acl_line_fail(
			line, field->at,
			"found an empty client id, expected one, a pattern or '*' for any");
	acl_pattern_set(&rule->client, field->text, field->n);
	return 0;
}

/* What `literal` and `any-filter` can't be combined with. */
static int special_check(struct acl_line *line, const struct acl_field *topic, struct acl_rule *rule)
{
	const char *word = rule->conditions & ACL_LITERAL ? "literal" : "any-filter";

	if (!(rule->conditions & (ACL_LITERAL | ACL_ANY_FILTER)))
		return 0;
	if (rule->actions != SUBSCRIBE_AND_DELIVERY)
		return acl_line_fail(
			line, topic->at,
			"found %s in a rule for something else, expected the action subscribe", word);
	rule->actions = ACL_SUBSCRIBE;
	if (rule->conditions & (ACL_IF_RETAIN | ACL_IF_NO_RETAIN | ACL_IF_SIZE))
		return acl_line_fail(
			line, topic->at,
			"found %s with a condition on messages, but it speaks of filters only", word);
	if (rule->conditions & ACL_ANY_FILTER &&
	    (!rule->allow || topic->n != 1 || *topic->text != '#'))
		return acl_line_fail(line, topic->at,
				     "found any-filter with something else than topic '#' and allow");
	return 0;
}

enum { CLIENT, TOPIC, ACTION, PERMISSION, COLUMNS };

static int columns_parse(struct acl_line *line, struct acl_field *columns, struct acl_rule *rule)
{
	struct acl_field more;
	int rc = client_parse(line, &columns[CLIENT], rule);

	if (rc == 0)
		rc = action_parse(line, &columns[ACTION], rule);
	if (rc == 0)
		rc = permission_parse(line, &columns[PERMISSION], rule);
	while (rc == 0 && (rc = acl_line_field(line, &more)) > 0) {
		rc = acl_condition_parse(line, &more, rule);
		acl_field_done(&more);
	}
	if (rc == 0)
		rc = special_check(line, &columns[TOPIC], rule);
	return rc < 0 ? rc : topic_parse(line, &columns[TOPIC], rule);
}

static struct acl_rule *rule_add(struct reader *reader, const struct acl_line *line)
{
	struct acl_rules *rules = reader->rules;
	struct acl_rule *rule;

	if (rules->count == rules->room) {
		rules->room = rules->room ? 2 * rules->room : 16;
		rules->rules = acl_grow(rules->rules, rules->room, sizeof(*rules->rules));
	}
	rule = &rules->rules[rules->count++];
	memset(rule, 0, sizeof(*rule));
	rule->file = line->file;
	rule->line = line->number;
	return rule;
}

/* `first` is the client column, read already. */
static int rule_parse(struct reader *reader, struct acl_line *line, struct acl_field *first)
{
	static const char *const names[COLUMNS] = { "client pattern", "topic pattern", "action",
						    "permission" };
	struct acl_field columns[COLUMNS] = { *first };
	int rc = 1;

	if (reader->rules->count == ACL_RULES_MAX)
		return acl_line_fail(line, 0, "found more than %u rules", ACL_RULES_MAX);
	for (size_t i = TOPIC; rc > 0 && i < COLUMNS; i++) {
		rc = acl_line_field(line, &columns[i]);
		if (rc == 0)
			rc = acl_line_fail(
				line, line->at,
				"found no %s, expected client pattern, topic pattern, action and "
				"permission",
				names[i]);
	}
	if (rc > 0)
		rc = columns_parse(line, columns, rule_add(reader, line));
	for (size_t i = TOPIC; i < COLUMNS; i++)
		acl_field_done(&columns[i]);
	return rc;
}

/* ---- files ------------------------------------------------------------------------------------------------------ */

static int file_read(struct reader *reader, const char *path, struct acl_line *from);

/* A relative path begins at the directory of the file that names it. */
static char *beside(const char *file, const char *path)
{
	const char *slash = strrchr(file, '/');
	size_t directory = *path == '/' || !slash ? 0 : (size_t)(slash - file) + 1, n = strlen(path);
	char *joined = acl_grow(NULL, directory + n + 1, 1);

	memcpy(joined, file, directory);
	memcpy(joined + directory, path, n + 1);
	return joined;
}

static int include_parse(struct reader *reader, struct acl_line *line)
{
	struct acl_field path, more;
	char *whole;
	int rc = acl_line_field(line, &path);

	if (rc == 0)
		return acl_line_fail(line, line->at,
				     "found no file behind include, expected its path");
	if (rc < 0)
		return rc;
	rc = acl_line_field(line, &more);
	if (rc > 0) {
		rc = acl_line_fail(
			line, more.at,
			"found text behind the file to include, expected the end of the line (a client "
			"called include is written in quotes)");
		acl_field_done(&more);
	}
	if (rc == 0 && path.n == 0)
		rc = acl_line_fail(line, path.at, "found an empty path, expected a file to include");
	if (rc == 0) {
		whole = beside(line->file, path.text);
		line->at = path.at;
		rc = file_read(reader, whole, line);
		free(whole);
	}
	acl_field_done(&path);
	return rc;
}

static int line_parse(struct reader *reader, struct acl_line *line)
{
	struct acl_field first;
	int rc = acl_line_check(line);

	if (rc < 0 || acl_line_empty(line))
		return rc;
	rc = acl_line_field(line, &first);
	if (rc < 0)
		return rc;
	if (!first.quoted && strcmp(first.text, "include") == 0)
		rc = include_parse(reader, line);
	else
		rc = rule_parse(reader, line, &first);
	acl_field_done(&first);
	return rc;
}

static int lines_read(struct reader *reader, const char *file, const char *text, size_t n)
{
	struct acl_line line = { .file = file, .problem = reader->problem };
	int rc = 0;

	while (rc == 0 && n) {
		const char *end = memchr(text, '\n', n);

		line.p = text;
		line.n = end ? (size_t)(end - text) : n;
		line.at = 0;
		line.number++;
		rc = line_parse(reader, &line);
		n -= line.n + (end != NULL);
		text += line.n + (end != NULL);
	}
	return rc;
}

static const char *file_add(struct acl_rules *rules, const char *path)
{
	rules->files = acl_grow(rules->files, rules->file_count + 1, sizeof(*rules->files));
	return rules->files[rules->file_count++] = acl_copy(path, strlen(path));
}

/* `from`: the line that includes it, at its path; line 0 where nothing does. */
static int file_read(struct reader *reader, const char *path, struct acl_line *from)
{
	char why[1024] = "", *text = NULL;
	size_t n = 0;
	int rc;

	if (reader->depth == ACL_INCLUDE_DEPTH)
		return acl_line_fail(from, from->at,
				     "found files including each other more than %u deep",
				     ACL_INCLUDE_DEPTH);
	if (reader->rules->file_count == FILES_MAX)
		return acl_line_fail(from, from->at, "found more than %u files", FILES_MAX);
	rc = reader->load(reader->arg, path, &text, &n, why, sizeof(why));
	if (rc < 0) {
		acl_line_fail(from, from->at, "%.500s", why);
		return rc;
	}
	reader->depth++;
	rc = lines_read(reader, file_add(reader->rules, path), text, n);
	reader->depth--;
	free(text);
	return rc;
}

int acl_rules_read(const char *path, acl_load_fn *load, void *arg, struct acl_rules **rules_r,
		   struct acl_problem *problem_r)
{
	struct reader reader = { .load = load, .arg = arg, .problem = problem_r };
	struct acl_line nowhere = { .file = path, .problem = problem_r };
	int rc;

	reader.rules = acl_grow(NULL, 1, sizeof(*reader.rules));
	memset(reader.rules, 0, sizeof(*reader.rules));
	rc = file_read(&reader, path, &nowhere);
	if (rc < 0)
		acl_rules_free(&reader.rules);
	else
		*rules_r = reader.rules;
	return rc;
}

static void rule_done(struct acl_rule *rule)
{
	for (size_t i = 0; i < rule->level_count; i++)
		gh_template_free(&rule->levels[i].tmpl);
	free(rule->levels);
	free((void *)(uintptr_t)rule->topic.p);
	free(rule->client.p);
	free(rule->user.p);
	free(rule->realm.p);
	free(rule->group.p);
	free(rule->listener.p);
}

void acl_rules_free(struct acl_rules **rules)
{
	if (!*rules)
		return;
	for (size_t i = 0; i < (*rules)->count; i++)
		rule_done(&(*rules)->rules[i]);
	for (size_t i = 0; i < (*rules)->file_count; i++)
		free((*rules)->files[i]);
	free((*rules)->rules);
	free((*rules)->files);
	free(*rules);
	*rules = NULL;
}

bool acl_rule_by_client_id(const struct acl_rule *rule)
{
	return rule->allow && (!acl_pattern_any(&rule->client) || rule->uses & GH_USES_CLIENT_ID);
}
