/* SPDX-License-Identifier: Apache-2.0 */
/* Password hashes: vectors of other programs, what is refused, and that no answer is cheaper than
 * another. */
#include <argon2.h>
#include <check.h>
#include <crypt.h>
#include <gatehouse/lib.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* ---- what work was done: the primitives are wrapped by the linker ---------------------------- */

static unsigned crypt_calls, argon2_calls, pbkdf2_calls;
static char crypt_setting[16];

char *__real_crypt_r(const char *phrase, const char *setting, struct crypt_data *data);
char *__wrap_crypt_r(const char *phrase, const char *setting, struct crypt_data *data);
int __real_argon2id_verify(const char *encoded, const void *password, size_t n);
int __wrap_argon2id_verify(const char *encoded, const void *password, size_t n);
int __real_gnutls_pbkdf2(gnutls_mac_algorithm_t mac, const gnutls_datum_t *key,
			 const gnutls_datum_t *salt, unsigned iterations, void *out, size_t n);
int __wrap_gnutls_pbkdf2(gnutls_mac_algorithm_t mac, const gnutls_datum_t *key,
			 const gnutls_datum_t *salt, unsigned iterations, void *out, size_t n);

char *__wrap_crypt_r(const char *phrase, const char *setting, struct crypt_data *data)
{
	crypt_calls++;
	snprintf(crypt_setting, sizeof(crypt_setting), "%.7s", setting);
	return __real_crypt_r(phrase, setting, data);
}

int __wrap_argon2id_verify(const char *encoded, const void *password, size_t n)
{
	argon2_calls++;
	return __real_argon2id_verify(encoded, password, n);
}

int __wrap_gnutls_pbkdf2(gnutls_mac_algorithm_t mac, const gnutls_datum_t *key,
			 const gnutls_datum_t *salt, unsigned iterations, void *out, size_t n)
{
	pbkdf2_calls++;
	return __real_gnutls_pbkdf2(mac, key, salt, iterations, out, n);
}

/* ---- vectors --------------------------------------------------------------------------------- */

#define ARGON2_VECTOR \
	"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
#define PBKDF2_VECTOR \
	"$7$101$z0jRcGOGC7CddzRm$9mFtvYfCG6wypSlntgGmTZAcblm3rwhyPF0dkPgI3nHMMxrJvbvld1T2MW0L0aqlPb3gDzdaUji/erncDaJxVA=="

/* Of libxcrypt, by another program (perl and python call it), of Debian's mosquitto_passwd 2.0.11,
 * and of the Argon2 reference implementation's own tests. */
static const struct vector {
	const char *hash, *password;
	enum gh_password_kind kind;
	bool weak;
} vectors[] = {
	{ "$y$j9T$N0OneHasThisPasswd/.$P7WQfVD0S2f1eXVpReBEUe8OaPabAxRIMb8Lqo65Tu4", "Hello world!",
	  GH_PASSWORD_YESCRYPT, false },
	{ "$gy$j9T$abcdefgh$o6JxbYwWSRVr/SQ1Jr61OgleF50cJrtWq8AW/G6gP35", "Hello world!",
	  GH_PASSWORD_YESCRYPT, false },
	{ "$y$j75$abcdefgh$seYLk3C3HyTtiwemJi2fPeplJP3Gd5RaKYGEt1rRkF2", "Hello world!",
	  GH_PASSWORD_YESCRYPT, true },
	{ "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
	  "Hello world!", GH_PASSWORD_SHA512CRYPT, true },
	{ "$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/"
	  "YTBmSK6H9qs/y3RnOaw5v.",
	  "Hello world!", GH_PASSWORD_SHA512CRYPT, true },
	{ "$2b$05$CCCCCCCCCCCCCCCCCCCCC.z6PrHbuSsMSSwIGFy1JGevQZf6CqJ1y", "Hello world!",
	  GH_PASSWORD_BCRYPT, true },
	{ "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U", GH_PASSWORD_BCRYPT,
	  true },
	{ ARGON2_VECTOR, "password", GH_PASSWORD_ARGON2ID, true },
	{ PBKDF2_VECTOR, "correct horse", GH_PASSWORD_MOSQUITTO_PBKDF2, true },
	{ "$6$CU1WOywlDhsaySae$2fMJHIWpf4728wBvsmw8giynnQkcPG0Mn3/MjTbiP/"
	  "t0Twhjo31Kud+4QpYCtnIo2bKesUf9b34o/sszva34MA==",
	  "tr0ub4dor", GH_PASSWORD_MOSQUITTO_SHA512, true },
	{ "$7$20$4zjlQ+eI96E8Af1Y$l+ujbRLxnZjBXgFWvGTuL9MuTDqXL9rmduuZcndUAv76ogYhRgq8f4Eg765UGmWzFKqDpZ919Jki52oGQRWjEQ==",
	  "", GH_PASSWORD_MOSQUITTO_PBKDF2, true },
};

