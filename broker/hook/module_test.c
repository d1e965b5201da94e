/* SPDX-License-Identifier: Apache-2.0 */
/* Loading files: what is refused says its true reason. Needs the modules of tests/plugins. */
#include "hook/module_fixture.h"

#include <fcntl.h>
#include <unistd.h>

/* Refused with all of these words. */
static void refused(const char *name, int code, const char *a, const char *b)
{
	struct gh_module *module = NULL;
	struct gh_error error = { 0 };

	ck_assert_int_eq(gh_module_open(loader, name, &module, &error), code);
	ck_assert_ptr_null(module);
	ck_assert_msg(strstr(error.text, a) && strstr(error.text, b), "'%s': %s", name, error.text);
}

static void mode(const char *name, unsigned bits)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s.so", directory, name);
	ck_assert_int_eq(chmod(path, bits), 0);
}

START_TEST(opens)
{
	struct gh_module *module, *again;
	struct gh_error error = { 0 };

	setup();
	copy("probe");
	ck_assert_msg(gh_module_open(loader, "probe", &module, &error) == 0, "%s", error.text);
	ck_assert_str_eq(gh_module_plugin(module)->name, "probe");
	ck_assert_ptr_nonnull(gh_module_plugin(module)->authorize);
	ck_assert_int_eq(gh_module_open(loader, "probe", &again, &error), 0);
	ck_assert(gh_module_same(module, again));
	gh_module_close(&again);
	/* a new file under the same name is another module, beside the old one */
	copy("probe");
	ck_assert_int_eq(gh_module_open(loader, "probe", &again, &error), 0);
	ck_assert(!gh_module_same(module, again));
	gh_module_close(&again);
	gh_module_close(&module);
	teardown();
}
END_TEST

START_TEST(unmapped_when_closed)
{
	struct gh_module *module;
	struct gh_error error = { 0 };
	struct gh_buf maps;

	setup();
	copy("sleeper");
	ck_assert_int_eq(gh_module_open(loader, "sleeper", &module, &error), 0);
	maps = read_file("/proc/self/maps");
	gh_buf_u8(&maps, 0);
	ck_assert_ptr_nonnull(strstr((char *)maps.p, directory));
	gh_buf_done(&maps);
	gh_module_close(&module);
	maps = read_file("/proc/self/maps");
	gh_buf_u8(&maps, 0);
	ck_assert_ptr_null(strstr((char *)maps.p, directory));
	gh_buf_done(&maps);
	teardown();
}
END_TEST

