/* SPDX-License-Identifier: Apache-2.0 */
/* mosquitto's acl_file: sections of users, patterns for all, DENY first; SUBSCRIBE is never asked. */
#include <gatehouse/lib.h>
#include <stdlib.h>
#include <string.h>
#include "import.h"
#include "rules.h"

enum access { READ, WRITE, READWRITE, DENY };

/* One line. */
struct entry {
	char *topic;
	enum access access;
};
struct entries {
	struct entry *entries;
	size_t count;
};
/* user NULL: lines before the first user, for clients without a user name. */
struct section {
	char *user;
	struct entries entries;
};
struct import {
	struct section *sections;
	size_t count;
	struct section *current; /* NULL: no line has named or needed one yet */
	struct entries patterns;
};

/* ---- fields ------------------------------------------------------------------------------------------------------ */

/* In quotes, `stars` as such. */
static void quote(FILE *to, const char *text, bool stars)
{
	fputc('"', to);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\' || (stars && *text == '*'))
			fputc('\\', to);
		fputc(*text, to);
	}
	fputc('"', to);
}

/* As a topic of ours; %c and %u mean something in a pattern only. To be freed. */
static char *topic_of(const char *topic, bool pattern)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		abort();
	for (; *topic; topic++) {
		bool percent = pattern && *topic == '%' && (topic[1] == 'c' || topic[1] == 'u');

		if (percent)
			fputs(*++topic == 'c' ? "{clientid}" : "{username}", to);
		else if (*topic == '{')
			fputs("{{", to);
		else
			fputc(*topic, to);
	}
	if (fclose(to) != 0)
		abort();
	return text;
}

static void topic_write(FILE *to, const char *topic, bool pattern)
{
	char *text = topic_of(topic, pattern);

	/* A level "*" is a slip where it isn't in quotes. */
	if (strpbrk(text, " \t\v\f\r\"\\*"))
		quote(to, text, false);
	else
		fputs(text, to);
	free(text);
}

