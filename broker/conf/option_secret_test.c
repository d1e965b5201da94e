/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/str.h"
#include "base/test.h"
#include "conf/option.h"
#include "conf/yaml.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct config {
	struct gh_bytes secret;
};
static const struct gh_option rows[] = { GH_OPTION(struct config, secret, GH_SECRET, "a secret"),
					 { 0 } };

static char directory[] = "/tmp/secret_test.XXXXXX", path[100];
static struct gh_conf *conf;
static struct gh_section *section;
static struct gh_error error;

static void write_secret(const char *content, size_t n, mode_t mode)
{
	FILE *out;

	unlink(path);
	out = fopen(path, "w");
	ck_assert_ptr_nonnull(out);
	ck_assert_uint_eq(fwrite(content, 1, n, out), n);
	fclose(out);
	ck_assert_int_eq(chmod(path, mode), 0);
}

static int fill(const char *value)
{
	char text[300], file[100];
	static const struct gh_conf_place place = { "t.yaml", 1, 1 };

	memset(&error, 0, sizeof(error));
	snprintf(text, sizeof(text), "secret: %s\n", value);
	snprintf(file, sizeof(file), "%s/t.yaml", directory);
	ck_assert_int_eq(gh_conf_parse(file, text, strlen(text), &conf, &error), 0);
	return gh_section_fill(gh_conf_root(conf), &place, rows, sizeof(struct config), &section,
			       &error);
}

static void done(void)
{
	gh_section_free(&section);
	gh_conf_free(&conf);
}

static void begin(void)
{
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/key", directory);
}

static void end(void)
{
	unlink(path);
	ck_assert_int_eq(rmdir(directory), 0);
}

static void assert_secret(const char *value, const char *expected, size_t n)
{
	const struct config *c;

	ck_assert_msg(fill(value) == 0, "%s", error.text);
	c = gh_section_config(section);
	ck_assert_uint_eq(c->secret.n, n);
	ck_assert_mem_eq(c->secret.p, expected, n);
	done();
}

START_TEST(content_is_bytes)
{
	static char large[65537];

	begin();
	write_secret("hunter2\n", 8, 0600);
	assert_secret("key", "hunter2", 7);
	assert_secret(path, "hunter2", 7);
	write_secret("a\0b\n\n", 5, 0400);
	assert_secret("key", "a\0b\n", 4);
	memset(large, 'x', sizeof(large));
	write_secret(large, 65536, 0600);
	assert_secret("key", large, 65536);
	write_secret(large, 65537, 0600);
	ck_assert_int_eq(fill("key"), GH_EINVAL);
	ck_assert_ptr_nonnull(
		strstr(error.text,
		       "/t.yaml:1:9: 'secret': the file has too much in it, expected a secret of 1 to "
		       "65536 bytes"));
	done();
	write_secret("\n", 1, 0600);
	ck_assert_int_eq(fill("key"), GH_EINVAL);
	ck_assert_ptr_nonnull(strstr(error.text, "the file has nothing in it"));
	done();
	end();
}
END_TEST

START_TEST(credentials_of_systemd)
{
	begin();
	write_secret("x", 1, 0400);
	setenv("CREDENTIALS_DIRECTORY", directory, 1);
	assert_secret("credential:key", "x", 1);
	ck_assert_int_lt(fill("credential:../key"), 0);
	ck_assert_ptr_nonnull(strstr(error.text, "'secret': expected credential:NAME"));
	done();
	unsetenv("CREDENTIALS_DIRECTORY");
	ck_assert_int_lt(fill("credential:key"), 0);
	ck_assert_ptr_nonnull(strstr(
		error.text, "'secret': systemd has given no credentials, see LoadCredential="));
	done();
	end();
}
END_TEST

START_TEST(files_that_others_can_use)
{
	static const mode_t modes[] = { 0640, 0604, 0620, 0602, 0610, 0601, 0644, 0660, 0666 };
	char mode[20], remedy[200];

	begin();
	snprintf(remedy, sizeof(remedy), "chmod 0600 '%s'", path);
	for (size_t i = 0; i < GH_COUNT(modes); i++) {
		write_secret("x", 1, modes[i]);
		ck_assert_msg(fill("key") < 0, "mode %04o is accepted", modes[i]);
		snprintf(mode, sizeof(mode), "%04o", modes[i]);
		ck_assert_msg(strstr(error.text, mode) != NULL, "%s", error.text);
		ck_assert_msg(strstr(error.text, "/t.yaml:1:9: 'secret': ") != NULL, "%s",
			      error.text);
		ck_assert_msg(strstr(error.text, remedy) != NULL, "%s", error.text);
		done();
		/* What is typed then makes it acceptable. */
		ck_assert_int_eq(system(strstr(error.text, "chmod ")), 0);
		assert_secret("key", "x", 1);
	}
	end();
}
END_TEST

START_TEST(what_is_no_file)
{
	begin();
	ck_assert_int_lt(fill("key"), 0);
	ck_assert_msg(strstr(error.text, "No such file") != NULL, "%s", error.text);
	done();
	ck_assert_int_lt(fill("."), 0);
	ck_assert_ptr_nonnull(strstr(error.text, "regular file"));
	done();
	ck_assert_int_lt(fill("[x]"), 0);
	done();
	end();
}
END_TEST

GH_TEST_MAIN("conf/option_secret", content_is_bytes, credentials_of_systemd,
	     files_that_others_can_use, what_is_no_file)
