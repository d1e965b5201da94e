/* SPDX-License-Identifier: Apache-2.0 */
/* What password.c asks of each family of hashes. */
#ifndef GH_LIB_PASSWORD_PRIV_H
#define GH_LIB_PASSWORD_PRIV_H

#include <gatehouse/lib.h>

/* Largest cost that is computed: what is above is refused when the hash is read. */
#define GH_PASSWORD_MEMORY_MAX (256u << 20) /* bytes */
#define GH_PASSWORD_ROUNDS_MAX 2000000u     /* of SHA-512 */

struct gh_password_scheme {
	const char *name;
	/* Of this kind by its shape; hash is terminated and shorter than GH_PASSWORD_HASH_SIZE
	 * everywhere here. */
	bool (*claims)(const char *hash);
	/* NULL: valid, with *weak_r set; else what is wrong, constant. Only of what it claims. */
	const char *(*check)(const char *hash, bool *weak_r);
	/* Only of what passed check. */
	enum gh_password_result (*verify)(const char *hash, struct gh_bytes password);
	/* Why this password can't have such a hash, constant; NULL: it can. NULL function: nothing
	 * is refused. */
	const char *(*unfit)(struct gh_bytes password);
	/* 0 or GH_EIO; of a password that fits. NULL function: such hashes are only read. */
	int (*make)(struct gh_bytes password, char hash_r[GH_PASSWORD_HASH_SIZE]);
};

extern const struct gh_password_scheme gh_password_yescrypt, gh_password_argon2id,
	gh_password_bcrypt, gh_password_sha512crypt, gh_password_mosquitto_sha512,
	gh_password_mosquitto_pbkdf2;

/* A number in decimal without sign or leading zeros, at most `max`; *at is behind it then. */
bool gh_password_number(const char **at, uint32_t max, uint32_t *number_r);

/* The length of the run of characters of the alphabet that *at begins with; *at is behind it
 * then. */
size_t gh_password_run(const char **at, const char *alphabet);

#define GH_PASSWORD_ALNUM  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define GH_PASSWORD_BASE64 GH_PASSWORD_ALNUM "+/"
#define GH_PASSWORD_ITOA64 GH_PASSWORD_ALNUM "./"

#endif
