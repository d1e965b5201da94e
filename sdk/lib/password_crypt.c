/* SPDX-License-Identifier: Apache-2.0 */
/* Passwords by crypt(5) of libxcrypt: yescrypt, bcrypt and sha512crypt. */
#include <crypt.h>
#include <stdlib.h>
#include <string.h>
#include "password_priv.h"

#define YESCRYPT_COST          5u /* 16 MiB */
#define YESCRYPT_MEMORY_MIN    (16u << 20)
#define BCRYPT_COST            12u
#define BCRYPT_COST_MIN        10u
#define BCRYPT_COST_MAX        15u
#define SHA512_ROUNDS          200000u
#define SHA512_ROUNDS_MIN      100000u
#define SHA512_ROUNDS_STANDARD 5000u /* crypt(5): where the hash tells none */

static const char *skip(const char *hash, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(hash, prefix, n) == 0 ? hash + n : NULL;
}

/* ---- what all three share: C strings, 32 KiB of scratch -------------------------------------- */

static const char *unfit(struct gh_bytes password)
{
	if (password.n && memchr(password.p, '\0', password.n))
		return "the password has a NUL byte, which this kind of hash can't take";
	if (password.n >= CRYPT_MAX_PASSPHRASE_SIZE)
		return "the password is longer than the 511 bytes that this kind of hash can take";
	return NULL;
}

static const char *bcrypt_unfit(struct gh_bytes password)
{
	return password.n > 72 ? "the password is longer than the 72 bytes that bcrypt can take"
			       : unfit(password);
}

struct scratch {
	struct crypt_data data;
	char phrase[CRYPT_MAX_PASSPHRASE_SIZE];
};

/* The hash of a password that fits, in scratch; NULL: no memory, or a setting that crypt doesn't
 * take. */
static const char *compute(struct scratch *scratch, struct gh_bytes password, const char *setting)
{
	const char *hash;

	if (password.n)
		memcpy(scratch->phrase, password.p, password.n);
	hash = crypt_r(scratch->phrase, setting, &scratch->data);
	return hash && *hash == '$' ? hash : NULL;
}

static void scratch_free(struct scratch *scratch)
{
	gh_wipe(scratch, sizeof(*scratch));
	free(scratch);
}

static enum gh_password_result verify(const char *hash, struct gh_bytes password)
{
	struct scratch *scratch = calloc(1, sizeof(*scratch));
	const char *computed = scratch ? compute(scratch, password, hash) : NULL;
	enum gh_password_result result = GH_PASSWORD_FAILED;
	size_t n = strlen(hash);

	if (computed)
		result = strlen(computed) == n && gh_equal(computed, hash, n) ? GH_PASSWORD_RIGHT
									      : GH_PASSWORD_WRONG;
	if (scratch)
		scratch_free(scratch);
	return result;
}

static int make(const char *prefix, unsigned long cost, struct gh_bytes password, char *hash_r)
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	struct scratch *scratch = calloc(1, sizeof(*scratch));
	const char *hash = NULL;

	if (scratch && crypt_gensalt_rn(prefix, cost, NULL, 0, setting, sizeof(setting)))
		hash = compute(scratch, password, setting);
	if (hash && strlen(hash) < GH_PASSWORD_HASH_SIZE)
		strcpy(hash_r, hash);
	else
		hash = NULL;
	if (scratch)
		scratch_free(scratch);
	return hash ? 0 : GH_EIO;
}

/* ---- yescrypt: $y$ FLAVOUR N R $ salt $ 43 characters ---------------------------------------- */

static const char *yescrypt_body(const char *hash)
{
	const char *body = skip(hash, "$y$");

	return body ? body : skip(hash, "$gy$");
}

static bool yescrypt_claims(const char *hash)
{
	return yescrypt_body(hash) != NULL;
}

/* The value of one character of yescrypt's numbers; those from 48 on begin a longer number. */
static unsigned digit(char c)
{
	static const char digits[] =
		"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (unsigned)(at - digits) : 64;
}

/* 128 * r * 2^N bytes; 0: not the plain form (flavour j, both numbers of one character) or beyond
 * all bounds. */
static uint64_t yescrypt_memory(const char *body)
{
	unsigned n, r;

	if (body[0] != 'j' || !body[1] || !body[2] || body[3] != '$')
		return 0;
	n = digit(body[1]) + 1;
	r = digit(body[2]) + 1;
	return n > 30 || r > 48 ? 0 : (uint64_t)128 * r << n;
}

