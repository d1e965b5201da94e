/* SPDX-License-Identifier: Apache-2.0 */
/* auth-file as the broker sees it: its verdicts, what they carry, and the work each of them
 * costs. */
#include <check.h>
#include <gatehouse/lib.h>
#include <gatehouse/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define H "$2b$05$CCCCCCCCCCCCCCCCCCCCC.z6PrHbuSsMSSwIGFy1JGevQZf6CqJ1y" /* Hello world! */
#define MOSQUITTO \
	"$7$101$z0jRcGOGC7CddzRm$9mFtvYfCG6wypSlntgGmTZAcblm3rwhyPF0dkPgI3nH" \
	"MMxrJvbvld1T2MW0L0aqlPb3gDzdaUji/erncDaJxVA==" /* correct horse */

extern const struct gh_plugin auth_file_LTX_gatehouse_plugin;
#define MODULE auth_file_LTX_gatehouse_plugin

/* ---- how many hashes were computed, and of what ---------------------------------------------- */

static unsigned hashes;
static char hashed_kind[8];

enum gh_password_result __real_gh_password_verify(const char *hash, struct gh_bytes password);
enum gh_password_result __wrap_gh_password_verify(const char *hash, struct gh_bytes password);
void __real_gh_password_dummy(const char *hash, struct gh_bytes password);
void __wrap_gh_password_dummy(const char *hash, struct gh_bytes password);

enum gh_password_result __wrap_gh_password_verify(const char *hash, struct gh_bytes password)
{
	hashes++;
	snprintf(hashed_kind, sizeof(hashed_kind), "%.6s", hash);
	return __real_gh_password_verify(hash, password);
}

void __wrap_gh_password_dummy(const char *hash, struct gh_bytes password)
{
	hashes++;
	snprintf(hashed_kind, sizeof(hashed_kind), "%.6s", hash ? hash : "none");
	__real_gh_password_dummy(hash, password);
}

/* ---- a host that remembers ------------------------------------------------------------------- */

struct gh_host {
	const struct gh_host_api *api;
	int64_t wall;
};
struct gh_answer {
	const struct gh_host_api *api;
	char principal[64], groups[64], why[256], file[256];
	int64_t cause, expires, line;
};
struct gh_error {
	const struct gh_host_api *api;
	char option[64], text[512];
};

static char logged[4096];

static GH_PRINTF(3, 0) void log_(struct gh_host *host, int level, const char *fmt, va_list ap)
{
	size_t n = strlen(logged);

	(void)host, (void)level;
	vsnprintf(logged + n, sizeof(logged) - n, fmt, ap);
}

static int64_t wall(struct gh_host *host)
{
	return host->wall;
}

static GH_PRINTF(3, 0) void error(struct gh_error *e, const char *option, const char *fmt, va_list ap)
{
	snprintf(e->option, sizeof(e->option), "%s", option ? option : "");
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
}

static void answer_bytes(struct gh_answer *a, uint32_t key, const void *p, size_t n)
{
	if (key == GH_A_PRINCIPAL)
		snprintf(a->principal, sizeof(a->principal), "%.*s", (int)n, (const char *)p);
	if (key == GH_A_FILE)
		snprintf(a->file, sizeof(a->file), "%.*s", (int)n, (const char *)p);
	if (key == GH_A_GROUP) {
		size_t at = strlen(a->groups);

		snprintf(a->groups + at, sizeof(a->groups) - at, "%.*s;", (int)n, (const char *)p);
	}
}

static void answer_number(struct gh_answer *a, uint32_t key, int64_t value)
{
	if (key == GH_A_CAUSE)
		a->cause = value;
	if (key == GH_A_EXPIRES)
		a->expires = value;
	if (key == GH_A_LINE)
		a->line = value;
}

static GH_PRINTF(2, 0) void answer_why(struct gh_answer *a, const char *fmt, va_list ap)
{
	vsnprintf(a->why, sizeof(a->why), fmt, ap);
}

static const struct gh_host_api api = {
	.size = sizeof(api),
	.abi = GH_ABI,
	.log = log_,
	.wall = wall,
	.error = error,
	.answer_bytes = answer_bytes,
	.answer_number = answer_number,
	.answer_why = answer_why,
};

/* What `options` describes, for a test on this side of them. */
struct config {
	const char *file;
	bool rehash;
};