static struct gh_bytes bytes(const char *text)
{
	return (struct gh_bytes){ text, strlen(text) };
}

static enum gh_password_kind check(const char *hash, const char **problem_r)
{
	return gh_password_check((struct gh_str){ hash, strlen(hash) }, problem_r);
}

START_TEST(reads_what_others_made)
{
	const struct vector *v = &vectors[_i];
	const char *problem = NULL;

	ck_assert_int_eq(check(v->hash, &problem), v->kind);
	ck_assert_ptr_null(problem);
	ck_assert_int_eq(gh_password_verify(v->hash, bytes(v->password)), GH_PASSWORD_RIGHT);
	ck_assert_int_eq(gh_password_verify(v->hash, bytes("something else")), GH_PASSWORD_WRONG);
	ck_assert_int_eq(gh_password_weak(v->hash), v->weak);
}
END_TEST

START_TEST(absent_is_never_right)
{
	/* The hash of an empty password, too. */
	ck_assert_int_eq(gh_password_verify(vectors[10].hash, (struct gh_bytes){ NULL, 0 }),
			 GH_PASSWORD_WRONG);
	ck_assert_int_eq(gh_password_verify(vectors[0].hash, (struct gh_bytes){ NULL, 0 }),
			 GH_PASSWORD_WRONG);
}
END_TEST

/* Each byte counts: a NUL, what follows it, and whatever is behind the longest that crypt(5)
 * takes. */
START_TEST(never_cut)
{
	static char big[65535];
	struct gh_bytes whole = { big, sizeof(big) }, cut = { big, sizeof(big) - 1 };
	char hash[GH_PASSWORD_HASH_SIZE];
	const char *problem;

	memset(big, 'x', sizeof(big));
	ck_assert_int_eq(gh_password_verify(vectors[_i].hash,
					    (struct gh_bytes){ "Hello world!\0", 13 }),
			 GH_PASSWORD_WRONG);
	ck_assert_int_eq(gh_password_verify(vectors[_i].hash, whole), GH_PASSWORD_WRONG);
	ck_assert_int_eq(gh_password_make(GH_PASSWORD_ARGON2ID, whole, hash, &problem), 0);
	ck_assert_int_eq(gh_password_verify(hash, whole), GH_PASSWORD_RIGHT);
	ck_assert_int_eq(gh_password_verify(hash, cut), GH_PASSWORD_WRONG);
}
END_TEST

START_TEST(kinds_refuse_what_they_would_cut)
{
	static const struct {
		enum gh_password_kind kind;
		size_t longest;
	} limits[] = { { GH_PASSWORD_YESCRYPT, 511 },
		       { GH_PASSWORD_SHA512CRYPT, 511 },
		       { GH_PASSWORD_BCRYPT, 72 } };
	char password[600], hash[GH_PASSWORD_HASH_SIZE] = "untouched";
	const char *problem = NULL;
	size_t n = limits[_i].longest;

	memset(password, 'x', sizeof(password));
	ck_assert_int_eq(gh_password_make(limits[_i].kind, (struct gh_bytes){ password, n + 1 },
					  hash, &problem),
			 GH_EINVAL);
	ck_assert_ptr_nonnull(problem);
	ck_assert_str_eq(hash, "untouched");
	ck_assert_int_eq(gh_password_make(limits[_i].kind, (struct gh_bytes){ "a\0b", 3 }, hash,
					  &problem),
			 GH_EINVAL);
	ck_assert_int_eq(gh_password_make(limits[_i].kind, (struct gh_bytes){ password, n }, hash,
					  &problem),
			 0);
	ck_assert_int_eq(gh_password_verify(hash, (struct gh_bytes){ password, n }),
			 GH_PASSWORD_RIGHT);
	ck_assert_int_eq(gh_password_verify(hash, (struct gh_bytes){ password, n + 1 }),
			 GH_PASSWORD_WRONG);
}
END_TEST

