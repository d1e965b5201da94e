/* SPDX-License-Identifier: Apache-2.0 */
/* gatehousectl: asks a running broker, by its control socket. */
#include "base/buf.h"
#include "base/escape.h"
#include "base/mem.h"
#include "conf/settings.h"
#include "ctl/prompt.h"
#include "ctl/wire.h"

#include <errno.h>
#include <gatehouse/lib.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum exit_code {
	EXIT_FINE = 0,
	EXIT_REFUSED = 1,
	EXIT_USAGE = 2,
	EXIT_UNREACHABLE = 3,
	EXIT_NOT_FOUND = 4
};

static const char usage_text[] =
	"usage: gatehousectl [--socket PATH] [--json] COMMAND\n"
	"\n"
	"  status                      what is running\n"
	"  clients                     who is connected\n"
	"  plugins                     instances of modules: state and figures\n"
	"  plugin VERB NAME            disable, enable, reload or replace one of them\n"
	"  reload                      read the configuration again: all of it, or nothing\n"
	"  disconnect CLIENT-ID        send a client away\n"
	"  metrics [--prometheus]      all counters\n"
	"  explain ACTION [OPTION...]  what would the modules say, and why?\n"
	"      ACTION: connect | publish TOPIC | subscribe FILTER | receive TOPIC | will TOPIC\n"
	"      --live CLIENT-ID, or --user NAME --client CLIENT-ID [--bound] --address IP --listener NAME\n"
	"      --qos N  --retain  --size BYTES\n"
	"  export client ID | principal NAME\n"
	"                              what modules keep about it\n"
	"  forget client ID | principal NAME\n"
	"                              make them erase it\n"
	"  INSTANCE [COMMAND ARGUMENT...]\n"
	"                              a command of a module; without one: which there are\n";

struct call {
	char socket[GH_PLACE_SIZE];
	bool json;
	char *words[GH_WIRE_WORDS]; /* its own */
	size_t count;
};

/* ---- the command line ---- */

enum {
	OPT_SOCKET = 256,
	OPT_JSON,
	OPT_PROMETHEUS,
	OPT_RETAIN,
	OPT_BOUND,
	OPT_HELP,
	OPT_VERSION,
	OPT_KEY
};
static const struct option long_options[] = {
	{ "socket", required_argument, NULL, OPT_SOCKET },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "prometheus", no_argument, NULL, OPT_PROMETHEUS },
	{ "retain", no_argument, NULL, OPT_RETAIN },
	{ "bound", no_argument, NULL, OPT_BOUND },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "live", required_argument, NULL, OPT_KEY },
	{ "user", required_argument, NULL, OPT_KEY },
	{ "client", required_argument, NULL, OPT_KEY },
	{ "address", required_argument, NULL, OPT_KEY },
	{ "listener", required_argument, NULL, OPT_KEY },
	{ "qos", required_argument, NULL, OPT_KEY },
	{ "size", required_argument, NULL, OPT_KEY },
	{ 0 },
};

static bool is_explain(const struct call *call)
{
	return call->count > 0 && strcmp(call->words[0], "explain") == 0;
}

static bool add_word(struct call *call, const char *key, const char *value)
{
	struct gh_buf word = { 0 };

	if (call->count == GH_WIRE_WORDS)
		return false;
	gh_buf_printf(&word, "%s%s", key, value);
	gh_buf_u8(&word, 0);
	call->words[call->count++] = (char *)word.p;
	return true;
}

/* Words of explain come after its action and topic, wherever the options stand. */
struct later {
	struct {
		const char *key, *value;
	} item[GH_WIRE_WORDS];
	size_t count;
};

static bool put_later(struct later *later, const char *key, const char *value)
{
	if (later->count == GH_WIRE_WORDS / 2)
		return false;
	later->item[later->count].key = key;
	later->item[later->count++].value = value;
	return true;
}

static const char *key_of(int index)
{
	static const char *const keys[] = { "live=",     "user=", "client=", "address=",
					    "listener=", "qos=",  "size=" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strncmp(keys[i], long_options[index].name, strlen(keys[i]) - 1) == 0)
			return keys[i];
	return "";
}

