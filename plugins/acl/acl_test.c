/* SPDX-License-Identifier: Apache-2.0 */
/* acl as the broker sees it: what it says when it is made, and what its verdicts carry. */
#include <check.h>
#include <gatehouse/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern const struct gh_plugin acl_LTX_gatehouse_plugin;
#define MODULE acl_LTX_gatehouse_plugin

/* ---- a host that remembers -------------------------------------------------------------------------------------- */

struct gh_host {
	const struct gh_host_api *api;
};
struct gh_answer {
	const struct gh_host_api *api;
	char file[256], why[512];
	int64_t line, covers, max_qos, cache; /* cache: -1 where it wasn't said */
};
struct gh_error {
	const struct gh_host_api *api;
	char option[64], text[1024];
};

static char logged[8192];

static GH_PRINTF(3, 0) void log_(struct gh_host *host, int level, const char *fmt, va_list ap)
{
	size_t n = strlen(logged);

	(void)host, (void)level;
	vsnprintf(logged + n, sizeof(logged) - n, fmt, ap);
	n = strlen(logged);
	snprintf(logged + n, sizeof(logged) - n, "\n");
}

static GH_PRINTF(3, 0) void error(struct gh_error *e, const char *option, const char *fmt, va_list ap)
{
	snprintf(e->option, sizeof(e->option), "%s", option ? option : "");
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
}

static void answer_bytes(struct gh_answer *a, uint32_t key, const void *p, size_t n)
{
	if (key == GH_A_FILE)
		snprintf(a->file, sizeof(a->file), "%.*s", (int)n, (const char *)p);
}

static void answer_number(struct gh_answer *a, uint32_t key, int64_t value)
{
	if (key == GH_A_LINE)
		a->line = value;
	if (key == GH_A_COVERS)
		a->covers = value;
	if (key == GH_A_MAX_QOS)
		a->max_qos = value;
	if (key == GH_A_CACHE)
		a->cache = value;
}

static GH_PRINTF(2, 0) void answer_why(struct gh_answer *a, const char *fmt, va_list ap)
{
	vsnprintf(a->why, sizeof(a->why), fmt, ap);
}

static const struct gh_host_api api = {
	.size = sizeof(api),
	.abi = GH_ABI,
	.log = log_,
	.error = error,
	.answer_bytes = answer_bytes,
	.answer_number = answer_number,
	.answer_why = answer_why,
};

/* ---- a file ----------------------------------------------------------------------------------------------------- */

static char path[] = "/tmp/gh-acl-XXXXXX/acl";
static struct gh_host host = { &api };
static struct gh_error failure;
static struct gh_answer answer;
static void *instance;

static void enter(void)
{
	char *slash = strrchr(path, '/');

	*slash = '\0';
	ck_assert_ptr_nonnull(mkdtemp(path));
	*slash = '/';
}

static void leave(void)
{
	char *slash = strrchr(path, '/');

	if (instance)
		MODULE.destroy(instance);
	unlink(path);
	*slash = '\0';
	rmdir(path);
	*slash = '/';
}

static void write_file(const char *text)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_int_eq(chmod(path, 0644), 0);
}

static int create(const char *text)
{
	static struct config {
		const char *file;
	} config = { path };

	if (text)
		write_file(text);
	failure = (struct gh_error){ .api = &api };
	logged[0] = '\0';
	return MODULE.create(&host, &config, NULL, &instance, &failure);
}

static enum gh_verdict ask(uint32_t action, const char *topic, bool bound, uint32_t flags)
{
	static const struct gh_identity identity = { .principal = "anna", .realm = "users" };
	struct gh_client client = { .client_id = "dev-1",
				    .identity = &identity,
				    .listener = "net",
				    .client_id_bound = bound };
	struct gh_authorize in = { .client = &client,
				   .action = action,
				   .topic = { topic, strlen(topic) },
				   .qos = 2,
				   .flags = flags };

	answer = (struct gh_answer){ .api = &api, .max_qos = -1, .cache = -1 };
	return MODULE.authorize(instance, &in, &answer);
}

/* ---- tests ------------------------------------------------------------------------------------------------------ */