START_TEST(makes_what_isnt_weak)
{
	static const enum gh_password_kind kinds[] = { GH_PASSWORD_YESCRYPT, GH_PASSWORD_ARGON2ID,
						       GH_PASSWORD_BCRYPT, GH_PASSWORD_SHA512CRYPT };
	char hash[GH_PASSWORD_HASH_SIZE], again[GH_PASSWORD_HASH_SIZE];
	const char *problem;

	ck_assert_int_eq(gh_password_make(kinds[_i], bytes("Hello world!"), hash, &problem), 0);
	ck_assert_int_eq(gh_password_make(kinds[_i], bytes("Hello world!"), again, &problem), 0);
	ck_assert_str_ne(hash, again);
	ck_assert_int_eq(check(hash, &problem), kinds[_i]);
	ck_assert(!gh_password_weak(hash));
	ck_assert_int_eq(gh_password_verify(hash, bytes("Hello world!")), GH_PASSWORD_RIGHT);
	ck_assert_int_eq(gh_password_verify(hash, bytes("hello world!")), GH_PASSWORD_WRONG);
	ck_assert_int_eq(gh_password_kind_named(gh_password_kind_name(kinds[_i])), kinds[_i]);
}
END_TEST

START_TEST(names_only_what_is_made)
{
	ck_assert_int_eq(gh_password_kind_named("mosquitto-pbkdf2"), 0);
	ck_assert_int_eq(gh_password_kind_named("md5"), 0);
	ck_assert_str_eq(gh_password_kind_name(GH_PASSWORD_MOSQUITTO_PBKDF2), "mosquitto-pbkdf2");
}
END_TEST

static const char *const refused[] = {
	"",
	"plain",
	"$",
	"secret$with$dollars",
	"x", /* crypt(3) would take it for the salt of a DES hash */
	"$1$abcdefgh$Zr0LpNGHq0VTmSYjmVZbS/",
	"$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc8",
	"$7$CU..../....salt$hash",
	"$7$0$z0jRcGOGC7CddzRm$9mFtvYfCG6wypSlntgGmTZAcblm3rwhyPF0dkPgI3nHMMxrJvbvld1T2MW0L0aqlPb3gDzdaUji/erncDaJxVA==",
	"$7$2000001$z0jRcGOGC7CddzRm$9mFtvYfCG6wypSlntgGmTZAcblm3rwhyPF0dkPgI3nHMMxrJvbvld1T2MW0L0aqlPb3gDzdaUji/"
	"erncDaJxVA==",
	"$7$101$z0jRcGOGC7CddzR$9mFtvYfCG6wypSlntgGmTZAcblm3rwhyPF0dkPgI3nHMMxrJvbvld1T2MW0L0aqlPb3gDzdaUji/erncDaJxVA==",
	"$6$CU1WOywlDhsaySae$2fMJHIWpf4728wBvsmw8giynnQkcPG0Mn3/MjTbiP/t0Twhjo31Kud+4QpYCtnIo2bKesUf9b34o/sszva34M*==",
	"$6$rounds=999$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
	"$6$rounds=2000001$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/"
	"O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
	"$6$$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
	"$6$saltstring$tooshort",
	"$2b$16$CCCCCCCCCCCCCCCCCCCCC.z6PrHbuSsMSSwIGFy1JGevQZf6CqJ1y",
	"$2b$5$CCCCCCCCCCCCCCCCCCCCC.z6PrHbuSsMSSwIGFy1JGevQZf6CqJ1y",
	"$2b$05$short",
	"$y$jFT$abcdefgh$o6JxbYwWSRVr/SQ1Jr61OgleF50cJrtWq8AW/G6gP35", /* 4 GiB */
	"$y$j9T$abcdefgh$o6JxbYwWSRVr",
	"$y$",
	"$y$j9T",
	"$argon2id$v=19$m=4294967295,t=1,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
	"$argon2id$v=19$m=262144,t=16,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
	"$argon2id$v=19$m=256,t=17,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
	"$argon2id$v=16$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
	"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4$",
	"$argon2id$v=19$m=256,t=2,p=1$c2$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
	"$argon2id$",
	"$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
};

START_TEST(refuses_what_is_no_hash)
{
	const char *problem = NULL;

	ck_assert_msg(check(refused[_i], &problem) == 0, "%s is taken", refused[_i]);
	ck_assert_ptr_nonnull(problem);
	ck_assert_int_eq(gh_password_verify(refused[_i], bytes("x")), GH_PASSWORD_FAILED);
	ck_assert(!gh_password_weak(refused[_i]));
}
END_TEST

/* The text goes to logs: what stands where a hash is expected may be a password. */
START_TEST(never_repeats_a_password)
{
	const char *problem = NULL;

	check("$canary$42", &problem);
	ck_assert_ptr_null(strstr(problem, "canary"));
	check("canary", &problem);
	ck_assert_ptr_null(strstr(problem, "canary"));
	ck_assert_ptr_nonnull(strstr(problem, "plain text"));
}
END_TEST