static char path[] = "/tmp/gh-auth-file-XXXXXX/passwd";
static struct gh_host host = { &api, 1000000000 };
static struct config config = { path, false };
static struct gh_error failure;
static struct gh_answer answer;

static void enter(void)
{
	char *slash = strrchr(path, '/');

	*slash = '\0';
	ck_assert_ptr_nonnull(mkdtemp(path));
	*slash = '/';
}

static void leave(void)
{
	unlink(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
}

static void file(const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
	ck_assert_int_eq(chmod(path, mode), 0);
}

static int create(void **instance_r)
{
	failure = (struct gh_error){ .api = &api };
	return MODULE.create(&host, &config, NULL, instance_r, &failure);
}

static void *instance(const char *text)
{
	void *self = NULL;

	file(text, 0600);
	ck_assert_msg(create(&self) == 0, "%s", failure.text);
	return self;
}

static enum gh_verdict login_bytes(void *self, const char *user, struct gh_bytes password,
				   const char *client_id)
{
	struct gh_client client = { .size = sizeof(client), .client_id = client_id };
	struct gh_authenticate in = {
		.size = sizeof(in), .client = &client, .username = user, .password = password
	};

	answer = (struct gh_answer){ .api = &api };
	hashes = 0;
	return MODULE.authenticate(self, &in, &answer);
}

static enum gh_verdict login(void *self, const char *user, const char *password)
{
	return login_bytes(self, user,
			   (struct gh_bytes){ password, password ? strlen(password) : 0 }, "client");
}

static enum gh_verdict looked_up(void *self, const char *principal, const char *client_id)
{
	struct gh_client client = { .size = sizeof(client), .client_id = client_id };
	struct gh_lookup in = {
		.size = sizeof(in), .flags = GH_RECHECK, .client = &client, .principal = principal
	};

	answer = (struct gh_answer){ .api = &api };
	return MODULE.lookup(self, &in, &answer);
}

/* ---- logins ---------------------------------------------------------------------------------- */

static const char users[] = "alice:" H ":groups=staff|ops,expires=2027-01-01\n"
			    "bob:" H ":disabled\n"
			    "carol:" H ":expires=2001-09-09T01:46:40Z\n"
			    "dan:" H ":client-id=x-{username}\n";

START_TEST(a_right_password_lets_in)
{
	void *self = instance(users);

	ck_assert_int_eq(login(self, "alice", "Hello world!"), GH_ALLOW);
	ck_assert_str_eq(answer.principal, "alice");
	ck_assert_str_eq(answer.groups, "staff;ops;");
	ck_assert_int_eq(answer.expires, 1798761600);
	MODULE.destroy(self);
}
END_TEST

static const struct {
	const char *user, *password, *client_id;
	enum gh_verdict verdict;
	enum gh_cause cause;
} refused[] = {
	{ "alice", "hello world!", "client", GH_DENY, GH_CAUSE_BAD_SECRET },
	{ "alice", "", "client", GH_DENY, GH_CAUSE_BAD_SECRET },
	{ "alice", NULL, "client", GH_DENY, GH_CAUSE_BAD_SECRET },
	{ "Alice", "Hello world!", "client", GH_PASS, GH_CAUSE_UNKNOWN_USER },
	{ "eve", "Hello world!", "client", GH_PASS, GH_CAUSE_UNKNOWN_USER },
	{ "eve", NULL, "client", GH_PASS, GH_CAUSE_UNKNOWN_USER },
	{ "", "Hello world!", "client", GH_PASS, GH_CAUSE_UNKNOWN_USER },
	{ NULL, "Hello world!", "client", GH_PASS, GH_CAUSE_OTHER },
	{ "bob", "Hello world!", "client", GH_DENY, GH_CAUSE_DISABLED },
	{ "bob", "wrong", "client", GH_DENY, GH_CAUSE_BAD_SECRET },
	{ "carol", "Hello world!", "client", GH_DENY, GH_CAUSE_EXPIRED },
	{ "dan", "Hello world!", "client", GH_DENY, GH_CAUSE_CLIENT_ID },
	{ "dan", "Hello world!", "", GH_DENY, GH_CAUSE_CLIENT_ID },
	{ "dan", "Hello world!", "x-dan2", GH_DENY, GH_CAUSE_CLIENT_ID },
};

START_TEST(others_stay_out)
{
	void *self = instance(users);
	const char *password = refused[_i].password;
	struct gh_bytes bytes = { password, password ? strlen(password) : 0 };

	logged[0] = '\0';
	ck_assert_int_eq(login_bytes(self, refused[_i].user, bytes, refused[_i].client_id),
			 refused[_i].verdict);
	ck_assert_int_eq(answer.cause, refused[_i].cause);
	ck_assert_str_eq(answer.principal, "");
	ck_assert_ptr_null(strstr(answer.why, "Hello"));
	ck_assert_str_eq(logged, "");
	MODULE.destroy(self);
}
END_TEST

START_TEST(a_bound_client_id_lets_in)
{
	void *self = instance(users);

	ck_assert_int_eq(login_bytes(self, "dan", (struct gh_bytes){ "Hello world!", 12 }, "x-dan"),
			 GH_ALLOW);
	ck_assert_int_eq(login_bytes(self, "dan", (struct gh_bytes){ "Hello world!\0", 13 }, "x-dan"),
			 GH_DENY);
	MODULE.destroy(self);
}
END_TEST

START_TEST(expiry_is_a_moment)
{
	void *self = instance(users);

	host.wall = 999999999;
	ck_assert_int_eq(login(self, "carol", "Hello world!"), GH_ALLOW);
	host.wall = 1000000000;
	ck_assert_int_eq(login(self, "carol", "Hello world!"), GH_DENY);
	MODULE.destroy(self);
}
END_TEST

/* Each of these computes one hash, of the same kind and cost: time tells nobody who is known. */
START_TEST(every_answer_costs_one_hash)
{
	static const char *const kinds[] = { H, MOSQUITTO };
	char text[1024];
	void *self;

	snprintf(text, sizeof(text), "alice:%s\nbob:%s:disabled\n", kinds[_i], kinds[_i]);
	self = instance(text);
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		if (!refused[i].user)
			continue;
		login(self, refused[i].user, refused[i].password);
		ck_assert_uint_eq(hashes, 1);
		ck_assert_int_eq(strncmp(hashed_kind, kinds[_i], 6), 0);
	}
	MODULE.destroy(self);
}
END_TEST

