/* SPDX-License-Identifier: Apache-2.0 */
/* gatehouse-acl: checks rule files, asks them, and makes them of mosquitto's. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "file.h"
#include "import.h"
#include "match.h"
#include "question.h"

enum { ALLOWED = 0, DENIED = 1, USAGE = 2, FAILED = 3 };

void acl_say(const char *fmt, ...)
{
	va_list ap;

	fputs("gatehouse-acl: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	putc('\n', stderr);
}

static int told(const struct acl_problem *problem)
{
	if (problem->line)
		acl_say("%s:%u:%u: %s", problem->file, problem->line, problem->column, problem->text);
	else
		acl_say("%s", problem->text);
	return FAILED;
}

/* The broker may run as another user: whose the file is doesn't matter here. */
static int rules_read(const char *path, struct acl_rules **rules_r)
{
	unsigned flags = GH_SECRET_ANY_OWNER;
	struct acl_problem problem;

	return acl_rules_read(path, acl_file_load, &flags, rules_r, &problem) < 0 ? told(&problem)
										  : 0;
}

static int check(int argc, char **argv)
{
	struct acl_rules *rules;
	int rc;

	if (argc != 2) {
		acl_say("expected: check FILE");
		return USAGE;
	}
	rc = rules_read(argv[1], &rules);
	if (rc)
		return rc;
	for (size_t i = 0; i < rules->count; i++)
		if (acl_rule_by_client_id(&rules->rules[i]))
			printf("%s:%u: goes by client id: counts only where a listener binds the id to the user\n",
			       rules->rules[i].file, rules->rules[i].line);
	printf("%s: %zu rules%s\n", argv[1], rules->count,
	       rules->count ? "" : ": everything is denied");
	acl_rules_free(&rules);
	return 0;
}

static void answer(const struct acl_index *index, const struct gh_authorize *in,
		   const struct acl_decision *decision)
{
	char why[1200];

	acl_explain(index, in, decision, why, sizeof(why));
	if (decision->rule)
		printf("%s %s:%u: %s\n", decision->allow ? "allow" : "deny", decision->rule->file,
		       decision->rule->line, why);
	else
		printf("deny: %s\n", why);
	if (!decision->allow || in->action != GH_SUBSCRIBE)
		return;
	if (decision->max_qos < in->qos)
		printf("granted with QoS %u\n", decision->max_qos);
	puts(decision->covers ? "every delivery is allowed" : "each delivery is judged by itself");
}

static int test(int argc, char **argv)
{
	struct acl_question question;
	struct acl_decision decision;
	struct acl_index *index;
	struct acl_rules *rules;
	int rc;

	if (argc < 2 || *argv[1] == '-') {
		acl_say("expected: test FILE OPTION...");
		return USAGE;
	}
	if (!acl_question_options(argc - 1, argv + 1, &question))
		return USAGE;
	rc = rules_read(argv[1], &rules);
	if (rc)
		return rc;
	index = acl_index_new(rules);
	acl_decide(index, &question.in, &decision);
	answer(index, &question.in, &decision);
	acl_index_free(&index);
	acl_rules_free(&rules);
	return decision.allow ? ALLOWED : DENIED;
}

static int import(int argc, char **argv)
{
	unsigned flags = GH_SECRET_ANY_OWNER | GH_SECRET_ANY_MODE;
	struct acl_problem problem;
	char *text, why[1024];
	size_t n;
	int rc;

	if (argc != 2) {
		acl_say("expected: import MOSQUITTO_ACL_FILE");
		return USAGE;
	}
	if (acl_file_load(&flags, argv[1], &text, &n, why, sizeof(why)) < 0) {
		acl_say("%s", why);
		return FAILED;
	}
	rc = acl_import(argv[1], (struct gh_str){ text, n }, stdout, &problem) < 0 ? told(&problem)
										   : 0;
	free(text);
	return rc;
}

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *usage, *help;
} commands[] = {
	{ "check", check, "check FILE", "whether the broker could read the rules" },
	{ "test", test, "test FILE OPTION...", "what they say to one act of one client" },
	{ "import", import, "import ACL_FILE",
	  "prints rules that mean what mosquitto's acl_file does" },
};
#define COMMANDS (sizeof(commands) / sizeof(*commands))

static void help(void)
{
	puts("Usage: gatehouse-acl COMMAND FILE [OPTION...]\n\nCommands:");
	for (size_t i = 0; i < COMMANDS; i++)
		printf("  %-22s %s\n", commands[i].usage, commands[i].help);
	puts("\nOptions of test:\n"
	     "  --client ID            the client id\n"
	     "  --bound                it is bound to the user by the listener's client-id\n"
	     "  --user NAME            who it is; not given: anonymous\n"
	     "  --realm REALM          of the user\n"
	     "  --group GROUP          one of the user's groups; may be repeated\n"
	     "  --attr NAME=VALUE      an attribute of the user's; may be repeated\n"
	     "  --address IP           where it comes from; not given: a UNIX socket\n"
	     "  --listener NAME        where it came in\n"
	     "  --tls                  over TLS\n"
	     "  --publish TOPIC | --will TOPIC | --subscribe FILTER | --receive TOPIC\n"
	     "  --qos N, --retain, --size BYTES\n"
	     "                         of the message; QoS of the subscription\n\n"
	     "Exit status: 0 allowed or all is well, 1 denied, 2 wrong usage, 3 a file is wrong or can't be read.");
}

/* What was printed must have arrived. */
static int finish(int rc)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return rc;
	acl_say("cannot write: %s", strerror(errno));
	return FAILED;
}

int main(int argc, char **argv)
{
	if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		help();
		return finish(0);
	}
	if (argc >= 2 && strcmp(argv[1], "--version") == 0) {
		puts("gatehouse-acl " PACKAGE_VERSION);
		return finish(0);
	}
	for (size_t i = 0; argc >= 2 && i < COMMANDS; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return finish(commands[i].run(argc - 1, argv + 1));
	acl_say("found %s, expected a command: check, test or import (--help)",
		argc >= 2 ? argv[1] : "nothing");
	return USAGE;
}