START_TEST(verdicts_name_their_rule)
{
	ck_assert_int_eq(
		create("* a/b publish deny\n\n* a/# publish allow\n* s subscribe allow qos<=1\n* t subscribe allow\n"),
		0);
	ck_assert_int_eq(ask(GH_PUBLISH, "a/b", false, 0), GH_DENY);
	ck_assert_str_eq(answer.file, path);
	ck_assert_int_eq(answer.line, 1);
	ck_assert_str_eq(answer.why, "the rule denies it");
	ck_assert_int_eq(ask(GH_PUBLISH, "a/c", false, 0), GH_ALLOW);
	ck_assert_int_eq(answer.line, 3);
	ck_assert_str_eq(answer.why, "");
	ck_assert_int_eq(ask(GH_PUBLISH, "a/c", false, GH_EXPLAIN), GH_ALLOW);
	ck_assert_str_eq(answer.why, "the rule allows it");
	ck_assert_int_eq(ask(GH_PUBLISH, "x", false, 0), GH_DENY);
	ck_assert_str_eq(answer.file, "");
	ck_assert_str_eq(answer.why, "no rule matches");
	ck_assert_int_eq(ask(GH_SUBSCRIBE, "s", false, 0), GH_ALLOW);
	ck_assert_int_eq(answer.max_qos, 1);
	ck_assert_int_eq(answer.covers, 0);
	ck_assert_int_eq(ask(GH_SUBSCRIBE, "t", false, 0), GH_ALLOW);
	ck_assert_int_eq(answer.max_qos, -1);
	ck_assert_int_eq(answer.covers, 1);
	ck_assert_int_eq(ask(99, "t", false, 0), GH_PASS);
}
END_TEST

/* A verdict may be kept where no rule of the action looks at the message itself. */
START_TEST(what_may_be_kept)
{
	ck_assert_int_eq(create("* a/# publish allow size<=10\n* b subscribe allow address=192.0.2.0/24\n"
				"* c subscribe allow\n"),
			 0);
	ask(GH_PUBLISH, "c", false, 0);
	ck_assert_int_eq(answer.cache, -1);
	ask(GH_WILL, "c", false, 0);
	ck_assert_int_eq(answer.cache, -1);
	ask(GH_SUBSCRIBE, "c", false, 0);
	ck_assert_int_eq(answer.cache, 0);
	ask(GH_RECEIVE, "d", false, 0);
	ck_assert_int_eq(answer.cache, 0);
}
END_TEST

START_TEST(rules_by_client_id_are_named)
{
	char expected[128];

	ck_assert_int_eq(
		create("* a publish allow\ndev-* b publish allow\n* c/{clientid} publish allow\n"),
		0);
	snprintf(expected, sizeof(expected), "%s:2: this rule goes by client id", path);
	ck_assert_ptr_nonnull(strstr(logged, expected));
	snprintf(expected, sizeof(expected), "%s:3: this rule goes by client id", path);
	ck_assert_ptr_nonnull(strstr(logged, expected));
	ck_assert_ptr_nonnull(strstr(logged, "may take that id"));
	ck_assert_ptr_null(strstr(logged, ":1: "));
	ck_assert_int_eq(ask(GH_PUBLISH, "b", false, GH_EXPLAIN), GH_DENY);
	snprintf(expected, sizeof(expected),
		 "no rule matches (%s:2 would allow it, were the client id bound to the user here)",
		 path);
	ck_assert_str_eq(answer.why, expected);
	ck_assert_int_eq(ask(GH_PUBLISH, "b", true, 0), GH_ALLOW);
}
END_TEST

START_TEST(an_empty_file_denies_and_says_so)
{
	ck_assert_int_eq(create("# nothing\n"), 0);
	ck_assert_ptr_nonnull(strstr(logged, "everything is denied"));
	ck_assert_int_eq(ask(GH_PUBLISH, "a", true, 0), GH_DENY);
	ck_assert_int_eq(ask(GH_SUBSCRIBE, "#", true, 0), GH_DENY);
}
END_TEST

START_TEST(errors_are_told_with_their_place)
{
	char expected[128];

	ck_assert_int_lt(create("* a publish allow\n* a publish alow\n"), 0);
	snprintf(expected, sizeof(expected), "%s:2:13: found 'alow'", path);
	ck_assert_ptr_nonnull(strstr(failure.text, expected));
	ck_assert_str_eq(failure.option, "file");
	unlink(path);
	ck_assert_int_lt(create(NULL), 0);
	ck_assert_ptr_nonnull(strstr(failure.text, "No such file"));
}
END_TEST

START_TEST(a_file_that_others_may_write_is_refused)
{
	write_file("* a publish allow\n");
	ck_assert_int_eq(chmod(path, 0664), 0);
	ck_assert_int_lt(create(NULL), 0);
	ck_assert_ptr_nonnull(strstr(failure.text, "chmod go-w"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("acl");
	TCase *tcase = tcase_create("acl");
	SRunner *runner = srunner_create(suite);

	tcase_add_checked_fixture(tcase, enter, leave);
	tcase_add_test(tcase, verdicts_name_their_rule);
	tcase_add_test(tcase, what_may_be_kept);
	tcase_add_test(tcase, rules_by_client_id_are_named);
	tcase_add_test(tcase, an_empty_file_denies_and_says_so);
	tcase_add_test(tcase, errors_are_told_with_their_place);
	tcase_add_test(tcase, a_file_that_others_may_write_is_refused);
	suite_add_tcase(suite, tcase);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	srunner_free(runner);
	return 0;
}
