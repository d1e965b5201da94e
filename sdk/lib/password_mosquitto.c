/* SPDX-License-Identifier: Apache-2.0 */
/* Passwords of a mosquitto password_file: read, never made. Their prefixes are crypt(5)'s, their
 * shape isn't. */
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>
#include "password_priv.h"

#define DIGEST      64u
#define DIGEST_TEXT 88u /* base64 of it, with "==" */
#define SALT_MAX    64u

/* Ends with the base64 of 64 bytes, which no hash of crypt(5) does. */
static bool shaped(const char *hash, const char *prefix)
{
	const char *last = strrchr(hash, '$');

	return strncmp(hash, prefix, strlen(prefix)) == 0 && last > hash + 3 &&
	       strlen(last + 1) == DIGEST_TEXT && strcmp(last + DIGEST_TEXT - 1, "==") == 0;
}

static bool sha512_claims(const char *hash)
{
	return shaped(hash, "$6$");
}

static bool pbkdf2_claims(const char *hash)
{
	return shaped(hash, "$7$");
}

/* SALT$HASH to the end; the salt is what mosquitto takes: base64 of 12 or of 64 bytes. */
static bool salt_and_digest(const char *at)
{
	size_t salt = gh_password_run(&at, GH_PASSWORD_BASE64);

	if (salt == DIGEST_TEXT - 2 && strncmp(at, "==", 2) == 0)
		at += 2;
	else if (salt != 16)
		return false;
	if (*at++ != '$' || gh_password_run(&at, GH_PASSWORD_BASE64) != DIGEST_TEXT - 2)
		return false;
	return strcmp(at, "==") == 0;
}

static const char *sha512_check(const char *hash, bool *weak_r)
{
	*weak_r = true;
	return salt_and_digest(hash + 3)
		       ? NULL
		       : "found a damaged hash of mosquitto's, expected $6$SALT$HASH in base64";
}

static const char *pbkdf2_check(const char *hash, bool *weak_r)
{
	const char *at = hash + 3;
	uint32_t iterations;

	*weak_r = true;
	if (!gh_password_number(&at, GH_PASSWORD_ROUNDS_MAX, &iterations) || *at++ != '$')
		return "found a hash of mosquitto's whose number of iterations isn't within 1 and 2000000";
	return salt_and_digest(at)
		       ? NULL
		       : "found a damaged hash of mosquitto's, expected $7$ITERATIONS$SALT$HASH in base64";
}

/* Base64 of at most `size` bytes; 0: not that. */
static size_t decode(const char *text, size_t n, uint8_t *out, size_t size)
{
	gnutls_datum_t in = { (unsigned char *)(uintptr_t)text, (unsigned)n }, raw = { NULL, 0 };
	size_t length = 0;

	if (gnutls_base64_decode2(&in, &raw) == 0 && raw.size <= size) {
		memcpy(out, raw.data, raw.size);
		length = raw.size;
	}
	gnutls_free(raw.data);
	return length;
}

struct stored {
	uint8_t salt[SALT_MAX], digest[DIGEST];
	size_t salt_size;
};

static bool stored_from(const char *at, struct stored *stored_r)
{
	size_t n = strcspn(at, "$");

	stored_r->salt_size = decode(at, n, stored_r->salt, sizeof(stored_r->salt));
	return stored_r->salt_size &&
	       decode(at + n + 1, DIGEST_TEXT, stored_r->digest, DIGEST) == DIGEST;
}

/* Ends both verify functions: rc is GnuTLS's. */
static enum gh_password_result conclude(int rc, struct stored *stored, uint8_t computed[DIGEST])
{
	bool same = rc == 0 && gh_equal(stored->digest, computed, DIGEST);

	gh_wipe(stored, sizeof(*stored));
	gh_wipe(computed, DIGEST);
	return rc ? GH_PASSWORD_FAILED : same ? GH_PASSWORD_RIGHT : GH_PASSWORD_WRONG;
}

/* SHA-512 of the password and, behind it, the salt. */
static enum gh_password_result sha512_verify(const char *hash, struct gh_bytes password)
{
	struct stored stored;
	uint8_t computed[DIGEST];
	gnutls_hash_hd_t digest;
	int rc;

	if (!stored_from(hash + 3, &stored) || gnutls_hash_init(&digest, GNUTLS_DIG_SHA512) < 0)
		return GH_PASSWORD_FAILED;
	rc = gnutls_hash(digest, password.p, password.n);
	rc = rc ? rc : gnutls_hash(digest, stored.salt, stored.salt_size);
	gnutls_hash_deinit(digest, computed);
	return conclude(rc, &stored, computed);
}

static enum gh_password_result pbkdf2_verify(const char *hash, struct gh_bytes password)
{
	gnutls_datum_t key = { (unsigned char *)(uintptr_t)password.p, (unsigned)password.n };
	gnutls_datum_t salt;
	const char *at = hash + 3;
	struct stored stored;
	uint8_t computed[DIGEST];
	uint32_t iterations;

	if (!gh_password_number(&at, GH_PASSWORD_ROUNDS_MAX, &iterations) ||
	    !stored_from(at + 1, &stored))
		return GH_PASSWORD_FAILED;
	salt.data = stored.salt;
	salt.size = (unsigned)stored.salt_size;
	return conclude(gnutls_pbkdf2(GNUTLS_MAC_SHA512, &key, &salt, iterations, computed, DIGEST),
			&stored, computed);
}

const struct gh_password_scheme gh_password_mosquitto_sha512 = {
	.name = "mosquitto-sha512",
	.claims = sha512_claims,
	.check = sha512_check,
	.verify = sha512_verify,
};

const struct gh_password_scheme gh_password_mosquitto_pbkdf2 = {
	.name = "mosquitto-pbkdf2",
	.claims = pbkdf2_claims,
	.check = pbkdf2_check,
	.verify = pbkdf2_verify,
};
