/* SPDX-License-Identifier: Apache-2.0 */
/* gatehouse-passwd: users of a password file, from the command line. */
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include "passwd.h"

void passwd_say(const char *fmt, ...)
{
	va_list ap;

	fputs("gatehouse-passwd: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	putc('\n', stderr);
}

static const struct command {
	const char *name;
	int arguments;
	bool changes; /* takes the options about users */
	passwd_command_fn *run;
	const char *usage, *help;
} commands[] = {
	{ "add", 2, true, passwd_add, "add FILE USER", "a new user; asks for the password" },
	{ "change", 2, false, passwd_change, "change FILE USER", "a new password for a user" },
	{ "set", 2, true, passwd_set, "set FILE USER",
	  "groups, client id, expiry, state; not the password" },
	{ "delete", 2, false, passwd_delete, "delete FILE USER", "removes a user" },
	{ "verify", 2, false, passwd_verify, "verify FILE USER", "whether a password is right" },
	{ "list", 1, false, passwd_list, "list FILE", "all users, without their hashes" },
	{ "check", 1, false, passwd_check, "check FILE", "whether the broker could read the file" },
	{ "policy", 0, false, passwd_policy, "policy", "what is asked of new passwords" },
};
#define COMMANDS (sizeof(commands) / sizeof(*commands))

enum { OPT_ENABLE = 256, OPT_DISABLE, OPT_POLICY, OPT_PASSWORD, OPT_VERSION };

static const struct option longs[] = {
	{ "create", no_argument, NULL, 'c' },
	{ "hash", required_argument, NULL, 'H' },
	{ "groups", required_argument, NULL, 'g' },
	{ "client-id", required_argument, NULL, 'i' },
	{ "expires", required_argument, NULL, 'e' },
	{ "enable", no_argument, NULL, OPT_ENABLE },
	{ "disable", no_argument, NULL, OPT_DISABLE },
	{ "policy", required_argument, NULL, OPT_POLICY },
	{ "password-on-command-line", required_argument, NULL, OPT_PASSWORD },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

static const char about_policy[] =
#ifdef HAVE_PWQUALITY
	"Password policy: libpwquality, /etc/security/pwquality.conf";
#else
	"Password policy: of our own, length and user name only (built without libpwquality)";
#endif

static void help(void)
{
	puts("Usage: gatehouse-passwd [OPTION...] COMMAND [FILE [USER]]\n\nCommands:");
	for (size_t i = 0; i < COMMANDS; i++)
		printf("  %-18s %s\n", commands[i].usage, commands[i].help);
	puts("\nOptions:\n"
	     "  -c, --create              add: make the file, which must not be there\n"
	     "  -H, --hash KIND           yescrypt (default), argon2id, bcrypt or sha512crypt\n"
	     "  -g, --groups A|B          add, set: the groups; '' for none\n"
	     "  -i, --client-id TEMPLATE  add, set: the only client id, {username} in it; '' for any\n"
	     "  -e, --expires DATE        add, set: YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ (UTC), or never\n"
	     "      --disable, --enable   add, set: refuse this user, or no longer\n"
	     "      --policy FILE         a pwquality.conf to use in place of the system's\n"
	     "      --password-on-command-line=PASSWORD\n"
	     "                            every user of this machine can see it: for throw-away tests\n"
	     "      --version, -h, --help\n\n"
	     "The password is asked for on the terminal, or else read from standard input.");
	printf("%s.\nExit: 0 done, 1 no, 2 usage, 3 file, 4 password refused; see gatehouse-passwd(1).\n",
	       about_policy);
}

/* Not left where `ps` would show it, for what that is worth. */
static char *hide(char *argument)
{
	char *copy = strdup(argument);

	if (!copy)
		abort();
	gh_wipe(argument, strlen(argument));
	return copy;
}

static void forget_password(struct passwd_request *request)
{
	if (!request->password)
		return;
	gh_wipe(request->password, strlen(request->password));
	free(request->password);
	request->password = NULL;
}

static enum passwd_exit kind_set(struct passwd_request *request, const char *name)
{
	request->kind = gh_password_kind_named(name);
	if (request->kind)
		return PASSWD_DONE;
	passwd_say("--hash: found '%s', expected yescrypt, argon2id, bcrypt or sha512crypt", name);
	return PASSWD_USAGE;
}

/* One option; help and version end the program. */
static enum passwd_exit option(struct passwd_request *request, int c)
{
	switch (c) {
	case 'c': request->create = true; break;
	case 'H': return kind_set(request, optarg);
	case 'g': request->groups = optarg; break;
	case 'i': request->client_id = optarg; break;
	case 'e': request->expires = optarg; break;
	case OPT_ENABLE: request->state = PASSWD_ENABLE; break;
	case OPT_DISABLE: request->state = PASSWD_DISABLE; break;
	case OPT_POLICY: request->policy = optarg; break;
	case OPT_PASSWORD:
		forget_password(request); /* the last one counts, and each is hidden */
		request->password = hide(optarg);
		break;
	case 'h': help(); exit(PASSWD_DONE);
	case OPT_VERSION:
		printf("gatehouse-passwd (Gatehouse) %s\n%s\n", PACKAGE_VERSION, about_policy);
		exit(PASSWD_DONE);
	default: return PASSWD_USAGE;
	}
	return PASSWD_DONE;
}

static const struct command *command_named(const char *name)
{
	for (size_t i = 0; name && i < COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	passwd_say("found %s, expected a command: add, change, set, delete, verify, list, check or policy (--help)",
		   name ? name : "nothing");
	return NULL;
}

/* Whether command and options go together. */
static enum passwd_exit consistent(const struct command *command,
				   const struct passwd_request *request, int arguments)
{
	bool about_user = request->groups || request->client_id || request->expires || request->state;

	if (arguments != command->arguments)
		passwd_say("expected: gatehouse-passwd [OPTION...] %s", command->usage);
	else if (request->create && command->run != passwd_add)
		passwd_say("--create goes with add only");
	else if (about_user && !command->changes)
		passwd_say(
			"--groups, --client-id, --expires, --enable and --disable go with add and set only");
	else if (!about_user && command->run == passwd_set)
		passwd_say("set: expected --groups, --client-id, --expires, --enable or --disable");
	else
		return PASSWD_DONE;
	return PASSWD_USAGE;
}

static enum passwd_exit run(struct passwd_request *request, int argc, char **argv)
{
	enum passwd_exit code = PASSWD_DONE;
	const struct command *command;
	int c;

	while (code == PASSWD_DONE && (c = getopt_long(argc, argv, "cH:g:i:e:h", longs, NULL)) != -1)
		code = option(request, c);
	if (code != PASSWD_DONE)
		return code;
	command = command_named(argv[optind]);
	if (!command)
		return PASSWD_USAGE;
	argv += optind + 1;
	argc -= optind + 1;
	code = consistent(command, request, argc);
	if (code != PASSWD_DONE)
		return code;
	request->file = argv[0];
	request->user = argc > 1 ? argv[1] : NULL;
	code = command->run(request);
	return fflush(stdout) != 0 && code == PASSWD_DONE ? PASSWD_FILE : code;
}

int main(int argc, char **argv)
{
	struct passwd_request request = { .kind = GH_PASSWORD_YESCRYPT };
	enum passwd_exit code;

	prctl(PR_SET_DUMPABLE, 0);
	code = run(&request, argc, argv);
	forget_password(&request);
	return (int)code;
}
