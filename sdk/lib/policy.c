/* SPDX-License-Identifier: Apache-2.0 */
/* The one policy for new passwords: libpwquality's checks, or plain ones of our own in a build
 * without it. */
#include <gatehouse/lib.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#ifdef HAVE_PWQUALITY
#include <pwquality.h>
#include <unistd.h>
#endif

#define NAME_LEAST 3u /* shorter names are in many a good password */

/* One text holds the other, upper or lower case alike. */
static bool holds(const char *text, size_t n, const char *part, size_t part_n)
{
	for (size_t at = 0; at + part_n <= n; at++) {
		size_t i = 0;

		while (i < part_n &&
		       tolower((unsigned char)text[at + i]) == tolower((unsigned char)part[i]))
			i++;
		if (i == part_n)
			return true;
	}
	return false;
}

static bool like_the_name(const char *user, struct gh_bytes password)
{
	size_t n = strlen(user);

	return n >= NAME_LEAST && password.n >= NAME_LEAST &&
	       (holds(password.p, password.n, user, n) || holds(user, n, password.p, password.n));
}

#ifdef HAVE_PWQUALITY

#define LENGTH_MIN  10
#define CLASSES_MIN 2

/* libpwquality reports a missing dictionary as a bad password: it is looked for first. */
static bool dictionary_at(const char *path)
{
	char name[512];
	int n = snprintf(name, sizeof(name), "%s.pwd", path);

	return n > 0 && (size_t)n < sizeof(name) && access(name, R_OK) == 0;
}

static bool dictionary(pwquality_settings_t *settings)
{
	const char *path = NULL;

	if (pwquality_get_str_value(settings, PWQ_SETTING_DICT_PATH, &path) == 0 && path && *path)
		return dictionary_at(path);
	return dictionary_at("/var/cache/cracklib/cracklib_dict") ||
	       dictionary_at("/usr/share/cracklib/pw_dict");
}

static int number(pwquality_settings_t *settings, int setting)
{
	int value = 0;

	pwquality_get_int_value(settings, setting, &value);
	return value;
}

/* NULL: conf can't be read, with `why`. */
static pwquality_settings_t *settings_from(const char *conf, char *why, size_t why_size)
{
	pwquality_settings_t *settings = pwquality_default_settings();
	char text[PWQ_MAX_ERROR_MESSAGE_LEN];
	void *detail = NULL;
	int rc = PWQ_ERROR_MEM_ALLOC;

	if (settings) {
		pwquality_set_int_value(settings, PWQ_SETTING_MIN_LENGTH, LENGTH_MIN);
		pwquality_set_int_value(settings, PWQ_SETTING_MIN_CLASS, CLASSES_MIN);
		rc = pwquality_read_config(settings, conf, &detail);
	}
	if (rc == 0 || (rc == PWQ_ERROR_CFGFILE_OPEN && !conf))
		return settings;
	snprintf(why, why_size, "'%s': %s", conf ? conf : "/etc/security/pwquality.conf",
		 pwquality_strerror(text, sizeof(text), rc, detail));
	pwquality_free_settings(settings);
	return NULL;
}

/* A password with a NUL never comes here: libpwquality takes C strings. */
static int check(pwquality_settings_t *settings, const char *user, const char *password, char *why,
		 size_t why_size)
{
	char text[PWQ_MAX_ERROR_MESSAGE_LEN];
	void *detail = NULL;
	int rc;

	if (!dictionary(settings))
		pwquality_set_int_value(settings, PWQ_SETTING_DICT_CHECK, 0);
	rc = pwquality_check(settings, password, NULL, user, &detail);
	if (rc >= 0 && number(settings, PWQ_SETTING_USER_CHECK) &&
	    like_the_name(user, (struct gh_bytes){ password, strlen(password) }))
		rc = PWQ_ERROR_USER_CHECK; /* libpwquality does so for names of 4 bytes and more only */
	if (rc >= 0)
		return 0;
	snprintf(why, why_size, "%s", pwquality_strerror(text, sizeof(text), rc, detail));
	return GH_EINVAL;
}

int gh_password_policy(const char *user, struct gh_bytes password, const char *conf, char *why,
		       size_t why_size)
{
	char text[1024];
	pwquality_settings_t *settings;
	int rc;

	if (password.n >= sizeof(text) || (password.n && memchr(password.p, '\0', password.n))) {
		snprintf(why, why_size,
			 "The password is longer than 1023 bytes or has a NUL byte in it");
		return GH_EINVAL;
	}
	settings = settings_from(conf, why, why_size);
	if (!settings)
		return GH_EIO;
	if (password.n)
		memcpy(text, password.p, password.n);
	text[password.n] = '\0';
	rc = check(settings, user, text, why, why_size);
	gh_wipe(text, sizeof(text));
	pwquality_free_settings(settings);
	return rc;
}

int gh_password_policy_text(const char *conf, char *text_r, size_t size)
{
	pwquality_settings_t *settings = settings_from(conf, text_r, size);

	if (!settings)
		return GH_EIO;
	snprintf(text_r, size,
		 "at least %d bytes, %d classes of characters (digits, upper case, lower case, others), no %s",
		 number(settings, PWQ_SETTING_MIN_LENGTH), number(settings, PWQ_SETTING_MIN_CLASS),
		 !number(settings, PWQ_SETTING_DICT_CHECK) || !dictionary(settings)
			 ? "user name"
			 : "user name, no dictionary word");
	pwquality_free_settings(settings);
	return 0;
}

const char *gh_password_policy_gap(const char *conf)
{
	char why[256];
	pwquality_settings_t *settings = settings_from(conf, why, sizeof(why));
	bool found = settings && (dictionary(settings) || !number(settings, PWQ_SETTING_DICT_CHECK));

	if (settings)
		pwquality_free_settings(settings);
	return found ? NULL
		     : "no dictionary is installed (Debian package cracklib-runtime): words aren't looked for";
}

#else /* without libpwquality */

#define LENGTH_MIN 12u

int gh_password_policy(const char *user, struct gh_bytes password, const char *conf, char *why,
		       size_t why_size)
{
	if (conf) {
		snprintf(why, why_size, "'%s' isn't read: built without libpwquality", conf);
		return GH_EIO;
	}
	if (password.n < LENGTH_MIN)
		snprintf(why, why_size, "The password is shorter than %u bytes", LENGTH_MIN);
	else if (password.n > 1023 || memchr(password.p, '\0', password.n))
		snprintf(why, why_size,
			 "The password is longer than 1023 bytes or has a NUL byte in it");
	else if (like_the_name(user, password))
		snprintf(why, why_size, "The password contains the user name in some form");
	else
		return 0;
	return GH_EINVAL;
}

int gh_password_policy_text(const char *conf, char *text_r, size_t size)
{
	if (conf) {
		snprintf(text_r, size, "'%s' isn't read: built without libpwquality", conf);
		return GH_EIO;
	}
	snprintf(text_r, size, "at least %u bytes, no user name", LENGTH_MIN);
	return 0;
}

const char *gh_password_policy_gap(const char *conf)
{
	(void)conf;
	return "built without libpwquality: classes of characters and dictionary words aren't looked for";
}
#endif
