/* SPDX-License-Identifier: Apache-2.0 */
/* For this folder's tests: a directory of modules, copied from those that tests/plugins builds. */
#ifndef GH_HOOK_MODULE_FIXTURE_H
#define GH_HOOK_MODULE_FIXTURE_H

#include "base/buf.h"
#include "base/test.h"
#include "hook/module.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/gh-module-test-XXXXXX";
static struct gh_loader *loader;

static void built(char path[512], const char *name)
{
	const char *top = getenv("builddir");

	snprintf(path, 512, "%s/modules/%s.so", top ? top : ".", name);
}

static struct gh_buf read_file(const char *path)
{
	struct gh_buf buf = { 0 };
	FILE *file = fopen(path, "r");
	size_t n;

	ck_assert_msg(file != NULL, "%s: make modules first", path);
	while ((n = fread(gh_buf_reserve(&buf, 65536), 1, 65536, file)) > 0)
		buf.n += n;
	fclose(file);
	return buf;
}

static void write_file(const char *name, const void *p, size_t n)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s.so", directory, name);
	unlink(path);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(p, 1, n, file), n);
	fclose(file);
	chmod(path, 0755);
}

static void copy(const char *name)
{
	struct gh_buf buf;
	char path[512];

	built(path, name);
	buf = read_file(path);
	write_file(name, buf.p, buf.n);
	gh_buf_done(&buf);
}

static void setup(void)
{
	struct gh_error error = { 0 };

	ck_assert_ptr_nonnull(mkdtemp(directory));
	chmod(directory, 0755);
	ck_assert_msg(gh_loader_new(directory, &loader, &error) == 0, "%s", error.text);
}

static void teardown(void)
{
	char command[600];

	gh_loader_free(&loader);
	snprintf(command, sizeof(command), "rm -rf '%s'", directory);
	ck_assert_int_eq(system(command), 0);
	strcpy(directory + strlen(directory) - 6, "XXXXXX");
}

/* As GH_TEST_MAIN(); where the modules are linked into the daemon there are no files to load. */
#ifdef GH_PRELOADED_MODULES
#define GH_FILES_TEST_MAIN(room, ...) \
	int main(void) \
	{ \
		const TTest *tests[] = { __VA_ARGS__ }; \
\
		printf("1..0 # SKIP %s: modules are linked in, %zu tests have no file to load\n", \
		       room, GH_COUNT(tests)); \
		return EXIT_SUCCESS; \
	}
#else
#define GH_FILES_TEST_MAIN(room, ...) GH_TEST_MAIN(room, __VA_ARGS__)
#endif

#endif