/* -1: go on; else the exit code. */
static int take_option(struct call *call, struct later *later, int option, int index)
{
	bool fine = true;

	switch (option) {
	case OPT_SOCKET:
		fine = strlen(optarg) < sizeof(call->socket);
		snprintf(call->socket, sizeof(call->socket), "%s", optarg);
		break;
	case OPT_JSON: call->json = true; break;
	case OPT_PROMETHEUS: fine = put_later(later, "prometheus", ""); break;
	case OPT_RETAIN: fine = put_later(later, "retain=yes", ""); break;
	case OPT_BOUND: fine = put_later(later, "bound=yes", ""); break;
	case OPT_KEY: fine = put_later(later, key_of(index), optarg); break;
	case OPT_HELP: fputs(usage_text, stdout); return EXIT_FINE;
	case OPT_VERSION: printf("gatehousectl " PACKAGE_VERSION "\n"); return EXIT_FINE;
	default: /* getopt has said what is wrong */
		fputs("gatehousectl: --help tells which there are\n", stderr);
		return EXIT_USAGE;
	}
	if (fine)
		return -1;
	fputs(usage_text, stderr);
	return EXIT_USAGE;
}

static int parse(struct call *call, int argc, char **argv)
{
	static char name[] = "gatehousectl";
	struct later later = { .count = 0 };
	int option, index, rc = -1;

	argv[0] = name; /* as getopt calls us */
	while (rc < 0 && (option = getopt_long(argc, argv, "", long_options, &index)) != -1)
		rc = take_option(call, &later, option, index);
	if (rc >= 0)
		return rc;
	for (bool fine = true; optind < argc && fine; optind++)
		fine = add_word(call, is_explain(call) && call->count == 2 ? "topic=" : "",
				argv[optind]);
	for (size_t i = 0; i < later.count; i++)
		add_word(call, later.item[i].key, later.item[i].value);
	if (call->count > 0 && optind == argc)
		return -1;
	fputs(usage_text, stderr);
	return EXIT_USAGE;
}

/* ---- the call ---- */

static int unreachable(const struct call *call, const char *what)
{
	fprintf(stderr, "gatehousectl: %s: %s\n", call->socket, what);
	return EXIT_UNREACHABLE;
}

static int send_all(int fd, const struct gh_buf *buf)
{
	for (size_t sent = 0; sent < buf->n;) {
		ssize_t n = send(fd, buf->p + sent, buf->n - sent, MSG_NOSIGNAL);

		if (n < 0)
			return -1;
		sent += (size_t)n;
	}
	return 0;
}

static int receive_all(int fd, struct gh_buf *buf)
{
	ssize_t n;

	do {
		n = recv(fd, gh_buf_reserve(buf, 65536), 65536, 0);
		if (n > 0)
			buf->n += (size_t)n;
	} while (n > 0);
	return n < 0 || buf->n == 0 ? -1 : 0;
}

static int exchange(const struct call *call, struct gh_bytes secret, struct gh_buf *reply)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct gh_buf request = { 0 };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), rc;

	if (strlen(call->socket) >= sizeof(address.sun_path))
		return unreachable(call, "path too long");
	memcpy(address.sun_path, call->socket, strlen(call->socket) + 1);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return unreachable(call, strerror(errno));
	gh_wire_request(&request, (const char *const *)call->words, call->count, secret);
	rc = send_all(fd, &request) < 0 || receive_all(fd, reply) < 0
		     ? unreachable(call, "no answer")
		     : 0;
	gh_wipe(request.p, request.n);
	gh_buf_done(&request);
	close(fd);
	return rc;
}

/* ---- what comes back ---- */

/* Nothing that came from the network may move the terminal's cursor or look like another line. */
static char *cell(const json_t *value)
{
	struct gh_buf text = { 0 };

	if (json_is_string(value))
		gh_escape_message(&text,
				  gh_str_n(json_string_value(value), json_string_length(value)));
	else if (value && !json_is_null(value))
		return json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	gh_buf_u8(&text, 0);
	return (char *)text.p;
}

static int widest(const json_t *rows, const char *key)
{
	size_t width = strlen(key), i;
	const json_t *row;

	json_array_foreach(rows, i, row)
	{
		char *text = cell(json_object_get(row, key));

		if (strlen(text) > width)
			width = strlen(text);
		free(text);
	}
	return (int)width;
}

static void print_row(FILE *out, json_t *row, json_t *columns, const int *widths)
{
	json_t *value;
	const char *key;
	size_t at = 0;

	json_object_foreach(columns, key, value)
	{
		char *text = cell(row ? json_object_get(row, key) : value);

		fprintf(out, "%-*s", widths[at++] + 2, text);
		free(text);
	}
	fputc('\n', out);
}

/* Rows of modules needn't all have the same fields: every name, where it came first. */
static json_t *columns_of(const json_t *rows)
{
	json_t *columns = json_object(), *row, *value;
	const char *key;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		json_object_foreach(row, key, value)
		{
			if (!json_object_get(columns, key))
				json_object_set_new(columns, key, json_string(key));
		}
	}
	return columns;
}

