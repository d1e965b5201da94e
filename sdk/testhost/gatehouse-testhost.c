/* SPDX-License-Identifier: Apache-2.0 */
/* gatehouse-testhost: drives a module by a script. */
#include "script.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_SCRIPT = 2, EXIT_MODULE = 3 };

static const char usage[] = "usage: gatehouse-testhost [-v] [-o OPTION=VALUE]... MODULE.so SCRIPT\n";
static const char help[] =
	"Loads a module without a broker and drives its hooks by a script, on a simulated clock.\n\n"
	"  -o, --option OPTION=VALUE  an option of the module's, before the script's own\n"
	"  -v, --verbose              the module's log on standard error, from the first line on\n"
	"      --version, --help      print the version, or this, and end\n\n"
	"SCRIPT: a file, or - for standard input; see gatehouse-testhost(1).\n"
	"Exit status: 0 all was as expected, 1 it was not, 2 a mistake in the script, 3 no such module.\n";

static const struct option options[] = {
	{ "option", required_argument, NULL, 'o' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

struct arguments {
	const char *const *given; /* OPTION=VALUE */
	size_t given_count;
	const char *module, *script;
	bool verbose;
};

/* The whole file; NULL: told why not. */
static char *read_script(const char *path)
{
	FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
	struct gh_text text = { 0 };
	char chunk[4096];
	size_t n;

	if (!in) {
		fprintf(stderr, "gatehouse-testhost: %s: %s\n", path, strerror(errno));
		return NULL;
	}
	gh_text_put(&text, "", 0);
	while ((n = fread(chunk, 1, sizeof(chunk), in)) > 0)
		gh_text_put(&text, chunk, n);
	if (ferror(in) || strlen(text.p) != text.n) {
		fprintf(stderr, "gatehouse-testhost: %s: %s\n", path,
			ferror(in) ? strerror(errno) : "it has a byte 0 in it");
		gh_text_done(&text);
	}
	if (in != stdin)
		fclose(in);
	return text.p;
}

/* Below what paths in the script are. */
static void set_base(struct gh_testhost *host, const char *script)
{
	const char *slash = strrchr(script, '/');
	char *folder = slash ? gh_copy_n(script, slash == script ? 1 : (size_t)(slash - script))
			     : gh_copy(".");
	char *base = realpath(folder, NULL);

	gh_testhost_base(host, base ? base : folder);
	free(base);
	free(folder);
}

static bool give_options(struct gh_testhost *host, const struct arguments *arguments)
{
	for (size_t i = 0; i < arguments->given_count; i++) {
		const char *given = arguments->given[i], *equals = strchr(given, '=');
		char *name;

		if (!equals || equals == given) {
			fprintf(stderr,
				"gatehouse-testhost: --option: expected OPTION=VALUE, found '%s'\n",
				given);
			return false;
		}
		name = gh_copy_n(given, (size_t)(equals - given));
		gh_testhost_option(host, name, (const char *const[]){ equals + 1 }, 1,
				   "command line");
		free(name);
	}
	return true;
}

static int drive(const struct arguments *arguments, const char *text)
{
	struct gh_testhost *host;
	struct gh_error error;
	int status = EXIT_SCRIPT;

	if (gh_testhost_open(arguments->module, &host, &error) != 0) {
		fprintf(stderr, "gatehouse-testhost: %s\n", error.text);
		return EXIT_MODULE;
	}
	if (arguments->verbose)
		gh_testhost_show(host, GH_LOG_DEBUG);
	set_base(host, arguments->script);
	if (give_options(host, arguments))
		status = gh_script_run(host, arguments->script, text);
	gh_testhost_free(&host);
	return status;
}

int main(int argc, char **argv)
{
	struct arguments arguments = { 0 };
	const char **given = gh_new((size_t)argc * sizeof(*given));
	int letter, status = EXIT_SCRIPT;
	char *text;

	arguments.given = given;
	while ((letter = getopt_long(argc, argv, "o:v", options, NULL)) != -1) {
		if (letter == 'o') {
			given[arguments.given_count++] = optarg;
		} else if (letter == 'v') {
			arguments.verbose = true;
		} else if (letter == 'V' || letter == 'h') {
			printf("%s%s",
			       letter == 'h' ? usage : "gatehouse-testhost " PACKAGE_VERSION "\n",
			       letter == 'h' ? help : "");
			free(given);
			return EXIT_SUCCESS;
		} else {
			optind = argc;
			break;
		}
	}
	if (argc - optind == 2) {
		arguments.module = argv[optind];
		arguments.script = argv[optind + 1];
		text = read_script(arguments.script);
		if (text)
			status = drive(&arguments, text);
		free(text);
	} else {
		fputs(usage, stderr);
	}
	free(given);
	return status;
}