START_TEST(overwritten_in_place)
{
	struct gh_module *module;
	struct gh_error error = { 0 };
	struct timespec times[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
	char path[512];

	setup();
	copy("sleeper");
	ck_assert_int_eq(gh_module_open(loader, "sleeper", &module, &error), 0);
	snprintf(path, sizeof(path), "%s/sleeper.so", directory);
	ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
	refused("sleeper", GH_EIO, "sleeper.so", "renaming");
	gh_module_close(&module);
	teardown();
}
END_TEST

START_TEST(missing)
{
	setup();
	copy("probe");
	refused("prob", GH_ENOENT, directory, "did you mean 'probe'");
	refused("zzzzzz", GH_ENOENT, "'zzzzzz'", directory);
	refused("../probe", GH_ENOENT, "'../probe'", "no name");
	refused("/tmp/probe", GH_ENOENT, "no name", "");
	teardown();
}
END_TEST

START_TEST(not_elf)
{
	setup();
	write_file("text", "#!/bin/sh\n", 10);
	refused("text", GH_EIO, "text.so", "file too short");
	write_file("long",
		   "int main(void) { return 0; } /* a text of more than sixty-four bytes, which an "
		   "ELF header has */",
		   90);
	refused("long", GH_EIO, "long.so", "invalid ELF header");
	teardown();
}
END_TEST

/* A library that isn't there: the C library's name is changed in the file. */
START_TEST(dependency)
{
	struct gh_buf buf;
	char path[512];
	unsigned changed = 0;

	setup();
	built(path, "sleeper");
	buf = read_file(path);
	for (size_t i = 0; i + 10 < buf.n; i++)
		if (memcmp(buf.p + i, "libc.so.6", 10) == 0) {
			memcpy(buf.p + i, "libQ.so.6", 10);
			changed++;
		}
	ck_assert_uint_ge(changed, 1);
	write_file("sleeper", buf.p, buf.n);
	gh_buf_done(&buf);
	refused("sleeper", GH_EIO, "libQ.so.6", "cannot open shared object file");
	teardown();
}
END_TEST

START_TEST(descriptors)
{
	static const struct {
		const char *name, *a, *b;
		int code;
	} rows[] = {
		{ "broken-undefined", "undefined symbol", "broken_not_there", GH_EIO },
		{ "broken-minor", "ABI 0.3", "has 0.2", GH_EINVAL },
		{ "broken-major", "ABI 1.2", "has 0.2", GH_EINVAL },
		{ "broken-flags", "flags", "0x40000000", GH_EINVAL },
		{ "broken-no-create", "lacks", "'create'", GH_EINVAL },
		{ "broken-no-hook", "lacks a hook", "authenticate", GH_EINVAL },
		{ "broken-name", "'another'", "name", GH_EINVAL },
		{ "broken-no-descriptor", "no descriptor",
		  "broken_no_descriptor_LTX_gatehouse_plugin", GH_EINVAL },
	};

	setup();
	for (unsigned i = 0; i < GH_COUNT(rows); i++) {
		copy(rows[i].name);
		refused(rows[i].name, rows[i].code, rows[i].a, rows[i].b);
	}
	teardown();
}
END_TEST

START_TEST(owner_and_mode)
{
	char path[512];

	setup();
	copy("sleeper");
	mode("sleeper", 0775);
	refused("sleeper", GH_EIO, "sleeper.so may be written to by its group", "chmod go-w");
	mode("sleeper", 0757);
	refused("sleeper", GH_EIO, "by everybody", "0757");
	mode("sleeper", 0755);
	chmod(directory, 0775);
	refused("sleeper", GH_EIO, "may be written to by its group", directory);
	chmod(directory, 0755);
	snprintf(path, sizeof(path), "%s/other.so", directory);
	ck_assert_int_eq(symlink("sleeper.so", path), 0);
	refused("other", GH_EIO, "other.so", "isn't a plain file");
	/* only root can give a file away */
	snprintf(path, sizeof(path), "%s/sleeper.so", directory);
	if (chown(path, 12345, 0) == 0) {
		refused("sleeper", GH_EIO, "belongs to user 12345", "root");
		ck_assert_int_eq(chown(path, 0, 0), 0);
		ck_assert_int_eq(chown(directory, 12345, 0), 0);
		refused("sleeper", GH_EIO, "belongs to user 12345", directory);
	}
	teardown();
}
END_TEST

START_TEST(environment)
{
	setenv("LD_LIBRARY_PATH", "/tmp", 1);
	setenv("LTDL_LIBRARY_PATH", "/tmp", 1);
	setup();
	ck_assert_ptr_null(getenv("LD_LIBRARY_PATH"));
	ck_assert_ptr_null(getenv("LTDL_LIBRARY_PATH"));
	teardown();
}
END_TEST

START_TEST(names)
{
	char **all;

	setup();
	copy("sleeper");
	copy("probe");
	all = gh_loader_names(loader);
	ck_assert_str_eq(all[0], "probe");
	ck_assert_str_eq(all[1], "sleeper");
	ck_assert_ptr_null(all[2]);
	free(all);
	teardown();
}
END_TEST

GH_FILES_TEST_MAIN("hook/module", opens, unmapped_when_closed, overwritten_in_place, missing,
		   not_elf, dependency, descriptors, owner_and_mode, environment, names)