START_TEST(refuses_long_and_nul)
{
	char text[GH_PASSWORD_HASH_SIZE + 100];
	const char *problem = NULL;

	memset(text, 'a', sizeof(text));
	ck_assert_int_eq(gh_password_check((struct gh_str){ text, sizeof(text) }, &problem), 0);
	ck_assert_ptr_nonnull(problem);
	ck_assert_int_eq(gh_password_check((struct gh_str){ "$y$\0", 4 }, &problem), 0);
	ck_assert_int_eq(gh_password_check((struct gh_str){ NULL, 0 }, &problem), 0);
}
END_TEST

/* ---- equal work ------------------------------------------------------------------------------ */

static unsigned work(const char *hash, struct gh_bytes password, bool dummy)
{
	crypt_calls = argon2_calls = pbkdf2_calls = 0;
	if (dummy)
		gh_password_dummy(hash, password);
	else
		gh_password_verify(hash, password);
	return crypt_calls << 16 | argon2_calls << 8 | pbkdf2_calls;
}

START_TEST(unknown_costs_what_wrong_costs)
{
	static char big[65535];
	const char *hash = vectors[_i].hash;
	unsigned right = work(hash, bytes(vectors[_i].password), false);

	memset(big, 'x', sizeof(big));
	if (vectors[_i].kind != GH_PASSWORD_MOSQUITTO_SHA512)
		ck_assert_uint_ne(right, 0);
	ck_assert_uint_eq(work(hash, bytes("wrong"), false), right);
	ck_assert_uint_eq(work(hash, bytes("wrong"), true), right);
	ck_assert_uint_eq(work(hash, (struct gh_bytes){ "a\0b", 3 }, false), right);
	ck_assert_uint_eq(work(hash, (struct gh_bytes){ big, sizeof(big) }, false), right);
	ck_assert_uint_eq(work(hash, (struct gh_bytes){ NULL, 0 }, false), right);
}
END_TEST

START_TEST(dummy_is_of_the_default_kind)
{
	char hash[GH_PASSWORD_HASH_SIZE];
	const char *problem;

	ck_assert_int_eq(
		gh_password_make(GH_PASSWORD_YESCRYPT, bytes("Hello world!"), hash, &problem), 0);
	ck_assert_uint_eq(work(NULL, bytes("wrong"), true), 1u << 16);
	ck_assert_int_eq(strncmp(crypt_setting, hash, 7), 0);
}
END_TEST

START_TEST(decoys_are_fixed_and_even)
{
	static const uint8_t key[16] = { 1 }, other[16] = { 2 };
	unsigned seen[3] = { 0 }, moved = 0;

	for (int i = 0; i < 3000; i++) {
		char name[16];
		struct gh_str view = { name, (size_t)snprintf(name, sizeof(name), "user%d", i) };
		size_t at = gh_password_decoy(key, view, 3);

		ck_assert_uint_lt(at, 3);
		ck_assert_uint_eq(at, gh_password_decoy(key, view, 3));
		moved += at != gh_password_decoy(other, view, 3);
		seen[at]++;
	}
	for (size_t i = 0; i < 3; i++)
		ck_assert_uint_gt(seen[i], 800);
	ck_assert_uint_gt(moved, 1500);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("sdk/password");
	TCase *tcase = tcase_create("sdk/password");
	SRunner *runner = srunner_create(suite);
	int failures;

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, reads_what_others_made, 0, COUNT(vectors));
	tcase_add_test(tcase, absent_is_never_right);
	tcase_add_loop_test(tcase, never_cut, 0, 2);
	tcase_add_loop_test(tcase, kinds_refuse_what_they_would_cut, 0, 3);
	tcase_add_loop_test(tcase, makes_what_isnt_weak, 0, 4);
	tcase_add_test(tcase, names_only_what_is_made);
	tcase_add_loop_test(tcase, refuses_what_is_no_hash, 0, COUNT(refused));
	tcase_add_test(tcase, never_repeats_a_password);
	tcase_add_test(tcase, refuses_long_and_nul);
	tcase_add_loop_test(tcase, unknown_costs_what_wrong_costs, 0, COUNT(vectors));
	tcase_add_test(tcase, dummy_is_of_the_default_kind);
	tcase_add_test(tcase, decoys_are_fixed_and_even);
	suite_add_tcase(suite, tcase);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failures = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
