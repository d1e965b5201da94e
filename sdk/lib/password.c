/* SPDX-License-Identifier: Apache-2.0 */
/* Password hashes: which kind a text is, and the kinds behind one set of verbs. */
#include <gatehouse/lib.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <string.h>
#include "password_priv.h"

static const struct gh_password_scheme *const schemes[] = {
	[GH_PASSWORD_YESCRYPT] = &gh_password_yescrypt,
	[GH_PASSWORD_ARGON2ID] = &gh_password_argon2id,
	[GH_PASSWORD_BCRYPT] = &gh_password_bcrypt,
	[GH_PASSWORD_SHA512CRYPT] = &gh_password_sha512crypt,
	[GH_PASSWORD_MOSQUITTO_SHA512] = &gh_password_mosquitto_sha512,
	[GH_PASSWORD_MOSQUITTO_PBKDF2] = &gh_password_mosquitto_pbkdf2,
};
#define KINDS (sizeof(schemes) / sizeof(*schemes))

/* Of the default kind, made of a password that nobody kept. */
static const char decoy[] = "$y$j9T$N0OneHasThisPasswd/.$dKAAqxlwdfSF7Nxt6MvzXxuphijJ9cKPmf56w7RFt08";

bool gh_password_number(const char **at, uint32_t max, uint32_t *number_r)
{
	const char *p = *at;
	uint64_t number = 0;

	if (*p < '1' || *p > '9')
		return false;
	for (; *p >= '0' && *p <= '9'; p++) {
		number = number * 10 + (uint64_t)(*p - '0');
		if (number > max)
			return false;
	}
	*number_r = (uint32_t)number;
	*at = p;
	return true;
}

size_t gh_password_run(const char **at, const char *alphabet)
{
	size_t n = strspn(*at, alphabet);

	*at += n;
	return n;
}

static enum gh_password_kind claimed_by(const char *hash)
{
	for (size_t kind = 1; kind < KINDS; kind++)
		if (schemes[kind]->claims(hash))
			return (enum gh_password_kind)kind;
	return 0;
}

/* What nobody claims: named only where the name is a known one, since all else may be a
 * password. */
static const char *stranger(const char *hash)
{
	static const struct {
		const char *prefix, *problem;
	} known[] = {
		{ "$1$", "found md5crypt ('$1$'), which is too weak" },
		{ "$5$", "found sha256crypt ('$5$'), which isn't read" },
		{ "$7$", "found '$7$' that isn't mosquitto's ITERATIONS$SALT$HASH" },
		{ "$6$", "found '$6$' that is neither crypt's nor mosquitto's SALT$HASH" },
		{ "$argon2i$", "found argon2i, expected argon2id" },
		{ "$argon2d$", "found argon2d, expected argon2id" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strncmp(hash, known[i].prefix, strlen(known[i].prefix)) == 0)
			return known[i].problem;
	return *hash ? "found a password in plain text or an unknown hash, expected a hash that gatehouse-passwd(1) makes"
		     : "found nothing, expected a password hash";
}

/* The kind of a terminated hash, after all its checks. */
static enum gh_password_kind valid(const char *hash, const char **problem_r, bool *weak_r)
{
	enum gh_password_kind kind = claimed_by(hash);

	*problem_r = kind ? schemes[kind]->check(hash, weak_r) : stranger(hash);
	return *problem_r ? 0 : kind;
}

enum gh_password_kind gh_password_check(struct gh_str hash, const char **problem_r)
{
	char text[GH_PASSWORD_HASH_SIZE];
	enum gh_password_kind kind;
	bool weak;

	if (hash.n >= sizeof(text) || (hash.n && memchr(hash.p, '\0', hash.n))) {
		*problem_r = "found no password hash: longer than any, or with a NUL in it";
		return 0;
	}
	if (hash.n)
		memcpy(text, hash.p, hash.n);
	text[hash.n] = '\0';
	kind = valid(text, problem_r, &weak);
	gh_wipe(text, sizeof(text));
	return kind;
}

const char *gh_password_kind_name(enum gh_password_kind kind)
{
	return kind > 0 && kind < KINDS ? schemes[kind]->name : "unknown";
}

enum gh_password_kind gh_password_kind_named(const char *name)
{
	for (size_t kind = 1; kind < KINDS; kind++)
		if (schemes[kind]->make && strcmp(schemes[kind]->name, name) == 0)
			return (enum gh_password_kind)kind;
	return 0;
}

/* Whatever is wrong with the password, the work is done: it is told by the answer, never by the
 * time. */
enum gh_password_result gh_password_verify(const char *hash, struct gh_bytes password)
{
	struct gh_bytes nothing = { "", 0 };
	const char *problem;
	bool weak, unfit;
	enum gh_password_result result;
	enum gh_password_kind kind =
		strlen(hash) < GH_PASSWORD_HASH_SIZE ? valid(hash, &problem, &weak) : 0;

	if (!kind)
		return GH_PASSWORD_FAILED;
	unfit = !password.p || (schemes[kind]->unfit && schemes[kind]->unfit(password));
	result = schemes[kind]->verify(hash, unfit ? nothing : password);
	return unfit && result == GH_PASSWORD_RIGHT ? GH_PASSWORD_WRONG : result;
}

void gh_password_dummy(const char *hash, struct gh_bytes password)
{
	(void)gh_password_verify(hash ? hash : decoy, password);
}

size_t gh_password_decoy(const uint8_t key[16], struct gh_str name, size_t count)
{
	uint8_t digest[32] = { 0 };
	uint64_t number;

	(void)gnutls_hmac_fast(GNUTLS_MAC_SHA256, key, 16, name.p, name.n, digest);
	memcpy(&number, digest, sizeof(number));
	return (size_t)(number % count);
}

bool gh_password_weak(const char *hash)
{
	const char *problem;
	bool weak = false;

	return strlen(hash) < GH_PASSWORD_HASH_SIZE && valid(hash, &problem, &weak) && weak;
}

int gh_password_make(enum gh_password_kind kind, struct gh_bytes password,
		     char hash_r[GH_PASSWORD_HASH_SIZE], const char **problem_r)
{
	const struct gh_password_scheme *scheme = kind > 0 && kind < KINDS ? schemes[kind] : NULL;

	*problem_r = !scheme || !scheme->make ? "hashes of this kind are only read"
		     : !password.p            ? "no password"
		     : scheme->unfit          ? scheme->unfit(password)
					      : NULL;
	if (*problem_r)
		return GH_EINVAL;
	if (scheme->make(password, hash_r) == 0)
		return 0;
	*problem_r = "no memory for the hash";
	return GH_EIO;
}