/* mosquitto never matches these: messages aren't published to them. */
static bool dead(const struct entry *entry)
{
	return strncmp(entry->topic, "$share/", 7) == 0 || strcmp(entry->topic, "$share") == 0;
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

static void entry_add(struct entries *entries, const char *topic, enum access access)
{
	entries->entries = acl_grow(entries->entries, entries->count + 1, sizeof(*entries->entries));
	entries->entries[entries->count++] = (struct entry){ acl_copy(topic, strlen(topic)), access };
}

static bool same_user(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* A second section of one user goes on with the first. */
static struct section *section_of(struct import *import, const char *user)
{
	for (size_t i = 0; i < import->count; i++)
		if (same_user(import->sections[i].user, user))
			return &import->sections[i];
	import->sections = acl_grow(import->sections, import->count + 1, sizeof(*import->sections));
	import->sections[import->count] =
		(struct section){ .user = user ? acl_copy(user, strlen(user)) : NULL };
	return &import->sections[import->count++];
}

/* Blanks are spaces only. The word that *rest begins with, terminated in place; NULL: there is none. */
static char *word_take(char **rest)
{
	char *word = *rest + strspn(*rest, " "), *end = word + strcspn(word, " ");

	*rest = *end ? end + 1 : end;
	if (*end)
		*end = '\0';
	return *word ? word : NULL;
}

static char *trim(char *text)
{
	size_t n;

	text += strspn(text, " \t\v\f\r");
	n = strlen(text);
	while (n && strchr(" \t\v\f\r", text[n - 1]))
		n--;
	text[n] = '\0';
	return text;
}

static int access_parse(struct acl_line *line, const char *word, enum access *access_r)
{
	static const char *const words[] = { "read", "write", "readwrite", "deny" };

	for (int i = 0; i < 4; i++)
		if (strcmp(word, words[i]) == 0) {
			*access_r = (enum access)i;
			return 0;
		}
	return acl_line_fail(line, 0, "found '%.64s', expected read, write, readwrite or deny", word);
}

static int give(void *arg, const char *path, char **text_r, size_t *n_r, char *why, size_t why_size)
{
	const struct gh_str *text = arg;

	(void)path, (void)why, (void)why_size;
	*text_r = acl_copy(text->p, text->n);
	*n_r = text->n;
	return 0;
}

/* What the reader of rules won't take is told here already, where it stands. */
static int topic_check(struct acl_line *line, const struct entry *entry, bool pattern)
{
	struct acl_problem problem;
	struct acl_rules *rules = NULL;
	char *text = NULL;
	struct gh_str rule;
	FILE *to = open_memstream(&text, &rule.n);
	int rc;

	if (!to)
		abort();
	fputs("* ", to);
	topic_write(to, entry->topic, pattern);
	fputs(" publish allow", to);
	if (fclose(to) != 0)
		abort();
	rule.p = text;
	rc = dead(entry) ? 0 : acl_rules_read("", give, &rule, &rules, &problem);
	acl_rules_free(&rules);
	free(text);
	return rc < 0 ? acl_line_fail(line, 0, "%s", problem.text) : 0;
}

/* One word behind `topic` or `pattern` is the filter, even if it is "read". */
static int entry_parse(struct acl_line *line, char *rest, struct entries *entries, bool pattern)
{
	char *topic = word_take(&rest);
	enum access access = READWRITE;

	if (!topic)
		return acl_line_fail(line, line->n, "found no topic");
	if (*rest) {
		if (access_parse(line, topic, &access) < 0)
			return GH_EINVAL;
		topic = trim(rest);
	}
	if (!gh_topic_filter_valid((struct gh_str){ topic, strlen(topic) }))
		return acl_line_fail(line, 0, "found '%.64s', expected a topic filter", topic);
	entry_add(entries, topic, access);
	return topic_check(line, &entries->entries[entries->count - 1], pattern);
}

static int user_parse(struct acl_line *line, struct import *import, char *rest)
{
	char *user = trim(rest);

	if (!*user)
		return acl_line_fail(line, line->n, "found no user name");
	import->current = section_of(import, user);
	return 0;
}

static int words_parse(struct acl_line *line, struct import *import, char *text)
{
	char *rest = text, *word = word_take(&rest);

	if (!word)
		return 0;
	if (strcmp(word, "user") == 0)
		return user_parse(line, import, rest);
	if (strcmp(word, "pattern") == 0)
		return entry_parse(line, rest, &import->patterns, true);
	if (strcmp(word, "topic") != 0)
		return acl_line_fail(line, 0, "found '%.64s', expected user, topic or pattern", word);
	if (!import->current)
		import->current = section_of(import, NULL);
	return entry_parse(line, rest, &import->current->entries, false);
}

static int line_parse(struct acl_line *line, struct import *import)
{
	char *text;
	size_t n = line->n;
	int rc = acl_line_check(line);

	if (rc < 0 || (n && *line->p == '#'))
		return rc;
	while (n && strchr(" \t\v\f\r", line->p[n - 1]))
		n--;
	text = acl_copy(line->p, n);
	rc = words_parse(line, import, text);
	free(text);
	return rc;
}

static int read_all(const char *file, struct gh_str text, struct import *import,
		    struct acl_problem *problem)
{
	struct acl_line line = { .file = file, .problem = problem };
	int rc = 0;

	while (rc == 0 && text.n) {
		const char *end = memchr(text.p, '\n', text.n);

		line.p = text.p;
		line.n = end ? (size_t)(end - text.p) : text.n;
		line.number++;
		rc = line_parse(&line, import);
		text.p += line.n + (end != NULL);
		text.n -= line.n + (end != NULL);
	}
	return rc;
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

struct writer {
	FILE *to;
	const char *user; /* NULL: nobody's */
	bool anonymous, pattern;
};

static void rule_write(const struct writer *writer, const struct entry *entry)
{
	static const char *const actions[] = { "subscribe", "publish", "publish/subscribe",
					       "publish/subscribe" };

	fputs("* ", writer->to);
	topic_write(writer->to, entry->topic, writer->pattern);
	fprintf(writer->to, " %s %s", actions[entry->access],
		entry->access == DENY ? "deny" : "allow");
	if (writer->anonymous)
		fputs(" anonymous", writer->to);
	if (writer->user) {
		fputs(" user=", writer->to);
		quote(writer->to, writer->user, true);
	}
	fputc('\n', writer->to);
}

static void entries_write(const struct writer *writer, const struct entries *entries)
{
	for (int deny = 1; deny >= 0; deny--)
		for (size_t i = 0; i < entries->count; i++)
			if ((entries->entries[i].access == DENY) == deny &&
			    !dead(&entries->entries[i]))
				rule_write(writer, &entries->entries[i]);
}

/* Where there are patterns, a name with a wildcard in it is denied them all; those of '$' topics by name, because '#'
 * doesn't match them. */
static void wildcard_names_write(FILE *to, const struct entries *patterns)
{
	static const char *const names[][2] = {
		{ "*+*", "" }, { "*#*", "" }, { "*", " user=*+*" }, { "*", " user=*#*" }
	};

	for (size_t name = 0; name < 4; name++) {
		fprintf(to, "%s # publish/subscribe deny%s\n", names[name][0], names[name][1]);
		for (size_t i = 0; i < patterns->count; i++) {
			if (*patterns->entries[i].topic != '$' || dead(&patterns->entries[i]))
				continue;
			fprintf(to, "%s ", names[name][0]);
			topic_write(to, patterns->entries[i].topic, true);
			fprintf(to, " publish/subscribe deny%s\n", names[name][1]);
		}
	}
}

static void sections_write(FILE *to, const struct import *import)
{
	for (size_t i = 0; i < import->count; i++) {
		const struct section *section = &import->sections[i];
		struct writer writer = { .to = to, .user = section->user, .anonymous = !section->user };

		if (section->entries.count)
			fprintf(to, "\n# %s%s\n",
				section->user ? "user " : "clients without a user name",
				section->user ? section->user : "");
		entries_write(&writer, &section->entries);
	}
}

static bool empty(const struct import *import)
{
	bool any = import->patterns.count != 0;

	for (size_t i = 0; i < import->count; i++)
		any |= import->sections[i].entries.count != 0;
	return !any;
}

static void write_all(FILE *to, const struct import *import)
{
	struct writer writer = { .to = to, .pattern = true };

	fputs("# From an acl_file of mosquitto, by gatehouse-acl import.\n", to);
	if (empty(import)) {
		fputs("# It has no line that allows or denies anything: everything is denied.\n", to);
		return;
	}
	fputs("# mosquitto grants every filter, and judges what is delivered. Without the next line a SUBSCRIBE is judged too.\n"
	      "* # subscribe allow any-filter\n"
	      "# Nobody writes what the broker says about itself.\n"
	      "* $SYS/# publish deny\n",
	      to);
	sections_write(to, import);
	if (!import->patterns.count)
		return;
	fputs("\n# patterns; never for names with a wildcard in them\n", to);
	wildcard_names_write(to, &import->patterns);
	entries_write(&writer, &import->patterns);
}

static void entries_done(struct entries *entries)
{
	for (size_t i = 0; i < entries->count; i++)
		free(entries->entries[i].topic);
	free(entries->entries);
}

int acl_import(const char *file, struct gh_str text, FILE *to, struct acl_problem *problem_r)
{
	struct import import = { .sections = NULL };
	int rc = read_all(file, text, &import, problem_r);

	if (rc == 0)
		write_all(to, &import);
	for (size_t i = 0; i < import.count; i++) {
		entries_done(&import.sections[i].entries);
		free(import.sections[i].user);
	}
	free(import.sections);
	entries_done(&import.patterns);
	return rc;
}