static const char *yescrypt_check(const char *hash, bool *weak_r)
{
	const char *at = yescrypt_body(hash);
	uint64_t memory = yescrypt_memory(at);
	size_t n;

	if (!memory || memory > GH_PASSWORD_MEMORY_MAX)
		return "found yescrypt with unusual parameters or more than 256 MiB";
	at += 4;
	n = gh_password_run(&at, GH_PASSWORD_ITOA64);
	if (n < 1 || n > 86 || *at++ != '$' || gh_password_run(&at, GH_PASSWORD_ITOA64) != 43 || *at)
		return "found a damaged yescrypt hash, expected $y$PARAMETERS$SALT$ and 43 characters";
	*weak_r = memory < YESCRYPT_MEMORY_MIN;
	return NULL;
}

static int yescrypt_make(struct gh_bytes password, char *hash_r)
{
	return make("$y$", YESCRYPT_COST, password, hash_r);
}

const struct gh_password_scheme gh_password_yescrypt = {
	.name = "yescrypt",
	.claims = yescrypt_claims,
	.check = yescrypt_check,
	.verify = verify,
	.unfit = unfit,
	.make = yescrypt_make,
};

/* ---- bcrypt: $2b$NN$ 53 characters ----------------------------------------------------------- */

static bool bcrypt_claims(const char *hash)
{
	return skip(hash, "$2b$") || skip(hash, "$2a$") || skip(hash, "$2y$");
}

static const char *bcrypt_check(const char *hash, bool *weak_r)
{
	const char *at = hash + 4;
	uint32_t cost;

	if (*at == '0')
		at++;
	if (!gh_password_number(&at, 31, &cost) || at != hash + 6 || cost < 4 || *at++ != '$' ||
	    gh_password_run(&at, GH_PASSWORD_ITOA64) != 53 || *at)
		return "found a damaged bcrypt hash, expected $2b$COST$ and 53 characters";
	if (cost > BCRYPT_COST_MAX)
		return "found bcrypt of a cost above 15";
	*weak_r = cost < BCRYPT_COST_MIN;
	return NULL;
}

static int bcrypt_make(struct gh_bytes password, char *hash_r)
{
	return make("$2b$", BCRYPT_COST, password, hash_r);
}

const struct gh_password_scheme gh_password_bcrypt = {
	.name = "bcrypt",
	.claims = bcrypt_claims,
	.check = bcrypt_check,
	.verify = verify,
	.unfit = bcrypt_unfit,
	.make = bcrypt_make,
};

/* ---- sha512crypt: $6$[rounds=N$] salt $ 86 characters; mosquitto's $6$ ends with 88 of base64  */

static bool sha512_claims(const char *hash)
{
	const char *last = strrchr(hash, '$');

	return skip(hash, "$6$") && last > hash + 3 && strlen(last + 1) == 86;
}

static const char *sha512_check(const char *hash, bool *weak_r)
{
	const char *at = hash + 3, *rounds_at = skip(at, "rounds=");
	uint32_t rounds = SHA512_ROUNDS_STANDARD;
	size_t salt;

	if (rounds_at) {
		at = rounds_at;
		if (!gh_password_number(&at, GH_PASSWORD_ROUNDS_MAX, &rounds) || rounds < 1000 ||
		    *at++ != '$')
			return "found sha512crypt with a number of rounds that isn't within 1000 and 2000000";
	}
	salt = strcspn(at, "$:*!\\ ");
	at += salt;
	if (salt < 1 || salt > 16 || *at++ != '$' ||
	    gh_password_run(&at, GH_PASSWORD_ITOA64) != 86 || *at)
		return "found a damaged sha512crypt hash, expected $6$SALT$ and 86 characters";
	*weak_r = rounds < SHA512_ROUNDS_MIN;
	return NULL;
}

static int sha512_make(struct gh_bytes password, char *hash_r)
{
	return make("$6$", SHA512_ROUNDS, password, hash_r);
}

const struct gh_password_scheme gh_password_sha512crypt = {
	.name = "sha512crypt",
	.claims = sha512_claims,
	.check = sha512_check,
	.verify = verify,
	.unfit = unfit,
	.make = sha512_make,
};