static void print_table(FILE *out, json_t *rows)
{
	json_t *columns = columns_of(rows), *row, *value;
	int *widths = gh_alloc_array(json_object_size(columns), sizeof(*widths));
	const char *key;
	size_t i = 0;

	json_object_foreach(columns, key, value) widths[i++] = widest(rows, key);
	print_row(out, NULL, columns, widths);
	json_array_foreach(rows, i, row) print_row(out, row, columns, widths);
	free(widths);
	json_decref(columns);
}

/* One row reads better downwards. */
static void print_list(json_t *row)
{
	json_t *value;
	const char *key;

	json_object_foreach(row, key, value)
	{
		char *text = cell(value);

		printf("%-18s%s\n", key, text);
		free(text);
	}
}

static void print_rows(const struct call *call, json_t *rows)
{
	bool single = strcmp(call->words[0], "status") == 0 || is_explain(call);

	if (call->json)
		json_dumpf(single ? json_array_get(rows, 0) : rows, stdout, JSON_INDENT(2));
	else if (single)
		print_list(json_array_get(rows, 0));
	else if (json_array_size(rows) > 0)
		print_table(stdout, rows);
	if (call->json)
		putchar('\n');
}

static bool has_code(const json_t *reply, const char *code)
{
	const char *found = json_string_value(json_object_get(reply, "code"));

	return found && strcmp(found, code) == 0;
}

static int refused(const struct call *call, const json_t *reply)
{
	json_t *rows = json_object_get(reply, "rows");
	char *text = cell(json_object_get(reply, "error"));
	bool usage = has_code(reply, "usage");

	if (rows && !usage)
		print_rows(call, rows); /* what there is nevertheless */
	fprintf(stderr, "gatehousectl: %s\n", *text ? text : "refused");
	if (rows && usage)
		print_table(stderr, rows);
	free(text);
	if (has_code(reply, "not-found"))
		return EXIT_NOT_FOUND;
	return usage ? EXIT_USAGE : EXIT_REFUSED;
}

static int show(const struct call *call, const json_t *reply)
{
	json_t *rows = json_object_get(reply, "rows");
	const char *text = json_string_value(json_object_get(reply, "text"));

	if (!json_is_true(json_object_get(reply, "ok")))
		return refused(call, reply);
	if (rows)
		print_rows(call, rows);
	else if (call->json)
		printf("{}\n");
	else if (text)
		fputs(text, stdout);
	if (is_explain(call) &&
	    strcmp(json_string_value(json_object_get(json_array_get(rows, 0), "verdict")),
		   "allow") != 0)
		return EXIT_REFUSED;
	return EXIT_FINE;
}

static int ask_with(const struct call *call, struct gh_bytes secret, json_t **reply_r)
{
	struct gh_buf text = { 0 };
	json_error_t error;
	int rc = exchange(call, secret, &text);

	if (rc == 0)
		*reply_r = json_loadb((const char *)text.p, text.n, 0, &error);
	gh_buf_done(&text);
	if (rc == 0 && !*reply_r)
		rc = unreachable(call, "an answer that isn't JSON");
	return rc;
}

static int ask_secretly(const struct call *call, json_t **reply_r)
{
	struct gh_buf secret = { 0 };
	const char *why = gh_prompt("Secret: ", GH_WIRE_SECRET_MAX, &secret);
	int rc = EXIT_USAGE;

	if (why)
		fprintf(stderr, "gatehousectl: %s\n", why);
	else
		rc = ask_with(call, (struct gh_bytes){ secret.p, secret.n }, reply_r);
	gh_wipe(secret.p, secret.size);
	gh_buf_done(&secret);
	return rc;
}

static int ask(const struct call *call)
{
	json_t *reply = NULL;
	int rc = ask_with(call, (struct gh_bytes){ 0 }, &reply);

	if (rc == 0 && has_code(reply, "secret-wanted")) {
		json_decref(reply);
		reply = NULL;
		rc = ask_secretly(call, &reply);
	}
	if (rc == 0)
		rc = show(call, reply);
	json_decref(reply);
	return rc;
}

int main(int argc, char **argv)
{
	struct call call = { .count = 0 };
	int rc;

	gh_find_control_socket(call.socket);
	rc = parse(&call, argc, argv);
	if (rc < 0)
		rc = ask(&call);
	while (call.count > 0)
		free(call.words[--call.count]);
	return rc;
}
