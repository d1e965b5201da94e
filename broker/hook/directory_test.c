/* SPDX-License-Identifier: Apache-2.0 */
/* An instance's directory: made when asked for, where it can be. */
#include "hook/directory.h"

#include "hook/fixture.h"

#include <sys/stat.h>
#include <unistd.h>

static struct gh_plugin plain = { .name = "plain" };

struct bench {
	struct fixture fixture;
	struct gh_instance *instance;
	char top[64], state[128], wanted[256];
};

static void bench_init(struct bench *bench)
{
	memset(bench, 0, sizeof(*bench));
	fixture_init(&bench->fixture);
	strcpy(bench->top, "/tmp/gh-directory-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(bench->top));
	snprintf(bench->state, sizeof(bench->state), "%s/a/b", bench->top);
	snprintf(bench->wanted, sizeof(bench->wanted), "%s/plugins/mine", bench->state);
	bench->fixture.settings.state_directory = bench->state;
	bench->instance = fixture_add(&bench->fixture, "mine", &plain, NULL);
}

static void bench_done(struct bench *bench)
{
	char command[128];

	fixture_done(&bench->fixture);
	snprintf(command, sizeof(command), "rm -rf '%s'", bench->top);
	ck_assert_int_eq(system(command), 0);
}

static const char *ask(struct bench *bench)
{
	return gh_directory((struct gh_host *)(void *)bench->instance);
}

static unsigned mode_of(const char *path)
{
	struct stat found;

	ck_assert_int_eq(stat(path, &found), 0);
	return found.st_mode & 0777;
}

START_TEST(made)
{
	struct bench bench;
	const char *path;

	bench_init(&bench);
	umask(022);
	path = ask(&bench);
	ck_assert_str_eq(path, bench.wanted);
	ck_assert_uint_eq(mode_of(path), 0700);
	ck_assert_uint_eq(mode_of(bench.state), 0750);
	ck_assert_ptr_eq(ask(&bench), path);
	bench_done(&bench);
}
END_TEST

START_TEST(there_already)
{
	struct bench bench;
	char path[300];

	bench_init(&bench);
	ask(&bench);
	bench.instance->directory_made = false; /* as at the next start */
	snprintf(path, sizeof(path), "%s/kept", bench.wanted);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_str_eq(ask(&bench), bench.wanted);
	ck_assert_int_eq(access(path, F_OK), 0);
	bench_done(&bench);
}
END_TEST

START_TEST(cannot_be_made)
{
	struct bench bench;
	FILE *file;

	bench_init(&bench);
	snprintf(bench.state, sizeof(bench.state), "%s/file", bench.top);
	file = fopen(bench.state, "w");
	ck_assert_ptr_nonnull(file);
	fclose(file);
	ck_assert_ptr_null(ask(&bench));
	ck_assert_ptr_null(ask(&bench));
	ck_assert_int_eq(unlink(bench.state), 0);
	ck_assert_ptr_nonnull(ask(&bench)); /* it has been put right */
	bench_done(&bench);
}
END_TEST

START_TEST(only_checked)
{
	struct bench bench;

	bench_init(&bench);
	bench.fixture.hooks.checking = true;
	ck_assert_str_eq(ask(&bench), bench.wanted);
	ck_assert_int_ne(access(bench.state, F_OK), 0);
	bench_done(&bench);
}
END_TEST

GH_TEST_MAIN("hook/directory", made, there_already, cannot_be_made, only_checked)
