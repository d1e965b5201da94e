/* SPDX-License-Identifier: Apache-2.0 */
/* What modules share beside the ABI: a static library, linked into modules and the broker. */
#ifndef GATEHOUSE_LIB_H
#define GATEHOUSE_LIB_H

#include <gatehouse/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- topic names and filters (MQTT 5 section 4.7; older versions say the same) ----------------- */
/*
 * All are pure, allocate nothing, read each byte a bounded number of times and don't recurse. They
 * look at levels and wildcards only: that the text is UTF-8 is checked where it comes in. Levels may
 * be empty ("a//b" has three).
 */

/* May be published to: 1 to 65,535 bytes without '+', '#' and NUL
 * [MQTT-4.7.0-1, 4.7.1-1, 4.7.3-1, -2, -3]. */
bool gh_topic_name_valid(struct gh_str topic);

/* May be subscribed to: 1 to 65,535 bytes, '+' and '#' alone in their level, '#' only as the last
 * level, no NUL. Says nothing of $share: valid here like any other filter that begins with '$'. */
bool gh_topic_filter_valid(struct gh_str filter);

/* The three below want arguments that have passed the checks above. A wildcard in the first level
 * matches no topic that begins with '$' [MQTT-4.7.2-1]; "a/#" matches "a" too. */

/* filter matches topic. */
bool gh_topic_match(struct gh_str filter, struct gh_str topic);

/* Every topic that `requested` matches is matched by filter too: "a/#" covers "a/+" and "a", "+"
 * doesn't cover "#", "#" doesn't cover "$SYS/#". */
bool gh_topic_covers(struct gh_str filter, struct gh_str requested);

/* There is a topic that both filters match. Covering implies it. */
bool gh_topic_overlaps(struct gh_str filter, struct gh_str other);

/* Walks levels: takes the first one off *rest. False when there is none left (rest->p is NULL
 * then): "a/" gives "a", "" and ends. Start with a name or filter that isn't empty. */
bool gh_topic_level(struct gh_str *rest, struct gh_str *level_r);

/* ---- MQTT 5 properties ------------------------------------------------------------------------ */

enum gh_property_id {
	GH_PROPERTY_PAYLOAD_FORMAT = 0x01,
	GH_PROPERTY_MESSAGE_EXPIRY = 0x02,
	GH_PROPERTY_CONTENT_TYPE = 0x03,
	GH_PROPERTY_RESPONSE_TOPIC = 0x08,
	GH_PROPERTY_CORRELATION_DATA = 0x09,
	GH_PROPERTY_SUBSCRIPTION_ID = 0x0B,
	GH_PROPERTY_SESSION_EXPIRY = 0x11,
	GH_PROPERTY_ASSIGNED_CLIENT_ID = 0x12,
	GH_PROPERTY_SERVER_KEEP_ALIVE = 0x13,
	GH_PROPERTY_AUTH_METHOD = 0x15,
	GH_PROPERTY_AUTH_DATA = 0x16,
	GH_PROPERTY_REQUEST_PROBLEM_INFO = 0x17,
	GH_PROPERTY_WILL_DELAY = 0x18,
	GH_PROPERTY_REQUEST_RESPONSE_INFO = 0x19,
	GH_PROPERTY_RESPONSE_INFO = 0x1A,
	GH_PROPERTY_SERVER_REFERENCE = 0x1C,
	GH_PROPERTY_REASON_STRING = 0x1F,
	GH_PROPERTY_RECEIVE_MAXIMUM = 0x21,
	GH_PROPERTY_TOPIC_ALIAS_MAXIMUM = 0x22,
	GH_PROPERTY_TOPIC_ALIAS = 0x23,
	GH_PROPERTY_MAXIMUM_QOS = 0x24,
	GH_PROPERTY_RETAIN_AVAILABLE = 0x25,
	GH_PROPERTY_USER = 0x26,
	GH_PROPERTY_MAXIMUM_PACKET_SIZE = 0x27,
	GH_PROPERTY_WILDCARD_AVAILABLE = 0x28,
	GH_PROPERTY_SUBSCRIPTION_ID_AVAILABLE = 0x29,
	GH_PROPERTY_SHARED_AVAILABLE = 0x2A
};