START_TEST(an_empty_file_costs_one_hash_too)
{
	void *self = instance("# nobody\n");

	ck_assert_int_eq(login(self, "alice", "Hello world!"), GH_PASS);
	ck_assert_uint_eq(hashes, 1);
	MODULE.destroy(self);
}
END_TEST

START_TEST(lookup_tells_what_is_true_now)
{
	void *self = instance(users);

	ck_assert_int_eq(looked_up(self, "alice", "client"), GH_ALLOW);
	ck_assert_str_eq(answer.groups, "staff;ops;");
	ck_assert_int_eq(answer.expires, 1798761600);
	ck_assert_int_eq(looked_up(self, "gone", "client"), GH_DENY);
	ck_assert_int_eq(answer.cause, GH_CAUSE_UNKNOWN_USER);
	ck_assert_int_eq(looked_up(self, "bob", "client"), GH_DENY);
	ck_assert_int_eq(answer.cause, GH_CAUSE_DISABLED);
	ck_assert_str_eq(answer.file, path);
	ck_assert_int_eq(answer.line, 2);
	ck_assert_int_eq(looked_up(self, "carol", "client"), GH_DENY);
	ck_assert_int_eq(looked_up(self, "dan", "client"), GH_DENY);
	ck_assert_int_eq(looked_up(self, "dan", "x-dan"), GH_ALLOW);
	MODULE.destroy(self);
}
END_TEST

/* ---- files ----------------------------------------------------------------------------------- */

START_TEST(an_error_has_its_place)
{
	char place[300];
	void *self = NULL;

	file("alice:" H "\nbob:canary\n", 0600);
	ck_assert_int_lt(create(&self), 0);
	ck_assert_ptr_null(self);
	snprintf(place, sizeof(place), "%s:2:5: ", path);
	ck_assert_int_eq(strncmp(failure.text, place, strlen(place)), 0);
	ck_assert_ptr_nonnull(strstr(failure.text, "plain text"));
	ck_assert_ptr_null(strstr(failure.text, "canary"));
	ck_assert_str_eq(failure.option, "file");
}
END_TEST

