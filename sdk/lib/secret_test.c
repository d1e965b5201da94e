/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets: comparing, wiping, and which files are trusted to hold them. */
#include <check.h>
#include <fcntl.h>
#include <gatehouse/lib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

START_TEST(equal_is_every_byte)
{
	ck_assert(gh_equal("abc", "abc", 3));
	ck_assert(!gh_equal("abc", "abd", 3));
	ck_assert(!gh_equal("xbc", "abc", 3));
	ck_assert(!gh_equal("a\0c", "a\0d", 3));
	ck_assert(gh_equal(NULL, NULL, 0));
}
END_TEST

START_TEST(wipes)
{
	char secret[] = "secret";

	gh_wipe(secret, sizeof(secret));
	ck_assert_mem_eq(secret, "\0\0\0\0\0\0", 7);
	gh_wipe(NULL, 0);
}
END_TEST

/* ---- files: each test in a directory of its own ---------------------------------------------- */

static char directory[] = "/tmp/gh-secret-XXXXXX";
static char why[512];

static void enter(void)
{
	umask(022);
	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert_int_eq(chdir(directory), 0);
}

static void leave(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", directory);
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(system(command), 0);
	strcpy(directory + strlen(directory) - 6, "XXXXXX");
}

static void file(const char *path, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
}

/* The result, the file closed again. */
static int opened(const char *path, unsigned flags)
{
	struct gh_secret_file f = { -1, -1, "" };
	int rc = gh_secret_open(path, flags, &f, why, sizeof(why));

	gh_secret_close(&f);
	return rc;
}

START_TEST(takes_what_only_we_read)
{
	file("secret", 0600);
	ck_assert_int_eq(opened("secret", 0), 0);
	chmod("secret", 0640);
	ck_assert_int_eq(opened("./secret", 0), 0);
	ck_assert_int_eq(mkdir("d", 0700), 0);
	ck_assert_int_eq(opened("d/../secret", 0), 0);
}
END_TEST

START_TEST(refuses_what_others_read)
{
	file("secret", 0644);
	ck_assert_int_eq(opened("secret", 0), GH_EINVAL);
	ck_assert_ptr_nonnull(strstr(why, "0644"));
	ck_assert_ptr_nonnull(strstr(why, "chmod o= secret"));
	ck_assert_int_eq(opened("secret", GH_SECRET_ANY_MODE), 0);
	chmod("secret", 0664);
	ck_assert_int_eq(opened("secret", 0), GH_EINVAL);
	ck_assert_ptr_nonnull(strstr(why, "chmod g-w,o= secret"));
	chmod("secret", 0660);
	ck_assert_int_eq(opened("secret", 0), GH_EINVAL);
	ck_assert_ptr_nonnull(strstr(why, "chmod g-w secret"));
}
END_TEST

START_TEST(refuses_what_is_somebody_elses)
{
	file("secret", 0600);
	if (chown("secret", 12345, (gid_t)-1) < 0)
		return; /* not root: nothing to show */
	ck_assert_int_eq(opened("secret", 0), GH_EINVAL);
	ck_assert_ptr_nonnull(strstr(why, "uid 12345"));
	ck_assert_ptr_nonnull(strstr(why, "chown"));
	ck_assert_int_eq(opened("secret", GH_SECRET_ANY_OWNER), 0);
}
END_TEST

START_TEST(refuses_what_is_no_file)
{
	ck_assert_int_eq(mkdir("d", 0700), 0);
	ck_assert_int_eq(opened("d", 0), GH_EINVAL);
	ck_assert_int_eq(mkfifo("fifo", 0600), 0);
	ck_assert_int_eq(opened("fifo", 0), GH_EINVAL); /* and doesn't hang */
	ck_assert_int_eq(opened("none", 0), GH_ENOENT);
	ck_assert_int_eq(opened("none/secret", 0), GH_ENOENT);
	ck_assert_int_eq(opened("", 0), GH_EIO);
}
END_TEST

START_TEST(absent_is_fine_when_asked)
{
	struct gh_secret_file f;

	ck_assert_int_eq(gh_secret_open("none", GH_SECRET_ABSENT, &f, why, sizeof(why)), 0);
	ck_assert_int_eq(f.fd, -1);
	ck_assert_str_eq(f.name, "none");
	ck_assert_int_ge(f.directory, 0);
	gh_secret_close(&f);
	ck_assert_int_eq(opened("none/secret", GH_SECRET_ABSENT), GH_ENOENT);
}
END_TEST

START_TEST(follows_links_of_ours)
{
	struct gh_secret_file f;

	ck_assert_int_eq(mkdir("real", 0700), 0);
	file("real/secret", 0600);
	ck_assert_int_eq(symlink("real", "dir"), 0);
	ck_assert_int_eq(symlink("dir/secret", "link"), 0);
	ck_assert_int_eq(gh_secret_open("link", 0, &f, why, sizeof(why)), 0);
	ck_assert_str_eq(f.name, "secret");
	gh_secret_close(&f);
	chmod("real/secret", 0604);
	ck_assert_int_eq(opened("link", 0), GH_EINVAL);
}
END_TEST

START_TEST(refuses_links_that_others_could_change)
{
	file("secret", 0600);
	ck_assert_int_eq(mkdir("open", 0700), 0);
	ck_assert_int_eq(symlink("../secret", "open/link"), 0);
	chmod("open", 0777);
	ck_assert_int_eq(opened("open/link", 0), GH_EINVAL);
	ck_assert_ptr_nonnull(strstr(why, "'open'"));
	chmod("open", 01777); /* like /tmp */
	ck_assert_int_eq(opened("open/link", 0), 0);
	if (lchown("open/link", 12345, (gid_t)-1) == 0) {
		ck_assert_int_eq(opened("open/link", 0), GH_EINVAL);
		ck_assert_ptr_nonnull(strstr(why, "symbolic link 'link'"));
	}
}
END_TEST

START_TEST(links_end_somewhere)
{
	ck_assert_int_eq(symlink("b", "a"), 0);
	ck_assert_int_eq(symlink("a", "b"), 0);
	ck_assert_int_eq(opened("a", 0), GH_EIO);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sdk/secret");
	TCase *memory = tcase_create("memory"), *files = tcase_create("files");
	SRunner *runner = srunner_create(suite);
	int failures;

	tcase_add_test(memory, equal_is_every_byte);
	tcase_add_test(memory, wipes);
	tcase_add_checked_fixture(files, enter, leave);
	tcase_add_test(files, takes_what_only_we_read);
	tcase_add_test(files, refuses_what_others_read);
	tcase_add_test(files, refuses_what_is_somebody_elses);
	tcase_add_test(files, refuses_what_is_no_file);
	tcase_add_test(files, absent_is_fine_when_asked);
	tcase_add_test(files, follows_links_of_ours);
	tcase_add_test(files, refuses_links_that_others_could_change);
	tcase_add_test(files, links_end_somewhere);
	suite_add_tcase(suite, memory);
	suite_add_tcase(suite, files);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failures = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