/* How a property's value is encoded [MQTT5 2.2.2.2]. */
enum gh_property_type {
	GH_PROPERTY_BYTE = 1, /* number, 0 to 255 */
	GH_PROPERTY_U16,      /* number */
	GH_PROPERTY_U32,      /* number */
	GH_PROPERTY_VARINT,   /* number, 0 to 268,435,455, in the least number of bytes */
	GH_PROPERTY_BINARY,   /* value */
	GH_PROPERTY_STRING,   /* value: text */
	GH_PROPERTY_PAIR      /* name and value: text */
};

/* One property. Views point into what is walked. What the type doesn't have is 0. */
struct gh_property {
	uint8_t id;   /* enum gh_property_id */
	uint8_t type; /* enum gh_property_type */
	uint32_t number;
	struct gh_str name;
	struct gh_bytes value;
};

/* Takes the first property off *rest (raw properties, without their length: `properties` of the
 * hooks' arguments). 1: got one; 0: none left; GH_EINVAL: unknown identifier or cut short, nothing
 * taken. What a hook is given has been checked and never gives GH_EINVAL. Strings aren't checked for
 * UTF-8 here. */
int gh_property_next(struct gh_bytes *rest, struct gh_property *property_r);

/* ---- secrets --------------------------------------------------------------------------------- */

/* The same n bytes; the time tells n only. */
bool gh_equal(const void *a, const void *b, size_t n);

/* Overwrites with zeros; no compiler leaves it out. NULL with n 0 is fine. */
void gh_wipe(void *p, size_t n);

/*
 * Opens a file that holds secrets, for reading. A relative path starts at the working directory.
 * Refused, with `why` for people (mode, owner and the command that mends it): what isn't a regular
 * file, what others may read, write or execute or its group may write, what belongs neither to root
 * nor to us; and a path with a symbolic link on it unless the link and every directory on the way
 * are root's or ours and nobody else may write there. Blocks on the file system.
 */
struct gh_secret_file {
	int fd;         /* the file; -1: absent (GH_SECRET_ABSENT) */
	int directory;  /* O_PATH: where it really is, so that it can be replaced by renameat() */
	char name[256]; /* in that directory, never a symbolic link */
};
#define GH_SECRET_ANY_OWNER 0x1u /* whose it is doesn't matter */
#define GH_SECRET_ANY_MODE 0x2u  /* nor who may read it */
#define GH_SECRET_ABSENT 0x4u    /* that there is no file is no error */
/* 0, GH_ENOENT (there is none), GH_EINVAL (refused) or GH_EIO. */
int gh_secret_open(const char *path, unsigned flags, struct gh_secret_file *file_r, char *why,
		   size_t why_size);
void gh_secret_close(struct gh_secret_file *file);

/* ---- passwords: libgatehouse-password -------------------------------------------------------- */
/*
 * A hash is text that begins with '$' and tells how it was made:
 *   yescrypt         $y$j9T$SALT$HASH                        crypt(5); $gy$ is read too
 *   argon2id         $argon2id$v=19$m=19456,t=2,p=1$SALT$HASH
 *   bcrypt           $2b$12$SALTHASH                         crypt(5); $2a$ and $2y$ are read too
 *   sha512crypt      $6$rounds=200000$SALT$HASH              crypt(5)
 *   mosquitto-sha512 $6$SALT$HASH                            read only; HASH ends with "=="
 *   mosquitto-pbkdf2 $7$ITERATIONS$SALT$HASH                 read only; likewise
 * A password is bytes and is compared whole: what a kind can't take (crypt(5): a NUL or more than
 * 511 bytes; bcrypt: more than 72) never matches it, after the same work. Any thread; nothing is
 * kept. Takes 50 to 500 ms and up to 256 MiB: the bounds beyond which a hash is refused instead of
 * computed are in gatehouse-auth-file(5).
 */
enum gh_password_kind {
	GH_PASSWORD_YESCRYPT = 1,
	GH_PASSWORD_ARGON2ID,
	GH_PASSWORD_BCRYPT,
	GH_PASSWORD_SHA512CRYPT,
	GH_PASSWORD_MOSQUITTO_SHA512,
	GH_PASSWORD_MOSQUITTO_PBKDF2
};
enum gh_password_result {
	GH_PASSWORD_RIGHT = 1,
	GH_PASSWORD_WRONG,
	GH_PASSWORD_FAILED /* no memory, or not a valid hash: neither right nor wrong is known */
};
/* What holds every valid hash and its NUL. */
#define GH_PASSWORD_HASH_SIZE 256