START_TEST(an_open_file_is_refused)
{
	void *self = NULL;

	file("alice:" H "\n", 0604);
	ck_assert_int_lt(create(&self), 0);
	ck_assert_ptr_nonnull(strstr(failure.text, "0604"));
	ck_assert_ptr_nonnull(strstr(failure.text, "chmod o="));
	unlink(path);
	ck_assert_int_lt(create(&self), 0);
	ck_assert_ptr_nonnull(strstr(failure.text, path));
}
END_TEST

static void contents(char *text, size_t size)
{
	FILE *f = fopen(path, "r");

	text[fread(text, 1, size - 1, f)] = '\0';
	fclose(f);
}

START_TEST(a_weak_hash_is_replaced)
{
	char text[1024];
	void *self;

	config.rehash = true;
	logged[0] = '\0';
	self = instance("# kept\nalice:" MOSQUITTO ":groups=staff\nbob:" MOSQUITTO "\n");
	ck_assert_int_eq(login(self, "alice", "wrong"), GH_DENY);
	contents(text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "alice:" MOSQUITTO));
	ck_assert_int_eq(login(self, "alice", "correct horse"), GH_ALLOW);
	contents(text, sizeof(text));
	ck_assert_int_eq(strncmp(text, "# kept\nalice:$y$", 16), 0);
	ck_assert_ptr_nonnull(strstr(text, ":groups=staff\nbob:" MOSQUITTO "\n"));
	/* The running instance knows the new one, and so does the next. */
	ck_assert_int_eq(login(self, "alice", "correct horse"), GH_ALLOW);
	ck_assert_int_eq(strncmp(hashed_kind, "$y$", 3), 0);
	ck_assert_int_eq(login(self, "alice", "wrong"), GH_DENY);
	MODULE.destroy(self);
	ck_assert_int_eq(create(&self), 0);
	ck_assert_int_eq(login(self, "alice", "correct horse"), GH_ALLOW);
	ck_assert_ptr_null(strstr(logged, "correct"));
	MODULE.destroy(self);
}
END_TEST

START_TEST(a_hash_stays_where_nobody_asked)
{
	char text[1024];
	void *self = instance("alice:" MOSQUITTO "\n");

	ck_assert_int_eq(login(self, "alice", "correct horse"), GH_ALLOW);
	contents(text, sizeof(text));
	ck_assert_str_eq(text, "alice:" MOSQUITTO "\n");
	MODULE.destroy(self);
}
END_TEST

START_TEST(a_change_made_meanwhile_stays)
{
	char text[1024];
	void *self;

	config.rehash = true;
	self = instance("alice:" MOSQUITTO "\n");
	file("alice:" H "\nnew:" H "\n", 0600);
	ck_assert_int_eq(login(self, "alice", "correct horse"), GH_ALLOW);
	contents(text, sizeof(text));
	ck_assert_str_eq(text, "alice:" H "\nnew:" H "\n");
	unlink(path);
	ck_assert_int_eq(login(self, "alice", "correct horse"), GH_ALLOW);
	ck_assert_int_ne(access(path, F_OK), 0);
	MODULE.destroy(self);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("auth-file");
	TCase *tcase = tcase_create("auth-file");
	SRunner *runner = srunner_create(suite);
	int failures;

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, enter, leave);
	tcase_add_test(tcase, a_right_password_lets_in);
	tcase_add_loop_test(tcase, others_stay_out, 0, (int)(sizeof(refused) / sizeof(*refused)));
	tcase_add_test(tcase, a_bound_client_id_lets_in);
	tcase_add_test(tcase, expiry_is_a_moment);
	tcase_add_loop_test(tcase, every_answer_costs_one_hash, 0, 2);
	tcase_add_test(tcase, an_empty_file_costs_one_hash_too);
	tcase_add_test(tcase, lookup_tells_what_is_true_now);
	tcase_add_test(tcase, an_error_has_its_place);
	tcase_add_test(tcase, an_open_file_is_refused);
	tcase_add_test(tcase, a_weak_hash_is_replaced);
	tcase_add_test(tcase, a_hash_stays_where_nobody_asked);
	tcase_add_test(tcase, a_change_made_meanwhile_stays);
	suite_add_tcase(suite, tcase);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failures = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
