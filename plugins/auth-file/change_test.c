/* SPDX-License-Identifier: Apache-2.0 */
/* Replacing a password file: nothing lost, nobody let in, nothing left behind. */
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <gatehouse/lib.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include "change.h"
#include "parse.h"

#define H  "$2b$05$CCCCCCCCCCCCCCCCCCCCC.z6PrHbuSsMSSwIGFy1JGevQZf6CqJ1y"
#define H2 "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"

static char directory[] = "/tmp/gh-change-XXXXXX";
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

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

static void file(const char *path, const char *text, mode_t mode)
{
	put(path, text);
	ck_assert_int_eq(chmod(path, mode), 0);
}

static void holds(const char *path, const char *text)
{
	char found[1024] = "";
	FILE *f = fopen(path, "r");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_le(fread(found, 1, sizeof(found) - 1, f), sizeof(found) - 1);
	fclose(f);
	ck_assert_str_eq(found, text);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static unsigned entries(void)
{
	DIR *dir = opendir(".");
	unsigned n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2;
}

static int replaced(const char *path, unsigned flags, const char *text)
{
	struct auth_file_change change;
	int rc = auth_file_open(path, flags | AUTH_FILE_LOCK, &change, why, sizeof(why));

	if (rc == 0)
		rc = auth_file_replace(&change, (struct gh_str){ text, strlen(text) }, why,
				       sizeof(why));
	auth_file_close(&change);
	return rc;
}

START_TEST(replaces_whole)
{
	file("passwd", "old\n", 0640);
	ck_assert_int_eq(replaced("passwd", 0, "new\n"), 0);
	holds("passwd", "new\n");
	ck_assert_uint_eq(mode_of("passwd"), 0640);
	ck_assert_uint_eq(entries(), 1);
}
END_TEST

START_TEST(creates_for_the_owner_alone)
{
	umask(0);
	ck_assert_int_eq(replaced("passwd", 0, "new\n"), GH_ENOENT);
	ck_assert_int_eq(replaced("passwd", GH_SECRET_ABSENT, "new\n"), 0);
	holds("passwd", "new\n");
	ck_assert_uint_eq(mode_of("passwd"), 0600);
}
END_TEST

START_TEST(takes_rights_of_others_away)
{
	file("passwd", "old\n", 0666);
	ck_assert_int_eq(replaced("passwd", 0, "new\n"), GH_EINVAL);
	holds("passwd", "old\n");
	ck_assert_int_eq(replaced("passwd", GH_SECRET_ANY_MODE, "new\n"), 0);
	ck_assert_uint_eq(mode_of("passwd"), 0640);
}
END_TEST

START_TEST(keeps_the_owner)
{
	struct stat st;

	file("passwd", "old\n", 0600);
	if (chown("passwd", 12345, 12346) < 0)
		return; /* not root: nothing to show */
	ck_assert_int_eq(replaced("passwd", GH_SECRET_ANY_OWNER, "new\n"), 0);
	ck_assert_int_eq(stat("passwd", &st), 0);
	ck_assert_uint_eq(st.st_uid, 12345);
	ck_assert_uint_eq(st.st_gid, 12346);
	holds("passwd", "new\n");
}
END_TEST

/* A link stays one; the file it leads to is replaced. */
START_TEST(replaces_behind_a_link)
{
	struct stat st;

	ck_assert_int_eq(mkdir("real", 0700), 0);
	file("real/passwd", "old\n", 0600);
	ck_assert_int_eq(symlink("real/passwd", "link"), 0);
	ck_assert_int_eq(replaced("link", 0, "new\n"), 0);
	ck_assert_int_eq(lstat("link", &st), 0);
	ck_assert(S_ISLNK(st.st_mode));
	holds("real/passwd", "new\n");
}
END_TEST

/* An editor that knows of no lock saves between reading and writing. */
START_TEST(never_over_a_change_made_meanwhile)
{
	struct auth_file_change change;

	file("passwd", "old\n", 0600);
	ck_assert_int_eq(auth_file_open("passwd", AUTH_FILE_LOCK, &change, why, sizeof(why)), 0);
	put("other", "edited\n");
	ck_assert_int_eq(rename("other", "passwd"), 0);
	ck_assert_int_eq(auth_file_replace(&change, (struct gh_str){ "new\n", 4 }, why, sizeof(why)),
			 GH_EBUSY);
	auth_file_close(&change);
	holds("passwd", "edited\n");
	ck_assert_uint_eq(entries(), 1);
}
END_TEST

START_TEST(never_creates_over_a_file_made_meanwhile)
{
	struct auth_file_change change;

	ck_assert_int_eq(auth_file_open("passwd", GH_SECRET_ABSENT | AUTH_FILE_LOCK, &change, why,
					sizeof(why)),
			 0);
	put("passwd", "theirs\n");
	ck_assert_int_eq(auth_file_replace(&change, (struct gh_str){ "new\n", 4 }, why, sizeof(why)),
			 GH_EBUSY);
	auth_file_close(&change);
	holds("passwd", "theirs\n");
}
END_TEST

START_TEST(one_at_a_time)
{
	struct auth_file_change first, second;

	file("passwd", "old\n", 0600);
	ck_assert_int_eq(auth_file_open("passwd", AUTH_FILE_LOCK, &first, why, sizeof(why)), 0);
	ck_assert_int_eq(auth_file_open("passwd", AUTH_FILE_TRY, &second, why, sizeof(why)),
			 GH_EBUSY);
	ck_assert_int_eq(auth_file_open("passwd", 0, &second, why, sizeof(why)), 0);
	auth_file_close(&second);
	auth_file_close(&first);
	ck_assert_int_eq(auth_file_open("passwd", AUTH_FILE_TRY, &second, why, sizeof(why)), 0);
	auth_file_close(&second);
}
END_TEST

/* ---- one hash -------------------------------------------------------------------------------- */

START_TEST(rehash_changes_one_hash)
{
	file("passwd",
	     "# kept \n\nnot a user\n bob : " H " :disabled \r\nalice:" H ":groups=a\nlast:" H, 0600);
	ck_assert_int_eq(auth_file_rehash("passwd", "alice", H, H2, why, sizeof(why)), 0);
	holds("passwd",
	      "# kept \n\nnot a user\n bob : " H " :disabled \r\nalice:" H2 ":groups=a\nlast:" H);
	ck_assert_int_eq(auth_file_rehash("passwd", "last", H, H2, why, sizeof(why)), 0);
	holds("passwd",
	      "# kept \n\nnot a user\n bob : " H " :disabled \r\nalice:" H2 ":groups=a\nlast:" H2);
}
END_TEST

START_TEST(rehash_leaves_what_was_changed)
{
	file("passwd", "alice:" H2 "\n", 0600);
	ck_assert_int_eq(auth_file_rehash("passwd", "alice", H, H, why, sizeof(why)), GH_ENOENT);
	ck_assert_int_eq(auth_file_rehash("passwd", "bob", H, H, why, sizeof(why)), GH_ENOENT);
	holds("passwd", "alice:" H2 "\n");
	put("passwd", "alice:plain\n");
	ck_assert_int_eq(auth_file_rehash("passwd", "alice", H, H, why, sizeof(why)), GH_EINVAL);
	ck_assert_ptr_null(strstr(why, "plain\n"));
	holds("passwd", "alice:plain\n");
}
END_TEST

/* Many change the same file at once: each change is there at the end. */
#define WRITERS 8

static void *writer(void *arg)
{
	static const char hash[] = H2;
	char name[16], text[256];
	int rc;

	snprintf(name, sizeof(name), "user%d", (int)(intptr_t)arg);
	do
		rc = auth_file_rehash("passwd", name, H, hash, text, sizeof(text));
	while (rc == GH_EBUSY);
	return (void *)(intptr_t)rc;
}

START_TEST(no_change_is_lost)
{
	pthread_t threads[WRITERS];
	char before[1024] = "", after[1024] = "", line[128];
	void *rc;

	for (int i = 0; i < WRITERS; i++) {
		snprintf(line, sizeof(line), "user%d:" H "\n", i);
		strcat(before, line);
		snprintf(line, sizeof(line), "user%d:" H2 "\n", i);
		strcat(after, line);
	}
	file("passwd", before, 0600);
	for (int i = 0; i < WRITERS; i++)
		pthread_create(&threads[i], NULL, writer, (void *)(intptr_t)i);
	for (int i = 0; i < WRITERS; i++) {
		pthread_join(threads[i], &rc);
		ck_assert_int_eq((int)(intptr_t)rc, 0);
	}
	holds("passwd", after);
	ck_assert_uint_eq(entries(), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("auth-file/change");
	TCase *tcase = tcase_create("auth-file/change");
	SRunner *runner = srunner_create(suite);
	int failures;

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, enter, leave);
	tcase_add_test(tcase, replaces_whole);
	tcase_add_test(tcase, creates_for_the_owner_alone);
	tcase_add_test(tcase, takes_rights_of_others_away);
	tcase_add_test(tcase, keeps_the_owner);
	tcase_add_test(tcase, replaces_behind_a_link);
	tcase_add_test(tcase, never_over_a_change_made_meanwhile);
	tcase_add_test(tcase, never_creates_over_a_file_made_meanwhile);
	tcase_add_test(tcase, one_at_a_time);
	tcase_add_test(tcase, rehash_changes_one_hash);
	tcase_add_test(tcase, rehash_leaves_what_was_changed);
	tcase_add_test(tcase, no_change_is_lost);
	suite_add_tcase(suite, tcase);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failures = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