/* The kind of a valid hash; 0 with a constant text in *problem_r: what was found and what is
 * expected. The text never repeats the hash, which may be a password in plain text. */
enum gh_password_kind gh_password_check(struct gh_str hash, const char **problem_r);

/* "yescrypt"; and back, for the kinds that gh_password_make() makes: 0 for any other text. */
const char *gh_password_kind_name(enum gh_password_kind kind);
enum gh_password_kind gh_password_kind_named(const char *name);

/* password.p NULL: none was given, which is wrong, after the same work. */
enum gh_password_result gh_password_verify(const char *hash, struct gh_bytes password);

/* The work of gh_password_verify() for nothing: what an unknown user costs. hash NULL: as if of the
 * default kind. */
void gh_password_dummy(const char *hash, struct gh_bytes password);

/* Which of `count` (1 or more) hashes an unknown name is tried against: always the same one for a
 * name and a key, and for all names together each as often as the others: so the time tells nothing
 * of a file with hashes of several kinds. */
size_t gh_password_decoy(const uint8_t key[16], struct gh_str name, size_t count);

/* A valid hash that costs an attacker less than it should today: make a new one when the password
 * is at hand. */
bool gh_password_weak(const char *hash);

/* A new hash with a fresh salt; GH_EINVAL with *problem_r (constant): the kind can't take this
 * password; GH_EIO: failed. */
int gh_password_make(enum gh_password_kind kind, struct gh_bytes password,
		     char hash_r[GH_PASSWORD_HASH_SIZE], const char **problem_r);

/* ---- the policy for new passwords: libgatehouse-policy --------------------------------------- */
/*
 * The one policy, asked by every command that sets a password. With libpwquality: its checks of
 * length, classes, user name and dictionary, from our defaults (minlen 10, minclass 2) changed by
 * `conf` (NULL: /etc/security/pwquality.conf). Without: at least 12 bytes, and neither the user
 * name in it nor it in the user name. Names of fewer than 3 bytes aren't looked for. One thread.
 */
/* 0; or GH_EINVAL with `why` for people: refused; or GH_EIO: `conf` can't be read. why never
 * repeats the password. */
int gh_password_policy(const char *user, struct gh_bytes password, const char *conf, char *why,
		       size_t why_size);

/* One line for people: what is asked of a new password. 0 or GH_EIO. */
int gh_password_policy_text(const char *conf, char *text_r, size_t size);

/* What isn't asked because something isn't installed, constant; NULL: nothing is missing. */
const char *gh_password_policy_gap(const char *conf);

/* ---- substitution ---------------------------------------------------------------------------- */
/*
 * Text with {clientid}, {username}, {group} and {attr:NAME} in it, "{{" being a brace: parsed once,
 * expanded for each client. What a client brings never becomes structure: a template has no
 * expansion at all (it matches nothing) where a value is absent, empty, contains '+', '#', '/' or
 * NUL, or begins with '$' at the very beginning of the text. Immutable once parsed: any thread.
 */
struct gh_template;
#define GH_USES_CLIENT_ID 0x1u
#define GH_USES_USERNAME 0x2u
#define GH_USES_GROUP 0x4u
#define GH_USES_ATTRIBUTE 0x8u
/* What to expand for. A NULL is absent. {group} stands for one group: a caller whose client has
 * several expands for each. */
struct gh_template_values {
	const char *client_id, *username, *group;
	const struct gh_pair *attributes;
	size_t attribute_count;
};

/* 0; or GH_EINVAL with the offset in text and a constant text of what is expected there. */
int gh_template_parse(struct gh_str text, struct gh_template **template_r, size_t *at_r,
		      const char **problem_r);
void gh_template_free(struct gh_template **tmpl);

/* GH_USES_ bits; 0: plain text. */
unsigned gh_template_uses(const struct gh_template *tmpl);

/* The expansion, not terminated, in out[0 .. *n_r); false: there is none, or it doesn't fit in
 * `size`. */
bool gh_template_expand(const struct gh_template *tmpl, const struct gh_template_values *values,
			char *out, size_t size, size_t *n_r);

#ifdef __cplusplus
}
#endif
#endif
