/* SPDX-License-Identifier: Apache-2.0 */
/* Passwords by argon2id: PHC strings of libargon2, which mosquitto 2.1 writes too. */
#include <argon2.h>
#include <string.h>
#include <sys/random.h>
#include "password_priv.h"

/* m in KiB. Weak: less than what OWASP lists as equal choices, which all are above 35 MiB in m
 * times t. */
#define MEMORY     19456u
#define PASSES     2u
#define LANES      1u
#define MEMORY_MAX (GH_PASSWORD_MEMORY_MAX >> 10)
#define PASSES_MAX 16u
#define LANES_MAX  16u
#define WORK_MAX   (1u << 20) /* m times t: 1 GiB */
#define WORK_MIN   35840u
#define MEMORY_MIN 7168u

static const char prefix[] = "$argon2id$";

static bool claims(const char *hash)
{
	return strncmp(hash, prefix, strlen(prefix)) == 0;
}

/* "NAME=" and a number. */
static bool parameter(const char **at, const char *name, uint32_t *number_r)
{
	size_t n = strlen(name);

	if (strncmp(*at, name, n) != 0)
		return false;
	*at += n;
	return gh_password_number(at, UINT32_MAX, number_r);
}

/* '$' and the base64 without padding of at least `min` bytes and at most 64. */
static bool encoded(const char **at, size_t min)
{
	size_t n;

	if (*(*at)++ != '$')
		return false;
	n = gh_password_run(at, GH_PASSWORD_BASE64);
	return n % 4 != 1 && n * 3 / 4 >= min && n * 3 / 4 <= 64;
}

static const char *check(const char *hash, bool *weak_r)
{
	const char *at = hash + strlen(prefix);
	uint32_t version, m, t, p;

	if (!parameter(&at, "v=", &version) || version != ARGON2_VERSION_13 ||
	    !parameter(&at, "$m=", &m) || !parameter(&at, ",t=", &t) ||
	    !parameter(&at, ",p=", &p) || !encoded(&at, 8) || !encoded(&at, 16) || *at)
		return "found a damaged argon2id hash, expected $argon2id$v=19$m=KIB,t=PASSES,p=LANES$SALT$HASH";
	if (m > MEMORY_MAX || t > PASSES_MAX || p > LANES_MAX || (uint64_t)m * t > WORK_MAX ||
	    m < 8 * p)
		return "found argon2id beyond its bounds: m at most 262144 KiB, t and p at most 16, m times t at most 1048576";
	*weak_r = m < MEMORY_MIN || (uint64_t)m * t < WORK_MIN;
	return NULL;
}

static enum gh_password_result verify(const char *hash, struct gh_bytes password)
{
	switch (argon2id_verify(hash, password.p, password.n)) {
	case ARGON2_OK: return GH_PASSWORD_RIGHT;
	case ARGON2_VERIFY_MISMATCH: return GH_PASSWORD_WRONG;
	default: return GH_PASSWORD_FAILED;
	}
}

static int make(struct gh_bytes password, char *hash_r)
{
	uint8_t salt[16];

	if (getrandom(salt, sizeof(salt), 0) != (ssize_t)sizeof(salt) ||
	    argon2id_hash_encoded(PASSES, MEMORY, LANES, password.p, password.n, salt, sizeof(salt),
				  32, hash_r, GH_PASSWORD_HASH_SIZE) != ARGON2_OK)
		return GH_EIO;
	return 0;
}

const struct gh_password_scheme gh_password_argon2id = {
	.name = "argon2id",
	.claims = claims,
	.check = check,
	.verify = verify,
	.make = make,
};
